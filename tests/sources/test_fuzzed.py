"""Shortest inputs that broke the reading of files."""

import pytest

from lookalike import api
from lookalike.errors import SourceError


def test_whole_numbers_beyond_int64_are_kept_to_their_last_digit(tmp_path):
    """JSON has no bound: 2^64 - 1 is a uint64, more is a decimal, beside null and smaller ones."""
    path = tmp_path / "a.json"
    path.write_text('[{"i": 1, "j": -1}, {"i": 18446744073709551615, "j": 12345678901234567890123}, {"i": null, "j": 2}]')
    table = api.read(str(path))
    assert table["i"].to_pylist() == [1, 18446744073709551615, None]
    assert list(map(int, table["j"].to_pylist())) == [-1, 12345678901234567890123, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"\\ud800": 1}]', "half a character"),
        ('[{"a": "\\ud800"}]', "half a character"),
        (f'[{{"a": {"9" * 40}}}]', "38 digits"),
    ],
)
def test_what_no_column_holds_is_said_by_its_name(tmp_path, text, said):
    """Half a character in a value or in a name, and a number of forty digits."""
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        api.read(str(path))
