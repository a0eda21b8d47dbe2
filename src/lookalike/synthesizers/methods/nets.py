"""What the neural methods share: columns as blocks of a matrix, small networks, a training loop, weights as arrays.

A category is a block of one-hot cells; a number is a block of one-hot bins and one cell in [-1, 1] for its place in the bin, so
atoms, gaps and heavy tails need nothing special. torch runs on one thread inside `training`, because its spinning threads cost
ten times the work on shared cores; its global state is left as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.optional import require
from lookalike.synthesizers.bins import Bins, Codes, cut
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.tabular import Arrays, Lesson
from lookalike.synthesizers.watch import tell

Matrix = npt.NDArray[np.float32]
MOST_LEVELS = 128  # levels of a category with a cell of their own; the rarer ones share the last


def torch_module() -> Any:
    """The torch package.

    Raises:
        MissingExtra: it is not installed.
    """
    return require("torch", extra="deep")


@contextmanager
def seeded(seed: int) -> Iterator[Any]:
    """Torch on one thread with its own random numbers; everything global is put back."""
    torch = torch_module()
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield torch
        finally:
            torch.set_num_threads(threads)


@dataclass(frozen=True)
class CellBlock:
    """One column's cells: one-hot from `start` for `bins.count`, then its place in the bin when `placed`."""

    bins: Bins
    start: int
    placed: bool

    @property
    def stop(self) -> int:
        """The first cell after the one-hot ones."""
        return self.start + self.bins.count

    @property
    def end(self) -> int:
        """The first cell after the block."""
        return self.stop + self.placed


def blocks_of(cuts: Sequence[Bins]) -> list[CellBlock]:
    """The cuts side by side."""
    out: list[CellBlock] = []
    start = 0
    for one in cuts:
        out.append(CellBlock(one, start, one.fine))
        start = out[-1].end
    return out


class Softmaxes:
    """Log-chances of every block of one-hot cells at once, which costs a tenth of one call a block.

    Args:
        torch: the package.
        spans: first cell and end of each block.
        cells: cells in all; those of no block come out as 0.
    """

    def __init__(self, torch: Any, spans: Sequence[tuple[int, int]], cells: int) -> None:
        self.torch = torch
        self.member = torch.zeros(cells, len(spans))
        self.padded = torch.zeros(len(spans), max((stop - start for start, stop in spans), default=1), dtype=torch.int64)
        for i, (start, stop) in enumerate(spans):
            self.member[start:stop, i] = 1.0
            self.padded[i] = start
            self.padded[i, : stop - start] = torch.arange(start, stop)
        self.inside = self.member.sum(dim=1)

    def norms(self, cells: Any) -> Any:
        """Logarithm of each block's sum of exponentials: [n, blocks]."""
        torch = self.torch
        with torch.no_grad():
            top = cells[:, self.padded.ravel()].reshape(len(cells), *self.padded.shape).amax(dim=2)
            spread = top @ self.member.T
        return top + torch.log((torch.exp((cells - spread) * self.inside) * self.inside) @ self.member)

    def logs(self, cells: Any) -> Any:
        """Log-chances: [n, cells]."""
        return cells * self.inside - self.norms(cells) @ self.member.T


def averaged(torch: Any, net: Any, *, most: float) -> Any:
    """A copy of the network whose weights `update_parameters(net)` averages, over more and more steps: `1 / (1 - most)` in the end.

    Source:
        Yazici et al. 2019, "The unusual effectiveness of averaging in GAN training".
    """

    def mean(old: Any, new: Any, count: Any) -> Any:
        return old + (1 - min(most, (1 + float(count)) / (10 + float(count)))) * (new - old)

    return torch.optim.swa_utils.AveragedModel(net, avg_fn=mean)


def learn_cuts(lesson: Lesson, bins: int) -> list[Bins]:
    """Quantile bins of numbers, the commonest levels of categories."""
    return [cut(f, lesson.data[f.name], most=bins if f.is_number else MOST_LEVELS) for f in lesson.features]


def encode(blocks: Sequence[CellBlock], data: Data) -> Matrix:
    """float32 [n, cells]."""
    rows = len(next(iter(data.values())))
    out = np.zeros((rows, blocks[-1].end), np.float32)
    for block in blocks:
        values = data[block.bins.feature.name]
        codes = block.bins.encode(values)
        out[np.arange(rows), block.start + codes] = 1.0
        if block.placed:
            low, high = edges(block.bins)
            width = np.where(high > low, high - low, 1.0)
            place = np.where(
                np.isnan(values),
                0.5,
                (np.nan_to_num(values) - np.nan_to_num(low)[codes]) / np.nan_to_num(width, nan=1.0)[codes],
            )
            out[:, block.stop] = np.clip(2 * place - 1, -1, 1)
    return out


def edges(bins: Bins) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Least and greatest value of each bin; NaN of the missing one."""
    return bins.values[bins.start[:-1]], bins.values[bins.start[1:] - 1]


def decode(blocks: Sequence[CellBlock], codes: Sequence[Codes], places: Mapping[int, Any], draws: np.random.Generator) -> Data:
    """Values from codes and, for placed blocks, cells in [-1, 1]."""
    data: Data = {}
    for i, block in enumerate(blocks):
        if block.placed and i in places:
            low, high = edges(block.bins)
            share = np.clip((np.asarray(places[i], np.float64) + 1) / 2, 0, 1)
            data[block.bins.feature.name] = low[codes[i]] + share * (high[codes[i]] - low[codes[i]])
        else:
            data[block.bins.feature.name] = block.bins.decode(codes[i], draws)
    return data


def cut_arrays(cuts: Sequence[Bins]) -> Arrays:
    """The cuts as arrays of a model."""
    arrays: Arrays = {}
    for i, one in enumerate(cuts):
        arrays |= one.arrays(f"{i}")
    return arrays


def saved_blocks(features: Sequence[Feature], arrays: Arrays) -> list[CellBlock]:
    """The blocks that `cut_arrays` wrote."""
    return blocks_of([Bins.of(feature, arrays, f"{i}") for i, feature in enumerate(features)])


def perceptron(torch: Any, sizes: Sequence[int], *, dropout: float = 0.0) -> Any:
    """Linear layers with SiLU between them."""
    layers: list[Any] = []
    for i, (a, b) in enumerate(pairwise(sizes)):
        layers.append(torch.nn.Linear(a, b))
        if i < len(sizes) - 2:
            layers.append(torch.nn.SiLU())
            if dropout:
                layers.append(torch.nn.Dropout(dropout))
    return torch.nn.Sequential(*layers)


def joined(torch: Any, inputs: int, outputs: int) -> Any:
    """A layer whose output stands beside its input: [n, inputs] -> [n, outputs + inputs]."""

    class Joined(torch.nn.Module):  # type: ignore[misc]  # torch is loaded late
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.norm = torch.nn.Linear(inputs, outputs), torch.nn.LayerNorm(outputs)

        def forward(self, x: Any) -> Any:
            return torch.cat([torch.relu(self.norm(self.layer(x))), x], dim=1)

    return Joined()


def timed(torch: Any, cells: int, clock: int, width: int, count: int) -> Any:
    """A residual network that is told the time in every block: [n, cells] and [n, clock] -> [n, cells]."""

    class Timed(torch.nn.Module):  # type: ignore[misc]  # torch is loaded late
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = torch.nn.Linear(cells + clock, width), torch.nn.Linear(width, cells)
            each = range(count)
            self.norms = torch.nn.ModuleList([torch.nn.LayerNorm(width) for _ in each])
            self.clocks = torch.nn.ModuleList([torch.nn.Linear(clock, 2 * width) for _ in each])
            self.ups = torch.nn.ModuleList([torch.nn.Linear(width, width) for _ in each])
            self.downs = torch.nn.ModuleList([torch.nn.Linear(width, width) for _ in each])

        def forward(self, x: Any, time: Any) -> Any:
            hidden = self.first(torch.cat([x, time], dim=1))
            for norm, told, up, down in zip(self.norms, self.clocks, self.ups, self.downs, strict=True):
                scale, shift = told(time).chunk(2, dim=1)
                hidden = hidden + down(torch.nn.functional.silu(up(norm(hidden) * (1 + scale) + shift)))
            return self.last(torch.nn.functional.silu(hidden))

    return Timed()


def deadline(budget_s: float | None) -> float:
    """When a budget ends, by `time.monotonic`."""
    return time.monotonic() + budget_s if budget_s is not None else float("inf")


def epochs(lesson: Lesson, count: int, rows: int, batch: int, step: Callable[[npt.NDArray[np.int64]], None]) -> int:
    """Run `step` on shuffled batches until the epochs or the budget end; gives the epochs that were completed."""
    began = time.monotonic()
    span = max(lesson.deadline - began, 1e-9)
    for epoch in range(count):
        order = lesson.draws.permutation(rows)
        for start in range(0, rows, batch):
            done = max((epoch + start / rows) / count, (time.monotonic() - began) / span)
            tell(f"epoch {epoch + 1:,} of {count:,}", min(done, 1.0))
            step(order[start : start + batch])
            if lesson.late:
                return epoch
    return count


def weights(net: Any, prefix: str = "net") -> Arrays:
    """A network's weights as arrays."""
    return {f"{prefix}/{name}": tensor.detach().cpu().numpy().copy() for name, tensor in net.state_dict().items()}


def load_weights(torch: Any, net: Any, arrays: Arrays, prefix: str = "net") -> Any:
    """The network with the weights that `weights` wrote, for use only."""
    state = {name: torch.from_numpy(np.array(arrays[f"{prefix}/{name}"])) for name in net.state_dict()}
    net.load_state_dict(state)
    return net.eval()


def pick(logits: npt.NDArray[Any], draws: np.random.Generator) -> Codes:
    """A code for each row from unnormalised log chances [n, k]."""
    return np.asarray((logits + draws.gumbel(size=logits.shape)).argmax(axis=1), np.int64)
