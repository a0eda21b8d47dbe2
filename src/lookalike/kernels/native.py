"""Kernels that are ready in a hundredth of a second: numba compiles them once, and LLVM alone loads them ever after.

    @kernel --> machine code in the cache? --> llvmlite links it --> called with addresses, shapes and strides
                  no: numba compiles it, and it is kept

numba itself takes a quarter of a second to import, and .4 more to load its first cached function: it registers everything that it
could compile, and imports SciPy's linear algebra for it. A kernel that allocates nothing, raises nothing and returns nothing is plain
machine code and needs none of that; results go into arrays that the caller gives. How numba calls its functions is its own affair: a
version that does it otherwise is noticed when it compiles, and then calls them itself, at the price of its import.
"""

from __future__ import annotations

import ctypes
import hashlib
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from lookalike.kernels.cache import folders

_LOCK = threading.RLock()
_BARE = {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
}  # no way in from Python, which would need numba to be there
_ROOM = ctypes.create_string_buffer(16)
_NOWHERE = ctypes.addressof(_ROOM)  # where None, and an exception that cannot be, are written
_PARTS: dict[Callable[..., Any], bool] = {}  # functions that kernels call, and whether their sums may be reordered

F = TypeVar("F", bound=Callable[..., Any])


def part(*, fastmath: bool = False) -> Callable[[F], F]:
    """Mark a function that kernels call; what kernels must keep to, it must too."""

    def mark(function: F) -> F:
        _PARTS[function] = fastmath
        return function

    return mark


def kernel(signature: str) -> Callable[[Callable[..., None]], Kernel]:
    """Make a function a kernel.

    Args:
        signature: the types of its arguments: "i8" and "f8" are numbers, "f4:2" is a C-contiguous array of two dimensions, "u2/i4:1"
            one of either type, for each of which there is machine code of its own.
    """
    return lambda function: Kernel(function, signature)


class UnknownCalls(Exception):  # not an error: numba's own way is taken
    """This numba compiles or calls functions in another way than the one that is known here."""


class Kernel:
    """A compiled function of arrays and numbers that writes its results into its arguments.

    Attributes:
        function: the same in Python, for tests and for reading.
    """

    def __init__(self, function: Callable[..., None], signature: str) -> None:
        self.function, self.__doc__ = function, function.__doc__
        words = [word.partition(":") for word in signature.split()]
        self._kinds = [(tuple(np.dtype(name) for name in names.split("/")), int(size or 0)) for names, _, size in words]
        self._open = [place for place, (kinds, _) in enumerate(self._kinds) if len(kinds) > 1]
        self._made: dict[tuple[np.dtype[Any], ...], _Compiled] = {}

    def __call__(self, *arguments: Any) -> None:
        """Run it, without Python's lock.

        Raises:
            TypeError: an argument is not of the declared type, or not contiguous.
        """
        if len(arguments) != len(self._kinds):
            raise TypeError(f"{self.function.__name__} takes {len(self._kinds)} arguments, {len(arguments)} were given")
        plain = []
        for value, (kinds, dimensions) in zip(arguments, self._kinds, strict=True):
            if not dimensions:
                plain.append(float(value) if kinds[0].kind == "f" else int(value))
                continue
            if value.dtype not in kinds or value.ndim != dimensions or not value.flags.c_contiguous:
                raise TypeError(
                    f"{self.function.__name__} takes contiguous arrays of {' or '.join(map(str, kinds))} in {dimensions} dimensions, "
                    f"not {value.dtype} {value.shape}"
                )
            plain.append(value)
        self._for(tuple(arguments[place].dtype for place in self._open)).run(*plain)

    def _for(self, chosen: tuple[np.dtype[Any], ...]) -> _Compiled:
        """The machine code for the types of the arguments that may have several."""
        made = self._made.get(chosen)
        if made is None:
            which = dict(zip(self._open, chosen, strict=True))
            kinds = [(which.get(place, kinds[0]), size) for place, (kinds, size) in enumerate(self._kinds)]
            made = self._made.setdefault(chosen, _Compiled(self.function, kinds))
        return made

    def kept(self) -> bool:
        """Whether its machine code was made before, on this machine and for the first of each argument's types."""
        return self._for(tuple(self._kinds[place][0][0] for place in self._open)).kept() is not None


class _Compiled:
    """One function for arguments of given types."""

    def __init__(self, function: Callable[..., None], kinds: list[tuple[np.dtype[Any], int]]) -> None:
        self.function, self._kinds = function, kinds
        self._run: Callable[..., Any] | None = None

    def run(self, *arguments: Any) -> None:
        """Run it; the first time it is loaded, or compiled."""
        (self._run or self._ready())(*arguments)

    def _ready(self) -> Callable[..., Any]:
        with _LOCK:
            run = self._run
            if run is None:
                try:
                    run = self._linked(*(self.kept() or self._compiled()))
                except UnknownCalls:
                    run = self._dispatcher()
                self._run = run
            return run

    def _linked(self, name: str, code: bytes) -> Callable[..., Any]:
        """Machine code as a function of arrays and numbers."""
        entry = self._type()(_link(code, name))

        def run(*arguments: Any) -> None:
            flat: list[Any] = [_NOWHERE, _NOWHERE]
            for value in arguments:
                if isinstance(value, np.ndarray):
                    flat += [
                        None,
                        None,
                        value.size,
                        value.itemsize,
                        value.__array_interface__["data"][0],
                        *value.shape,
                        *value.strides,
                    ]
                else:
                    flat.append(value)
            entry(*flat)

        return run

    def _type(self) -> Any:
        """How numba's compiled functions are called: two pointers, then each array as seven kinds of fields."""
        fields: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
        for kind, dimensions in self._kinds:
            if dimensions:
                fields += [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
                fields += [ctypes.c_int64] * (2 * dimensions)
            else:
                fields.append(ctypes.c_double if kind.kind == "f" else ctypes.c_int64)
        return ctypes.CFUNCTYPE(ctypes.c_int32, *fields)

    # -- the cache -------------------------------------------------------------------------------------------------

    def _files(self) -> Iterator[Path]:
        """Where machine code may lie."""
        source = Path(self.function.__code__.co_filename)
        texts = [_text(path) for path in sorted({reached.__code__.co_filename for reached in _reached(self.function)})]
        parts = [_machine(), *texts, self.function.__qualname__.encode(), repr(self._kinds).encode()]
        key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
        name = f"{source.stem}.{self.function.__name__}-{key}.native"
        return (folder / name for folder in folders(source.parent))

    def kept(self) -> tuple[str, bytes] | None:
        """Name and machine code that an earlier process made."""
        for path in self._files():
            try:
                digest, _, rest = path.read_bytes().partition(b"\n")
            except OSError:
                continue
            if hashlib.sha256(rest).hexdigest().encode() == digest:  # half a file would end the process
                name, _, code = rest.partition(b"\n")
                return name.decode(), code
        return None

    def _dispatcher(self, **bare: Any) -> Any:
        """The function as numba compiles it."""
        return _translated(self.function, tuple(bare.items()))

    def _compiled(self) -> tuple[str, bytes]:
        """Name and machine code, kept for the next process.

        Raises:
            Otherwise: this numba does something in another way.
        """
        import numba

        try:
            types = [_numba_type(numba, kind, dimensions) for kind, dimensions in self._kinds]
            dispatcher = self._dispatcher(**_BARE)
            dispatcher.compile(numba.types.void(*types))
            result = dispatcher.overloads[tuple(types)]
            name, code = result.fndesc.llvm_func_name, bytes(result.library._get_compiled_object())  # noqa: SLF001  # no public name
            text = result.library.get_llvm_str()
        except (AttributeError, KeyError, TypeError) as exc:  # options and attributes that numba does not promise
            raise UnknownCalls(repr(exc)) from exc
        self._check(text, name)
        _keep(self._files(), name.encode() + b"\n" + code)
        return name, code

    def _check(self, text: str, name: str) -> None:
        """That the function is called as `_type` says, and calls nothing that only numba has; another numba could differ."""
        line = next((line for line in text.splitlines() if line.startswith("define") and f"@{name}(" in line), "")
        given = [word.split(" ")[0] for word in line.partition(f"@{name}(")[2].rpartition(")")[0].split(", ")]
        given = [word.split("*")[0] if word.endswith("*") else word for word in given]
        wanted = ["ptr", "ptr"]
        for kind, dimensions in self._kinds:
            number = "double" if kind.kind == "f" else "i64"
            wanted += ["ptr", "ptr", "i64", "i64", "ptr", *["i64"] * (2 * dimensions)] if dimensions else [number]
        foreign = [line for line in text.splitlines() if line.startswith("declare") and "@llvm." not in line]
        if given != wanted or foreign:
            raise UnknownCalls(f"{self.function.__name__}: {given} {foreign}")


def _reached(function: Callable[..., Any]) -> set[Callable[..., Any]]:
    """The function, the parts that it calls, and theirs."""
    reached, ahead = set(), [function]
    while ahead:
        own = ahead.pop()
        reached.add(own)
        known = [own.__globals__.get(name) for name in own.__code__.co_names]
        ahead += [found for found in known if isinstance(found, FunctionType) and found in _PARTS and found not in reached]
    return reached


@cache
def _text(path: str) -> bytes:
    return Path(path).read_bytes()


@cache
def _translated(function: Callable[..., Any], bare: tuple[tuple[str, Any], ...]) -> Any:
    """A function as numba compiles it, with the parts that it calls; each part is compiled once, whoever calls it."""
    import numba

    known = {name: value for name, value in function.__globals__.items() if not isinstance(value, Kernel)}
    used = {name: known[name] for name in function.__code__.co_names if isinstance(known.get(name), FunctionType)}
    known |= {name: _translated(value, bare) for name, value in used.items() if value in _PARTS}
    own = FunctionType(function.__code__, known, function.__name__, function.__defaults__)
    return numba.njit(own, nogil=True, error_model="numpy", fastmath=_PARTS.get(function, False), **dict(bare))


def _numba_type(numba: Any, kind: np.dtype[Any], dimensions: int) -> Any:
    scalar = numba.from_dtype(kind)
    return numba.types.Array(scalar, dimensions, "C") if dimensions else scalar


def _keep(files: Iterable[Path], content: bytes) -> None:
    """Write to the first folder that takes it, whole or not at all; without any, the next process compiles again."""
    for path in files:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            Path(file.name).replace(path)
        except OSError:
            continue
        return


@cache
def _machine() -> bytes:
    """What machine code depends on beside its source."""
    import llvmlite
    from llvmlite import binding

    features = binding.get_host_cpu_features().flatten()
    return f"{llvmlite.__version__} {sys.platform} {binding.get_host_cpu_name()} {features}".encode()


@cache
def _engine() -> Any:
    from llvmlite import __version__, binding

    if tuple(int(part) for part in __version__.split(".")[:2]) < (0, 45):
        binding.initialize()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(jit=True)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)


def _link(code: bytes, name: str) -> int:
    """The address of a function in machine code; it lives as long as the process."""
    from llvmlite import binding

    engine = _engine()
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return int(engine.get_function_address(name))
