"""One table from end to end: a recipe of two lines (`rows: {like: ...}`), run, written, measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lookalike import frames
from lookalike.errors import UsageError, did_you_mean
from lookalike.schema.described import corrections
from lookalike.schema.generalise import HELD_OUT as SHARES
from lookalike.schema.generalise import generalise, rows_that_share
from lookalike.schema.holdout import split
from lookalike.schema.infer import infer
from lookalike.schema.types import Told
from lookalike.sources.base import Source, checked
from lookalike.sources.generalised import Generalised
from lookalike.store import check_writable
from lookalike.synthesizers.base import Given, Synthesizer

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.plan import Plan

HELD_OUT = 0.2  # of the rows, as in a recipe's `like`
Say = Callable[[str], None]


def mimic_frame(
    frame: Any,
    n: int | None,
    synthesizer: Synthesizer,
    *,
    given: Given | None = None,
    schema: Told | None = None,
    holdout: float = HELD_OUT,
    seed: int = 0,
) -> Any:
    """The rows that the recipe of two lines makes of a frame in memory, without a folder; see `lookalike.mimic`."""
    real = frames.to_arrow(frame)
    real = checked(real, "frame") if real.num_columns else real  # `fit` says what is wrong with a table of nothing
    learned, _ = split(real, holdout, seed)
    model = synthesizer.fit(learned, schema, seed=seed)
    made = model.sample_arrow(real.num_rows if n is None else n, given=given, seed=seed)
    return frames.from_arrow(made, frames.frame_kind(frame))


def mimic_file(
    data: str,
    to: Path,
    *,
    n: int | None = None,
    target: str | None = None,
    synthesizer: str = "forest",
    given: Given | None = None,
    constraints: Sequence[Any] = (),
    schema: Path | None = None,
    seed: int = 0,
    measure: bool = True,
    profile: str | None = None,
    gates: str | Path | None = None,
    keep_holdout: Path | None = None,
    run: Path | None = None,
    say: Say = lambda text: None,
) -> Report | None:
    """Run the recipe of two lines, write the rows to a file, and say what they are worth.

    Args:
        data: what to learn, as `lookalike.sources.open` reads it.
        to: the file.
        n: rows; as many as the data has when not given.
        target: the column that models will predict.
        synthesizer: a kind.
        given: conditions that every row holds.
        constraints: what every row keeps, as a recipe's `like` takes them.
        schema: a file that corrects what columns are taken for.
        seed: the same data and seed give the same rows.
        measure: whether to measure what was made.
        profile: who it is for: cells become as coarse as that asks before anything is learned, and its gates judge.
        gates: other gates.
        keep_holdout: a file for the real rows that were held out.
        run: the folder of the run, which is kept, goes on where it stopped, and holds model, report and card; None: a
            temporary one.
        say: told what is going on.

    Raises:
        UsageError: a file that cannot be written, a target that is no column, fewer than 0 rows.
    """
    from lookalike.export.tables import check_ending, write_batches
    from lookalike.run.engine import run as make

    for path in (to, keep_holdout):
        if path is not None:
            check_ending(path)  # before the work, not after it
            check_writable(path)
    source = _source(data, profile, say, keep=run is not None)
    share = SHARES.get(profile or "", HELD_OUT)
    rows = {
        "n": n, "synthesizer": synthesizer, "given": given or {}, "constraints": list(constraints), "target": target,
        "schema": corrections(schema) if schema else {}, "holdout": share,
    }  # fmt: skip
    made = _plan(source, _name(data), rows, seed)
    if keep_holdout is not None:
        write_batches(iter([split(source.read(Path()), share, seed)[1]]), keep_holdout)
    [table] = made.tables
    with _folder(run) as folder:
        done = make(made, folder, listeners=(_told(say, synthesizer, table.n_expected),))
        if not table.n_rows:  # columns without rows are in no partition
            write_batches(iter([Synthesizer.load(folder / "fitted" / table.fit).sample_arrow(0)]), to)
            return None
        write_batches((pa.Table.from_batches([batch]) for batch in done.batches(table.name)), to)
        if not measure:
            return None
        say("measuring")
        return _measured(made, folder, gates or profile, say)


def _plan(source: Source, name: str, like: Mapping[str, Any], seed: int) -> Plan:
    """The recipe of two lines, compiled; `like` is what its rows say beside their source."""
    from lookalike.plan import compile_plan
    from lookalike.recipe.load import load

    outline, target = source.outline(Path()), like["target"]
    if target is not None and target not in outline.columns:
        raise UsageError(what=f"there is no column {target!r}", where="--target", fix=did_you_mean(target, outline.columns))
    count = outline.rows if like["n"] is None else like["n"]
    if count < 0:
        raise UsageError(what=f"{count} rows", where="-n", fix="ask for 0 rows or more")
    table = "rows" if name == "synthetic" else "synthetic"  # tables and sources share one namespace
    rows = {**like, "like": name, "n": count}
    return compile_plan(load({"name": name, "seed": seed, "sources": {name: source}, "tables": {table: {"rows": rows}}}))


def _source(data: str, profile: str | None, say: Say, *, keep: bool) -> Source:
    """What a text names, as coarse as the profile asks; a run that is thrown away needs no way back to it, and reads it once."""
    from lookalike.sources.frame import Frame
    from lookalike.sources.open import named, read

    if profile is None:
        return named(data) if keep else Frame(data=read(data))
    table = frames.to_arrow(read(data))
    coarse = generalise(table, infer(table), rows_that_share(profile, table.num_rows))
    for change in coarse.changes:
        say(f"{profile}: {change}")
    return Generalised.model_validate({"of": named(data), "profile": profile}) if keep else Frame(data=coarse.table)


def _name(data: str) -> str:
    """A plain name for what a text names."""
    last = re.split(r"[/\\#:]", data)[-1]
    return re.sub(r"[^A-Za-z0-9_]+", "_", re.sub(r"\.[A-Za-z0-9.]+$", "", last)).strip("_")[:100] or "data"


def _told(say: Say, synthesizer: str, rows: int) -> Callable[[dict[str, Any]], None]:
    """What a person reads of the run's events."""
    from lookalike.synthesizers.forest.splits import cold

    first = " (numeric kernels are compiled first, this once: a quarter of a minute)"
    waits = synthesizer in ("forest", "auto") and cold()

    def heard(event: dict[str, Any]) -> None:
        if event["event"] == "fit":
            say(f"learning {event['rows']:,} rows of {event['columns']} columns{first if waits else ''}")
        elif event["event"] == "fitted":
            for line in filter(None, [*event["taken"].splitlines(), event["reason"]]):
                say(line)
            say(f"drawing {rows:,} rows")

    return heard


def _measured(made: Plan, folder: Path, gates: str | Path | None, say: Say) -> Report | None:
    from lookalike.proof import FEWEST_ALIKE, measure
    from lookalike.run.folder import RunFolder

    report = measure(made, RunFolder(folder), gates=gates)
    if report is None:
        say(f"not measured: fewer than {FEWEST_ALIKE} real rows hold the condition")
    return report


@contextmanager
def _folder(run: Path | None) -> Iterator[Path]:
    """The run's folder, or one that is thrown away."""
    if run is not None:
        yield run
        return
    with TemporaryDirectory(prefix="lookalike-mimic-") as folder:
        yield Path(folder) / "run"
