"""Kernels: what they compute, what they refuse, and that their machine code is kept."""

import math
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from lookalike.kernels import native
from lookalike.kernels.native import kernel, part


@part()
def _square(x: float) -> float:
    return x * x


@kernel("f4:2 i8 f8 f8:1")
def _row_norms(rows, first, scale, out):
    """Squared lengths of rows from the first on."""
    for i in range(first, rows.shape[0]):
        for j in range(rows.shape[1]):
            out[i] += _square(rows[i, j]) * scale


def test_a_kernel_computes_what_its_function_does():
    """Arrays of two types and dimensions, an integer and a float arrive as they are; the function itself is kept for reading."""
    rows = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    fast, slow = np.zeros(20), np.zeros(20)
    _row_norms(rows, 2, 0.5, fast)
    _row_norms.function(rows, 2, 0.5, slow)
    assert fast == pytest.approx(slow, rel=1e-6)
    assert fast[:2].tolist() == [0, 0]
    assert _row_norms.__doc__ == "Squared lengths of rows from the first on."


@pytest.mark.parametrize(
    "rows",
    [np.zeros((4, 3)), np.zeros(4, dtype=np.float32), np.zeros((3, 4), dtype=np.float32).T],
    ids=["type", "shape", "order"],
)
def test_other_arrays_are_refused(rows):
    """Machine code reads addresses: another type, another number of dimensions or a transposed array is an error before it runs."""
    with pytest.raises(TypeError, match="contiguous arrays of float32 in 2 dimensions"):
        _row_norms(rows, 0, 1.0, np.zeros(4))
    with pytest.raises(TypeError, match="takes 4 arguments, 1"):
        _row_norms(rows)


@kernel("f8:1 f8:1")
def _errors(x, out):
    """What machine code alone cannot compute: the error function is numba's own."""
    for i in range(x.shape[0]):
        out[i] = math.erf(x[i])


def test_what_is_not_plain_machine_code_is_run_by_numba():
    """Where the machine code is not what is known here, numba calls it: the same numbers."""
    compiled = _errors._for(())
    with pytest.raises(native.UnknownCalls, match="erf"):
        compiled._compiled()
    x, out = np.array([-1.0, 0.0, 2.0]), np.empty(3)
    _errors(x, out)
    assert out == pytest.approx([math.erf(value) for value in x])


@kernel("u2/i4:1 i8:1")
def _total(codes, out):
    """The sum of codes of either width."""
    for i in range(codes.shape[0]):
        out[0] += codes[i]


def test_an_argument_may_have_one_of_several_types():
    """Each type has machine code of its own; another one is refused with all that would do."""
    for kind in (np.uint16, np.int32):
        out = np.zeros(1, np.int64)
        _total(np.array([1, 2, 40_000], kind), out)
        assert out[0] == 40_003
    with pytest.raises(TypeError, match="arrays of uint16 or int32"):
        _total(np.zeros(3), np.zeros(1, np.int64))


PROGRAM = """
    import sys
    import numpy as np
    from lookalike.evaluate.privacy.neighbors import nearest
    points = np.array([[0, 1, 5]], dtype=np.float32)
    assert nearest(points, points, k=2)[1].tolist() == [[0, 1], [1, 0], [2, 0]]
    print("compiled" if "numba" in sys.modules else "loaded")
"""


def _run(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_machine_code_is_compiled_once_and_half_a_file_is_not_run(tmp_path):
    """The second process does not import numba; one that finds a damaged file compiles again and mends it."""
    folder = tmp_path / "cache"
    assert _run(NUMBA_CACHE_DIR=str(folder)) == "compiled"
    assert _run(NUMBA_CACHE_DIR=str(folder)) == "loaded"
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert _run(NUMBA_CACHE_DIR=str(folder)) == "compiled"
    assert _run(NUMBA_CACHE_DIR=str(folder)) == "loaded"


@pytest.mark.slow
def test_without_a_place_for_it_the_kernel_still_runs(tmp_path):
    """A cache that cannot be written costs time, no more."""
    (tmp_path / "file").write_text("in the way")
    assert _run(NUMBA_CACHE_DIR=str(tmp_path / "file" / "cache")) == "compiled"
