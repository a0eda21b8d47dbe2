"""A few records with every prompt and reply behind them; nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lookalike.plan import Plan
from lookalike.run.engine import Options, run


@dataclass(frozen=True)
class PreviewedCall:
    """One model call of a preview.

    Attributes:
        column: the model column.
        row: the row it was asked for.
        prompt: what was sent, turn by turn.
        reply: what came back; the reason when nothing did.
        failed: whether nothing came back.
        model: the name under `models:`.
        tokens: of prompt and reply together.
        ms: how long the reply took.
    """

    column: str
    row: int
    prompt: str
    reply: str
    failed: bool
    model: str
    tokens: int
    ms: float


@dataclass(frozen=True)
class Previewed:
    """A few rows of one table, with the calls behind them.

    Attributes:
        table: its name.
        rows: finished rows, each with its row id.
        dropped: row ids that did not come through, each with its stage and reason.
        calls: calls of all of these rows, in the order in which they were answered.
    """

    table: str
    rows: tuple[tuple[int, dict[str, Any]], ...]
    dropped: tuple[tuple[int, str], ...]
    calls: tuple[PreviewedCall, ...]


def preview(made: Plan, *, allow_code: bool = False) -> list[Previewed]:
    """Make a plan's rows in a folder that is thrown away, and pair prompts with replies."""
    seen: dict[str, list[PreviewedCall]] = {}

    def watch(table: str, entry: Any, request: Any) -> None:
        turns = [f"{turn.role}: {turn.content}" if len(request.messages) > 1 else turn.content for turn in request.messages]
        reply = entry.reply
        answer = entry.failure if reply is None else reply.text or f"a vector of {len(reply.vector)} numbers"
        tokens = 0 if reply is None else reply.usage.prompt_tokens + reply.usage.completion_tokens
        call = PreviewedCall(
            entry.column,
            entry.row,
            "\n\n".join(turns) or request.text,
            answer,
            reply is None,
            entry.model,
            tokens,
            0.0 if reply is None else reply.ms,
        )
        seen.setdefault(table, []).append(call)

    with TemporaryDirectory(prefix="lookalike-preview-") as folder:
        run_folder = run(made, Path(folder) / "run", Options(allow_code=allow_code, watch=watch))
        lost = run_folder.dropped().to_pylist()
        found = []
        for table in run_folder.tables:
            dropped = {
                row["id"]: f"{row['outcome']}{' at ' if row['column'] else ''}{row['column']}: {row['reason']}"
                for row in lost
                if row["table"] == table
            }
            ids = [row for part in run_folder.parts(table) for row in part.candidates().tolist() if row not in dropped]
            kept = run_folder.table(table).to_pylist() if run_folder.paths(table) else []
            calls = tuple(seen.get(table, ()))
            found.append(Previewed(table, tuple(zip(ids, kept, strict=False)), tuple(dropped.items()), calls))
    return found
