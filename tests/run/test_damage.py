"""Run folders that were damaged, or planted, on the way: one clear error, or made good and said."""

import shutil
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike import api
from lookalike.errors import LookalikeError, RunError
from lookalike.export.sign import seal, verify
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.run.folder import RunFolder

RECIPE = """
name: told
models:
  m: {kind: scripted, replies: [one, two, three, four], concurrency: 4}
tables:
  a:
    rows: 12
    keep: ["note <> 'three'"]
    columns:
      note: {kind: prompt, model: m, prompt: "a word"}
      more: {kind: prompt, model: m, prompt: "beside {{ note }}"}
"""


def make(folder):
    return run(compile_plan(load(RECIPE), Path(), partition_rows=5), folder, Options(threads=1))


def content(folder, *names):
    """Every file of some folders of the run."""
    return {
        path.relative_to(folder): path.read_bytes() for name in names for path in sorted((folder / name).rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "r"
    make(folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "r")
    return tmp_path / "r"


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def told(folder):
    return [event["path"] for event in RunFolder(folder).events() if event["event"] == "damaged"]


@pytest.mark.parametrize("what", ["tables", "dropped", "lineage"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.999])
def test_a_flipped_byte_of_a_partition_is_told_and_made_good(finished, copy, what, share):
    """`verify` names the file; the same command makes that partition anew, asks nobody, and `verify` is content again."""
    before = content(finished, "tables", "dropped", "lineage")
    path = min((copy / what / "a").glob("*.parquet"))
    flip(path, int(share * path.stat().st_size))
    name = path.relative_to(copy).as_posix()
    assert any(problem.startswith(name) for problem in verify(copy))
    calls = RunFolder(copy).manifest["calls"]
    make(copy)
    assert told(copy) == [name]
    assert content(copy, "tables", "dropped", "lineage") == before
    assert RunFolder(copy).manifest["calls"] == calls
    assert verify(copy) == []


def test_a_lost_file_beside_a_partition_is_noticed(finished, copy):
    """A partition whose dropped rows are gone says so, and is made anew."""
    lost = next((copy / "dropped" / "a").glob("*.parquet"))
    lost.unlink()
    make(copy)
    assert told(copy) == [f"tables/a/{lost.name}"]
    assert content(copy, "dropped") == content(finished, "dropped")


def test_a_flipped_byte_of_a_journal_is_told_and_asked_again(finished, copy):
    """The reply of a damaged line is asked for once more when its partition is made; the rows are the same."""
    before = content(finished, "tables", "dropped")
    journal = copy / "journal" / "a" / "part-00000" / "0000.jsonl"
    flip(journal, journal.read_bytes().index(b"\n") - 40)
    assert verify(copy) == ["journal/a/part-00000/0000.jsonl:1: the line is damaged"]
    (copy / "tables" / "a" / "part-00000.parquet").unlink()
    make(copy)
    assert told(copy) == ["journal/a/part-00000/0000.jsonl"]
    assert content(copy, "tables", "dropped") == before
    assert verify(copy) == []


JUNK = [
    b"",
    b"[]",
    b"7",
    b"{",
    b'{"name": 3}',
    b'{"name": "told", "tables": [1]}',
    b'{"name": "told", "tables": {"a": []}}',
    b"\xff\xfe",
]
READERS = [
    lambda folder: RunFolder(folder).tables,
    lambda folder: RunFolder(folder).manifest,
    lambda folder: RunFolder(folder).table("a"),
    lambda folder: list(RunFolder(folder).batches("a")),
    lambda folder: RunFolder(folder).dropped(),
    lambda folder: RunFolder(folder).lineage("a"),
    lambda folder: list(RunFolder(folder).events()),
    lambda folder: api.export(folder, to="hub", path=folder.parent / "out"),
    verify,
    make,
]


@pytest.mark.parametrize("junk", [*JUNK, None], ids=repr)
@pytest.mark.parametrize(
    "name",
    ["plan.json", "manifest.json", "events.jsonl", "report.json", "tables/a/part-00000.parquet", "dropped/a/part-00000.parquet",
     "lineage/a/part-00000.parquet", "journal/a/part-00000/0000.jsonl"],
)  # fmt: skip
def test_whatever_stands_in_a_file_there_is_one_clear_error(copy, name, junk):
    """Junk in any file of a run, or a folder in its place, is an error of ours with the file and what to do, or made good."""
    path = copy / name
    path.unlink(missing_ok=True)
    if junk is None:
        path.mkdir()
    else:
        path.write_bytes(junk)
    errors = []
    for reader in READERS:
        try:
            reader(copy)
        except LookalikeError as exc:
            errors.append(exc)
    assert all(error.where and error.fix for error in errors)


def test_a_file_that_holds_other_values_is_refused(copy):
    """A manifest that was changed in place does not fit its checksum."""
    path = copy / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"rows": 12', b'"rows": 13'))
    with pytest.raises(RunError, match="not those that were written"):
        _ = RunFolder(copy).manifest
    assert any("manifest.json" in problem for problem in verify(copy))


def test_partitions_without_a_checksum_are_made_anew(finished, copy):
    """What an earlier version wrote is not trusted: it is told, and made from the journal."""
    path = copy / "tables" / "a" / "part-00000.parquet"
    pq.write_table(pa.table({"note": ["one"]}), path)
    make(copy)
    assert told(copy) == ["tables/a/part-00000.parquet"]
    assert content(copy, "tables") == content(finished, "tables")


@pytest.mark.parametrize(
    "name",
    [".run.lock", "events.jsonl", "plan.json", "recipe.yaml", "manifest.json", "report.json", "failures.parquet", "SHA256SUMS",
     "tables/a/part-00000.parquet", "journal/a/part-00000/0001.jsonl"],
)  # fmt: skip
def test_a_link_in_a_run_folder_is_refused_by_name(copy, tmp_path, name):
    """Nothing is written through a link that someone planted; it is named."""
    decoy = tmp_path / "decoy"
    decoy.write_bytes(b"mine")
    (copy / name).unlink(missing_ok=True)
    (copy / name).symlink_to(decoy)
    with pytest.raises(RunError, match="symbolic link") as caught:
        make(copy)
    assert caught.value.where == str(copy / name)
    assert decoy.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["tables", "journal/a", "dropped/a", "fitted"])
def test_a_linked_folder_in_a_run_is_refused(copy, tmp_path, name):
    """A folder that leads out of the run is not written to."""
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(copy / name, ignore_errors=True)
    (copy / name).symlink_to(outside)
    with pytest.raises(RunError, match="symbolic link"):
        make(copy)
    assert list(outside.iterdir()) == []


def test_a_seal_an_export_and_a_cache_follow_no_link(copy, tmp_path):
    """A seal, an exported file and a cache of replies are not written through links either."""
    decoy = tmp_path / "decoy"
    decoy.write_bytes(b"mine")
    (copy / "SHA256SUMS").symlink_to(decoy)
    with pytest.raises(RunError, match="symbolic link"):
        seal(copy)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").symlink_to(decoy)
    with pytest.raises(RunError, match="symbolic link"):
        api.export(copy, to="csv", path=tmp_path / "out")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "replies.sqlite").symlink_to(decoy)
    with pytest.raises(RunError, match="symbolic link"):
        run(compile_plan(load(RECIPE), Path()), tmp_path / "other", Options(cache=tmp_path / "cache"))
    assert decoy.read_bytes() == b"mine"


def test_a_damaged_plan_can_be_removed(copy):
    """What the error says works: without `plan.json` the recipe goes on in the folder, and nothing is asked again."""
    (copy / "plan.json").write_bytes(b"{")
    with pytest.raises(RunError, match=r"plan\.json"):
        make(copy)
    (copy / "plan.json").unlink()
    calls = orjson.loads((copy / "manifest.json").read_bytes())["calls"]
    make(copy)
    assert RunFolder(copy).manifest["calls"] == calls
