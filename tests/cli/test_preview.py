"""Previews show what was asked and what came back."""

from lookalike import api

RECIPE = {
    "lookalike": 1,
    "name": "p",
    "models": {"default": {"kind": "scripted", "replies": ["polly"]}},
    "tables": {
        "t": {"rows": 50, "columns": {"n": {"kind": "sequence", "start": 1}, "x": {"kind": "prompt", "prompt": "say {{ n }}"}}}
    },
}


def test_prompt_and_reply_of_each_record():
    """Each record comes with its own calls, and no more records than asked are made."""
    (seen,) = api.preview(RECIPE, rows=2)
    assert [record["x"] for _, record in seen.rows] == ["polly", "polly"]
    for row, record in seen.rows:
        (call,) = [call for call in seen.calls if call.row == row]
        assert (call.prompt, call.reply, call.failed) == (f"say {record['n']}", "polly", False)
