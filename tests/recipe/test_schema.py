"""The JSON Schema for editors accepts good recipes and rejects bad ones."""

from functools import cache

import jsonschema_rs
import pytest
import yaml

from lookalike.packs import pack_recipe, packs, tasks
from lookalike.recipe import document
from lookalike.recipe.schema import json_schema
from lookalike.registry import kinds


@cache
def validator():
    return jsonschema_rs.validator_for(json_schema())


def data(text):
    return document.parse(text, "x").data


def test_every_pack_recipe_is_accepted():
    """What the library ships, editors accept."""
    for pack in packs():
        for task in tasks(pack):
            errors = [f"{e.instance_path}: {e.message[:200]}" for e in validator().iter_errors(data(pack_recipe(pack, task)))]
            assert not errors, (task, errors)


GOOD = """\
lookalike: 1
name: r
parameters: {n: 3}
sources: {s: {kind: file, path: a.csv}}
tables:
  a: {rows: 3, columns: {c: {kind: category, values: {x: 1, y: 2}}}}
  b: {rows: $(n), columns: {c: {kind: integer, low: $(n), high: 9, hidden: true}}}
  c: {rows: {from: s}, columns: {c: {kind: normal, mean: 0, sd: 1}}, keep: ["c > 0"]}
  d: {rows: {per: a, count: {kind: poisson, mean: 3}}}
  e: {rows: {grid: {x: [1, 2], y: [a, b]}, strength: 2}}
  f: {rows: {like: s, n: 5, synthesizer: independent}}
budget: {usd: 5}
"""


def test_each_form_of_rows_is_accepted():
    """Numbers, parameters, learned and real rows, children, designs."""
    errors = [f"{e.instance_path}: {e.message[:300]}" for e in validator().iter_errors(data(GOOD))]
    assert not errors


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind: category", "kind: categry"),
        ("values: {x: 1, y: 2}", "valus: {x: 1}"),
        ("name: r", "nam: r"),
        ("budget: {usd: 5}", "budget: {eur: 5}"),
        ("low: $(n)", "low: one"),
        ("rows: 3", "rows: -3"),
        ("lookalike: 1", "lookalike: 2"),
        ("keep:", "kep:"),
        ("path: a.csv", "paht: a.csv"),
    ],
)
def test_mistakes_are_rejected(old, new):
    """Unknown kinds and keys, wrong types and bounds are marked while typing."""
    assert old in GOOD
    assert not validator().is_valid(yaml.load(GOOD.replace(old, new, 1), document.Loader))


def test_every_kind_is_in_the_schema():
    """An editor offers each registered generator, step, source, model and synthesizer."""
    text = str(json_schema())
    for group in ("generator", "step", "source", "model", "synthesizer"):
        for kind in kinds(group):
            assert f"{{'const': '{kind}'}}" in text, kind
