"""`mixture`: each row from one of several generators."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from lookalike.errors import RecipeError
from lookalike.generators.base import Generator, ModelColumn
from lookalike.generators.draws import cumulative, pick
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.spec import Kind

# the JSON Schema of a part stops here: a generator inside a generator would not end
AnyGenerator = Annotated[Generator, Kind("generator"), WithJsonSchema({"type": "object", "required": ["kind"]})]


class Component(BaseModel):
    """A generator and its weight."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: AnyGenerator
    weight: float = Field(1.0, gt=0, allow_inf_nan=False)


class Mixture(Generator):
    """Each row's value from one of several generators, picked by weight.

    ```yaml
    amount:
      kind: mixture
      parts:
        - {weight: 0.9, of: {kind: lognormal, mean: 3, sd: 0.5}}
        - {weight: 0.1, of: {kind: uniform, low: 1000, high: 9000}}
    ```

    Attributes:
        parts: the generators and their weights (any positive scale). They need types that go together: numbers with numbers.
    """

    kind: ClassVar[str] = "mixture"

    parts: tuple[Component, ...] = Field(min_length=1)

    def model_post_init(self, context: object) -> None:  # noqa: ARG002  # pydantic's signature
        """Refuse model columns: a conversation is a column of its own."""
        for part in self.parts:
            if isinstance(part.of, ModelColumn):
                raise ValueError(f"parts: {part.of.kind!r} asks a model; make it a column of its own with `when`")  # noqa: TRY004  # pydantic collects ValueError

    def needs(self) -> frozenset[str]:
        """What the parts need."""
        return frozenset().union(*(part.of.needs() for part in self.parts))

    def sources(self) -> frozenset[str]:
        """What the parts read."""
        return frozenset().union(*(part.of.sources() for part in self.parts))

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """The parts' common type: whole numbers with decimals are float64."""
        chosen = pick(cumulative([part.weight for part in self.parts]), ctx.uniform(batch.ids))
        pieces, order = [], []
        for number, part in enumerate(self.parts):
            rows = np.flatnonzero(chosen == number)
            pieces.append(part.of.generate(batch.take(rows), replace(ctx, column=f"{ctx.column}/{number}")))
            order.append(rows)
        target = pieces[0].type
        for piece in pieces[1:]:
            target = _common(target, piece.type)
        joined = pa.concat_arrays([piece.cast(target) for piece in pieces])
        return joined.take(pa.array(np.argsort(np.concatenate(order), kind="stable")))


def _common(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    if left == right or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    numbers = [pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (left, right)]
    if all(numbers):
        return pa.float64()
    raise RecipeError(what=f"the parts of a mixture give {left} and {right}", fix="make them one type")
