"""An any-order autoregressive network over binned columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from lookalike.synthesizers.bins import Codes
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data
from lookalike.synthesizers.methods import nets
from lookalike.synthesizers.private.sgd import PrivateNet
from lookalike.synthesizers.tabular import Drawn, LearnedModel, Lesson


class Autoregressive(PrivateNet):
    """Any-order autoregressive network: one net predicts every column from any subset of the others.

    Trained on random subsets, so conditions come first and the rest follows: exact values need no trial. Numbers are learned
    in `bins` quantile bins and placed within them.

    Use it for tables of mixed types with enough rows (10,000 and more) when training time is no matter. Do not use it for
    small tables, or for many fine numbers: it sees bins.

    Source:
        Tiwald et al. 2025, "TabularARGN"; Uria, Murray and Larochelle 2014, "A deep and tractable density estimator".
    """

    kind: ClassVar[str] = "autoregressive"

    epochs: int = Field(default=60, ge=1, description="passes over the rows")
    width: int = Field(default=256, ge=8, description="units of a hidden layer")
    bins: int = Field(default=40, ge=2, le=256, description="most bins of a number")
    batch: int = Field(default=512, ge=8, description="rows of one step")
    learning_rate: float = Field(default=2e-3, gt=0, description="Adam's step")

    def _net(self, torch: Any, blocks: Sequence[nets.CellBlock]) -> Any:
        cells = sum(block.bins.count for block in blocks)
        return nets.perceptron(torch, [cells + len(blocks), self.width, self.width, cells])

    def _learn(self, lesson: Lesson) -> LearnedModel:
        cuts = self._cuts(lesson, self.bins)
        blocks = nets.blocks_of(cuts)
        codes = np.stack([c.encode(lesson.data[c.feature.name]) for c in cuts], axis=1)
        with nets.seeded(int(lesson.draws.integers(1 << 31))) as torch:
            net = self._net(torch, blocks)
            spans = _spans(blocks)
            softmaxes, starts = nets.Softmaxes(torch, spans, spans[-1][1]), np.array([start for start, _ in spans])
            optimizer = torch.optim.Adam(net.parameters(), lr=self.learning_rate)

            def loss(rows: Codes) -> Any:
                known = lesson.draws.random((len(rows), len(blocks))) < lesson.draws.random((len(rows), 1))
                logits = net(torch.from_numpy(_cells(blocks, codes[rows], known)))
                chosen = torch.from_numpy(starts + codes[rows])
                nats = (softmaxes.norms(logits) - logits.gather(1, chosen)) * torch.from_numpy(~known)
                hidden = torch.from_numpy((~known).sum(axis=1)).clamp(min=1)
                return nats.sum(dim=1) / hidden

            meta = self._trained(torch, lesson, [net], optimizer, loss, rows=len(codes), epochs=self.epochs, batch=self.batch)
        return LearnedModel(meta, {**nets.cut_arrays(cuts), **nets.weights(net)})

    def _honours(self, condition: ColumnCondition) -> bool:
        return condition.values is not None

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        blocks = nets.saved_blocks(self._features, self._model.arrays)
        asked = {condition.name: condition for condition in wanted}
        order = sorted(range(len(blocks)), key=lambda i: self._features[i].name not in asked)
        codes, known = np.zeros((n, len(blocks)), np.int64), np.zeros((n, len(blocks)), bool)
        logs = np.zeros(n) if wanted else None
        fixed: Data = {}
        with nets.seeded(0) as torch, torch.no_grad():
            net = nets.load_weights(torch, self._net(torch, blocks), self._model.arrays)
            for i in order:
                start, stop = _spans(blocks)[i]
                logits = net(torch.from_numpy(_cells(blocks, codes, known)))[:, start:stop].numpy().astype(np.float64)
                condition = asked.get(self._features[i].name)
                if condition is not None and logs is not None:
                    assert condition.values is not None
                    chances = np.exp(logits - np.logaddexp.reduce(logits, axis=1)[:, None])
                    each = chances[:, blocks[i].bins.encode(condition.values)] * blocks[i].bins.share(condition.values)
                    with np.errstate(divide="ignore"):
                        logs += np.log(each.sum(axis=1))
                        chosen = nets.pick(np.log(each), draws)
                    fixed[self._features[i].name] = condition.values[chosen]
                    codes[:, i] = blocks[i].bins.encode(fixed[self._features[i].name])
                else:
                    codes[:, i] = nets.pick(logits, draws)
                known[:, i] = True
        return {**nets.decode(blocks, list(codes.T), {}, draws), **fixed}, logs


def _spans(blocks: Sequence[nets.CellBlock]) -> list[tuple[int, int]]:
    """Where each column's cells lie when none has a place cell."""
    ends = np.cumsum([block.bins.count for block in blocks]).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _cells(blocks: Sequence[nets.CellBlock], codes: Codes, known: Any) -> nets.Matrix:
    """One-hot cells of the known columns, and which are known: float32 [n, cells + d]."""
    spans = _spans(blocks)
    out = np.zeros((len(codes), spans[-1][1] + len(blocks)), np.float32)
    for i, (start, _) in enumerate(spans):
        rows = np.flatnonzero(known[:, i])
        out[rows, start + codes[rows, i]] = 1.0
    out[:, spans[-1][1] :] = known
    return out
