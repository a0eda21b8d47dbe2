"""What is asked for: models, sources and tables of named columns. YAML and Python make the same frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from lookalike.errors import LookalikeError, RecipeProblems
from lookalike.generators.base import Generator, ModelColumn
from lookalike.models.base import Model
from lookalike.origins.base import AnyOrigin
from lookalike.recipe.document import Document
from lookalike.recipe.problems import Forms, problems_of
from lookalike.schema.names import ColumnName, FileName, Name
from lookalike.sources.base import Source
from lookalike.spec import Kind, Told
from lookalike.steps.base import Step


class Value(BaseModel):
    """A frozen part of a recipe; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)


class RecipePart(Value, metaclass=Told):
    """What is made by calls from Python: they report their problems as a recipe file does, all at once, in our words."""

    @classmethod
    def told(cls, exc: ValidationError, fields: Mapping[str, Any]) -> LookalikeError:
        """What a call with wrong fields raises."""
        forms: Forms = FORMS if cls is Recipe else {(): cls}
        return RecipeProblems(problems_of(exc, Document(cls.__name__, fields), forms))


class Table(RecipePart):
    """A table: where its rows come from, its columns, and which rows stay.

    Attributes:
        keep: SQL conditions; a row that fails one is dropped and, where rows are counted, replaced.
        key: the column that identifies a row; children refer to it.
        cap: candidates tried at most for each row asked for.
        replace_failed: rows with a failed cell are replaced too, as rejected ones are; else they keep their place, and
            `--retry-failed` can fill it.
        compare: a source that the finished rows are measured against, in the columns that both have. Learned tables are measured
            against what they learned.
    """

    rows: AnyOrigin
    columns: Mapping[ColumnName, Annotated[Generator, Kind("generator")]] = Field(default_factory=dict)
    keep: tuple[str, ...] = ()
    steps: tuple[Annotated[Step, Kind("step")], ...] = ()
    key: str | None = None
    cap: float = Field(default=10.0, ge=1.0)
    replace_failed: bool = False
    compare: str | None = None
    description: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is something to measure when the rows are made: a source to hold them against, or a model's words."""
        return self.rows.learns() is not None or bool(self.compare) or bool(self.written)

    @property
    def written(self) -> tuple[str, ...]:
        """Columns that a model writes."""
        return tuple(name for name, column in self.columns.items() if isinstance(column, ModelColumn) and not column.hidden)


class Budget(Value):
    """A hard cap over the whole run; None: no cap. When it is reached the run stops cleanly and goes on when it is raised."""

    usd: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    requests: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)


class Recipe(RecipePart):
    """A dataset, declared.

    Attributes:
        lookalike: the format's version.
        seed: the same recipe and seed give the same bytes.
        parameters: values that `$(name)` in the recipe stands for; `--set name=value` overrides them.
    """

    lookalike: Literal[1] = 1
    name: FileName
    description: str = ""
    seed: int = 0
    parameters: Mapping[Name, Any] = Field(default_factory=dict)
    models: Mapping[Name, Annotated[Model, Kind("model")]] = Field(default_factory=dict)
    sources: Mapping[Name, Annotated[Source, Kind("source")]] = Field(default_factory=dict)
    tables: Mapping[FileName, Table] = Field(min_length=1)
    gates: tuple[Mapping[str, Any], ...] = ()
    budget: Budget | None = None

    _document: Document = PrivateAttr(default_factory=lambda: Document("recipe"))

    @property
    def document(self) -> Document:
        """Where each value stands in the text that the recipe was read from."""
        return self._document

    def located(self, document: Document) -> Recipe:
        """The same recipe, with its places known."""
        found = self.model_copy()
        found._document = document  # noqa: SLF001  # a copy of ourselves
        return found

    @model_validator(mode="after")
    def _names_are_free(self) -> Recipe:
        both = sorted(set(self.tables) & set(self.sources))
        if both:
            raise ValueError(f"{both[0]!r} is both a table and a source; rename one")
        return self


FORMS: Forms = {(): Recipe, ("budget",): Budget, ("tables", "*"): Table}
