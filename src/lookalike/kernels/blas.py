"""Linear algebra of small matrices.

BLAS hands a product to as many threads as there are cores, and they wait for each other by spinning: on a busy machine thousands of
tiny least squares then take minutes of wall time for seconds of work.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Numpy's linear algebra on one thread inside the block, whatever the environment says."""
    limits: AbstractContextManager[Any] = _libraries(scipy="scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")
    return limits


@cache
def _libraries(*, scipy: bool) -> Any:  # noqa: ARG001  # it brings a BLAS of its own
    """The libraries that are loaded: to look for them takes 4 ms, more than a small sample."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
