"""Agreement with anonymeter, the reference implementation of the three risks, on the same data.

anonymeter pins an older numpy, so it lives in an environment of its own; without it these tests are skipped.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.views import Views
from lookalike.registry import resolve

anonymeter = pytest.importorskip("anonymeter")

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module", params=[0.0, 0.1, 0.4])
def tables(request, train, holdout, fresh):
    """Training data, holdout, and a release in which a share of the rows is copied."""
    k = round(request.param * fresh.num_rows)
    rows = train.take(pa.array(np.random.default_rng(0).choice(train.num_rows, k, replace=False)))
    return train, holdout, pa.concat_tables([rows, fresh.slice(k)])


def frames(tables):
    return [table.to_pandas() for table in tables]


def overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def results(kind, tables, **fields):
    train, holdout, release = tables
    return {
        r.name if not r.subject else (r.name, r.subject): r
        for r in resolve("metric", kind)(**fields).compute(Views(train, release, holdout))
    }


@pytest.mark.parametrize(("mode", "about"), [("univariate", "one column"), ("multivariate", "several columns")])
def test_singling_out_agrees(tables, mode, about):
    """The intervals of both modes overlap."""
    from anonymeter.evaluators import SinglingOutEvaluator

    ori, control, syn = frames(tables)
    theirs = SinglingOutEvaluator(ori=ori, syn=syn, control=control, n_attacks=1000, n_cols=4, seed=0)
    theirs.evaluate(mode=mode)
    own = results("singling_out", tables)[(f"singling_out.{about.replace(' ', '_')}", about)]
    assert overlap(theirs.risk().ci, own.interval)


def test_linkability_agrees(tables):
    """The intervals overlap for the same split of the columns."""
    from anonymeter.evaluators import LinkabilityEvaluator

    sides = (["age", "job", "hours", "pay"], ["town", "sex", "married", "children"])
    ori, control, syn = frames(tables)
    theirs = LinkabilityEvaluator(ori=ori, syn=syn, control=control, n_attacks=1500, aux_cols=sides, n_neighbors=10)
    theirs.evaluate(n_jobs=1)
    own = results("linkability", tables, left=tuple(sides[0]), right=tuple(sides[1]), attacks=1500)["linkability"]
    assert overlap(theirs.risk().ci, own.interval)


@pytest.mark.parametrize(("secret", "number"), [("job", False), ("pay", True), ("married", False)])
def test_attribute_inference_agrees(tables, secret, number):
    """The intervals overlap for categories and numbers as secrets."""
    from anonymeter.evaluators import InferenceEvaluator

    ori, control, syn = frames(tables)
    known = [c for c in ori.columns if c != secret]
    theirs = InferenceEvaluator(
        ori=ori, syn=syn, control=control, aux_cols=known, secret=secret, n_attacks=1500, regression=number
    )
    theirs.evaluate(n_jobs=1)
    own = results("attribute_inference", tables, attacks=1500)[("attribute_inference.secret", secret)]
    assert overlap(theirs.risk().ci, own.interval)
