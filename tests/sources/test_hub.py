"""Datasets of a hub, from a real server that speaks the few endpoints of the protocol that are needed."""

import hashlib
import http.server
import io
import json
import threading
import urllib.parse
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from lookalike.errors import SourceError
from lookalike.sources.hub import Hub, _by_name, _fitting
from lookalike.sources.open import read as open_text

hub = pytest.importorskip("huggingface_hub")
COMMIT = "a" * 40


def parquet(*numbers: int, name: str = "x") -> bytes:
    """A Parquet file of one column."""
    out = io.BytesIO()
    pq.write_table(pa.table({name: list(numbers)}), out)
    return out.getvalue()


def csv(*numbers: int) -> bytes:
    """A CSV of one column."""
    out = io.BytesIO()
    pc.write_csv(pa.table({"x": list(numbers)}), out)
    return out.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """A hub: datasets by name, each a mapping of paths to bytes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.datasets, self.gated, self.requests, self.tokens = {}, set(), [], []
        self.status = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    """What the hub's servers answer."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Be silent."""

    def _answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        """Lists of files, and files."""
        server, path = self.server, urllib.parse.unquote(self.path.partition("?")[0])
        server.requests.append(path)
        server.tokens.append(self.headers.get("Authorization"))
        if server.status:
            return self._answer(server.status)
        parts = path.strip("/").removeprefix("api/").split("/")
        repo = "/".join(parts[1:3])
        if repo not in server.datasets:
            return self._answer(401, X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        if repo in server.gated and self.headers.get("Authorization") != "Bearer good":
            return self._answer(403, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted")
        files = server.datasets[repo]
        if path.startswith("/api/"):
            if parts[-1] not in ("main", COMMIT):
                return self._answer(404, X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev")
            siblings = [{"rfilename": name} for name in files]
            return self._answer(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode())
        body = files["/".join(parts[5:])]
        return self._answer(200, body, ETag=f'"{hashlib.sha256(body).hexdigest()}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET  # noqa: N815  # the standard library's name


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub of its own for each test, with empty caches."""
    own = Server()
    monkeypatch.setenv("HF_ENDPOINT", own.url)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    yield own
    own.shutdown()
    own.server_close()


def read(**fields) -> list[int]:
    """The column x of what the source reads."""
    return Hub(repo="ana/visits", **fields).read(Path())["x"].to_pylist()


def test_shards_of_a_split_are_put_together(server):
    """Files named by split are found without a card; shards come in order, and other splits stay where they are."""
    server.datasets["ana/visits"] = {
        "data/train-00001-of-00002.parquet": parquet(3, 4), "data/train-00000-of-00002.parquet": parquet(1, 2),
        "data/test-00000-of-00001.parquet": parquet(9), "script.py": b"raise SystemExit",
    }  # fmt: skip
    assert read() == [1, 2, 3, 4]
    assert read(split="test") == [9]
    assert not any("script" in path for path in server.requests)


def test_first_rows_download_only_the_first_files(server):
    """With `rows`, shards are fetched until there are enough."""
    server.datasets["ana/visits"] = {f"train-{i}.parquet": parquet(2 * i, 2 * i + 1) for i in range(5)}
    assert read(rows=3) == [0, 1, 2]
    assert sum(path.endswith(".parquet") for path in set(server.requests)) == 2


CARD = b"""---
license: mit
configs:
- config_name: winter
  default: true
  data_files:
  - split: train
    path: cold/part-*.csv
- config_name: summer
  data_dir: warm
- config_name: lines
  data_files: rows.jsonl
- config_name: hot
  data_dir: warm
  data_files: [warmest.csv, warm/train.csv]
- no configuration at all
---
# Visits
"""
CARDED = {
    "README.md": CARD, "cold/part-1.csv": csv(1), "cold/part-2.csv": csv(2), "warm/validation.csv": csv(5), "warm/train.csv": csv(4),
    "warm/warmest.csv": csv(6), "rows.jsonl": b'{"x": 7}\n{"x": 8}\n',
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({}, [1, 2]),
        ({"config": "winter"}, [1, 2]),
        ({"config": "summer"}, [4]),
        ({"config": "summer", "split": "validation"}, [5]),
        ({"config": "lines"}, [7, 8]),
        ({"config": "hot"}, [4, 6]),
        ({"files": "warm/*.csv"}, [4, 5, 6]),
        ({"files": "**/train.csv"}, [4]),
    ],
)
def test_the_card_says_what_belongs_together(server, fields, rows):
    """Configurations of the card: patterns by split, a folder, one file; `files` overrides them."""
    server.datasets["ana/visits"] = CARDED
    assert sorted(read(**fields)) == rows


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"config": "sumer"}, "no configuration 'sumer'.*did you mean 'summer'"),
        ({"config": "summer", "split": "tset"}, "no split 'tset'"),
        ({"files": "*.xml"}, "no file fits"),
        ({"revision": "v9"}, "no such revision"),
    ],
)
def test_what_is_not_there_is_named(server, fields, text):
    """A wrong configuration, split, pattern or revision is an error that lists what there is."""
    server.datasets["ana/visits"] = CARDED
    with pytest.raises(SourceError, match=text):
        read(**fields)


def test_several_configurations_without_a_default_must_be_chosen(server):
    """Which of several is meant is not guessed."""
    server.datasets["ana/visits"] = CARDED | {"README.md": CARD.replace(b"  default: true\n", b"")}
    with pytest.raises(SourceError, match=r"several configurations.*winter, summer, lines"):
        read()


def test_missing_gated_and_failing_datasets_are_told_apart(server, monkeypatch):
    """A missing dataset, one whose terms were not accepted, and a server in trouble; the token comes from the environment only."""
    with pytest.raises(SourceError, match="no such dataset, or it is private"):
        read()
    server.datasets["ana/visits"] = {"a.csv": csv(1, 2)}
    server.gated.add("ana/visits")
    with pytest.raises(SourceError, match=r"gated.*HF_TOKEN"):
        read()
    assert set(server.tokens) == {None}
    monkeypatch.setenv("HF_TOKEN", "good")
    assert read() == [1, 2]
    server.status = 418
    with pytest.raises(SourceError, match="the hub answered 418"):
        Hub(repo="ana/visits", revision="main", split="test").read(Path())


def test_what_was_read_once_is_read_without_a_network(server, monkeypatch):
    """Without a server, rows come from the cache; what was never read is an error that says so."""
    server.datasets["ana/visits"] = {"train.csv": csv(1, 2), "test.csv": csv(3)}
    first = Hub(repo="ana/visits").version(Path())
    assert read() == [1, 2]
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr("time.sleep", lambda _: None)  # between tries
    assert read() == [1, 2]
    assert Hub(repo="ana/visits").version(Path()) == first
    for fields in ({"split": "test"}, {"revision": "other"}):
        with pytest.raises(SourceError, match="cannot be reached, and it is not in the cache"):
            read(**fields)


def test_a_commit_is_asked_for_once(server):
    """A dataset pinned to a commit needs no answer from the hub the second time."""
    server.datasets["ana/visits"] = {"train.csv": csv(1)}
    assert read(revision=COMMIT) == [1]
    server.requests.clear()
    assert read(revision=COMMIT) == [1]
    assert not server.requests


def test_a_dataset_without_tables_and_files_of_different_columns(server):
    """Nothing readable, and files that cannot be one table, are clear errors; columns of one type are put side by side."""
    server.datasets["ana/visits"] = {"image.png": b"", "README.md": b"# no front matter"}
    with pytest.raises(SourceError, match="no Parquet, CSV or JSON file"):
        read()
    server.datasets["ana/visits"] = {"a.csv": csv(1), "b.csv": b"x\nword\n"}
    with pytest.raises(SourceError, match="different columns"):
        read(files="*.csv")


def test_a_command_line_names_a_dataset_and_a_split(server):
    """`hub:owner/name` is its training split, `#` names another; anything else is an error with the form to write."""
    server.datasets["ana/visits"] = {"train.csv": csv(1, 2), "test.csv": csv(3)}
    assert open_text("hub:ana/visits").num_rows == 2
    assert open_text("hub:ana/visits#test")["x"].to_pylist() == [3]
    with pytest.raises(SourceError, match="hub:owner/name#split"):
        open_text("hub:ana visits")


def test_names_tell_splits():
    """Words in names of files and folders, whole words only; the commonest format counts; patterns as on the hub."""
    assert _by_name(["trainer.csv", "testimony.csv"]) == {"train": ["trainer.csv", "testimony.csv"]}
    assert _by_name(["dev/a.parquet", "train/a.parquet", "notes.csv"]) == {
        "validation": ["dev/a.parquet"], "train": ["train/a.parquet"],
    }  # fmt: skip
    assert _fitting("data/*-[0-9].csv", ["data/a-1.csv", "data/a-x.csv", "data/sub/a-1.csv"]) == ["data/a-1.csv"]
    assert _fitting("data", ["data/a/b.csv", "database.csv"]) == ["data/a/b.csv"]


@pytest.mark.parametrize("repo", ["../etc", "a/b/c", "https://x.org/a", ""])
def test_a_name_that_is_none_is_refused(repo):
    """A repository is owner/name and nothing that could be a path."""
    with pytest.raises(ValueError, match="owner/name"):
        Hub(repo=repo)
