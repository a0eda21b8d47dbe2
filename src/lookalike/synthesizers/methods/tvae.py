"""A variational autoencoder for tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from lookalike.synthesizers.bins import Codes
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.methods import nets
from lookalike.synthesizers.private.sgd import PrivateNet
from lookalike.synthesizers.tabular import Drawn, LearnedModel, Lesson


class Tvae(PrivateNet):
    """TVAE: a variational autoencoder; rows are decoded from normal noise.

    Use it to compare with the literature, or where a smooth latent space is wanted. Do not use it to save time, or where rare
    values must come through: what the latent space forgets, no row gets back.

    Source:
        Xu et al. 2019, "Modeling tabular data using conditional GAN", section 4.4; Kingma and Welling 2014.
    """

    kind: ClassVar[str] = "tvae"

    epochs: int = Field(default=150, ge=1, description="passes over the rows")
    width: int = Field(default=128, ge=8, description="units of a hidden layer")
    latent: int = Field(default=64, ge=1, description="dimensions of the latent space")
    bins: int = Field(default=20, ge=2, le=256, description="most bins of a number")
    batch: int = Field(default=500, ge=8, description="rows of one step")
    reconstruction: float = Field(default=2.0, gt=0, description="weight of the reconstruction against the latent prior")
    learning_rate: float = Field(default=1e-3, gt=0, description="Adam's step")

    def _decoder(self, torch: Any, cells: int) -> Any:
        return nets.perceptron(torch, [self.latent, self.width, self.width, cells])

    def _learn(self, lesson: Lesson) -> LearnedModel:
        cuts = self._cuts(lesson, self.bins)
        blocks = nets.blocks_of(cuts)
        matrix = nets.encode(blocks, lesson.data)
        with nets.seeded(int(lesson.draws.integers(1 << 31))) as torch:
            encoder = nets.perceptron(torch, [matrix.shape[1], self.width, self.width, 2 * self.latent])
            decoder = self._decoder(torch, matrix.shape[1])
            softmaxes = nets.Softmaxes(torch, [(block.start, block.stop) for block in blocks], matrix.shape[1])
            optimizer = torch.optim.Adam(
                [*encoder.parameters(), *decoder.parameters()], lr=self.learning_rate, weight_decay=1e-5
            )

            def loss(rows: Codes) -> Any:
                real = torch.from_numpy(matrix[rows])
                mean, log_variance = encoder(real).chunk(2, dim=1)
                log_variance = log_variance.clamp(-8, 8)
                made = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
                prior = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1)
                return self.reconstruction * _reconstruction(softmaxes, made, real) + prior

            meta = self._trained(
                torch, lesson, [encoder, decoder], optimizer, loss, rows=len(matrix), epochs=self.epochs, batch=self.batch
            )
        return LearnedModel(meta, {**nets.cut_arrays(cuts), **nets.weights(decoder)})

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:  # noqa: ARG002  # none honoured
        blocks = nets.saved_blocks(self._features, self._model.arrays)
        noise = draws.standard_normal((n, self.latent)).astype(np.float32)
        with nets.seeded(0) as torch, torch.no_grad():
            decoder = nets.load_weights(torch, self._decoder(torch, blocks[-1].end), self._model.arrays)
            cells = decoder(torch.from_numpy(noise)).numpy().astype(np.float64)
        codes = [nets.pick(cells[:, block.start : block.stop], draws) for block in blocks]
        places = {i: np.tanh(cells[:, block.stop]) for i, block in enumerate(blocks) if block.placed}
        return nets.decode(blocks, codes, places, draws), None


def _reconstruction(softmaxes: nets.Softmaxes, made: Any, real: Any) -> Any:
    """Nats of the one-hot cells and squared error of the places, of each row."""
    placed = softmaxes.inside == 0
    off = softmaxes.torch.tanh(made[:, placed]) - real[:, placed]
    return (off**2).sum(dim=1) / 0.2 + softmaxes.norms(made).sum(dim=1) - (made * real * softmaxes.inside).sum(dim=1)
