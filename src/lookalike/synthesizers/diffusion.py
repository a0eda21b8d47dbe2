"""Denoising diffusion for tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import ndtr, ndtri

from lookalike.synthesizers import marginals, nets
from lookalike.synthesizers.conditions import Condition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.nets import MOST_LEVELS
from lookalike.synthesizers.tabular import Arrays, Drawn, Lesson, Model, Tabular

TIME = 32  # cells that tell the network how noisy its input is
CLIP = 4.0


class Diffusion(Tabular):
    """Diffusion: numbers as normal scores, categories as one-hot cells, noised step by step and learned to be denoised.

    Of TabDDPM's family, with Gaussian noise on the one-hot cells as well ("analog bits") instead of a multinomial process: one
    network, one loss. The network predicts the clean row.

    Use it for tables of many fine numbers with bent relations, when minutes of training are no matter. Do not use it for
    categories with hundreds of levels.

    Source:
        Kotelnikov et al. 2023, "TabDDPM"; Chen, Zhang and Hinton 2023, "Analog bits"; Ho, Jain and Abbeel 2020; Song et al. 2021
        for the skipping sampler.
    """

    kind: ClassVar[str] = "diffusion"

    epochs: int = Field(default=300, ge=1, description="passes over the rows")
    width: int = Field(default=256, ge=8, description="units of a hidden layer")
    steps: int = Field(default=50, ge=4, description="denoising steps of a sample")
    batch: int = Field(default=512, ge=8, description="rows of one step")
    learning_rate: float = Field(default=2e-3, gt=0, description="Adam's step, falling to 0 by a cosine")

    def _net(self, torch: Any, cells: int) -> Any:
        return nets.perceptron(torch, [cells + TIME, self.width, self.width, self.width, cells])

    def _learn(self, lesson: Lesson) -> Model:
        arrays: Arrays = {f"marginal/{f.name}": marginals.learn(f, lesson.data[f.name]) for f in lesson.features}
        matrix = _cells(lesson.features, lesson.data, arrays, lesson.draws)
        with nets.seeded(int(lesson.draws.integers(1 << 31))) as torch:
            net = self._net(torch, matrix.shape[1])
            optimizer = torch.optim.AdamW(net.parameters(), lr=self.learning_rate, weight_decay=1e-4)
            turns = self.epochs * -(-len(matrix) // self.batch)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, turns)
            averaged = torch.optim.swa_utils.AveragedModel(net, avg_fn=_averaged)

            def step(rows: npt.NDArray[np.int64]) -> None:
                clean = torch.from_numpy(matrix[rows])
                time = torch.rand(len(rows), 1)
                keep = torch.cos(time * np.pi / 2)
                noisy = keep * clean + torch.sqrt(1 - keep**2) * torch.randn_like(clean)
                loss = ((net(torch.cat([noisy, _clock(torch, time)], dim=1)) - clean) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                averaged.update_parameters(net)

            done = nets.epochs(lesson, self.epochs, len(matrix), self.batch, step)
        return Model({"epochs": done}, {**arrays, **nets.weights(averaged.module)})

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[Condition]) -> Drawn:  # noqa: ARG002  # none honoured
        cells = sum(_width(feature) for feature in self._features)
        now = draws.standard_normal((n, cells)).astype(np.float32)
        times = np.linspace(0.999, 0.0, self.steps + 1)
        with nets.seeded(0) as torch, torch.no_grad():
            net = nets.load_weights(torch, self._net(torch, cells), self._model.arrays)
            for this, following in pairwise(times):
                clock = _clock(torch, torch.full((n, 1), float(this)))
                clean = net(torch.cat([torch.from_numpy(now), clock], dim=1)).numpy()
                now = _less_noise(now, np.clip(clean, -CLIP, CLIP), float(this), float(following), draws)
        return self._values(now.astype(np.float64), draws), None

    def _values(self, cells: npt.NDArray[np.float64], draws: np.random.Generator) -> Data:
        data: Data = {}
        start = 0
        for feature in self._features:
            part = cells[:, start : start + _width(feature)]
            marginal = self._model.arrays[f"marginal/{feature.name}"]
            if feature.is_number:
                data[feature.name] = marginals.quantile(feature, marginal, np.clip(ndtr(part[:, 0]), 1e-9, 1 - 1e-9))
            else:
                codes = part.argmax(axis=1)
                rare = codes == MOST_LEVELS - 1
                if rare.any() and feature.size > MOST_LEVELS:
                    codes[rare] = draws.integers(MOST_LEVELS - 1, feature.size, int(rare.sum()))
                data[feature.name] = codes
            start += part.shape[1]
        return data


def _averaged(mean: Any, new: Any, count: Any) -> Any:
    """Weights averaged over about the last 200 steps, over fewer in the beginning."""
    keep = min(0.995, (1 + float(count)) / (10 + float(count)))
    return keep * mean + (1 - keep) * new


def _width(feature: Feature) -> int:
    return 1 if feature.is_number else max(1, min(feature.size, MOST_LEVELS))


def _cells(features: Sequence[Feature], data: Data, arrays: Arrays, draws: np.random.Generator) -> nets.Matrix:
    """Normal scores of numbers (atoms spread over their stretch), one-hot cells of categories: float32 [n, cells]."""
    parts = []
    for feature in features:
        values = data[feature.name]
        if feature.is_number:
            low, high = marginals.interval(feature, arrays[f"marginal/{feature.name}"], values)
            u = low + draws.random(len(values)) * (high - low)
            parts.append(np.clip(ndtri(np.clip(u, 1e-5, 1 - 1e-5)), -CLIP, CLIP)[:, None])
        else:
            parts.append(2 * np.eye(_width(feature))[np.minimum(values, _width(feature) - 1)] - 1)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _clock(torch: Any, time: Any) -> Any:
    """The noise level as sines and cosines: [n, TIME]."""
    angles = time * torch.exp(torch.linspace(0, 6, TIME // 2))
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)


def _less_noise(now: nets.Matrix, clean: nets.Matrix, this: float, following: float, draws: np.random.Generator) -> nets.Matrix:
    """One ancestral step of the variance-preserving process from noise level `this` to `following`."""
    keep_now, keep_next = np.cos(this * np.pi / 2), np.cos(following * np.pi / 2)
    noise_now, noise_next = 1 - keep_now**2, max(1 - keep_next**2, 0.0)
    ratio = keep_now / keep_next
    step = max(noise_now - ratio**2 * noise_next, 0.0)
    mean = (ratio * noise_next * now + keep_next * step * clean) / noise_now
    spread = np.sqrt(step * noise_next / noise_now)
    return np.asarray(mean + spread * draws.standard_normal(now.shape), np.float32)
