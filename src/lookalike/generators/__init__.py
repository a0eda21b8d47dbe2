"""generators."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "bernoulli": "lookalike.generators.bernoulli:Bernoulli",
    "binomial": "lookalike.generators.binomial:Binomial",
    "category": "lookalike.generators.category:Category",
    "constant": "lookalike.generators.constant:Constant",
    "datetime": "lookalike.generators.datetimes:Datetime",
    "embed": "lookalike.generators.embed:Embed",
    "exponential": "lookalike.generators.exponential:Exponential",
    "expression": "lookalike.generators.expression:Expression",
    "integer": "lookalike.generators.integer:Integer",
    "judge": "lookalike.generators.judge:Judge",
    "lognormal": "lookalike.generators.lognormal:Lognormal",
    "mixture": "lookalike.generators.mixture:Mixture",
    "normal": "lookalike.generators.normal:Normal",
    "pattern": "lookalike.generators.pattern:Pattern",
    "poisson": "lookalike.generators.poisson:Poisson",
    "prompt": "lookalike.generators.prompt:Prompt",
    "scipy": "lookalike.generators.scipy_distribution:Scipy",
    "sequence": "lookalike.generators.sequence:Sequence",
    "subcategory": "lookalike.generators.subcategory:Subcategory",
    "template": "lookalike.generators.template:TemplateColumn",
    "timedelta": "lookalike.generators.timedeltas:Timedelta",
    "uniform": "lookalike.generators.uniform:Uniform",
    "uuid": "lookalike.generators.uuids:Uuid",
}
