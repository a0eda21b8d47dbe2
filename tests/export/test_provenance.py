"""Card, Croissant and the signed manifest."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess

import pytest
import yaml

from lookalike.errors import RunError
from lookalike.export.card import card
from lookalike.export.croissant import croissant, data_type
from lookalike.export.sign import SIGNATURE, SUMS, new_key, seal, verify

MANIFEST = {
    "format": 1,
    "synthetic": True,
    "name": "clinic",
    "seed": 7,
    "lookalike": "0.1.0",
    "created": "2026-11-21T05:00:00+00:00",
    "tables": {
        "patients": {
            "rows": 1200,
            "outcomes": {"kept": 1200, "filtered": 14, "failed": 0},
            "schema": {"id": "int64", "age": "int64", "pay": "double", "born": "date32[day]", "note | free": "string"},
            "parts": [{"path": f"tables/patients/part-0000{i}.parquet", "rows": 600, "sha256": f"{i}" * 64} for i in (0, 1)],
        },
        "visits": {
            "rows": 30,
            "outcomes": {"kept": 30},
            "schema": {"id": "int64", "tags": "list<item: string>"},
            "parts": [{"path": "tables/visits/part-00000.parquet", "rows": 30, "sha256": "a" * 64}],
        },
    },
    "calls": {"patients.note | free": {"model": "writer", "calls": 1200}},
    "models": {"writer": "my-model at localhost"},
    "sources": {"ward": {"kind": "file", "path": "ward.parquet"}},
}
REPORT = {
    "verdicts": {"fidelity": "pass", "privacy": {"verdict": "inconclusive"}},
    "results": [
        {
            "name": "c2st",
            "dimension": "fidelity",
            "value": 0.61,
            "interval": [0.6, 0.62],
            "ceiling": 0.5,
            "floor": 0.97,
            "headline": True,
        },
        {"name": "identical_share", "dimension": "privacy", "value": None, "headline": True, "skipped": "needs a holdout"},
    ],
}


def test_card_front_matter_is_what_the_hub_reads():
    """The front matter is YAML with size, tags and one config a table."""
    _, front, body = card(MANIFEST, about={"license": "cc-by-4.0", "language": ["en"]}).split("---\n", 2)
    read = yaml.safe_load(front)
    assert read["size_categories"] == ["1K<n<10K"]
    assert read["tags"][0] == "synthetic"
    assert [c["config_name"] for c in read["configs"]] == ["patients", "visits"]
    assert read["license"] == "cc-by-4.0"
    assert "# clinic" in body


def test_card_states_what_was_not_measured():
    """No report gives "Not measured"; a missing holdout gives "not shown", never a pass."""
    assert "Not measured" in card(MANIFEST)
    text = card(MANIFEST, report=REPORT)
    assert "| c2st | 0.61 | 0.6 to 0.62 | 0.5 | 0.97 |" in text
    assert "**not shown**" in text
    assert "identical_share" not in text


def test_card_cannot_be_broken_by_names():
    """Pipes in column names stay inside their cell."""
    assert "| note \\| free | string | writer |" in card(MANIFEST)
    assert "<script" not in card({**MANIFEST, "name": "<script>alert(1)</script>"}).split("---\n", 2)[2]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_croissant_is_valid_for_the_reference_validator():
    """mlcroissant reads the metadata without an error, with both a file set and a single file."""
    mlcroissant = pytest.importorskip("mlcroissant")
    body = json.loads(json.dumps(croissant(MANIFEST, about={"license": "cc-by-4.0", "description": "Made up."})))
    dataset = mlcroissant.Dataset(jsonld=body)
    assert not dataset.metadata.ctx.issues.errors
    assert {r.id for r in dataset.metadata.record_sets} == {"patients", "visits"}
    assert dataset.metadata.data_collection_type == ["Synthetic"]


def test_croissant_marks_synthetic_data():
    """The flag that venues ask for is there, with the hash of every file."""
    body = croissant(MANIFEST)
    assert body["rai:hasSyntheticData"] is True
    hashes = {d["@id"]: d["sha256"] for d in body["distribution"] if d["@type"] == "cr:FileObject"}
    assert hashes == {p["path"]: p["sha256"] for t in MANIFEST["tables"].values() for p in t["parts"]}


@pytest.mark.parametrize(
    ("arrow", "expected"),
    [("int64", "sc:Integer"), ("double", "sc:Float"), ("bool", "sc:Boolean"), ("timestamp[us]", "sc:Date"),
     ("list<item: int32>", "sc:Integer"), ("dictionary<values=string, indices=int32, ordered=0>", "sc:Text")],
)  # fmt: skip
def test_data_types(arrow, expected):
    """Arrow types map to Croissant's."""
    assert data_type(arrow) == expected


@pytest.fixture
def folder(tmp_path):
    run = tmp_path / "run"
    (run / "tables" / "a").mkdir(parents=True)
    (run / "tables" / "a" / "part-00000.parquet").write_bytes(b"rows")
    (run / "manifest.json").write_text("{}")
    return run


def test_a_sealed_folder_holds_until_a_byte_changes(folder):
    """Changed, new and missing files are each named."""
    seal(folder)
    assert verify(folder) == []
    (folder / "manifest.json").write_text("{ }")
    (folder / "new.txt").write_text("x")
    (folder / "tables" / "a" / "part-00000.parquet").unlink()
    assert verify(folder) == [
        "tables/a/part-00000.parquet: is listed and missing",
        "new.txt: is not listed",
        "manifest.json: was changed",
    ]


def test_sums_are_read_by_coreutils(folder):
    """`sha256sum --check` agrees with the list."""
    seal(folder)
    assert subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=folder, check=False).returncode == 0


def test_signature_tells_who_sealed(folder, tmp_path):
    """A signature holds for its key only, and not for a list that was changed."""
    pytest.importorskip("cryptography")
    public = new_key(tmp_path / "key.pem")
    other = new_key(tmp_path / "other.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    seal(folder, key=tmp_path / "key.pem")
    assert verify(folder, public_key=public) == []
    assert "signed by another key" in verify(folder, public_key=other)[0]
    (folder / "extra").write_text("x")
    (folder / SUMS).write_text(
        (folder / SUMS).read_text() + f"{'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'}  extra\n"
    )
    assert verify(folder) == [f"{SIGNATURE} does not fit {SUMS}: one of them was changed"]
    (folder / SIGNATURE).write_text("ed25519 !! !!")
    assert f"{SIGNATURE} cannot be read" in verify(folder)
    with pytest.raises(RunError, match="exists"):
        new_key(tmp_path / "key.pem")


def test_unsigned_is_a_problem_only_when_a_key_is_expected(folder):
    """Without a signature, asking for a signer fails."""
    seal(folder)
    assert verify(folder, public_key=base64.b64encode(b"0" * 32).decode()) == [f"{SIGNATURE} is missing: nobody signed"]


def test_listed_paths_cannot_leave_the_folder(folder):
    """A list that points outside is reported, and nothing outside is read."""
    seal(folder)
    with (folder / SUMS).open("a") as file:
        file.write(f"{'0' * 64}  ../secret\n")
    assert verify(folder) == ["../secret: lies outside the folder"]


def test_an_empty_folder_cannot_be_sealed(tmp_path):
    """Nothing to list is an error; nothing sealed is said."""
    with pytest.raises(RunError, match="no file"):
        seal(tmp_path)
    assert verify(tmp_path) == [f"{SUMS} is missing: the folder was not sealed"]


def test_an_unsealed_run_is_held_to_its_manifest(folder):
    """Partitions are compared with the manifest's hashes; paths that leave the folder are refused."""
    digest = hashlib.sha256(b"rows").hexdigest()
    parts = [{"path": "tables/a/part-00000.parquet", "rows": 1, "sha256": digest}]
    (folder / "manifest.json").write_text(json.dumps({"tables": {"a": {"parts": parts}}}))
    assert verify(folder) == []
    (folder / "tables" / "a" / "part-00000.parquet").write_bytes(b"rowz")
    assert verify(folder) == ["tables/a/part-00000.parquet: is not what the manifest says"]
    (folder / "manifest.json").write_text(json.dumps({"tables": {"a": {"parts": [{**parts[0], "path": "../x"}]}}}))
    assert verify(folder) == ["../x: lies outside the folder"]
    (folder / "manifest.json").write_text("{")
    assert "manifest.json: the file is damaged" in verify(folder)[0]


def test_public_keys_can_be_files(folder, tmp_path):
    """The key may be text, a file with that text, or a PEM; anything else is an error."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    public = new_key(tmp_path / "key.pem")
    seal(folder, key=tmp_path / "key.pem")
    (tmp_path / "key.pub").write_text(public + "\n")
    private = serialization.load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(pem)
    for given in (public, tmp_path / "key.pub", tmp_path / "public.pem"):
        assert verify(folder, public_key=given) == []
    for wrong in ("?", base64.b64encode(b"short").decode(), tmp_path / "absent.pub"):
        with pytest.raises(RunError, match="key"):
            verify(folder, public_key=wrong)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("pass", "than chance explains"),
        ("fail", "gives away real rows"),
        ("inconclusive", "was not shown"),
        (None, "was not shown"),
    ],
)
def test_a_card_claims_only_what_was_shown(verdict, said):
    """Its first sentence follows the verdict on privacy; "no record of a real person" is claimed of nothing."""
    manifest = {"name": "r", "lookalike": "1", "tables": {}, "sources": {"ward": {}}}
    report = None if verdict is None else {"verdicts": {"privacy": verdict}, "results": []}
    text = card(manifest, report=report)
    assert said in text.partition("## ")[0]
    assert "record of a real person" not in text
    assert "No real data went in" in card({**manifest, "sources": {}})
