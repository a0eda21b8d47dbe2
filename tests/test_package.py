"""The public names of `import lookalike`."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import lookalike as la
from lookalike.registry import builtins


@pytest.mark.parametrize("name", la.__all__)
def test_every_public_name_resolves(name):
    """Each exported name is there, and is documented."""
    assert getattr(la, name) is not None
    assert name == "__version__" or getattr(la, name).__doc__


def test_every_public_name_is_listed_once():
    """The table of names and the exported list agree."""
    assert sorted(la._NAMES) == sorted(set(la.__all__) - {"__version__"})
    assert dir(la) == sorted(la.__all__)


def test_every_synthesizer_is_a_public_name():
    """A synthesizer that a recipe can name is a class of the package."""
    classes = {target.partition(":")[2] for target in builtins("synthesizer").values()}
    assert classes <= set(la.__all__)


def test_import_loads_nothing_heavy():
    """`import lookalike` brings no numpy, Arrow, pydantic or torch, and takes at most 0.15 s of CPU."""
    code = (
        "import sys, time; t = time.process_time(); import lookalike; spent = time.process_time() - t; "
        "print(sorted({'numpy', 'pyarrow', 'pydantic', 'torch', 'pandas', 'duckdb'} & set(sys.modules)), spent < 0.15)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True"]


@pytest.mark.parametrize("name", ["evaluate", "export", "plan", "run", "tune"])
def test_a_folder_that_is_a_verb_is_both(name):
    """`lookalike.run` stays a verb after something in the folder of that name was imported."""
    module = importlib.import_module(f"lookalike.{name}")
    assert getattr(la, name) is module
    assert callable(getattr(la, name))


def test_a_recipe_becomes_a_table_with_public_names_alone(tmp_path):
    """load, plan, run and export are enough from recipe to file."""
    recipe = la.load({"name": "t", "tables": {"a": {"rows": 5, "columns": {"id": {"kind": "sequence"}}}}})
    assert isinstance(recipe, la.Recipe)
    made = la.run(la.plan(recipe), tmp_path / "run")
    assert isinstance(made, la.RunFolder)
    assert made.table("a").num_rows == 5
    assert la.export(made, to="csv", path=tmp_path / "out")


def test_an_unknown_name_is_an_attribute_error():
    """A typing error is not silently something else."""
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = la.nothing_such


def test_type_checkers_see_the_same_names():
    """The stub that editors read and the table that loads names agree, module by module."""
    stub = ast.parse(Path(la.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    seen = {alias.asname: node.module for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == la._NAMES


@pytest.mark.parametrize("name", ["evaluate", "export", "plan", "run", "tune"])
def test_a_verb_shows_its_function(name):
    """Signature and docstring, as `la.run?` in a notebook and `inspect` see them, are those of the function, not of the folder."""
    function = getattr(importlib.import_module(la._NAMES[name]), name)
    assert inspect.signature(getattr(la, name)) == inspect.signature(function)
    assert getattr(la, name).__doc__ == function.__doc__
    assert "Args:" in function.__doc__
