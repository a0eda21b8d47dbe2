"""The fuzzer itself: its inputs are good before they are broken, it finds what is planted, and a short walk finds nothing."""

import importlib.util
import sys
from pathlib import Path

import pytest

from lookalike.errors import RecipeError

SPEC = importlib.util.spec_from_file_location("fuzz", Path(__file__).parents[2] / "scripts" / "fuzz.py")
fuzz = importlib.util.module_from_spec(SPEC)
sys.modules["fuzz"] = fuzz  # its dataclass looks itself up there
SPEC.loader.exec_module(fuzz)

GOOD = {
    "recipes": fuzz.RECIPE,
    "replies": fuzz.REPLY,
    "servers": fuzz.HTTP,
    **{f"sources {kind}": kind.encode() + b"|" + body for kind, body in fuzz.SOURCES.items()},
}


@pytest.mark.parametrize("name", GOOD)
def test_the_inputs_are_good_before_they_are_broken(name, tmp_path):
    """A base that is refused would let the fuzzer look at one error for ever."""
    fuzz.DOORS[name.split()[0]].enter(GOOD[name], tmp_path)


@pytest.mark.parametrize("name", ["recipes", "sources", "replies", "servers"])
def test_a_short_walk_finds_nothing(name, tmp_path):
    """Some dozen inputs of a fixed seed at each door that is quick to enter."""
    assert fuzz.fuzz({name: fuzz.DOORS[name]}, seed=1, until=lambda number: number >= 25, place=tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["runs", "models"])
def test_a_short_walk_through_damage_finds_nothing(name, tmp_path):
    """Damaged runs and models are refused in our words or mended, and no link is followed to the decoy."""
    assert fuzz.fuzz({name: fuzz.DOORS[name]}, seed=1, until=lambda number: number >= 12, place=tmp_path) == []


def test_what_is_planted_is_found_made_short_and_printed_with_its_seed(tmp_path, capsys):
    """A door that breaks at one byte: the finding names door, seed and input number, and shows that byte alone."""

    def enter(data, _):
        if b"x" in data:
            raise KeyError("planted")
        raise RecipeError("said in our words")

    door = fuzz.Door(lambda random: random.randbytes(30) + b"x" + random.randbytes(30), enter)
    [found] = fuzz.fuzz({"planted": door}, seed=3, until=lambda number: number >= 4, place=tmp_path)
    assert found.startswith("planted, seed 3, input 0: KeyError")
    assert found.endswith("b'x'")
    assert found in capsys.readouterr().out


def test_an_error_without_words_is_a_finding(tmp_path):
    """Our own error class alone is not enough."""

    def enter(_, __):
        raise RecipeError("")

    assert fuzz.fault(fuzz.Door(lambda random: b"", enter), b"", tmp_path) == "an error without words"
