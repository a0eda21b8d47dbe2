"""Statistical parity by sampling: the target no longer depends on a protected column."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import rng
from lookalike.errors import SynthesizerError, UnknownColumn, did_you_mean
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.spec import Kind
from lookalike.synthesizers import conditions, features
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.series import Stretch

CUTS = 4  # ranges that a number is cut into


class Fair(Synthesizer):
    """Samples in which `target` is independent of `protected`, both with their real shares.

    The number of rows of each group and target value is set to the product of their shares (or part of the way, by
    `strength`), and the other columns are drawn by the base method given both. Other columns may still tell the group: a
    model that is trained on them is fairer, not surely fair; measure it. `report_` says what was removed and what it cost.

    Use it to train or test models where an outcome should not hang on a group. Do not use it to describe the world as it is.

    Source:
        Kamiran and Calders 2012, "Data preprocessing techniques for classification without discrimination" (reweighing).
    """

    kind: ClassVar[str] = "fair"

    base: Annotated[Synthesizer, Kind("synthesizer")]
    protected: str = Field(description="a column of groups")
    target: str = Field(description="the outcome, a category or a number")
    strength: float = Field(default=1.0, ge=0, le=1, description="how much of the dependence is removed; 1: all")

    _cells: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def report_(self) -> dict[str, Any]:
        """What was removed, and what it cost.

        The parity gap, before and after, is the largest difference between two groups in the share of an outcome; `rows_moved`
        is the share of rows whose group or outcome had to change for it.
        """
        joint, wanted = np.array(self._cells["joint"]), np.array(self._cells["wanted"])
        return {
            "gap_before": _gap(joint), "gap_after": _gap(wanted), "rows_moved": float(np.abs(joint - wanted).sum() / 2),
            "groups": self._cells["groups"], "outcomes": self._cells["outcomes"],
        }  # fmt: skip

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        for name in (self.protected, self.target):
            if name not in schema.names:
                raise UnknownColumn(what=f"no column {name!r}", fix=did_you_mean(name, schema.names, label="columns"))
        learned, data = features.learn(table, schema)
        known = {feature.name: feature for feature in learned}
        if self.protected not in known or known[self.protected].is_number or self.target not in known:
            raise SynthesizerError(
                what=f"{self.protected!r} is no category, or {self.target!r} is not learned",
                fix="name a column of groups and an outcome",
            )
        groups, group_codes = _groups(known[self.protected], data[self.protected])
        outcomes, outcome_codes = _outcomes(known[self.target], schema[self.target], data[self.target])
        counts = np.zeros((len(groups), len(outcomes)))
        np.add.at(counts, (group_codes, outcome_codes), 1)
        joint = counts / counts.sum()
        apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        wanted = (1 - self.strength) * joint + self.strength * apart
        empty = [(groups[i], outcomes[j]) for i, j in np.argwhere((counts == 0) & (wanted > 0))]
        if empty:
            raise SynthesizerError(
                what=f"no row has {empty[0]}: how such rows look cannot be learned",
                fix="merge groups or outcomes, or lower strength",
            )
        self.base.fit(table, schema, seed=seed, budget_s=budget_s)
        self._cells = {"groups": groups, "outcomes": outcomes, "joint": joint.tolist(), "wanted": wanted.tolist()}

    def _first(self, given: dict[str, Any], whole: int) -> int:  # noqa: ARG002
        return whole  # the groups' shares of each outcome are set

    def _profile(self, name: str) -> dict[str, Any] | None:
        return self.base._profile(name)  # noqa: SLF001  # a model inside a model

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:  # noqa: ARG002
        clash = {self.protected, self.target} & set(given)
        if clash:
            raise SynthesizerError(
                what=f"a condition on {sorted(clash)}, whose shares fairness sets", fix="condition the base method"
            )
        wanted = np.array(self._cells["wanted"]).ravel()
        counts = conditions.counts_of(conditions.ColumnCondition("", "", None, shares=wanted), len(stretch))
        parts = []
        for cell, rows in enumerate(counts.tolist()):
            group, outcome = divmod(cell, len(self._cells["outcomes"]))
            asked = {**given, self.protected: self._cells["groups"][group], self.target: self._cells["outcomes"][outcome]}
            if rows:
                parts.append(self.base.sample_arrow(rows, given=asked, seed=stretch.key("cell", cell)))
        if not parts:
            return self.base.sample_arrow(0, given=given)
        order = rng.generator(stretch.key("fair")).permutation(len(stretch))
        return pa.concat_tables(parts).take(pa.array(order)).combine_chunks()

    def _state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        meta, arrays = self.base._state()  # noqa: SLF001  # a model inside a model
        return {"base": meta, "cells": self._cells}, arrays

    def _restore(self, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.base._schema = self._schema  # noqa: SLF001  # likewise
        self.base._restore(meta["base"], arrays)  # noqa: SLF001  # likewise
        self._cells = meta["cells"]


def _groups(feature: features.Feature, codes: npt.NDArray[Any]) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The values of a category (None: missing) and each row's."""
    values = [*(feature.levels or ()), *([None] if feature.missing else [])]
    return values, np.asarray(codes, np.int64)


def _outcomes(
    feature: features.Feature, column: ColumnSchema, values: npt.NDArray[Any]
) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """Conditions that tell the outcomes apart, and each row's: values of a category, ranges of a number."""
    if not feature.is_number:
        return _groups(feature, values)
    there = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(there, np.linspace(0, 1, CUTS + 1)))
    if len(cuts) == 1:
        cuts = np.array([cuts[0], cuts[0]])
    step = feature.step or max(1e-9, 1e-9 * float(np.abs(there).max()))
    lows = features.decode(
        feature, column, np.array([cuts[0], *(np.floor(cuts[1:-1] + step) if feature.step else cuts[1:-1] + step)])
    )
    highs = features.decode(feature, column, np.floor(cuts[1:]) if feature.step else cuts[1:])
    outcomes: list[Any] = [{"min": low, "max": high} for low, high in zip(lows.to_pylist(), highs.to_pylist(), strict=True)]
    codes = np.clip(np.searchsorted(cuts[1:-1], values, side="left"), 0, len(outcomes) - 1)
    if feature.missing:
        codes = np.where(np.isnan(values), len(outcomes), codes)
        outcomes.append(None)
    return outcomes, np.asarray(codes, np.int64)


def _gap(joint: npt.NDArray[np.float64]) -> float:
    """Largest difference between two groups in the share of one outcome."""
    rows = joint.sum(axis=1, keepdims=True)
    shares = joint / np.where(rows > 0, rows, 1)
    there = shares[rows[:, 0] > 0]
    return float((there.max(axis=0) - there.min(axis=0)).max())
