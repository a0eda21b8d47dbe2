"""A plan as text, as a Mermaid flowchart, as JSON."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from lookalike.generators.base import ModelColumn
from lookalike.plan.estimate import EMBEDDED_TOKENS_PER_S, LATENCY_S, TOKENS_PER_S, Estimate, SoFar
from lookalike.plan.model import Compiled, TablePlan
from lookalike.plan.tasks import tasks


def as_json(plan: Compiled, place: Path) -> dict[str, Any]:
    """Plain data, equal for equal recipes; the recipe's folder is told from `place`, so that both can move together."""
    total = plan.estimate
    return {
        "format": 1,
        "name": plan.recipe.name,
        "root": os.path.relpath(plan.root.resolve(), place.resolve()),
        "seed": plan.recipe.seed,
        "tables": [_table_json(table) for table in plan.tables],
        "tasks": [task.json() for task in tasks(plan)],
        "estimate": _estimate_json(total),
    }


def _table_json(table: TablePlan) -> dict[str, Any]:
    return {
        "name": table.name,
        "rows": table.n_rows,
        "parents": list(table.parents),
        "columns": list(table.columns),
        "early": list(table.stages.early),
        "levels": [list(level) for level in table.stages.levels],
        "late": list(table.stages.late),
        "fit": table.fit,
        "partition_rows": table.partition_rows,
        "partitions": partitions(table),
        "fingerprint": table.fingerprint,
        "fingerprints": dict(table.fingerprints),
        "calls": [
            {
                "column": c.column,
                "model": c.model,
                "calls": c.calls,
                "prompt_tokens": c.prompt_tokens,
                "completion_tokens": c.completion_tokens,
            }
            for c in table.estimates
        ],
    }


def _estimate_json(total: Estimate) -> dict[str, Any]:
    return {
        "calls": total.calls,
        "prompt_tokens": total.prompt_tokens,
        "completion_tokens": total.completion_tokens,
        "seconds": round(total.seconds, 1),
        "usd": total.usd,
    }


def partitions(table: TablePlan) -> int | None:
    """How many partitions; None where the parent's rows decide."""
    return None if table.n_rows is None else -(-table.n_rows // table.partition_rows)


def as_text(plan: Compiled, so_far: SoFar | None = None) -> str:
    """What a person reads before a run, or before one goes on."""
    lines = [
        f"{plan.recipe.name}: {len(plan.tables)} {'table' if len(plan.tables) == 1 else 'tables'}, seed {plan.recipe.seed}"
    ]
    for table in plan.tables:
        lines += ["", *_table_text(table)]
    total = plan.estimate
    if not total.calls:
        return "\n".join([*lines, "", "no model calls"])
    lines += ["", f"about {_cost(total)}"]
    so_far = so_far or SoFar({})
    left = so_far.left(column for table in plan.tables for column in table.estimates)
    if so_far.requests:
        paid = "unknown" if so_far.usd is None else f"{so_far.usd:.4f} USD"
        lines.append(f"so far {so_far.requests:,} requests, {so_far.tokens:,} tokens, {paid}")
        lines.append(f"left   {_cost(left)}" if left.calls else "left   nothing to ask")
    lines += _against_budget(plan, so_far, left)
    lines.append(
        f"assumed: 4 characters a token; servers {LATENCY_S} s and {TOKENS_PER_S:.0f} tokens/s a request; "
        f"embedded {EMBEDDED_TOKENS_PER_S:.0f} tokens/s"
    )
    return "\n".join(lines)


def _cost(total: Estimate) -> str:
    money = "unknown (give the model a price)" if total.usd is None else f"{total.usd:.4f} USD"
    tokens = f"{total.prompt_tokens:,} tokens in, {total.completion_tokens:,} out"
    return f"{total.calls:,} calls, {tokens}, {_duration(total.seconds)}, {money}"


def _against_budget(plan: Compiled, so_far: SoFar, left: Estimate) -> list[str]:
    """What the budget allows beside what was spent and what is left to pay, one line a bound."""
    budget = plan.recipe.budget
    if budget is None:
        return []
    usd = None if so_far.usd is None or left.usd is None else so_far.usd + left.usd
    bounds = (
        ("usd", budget.usd, usd),
        ("tokens", budget.tokens, so_far.tokens + left.prompt_tokens + left.completion_tokens),
        ("requests", budget.requests, so_far.requests + left.calls),
        ("seconds", budget.seconds, left.seconds),  # of each attempt
    )
    lines = []
    for name, most, wanted in bounds:
        if most is None:
            continue
        told = "not known" if wanted is None else f"about {wanted:,.4g} in all"
        verdict = (
            ""
            if wanted is None
            else ", which fits"
            if wanted <= most
            else ": the run stops there, and goes on when it is raised"
        )
        lines.append(f"budget {most:,g} {name}: {told}{verdict}")
    return lines


def _table_text(table: TablePlan) -> list[str]:
    count = partitions(table)
    rows = f"{table.n_rows:,} rows" if table.n_rows is not None else f"rows for each of {', '.join(table.parents)}"
    cut = f" in {count:,} {'partition' if count == 1 else 'partitions'}" if count is not None else ""
    lines = [f"{table.name}: {rows}{cut}, {table.table.rows.words()}"]
    if table.stages.early:
        lines.append(f"  in blocks      {', '.join(table.stages.early)}")
    lines += [f"  row by row     {', '.join(level)}" for level in table.stages.levels]
    if table.stages.late:
        lines.append(f"  then in blocks {', '.join(table.stages.late)}")
    lines += [f"  keep           {condition}" for condition in table.table.keep]
    lines += [f"  step           {step.kind}" for step in table.table.steps]
    lines += [f"  calls          {column.column}: {column.calls:,} to {column.model}" for column in table.estimates]
    return lines


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def as_mermaid(plan: Compiled) -> str:
    """One subgraph a table, one node a column; model columns are rounded."""
    lines = ["flowchart LR"]
    for table in plan.tables:
        lines.append(f"  subgraph {_id(table.name)}[{table.name}]")
        for name in (*table.incoming, *table.order):
            model = name in table.order and isinstance(table.table.columns[name], ModelColumn)
            left, right = ("([", "])") if model else ("[", "]")
            lines.append(f"    {_id(table.name, name)}{left}{name}{right}")
        lines.append("  end")
        for name in table.order:
            lines += [f"  {_id(table.name, other)} --> {_id(table.name, name)}" for other in sorted(table.needs[name])]
        lines += [f"  {_id(parent)} --> {_id(table.name)}" for parent in table.parents]
    return "\n".join(lines)


def _id(*parts: str) -> str:
    return re.sub(r"\W", "_", "__".join(parts))
