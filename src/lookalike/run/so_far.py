"""What a run folder holds already of what a plan asks for, and what it has cost."""

from __future__ import annotations

from pathlib import Path

from lookalike.plan import Plan
from lookalike.plan.estimate import SoFar
from lookalike.run import manifest
from lookalike.run.journal import lines


def so_far(plan: Plan, folder: Path) -> SoFar:
    """Replies that the plan can use, and the cost of all that were asked for.

    Raises:
        RunError: a journal cannot be read.
    """
    answered: dict[str, int] = {}
    for table in plan.tables:
        for column in table.estimates:
            current = table.fingerprints[column.column]
            calls = {
                (line.entry.row, line.entry.call)
                for path in sorted((folder / "journal" / table.name).glob("part-*/*.jsonl"))
                for line in lines(path)
                if line.entry is not None and line.fingerprint == current and line.entry.reply is not None
            }
            answered[f"{table.name}.{column.column}"] = len(calls)
    usage, requests = manifest.spent(folder)
    return SoFar(answered, requests, usage.prompt_tokens + usage.completion_tokens, usage.usd)
