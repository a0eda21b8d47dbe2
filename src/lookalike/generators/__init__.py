"""Makers of columns: they keep the rows and add one column, one kind a file.

base        the contract: `Generator` for what is computed, `ModelColumn` for cells that take model calls
draws       what samplers share; `weighted`, `spans`, `pools`, `regexes` likewise
templates   text from a row; `asking` one checked answer of a model, `reading` what its text is worth
text/       what makes training data of texts and of language models
"""

from __future__ import annotations

from lookalike.generators.text import KINDS as TEXT

KINDS: dict[str, str] = {
    **TEXT,
    "address": "lookalike.generators.address:Address",
    "bernoulli": "lookalike.generators.bernoulli:Bernoulli",
    "binomial": "lookalike.generators.binomial:Binomial",
    "category": "lookalike.generators.category:Category",
    "company": "lookalike.generators.company:Company",
    "constant": "lookalike.generators.constant:Constant",
    "datetime": "lookalike.generators.datetimes:Datetime",
    "embed": "lookalike.generators.embed:Embed",
    "exponential": "lookalike.generators.exponential:Exponential",
    "expression": "lookalike.generators.expression:Expression",
    "function": "lookalike.generators.function:Function",
    "integer": "lookalike.generators.integer:Integer",
    "judge": "lookalike.generators.judge:Judge",
    "lognormal": "lookalike.generators.lognormal:Lognormal",
    "lookup": "lookalike.generators.lookup:Lookup",
    "mixture": "lookalike.generators.mixture:Mixture",
    "normal": "lookalike.generators.normal:Normal",
    "pattern": "lookalike.generators.pattern:Pattern",
    "person": "lookalike.generators.person:Person",
    "poisson": "lookalike.generators.poisson:Poisson",
    "prompt": "lookalike.generators.prompt:Prompt",
    "scipy": "lookalike.generators.scipy_distribution:Scipy",
    "sequence": "lookalike.generators.sequence:Sequence",
    "subcategory": "lookalike.generators.subcategory:Subcategory",
    "template": "lookalike.generators.template:TemplateColumn",
    "timedelta": "lookalike.generators.timedeltas:Timedelta",
    "uniform": "lookalike.generators.uniform:Uniform",
    "uuid": "lookalike.generators.uuids:Uuid",
    "validate": "lookalike.generators.validate:Validate",
    "validate_remote": "lookalike.generators.validate_remote:ValidateRemote",
}
