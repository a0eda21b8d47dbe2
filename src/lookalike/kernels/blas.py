"""Linear algebra of small matrices.

BLAS hands a product to as many threads as there are cores, and they wait for each other by spinning: on a busy machine thousands of
tiny least squares then take minutes of wall time for seconds of work.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Numpy's linear algebra on one thread inside the block, whatever the environment says."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits
