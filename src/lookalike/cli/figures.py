"""The figures of a run that goes on, as people say them: rows, outcomes, money, time left."""

from __future__ import annotations

from lookalike.api import Counts, LaneState, Progress

REJECTED = ("filtered", "duplicate", "failed")


def summary(progress: Progress) -> list[str]:
    """One plain line for the table in work, one for each lane."""
    lines = []
    if progress.table:
        left = progress.left_s()
        parts = [
            f"{progress.table}: {rows_of(progress, progress.table)} rows",
            *rejected(progress.tables[progress.table].outcomes),
        ]
        lines.append(", ".join([*parts, *([] if left is None else [f"about {clock(left)} left"])]))
    for name, state in progress.snapshot().items():
        parts = [f"{state.replies:,} replies", f"{state.in_flight} of {state.limit:.0f} in flight", f"{state.tokens:,} tokens"]
        lines.append(f"{name}: {', '.join([*parts, money(state), f'{state.rate:.1f}/s', *troubles(state)])}")
    return lines


def clock(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3:07, 2:15:00."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def rows_of(progress: Progress, table: str) -> str:
    """Places filled, of how many."""
    tally = progress.tables[table]
    return f"{tally.done:,}" + ("" if tally.asked is None else f" of {tally.asked:,}")


def rejected(counts: Counts) -> list[str]:
    """Outcomes other than kept, counted."""
    return [f"{number:,} {what}" for what in REJECTED if (number := getattr(counts, what))]


def money(state: LaneState) -> str:
    """What a lane has cost."""
    if state.usd is None:
        return "price unknown"
    return f"${state.usd:.4f}" if state.usd else "free"


def troubles(state: LaneState) -> list[str]:
    """What holds a lane up, most pressing first."""
    if state.stopped:
        return [f"stopped: {state.stopped}"]
    paused = [f"paused {clock(state.paused_s)}"] if state.paused_s >= 1 else []
    others = state.retries - state.limited
    counted = (("limited", state.limited), ("retries", others), ("failed", state.failed), ("stored", state.stored))
    return paused + [f"{number:,} {what}" for what, number in counted if number]
