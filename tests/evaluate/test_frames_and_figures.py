"""Reports as frames and figures, for notebooks."""

import pytest

from lookalike.errors import MetricError
from lookalike.evaluate.evaluate import evaluate

from .conftest import draw

pytest.importorskip("pandas", reason="pip install pandas")


@pytest.fixture(scope="module")
def report():
    """Some numbers with parts, ceilings and a skip."""
    return evaluate(draw(400, 0), draw(400, 2), only="validity,marginals,c2st,tstr")


def test_a_frame_has_a_row_for_each_number(report):
    """Values, intervals and ceilings as numbers, what was not measured as missing with its reason, what gates say beside it."""
    frame = report.to_pandas()
    assert len(frame) == len(report.results)
    by_name = frame.set_index("name")
    assert by_name.loc["c2st", "value"] == report["c2st"].value
    assert by_name.loc["c2st", "low"] == report["c2st"].interval[0]
    assert by_name.loc["marginals", "gate"] == "pass"
    assert by_name.loc["tstr", "value"] != by_name.loc["tstr", "value"]
    assert "target" in by_name.loc["tstr", "skipped"]
    worst = frame[(frame.metric == "marginals") & (frame.subject != "")].sort_values("value").iloc[0]
    assert worst.subject == report.worst("marginals", 1)[0].subject


def test_a_figure_draws_a_metric_and_its_parts(report):
    """All columns of a metric with their distributions; names from data are escaped; what was not measured is refused."""
    figure = report.plot("marginals")
    assert figure._repr_html_().count("<tr>") == len(report.of(metric="marginals"))
    assert "Shares of the categories of city" in str(figure)
    assert "ceiling" in str(report.plot("c2st"))
    with pytest.raises(MetricError, match="there is no target"):
        report.plot("tstr")
    with pytest.raises(MetricError, match="did you mean 'marginals'"):
        report.plot("marginal")


def test_notebooks_show_the_page_in_a_frame_of_its_own(report):
    """The page's styles do not mix with the notebook's, and nothing in it runs or is fetched."""
    shown = report._repr_html_()
    assert shown.startswith("<iframe")
    assert "&lt;!doctype html&gt;" in shown
