"""`Forest`: our default synthesizer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, PrivateAttr

from lookalike import frames, rng
from lookalike.errors import NotFitted, SynthesizerError, UnknownColumn, did_you_mean
from lookalike.kernels import keyed
from lookalike.schema.rules import find
from lookalike.schema.semantics import buffers
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import encoding, watch
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest.trained import Block, Trained
from lookalike.synthesizers.series import BLOCK, Series, Stretch


class Forest(Synthesizer):
    """A sketched autoregressive histogram forest: seconds on a CPU, any column types, no tuning.

    Columns are drawn one after another. Each has a few histogram trees on the columns before it, whose splits compare random
    sketches of the column, so that one tree models its whole distribution; a split must be significant. Rows draw from leaves,
    numbers land between stored ones, and a small discriminator thins the draws towards the table. Columns that others determine or
    give by arithmetic (total = net + tax) are looked up and worked out, and where nearly all rows share a pair of values with others
    (a car's make and model), nearly all drawn rows hold such pairs too. Identifiers, personal data and free texts are not learned: they are made anew.

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
    k: int | None = Field(
        default=None,
        ge=1,
        description="Rows that must share a number, or a leaf, before it is kept. None: 1 row in 4,000, at least 5 and at most 10.",
    )
    target: str | None = Field(default=None, description="A column to predict: drawn last, from all others.")
    thin: bool = Field(default=True, description="Draw too many rows and thin them by a discriminator.")
    context: tuple[str, ...] = Field(
        default=(),
        description="Columns that are given when rows are drawn (by `draw`), such as a parent's: nothing is drawn for them.",
    )
    threads: int = Field(default=0, ge=0, exclude=True, description="0: one for each core. Never changes a bit of the result.")

    _codings: list[ColumnCodes] | None = PrivateAttr(default=None)
    _learned: list[int] = PrivateAttr(default_factory=list)
    _model: Any = PrivateAttr(default=None)
    _plans: dict[str, Any] = PrivateAttr(default_factory=dict)

    # --- fit ---

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        from lookalike.synthesizers.forest import draw, grow, keeping, learn, pairs, splits, sums, thin

        began = time.monotonic()
        if splits.cold():
            watch.tell("numeric kernels are compiled, this once: a quarter of a minute", 0.0)
        if self.target is not None and self.target not in schema.names:
            raise UnknownColumn(
                what=f"the target {self.target!r} is no column", fix=did_you_mean(self.target, schema.names, label="columns")
            )
        k = min(10, max(5, table.num_rows // 4000)) if self.k is None else self.k
        codings, codes = learn.code_table(table, schema, k)
        learned = [i for i, coding in enumerate(codings) if coding.form != "replaced"]
        data = learn.matrix([codings[i] for i in learned], [codes[i] for i in learned])
        near = learn.association(data) if len(learned) > learn.PREDECESSORS + 1 else None
        names = [schema.columns[i].name for i in learned]
        found = find(table, schema)
        codings = keeping.with_gaps(found, codings, table.num_rows)
        given = [names.index(name) for name in self.context if name in names]
        rules = {j: source for j, source in learn.determined(data, near).items() if j not in given} if learned else {}
        worked_out = sums.learn(table, data.codings, rules) if learned else {}
        worked_out = {j: found for j, found in worked_out.items() if j not in given}
        before = {j: [source] for j, source in rules.items()} | {
            j: sums.needed(found, names) for j, found in worked_out.items()
        }
        order = learn.order_of(data, before, names.index(self.target) if self.target in names else None)
        order = [*given, *(j for j in order if j not in given)]
        settings = grow.Settings(
            trees=self.trees, min_leaf=max(self.min_leaf, k), alpha=self.alpha,
            max_rows=int(min(60_000, max(8_000, 4_000_000 / (max(1, len(learned)) * self.trees)))),
        )  # fmt: skip
        watch.tell("growing trees", 0.1)
        deadline = None if budget_s is None else began + 0.8 * budget_s
        bags = (
            grow.grow_all(
                data, order, rules, settings, given=len(given), near=near, seed=seed, threads=self.threads, deadline=deadline
            )
            if learned
            else []
        )
        model = Trained(
            data.codings,
            data.bin_of,
            bags,
            thin.plain(data, seed),
            keeping.orders(found, data.codings),
            table.num_rows,
            worked_out,
            given=tuple(given),
            kept=keeping.learn(found, data.codings),
        )
        if len(learned) > 1:
            rows = thin.rows_of(data, seed)
            drawn = draw.candidates(model, len(rows), rng.key(seed, "drawn", "pairs") >> 1, thin.start_of(data, model, rows))
            model = replace(model, bags=pairs.with_partners(data, bags, drawn.codes, k))
        watch.tell("comparing drawn rows with real ones", 0.7)
        if self.thin and table.num_rows >= 500 and len(learned) > 1:
            model = thin.train(data, model, seed)
        self._codings, self._learned, self._model, self._plans = codings, learned, model, {}

    def fit_batches(
        self,
        batches: Iterable[pa.RecordBatch | pa.Table],
        schema: TableSchema | None = None,
        *,
        rows: int = 500_000,
        seed: int = 0,
        budget_s: float | None = None,
    ) -> Self:
        """Learn a table that need not fit in memory, batch by batch: from the rows of an even random sample.

        Rows that are left out are to the model what fresh rows are: it can copy none of them. Which rows are taken hangs on the
        seed and their place in the table, not on how it is cut into batches.

        Args:
            batches: all with the same columns, as from `pyarrow.parquet.ParquetFile(path).iter_batches()`.
            schema: semantic types; inferred from the rows taken when not given.
            rows: to learn from, at most.
            seed: as for `fit`.
            budget_s: as for `fit`; reading the batches does not count.

        Raises:
            SchemaError: as for `fit`, or batches with different columns.
            SynthesizerError: no row at all.
        """
        from lookalike.synthesizers.forest import learn

        return self.fit(learn.even_sample(batches, rows, rng.key(seed, "sample") >> 1), schema, seed=seed, budget_s=budget_s)

    # --- sample ---

    def draw(self, context: pa.Table, *, seed: int = 0) -> pa.Table:
        """One row for each row of the context, given what stands there.

        Args:
            context: the columns that `context` names, with the types that were fitted.
            seed: the same context and seed give the same rows.

        Returns:
            All other columns, in the schema's order.

        Raises:
            NotFitted: before `fit`.
            UnknownColumn: a column of the context is missing.
        """
        from lookalike.synthesizers.forest import density, draw

        model, n = self._trained(), context.num_rows
        known = [model.codings[j].schema.name for j in model.given]
        for name in known:
            if name not in context.column_names:
                fix = did_you_mean(name, context.column_names, label="columns")
                raise UnknownColumn(what=f"the context has no column {name!r}", fix=fix)

        def make(stretch: Stretch) -> pa.Table:
            part = context.slice(stretch.start, len(stretch))
            start, _ = density.coded(model, part, model.given)
            stretch = replace(stretch, stop=stretch.start + part.num_rows)
            return self._filled(stretch, self._learned_table(draw.best_of(model, start, stretch.key("block"))))

        made = Series(make, seed, first=BLOCK, threads=self.threads).rows(0, n)
        return made.drop_columns(list(self.context))

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:  # noqa: ARG002
        if self.context:
            raise SynthesizerError(
                what="this forest draws rows for a context", fix="call draw(context), one row for each of its rows"
            )
        return self._learned_table(self._drawer(given)(len(stretch), stretch.key("block")))

    def _profile(self, name: str) -> dict[str, Any] | None:
        found = next((coding for coding in self._codings or [] if coding.schema.name == name), None)
        return None if found is None or found.form != "replaced" else dict(found.profile or {})

    def _threads(self) -> int:
        return self.threads

    def _drawer(self, given: dict[str, Any]) -> Callable[[int, int], Block]:
        """The function (rows, key) -> block for some conditions."""
        from lookalike.synthesizers.forest import conditions, draw

        model = self._trained()
        if not given:
            return lambda n, key: draw.block_of(model, n, key)
        asked = repr(sorted(given.items()))
        if asked not in self._plans:  # a condition is prepared once for a model: runs ask block by block
            parts = conditions.split(model, given, self.schema_.names)
            while len(self._plans) >= 8:
                self._plans.pop(next(iter(self._plans)), None)
            self._plans[asked] = [
                (share, conditions.prepare(model, condition, self._learned_table, rng.key("plan", number) >> 1))
                for number, (share, condition) in enumerate(parts)
            ]
        ends = np.cumsum([share for share, _ in self._plans[asked]])
        plans = [plan for _, plan in self._plans[asked]]

        def block_of(n: int, key: int) -> Block:
            cuts = np.round(np.concatenate([[0.0], ends / ends[-1]]) * n).astype(int)
            blocks = [
                conditions.block_of(model, plan, self._learned_table, int(cuts[i + 1] - cuts[i]), rng.key(key, "part", i) >> 1)
                for i, plan in enumerate(plans)
            ]
            return blocks[0] if len(blocks) == 1 else draw.mixed(model, blocks).take(keyed.shuffled(key, n))

        return block_of

    def _learned_table(self, block: Block) -> pa.Table:
        names = [coding.schema.name for coding in self._trained().codings]
        return pa.table(dict(zip(names, self._decode(block), strict=True)))

    # --- more questions to the same model ---

    def complete(self, table: Any, *, seed: int = 0) -> Any:
        """Fill the missing cells of a table, all of a row's jointly given its other cells.

        Cells that are there stay as they are. Columns that are not learned (identifiers, personal data, texts) stay as they are too.

        Args:
            table: pandas, polars or Arrow with the columns that were fitted; NaN counts as missing.
            seed: the same table and seed give the same cells; other seeds give other draws (multiple imputation).

        Raises:
            UnknownColumn: a learned column is not in the table.
        """
        from lookalike.synthesizers.forest import density

        model, arrow = self._trained(), self._checked(table)
        block = density.complete(model, arrow, rng.key(seed, "complete") >> 1)
        for coding, drawn in zip(model.codings, self._decode(block), strict=True):
            name = coding.schema.name
            values = buffers.one(arrow[name])
            kept = values if values.type == drawn.type else values.cast(drawn.type)
            gaps = buffers.mask_of(kept)
            if pa.types.is_floating(kept.type):
                gaps |= buffers.mask_of(pc.if_else(pc.is_nan(kept), pa.scalar(None, kept.type), kept))
            if gaps.any():
                truth = pa.Array.from_buffers(
                    pa.bool_(), len(gaps), [None, pa.py_buffer(np.packbits(gaps, bitorder="little").tobytes())]
                )
                arrow = arrow.set_column(arrow.column_names.index(name), name, pc.if_else(truth, drawn, kept))
        return frames.from_arrow(arrow, frames.frame_kind(table), rows_of=table)

    def counterfactual(self, table: Any, set: Mapping[str, Any], *, redraw: Sequence[str] = (), seed: int = 0) -> Any:
        """The same rows with some columns set otherwise: what if this had been so?

        Only what is asked for changes: the columns of `set`, and those of `redraw`, which are drawn again given all the others.
        What other columns would become in the world is a causal question that data alone cannot answer, so none changes unasked.

        Args:
            table: rows with the columns that were fitted.
            set: column -> its new value.
            redraw: columns to draw again, given the new values and everything else.
            seed: of the redrawn columns.

        Raises:
            UnknownColumn: a column that was not learned.
            Unsatisfiable: a value that the column cannot take.
        """
        from lookalike.synthesizers.forest import conditions

        model, arrow = self._trained(), self._checked(table)
        conditions.split(model, dict(set), self.schema_.names)
        known = [coding.schema.name for coding in model.codings]
        for name in redraw:
            if name not in known:
                raise UnknownColumn(what=f"column {name!r} is not learned", fix=did_you_mean(name, known, label="columns"))
        for name, value in set.items():
            kind = arrow[name].type
            cells = pa.repeat(pa.scalar(value).cast(kind), arrow.num_rows)
            arrow = arrow.set_column(arrow.column_names.index(name), name, cells)
        if not redraw:
            return frames.from_arrow(arrow, frames.frame_kind(table), rows_of=table)
        gone = arrow
        for name in redraw:
            gone = gone.set_column(gone.column_names.index(name), name, pa.nulls(arrow.num_rows, gone[name].type))
        drawn = self.complete(gone, seed=seed)
        for name in redraw:
            arrow = arrow.set_column(arrow.column_names.index(name), name, drawn[name])
        return frames.from_arrow(arrow, frames.frame_kind(table), rows_of=table)

    def log_likelihood(self, table: Any) -> npt.NDArray[np.float64]:
        """Natural log of the probability that the model gives to each row, float64 [n].

        Numbers count by the bin they lie in (255 at most), so values compare between rows of one model and not between models.

        Args:
            table: rows with the learned columns.
        """
        from lookalike.synthesizers.forest import density

        return density.log_likelihood(self._trained(), self._checked(table))

    def outlier_score(self, table: Any, *, seed: int = 0) -> npt.NDArray[np.float64]:
        """How strange each row is, float64 [n] in [0, 1]: the share of 4,096 rows of the model that are likelier.

        Args:
            table: rows with the learned columns.
            seed: of the model's rows.
        """
        from lookalike.synthesizers.forest import density

        own = np.sort(density.log_likelihood(self._trained(), self.sample_arrow(4096, seed=seed)))
        return 1 - np.searchsorted(own, self.log_likelihood(table), "right") / len(own)

    def _checked(self, table: Any) -> pa.Table:
        arrow = frames.to_arrow(table)
        for coding in self._trained().codings:
            name = coding.schema.name
            if name not in arrow.column_names:
                raise UnknownColumn(
                    what=f"the table has no column {name!r}", fix=did_you_mean(name, arrow.column_names, label="columns")
                )
        return arrow

    def _trained(self) -> Any:
        if self._model is None:
            raise NotFitted(what="this Forest has learned nothing", fix="call fit(table) first")
        return self._model

    def _decode(self, block: Any) -> list[pa.Array]:
        columns = []
        for j, coding in enumerate(self._trained().codings):
            if j in block.fixed:
                columns.append(encoding.numbers(coding, block.fixed[j], block.codes[j] == 0, block.places[j]))
            else:
                columns.append(encoding.decode(coding, block.codes[j], block.places[j]))
        return columns

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
