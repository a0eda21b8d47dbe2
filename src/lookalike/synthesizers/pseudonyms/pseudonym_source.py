"""Real rows whose identifiers and personal data were replaced before anything else sees them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from lookalike.sources.base import Outline, Source, checked, filled
from lookalike.spec import Kind
from lookalike.synthesizers.pseudonyms.pseudonymise import replace_all

SELF = "this"  # the source's own name among `beside`


class Pseudonymised(Source):
    """Another source's rows with stand-ins for identifiers and personal data: one original, one stand-in, wherever it stands.

    Stand-ins hang on a secret, which is read from the environment and written nowhere. Sources with the same secret fit each
    other by columns of the same name; name sources in `beside` when their keys have other names or fewer rows, and say in
    `same` which columns hold the same originals. Prose and nested cells stay as they are (use the step `redact`), and
    so do ages, places and dates, by which people can still be found: for rows of nobody learn the source, `rows: {like: ...}`.
    `lookalike pseudonymise` does the same to files, and counts what it replaced.

    ```yaml
    sources:
      people: {kind: pseudonymised, of: {kind: file, path: people.csv}, secret: "${LOOKALIKE_SECRET}"}
      visits:
        kind: pseudonymised
        of: {kind: file, path: visits.csv}
        beside: {people: {kind: file, path: people.csv}}
        same: [[this.patient, people.person_id]]
        secret: "${LOOKALIKE_SECRET}"
    ```

    Attributes:
        of: the source whose rows these are.
        secret: an environment variable, as `${NAME}`, of at least 8 characters.
        beside: sources with originals in common, by a name for `same`; `this` is the source itself.
        same: groups of columns with the same originals.
        types: `{this.boss: name, this.age: keep}` where the inferred types are wrong.
    """

    kind: ClassVar[str] = "pseudonymised"

    of: Annotated[Source, Kind("source")]
    secret: str
    beside: Mapping[str, Annotated[Source, Kind("source")]] = Field(default_factory=dict)
    same: tuple[tuple[str, ...], ...] = ()
    types: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("secret")
    @classmethod
    def _by_name(cls, secret: str) -> str:
        if not re.fullmatch(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", secret):
            raise ValueError("a secret in a recipe is no secret: write ${NAME} and export it")
        return secret

    @model_validator(mode="after")
    def _itself(self) -> Pseudonymised:
        if SELF in self.beside:
            raise ValueError(f"{SELF!r} is the source itself: give the other one another name")
        return self

    def read(self, root: Path) -> pa.Table:
        """All rows, replaced."""
        tables = {SELF: self.of.read(root), **{name: source.read(root) for name, source in self.beside.items()}}
        made, _ = replace_all(tables, filled(self.secret, self.kind), self.same, self.types)
        return checked(made[SELF], self.kind)

    def outline(self, root: Path) -> Outline:
        """The columns and size of the source that is read."""
        return self.of.outline(root)

    def version(self, root: Path) -> str:
        """Changes with the rows and with the secret; a slow hash of four bytes is all that is written of it."""
        secret = hashlib.scrypt(filled(self.secret, self.kind).encode(), salt=b"lookalike", n=1 << 14, r=8, p=1, dklen=4).hex()
        return "-".join([self.of.version(root), *(source.version(root) for source in self.beside.values()), secret])
