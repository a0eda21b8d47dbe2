"""Report: everything that was measured, what the gates say of it, and what to fix first; the same for all renderings.

Report --> to_json (canonical: same input and seed, same bytes) | markdown | junit | terminal | HTML (`evaluate.html.render`)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from lookalike.errors import GateFailed, MetricError, UsageError, did_you_mean
from lookalike.evaluate.base import DIMENSIONS, Dimension, Result, Verdict
from lookalike.evaluate.gates import Outcome, exit_code

SCHEMA_VERSION = 1
_DIGITS = 10  # sums of floats differ in the last bits between machines


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to fix, in words.

    Attributes:
        title: what is wrong, short.
        text: the evidence, with numbers.
        fix: the next move; "" when none is known.
        severity: "block" a gate fails, "warn" it should be looked at, "unknown" it could not be decided.
    """

    title: str
    text: str
    dimension: Dimension
    severity: Literal["block", "warn", "unknown"]
    metric: str
    fix: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One compared table.

    Attributes:
        rows: which ("real", "synthetic", "holdout") -> number of rows.
        columns: column -> form ("number", "time", "category", "text", "id", "empty").
        excluded: column -> why it is not compared.
        reference: what the ceiling is: "holdout", or "half" of the real rows against the other half.
        target: the column that models predict, or "".
        protected: columns whose groups are compared.
    """

    rows: Mapping[str, int]
    columns: Mapping[str, str]
    excluded: Mapping[str, str] = field(default_factory=dict)
    reference: str = "half"
    target: str = ""
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What one evaluation found.

    Attributes:
        results: every number, and every skip with its reason.
        verdicts: pass, fail or inconclusive for each measured dimension; there is no grand total.
        outcomes: what became of each gate.
        findings: what to fix first, most important first.
        tables: what was compared, by table name ("" for a single table).
        seed: of every draw.
        profile: the gates' name.
        version: of Lookalike.
        notes: what a reader must know, such as a holdout that overlaps the training rows.
        seconds: CPU seconds it took; not part of the canonical form.
    """

    results: tuple[Result, ...]
    verdicts: Mapping[Dimension, Verdict]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    tables: Mapping[str, TableInfo]
    seed: int
    profile: str
    version: str
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Result:
        """The result called `name`, or `table.name` in a report of several tables.

        Raises:
            MetricError: there is none; the error lists near names.
        """
        for result in self.results:
            if name in (result.name, f"{result.table}.{result.name}"):
                return result
        fix = did_you_mean(name, {r.name for r in self.results}, label="results")
        raise MetricError(what=f"the report has no result {name!r}", fix=fix)

    def __contains__(self, name: str) -> bool:
        """Whether there is a result of that name."""
        return any(name in (r.name, f"{r.table}.{r.name}") for r in self.results)

    def __iter__(self) -> Iterator[Result]:
        """Results in order."""
        return iter(self.results)

    def of(self, *, metric: str = "", dimension: str = "", table: str | None = None) -> list[Result]:
        """Results of one metric, dimension or table."""
        return [
            r for r in self.results
            if (not metric or r.metric == metric) and (not dimension or r.dimension == dimension) and (table is None or r.table == table)
        ]  # fmt: skip

    def worst(self, metric: str, k: int = 5) -> list[Result]:
        """The k worst columns, pairs or groups of a metric, worst first."""
        parts = [r for r in self.results if r.metric == metric and r.subject and r.value is not None]
        return sorted(parts, key=Result.badness, reverse=True)[:k]

    @property
    def headlines(self) -> list[Result]:
        """The few numbers that are shown first."""
        return [r for r in self.results if r.headline]

    @property
    def exit_code(self) -> int:
        """0 the gates hold, 1 a blocking gate does not, 3 one could not be decided."""
        return exit_code(self.outcomes)

    @property
    def asks(self) -> str:
        """What the findings ask of a reader: a gate that blocks is to be mended first."""
        return "Fix this first" if any(finding.severity == "block" for finding in self.findings) else "Worth a look"

    def raise_for_gates(self) -> Self:
        """The report itself when its gates hold.

        Raises:
            GateFailed: a gate does not hold (its `exit_code` is 1), or cannot be decided (3).
        """
        if self.exit_code:
            bad = [o for o in self.outcomes if o.severity == "block" and o.status in ("fail", "inconclusive")]
            error = GateFailed(what=" ".join(o.text for o in bad), fix=next((o.fix for o in bad if o.fix), ""))
            error.exit_code = self.exit_code
            raise error
        return self

    # -- forms -----------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """Plain data in the canonical form, without times: same input and seed, same content."""
        return {
            "lookalike_report": SCHEMA_VERSION,
            "version": self.version,
            "seed": self.seed,
            "profile": self.profile,
            "exit_code": self.exit_code,
            "tables": {name: _plain(asdict(info)) for name, info in self.tables.items()},
            "verdicts": dict(self.verdicts),
            "notes": list(self.notes),
            "findings": [_plain(asdict(f)) for f in self.findings],
            "gates": [_plain(asdict(o)) for o in self.outcomes],
            "results": [_plain({k: v for k, v in asdict(r).items() if k != "seconds"}) for r in self.results],
        }

    def to_json(self) -> str:
        """The canonical form as JSON with sorted keys."""
        return orjson.dumps(self.dump(), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Report:
        """The report that `dump` wrote.

        Raises:
            UsageError: not a report, or one of a newer schema.
        """
        if data.get("lookalike_report") != SCHEMA_VERSION:
            raise UsageError(
                what=f"not a report of schema {SCHEMA_VERSION}: {data.get('lookalike_report')!r}",
                fix="give a report.json that this version of lookalike wrote",
            )
        return cls(
            results=tuple(_build(Result, _unbounded(r)) for r in data["results"]),
            verdicts={d: data["verdicts"][d] for d in DIMENSIONS if d in data["verdicts"]},
            outcomes=tuple(_build(Outcome, o) for o in data["gates"]),
            findings=tuple(_build(Finding, f) for f in data["findings"]),
            tables={name: _build(TableInfo, info) for name, info in data["tables"].items()},
            seed=data["seed"], profile=data["profile"], version=data["version"], notes=tuple(data["notes"]),
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> Report:
        """A saved report.json.

        Raises:
            UsageError: no such file, or not a report.
        """
        try:
            return cls.parse(orjson.loads(Path(path).read_bytes()))
        except OSError as exc:
            raise UsageError(what=f"cannot read the report: {exc}", where=str(path), fix="give a report.json") from exc
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as exc:
            raise UsageError(what=f"not a report: {exc!r}", where=str(path), fix="give a report.json") from exc

    def markdown(self) -> str:
        """For a pull request or a step summary."""
        from lookalike.evaluate.forms.rendering import markdown

        return markdown(self)

    def junit(self) -> str:
        """JUnit XML, one test case a gate, so that any CI shows them."""
        from lookalike.evaluate.forms.rendering import junit

        return junit(self)

    def html(self) -> str:
        """The self-contained HTML page."""
        from lookalike.evaluate.forms.html import render

        return render(self)

    def save(self, path: str | Path) -> Path:
        """Write the form that the suffix names: .json, .html, .md, .xml (JUnit), .txt.

        Raises:
            UsageError: another suffix.
        """
        path = Path(path)
        forms = {".json": self.to_json, ".html": self.html, ".md": self.markdown, ".xml": self.junit, ".txt": self.__str__}
        if path.suffix not in forms:
            raise UsageError(what=f"no report form for {path.name!r}", fix=f"end the name in one of {', '.join(forms)}")
        text = forms[path.suffix]()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def __rich__(self) -> Any:
        """The terminal's form."""
        from lookalike.evaluate.forms.terminal import render

        return render(self)

    def __str__(self) -> str:
        """The terminal's form as plain text."""
        from lookalike.evaluate.forms.terminal import text

        return text(self)

    def __repr__(self) -> str:
        """Verdicts in one line."""
        verdicts = ", ".join(f"{dimension}: {verdict}" for dimension, verdict in self.verdicts.items())
        return f"<Report {verdicts}; {len(self.results)} results, {len(self.outcomes)} gates>"

    def _repr_html_(self) -> str:
        """Notebooks show the HTML page in a frame of its own, so that styles do not mix."""
        from html import escape

        style = "width:100%;height:720px;border:0"
        return f'<iframe title="Lookalike report" style="{style}" srcdoc="{escape(self.html(), quote=True)}"></iframe>'


def _build(kind: Any, data: Mapping[str, Any]) -> Any:
    """A frozen dataclass from plain data: lists become tuples where the field is one, unknown keys are left out."""
    known = {f.name: f for f in fields(kind)}
    return kind(
        **{k: tuple(v) if isinstance(v, list) and "tuple" in str(known[k].type) else v for k, v in data.items() if k in known}
    )


def _unbounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """A result's plain data with the ends of its range that JSON has no number for."""
    low, high = data["range"]
    return {**data, "range": [-math.inf if low is None else low, math.inf if high is None else high]}


def _plain(value: Any) -> Any:
    """JSON values: numpy scalars and arrays as Python's, floats rounded, infinities as null, columns as text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if value - value == 0 else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def findings(results: Sequence[Result], outcomes: Sequence[Outcome]) -> tuple[Finding, ...]:
    """What to fix first: failed gates, then what could not be decided, then warnings; each with its evidence.

    Gates that could not be decided for one and the same reason, a missing holdout say, are one finding.
    """
    order = {"fail": 0, "inconclusive": 1}
    bad = [o for o in outcomes if o.status in order]
    bad.sort(key=lambda o: (o.severity != "block", order[o.status], DIMENSIONS.index(o.dimension)))
    out: list[Finding] = []
    together: dict[tuple[str, str, str, str], list[Outcome]] = {}
    for outcome in bad:
        result = next((r for r in results if r.name == outcome.metric and r.table == outcome.table), None)
        if outcome.status == "inconclusive" and outcome.got is None:
            why = result.skipped if result and result.skipped else "it is not among what was asked for"
            same = together.setdefault((outcome.dimension, outcome.table, outcome.severity, why), [])
            same.append(outcome)
            if len(same) == 1:
                out.append(_undecided(same, why))
            else:
                place = next(i for i, f in enumerate(out) if f.metric == same[0].metric and f.table == same[0].table)
                out[place] = _undecided(same, why)
        else:
            out.append(_finding(outcome, result))
    return tuple(out)


def _undecided(same: Sequence[Outcome], why: str) -> Finding:
    """Gates that wait for one and the same thing."""
    first = same[0]
    names = ", ".join(o.metric for o in same)
    title = f"{first.metric if len(same) == 1 else f'{len(same)} gates on {first.dimension}'} could not be decided".replace(
        "_", " "
    )
    where = f"{first.table}: " if first.table else ""
    return Finding(title, f"{where}{why[0].upper()}{why[1:].rstrip('.')}. Not measured: {names}.", first.dimension, "unknown",
                   first.metric, "", first.table)  # fmt: skip


def _finding(outcome: Outcome, result: Result | None) -> Finding:
    """One gate that fails, or whose bound is not proven."""
    failed = outcome.status == "fail"
    severity: Literal["block", "warn", "unknown"] = (
        "unknown" if not failed else "block" if outcome.severity == "block" else "warn"
    )
    title = f"{outcome.metric.replace('_', ' ')} {'does not hold' if failed else 'could not be decided'}"
    if outcome.got is None:
        return Finding(
            "A waiver has ended", outcome.text, outcome.dimension, severity, outcome.metric, outcome.fix, outcome.table
        )
    reading = str(result.detail.get("reading", "")) if result else ""
    if reading and not reading.endswith((".", "!", "?")):
        reading += "."
    if "=" not in reading.partition(":")[0]:  # a group's name begins as the column does
        reading = f"{reading[:1].upper()}{reading[1:]}"
    advice = str(result.detail.get("fix", "")) if result else ""
    fix = outcome.fix or advice
    why = f"{outcome.why[:1].upper()}{outcome.why[1:]}: " if failed and outcome.why else ""
    return Finding(
        title, f"{why}{outcome.text} {reading}".strip(), outcome.dimension, severity, outcome.metric, fix, outcome.table
    )
