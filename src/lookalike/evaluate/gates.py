"""Gates: bounds on what was measured, in a file that is versioned and reviewed like code; they decide the exit code.

A gate is a pure function of a report, so it can be run again later, without the data:

    version: 1
    profile: internal                       # start from a profile's gates; yours with the same metric replace them
    gates:
      - {metric: c2st, max: 0.9, severity: warn, why: "a tree model must not tell the tables apart at sight"}
      - {metric: pairs, min: 0.9, relative_to: ceiling}          # at least 90% of what a real holdout reaches
      - {metric: marginals, agg: worst_mean, k: 5, min: 0.8}     # the five worst columns together
      - {metric: membership_auc, max: 0.55, bound: upper}        # on the bound, not on the estimate
      - {metric: "*", max_drop: 0.02}                            # nothing worse than in the baseline report
    waivers:
      - {gate: c2st, until: 2099-01-31, owner: ana, reason: "floats are rounded in the source"}
"""

# pyright: reportAssignmentType=false, reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lookalike.errors import UsageError, did_you_mean
from lookalike.evaluate.base import DIMENSIONS, Dimension, Result, Verdict
from lookalike.registry import kinds

ENDS = {"value": "", "lower": ", at the low end of its interval", "upper": ", at the high end of its interval"}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROFILES = ("internal", "partner", "public", "health", "augmentation")
Status = Literal["pass", "fail", "inconclusive", "waived", "skipped"]


class Gate(BaseModel):
    """One bound.

    Attributes:
        metric: a result's name (`c2st`, `marginals.age`), or a pattern (`*`), which means every headline that matches.
        table: only results of this table of a set; "" is any.
        max: the value must not be above.
        min: the value must not be below.
        max_drop: against a baseline report: how much worse it may be, beyond the noise of both.
        bound: which end of the confidence interval is compared; the estimate where there is no interval. The far end ("upper" with
            `max`, "lower" with `min`) asks for proof: an interval that lies on both sides of the bound is inconclusive.
        agg: over the results of single columns, pairs or groups instead of the headline.
        k: how many of the worst `worst_mean` takes.
        relative_to: compare with the ceiling (a real holdout), the floor, or the same number of the baseline report:
            `min` then bounds the ratio, `max` the difference. Where nothing real stands beside it, `max` bounds the number itself.
        severity: "block" fails the release; "warn" is only said.
        optional: no number is no failure.
        why: the reason for the bound.
        fix: what to do when it does not hold.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    table: str = ""
    max: float | None = None
    min: float | None = None
    max_drop: float | None = None
    bound: Literal["value", "lower", "upper"] = "value"
    agg: Literal["", "worst", "worst_mean", "mean"] = ""
    k: int = Field(5, ge=1)
    relative_to: Literal["", "ceiling", "floor", "baseline"] = ""
    severity: Literal["block", "warn"] = "block"
    optional: bool = False
    why: str = ""
    fix: str = ""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.max is None and self.min is None and self.max_drop is None:
            raise ValueError("a gate needs max, min or max_drop")
        return self

    @property
    def need(self) -> str:
        """The bound in words."""
        parts = [f"at least {self.min:g}"] if self.min is not None else []
        parts += [f"at most {self.max:g}"] if self.max is not None else []
        parts += [f"at most {self.max_drop:g} worse than the baseline"] if self.max_drop is not None else []
        text = " and ".join(parts)
        if self.relative_to:
            text += f" {'of' if self.min is not None else 'above'} the {self.relative_to}"
        if self.agg:
            text += {"worst": ", the worst", "worst_mean": f", mean of the {self.k} worst", "mean": ", on average"}[self.agg]
        return text + ENDS[self.bound]


class Waiver(BaseModel):
    """A gate that need not hold until a day; after it the waiver itself is a failure.

    Attributes:
        gate: the gate's metric.
        until: last day.
        owner: who answers for it.
        reason: why.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    gate: str
    until: dt.date
    owner: str
    reason: str


class Gates(BaseModel):
    """A set of gates with its waivers; `baseline` names a report.json to compare with, `only` what is measured unless told otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    profile: str = ""
    name: str = ""
    gates: tuple[Gate, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baseline: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one gate.

    Attributes:
        metric: the gate's metric.
        status: "waived": it does not hold, and that is accepted for now; "skipped": optional and not measured.
        got: what was compared, None when nothing was measured.
        need: the bound in words.
        text: one sentence for people.
    """

    metric: str
    dimension: Dimension
    status: Status
    severity: Literal["block", "warn"]
    got: float | None
    need: str
    text: str
    table: str = ""
    why: str = ""
    fix: str = ""
    subjects: tuple[str, ...] = field(default=())


def load(gates: str | Path | Gates | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None) -> Gates:
    """Gates from a profile's name, a YAML file, a recipe's list, or plain data; None and "none" are no gates.

    Raises:
        UsageError: not a profile and not a file, not valid, or a metric that does not exist.
    """
    if isinstance(gates, Gates):
        loaded, where = gates, "gates"
    elif gates is None or gates == "none":
        return Gates(name="none")
    elif isinstance(gates, (str, Path)):
        loaded, where = _read(gates)
    else:
        where = "gates"
        loaded = _parse({"gates": list(gates)} if not isinstance(gates, Mapping) else gates, where)
    if loaded.profile and loaded.name != loaded.profile:
        base = load(loaded.profile)
        own = {(g.metric, g.table, g.agg) for g in loaded.gates}
        kept = tuple(g for g in base.gates if (g.metric, g.table, g.agg) not in own)
        loaded = loaded.model_copy(
            update={"gates": kept + loaded.gates, "name": loaded.name or loaded.profile, "only": loaded.only or base.only}
        )
    _check(loaded, where)
    return loaded


def about(gates: Gates, kinds_asked: Collection[str]) -> Gates:
    """Only those gates whose metric was asked for."""
    kept = tuple(g for g in gates.gates if g.metric.partition(".")[0] in kinds_asked or "*" in g.metric)
    return gates.model_copy(update={"gates": kept})


def _read(name: str | Path) -> tuple[Gates, str]:
    if str(name) in PROFILES:
        text = files("lookalike.evaluate").joinpath("profiles", f"{name}.yaml").read_text(encoding="utf-8")
        return _parse(yaml.load(text, Loader=LOADER), f"profile {name}"), f"profile {name}"  # noqa: S506  # a safe one
    path = Path(name)
    if not path.is_file():
        raise UsageError(
            what=f"{str(name)!r} is neither a profile nor a gates file", fix=did_you_mean(str(name), PROFILES, label="profiles")
        )
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506  # a safe one
    except yaml.YAMLError as exc:
        raise UsageError(what=f"not YAML: {exc}", where=str(path), fix="see docs/how-to/gates.md") from exc
    gates = _parse(data, str(path))
    if gates.baseline:
        gates = gates.model_copy(update={"baseline": str(path.parent / gates.baseline)})
    return gates, str(path)


def _parse(data: Any, where: str) -> Gates:
    try:
        return Gates.model_validate(data)
    except ValidationError as exc:
        lines = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in exc.errors())
        raise UsageError(what=lines, where=where, fix="see docs/how-to/gates.md for the fields of a gate") from exc


def _check(gates: Gates, where: str) -> None:
    known = kinds("metric")
    for gate in gates.gates:
        head = gate.metric.partition(".")[0]
        if head not in known and not any(fnmatchcase(kind, head) for kind in known):
            raise UsageError(
                what=f"gate on unknown metric {gate.metric!r}", where=where, fix=did_you_mean(head, known, label="metrics")
            )
    names = {gate.metric for gate in gates.gates}
    for waiver in gates.waivers:
        if waiver.gate not in names:
            raise UsageError(
                what=f"waiver of {waiver.gate!r}, which is no gate here",
                where=where,
                fix=did_you_mean(waiver.gate, names, label="gates"),
            )


def decide(
    gates: Gates, results: Sequence[Result], *, baseline: Sequence[Result] | None = None, today: dt.date | None = None
) -> list[Outcome]:
    """What becomes of every gate, in their order; expired waivers come last, each a failure."""
    day = today or dt.datetime.now(dt.UTC).date()
    valid = {w.gate: w for w in gates.waivers if w.until >= day}
    out: list[Outcome] = []
    for gate in gates.gates:
        for outcome in _outcomes(gate, results, baseline):
            waiver = valid.get(gate.metric)
            if waiver and outcome.status in ("fail", "inconclusive"):
                text = f"{outcome.text} Waived until {waiver.until} by {waiver.owner}: {waiver.reason}"
                outcome = _with(outcome, "waived", text)  # noqa: PLW2901  # the waived form of the same outcome
            out.append(outcome)
    for waiver in gates.waivers:
        if waiver.until < day:
            text = f"The waiver of {waiver.gate} by {waiver.owner} ended on {waiver.until}."
            dimension: Dimension = next((r.dimension for r in results if r.name == waiver.gate), "validity")
            out.append(
                Outcome(waiver.gate, dimension, "fail", "block", None, "no expired waiver", text, fix="renew it or take it out")
            )
    return out


def _with(outcome: Outcome, status: Status, text: str) -> Outcome:
    return Outcome(
        outcome.metric, outcome.dimension, status, outcome.severity, outcome.got, outcome.need, text, outcome.table,
        outcome.why, outcome.fix, outcome.subjects,
    )  # fmt: skip


def _outcomes(gate: Gate, results: Sequence[Result], baseline: Sequence[Result] | None) -> Iterable[Outcome]:
    pattern = any(c in gate.metric for c in "*?[")
    found = [
        r for r in results
        if (not gate.table or r.table == gate.table)
        and ((r.headline and fnmatchcase(r.name, gate.metric)) if pattern else r.name == gate.metric)
    ]  # fmt: skip
    known = {(r.name, r.table) for r in baseline or () if r.value is not None}
    if pattern and gate.max_drop is not None:  # what was measured in neither report got no worse
        found = [r for r in found if r.value is not None or (r.name, r.table) in known]
    if not found:
        status: Status = "skipped" if gate.optional else "inconclusive"
        text = f"{gate.metric} was not measured{f' on table {gate.table}' if gate.table else ''}."
        yield Outcome(
            gate.metric, _dimension(gate), status, gate.severity, None, gate.need, text, gate.table, gate.why, gate.fix
        )
    for result in found:
        parts = [r for r in results if r.metric == result.metric and r.table == result.table and r.subject] if gate.agg else []
        old = next((r for r in baseline or () if r.name == result.name and r.table == result.table), None)
        yield _outcome(gate, result, parts, old)


def _dimension(gate: Gate) -> Dimension:
    from lookalike.registry import resolve

    head = gate.metric.partition(".")[0]
    return resolve("metric", head).dimension if head in kinds("metric") else "validity"  # type: ignore[attr-defined]


def _outcome(gate: Gate, result: Result, parts: list[Result], old: Result | None) -> Outcome:
    got, subjects, missing = _measured(gate, result, parts, old)
    bounds = _bounds(gate, result, old) if got is not None else _NONE
    missing = bounds.missing or missing
    need = gate.need if bounds.reference is None else f"{gate.need} ({_said(bounds)})"

    def outcome(status: Status, text: str) -> Outcome:
        where = f"{result.table}: " if result.table else ""
        found = None if missing else got
        return Outcome(
            result.name, result.dimension, status, gate.severity, found, need, f"{where}{text}", result.table, gate.why, gate.fix, subjects
        )  # fmt: skip

    if got is None or missing:
        settled = gate.optional or result.detail.get("applies") is False
        return outcome("skipped" if settled else "inconclusive", f"{result.name} was not measured: {missing}.")
    named = f" ({', '.join(subjects[:3])})" if subjects else ""
    text = f"{result.name}{named} is {_with_interval(gate, result, got)}, needs {need}."
    if bounds.holds(got):
        return outcome("pass", text)
    proof = (gate.bound == "upper" and gate.max is not None) or (gate.bound == "lower" and gate.min is not None)
    if proof and not gate.agg:
        near = _end(gate.model_copy(update={"bound": "lower" if gate.bound == "upper" else "upper"}), result)
        if near is not None and bounds.holds(near):
            return outcome("inconclusive", f"{text} Its interval reaches from {near:.4g}: too few rows to prove it either way.")
    return outcome("fail", text)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What a number may be, the reference put in; or why there is no reference."""

    low: float = -math.inf
    high: float = math.inf
    reference: float | None = None
    missing: str = ""

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


_NONE = _Bounds()


def _bounds(gate: Gate, result: Result, old: Result | None) -> _Bounds:
    if gate.max_drop is not None:
        return _Bounds(high=gate.max_drop)
    low, high = -math.inf if gate.min is None else gate.min, math.inf if gate.max is None else gate.max
    if not gate.relative_to or (gate.min is None and result.detail.get("alone")):
        return _Bounds(low, high)
    reference = old.value if gate.relative_to == "baseline" and old else getattr(result, gate.relative_to, None)
    if reference is None:
        return _Bounds(missing=f"it has no {gate.relative_to} to be compared with")
    if gate.min is not None:
        low = reference - (1 - gate.min) * abs(reference)  # a share of the reference, also where that is below 0
    return _Bounds(low, high + reference, reference)


def _said(bounds: _Bounds) -> str:
    """The bound as a number: the reference put in."""
    return " to ".join(f"{end:.4g}" for end in (bounds.low, bounds.high) if math.isfinite(end))


def _with_interval(gate: Gate, result: Result, got: float) -> str:
    """A number with what is known of its error; of an end of the interval, the whole interval."""
    if result.value is None or result.interval is None or gate.agg or gate.max_drop is not None:
        return f"{got:.4g}"
    return f"{result.value:.4g} ({result.interval[0]:.4g} to {result.interval[1]:.4g})"


def _measured(gate: Gate, result: Result, parts: list[Result], old: Result | None) -> tuple[float | None, tuple[str, ...], str]:
    """What a gate compares; the subjects it is about; why there is nothing."""
    subjects: tuple[str, ...] = ()
    value = _end(gate, result)
    if gate.agg:
        worst = sorted((r for r in parts if r.value is not None), key=Result.badness, reverse=True)
        chosen = worst if gate.agg == "mean" else worst[: 1 if gate.agg == "worst" else gate.k]
        values = [v for r in chosen if (v := _end(gate, r)) is not None]
        value = sum(values) / len(values) if values else None
        subjects = tuple(r.subject for r in chosen) if gate.agg != "mean" else ()
    if value is None:
        return None, subjects, result.skipped or "no single columns or groups"
    if gate.max_drop is None:
        return value, subjects, ""
    if old is None:
        return None, (), "there is no baseline report"
    return _drop(result, old), subjects, "" if old.value is not None else "the baseline does not have it"


def _end(gate: Gate, result: Result) -> float | None:
    if result.value is None or gate.bound == "value" or result.interval is None:
        return result.value
    return result.interval[0 if gate.bound == "lower" else 1]


def _drop(new: Result, old: Result) -> float | None:
    """How much worse than before, beyond the noise of both; 0 when it is better or within noise."""
    if new.value is None or old.value is None:
        return None
    noise = math.hypot(*[(r.interval[1] - r.interval[0]) / 2 for r in (new, old) if r.interval])
    return max(0.0, new.badness() - old.badness() - noise)


def verdicts(results: Sequence[Result], outcomes: Sequence[Outcome]) -> dict[Dimension, Verdict]:
    """A verdict for each dimension that was measured or had to be: never a pass that no gate has decided."""
    out: dict[Dimension, Verdict] = {}
    for dimension in DIMENSIONS:
        own = [o for o in outcomes if o.dimension == dimension and o.severity == "block" and o.status != "skipped"]
        if not own and not any(r.dimension == dimension and r.value is not None for r in results):
            continue
        own = own or [o for o in outcomes if o.dimension == dimension]
        if any(o.status == "fail" and o.severity == "block" for o in own):
            out[dimension] = "fail"
        elif any(o.status == "inconclusive" for o in own) or not any(o.status in ("pass", "waived") for o in own):
            out[dimension] = "inconclusive"
        else:
            out[dimension] = "pass"
    return out


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 all hold, 1 a blocking gate does not, 3 one could not be decided; warnings never count.

    Gates of which not one could be decided are no pass either, optional or not: nothing was measured that they speak of.
    """
    statuses = {o.status for o in outcomes if o.severity == "block"}
    if outcomes and all(o.status == "skipped" for o in outcomes):
        return 3
    return 1 if "fail" in statuses else 3 if "inconclusive" in statuses else 0
