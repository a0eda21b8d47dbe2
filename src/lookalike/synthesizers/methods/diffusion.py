"""Denoising diffusion for tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import ndtr, ndtri

from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.methods import nets
from lookalike.synthesizers.methods.nets import MOST_LEVELS
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

TIME = 32  # cells that tell the network how noisy its input is
CLIP = 4.0
AVERAGED = 0.995  # share of the old in the averaged weights
AT_ONCE = 8_192  # rows denoised together: their cells stay in the cache


class Diffusion(Tabular):
    """Diffusion: numbers as normal scores, categories as one-hot cells, noised step by step and learned to be denoised.

    Of TabDDPM's family, with Gaussian noise on the one-hot cells as well instead of a multinomial process. The network says of
    each category how likely its levels are (cross-entropy), and of each number its velocity (squared error).

    Use it for tables of many fine numbers with bent relations, when minutes of training are no matter. Do not use it for
    categories with hundreds of levels.

    Source:
        Kotelnikov et al. 2023, "TabDDPM"; Dieleman et al. 2022, "Continuous diffusion for categorical data"; Salimans and Ho 2022
        for the velocity; Ho, Jain and Abbeel 2020; Song et al. 2021 for the skipping sampler.
    """

    kind: ClassVar[str] = "diffusion"

    epochs: int = Field(default=200, ge=1, description="passes over the rows")
    width: int = Field(default=256, ge=8, description="units of a hidden layer")
    blocks: int = Field(default=2, ge=1, le=16, description="residual blocks of two layers")
    steps: int = Field(default=50, ge=4, description="denoising steps of a sample")
    batch: int = Field(default=512, ge=8, description="rows of one step")
    learning_rate: float = Field(default=2e-3, gt=0, description="Adam's step, falling to 0 by a cosine")

    def _net(self, torch: Any, cells: int) -> Any:
        return nets.timed(torch, cells, TIME, self.width, self.blocks)

    def _learn(self, lesson: Lesson) -> LearnedModel:
        arrays: Arrays = {f"marginal/{f.name}": marginals.learn(f, lesson.data[f.name]) for f in lesson.features}
        matrix = _cells(lesson.features, lesson.data, arrays, lesson.draws)
        spans, numbers = _spans(lesson.features)
        with nets.seeded(int(lesson.draws.integers(1 << 31))) as torch:
            net = self._net(torch, matrix.shape[1])
            softmaxes = nets.Softmaxes(torch, spans, matrix.shape[1])
            optimizer = torch.optim.AdamW(net.parameters(), lr=self.learning_rate, weight_decay=1e-4)
            turns = self.epochs * -(-len(matrix) // self.batch)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, turns)
            averaged = nets.averaged(torch, net, most=AVERAGED)

            def step(rows: npt.NDArray[np.int64]) -> None:
                clean, noise = torch.from_numpy(matrix[rows]), torch.randn(len(rows), matrix.shape[1])
                time = torch.rand(len(rows), 1)
                keep, spread = torch.cos(time * np.pi / 2), torch.sin(time * np.pi / 2)
                out = net(keep * clean + spread * noise, _clock(torch, time))
                off = ((out - keep * noise + spread * clean)[:, numbers] ** 2).sum(dim=1)
                chosen = (out * (clean > 0) * softmaxes.inside).sum(dim=1)
                loss = (off + softmaxes.norms(out).sum(dim=1) - chosen).mean() / len(lesson.features)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                averaged.update_parameters(net)

            done = nets.epochs(lesson, self.epochs, len(matrix), self.batch, step)
        return LearnedModel({"epochs": done}, {**arrays, **nets.weights(averaged.module)})

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:  # noqa: ARG002  # none honoured
        spans, numbers = _spans(self._features)
        cells = sum(_width(feature) for feature in self._features)
        times = np.linspace(0.999, 0.0, self.steps + 1)
        with nets.seeded(0) as torch, torch.no_grad():
            net = nets.load_weights(torch, self._net(torch, cells), self._model.arrays)
            softmaxes = nets.Softmaxes(torch, spans, cells)

            def denoised(now: nets.Matrix, this: float) -> nets.Matrix:
                noisy = torch.from_numpy(now)
                out = net(noisy, _clock(torch, torch.full((len(now), 1), this)))
                clean = 2 * torch.exp(softmaxes.logs(out)) - 1  # the mean of the one-hot cells, -1 and 1
                clean[:, numbers] = (np.cos(this * np.pi / 2) * noisy - np.sin(this * np.pi / 2) * out)[:, numbers]
                return np.asarray(clean.clamp(-CLIP, CLIP).numpy())

            parts = []
            for start in range(0, n, AT_ONCE):
                now = draws.standard_normal((min(AT_ONCE, n - start), cells)).astype(np.float32)
                for this, following in pairwise(times.tolist()):
                    now = _less_noise(now, denoised(now, this), this, following, draws)
                parts.append(now)
        return self._values(np.concatenate(parts).astype(np.float64), draws), None

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


def _width(feature: Feature) -> int:
    return 1 if feature.is_number else max(1, min(feature.size, MOST_LEVELS))


def _spans(features: Sequence[Feature]) -> tuple[list[tuple[int, int]], list[int]]:
    """First cell and end of each category, and the cells of the numbers."""
    ends = np.cumsum([_width(feature) for feature in features]).tolist()
    pairs = [(end - _width(feature), end) for feature, end in zip(features, ends, strict=True)]
    categories = [pair for feature, pair in zip(features, pairs, strict=True) if not feature.is_number]
    return categories, [start for feature, (start, _) in zip(features, pairs, strict=True) if feature.is_number]


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
