"""Spec: the one shape of everything that a recipe names by `kind`.

A kind is one frozen class in one file: its fields are what YAML says, its docstring is its documentation page, its method
is what happens. `Kind("generator")` is the field type that holds any kind of a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import PydanticCustomError, core_schema

from lookalike.errors import LookalikeError, UsageError, did_you_mean
from lookalike.registry import kinds, resolve

Made = TypeVar("Made", bound="Spec")

Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value, json_schema_input_type=str | tuple[str, ...]),
]
"""A field that holds one name or several; one alone needs no brackets."""


class FieldRefused(UsageError, ValueError):
    """A field that a kind has not, or a value that does not fit it; in a validator an ordinary ValueError."""


if TYPE_CHECKING:  # editors read pydantic's own metaclass: each kind's fields are its arguments
    from pydantic._internal._model_construction import ModelMetaclass

    Told = ModelMetaclass
else:

    class Told(type(BaseModel)):
        """Makes `Forest(tres=3)` say what is wrong in our words.

        A metaclass, as `__init__` would also run inside `model_validate`, whose caller knows file and line.
        """

        def __call__(cls, *args: Any, **fields: Any) -> Any:
            """The value.

            Raises:
                LookalikeError: fields that do not fit, as `told` words them.
            """
            try:
                return super().__call__(*args, **fields)
            except ValidationError as exc:
                raise cls.told(exc, fields) from None


class Spec(BaseModel, metaclass=Told):
    """A frozen value with a kind: unknown keys are errors, equal content is equal."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    group: ClassVar[str] = ""
    kind: ClassVar[str] = ""

    @classmethod
    def told(cls, exc: ValidationError, fields: Mapping[str, Any]) -> LookalikeError:
        """What a call from Python with wrong fields raises."""
        del fields
        return refused(cls, exc, where=f"{cls.__name__}(...)")

    def dump(self) -> dict[str, Any]:
        """Plain data that `parse` reads back to an equal value; defaults are left out."""
        return {"kind": self.kind, **self.model_dump(mode="json", by_alias=True, exclude_defaults=True)}

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """The value that `dump` wrote, through the registry when called on a group's base class."""
        body = dict(data)
        kind = body.pop("kind", None)
        target = cls if cls.kind else resolve(cls.group, str(kind))
        return target.model_validate(body)  # type: ignore[attr-defined]  # resolve gives Spec classes

    def fingerprint(self, *inputs: str) -> str:
        """32 hex digits of the content and of the inputs' fingerprints."""
        body = orjson.dumps([self.dump(), *inputs], option=orjson.OPT_SORT_KEYS)
        return blake2b(body, digest_size=16).hexdigest()


def configured(form: type[Made], fields: Mapping[str, Any], *, where: str) -> Made:
    """A kind made of fields that somebody typed on a command line.

    Raises:
        UsageError: a field that the kind has not, or a value that does not fit it.
    """
    try:
        return form.model_validate(fields)
    except ValidationError as exc:
        raise refused(form, exc, where=where) from exc


def refused(form: type[Spec], exc: ValidationError, *, where: str) -> FieldRefused:
    """The first thing that a validator found wrong, in our words."""
    error = exc.errors(include_url=False)[0]
    name, kind = ".".join(map(str, error["loc"])), form.kind or form.__name__
    if error["type"] == "extra_forbidden":
        return FieldRefused(
            what=f"{kind} has no field {name!r}", where=where, fix=did_you_mean(name, form.model_fields, label="fields")
        )
    if error["type"] == "missing":
        return FieldRefused(what=f"{kind} needs {name!r}", where=where, fix=f"give {name}=; see `lookalike kinds {kind}`")
    said = error["msg"].removeprefix("Value error, ")
    return FieldRefused(what=f"{name}: {said}" if name else said, where=where, fix=f"see `lookalike kinds {kind}`")


def nested(form: type[BaseModel], value: Any) -> Any:
    """Validate a part of a larger value so that its errors keep their places: see `recipe/load.py`, which unfolds them.

    Raises:
        PydanticCustomError: of type `nested`, with the part's own errors and its known fields.
    """
    try:
        return form.model_validate(value)
    except ValidationError as exc:
        names = [info.alias or name for name, info in form.model_fields.items()]
        errors = exc.errors(include_url=False)
        summary = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'value'}: {e['msg'].removeprefix('Value error, ')}" for e in errors
        )
        title = getattr(form, "kind", "") or form.__name__
        context = {"errors": errors, "fields": names, "title": title, "summary": summary}
        raise PydanticCustomError("nested", "{title}: {summary}", context) from exc


KIND_MARK = "x-lookalike-kind"


class Kind:
    """Annotation of a field that holds any kind of a group: `Annotated[Generator, Kind("generator")]`.

    With `by_name` the kind's name alone stands for it with its defaults.
    """

    def __init__(self, group: str, *, by_name: bool = False) -> None:
        self.group, self.by_name = group, by_name

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Parse by the `kind` key; keep values that are specs already."""

        def parse(value: Any) -> Any:
            if isinstance(value, Spec):
                return value
            if self.by_name and isinstance(value, str):
                value = {"kind": value}
            if not isinstance(value, Mapping) or "kind" not in value:
                raise PydanticCustomError("kind_missing", "needs a mapping with `kind:`, {hint}", {"hint": self._hint(value)})
            body = dict(value)
            try:
                target = resolve(self.group, str(body.pop("kind")))
            except LookalikeError as exc:
                raise PydanticCustomError("kind_unknown", "{reason}", {"reason": str(exc)}) from exc
            return nested(target, body)

        return core_schema.no_info_plain_validator_function(
            parse, serialization=core_schema.plain_serializer_function_ser_schema(lambda spec: spec.dump())
        )

    def _hint(self, value: Any) -> str:
        """What somebody meant who wrote no kind."""
        known = kinds(self.group)
        if isinstance(value, Mapping) and value.get("type") in known:
            return f"not `type:`: write {{kind: {value['type']}, ...}}"
        if isinstance(value, str) and value in known:
            return f"such as {{kind: {value}}}"
        return f"one of {', '.join(known[:8])} ...; `lookalike kinds` lists them"

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mark that `recipe/schema.py` turns into a reference: kinds hold kinds, so writing them out would never end."""
        mark = {KIND_MARK: self.group}
        return {"anyOf": [{"enum": list(kinds(self.group))}, mark]} if self.by_name else mark
