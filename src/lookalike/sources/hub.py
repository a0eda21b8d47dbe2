"""Datasets of a hub (huggingface.co, or another that speaks its protocol): the files of one configuration and split, as one table.

    repo, revision --> commit and list of files --> card's `configs`, or names of files --> files of one split --> table

Files lie in the hub's own cache, shared with every other program that reads from it. The list of files of each revision is kept
beside it, so that a dataset that was read once is read again without a network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pyarrow as pa
import yaml
from pydantic import Field, field_validator

from lookalike import packaged, store
from lookalike.errors import SourceError, did_you_mean
from lookalike.optional import require
from lookalike.sources.base import Source, checked
from lookalike.sources.file import FORMATS, File

CARD = "README.md"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "validation": "validation",
           "valid": "validation", "val": "validation", "dev": "validation", "eval": "test", "evaluation": "test"}  # fmt: skip
Splits = dict[str, list[str]]  # split -> files, in order


class Hub(Source):
    """A dataset of the Hugging Face hub: the Parquet, CSV or JSON Lines files of one configuration and split, put together.

    Which files these are, the card's `configs` say, or else the names of files and folders, as the hub itself reads them. Give a
    commit as `revision` and the data can never change. A token for private and gated datasets is read from the environment
    (`HF_TOKEN`), and so are another hub's address (`HF_ENDPOINT`) and the cache (`HF_HOME`). Scripts of datasets are never run.

    Needs `pip install 'lookalike[hub]'`.

    Attributes:
        repo: owner/name.
        revision: a branch, a tag or a commit.
        config: the configuration, where a dataset has several and names no default.
        split: which of its splits.
        files: instead of configuration and split: the files that this pattern fits.
        rows: only so many rows from the top; later files are not downloaded.

    Example:
        ```yaml
        sources:
          reviews: {kind: hub, repo: stanfordnlp/imdb, split: test, rows: 2000}
        ```
    """

    kind: ClassVar[str] = "hub"

    repo: str
    revision: str = "main"
    config: str | None = None
    split: str = "train"
    files: str | None = None
    rows: int | None = Field(default=None, ge=1)

    @field_validator("repo")
    @classmethod
    def _named(cls, repo: str) -> str:
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", repo) or ".." in repo:
            raise ValueError("write owner/name, as on the dataset's page")
        return repo

    def read(self, root: Path) -> pa.Table:  # noqa: ARG002  # nothing of it lies in the recipe's folder
        """All rows of the split, or the first `rows` of them."""
        commit, names = self._listing()
        parts: list[pa.Table] = []
        for name in self._chosen(commit, names):
            parts.append(File(path=str(self._download(commit, name))).read(Path()))
            if self.rows is not None and sum(part.num_rows for part in parts) >= self.rows:
                break
        try:
            table = pa.concat_tables(parts, promote_options="permissive")
        except pa.ArrowException as exc:
            fix = "name files of one shape by `files:`, or a configuration by `config:`"
            raise SourceError(what=f"the files hold different columns: {exc}", where=self._where, fix=fix) from exc
        return checked(table if self.rows is None else table.slice(0, self.rows), self._where)

    def version(self, root: Path) -> str:  # noqa: ARG002
        """The commit, and what of it is read."""
        return f"{self._listing()[0]}-{self.config}-{self.split}-{self.files}-{self.rows}"

    @property
    def _where(self) -> str:
        return f"{self.repo}@{self.revision}"

    # -- which files -----------------------------------------------------------------------------------------------

    def _chosen(self, commit: str, names: Sequence[str]) -> list[str]:
        """The files of the split, in order."""
        tables = [name for name in names if _format(name)]
        if self.files is not None:
            if found := _fitting(self.files, tables):
                return found
            fix = f"files: {', '.join(tables[:8])}" if tables else "it holds no Parquet, CSV or JSON file"
            raise SourceError(what=f"no file fits {self.files!r}", where=self._where, fix=fix)
        configs = self._configs(commit, names, tables)
        if not configs:
            held = ", ".join(sorted({Path(name).suffix for name in names if Path(name).suffix})) or "nothing"
            what = f"there is no Parquet, CSV or JSON file in it (it holds {held})"
            raise SourceError(
                what=what, where=self._where, fix="look at the dataset's page for a revision `refs/convert/parquet`"
            )
        splits = configs[self._config(configs)]
        if not splits.get(self.split):
            fix = did_you_mean(self.split, splits, label="splits")
            raise SourceError(what=f"there is no split {self.split!r}", where=self._where, fix=fix)
        return splits[self.split]

    def _config(self, configs: Mapping[str, Splits]) -> str:
        if self.config is None:
            if len(configs) == 1 or "default" in configs:
                return "default" if "default" in configs else next(iter(configs))
            raise SourceError(
                what="the dataset has several configurations",
                where=self._where,
                fix=f"say `config:`, one of {', '.join(configs)}",
            )
        if self.config not in configs:
            fix = did_you_mean(self.config, configs, label="configurations")
            raise SourceError(what=f"there is no configuration {self.config!r}", where=self._where, fix=fix)
        return self.config

    def _configs(self, commit: str, names: Sequence[str], tables: Sequence[str]) -> dict[str, Splits]:
        """What the card declares, or else what the names of files say."""
        declared = _front(self._download(commit, CARD)).get("configs") if CARD in names else None
        if not isinstance(declared, list):
            found = _by_name(tables)
            return {"default": found} if found else {}
        out: dict[str, Splits] = {}
        for entry in (each for each in declared if isinstance(each, dict)):
            name, given = str(entry.get("config_name", "default")), entry.get("data_files")
            inside = str(entry.get("data_dir", "")).strip("/")
            own = [table for table in tables if table.startswith(f"{inside}/")] if inside else list(tables)
            out[name] = _by_name(own) if given is None else _declared(given, own, inside)
            if entry.get("default") and self.config is None:
                return {name: out[name]}
        return out

    # -- the hub ---------------------------------------------------------------------------------------------------

    def _listing(self) -> tuple[str, list[str]]:
        """The commit and its files: of a branch asked anew, of a commit or without a network from the last time."""
        name = re.sub(r"[^\w.-]", "--", f"{self.repo}@{self.revision}")
        kept = packaged.home() / "hub" / f"{name}.json"
        if _COMMIT.fullmatch(self.revision) and kept.is_file():
            return _listed(kept)
        hub = require("huggingface_hub", extra="hub")
        ask = partial(
            hub.HfApi(endpoint=_endpoint(), token=_token()).dataset_info, self.repo, revision=self.revision, timeout=30
        )
        try:
            info = self._asked(ask, hub)
        except _NoNetwork:
            if kept.is_file():
                return _listed(kept)
            raise
        files = sorted(sibling.rfilename for sibling in info.siblings or ())
        store.put_bytes(kept, orjson.dumps({"commit": info.sha, "files": files}))
        return str(info.sha), files

    def _download(self, commit: str, name: str) -> Path:
        """A file of a commit, from the cache or the hub."""
        hub = require("huggingface_hub", extra="hub")
        fetch = partial(
            hub.hf_hub_download, self.repo, name, repo_type="dataset", revision=commit, endpoint=_endpoint(), token=_token()
        )
        return Path(self._asked(fetch, hub))

    def _asked(self, ask: Callable[[], Any], hub: Any) -> Any:
        """What the hub answers; what goes wrong in the words of the recipe."""
        errors, token = hub.errors, "set HF_TOKEN to a token that may read it"
        try:
            return ask()
        except errors.GatedRepoError as exc:
            fix = f"accept its terms on the dataset's page, then {token}"
            raise SourceError(what="the dataset is gated", where=self._where, fix=fix) from exc
        except errors.RevisionNotFoundError as exc:
            raise SourceError(
                what="there is no such revision", where=self._where, fix="name a branch, a tag or a commit"
            ) from exc
        except errors.RepositoryNotFoundError as exc:
            fix = f"check owner and name; where it is private, {token}"
            raise SourceError(what="there is no such dataset, or it is private", where=self._where, fix=fix) from exc
        except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as exc:
            raise self._no_network(exc) from exc
        except errors.HfHubHTTPError as exc:
            status = getattr(getattr(exc, "response", None), "status_code", None)
            fix = token if status in (401, 403) else "wait, then try again"
            raise SourceError(what=f"the hub answered {status}", where=self._where, fix=fix) from exc
        except Exception as exc:
            if isinstance(exc, OSError) or type(exc).__module__.startswith("httpx"):  # whichever client the hub's package has
                raise self._no_network(exc) from exc
            raise

    def _no_network(self, exc: Exception) -> _NoNetwork:
        if isinstance(exc, OSError) and exc.errno:  # a full disk is no network's fault
            return _NoNetwork(what=f"cannot fetch it: {exc.strerror or exc}", where=self._where, fix="see what the system says")
        fix = "check the network and HF_ENDPOINT, or read it once where there is a network: it is kept"
        return _NoNetwork(what="the hub cannot be reached, and it is not in the cache", where=self._where, fix=fix)


class _NoNetwork(SourceError):
    """The hub cannot be asked."""


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _token() -> str | bool:
    """From the environment only: a token that some login left on the disk is not sent."""
    return os.environ.get("HF_TOKEN") or False


def _listed(path: Path) -> tuple[str, list[str]]:
    kept = orjson.loads(path.read_bytes())
    return str(kept["commit"]), list(kept["files"])


def _format(name: str) -> str | None:
    return None if Path(name).name.startswith(".") else FORMATS.get(Path(name.lower().removesuffix(".gz")).suffix)


def _front(card: Path) -> dict[str, Any]:
    """The card's front matter."""
    text = card.read_text(encoding="utf-8", errors="replace")
    found = re.match(r"\A\ufeff?---\s*\n(.*?)\n---\s*(\n|\Z)", text, re.DOTALL)
    try:
        front = yaml.safe_load(found.group(1)) if found else None
    except yaml.YAMLError:  # the hub shows such datasets all the same, by the names of their files
        front = None
    return front if isinstance(front, dict) else {}


def _fitting(pattern: str, names: Sequence[str]) -> list[str]:
    """Names that fit a pattern: `*` within a folder, `**` through all of them; a folder fits all below it."""
    wanted = pattern.strip("/").removeprefix("./")
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[\w-]+\])", wanted)
    regex = "".join(
        parts.get(piece) or (piece if piece.startswith("[") and piece.endswith("]") else re.escape(piece)) for piece in pieces
    )
    return [name for name in names if re.fullmatch(regex, name) or name.startswith(f"{wanted}/")]


def _declared(given: object, names: Sequence[str], inside: str) -> Splits:
    """Splits of a card's `data_files`: one pattern, a list of them, or a list of splits with theirs."""

    def fitting(patterns: object) -> list[str]:
        wanted = [str(p) for p in (patterns if isinstance(patterns, list) else [patterns])]
        full = [f"{inside}/{p}" if inside and not f"{p}/".startswith(f"{inside}/") else p for p in wanted]
        return list(dict.fromkeys(name for pattern in full for name in _fitting(pattern, names)))

    if isinstance(given, list) and given and all(isinstance(entry, dict) for entry in given):
        return {str(entry.get("split", "train")): fitting(entry.get("path", "**")) for entry in given}
    if isinstance(given, dict):
        return {str(split): fitting(patterns) for split, patterns in given.items()}
    return {"train": fitting(given)}


def _by_name(names: Sequence[str]) -> Splits:
    """Splits by the words in names of files and folders; without any, everything is `train`. One format, the commonest, counts."""
    known: dict[str, list[str]] = {}
    for name in names:
        known.setdefault(str(_format(name)), []).append(name)
    if not known:
        return {}
    most = max(known.values(), key=len)
    out: Splits = {}
    for name in most:
        words = re.split(r"[^A-Za-z]+", name.lower())
        split = next((_SPLITS[word] for word in words if word in _SPLITS), "")
        out.setdefault(split, []).append(name)
    if set(out) == {""}:
        return {"train": most}
    out.pop("", None)
    return out
