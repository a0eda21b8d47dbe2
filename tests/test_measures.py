"""The measures of the house: what each counts, on houses of a few lines."""

import runpy
from pathlib import Path

import pytest

MEASURES = runpy.run_path(str(Path(__file__).parents[1] / "scripts" / "measures.py"))
SPEC = "class Spec: ...\n"


@pytest.fixture
def house(tmp_path):
    """Builds a house of files: path below the package -> source; `tests/...` goes beside it."""

    def build(files):
        for name, source in files.items():
            path = tmp_path / (name if name.startswith("tests/") else f"src/lookalike/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return MEASURES["House"](tmp_path / "src", tmp_path / "tests", (("top",), ("steps", "models"), ("spec",)))

    return build


def test_files_that_import_each_other_are_a_circle_however_they_do_it(house):
    """An import in a function, one for type checkers only and one at the top close a circle; a file outside it is not named."""
    built = house(
        {
            "a.py": "from lookalike.b import f\n",
            "b.py": "def f():\n    from lookalike import c\n",
            "c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lookalike.a\n",
            "d.py": "from lookalike.a import f\n",
        }
    )
    assert MEASURES["file_circles"](built) == ["a <-> b <-> c"]


def test_depth_counts_our_own_classes_up_to_spec(house):
    """Four classes below `Spec`, one of them handed on by another module, are one too many; three are not."""
    built = house(
        {
            "spec.py": SPEC,
            "one.py": "from lookalike.spec import Spec\nclass A(Spec): ...\nclass B(A): ...\n",
            "two.py": "from lookalike.one import B\n",
            "three.py": "from lookalike.two import B\nclass C(B): ...\nclass D(C[int]): ...\nclass Free: ...\n",
        }
    )
    assert MEASURES["deep"](built, specs=True, most=3) == ["three.D: 4"]
    assert MEASURES["deep"](built, specs=False, most=0) == []


def test_a_kind_that_inherits_from_a_kind_is_named(house):
    """A base that no table names is no kind; constants in the table's strings are read."""
    built = house(
        {
            "steps/__init__.py": '_HERE = "lookalike.steps"\nKINDS: dict[str, str] = {"x": f"{_HERE}.m:X", "y": f"{_HERE}.m:Y"}\n',
            "steps/m.py": "class Base: ...\nclass X(Base): ...\nclass Y(X): ...\n",
        }
    )
    assert MEASURES["kinds_of_kinds"](built) == ["steps.m.Y < steps.m.X"]
    assert MEASURES["unknown_kinds"](built) == []


def test_a_kind_above_its_room_and_one_that_is_not_there_are_named(house):
    """A string in `KINDS` obeys the layers as an import does."""
    table = 'KINDS: dict[str, str] = {"x": "lookalike.top.m:X", "y": "lookalike.models.m:Gone"}\n'
    built = house({"steps/__init__.py": table, "top/m.py": "class X: ...\n"})
    assert MEASURES["upward_kinds"](built) == ["steps -> top.m.X"]
    assert MEASURES["unknown_kinds"](built) == ["models.m.Gone"]


def test_doubled_names_are_listed_with_their_homes(house):
    """A public class name in two modules; a file name in two folders, `base.py` apart; private names are free."""
    files = {
        f"{room}/{file}": "class Part: ...\nclass _Own: ...\n" if file == "cells.py" else ""
        for room in ("run", "steps")
        for file in ("cells.py", "base.py")
    }
    built = house(files)
    assert MEASURES["doubled_classes"](built) == ["Part: run.cells, steps.cells"]
    assert MEASURES["doubled_files"](built) == ["cells.py: run, steps"]


def test_code_lines_leave_out_what_is_not_executed(tmp_path):
    """Docstrings, comments and blank lines are no code; a text over two lines is two."""
    path = tmp_path / "m.py"
    path.write_text('"""Doc.\n\nMore.\n"""\n\n# why\nx = """a\nb"""\n\n\ndef f():\n    """Doc."""\n    return x  # so\n')
    assert MEASURES["code_lines"](path, MEASURES["ast"].parse(path.read_text())) == 4


def test_test_files_that_replace_attributes_are_named(house):
    """Environment and current folder may be set; attributes and items may not be replaced."""
    built = house(
        {
            "tests/test_a.py": "def test(monkeypatch):\n    monkeypatch.setenv('A', '1')\n",
            "tests/run/test_b.py": "def test(monkeypatch):\n    monkeypatch.setattr(time, 'time', int)\n",
        }
    )
    assert MEASURES["patching"](built) == ["run/test_b.py"]


def test_rooms_say_what_they_are(house):
    """A folder whose docstring is its name says nothing."""
    built = house({"run/__init__.py": '"""run."""\n', "steps/__init__.py": '"""Changers of rows: they keep the columns."""\n'})
    assert MEASURES["bare_rooms"](built) == ["lookalike.run"]


def test_a_measure_beyond_its_bound_is_worse():
    """What may not grow is a debt up to its bound and an error beyond it."""
    measure = MEASURES["Measure"]
    assert [measure("m", value, 2, 1).line().split()[0] for value in (1, 2, 3)] == ["ok", "debt", "WORSE"]
