"""Who makes which partition.

One engine serves one machine and many: an executor only says which base partitions are its own. Tables whose verdicts need all
rows (`keep` with replacement, steps with memory) have their cells made and journalled by shards; the run that finishes, without
`--shard`, judges and writes them and asks nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.errors import UsageError


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` workers over one run folder."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `i/n`, 0 <= i < n.

        Raises:
            UsageError: not of that form.
        """
        left, _, right = text.partition("/")
        if not (left.isdigit() and right.isdigit() and int(left) < int(right)):
            raise UsageError(what=f"{text!r} is no shard", where="--shard", fix="write i/n with 0 <= i < n, such as 0/4")
        return cls(int(left), int(right))

    @property
    def whole(self) -> bool:
        """Whether this worker makes everything, and finishes the run."""
        return self.count == 1

    def mine(self, partition: int) -> bool:
        """Whether a partition is this worker's."""
        return partition % self.count == self.index
