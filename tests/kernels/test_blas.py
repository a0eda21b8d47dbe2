"""Small linear algebra runs on one thread, whatever the environment says."""

from typing import Any

import numpy as np
import pyarrow as pa
import threadpoolctl

from lookalike.kernels.blas import one_thread
from lookalike.synthesizers.methods.independent import Independent


def _threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_holds_inside_the_block_alone():
    """Whatever the process may use before is what it may use afterwards."""
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        assert np.linalg.norm(np.eye(3)) > 0
        with one_thread():
            assert _threads() == {1}
        assert _threads() == {2}


class Counting(Independent):
    """Notes how many threads its fit and its sample may use."""

    seen: list[set[int]] = []  # noqa: RUF012  # a field of a Spec

    def _fit(self, *arguments: Any) -> None:
        self.seen.append(_threads())
        super()._fit(*arguments)

    def _sample(self, *arguments: Any) -> pa.Table:
        self.seen.append(_threads())
        return super()._sample(*arguments)


def test_synthesizers_learn_and_draw_on_one_thread():
    """A user sets no variable: `fit` and `sample` see to it themselves."""
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        model = Counting().fit(pa.table({"x": [1.0, 2.0, 3.0]}))
        model.sample(3)
    assert model.seen == [{1}, {1}]
