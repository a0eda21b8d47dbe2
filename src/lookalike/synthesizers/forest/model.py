"""`Forest`: our default synthesizer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import rng
from lookalike.errors import NotFitted, SynthesizerError, UnknownColumn, did_you_mean
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import encoding
from lookalike.synthesizers.base import Given, Synthesizer
from lookalike.synthesizers.encoding import ColumnCodes


class Forest(Synthesizer):
    """A sketched autoregressive histogram forest: seconds on a CPU, any column types, no tuning.

    Columns are drawn one after another. Each has a few histogram trees on the columns before it, whose splits compare random
    sketches of the column, so that one tree models its whole distribution; a split must be significant. Rows draw from leaves,
    numbers land between stored ones, and a small discriminator thins the draws towards the table. Identifiers, personal data
    and free texts are not learned: they are made anew.

    Use it first: mixed tables from a hundred to ten million rows. Prefer `copula` for a handful of rows, a DP method when a
    guarantee is needed, and a network for tables whose columns depend on each other through smooth functions of many.

    Source:
        Reiter 2005, "Using CART to generate partially synthetic public use microdata" (trees in a row);
        Iosipoi and Vakhrushev 2022, "SketchBoost" (sketched targets); Azadi et al. 2019, "Discriminator rejection sampling".
    """

    kind: ClassVar[str] = "forest"

    trees: int = Field(default=6, ge=1, le=64, description="Trees for each column.")
    min_leaf: int = Field(default=10, ge=1, description="Rows in a leaf, at least; never below `k`.")
    alpha: float = Field(
        default=3.0, ge=0, description="How significant a split must be: higher copies less and learns less; chance is about 1."
    )
    k: int = Field(default=5, ge=1, description="Rows that must share a number, or a leaf, before it is kept.")
    target: str | None = Field(default=None, description="A column to predict: drawn last, from all others.")
    thin: bool = Field(default=True, description="Draw too many rows and thin them by a discriminator.")
    threads: int = Field(default=0, ge=0, exclude=True, description="0: one for each core. Never changes a bit of the result.")

    _codings: list[ColumnCodes] | None = PrivateAttr(default=None)
    _learned: list[int] = PrivateAttr(default_factory=list)
    _model: Any = PrivateAttr(default=None)

    # --- fit ---

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        from lookalike.synthesizers.forest import draw, grow, learn, thin

        began = time.monotonic()
        if self.target is not None and self.target not in schema.names:
            raise UnknownColumn(
                what=f"the target {self.target!r} is no column", fix=did_you_mean(self.target, schema.names, label="columns")
            )
        codings, codes = learn.code_table(table, schema, self.k)
        learned = [i for i, coding in enumerate(codings) if coding.form != "replaced"]
        data = learn.matrix([codings[i] for i in learned], [codes[i] for i in learned])
        rules = learn.determined(data) if learned else {}
        names = [schema.columns[i].name for i in learned]
        order = learn.order_of(data, rules, names.index(self.target) if self.target in names else None)
        settings = grow.Settings(
            trees=self.trees, min_leaf=max(self.min_leaf, self.k), alpha=self.alpha,
            max_rows=int(min(60_000, max(8_000, 4_000_000 / (max(1, len(learned)) * self.trees)))),
        )  # fmt: skip
        deadline = None if budget_s is None else began + 0.8 * budget_s
        bags = (
            grow.grow_all(data, order, rules, settings, seed=seed, threads=self.threads, deadline=deadline) if learned else []
        )
        model = draw.Trained(
            data.codings, data.bin_of, bags, thin.plain(data, seed), _inequalities(schema, names, data.codings), table.num_rows
        )
        if self.thin and table.num_rows >= 500 and len(learned) > 1:
            model = replace(model, thinner=thin.train(data, model, seed))
        self._codings, self._learned, self._model = codings, learned, model

    # --- sample ---

    def _sample(self, n: int, schema: TableSchema, given: dict[str, Any], seed: int) -> pa.Table:
        blocks = list(self._blocks(n, given, seed))
        return self._table([learned for learned, _ in blocks], n, schema, rng.key(seed, "replaced") >> 1, 0)

    def sample_batches(self, n: int, rows: int = 65_536, *, given: Given | None = None, seed: int = 0) -> Iterator[pa.Table]:
        """Draw `n` rows a few at a time: the memory does not grow with `n`.

        Learned columns hold the same rows as `sample` with this seed, whatever `rows` is; sequences go on from batch to batch.

        Args:
            n: rows in all.
            rows: rows in a batch; rounded up to whole blocks of 16,384.
            given: as for `sample`.
            seed: the same batches again.
        """
        held: list[list[pa.Array]] = []
        count = done = 0
        for learned, size in self._blocks(n, dict(given or {}), seed):
            held.append(learned)
            count += size
            if count >= rows or done + count >= n:
                yield self._table(held, count, self.schema_, rng.key(seed, "replaced", done) >> 1, done)
                done, count, held = done + count, 0, []

    def _blocks(self, n: int, given: dict[str, Any], seed: int) -> Iterator[tuple[list[pa.Array], int]]:
        """Learned columns of each block, and its rows."""
        from lookalike.synthesizers.forest import draw, grow

        model = self._trained()
        sizes = draw.block_sizes(n) or [0]

        def make(number: int) -> tuple[list[pa.Array], int]:
            block = draw.block_of(model, sizes[number], draw.block_key(seed, number))
            return self._decode(block), sizes[number]

        for first in range(0, len(sizes), 16):
            yield from grow.in_threads(make, range(first, min(first + 16, len(sizes))), self.threads)

    def _trained(self) -> Any:
        if self._model is None:
            raise NotFitted(what="this Forest has learned nothing", fix="call fit(table) first")
        return self._model

    def _decode(self, block: Any) -> list[pa.Array]:
        columns = []
        for j, coding in enumerate(self._trained().codings):
            if j in block.fixed:
                columns.append(encoding.numbers(coding, block.fixed[j], block.codes[j] == 0))
            else:
                columns.append(encoding.decode(coding, block.codes[j], block.places[j]))
        return columns

    def _table(self, blocks: list[list[pa.Array]], n: int, schema: TableSchema, key: int, start: int) -> pa.Table:
        """Learned columns of some blocks, and new values where nothing is learned; `start` rows came before."""
        from lookalike.synthesizers import anonymise

        place = {i: j for j, i in enumerate(self._learned)}
        columns: list[pa.Array] = []
        for i, coding in enumerate(self._codings or []):
            if i in place:
                columns.append(pa.chunked_array([block[place[i]] for block in blocks]).combine_chunks())
                continue
            profile = dict(coding.profile or {})
            if start and coding.schema.format == "sequence" and "low" in profile:
                profile["low"] += start * (profile.get("step") or 1)
            columns.append(anonymise.replacements(coding.schema, n, key, known=profile))
        return pa.table(dict(zip(schema.names, columns, strict=True)))

    # --- save and load ---

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        from lookalike.synthesizers.forest import store

        return store.state(self._codings or [], self._learned, self._trained())

    def _restore(self, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        from lookalike.synthesizers.forest import store

        try:
            self._codings, self._learned, self._model = store.restore(self.schema_, meta, arrays)
        except (KeyError, IndexError, ValueError, TypeError) as exc:
            raise SynthesizerError(what=f"the saved forest is damaged: {exc!r}", fix="fit and save it again") from exc


def _inequalities(schema: TableSchema, names: list[str], codings: Any) -> list[tuple[int, int]]:
    """The rules `"a" <= "b"` between learned numbers, as column indices."""
    import re

    found = []
    for rule in schema.rules:
        match = re.fullmatch(r'\s*"([^"]+)"\s*<=\s*"([^"]+)"\s*', rule)
        if match and match[1] in names and match[2] in names:
            a, b = names.index(match[1]), names.index(match[2])
            if codings[a].form == codings[b].form == "number":
                found.append((a, b))
    return found
