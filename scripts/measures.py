"""Measures of the house that no linter knows, each with a bound: circles of files, depth of classes, patches in tests, sizes.

`python scripts/measures.py` prints them and fails where one is worse than its bound. A bound above its goal is a debt: it may
shrink and never grow, and what makes it up is listed. Nothing is imported: the code is read, so a broken file is measured too.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent.parent
PACKAGE = "lookalike"
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
DOCUMENTED = ast.Module | ast.ClassDef | FUNCTIONS
PATCHES = ("setattr", "setitem", "delattr", "delitem")
START_UP = ("cli", "api", "databases", "one_table", "")  # rooms that import inside functions so that a command starts quickly


class Named(NamedTuple):
    """A class: the module that defines it, and its name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module.removeprefix(PACKAGE + '.')}.{self.name}"


@dataclass(frozen=True)
class House:
    """The source files under `src` and the test files under `tests`, read once."""

    src: Path
    tests: Path
    layers: tuple[tuple[str, ...], ...]

    @cached_property
    def files(self) -> dict[str, Path]:
        """Module name -> file."""
        return {module_name(path, self.src): path for path in sorted((self.src / PACKAGE).rglob("*.py"))}

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """Module name -> syntax tree."""
        return {name: parsed(path) for name, path in self.files.items()}

    @cached_property
    def imports(self) -> dict[str, dict[str, Named]]:
        """Module name -> local name -> what it stands for: imports of our own, wherever in the file they stand."""
        return {name: dict(imported(tree, self.files)) for name, tree in self.trees.items()}

    @cached_property
    def classes(self) -> dict[Named, ast.ClassDef]:
        """Every class at the top of a module."""
        found = ((module, node) for module, tree in self.trees.items() for node in tree.body if isinstance(node, ast.ClassDef))
        return {Named(module, node.name): node for module, node in found}

    @cached_property
    def kinds(self) -> dict[Named, str]:
        """The class of every kind -> the package whose `KINDS` table names it."""
        return {
            Named(*target.split(":")): module
            for module, tree in self.trees.items()
            for target in kind_strings(tree)
            if ":" in target
        }

    @cached_property
    def test_files(self) -> list[Path]:
        """Tests and what they share."""
        return sorted(self.tests.rglob("*.py"))

    def meant(self, at: Named) -> Named:
        """Where a name was defined: follows what a module imports only to hand on."""
        while at not in self.classes and at.name in self.imports.get(at.module, {}):
            at = self.imports[at.module][at.name]
        return at

    def bases(self, at: Named) -> list[Named]:
        """The classes of our own that a class inherits from directly."""
        names = [base.value if isinstance(base, ast.Subscript) else base for base in self.classes[at].bases]
        found = [self.meant(Named(at.module, name.id)) for name in names if isinstance(name, ast.Name)]
        return [base for base in found if base in self.classes and base != at]

    def ancestors(self, at: Named) -> list[Named]:
        """All classes of our own above one."""
        return [above for base in self.bases(at) for above in (base, *self.ancestors(base))]

    def depth(self, at: Named) -> int:
        """How many classes of our own are above one, on the longest way."""
        return max((1 + self.depth(base) for base in self.bases(at)), default=0)


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path, root: Path) -> str:
    """`src/lookalike/run/__init__.py` is `lookalike.run`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, files: Mapping[str, Path]) -> Iterator[tuple[str, Named]]:
    """What a module imports from the house, in functions and under `TYPE_CHECKING` too: local name -> what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                at = Named(whole, "") if whole in files else Named(node.module, alias.name)
                if at.module in files:
                    yield alias.asname or alias.name, at
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in files:
                    yield alias.asname or alias.name, Named(alias.name, "")


def kind_strings(tree: ast.Module) -> list[str]:
    """The values of a module's `KINDS` table; `f"{_HERE}.noise:Ocr"` is read with the constant above it."""
    constants: dict[str, str] = {}
    found: list[str] = []

    def text(node: ast.expr) -> str:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        inner = (part.value if isinstance(part, ast.FormattedValue) else part for part in parts)
        return "".join(
            constants.get(part.id, "") if isinstance(part, ast.Name) else str(getattr(part, "value", "")) for part in inner
        )

    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = text(node.value)
        elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "KINDS" and isinstance(node.value, ast.Dict):
            found += [text(value) for key, value in zip(node.value.keys, node.value.values, strict=True) if key is not None]
    return found


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan 1972), largest first; nodes alone are left out."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in order:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], order[after])
        if low[node] == order[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            found.append(sorted(group))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted((group for group in found if len(group) > 1), key=lambda group: (-len(group), group))


def code_lines(path: Path, tree: ast.Module) -> int:
    """Lines that hold code: no blank line, no comment, no docstring."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type not in skipped:
            held.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and node.body and ast.get_docstring(node, clean=False) is not None:
            held.difference_update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(held)


@dataclass(frozen=True)
class Measure:
    """One number, what it may be, what it should be, and what makes it up."""

    name: str
    value: float
    bound: float
    goal: float
    made_of: list[str] = field(default_factory=list)

    def line(self) -> str:
        """One line of the table."""
        state = "WORSE" if self.value > self.bound else "debt" if self.value > self.goal else "ok"
        return f"{state:6}{self.name:52}{self.value:>9g}  bound {self.bound:g}" + f", goal {self.goal:g}" * (
            self.bound != self.goal
        )


def file_circles(house: House) -> list[str]:
    """Files that import each other in the end."""
    graph = {name: {at.module for at in names.values()} - {name} for name, names in house.imports.items()}
    return [" <-> ".join(name.removeprefix(PACKAGE + ".") for name in group) for group in circles(graph)]


def deep(house: House, *, specs: bool, most: int) -> list[str]:
    """Classes with more than `most` classes of our own above them; kinds are counted apart, as `Spec` is above each."""
    spec = Named(f"{PACKAGE}.spec", "Spec")
    found = [at for at in house.classes if (spec in house.ancestors(at)) == specs]
    return [f"{at}: {house.depth(at)}" for at in found if house.depth(at) > most]


def kinds_of_kinds(house: House) -> list[str]:
    """Kinds that inherit from another kind: a change to one would change the other."""
    above = ((at, kind) for at in house.kinds if at in house.classes for kind in house.ancestors(at) if kind in house.kinds)
    return [f"{at} < {kind}" for at, kind in above]


def doubled_classes(house: House) -> list[str]:
    """Public class names that two modules define."""
    names: dict[str, list[str]] = {}
    for at in house.classes:
        if not at.name.startswith("_"):
            names.setdefault(at.name, []).append(at.module.removeprefix(PACKAGE + "."))
    return [f"{name}: {', '.join(modules)}" for name, modules in sorted(names.items()) if len(modules) > 1]


def doubled_files(house: House) -> list[str]:
    """File names that stand in two folders; `base.py`, commands and kinds have the names that they must have."""
    kinds = {at.module for at in house.kinds}
    names: dict[str, list[str]] = {}
    for module, path in house.files.items():
        if path.name not in ("__init__.py", "base.py") and path.parent.name != "cli" and module not in kinds:
            names.setdefault(path.name, []).append(str(path.parent.relative_to(house.src / PACKAGE)))
    return [f"{name}: {', '.join(folders)}" for name, folders in sorted(names.items()) if len(folders) > 1]


def bare_rooms(house: House) -> list[str]:
    """Folders whose docstring says no more than their name."""
    rooms = {name: tree for name, tree in house.trees.items() if house.files[name].name == "__init__.py"}
    return [name for name, tree in rooms.items() if len((ast.get_docstring(tree) or "").split()) < 4]


def upward_kinds(house: House) -> list[str]:
    """Entries of `KINDS` that name a class above their room: import-linter does not see strings."""
    floor = {room: number for number, rooms in enumerate(house.layers) for room in rooms}

    def room(module: str) -> str:
        return module.split(".")[1]

    return [f"{room(package)} -> {at}" for at, package in house.kinds.items() if floor[room(at.module)] < floor[room(package)]]


def unknown_kinds(house: House) -> list[str]:
    """Entries of `KINDS` that name no class of the house."""
    return [str(at) for at in house.kinds if at not in house.classes]


def hidden_imports(house: House) -> list[str]:
    """Imports of our own inside functions, where no start-up is saved by them."""
    found = []
    for name, tree in house.trees.items():
        if len(name.split(".")) < 2 or name.split(".")[1] in START_UP:
            continue
        inner = (ast.Module(body=node.body, type_ignores=[]) for node in ast.walk(tree) if isinstance(node, FUNCTIONS))
        modules = {at.module for part in inner for _, at in imported(part, house.files)}
        found += [f"{name} -> {module}".replace(f"{PACKAGE}.", "") for module in sorted(modules)]
    return found


def functions(house: House) -> list[tuple[int, str]]:
    """Lines of every function, decorators left out, longest first."""
    nodes = ((module, node) for module, tree in house.trees.items() for node in ast.walk(tree) if isinstance(node, FUNCTIONS))
    return sorted(((node.end_lineno or 0) - node.lineno + 1, f"{module}.{node.name}") for module, node in nodes)[::-1]


def async_rooms(house: House) -> list[str]:
    """Modules with coroutines outside the rooms that wait for others."""
    allowed = {f"{PACKAGE}.{room}" for room in ("models", "run", "studio", "testing")}
    return [
        name
        for name, tree in house.trees.items()
        if any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree))
        and ".".join(name.split(".")[:2]) not in allowed
    ]


def patching(house: House) -> list[str]:
    """Test files that replace an attribute or an item of something; environment and current folder are not meant."""
    return [str(path.relative_to(house.tests)) for path in house.test_files if any(map(patches, ast.walk(parsed(path))))]


def patches(node: ast.AST) -> bool:
    """Whether this replaces something: pytest's `monkeypatch`, or anything of `unittest.mock`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "monkeypatch" and node.attr in PATCHES
    if isinstance(node, ast.ImportFrom):
        return str(node.module).startswith("unittest")
    return isinstance(node, ast.Import) and any(alias.name.startswith("unittest") for alias in node.names)


def measures(house: House) -> list[Measure]:
    """All of them, in the order in which they are read."""
    spans = functions(house)
    files = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in house.files.items()}
    code = sum(code_lines(path, house.trees[name]) for name, path in house.files.items())
    test_files = len(house.test_files)
    patched = patching(house)
    listed = [
        ("circles of files", file_circles(house), 0, 0),
        ("kinds more than 3 classes below Spec", deep(house, specs=True, most=3), 31, 0),
        ("other classes more than 3 deep", deep(house, specs=False, most=3), 0, 0),
        ("kinds that inherit from another kind", kinds_of_kinds(house), 0, 0),
        ("public class names held twice", doubled_classes(house), 0, 0),
        ("file names held twice", doubled_files(house), 17, 0),
        ("rooms whose docstring is their name", bare_rooms(house), 0, 0),
        ("KINDS that point upwards", upward_kinds(house), 0, 0),
        ("KINDS that point nowhere", unknown_kinds(house), 0, 0),
        ("imports of our own inside functions", hidden_imports(house), 45, 0),
        ("modules with coroutines outside the waiting rooms", async_rooms(house), 0, 0),
        ("functions of more than 40 lines", [f"{name}: {span}" for span, name in spans if span > 40], 19, 0),
        ("files of more than 500 lines", [f"{name}: {lines}" for name, lines in files.items() if lines > 500], 1, 0),
    ]
    longest, name = spans[0]
    return [
        *(Measure(title, len(found), bound, goal, found) for title, found, bound, goal in listed),
        Measure("lines of the longest function", longest, 80, 80, [name]),
        Measure("% of test files that replace attributes or items", round(100 * len(patched) / test_files, 1), 5, 5, patched),
        Measure("code lines a kind", round(code / len(house.kinds), 1), 223, 200, [f"{code} lines, {len(house.kinds)} kinds"]),
    ]


def layers(pyproject: Path) -> tuple[tuple[str, ...], ...]:
    """The rooms from top to bottom, as import-linter's contract says."""
    contract = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    return tuple(tuple(room.strip() for room in layer.split("|")) for layer in contract["layers"])


def main() -> int:
    """Print the measures, with what makes up each debt; 1 where one is worse than its bound."""
    found = measures(House(HERE / "src", HERE / "tests", layers(HERE / "pyproject.toml")))
    for measure in found:
        print(measure.line())
        if measure.value > measure.goal:
            print("".join(f"         {part}\n" for part in measure.made_of), end="")
    return int(any(measure.value > measure.bound for measure in found))


if __name__ == "__main__":
    sys.exit(main())
