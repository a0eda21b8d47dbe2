"""One metric as a drawing that notebooks show: its parts, worst first, each between floor and ceiling."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from lookalike.errors import MetricError, did_you_mean
from lookalike.evaluate.base import Result
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.html import charts
from lookalike.evaluate.forms.html.words import name_of

MOST = 24  # parts drawn
_STYLE = (
    "<style>.lookalike-figure{--real:#5b7d9c;--real-soft:#b9cad8;--made:#c4601a;--soft:#5d666d;--line:#dfdcd4;color-scheme:light dark}"
    ".lookalike-figure td{text-align:left;padding:.25rem .8rem}.lookalike-figure svg text{fill:var(--soft)}"
    ".lookalike-figure .real-fill{fill:var(--real-soft);stroke:var(--real)}.lookalike-figure .made-line{fill:none;stroke:var(--made);stroke-width:2}"
    ".lookalike-figure .real-bar{fill:var(--real)}.lookalike-figure .made-bar,.lookalike-figure .value-dot{fill:var(--made)}"
    ".lookalike-figure .track,.lookalike-figure .axis{stroke:var(--line);stroke-width:2}.lookalike-figure .interval{stroke:var(--made);stroke-width:2.6;opacity:.5}"
    ".lookalike-figure .ceiling-mark{stroke:var(--real);stroke-width:2.4}.lookalike-figure .floor-mark{stroke:var(--soft);stroke-width:2}"
    ".lookalike-figure .small{font-size:10.5px}</style>"
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as HTML; a notebook shows it, `str` gives the markup."""

    markup: str

    def _repr_html_(self) -> str:
        return self.markup

    def __str__(self) -> str:
        return self.markup


def figure(evidence: Evidence, metric: str) -> Figure:
    """A metric's number, then its columns, pairs or groups; columns of `marginals` as their distributions.

    Raises:
        MetricError: nothing of that name was measured.
    """
    found = [r for r in evidence.results if metric in (r.metric, r.name)]
    measured = [r for r in found if r.value is not None]
    if not measured:
        why = found[0].skipped if found else "the report has no such metric"
        fix = did_you_mean(metric, {r.metric for r in evidence.results if r.value is not None}, label="measured")
        raise MetricError(what=f"{metric!r} cannot be drawn: {why}", fix=fix)
    whole = [r for r in measured if not r.subject]
    parts = sorted((r for r in measured if r.subject), key=Result.shortfall, reverse=True)[:MOST]
    rows = "".join(_row(r) for r in [*whole, *parts])
    return Figure(f'{_STYLE}<table class="lookalike-figure"><caption>{escape(name_of(metric))}</caption>{rows}</table>')


def _row(r: Result) -> str:
    drawn = charts.marginal(r.subject, r.detail) if r.detail.get("series") else Markup("")
    drawn = drawn or charts.gauge(
        r.value, floor=r.floor, ceiling=r.ceiling, interval=r.interval, label=r.name, lower=r.direction == "lower"
    )
    what = " ".join(part for part in (r.table, r.subject or name_of(r.name)) if part)
    return f"<tr><td>{escape(what)}</td><td>{drawn}</td><td><b>{charts.number(r.value)}</b></td></tr>"
