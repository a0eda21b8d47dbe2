"""`lookalike pseudonymise`: tables in, tables with stand-ins out, and what was replaced."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pytest
from typer.testing import CliRunner

from lookalike.cli.app import app
from lookalike.errors import RunError, SourceError, UsageError

SECRET = "a long secret"
N = 400


def people():
    return pa.table({
        "person_id": [f"C-{i:04d}" for i in range(N)],
        "email": [f"a{i}@corp.com" for i in range(N)],
        "mobile": [f"+44 20 7946 {i:04d}" if i % 2 else f"(030) 12345-{i:03d}" for i in range(N)],
        "age": np.arange(N) % 60 + 20,
    })  # fmt: skip


def visits():
    who = np.random.default_rng(0).choice(np.arange(1, N, 2), 900)
    return pa.table({
        "patient": [f"C-{i:04d}" for i in who],
        "mobile": [f"+44 20 7946 {i:04d}" for i in who],
        "cost": np.round(np.random.default_rng(1).gamma(2, 9, 900), 2),
    })  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOKALIKE_SECRET", SECRET)
    csv.write_csv(people(), "people.csv")
    csv.write_csv(visits(), "visits.csv")
    return tmp_path


def called(*words):
    done = CliRunner().invoke(app, ["pseudonymise", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_tables_that_join(here):
    """Keys of other names still join, every replaced column is counted, what stays is named, and the secret is nowhere."""
    said = called(
        "people.csv", "visits.csv", "-o", "safe", "--same", "people.person_id=visits.patient", "--as", "people.email=keep"
    )
    safe = {name: csv.read_csv(here / "safe" / f"{name}.csv") for name in ("people", "visits")}
    moved = dict(zip(people()["person_id"].to_pylist(), safe["people"]["person_id"].to_pylist(), strict=True))
    assert safe["visits"]["patient"].to_pylist() == [moved[one] for one in visits()["patient"].to_pylist()]
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.startswith("  ")}
    assert lines["people.person_id"] == ["id", "400", "400"]
    assert lines["people.mobile"] == ["phone", "400", "400"]
    assert lines["visits.patient"][0] == "id"
    assert lines["visits.patient"][2] == "900"
    assert "kept: people.email, people.age, visits.cost" in said
    assert safe["people"]["email"].to_pylist() == people()["email"].to_pylist()
    assert SECRET not in said
    assert not any(SECRET.encode() in path.read_bytes() for path in (here / "safe").iterdir())


def test_nothing_is_written_when_something_is_wrong(here, monkeypatch):
    """Originals are not overwritten, names that meet are refused, and without a secret nothing starts."""
    with pytest.raises(UsageError, match="overwrite the originals"):
        called("people.csv", "-o", ".")
    with pytest.raises(UsageError, match="two tables"):
        called("people.csv", "people.csv", "-o", "safe")
    with pytest.raises(RunError, match="cannot write"):
        called("people.csv", "-o", "visits.csv")
    monkeypatch.delenv("LOOKALIKE_SECRET")
    with pytest.raises(SourceError, match="LOOKALIKE_SECRET"):
        called("people.csv", "-o", "safe")
    assert not (here / "safe").exists()


def test_prose_is_pointed_at(here):
    """A column of prose is not touched, and the last lines say so."""
    notes = [f"The nurse wrote a long note about visit {i}, the weather and the way home on that day." for i in range(900)]
    csv.write_csv(visits().append_column("note", [notes]), "visits.csv")
    said = called("visits.csv", "-o", "safe")
    assert "may name people: visits.note (text)" in said
    assert csv.read_csv("safe/visits.csv")["note"].to_pylist() == notes


def test_a_packed_table_is_written_unpacked_under_its_own_name(here):
    """people.csv.gz becomes people.csv, and is called people in `--same` and in what is said."""
    (here / "people.csv.gz").write_bytes(gzip.compress((here / "people.csv").read_bytes()))
    assert "people.mobile" in called("people.csv.gz", "-o", "safe")
    assert csv.read_csv("safe/people.csv").num_rows == N
