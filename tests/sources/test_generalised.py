"""A source whose cells are coarse."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from lookalike.sources.file import File
from lookalike.sources.generalised import Generalised


def test_rows_are_coarse_and_the_outline_is_the_sources(tmp_path):
    """Days of a Parquet file are months; columns, size and version are the file's."""
    pq.write_table(pa.table({"day": [date(2020, 1, 1) + timedelta(days=i) for i in range(900)]}), tmp_path / "a.parquet")
    source = Generalised(of=File(path="a.parquet"), profile="partner")
    assert {day.day for day in source.read(tmp_path)["day"].to_pylist()} == {1}
    assert source.outline(tmp_path) == source.of.outline(tmp_path)
    assert source.version(tmp_path) == source.of.version(tmp_path)
