"""`assert_dataset` in tests."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.testing.metrics import example
from lookalike.testing.pytest_plugin import assert_dataset


def test_a_good_dataset_passes(tmp_path):
    """Fresh rows of the population pass, from tables and from files; the report comes back."""
    for name, seed in (("real", 0), ("made", 1)):
        pq.write_table(example(2000, seed), tmp_path / f"{name}.parquet")
    report = assert_dataset(tmp_path / "made.parquet").against(tmp_path / "real.parquet", only="statistics").passes()
    assert report["marginals"].value > 0.9
    assert_dataset(example(2000, 1)).against(example(2000, 0)).has("marginals", at_least=0.9).has(
        "pairs.coverage", at_least=0.8
    )


def test_a_bad_dataset_fails_with_reasons():
    """What does not hold is listed with its number."""
    real = example(2000, 0)
    draw = np.random.default_rng(0)
    mixed = pa.table({n: real[n].take(pa.array(draw.permutation(2000))) for n in real.column_names})
    with pytest.raises(AssertionError, match="fail: dependence is"):
        assert_dataset(mixed).against(real, only="statistics").passes()
    with pytest.raises(AssertionError, match=r"pairs is .* needs at least"):
        assert_dataset(mixed).against(real).has("pairs", at_least=0.999)


def test_nothing_to_compare_with():
    """A claim without real data is a usage error."""
    with pytest.raises(pytest.UsageError, match="against"):
        assert_dataset(example()).passes()
