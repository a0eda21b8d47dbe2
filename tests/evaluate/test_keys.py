"""Keys name one row each."""

import pyarrow as pa

import lookalike as la
from lookalike.evaluate.evaluate import evaluate

from .conftest import draw


def keyed(seed, ids, n=200):
    return draw(n, seed).append_column("person_id", pa.array(ids))


def test_repeated_and_missing_keys_are_counted():
    """Of 200 rows ten repeat a key and five have none: 185 have their own, and the default gates fail."""
    ids = [*range(1000, 1185), *range(1000, 1010), *[None] * 5]
    report = evaluate(keyed(0, range(500, 700)), keyed(2, ids), only="unique_keys")
    assert report["unique_keys"].value == 185 / 200
    assert report["unique_keys"].detail["reading"] == "15 of 200 rows have no person_id of their own."
    assert report.exit_code == 1


def test_new_keys_of_a_learned_table_are_keys():
    """What is made anew is unique where the real keys are; a reference that repeats is no key."""
    real = keyed(0, range(500, 700)).append_column("shop_id", pa.array([i % 60 * 7919 for i in range(200)]))
    made = la.mimic(real, n=300, seed=1)
    assert evaluate(real, made, only="unique_keys")["unique_keys"].value == 1.0
    assert [r.subject for r in evaluate(real, made, only="unique_keys") if r.subject] == ["person_id"]
