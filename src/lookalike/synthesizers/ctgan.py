"""A conditional generative adversarial network for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from lookalike.synthesizers import nets
from lookalike.synthesizers.bins import Codes
from lookalike.synthesizers.conditions import Condition
from lookalike.synthesizers.tabular import Drawn, Lesson, Model, Tabular

PAC = 8  # rows that the critic judges together (Lin et al. 2018, PacGAN)
TAU = 0.2


class Ctgan(Tabular):
    """CTGAN: a generator against a critic, trained by sampling so that rare categories are seen.

    In each step one category of one column is chosen, with log-frequency, and generator and critic are told. Wasserstein loss
    with gradient penalty.

    Use it to compare with the literature. Do not use it to get good rows: it needs hundreds of epochs, its marginals stay
    visibly off, and the generator is a plain perceptron, without the paper's residual layers and batch normalisation.

    Source:
        Xu et al. 2019, "Modeling tabular data using conditional GAN"; Gulrajani et al. 2017 for the penalty.
    """

    kind: ClassVar[str] = "ctgan"

    epochs: int = Field(default=150, ge=1, description="passes over the rows")
    width: int = Field(default=256, ge=8, description="units of a hidden layer")
    noise: int = Field(default=128, ge=1, description="dimensions of the noise")
    bins: int = Field(default=10, ge=2, le=256, description="most bins of a number")
    batch: int = Field(default=480, ge=PAC, description="rows of one step, a multiple of 8")
    learning_rate: float = Field(default=2e-4, gt=0, description="Adam's step")

    def _generator(self, torch: Any, cells: int, conditions: int) -> Any:
        return nets.perceptron(torch, [self.noise + conditions, self.width, self.width, cells])

    def _learn(self, lesson: Lesson) -> Model:
        cuts = nets.learn_cuts(lesson, self.bins)
        blocks = nets.blocks_of(cuts)
        matrix = nets.encode(blocks, lesson.data)
        chances, owners = _condition_chances(blocks, matrix)
        with nets.seeded(int(lesson.draws.integers(1 << 31))) as torch:
            generator = self._generator(torch, matrix.shape[1], len(owners))
            critic = nets.perceptron(torch, [PAC * (matrix.shape[1] + len(owners)), self.width, self.width, 1], dropout=0.3)
            trainer = _Trainer(torch, self, generator, critic, blocks, matrix, owners, chances, lesson.draws)
            done = nets.epochs(lesson, self.epochs, len(matrix), self.batch, trainer.step)
        arrays = {**nets.cut_arrays(cuts), **nets.weights(generator), "owners": owners, "real": _real_chances(matrix, owners)}
        return Model({"epochs": done}, arrays)

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[Condition]) -> Drawn:  # noqa: ARG002  # none honoured
        blocks = nets.saved_blocks(self._features, self._model.arrays)
        owners = self._model.arrays["owners"]
        noise = draws.standard_normal((n, self.noise)).astype(np.float32)
        told = np.zeros((n, len(owners)), np.float32)
        if len(owners):
            told[np.arange(n), draws.choice(len(owners), n, p=self._model.arrays["real"])] = 1.0
        with nets.seeded(0) as torch, torch.no_grad():
            generator = nets.load_weights(torch, self._generator(torch, blocks[-1].end, len(owners)), self._model.arrays)
            cells = generator(torch.from_numpy(np.concatenate([noise, told], axis=1))).numpy().astype(np.float64)
        codes = [nets.pick(cells[:, block.start : block.stop], draws) for block in blocks]
        places = {i: np.tanh(cells[:, block.stop]) for i, block in enumerate(blocks) if block.placed}
        return nets.decode(blocks, codes, places, draws), None


def _condition_chances(blocks: Sequence[nets.Block], matrix: nets.Matrix) -> tuple[Any, Any]:
    """Chance that each category's cell is told, by log-frequency within an evenly chosen column; and the cells."""
    owners, chances = [], []
    columns = [block for block in blocks if not block.bins.feature.is_number and block.bins.count > 1]
    for block in columns:
        logs = np.log1p(matrix[:, block.start : block.stop].sum(axis=0).astype(np.float64))
        owners.append(np.arange(block.start, block.stop))
        chances.append(logs / logs.sum() / len(columns))
    if not columns:
        return np.empty(0), np.empty(0, np.int64)
    return np.concatenate(chances), np.concatenate(owners)


def _real_chances(matrix: nets.Matrix, owners: Any) -> Any:
    """How often each told cell is on in the real rows, columns evenly chosen: what sampling uses."""
    counts = matrix[:, owners].sum(axis=0).astype(np.float64) if len(owners) else np.empty(0)
    return counts / counts.sum() if len(owners) else counts


class _Trainer:
    """One critic and one generator step a batch."""

    def __init__(  # the parts of one training
        self, torch: Any, model: Ctgan, generator: Any, critic: Any, blocks: Sequence[nets.Block], matrix: nets.Matrix,
        owners: Any, chances: Any, draws: np.random.Generator,
    ) -> None:  # fmt: skip
        self.torch, self.model, self.generator, self.critic = torch, model, generator, critic
        self.blocks, self.matrix, self.owners, self.chances, self.draws = blocks, matrix, owners, chances, draws
        self.rows_of = [np.flatnonzero(matrix[:, cell]) for cell in owners]
        rate = model.learning_rate
        self.of_generator = torch.optim.Adam(generator.parameters(), lr=rate, betas=(0.5, 0.9), weight_decay=1e-6)
        self.of_critic = torch.optim.Adam(critic.parameters(), lr=rate, betas=(0.5, 0.9))

    def step(self, rows: Codes) -> None:
        torch, size = self.torch, max(PAC, len(rows) // PAC * PAC)
        told, which, real_rows = self._told(size)
        fake = self._made(size, told)
        real = torch.from_numpy(self.matrix[real_rows])
        together = [torch.cat([part, told], dim=1).reshape(size // PAC, -1) for part in (real, fake.detach())]
        loss = self.critic(together[1]).mean() - self.critic(together[0]).mean() + 10 * self._penalty(*together)
        self.of_critic.zero_grad()
        loss.backward()
        self.of_critic.step()
        told, which, _ = self._told(size)
        logits: list[Any] = []
        fake = self._made(size, told, logits)
        loss = -self.critic(torch.cat([fake, told], dim=1).reshape(size // PAC, -1)).mean()
        if len(self.owners):  # what was told must be made
            loss = loss + _told_loss(torch, self.blocks, logits[0], self.owners[which])
        self.of_generator.zero_grad()
        loss.backward()
        self.of_generator.step()

    def _told(self, size: int) -> tuple[Any, Any, Codes]:
        """One-hot cells that are told, their numbers, and a real row that has each."""
        told = np.zeros((size, len(self.owners)), np.float32)
        if not len(self.owners):
            return self.torch.from_numpy(told), None, self.draws.integers(0, len(self.matrix), size)
        which = self.draws.choice(len(self.owners), size, p=self.chances)
        told[np.arange(size), which] = 1.0
        everyone = np.arange(len(self.matrix))
        rows = np.array([self.draws.choice(self.rows_of[w] if len(self.rows_of[w]) else everyone) for w in which])
        return self.torch.from_numpy(told), which, rows

    def _made(self, size: int, told: Any, logits: list[Any] | None = None) -> Any:
        torch = self.torch
        cells = self.generator(torch.cat([torch.randn(size, self.model.noise), told], dim=1))
        if logits is not None:
            logits.append(cells)
        parts = []
        for block in self.blocks:
            parts.append(torch.nn.functional.gumbel_softmax(cells[:, block.start : block.stop], tau=TAU))
            if block.placed:
                parts.append(torch.tanh(cells[:, block.stop : block.end]))
        return torch.cat(parts, dim=1)

    def _penalty(self, real: Any, fake: Any) -> Any:
        torch = self.torch
        mix = torch.rand(len(real), 1)
        between = (mix * real + (1 - mix) * fake).requires_grad_(True)
        slope = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)[0]
        return ((slope.norm(dim=1) - 1) ** 2).mean()


def _told_loss(torch: Any, blocks: Sequence[nets.Block], logits: Any, cells: Codes) -> Any:
    """Cross-entropy of the told column against what was told."""
    loss = torch.zeros(())
    for block in blocks:
        rows = np.flatnonzero((cells >= block.start) & (cells < block.stop))
        if len(rows):
            target = torch.from_numpy(cells[rows] - block.start)
            part = torch.nn.functional.cross_entropy(logits[rows][:, block.start : block.stop], target, reduction="sum")
            loss = loss + part
    return loss / len(cells)
