"""What a finished run is worth, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import RunError
from lookalike.registry import resolve
from lookalike.store import refuse_links

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.export.base import Exporter
    from lookalike.plan import Plan
    from lookalike.run.folder import RunFolder


def measure(made: Plan, folder: RunFolder, *, only: str | None = None) -> Report | None:
    """Evaluate a finished run against the source that it was learned from; None when nothing was learned.

    Writes `report.json`, `report.html`, `card.md` and `croissant.json` into the run folder; see `lookalike.proof`.
    """
    from lookalike.proof import measure as measure_run

    folder.check_made()
    return measure_run(made, folder, only=only)


def report(folder: RunFolder) -> Report | None:
    """What a run was found to be worth when it was measured last, without its sources; None when it was not."""
    from lookalike.evaluate.report import Report as Loaded

    path = folder.path / "report.json"
    return Loaded.load(path) if path.is_file() else None


def compare_reports(before: str | Path, after: str | Path) -> Any:
    """What got better or worse beyond noise between two reports (files, or run folders)."""
    from lookalike.evaluate.compare import compare
    from lookalike.evaluate.report import Report as Loaded

    paths = [Path(path) / "report.json" if Path(path).is_dir() else Path(path) for path in (before, after)]
    return compare(*(Loaded.load(path) for path in paths))


def seal(folder: str | Path | RunFolder, *, key: str | Path | None = None) -> list[Path]:
    """List every file of a finished run with its SHA-256, and sign the list with an Ed25519 key (PEM); see `verify`."""
    from lookalike.export.sign import seal as seal_folder
    from lookalike.run.folder import RunFolder

    run_ = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))
    return seal_folder(run_.path, key=None if key is None else Path(key))


def verify(folder: str | Path, *, key: str | Path | None = None) -> list[str]:
    """Problems of a run's files against its manifest and signature; an empty list when all is as it was made."""
    from lookalike.export.sign import verify as verify_folder
    from lookalike.run.folder import RunFolder

    return verify_folder(RunFolder(Path(folder)).path, public_key=key)


def export(run_folder: str | Path | RunFolder, *, to: str, path: str | Path, **fields: Any) -> list[Path]:
    """Hand a run over in another format.

    Args:
        run_folder: a run.
        to: the exporter's kind.
        path: a file, a folder, or the URL of a database for `sql`.
        fields: fields of the exporter.

    Returns:
        The files written; none where a database took the tables.
    """
    from lookalike.run.folder import RunFolder
    from lookalike.spec import configured

    run_ = run_folder if isinstance(run_folder, RunFolder) else RunFolder(Path(run_folder))
    run_.check_made()
    if "://" in str(path):
        fields["url"] = path
    exporter: Exporter = configured(resolve("exporter", to), fields, where=f"the fields of {to}")
    for name in run_.tables:
        if not run_.paths(name):
            raise RunError(what=f"table {name!r} has no finished partition", where=str(run_.path), fix="run the recipe first")
    if "url" not in fields:
        refuse_links(Path(path))
    return list(exporter.export(run_, Path(path)))
