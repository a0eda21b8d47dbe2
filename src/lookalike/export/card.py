"""The dataset card: what was made, from what, how good and how safe it is; Markdown with the hub's front matter.

The card is written from the manifest and the report alone, so it can show no row of the data, real or synthetic. What is not
known is said to be unknown; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, Field

Plain = Mapping[str, Any]

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
_MEANING = {
    "pass": "passes its gates",
    "fail": "fails at least one gate",
    "inconclusive": "could not be judged",
}


class _Shown(BaseModel):
    """A result of a report."""

    name: str
    headline: bool = False
    value: float | None = None
    interval: list[float] | None = Field(default=None, min_length=2)
    ceiling: float | None = None
    floor: float | None = None


class ReportFile(BaseModel):
    """What a card needs of `report.json`."""

    verdicts: dict[str, str | dict[str, Any]]
    results: list[_Shown]


def card(manifest: Plain, *, report: Plain | None = None, about: Plain | None = None) -> str:
    """The card of a run.

    Args:
        manifest: what `manifest.json` of the run holds: `name`, `seed`, `lookalike`, `created`, `tables` (name -> `rows`,
            `schema`, `parts`, `outcomes`), `models` (name -> label), `calls` ("table.column" -> `model`, ...), `sources`.
        report: what `report.json` holds: `verdicts` (dimension -> verdict) and `results`; None when nothing was measured.
        about: what only a person knows: `title`, `description`, `license`, `language`, `task_categories`, `tags`,
            `uses`, `limits`, `contact`, `source_datasets`, `differential_privacy` (`epsilon`, `delta`, `unit`).

    Returns:
        Markdown.
    """
    about = about or {}
    title = str(about.get("title") or manifest.get("name", "Synthetic dataset"))
    sections = [
        f"# {_plain(title)}",
        str(about.get("description", "")).strip() or _claim(manifest, report),
        _contents(manifest),
        _making(manifest, about),
        _quality(report),
        _privacy(report, about),
        _use(about),
        _marking(),
    ]
    return f"---\n{_front_matter(manifest, about, title)}---\n\n" + "\n\n".join(part for part in sections if part) + "\n"


def _claim(manifest: Plain, report: Plain | None) -> str:
    """What the dataset is, and no more of it than was shown."""
    made = f"A synthetic dataset made by Lookalike {manifest.get('lookalike', '')}."
    if not manifest.get("sources"):
        return f"{made} No real data went in."
    verdict = _verdicts(report or {}).get("privacy", "inconclusive")
    shown = {
        "pass": "Its rows were drawn from a model of real ones; no more of these came out again than chance explains.",
        "fail": "**It gives away real rows that it was learned from: at least one privacy gate fails.**",
    }
    return f"{made} {shown.get(verdict, 'Its rows were drawn from a model of real ones; **that none of these came out again was not shown.**')}"


def total_rows(manifest: Plain) -> int:
    """Rows of all tables."""
    return sum(int(table.get("rows", 0)) for table in manifest.get("tables", {}).values())


def _front_matter(manifest: Plain, about: Plain, title: str) -> str:
    rows = total_rows(manifest)
    tables = manifest.get("tables", {})
    body: dict[str, Any] = {
        "pretty_name": title,
        "license": about.get("license", "unknown"),
        "size_categories": [next((label for bound, label in _SIZES if rows < bound), "n>10M")],
        "tags": ["synthetic", "lookalike", *about.get("tags", ())],
        "configs": [
            {"config_name": name, "data_files": f"tables/{name}/*.parquet", **({"default": True} if i == 0 else {})}
            for i, name in enumerate(tables)
        ],
    }
    for key in ("language", "task_categories", "source_datasets"):
        if about.get(key):
            body[key] = list(about[key]) if not isinstance(about[key], str) else [about[key]]
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True)


def _contents(manifest: Plain) -> str:
    lines = ["## What is in it", ""]
    for name, table in manifest.get("tables", {}).items():
        schema = table.get("schema") or {}
        lines += [f"### `{name}`: {int(table.get('rows', 0)):,} rows", ""]
        if schema:
            written = {
                key.partition(".")[2]: use.get("model", "")
                for key, use in manifest.get("calls", {}).items()
                if key.startswith(f"{name}.")
            }
            lines += ["| column | type | written by |", "|---|---|---|"]
            lines += [
                f"| {_cell(column)} | {_cell(kind)} | {_cell(written.get(column, ''))} |" for column, kind in schema.items()
            ]
            lines.append("")
    return "\n".join(lines).rstrip()


def _making(manifest: Plain, about: Plain) -> str:
    made = (
        f"Recipe `{_cell(str(manifest.get('name', '')))}`, seed {manifest.get('seed', 'unknown')},"
        f" Lookalike {manifest.get('lookalike', 'unknown')}, {manifest.get('created', 'date unknown')}."
        " The same recipe, seed and models give the same rows."
    )
    models = ", ".join(f"`{name}` ({_plain(str(label))})" for name, label in (manifest.get("models") or {}).items())
    sources = ", ".join(f"`{name}`" for name in manifest.get("sources") or {})
    licences = _plain(str(about.get("source_licenses", "not stated")))
    origin = f"Learned or drawn from: {sources}. Licences of the sources: {licences}." if sources else "No real data went in."
    lines = ["## How it was made", "", made, "", f"Models: {models}." if models else "No language model was asked.", "", origin]
    outcomes = [(name, table.get("outcomes") or {}) for name, table in manifest.get("tables", {}).items()]
    for name, counts in outcomes:
        shown = ", ".join(f"{int(n):,} {kind}" for kind, n in counts.items() if isinstance(n, int) and n)
        if shown:
            lines += ["", f"Rows of `{name}` attempted: {shown}."]
    return "\n".join(lines)


def _quality(report: Plain | None) -> str:
    if not report:
        return "## How good it is\n\nNot measured. `lookalike report` measures a run and fills this section."
    verdicts = _verdicts(report)
    lines = ["## How good it is", "", "| dimension | verdict |", "|---|---|"]
    lines += [f"| {dimension} | **{verdict}**: {_MEANING.get(verdict, '')} |" for dimension, verdict in verdicts.items()]
    chosen = [r for r in report.get("results", ()) if r.get("headline") and r.get("value") is not None]
    if chosen:
        lines += ["", "| measure | value | 95% interval | real holdout | independent columns |", "|---|---|---|---|---|"]
        lines += [
            f"| {_cell(str(r['name']))} | {_number(r['value'])} | {_interval(r.get('interval'))} | {_number(r.get('ceiling'))} | {_number(r.get('floor'))} |"
            for r in chosen
        ]
    return "\n".join(lines)


def _privacy(report: Plain | None, about: Plain) -> str:
    verdict = _verdicts(report or {}).get("privacy", "inconclusive")
    lines = ["## Privacy", ""]
    if verdict == "pass":
        lines.append("Attacks on this release, judged against a holdout that the synthesizer never saw, found nothing beyond chance. "
                     "This is evidence, not proof: it holds for the attacks that were run, at the sample size that was there.")  # fmt: skip
    elif verdict == "fail":
        lines.append(
            "**At least one attack on this release succeeds beyond chance. Do not share it outside the circle that may see the source.**"
        )
    else:
        lines.append(
            "The privacy of this release was **not shown**: without a holdout that the synthesizer never saw, copying cannot be told from chance."
        )
    promise = about.get("differential_privacy")
    if promise:
        claim = (
            f"Claimed guarantee: differential privacy with epsilon {promise.get('epsilon', '?')}, delta {promise.get('delta', '?')},"
            f" unit: {promise.get('unit', 'one row')}. Outside it: column names and types, declared bounds, and this card."
        )
        lines += ["", claim]
    else:
        lines += ["", "No differential privacy guarantee is claimed."]
    return "\n".join(lines)


def _use(about: Plain) -> str:
    uses = _bullets(
        about.get("uses"), "Not stated. Models trained on this data should be tested on real data before they decide anything."
    )
    limits = _bullets(
        about.get("limits"),
        "It repeats what its source or its models got wrong, including bias; rare groups are less faithful than common ones.",
    )
    contact = f"\n\nContact: {_plain(str(about['contact']))}" if about.get("contact") else ""
    return f"## What it is for\n\n{uses}\n\n## Limits\n\n{limits}{contact}"


def _marking() -> str:
    return (
        "## Marking\n\nEvery Parquet file carries the metadata `lookalike.synthetic=true`. `manifest.json` lists every file with its SHA-256;"
        " `lookalike verify` checks them, and the signature when there is one."
    )


def _verdicts(report: Plain) -> dict[str, str]:
    found = report.get("verdicts") or {}
    return {name: str(v.get("verdict", "inconclusive") if isinstance(v, Mapping) else v) for name, v in found.items()}


def _bullets(items: str | Sequence[str] | None, otherwise: str) -> str:
    if not items:
        return otherwise
    return items if isinstance(items, str) else "\n".join(f"- {_plain(item)}" for item in items)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else "not measured"


def _interval(bounds: Sequence[float] | None) -> str:
    return f"{bounds[0]:.4g} to {bounds[1]:.4g}" if bounds else ""


def _plain(text: str) -> str:
    """One line without markup that could break out of its place."""
    return " ".join(text.replace("<", "&lt;").split())


def _cell(text: str) -> str:
    return _plain(str(text)).replace("|", "\\|").replace("`", "'")
