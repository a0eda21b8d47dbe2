"""Networks trained under differential privacy: DP-SGD, accounted together with the privately found domain.

Each step takes every row with chance `batch / rows` (Poisson sampling), clips each row's gradient to `clip`, and adds Gaussian
noise; Opacus accounts for the Renyi privacy of all steps. Bins and levels come from
`private_domain`, so that nothing of the model was read from the rows without noise.

Source:
    Abadi et al. 2016, "Deep learning with differential privacy"; Mironov, Talwar and Zhang 2019, "Renyi differential privacy of
    the sampled Gaussian mechanism".
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from lookalike import rng
from lookalike.errors import NotFitted, SynthesizerError
from lookalike.optional import require
from lookalike.schema.semantics import semantic_of
from lookalike.schema.types import TableSchema, Told
from lookalike.synthesizers import features as feature_rules
from lookalike.synthesizers.bins import Bins
from lookalike.synthesizers.methods import nets
from lookalike.synthesizers.private import domain as private_domain
from lookalike.synthesizers.private.ledger import Ledger, rho_of
from lookalike.synthesizers.tabular import Lesson, Tabular
from lookalike.synthesizers.watch import tell

Rows = npt.NDArray[np.int64]
ORDERS = [1.1, 1.25, 1.5, 1.75, 2.5, *map(float, range(2, 65)), 96.0, 128.0, 256.0, 512.0]  # of Renyi
MOST_NOISE = 1e4  # noise multiplier beyond which nothing would be learned


class Privacy(BaseModel):
    """The promise that a network keeps, and what is public."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epsilon: float = Field(default=1.0, gt=0, description="privacy loss; smaller is more private")
    delta: float = Field(default=1e-6, gt=0, lt=1, description="chance that the promise fails; well below one over the rows")
    clip: float = Field(default=1.0, gt=0, description="greatest length of one row's gradient")
    bounds: dict[str, tuple[float, float]] = Field(default_factory=dict, description="public range of a number")
    levels: dict[str, tuple[Any, ...]] = Field(default_factory=dict, description="public values of a category")
    noise: Literal["secure", "seeded"] = Field(default="secure", description="where noise comes from; seeded is for tests only")


class PrivateNet(Tabular):
    """A network over bins that can be trained under (epsilon, delta).

    What is private: every row, as a whole. What is taken as public: columns, types, decimals, formats, whether a column can be
    missing, the number of rows (it sets how rows are sampled), and what is declared.
    """

    privacy: Privacy | None = Field(default=None, description="train under (epsilon, delta); off when not given")

    _private: tuple[list[Bins], Ledger, np.random.Generator] | None = PrivateAttr(default=None)

    @property
    def ledger_(self) -> dict[str, Any]:
        """What was spent on what, and the epsilon and delta of all together.

        Raises:
            NotFitted: nothing was learned under a promise.
        """
        ledger = self._model.meta.get("ledger")
        if ledger is None:
            raise NotFitted(what=f"this {self.kind} model keeps no promise of privacy", fix="set privacy, and fit")
        return dict(ledger)

    def fit(self, table: Any, schema: Told | None = None, *, seed: int = 0, budget_s: float | None = None) -> Self:
        """Learn a table; see `Synthesizer.fit`. A private model's inferred schema loses what tells of rows."""
        super().fit(table, schema, seed=seed, budget_s=budget_s)
        if not isinstance(schema, TableSchema) and self.privacy is not None:
            self._schema = private_domain.bare(self.schema_)
        return self

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        if self.privacy is None:
            super()._fit(table, schema, seed, budget_s)
            return
        asked = self.privacy
        key = seed if asked.noise == "seeded" else secrets.randbits(63)
        draws = rng.generator(key, "fit", self.kind)
        ledger = Ledger(rho_of(asked.epsilon, asked.delta / 2), asked.delta / 2)  # the other half: levels that pass by chance
        columns = feature_rules.learned(schema)
        cuts, values = private_domain.domains(
            table, columns, ledger, draws, bins=getattr(self, "bins", 32), delta=asked.delta / 2, bounds=asked.bounds,
            levels=asked.levels,
        )  # fmt: skip
        lesson = Lesson(
            [cut.feature for cut in cuts],
            {cut.feature.name: value for cut, value in zip(cuts, values, strict=True)},
            draws,
            nets.deadline(budget_s),
        )
        self._private = cuts, ledger, draws
        try:
            model = self._learn(lesson) if cuts else replace(self._model, meta={"ledger": ledger.dump()}, arrays={})
        finally:
            self._private = None
        profiles = {c.name: {"missing": 0.0} for c in schema.columns if semantic_of(c).learned == "anew"}
        self._features, self._profiles, self._model = tuple(lesson.features), profiles, model

    def _cuts(self, lesson: Lesson, bins: int) -> list[Bins]:
        """The bins that were found privately, or quantiles of the rows."""
        return nets.learn_cuts(lesson, bins) if self._private is None else self._private[0]

    def _trained(  # one training, of which these are the parts
        self, torch: Any, lesson: Lesson, modules: Sequence[Any], optimizer: Any, loss: Callable[[Rows], Any], *,
        rows: int, epochs: int, batch: int,
    ) -> dict[str, Any]:  # fmt: skip
        """Train by the loss [n] of single rows, privately when asked; gives what the model's meta says of it."""
        if self._private is None:

            def step(some: Rows) -> None:
                optimizer.zero_grad()
                loss(some).mean().backward()
                optimizer.step()

            return {"epochs": nets.epochs(lesson, epochs, rows, batch, step)}
        return self._trained_privately(torch, lesson, modules, optimizer, loss, rows, epochs, batch)

    def _trained_privately(  # see `_trained`
        self, torch: Any, lesson: Lesson, modules: Sequence[Any], optimizer: Any, loss: Callable[[Rows], Any], rows: int,
        epochs: int, batch: int,
    ) -> dict[str, Any]:  # fmt: skip
        assert self._private is not None
        assert self.privacy is not None
        _, ledger, draws = self._private
        rate = min(1.0, batch / rows)
        steps = max(1, round(epochs / rate))
        sigma = noise_for(self.privacy.epsilon, ledger, rate, steps)
        clipped = Clipped(torch, modules, self.privacy.clip)
        noise = torch.Generator().manual_seed(int(draws.integers(1 << 62)))
        done = 0
        while done < steps and not lesson.late:
            tell(f"step {done + 1:,} of {steps:,}", done / steps)
            chosen = np.flatnonzero(draws.random(rows) < rate)
            clipped.backward(partial(loss, chosen))
            for layer in clipped.layers:
                for weight in layer.parameters():
                    blur = torch.empty_like(weight).normal_(0, sigma * self.privacy.clip, generator=noise)
                    weight.grad = (weight.grad + blur) / (rate * rows)
            optimizer.step()
            done += 1
        return {"epochs": int(done * rate), "ledger": _written(ledger, self.privacy.delta, rate, sigma, done)}


class Clipped:
    """Gradients of linear layers, each row's cut to a greatest length and then added up.

    In a linear layer a row's gradient is the outer product of its input and its error, so its length is known without building
    it, and the cut gradients add up to one matrix product (Goodfellow 2015, "Efficient per-example gradient computations").
    """

    def __init__(self, torch: Any, modules: Sequence[Any], clip: float) -> None:
        self.torch, self.clip = torch, clip
        self.layers = [layer for module in modules for layer in module.modules() if isinstance(layer, torch.nn.Linear)]
        held = sum(weight.numel() for layer in self.layers for weight in layer.parameters())
        if held != sum(weight.numel() for module in modules for weight in module.parameters()):
            raise SynthesizerError(what="a network with layers that are not linear cannot be trained privately")

    def backward(self, loss: Callable[[], Any]) -> None:
        """Set each layer's `grad` to the sum over rows; `loss` gives [n]."""
        torch = self.torch
        seen: list[tuple[Any, Any, Any]] = []
        hooks = [
            layer.register_forward_hook(lambda *call: seen.append((call[0], call[1][0], call[2]))) for layer in self.layers
        ]
        try:
            total = loss().sum()
        finally:
            for hook in hooks:
                hook.remove()
        errors = torch.autograd.grad(total, [out for _, _, out in seen])
        with torch.no_grad():
            parts = [(layer, x.detach(), g) for (layer, x, _), g in zip(seen, errors, strict=True)]
            lengths = sum(((x**2).sum(dim=1) + 1) * (g**2).sum(dim=1) for _, x, g in parts) ** 0.5
            factor = (self.clip / lengths.clamp(min=1e-12)).clamp(max=1.0)[:, None]
            for layer, x, g in parts:
                layer.weight.grad, layer.bias.grad = (factor * g).T @ x, (factor * g).sum(dim=0)


def epsilon_of_steps(ledger: Ledger, rate: float, sigma: float, steps: int) -> float:
    """Epsilon, at the ledger's delta, of its entries and of `steps` noisy steps together."""
    rdp = require("opacus.accountants.analysis.rdp", extra="deep")
    curve = np.array(rdp.compute_rdp(q=rate, noise_multiplier=sigma, steps=steps, orders=ORDERS)) if steps else 0.0
    curve = curve + ledger.spent * np.array(ORDERS)  # rho of zero-concentrated privacy is rho * alpha at every order
    orders = np.array(ORDERS)
    epsilons = curve + np.log1p(-1 / orders) - np.log(ledger.delta * orders) / (orders - 1)
    return float(max(0.0, epsilons.min()))


def noise_for(epsilon: float, ledger: Ledger, rate: float, steps: int) -> float:
    """The least noise multiplier that keeps `epsilon`.

    Raises:
        SynthesizerError: what the domain took leaves nothing for so many steps.
    """
    low, high = 0.05, 1.0
    while epsilon_of_steps(ledger, rate, high, steps) > epsilon:
        high *= 2
        if high > MOST_NOISE:
            raise SynthesizerError(
                what=f"epsilon {epsilon} does not reach for {steps} steps", where="privacy",
                fix="raise epsilon, declare bounds and levels, or ask for fewer epochs",
            )  # fmt: skip
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon_of_steps(ledger, rate, middle, steps) <= epsilon else (middle, high)
    return high


def _written(ledger: Ledger, delta: float, rate: float, sigma: float, steps: int) -> dict[str, Any]:
    """The ledger with the training in it."""
    alone = epsilon_of_steps(Ledger(0.0, ledger.delta), rate, sigma, steps)
    entry = {"what": f"{steps} steps of DP-SGD, sampling rate {rate:.4g}, noise {sigma:.4g}", "epsilon": alone}
    whole = epsilon_of_steps(ledger, rate, sigma, steps)
    return {"epsilon": whole, "delta": delta, "rho": ledger.spent, "entries": [*ledger.dump()["entries"], entry]}
