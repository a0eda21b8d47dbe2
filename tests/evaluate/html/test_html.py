"""The HTML page: self-contained, safe to share, readable by everybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.base import Result
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.evidence import TableInfo
from lookalike.evaluate.forms.html import charts, render
from lookalike.evaluate.forms.html.words import breakable
from lookalike.evaluate.report import Report

VOID = {"meta", "br", "path", "line", "rect", "circle", "link", "img", "hr", "input"}
GATES = [
    {"metric": "identical_excess", "max": 0.001, "bound": "lower"},
    {"metric": "pairs", "min": 0.5},
    {"metric": "near_duplicates", "max": 0.1, "optional": True},
]
SECRET = "Zyxwvutsrq Unique"


class Page(HTMLParser):
    """Tags in order, with a check that they close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def table(n: int, seed: int, *, secret: bool = False) -> pa.Table:
    rng = np.random.default_rng(seed)
    town = rng.choice(["Ulm", "Bath", "Nice", "Como"], n).astype(object)
    if secret:
        town[0] = SECRET
    age = rng.normal(40, 12, n).round()
    return pa.table(
        {
            "age": age, "pay <b>&": age * 30 + rng.normal(0, 200, n), "town": town.tolist(),
            "</script><script>alert(1)</script>": rng.choice(["a", "<img src=x>"], n).tolist(),
            "day": pa.array(rng.integers(10_000, 20_000, n).astype("int32")).cast(pa.date32()),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(table(600, 1, secret=True), table(600, 2), holdout=table(600, 3), only="statistics,privacy", gates=GATES)


@pytest.fixture(scope="module")
def text(report) -> str:
    return render(report)


def test_the_page_asks_nobody_for_anything(text):
    """No script, no source, no style sheet, no font, no link outside the page; the policy forbids them too."""
    page = Page(text)
    assert not page.all("script") + page.all("link") + page.all("img") + page.all("iframe")
    assert all(a["href"].startswith("#") for a in page.all("a"))
    assert "url(" not in text
    assert "@import" not in text
    assert any("default-src 'none'" in (m.get("content") or "") for m in page.all("meta"))


def test_names_from_data_stay_text(text):
    """Markup in column names and categories is shown, never obeyed."""
    assert "<script>alert" not in text
    assert "<img src=x>" not in text
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text


def test_rare_real_values_are_not_shown(text):
    """A category that one real row has does not reach the page."""
    assert SECRET not in text


def test_everything_drawn_is_also_said(text):
    """Each drawing has a label, each table a caption, each region a name, each link a target; headings do not skip a level."""
    page = Page(text)
    drawings = [a for a in page.all("svg") if a.get("aria-hidden") != "true"]
    assert len(drawings) > 10
    assert all(a.get("role") == "img" and a.get("aria-label") for a in drawings)
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(a.get("aria-label") for a in page.all("div") if a.get("role") == "region")
    ids = {attrs["id"] for _, attrs in page.tags if attrs.get("id")}
    assert {a["href"][1:] for a in page.all("a")} <= ids
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert {"main", "nav", "header", "footer"} <= {tag for tag, _ in page.tags}


def test_the_page_says_what_the_gates_decided(report, text):
    """The banner, the verdict of each dimension and each gate's outcome are words, not colours alone."""
    assert "Fit for release" in text
    assert all(f">{dimension.capitalize()}<" in text for dimension in report.verdicts)
    assert "Pass" in text
    blank = Report((), {}, (), (), {"": TableInfo({"real": 1}, {})}, 0, "none", "0")
    assert "Measured, not judged" in render(blank)


def test_a_page_of_texts_alone_claims_no_more_than_it_knows():
    """Where no real rows are, the gates may hold and privacy is still unknown: the banner says both."""
    words = np.random.default_rng(0).choice([f"{a}{b}el" for a in "bdfgklmn" for b in "aeiou"], (40, 12))
    texts = pa.table({"text": [" ".join(row) for row in words]})
    page = evaluate(None, texts).html()
    assert "Fit for release" not in page
    assert "fidelity and privacy could not be judged" in page


def test_what_is_missing_is_never_a_number(report):
    """Without a holdout the page says that privacy was not shown, and why."""
    alone = render(evaluate(table(300, 1), table(300, 2), only="privacy", gates=GATES[:1]))
    assert "Not shown to be safe" in alone
    assert "there is no holdout" in alone


def test_the_same_report_gives_the_same_page(report, text):
    """Rendering twice, and after a round trip through JSON, gives the same bytes."""
    assert render(report) == text
    assert render(Report.parse(report.dump())) == render(Report.parse(report.dump()))


@pytest.mark.slow
def test_wide_tables_stay_small():
    """Sixty columns with their matrices stay below 400 kB."""

    def wide(seed):
        rng = np.random.default_rng(seed)
        base = rng.normal(size=400)
        return pa.table({f"a rather long column name {i}": base * (i % 3) + rng.normal(size=400) for i in range(60)})

    page = render(evaluate(wide(1), wide(2), holdout=wide(3), only="statistics", gates="none"))
    assert len(page.encode()) < 400_000
    Page(page)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not measured"),
        (0.0, "0.000"),
        (0.12345, "0.123"),
        (12.34, "12.3"),
        (1234567.0, "1,234,567"),
        (0.00004, "<0.0001"),
        (float("inf"), "∞"),
        (-0.5, "-0.500"),
        (3.0, "3"),
    ],
)
def test_numbers_are_written_for_people(value, text):
    """Three digits where they matter; what was not measured is said."""
    assert charts.number(value) == text


def test_drawings_survive_odd_numbers():
    """Empty series, equal bounds and infinite ends draw nothing or something, and never fail."""
    assert charts.marginal("a", {}) == ""
    assert charts.gauge(None) == ""
    assert "svg" in charts.gauge(0.5, floor=0.5, ceiling=0.5, interval=(0.5, 0.5))
    assert "svg" in charts.forest(5.0, (-9.0, 9.0), low=0.0, high=1.0)
    assert "svg" in charts.heatmap(["a", "b"], [[1.0, None], [None, 1.0]], [[1.0, None], [None, 1.0]])
    odd = Result("made_up", "made_up", "fidelity", 0.5, "higher", interval=(0.4, 0.6), range=(0.0, float("inf")), headline=True)
    page = render(Report((odd,), {"fidelity": "pass"}, (), (), {"": TableInfo({"real": 1}, {})}, 0, "x", "0"))
    assert "Made up" in page


def test_long_names_keep_the_ends_that_tell_them_apart():
    """Levels that begin alike are cut in the middle; a column's name may be broken at its underscores."""
    names = [f"a very long category name that goes on and on {k}" for k in range(3)]
    detail = {"levels": [*names, "(other)", "(null)"], "series": {w: [0.5, 0.3, 0.2, 0.0, 0.0] for w in ("real", "synthetic")}}
    drawn = str(charts.marginal("kind", detail))
    assert all(f"on {k}</text>" in drawn for k in range(3))
    assert "long_<wbr>name&lt;b&gt;" in breakable("long_name<b>")


def test_a_number_without_references_has_no_gauge_and_a_perfect_one_is_at_its_end():
    """A lone dot on a line says nothing; 1.000 beside a ceiling of 1.000 is drawn at the right end, not in the middle."""
    assert charts.gauge(32.0) == ""
    place = re.search(r'cx="([0-9.]+)"', str(charts.gauge(1.0, ceiling=1.0)))
    assert place is not None
    assert float(place[1]) > 120
