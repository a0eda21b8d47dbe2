import orjson
from hypothesis import given
from hypothesis import strategies as st

from lookalike.models.base import Reply, ToolCall, Usage
from lookalike.run.journal import Entry, PartJournal
from lookalike.run.manifest import spent

replies = st.builds(
    Reply,
    text=st.text(),
    finish=st.sampled_from(["stop", "length", "tool", "refusal"]),
    usage=st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.floats(0, 10)),
    served_by=st.text(max_size=10),
    ms=st.integers(0, 10**5).map(float),
    tries=st.integers(1, 9),
    seed=st.none() | st.integers(0, 2**31 - 1),
    tool_calls=st.lists(st.builds(ToolCall, st.text(max_size=5), st.text(max_size=5), st.text(max_size=20)), max_size=2).map(
        tuple
    ),
    reasoning=st.text(max_size=20),
    vector=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4).map(tuple),
)


@given(reply=replies, row=st.integers(0, 2**62), call=st.integers(0, 3))
def test_a_reply_comes_back_as_it_was_written(reply, row, call, tmp_path_factory):
    """Whatever a model answered is read back equal, field by field."""
    folder = tmp_path_factory.mktemp("journal")
    journal = PartJournal.open(folder)
    for before in range(call):
        journal.add("f", Entry("note", row, before, "writer", Reply("before")))
    entry = Entry("note", row, call, "writer", reply)
    journal.add("f", entry)
    journal.close()
    assert PartJournal.open(folder).recall("f", row, call) == entry


def test_a_torn_last_line_costs_only_itself(tmp_path):
    """A line that a kill has cut is skipped; all lines before it are read."""
    journal = PartJournal.open(tmp_path)
    for row in range(3):
        journal.add("f", Entry("note", row, 0, "writer", Reply(f"text {row}")))
    journal.close()
    [path] = tmp_path.glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-7])
    again = PartJournal.open(tmp_path)
    assert sorted(row for _, row, _ in again.entries) == [0, 1]


def test_each_attempt_writes_a_file_of_its_own(tmp_path):
    """A dead process that still writes cannot tear a later attempt's lines."""
    first = PartJournal.open(tmp_path)
    first.add("f", Entry("note", 0, 0, "writer", Reply("a")))
    second = PartJournal.open(tmp_path)
    second.add("f", Entry("note", 1, 0, "writer", Reply("b")))
    first.add("f", Entry("note", 2, 0, "writer", Reply("c")))
    first.close()
    second.close()
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert len(PartJournal.open(tmp_path).entries) == 3


def test_a_failed_cell_is_begun_anew_where_it_failed(tmp_path):
    """Forgetting a cell keeps the replies before its failed call; a cell whose replies all came is begun anew, for later readers too."""
    journal = PartJournal.open(tmp_path)
    journal.add("f", Entry("note", 0, 0, "writer", Reply("paid for")))
    journal.add("f", Entry("note", 0, 1, "writer", None, "refused"))
    for call in range(3):
        journal.add("f", Entry("note", 1, call, "writer", Reply(f"unfit {call}")))
    journal.forget("f", 0)
    assert journal.recall("f", 0, 0).reply.text == "paid for"
    assert journal.recall("f", 0, 1) is None
    journal.forget("f", 1)
    assert journal.calls("f", 1) == 0
    journal.add("f", Entry("note", 1, 0, "writer", Reply("fit")))
    journal.close()
    again = PartJournal.open(tmp_path)
    assert again.calls("f", 1) == 1
    assert again.recall("f", 1, 0).reply.text == "fit"
    assert again.begun == journal.begun == {("f", 1): 1}


def test_replies_of_another_column_version_are_not_used(tmp_path):
    """After an edit of the column its old replies are not found."""
    journal = PartJournal.open(tmp_path)
    journal.add("old", Entry("note", 0, 0, "writer", Reply("a")))
    assert journal.recall("new", 0, 0) is None
    journal.close()


def test_an_unknown_price_makes_the_total_unknown(tmp_path):
    """One call without a price cannot be counted as free."""
    for row, usd in enumerate((0.5, None)):
        journal = PartJournal.open(tmp_path / "journal" / "t" / f"part-{row:05d}")
        journal.add("f", Entry("note", row, 0, "m", Reply("", usage=Usage(10, 5, usd))))
        journal.close()
        usage, requests = spent(tmp_path)
        assert usage == Usage(10 * (row + 1), 5 * (row + 1), usd)
        assert requests == row + 1


def test_a_damaged_line_is_told_once_and_its_cell_walked_again_from_there(tmp_path):
    """Any flipped byte of a line costs that reply and those that followed it in its cell; the file is whole again afterwards."""
    journal = PartJournal.open(tmp_path)
    for row in range(2):
        for call in range(3):
            journal.add("f", Entry("note", row, call, "writer", Reply(f"reply {row} {call}")))
    journal.close()
    [path] = tmp_path.glob("*.jsonl")
    data = path.read_bytes()
    line = data.split(b"\n")[1]
    for at in range(data.index(line), data.index(line) + len(line)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        told = []
        again = PartJournal.open(tmp_path, lambda path, number, told=told: told.append(number))
        if told:
            assert told == [2]
            assert [call for _, row, call in again.entries if row == 0] == [0]
            assert PartJournal.open(tmp_path, lambda path, number, told=told: told.append(number)).calls("f", 1) == 3
            assert told == [2]
        assert again.calls("f", 1) == 3
        assert all(entry.reply.text == f"reply {entry.row} {entry.call}" for entry in again.entries.values())


def test_lines_of_earlier_versions_are_read(tmp_path):
    """A line without a checksum is a reply as before."""
    line = {
        "f": "f",
        "c": "note",
        "r": 0,
        "k": 0,
        "m": "writer",
        "t": "text",
        "u": [1, 2, None],
        "s": [None, 1.0, 1, "stop", ""],
    }
    (tmp_path / "0000.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    assert PartJournal.open(tmp_path).recall("f", 0, 0).reply.text == "text"
