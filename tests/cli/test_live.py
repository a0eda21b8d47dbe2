"""What a run says while it goes on."""

import pytest

from lookalike.cli.live import watching
from lookalike.run.progress import Progress


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"event": "unpriced", "models": ["a", "b"]}, "price unknown, cost not counted: a, b (a model's `price` says it)\n"),
        ({"event": "stopping", "reason": "interrupted"}, "stopping: interrupted\n"),
        ({"event": "progress", "table": "t"}, ""),
    ],
)
def test_events_that_a_person_wants_to_read(capsys, event, line):
    """Without a terminal each is one plain line; the others are for machines."""
    with watching(Progress()) as (listener,):
        listener(event)
    assert capsys.readouterr().out == line
