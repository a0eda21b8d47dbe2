"""The source kind `pseudonymised`: what a recipe reads is replaced before anything else sees it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest

import lookalike as la
from lookalike.errors import SourceError, UnknownColumn
from lookalike.sources.base import Source

SECRET = "a long secret"
N = 400


def people() -> pa.Table:
    return pa.table({
        "person_id": [f"C-{i:04d}" for i in range(N)],
        "email": [f"a{i}@corp.com" for i in range(N)],
        "mobile": [f"+44 20 7946 {i:04d}" if i % 2 else f"(030) 12345-{i:03d}" for i in range(N)],
        "age": np.arange(N) % 60 + 20,
    })  # fmt: skip


def visits() -> pa.Table:
    who = np.random.default_rng(0).choice(np.arange(1, N, 2), 900)
    return pa.table({
        "patient": [f"C-{i:04d}" for i in who],
        "mobile": [f"+44 20 7946 {i:04d}" for i in who],
        "cost": np.round(np.random.default_rng(1).gamma(2, 9, 900), 2),
    })  # fmt: skip


OF = {"kind": "file", "path": "people.csv"}
PEOPLE = {"kind": "pseudonymised", "of": OF, "secret": "${CLINIC_SECRET}"}
VISITS = {
    **PEOPLE, "of": {"kind": "file", "path": "visits.csv"}, "beside": {"people": OF},
    "same": [["this.patient", "people.person_id"]],
}  # fmt: skip


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLINIC_SECRET", SECRET)
    csv.write_csv(people(), tmp_path / "people.csv")
    csv.write_csv(visits(), tmp_path / "visits.csv")
    return tmp_path


def test_sources_fit_each_other(clinic: Path) -> None:
    """Two sources with one secret join as their originals did, and hold no original."""
    was, made = people(), Source.parse(PEOPLE).read(clinic)
    moved = dict(zip(was["person_id"].to_pylist(), made["person_id"].to_pylist(), strict=True))
    assert not set(moved) & set(moved.values())
    assert not set(was["email"].to_pylist()) & set(made["email"].to_pylist())
    assert made["age"].to_pylist() == was["age"].to_pylist()
    there = Source.parse(VISITS).read(clinic)
    assert there["patient"].to_pylist() == [moved[one] for one in visits()["patient"].to_pylist()]
    assert Source.parse(VISITS).outline(clinic).columns == tuple(there.column_names)


def test_the_secret_is_read_from_the_environment_alone(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe with the secret itself is refused, one without the variable is a clear error, and no file of a run holds it."""
    recipe = clinic / "clinic.yaml"
    recipe.write_text("""
name: clinic
sources:
  people: {kind: pseudonymised, of: {kind: file, path: people.csv}, secret: "${CLINIC_SECRET}"}
tables:
  guests: {rows: {from: people, n: 20}}
""")
    made = la.run(recipe, clinic / "out")
    assert made.table("guests").num_rows == 20
    files = [path for path in (clinic / "out").rglob("*") if path.is_file()]
    assert len(files) > 4
    assert not any(SECRET.encode() in path.read_bytes() or b"@corp.com" in path.read_bytes() for path in files)
    with pytest.raises(ValueError, match="no secret"):
        Source.parse({**PEOPLE, "secret": SECRET})
    source = Source.parse(PEOPLE)
    first = source.version(clinic)
    assert first == source.version(clinic)
    assert SECRET not in first
    monkeypatch.setenv("CLINIC_SECRET", "another secret")
    assert source.version(clinic) != first
    monkeypatch.delenv("CLINIC_SECRET")
    with pytest.raises(SourceError, match="CLINIC_SECRET"):
        source.read(clinic)


def test_types_that_were_said_win(clinic: Path) -> None:
    """A column called a name gets other names, one called keep stays."""
    table = people().append_column("boss", pa.array([["Ann Lee", "Bo Chen", "Cy Diaz"][i % 3] for i in range(400)]))
    csv.write_csv(table, clinic / "people.csv")
    plain = Source.parse(PEOPLE).read(clinic)
    said = Source.parse({**PEOPLE, "types": {"this.boss": "name", "this.email": "keep"}}).read(clinic)
    assert plain["boss"].to_pylist() == table["boss"].to_pylist()
    assert not set(said["boss"].to_pylist()) & set(table["boss"].to_pylist())
    assert len(set(zip(said["boss"].to_pylist(), table["boss"].to_pylist(), strict=True))) == 3
    assert said["email"].to_pylist() == table["email"].to_pylist()
    with pytest.raises(UnknownColumn, match=r"did you mean 'this\.boss'"):
        Source.parse({**PEOPLE, "types": {"this.bos": "name"}}).read(clinic)
