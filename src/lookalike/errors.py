"""Everything that can go wrong, as one tree.

LookalikeError                     exit code 6
├── RecipeError                    2   what is asked for cannot be done: keys, kinds, templates, cycles
│   ├── UnknownKind
│   ├── UnknownColumn
│   └── RecipeProblems             several at once, each with file:line:column
├── UsageError                     2   the command line or a call's arguments
├── SourceError                    4   real data cannot be read or understood
│   └── SchemaError
├── ModelError                     5   a generative model cannot answer
│   ├── MissingModel               weights or a server are not there
│   └── BudgetSpent                the run stopped cleanly; raise the budget and run again
├── RunError                       6   the run folder: locked, of another recipe, disk full
├── SynthesizerError               2   cannot fit, sample or load
│   ├── NotFitted
│   └── Unsatisfiable              no row can hold the condition or constraint
├── MetricError                    2   a number cannot be computed
├── MissingExtra                   2   an optional package is not installed
└── GateFailed                     1   a gate does not hold (3 when inconclusive)

Every error says what is wrong, where, and how to fix it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LookalikeError(Exception):
    """Base of all our errors.

    Args:
        what: what is wrong, with the offending value.
        where: the place: `file:line:column`, a path, a column.
        fix: the next move.
    """

    exit_code = 6

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(str(self))

    def __str__(self) -> str:
        """One line: where, what, fix."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}. {self.fix}" if self.fix else head

    def __reduce__(self) -> tuple[type[LookalikeError], tuple[object, ...]]:
        """Cross process borders with all three parts."""
        return type(self), (self.what, self.where, self.fix)


class RecipeError(LookalikeError):
    """The recipe asks for something that cannot be done."""

    exit_code = 2


class UnknownKind(RecipeError):
    """A `kind:` that no built-in and no plugin provides."""


class UnknownColumn(RecipeError):
    """A template, an expression or a condition names a column that does not exist."""


class RecipeProblems(RecipeError):
    """All problems of one recipe, reported at once."""

    def __init__(self, problems: Iterable[RecipeError]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(what="\n".join(str(problem) for problem in self.problems) if count != 1 else str(self.problems[0]))

    def __reduce__(self) -> tuple[type[RecipeProblems], tuple[object, ...]]:
        """Cross process borders with every problem."""
        return type(self), (self.problems,)


class UsageError(LookalikeError):
    """A command line or a call has arguments that do not fit."""

    exit_code = 2


class SourceError(LookalikeError):
    """Real data cannot be read or understood."""

    exit_code = 4


class SchemaError(SourceError):
    """Data and schema do not fit together."""


class ModelError(LookalikeError):
    """A generative model cannot answer."""

    exit_code = 5


class MissingModel(ModelError):
    """Weights or a server are not there."""


class BudgetSpent(ModelError):
    """The budget is used up; what was answered is kept and the same command goes on."""


class RunError(LookalikeError):
    """The run folder is locked, of another recipe, damaged, or cannot be written."""


class SynthesizerError(LookalikeError):
    """A synthesizer cannot fit, sample, save or load."""

    exit_code = 2


class NotFitted(SynthesizerError):
    """`sample` before `fit`."""


class Unsatisfiable(SynthesizerError):
    """No row can hold the condition or the constraint."""


class MetricError(LookalikeError):
    """A metric was given data that it is not defined on."""

    exit_code = 2


class MissingExtra(LookalikeError):
    """An optional package is not installed."""

    exit_code = 2


class GateFailed(LookalikeError):
    """A gate does not hold."""

    exit_code = 1


def did_you_mean(name: str, known: Iterable[str], *, label: str = "known") -> str:
    """The fix part of an error about an unknown name: the nearest known one, and the list."""
    names = sorted(map(str, known))  # keys of YAML may be numbers
    near = get_close_matches(str(name), names, 1, cutoff=0.5)
    listed = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}{label}: {listed or 'none'}"
