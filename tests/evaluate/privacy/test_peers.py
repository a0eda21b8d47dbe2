"""Agreement with anonymeter, the reference implementation of the three risks, on the same data.

anonymeter pins an older numpy, so it runs in an environment of its own, which `anonymeter_peer.py --make` creates; without it
these tests are skipped and say so.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.evaluate.views import Views
from lookalike.registry import resolve

SCRIPT = Path(__file__).with_name("anonymeter_peer.py")
SIDES = (["age", "job", "hours", "pay"], ["town", "sex", "married", "children"])

pytestmark = [pytest.mark.peer, pytest.mark.slow]


def interpreter() -> Path:
    """The environment's Python, as the script itself finds it."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("anonymeter_peer", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.interpreter()


@pytest.fixture(scope="module", params=[0.0, 0.1, 0.4])
def both(request, train, holdout, fresh, tmp_path_factory):
    """A release in which a share of the rows is copied: anonymeter's intervals, and the views that ours are computed on."""
    python = interpreter()
    if not python.exists():
        pytest.skip(f"no {python}: run python {SCRIPT.name} --make once")
    k = round(request.param * fresh.num_rows)
    rows = train.take(pa.array(np.random.default_rng(0).choice(train.num_rows, k, replace=False)))
    release = pa.concat_tables([rows, fresh.slice(k)])
    folder = tmp_path_factory.mktemp("peer")
    paths = []
    for name, table in (("original", train), ("release", release), ("control", holdout)):
        paths.append(str(folder / f"{name}.parquet"))
        pq.write_table(table, paths[-1])
    done = subprocess.run([str(python), str(SCRIPT), *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout), Views(train, release, holdout)


def overlap(a, b) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def own(kind, views, **fields):
    return {(r.name, r.subject): r.interval for r in resolve("metric", kind)(**fields).compute(views)}


def test_the_three_risks_agree(both):
    """The intervals of every attack overlap: singling out in both modes, linkability for one split, inference of three secrets."""
    theirs, views = both
    single = own("singling_out", views)
    link = own("linkability", views, left=tuple(SIDES[0]), right=tuple(SIDES[1]), attacks=1500)
    guess = own("attribute_inference", views, attacks=1500)
    ours = {
        "univariate": single["singling_out.one_column", "one column"],
        "multivariate": single["singling_out.several_columns", "several columns"],
        "linkability": link["linkability", ""],
        **{name: guess["attribute_inference.secret", name] for name in ("job", "pay", "married")},
    }
    apart = {name: (theirs[name], ours[name]) for name in ours if not overlap(theirs[name], ours[name])}
    assert apart == {}
