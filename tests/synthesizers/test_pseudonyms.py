"""The same person is the same stand-in, within a table and across tables."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lookalike.errors import SynthesizerError, UnknownColumn
from lookalike.schema.types import ColumnSchema
from lookalike.synthesizers.pseudonyms.pseudonymise import pseudonymise, pseudonyms

EMAIL = ColumnSchema("email", "email", "string", unique=True)
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
    """Other rows in another order: only phones of one shape, and one more kind of identifier."""
    who = np.random.default_rng(0).choice(np.arange(1, N, 2), 900)
    return pa.table({
        "patient": [f"C-{i:04d}" for i in who],
        "mobile": [f"+44 20 7946 {i:04d}" for i in who],
        "cost": np.round(np.random.default_rng(1).gamma(2, 9, 900), 2),
    })  # fmt: skip


def test_one_stand_in_for_each_original():
    """The same original has the same stand-in with the secret, and another with another secret; nulls stay."""
    one = pseudonyms(EMAIL, pa.array(["a@b.com", "c@d.com", "a@b.com", None]), SECRET).to_pylist()
    two = pseudonyms(EMAIL, pa.array(["c@d.com"]), SECRET).to_pylist()
    assert one[0] == one[2] != one[1] == two[0]
    assert one[3] is None
    assert pseudonyms(EMAIL, pa.array(["a@b.com"]), "another secret").to_pylist()[0] != one[0]


def test_the_same_person_is_the_same_in_every_table():
    """Joins over identifiers and phones give the same rows as before; nothing of the originals is left."""
    before = {"people": people(), "visits": visits()}
    after = pseudonymise(before, SECRET, same=[("people.person_id", "visits.patient")])
    for key, other in (("person_id", "patient"), ("mobile", "mobile")):
        place = {value: i for i, value in enumerate(before["people"][key].to_pylist())}
        moved = {value: i for i, value in enumerate(after["people"][key].to_pylist())}
        assert len(moved) == N
        assert not set(moved) & set(place)
        was = [place[value] for value in before["visits"][other].to_pylist()]
        assert [moved[value] for value in after["visits"][other].to_pylist()] == was
    assert all(re.fullmatch(r"C-\d{4}", value) for value in after["people"]["person_id"].to_pylist())
    assert after["visits"]["cost"].equals(before["visits"]["cost"])
    assert after["people"].schema.equals(before["people"].schema)


def test_another_call_with_the_secret_is_tied_to_the_first():
    """A table that comes later fits the tables that were treated before."""
    first = pseudonymise({"people": people()}, SECRET)["people"]
    later = pseudonymise({"visits": visits()}, SECRET)["visits"]
    phones = dict(zip(people()["mobile"].to_pylist(), first["mobile"].to_pylist(), strict=True))
    assert later["mobile"].to_pylist() == [phones[value] for value in visits()["mobile"].to_pylist()]


def test_keys_of_different_number_types_still_join():
    """Whole keys of one table and keys with gaps of another, which pandas stores as floats, stay the same people."""
    owners = pd.DataFrame({"owner_id": np.arange(100, 300) * 7 % 1999, "v": np.linspace(0, 1, 200)})
    cars = pd.DataFrame({"owner_id": [*owners["owner_id"][:90].astype(float), None] * 2, "w": range(182)})
    after = pseudonymise({"owners": owners, "cars": cars}, SECRET)
    assert isinstance(after["cars"], pd.DataFrame)
    assert after["cars"]["owner_id"].isna().sum() == 2
    moved = dict(zip(owners["owner_id"], after["owners"]["owner_id"], strict=True))
    kept = cars["owner_id"].notna()
    assert after["cars"]["owner_id"][kept].astype(int).tolist() == [moved[int(v)] for v in cars["owner_id"][kept]]


def test_what_cannot_be_tied_is_refused():
    """A short secret, prose, and columns that are not there are clear errors."""
    with pytest.raises(SynthesizerError, match="shorter"):
        pseudonyms(EMAIL, pa.array(["a@b.com"]), "short")
    with pytest.raises(SynthesizerError, match="no pseudonyms"):
        pseudonyms(ColumnSchema("note", "text", "string"), pa.array(["x"]), SECRET)
    with pytest.raises(UnknownColumn, match=r"did you mean 'people\.person_id'"):
        pseudonymise({"people": people()}, SECRET, same=[("people.personid", "people.age")])


def test_moments_are_no_originals():
    """A date that has an identifier's name stays a date; who says that it holds the same originals is told that it cannot."""
    tables = {"people": people(), "terms": pa.table({"person_id": pa.array([dt.date(1990, 1, 1)] * 3)})}
    assert pseudonymise(tables, SECRET)["terms"] == tables["terms"]
    with pytest.raises(SynthesizerError, match="no originals"):
        pseudonymise(tables, SECRET, same=[("people.person_id", "terms.person_id")])
