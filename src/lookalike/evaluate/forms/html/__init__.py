"""The report as one page: no script, no request, no row of data.

    Evidence --> page (what is said, in which order) --> charts (SVG) --> templates (HTML) --> one file

`charts` draws from plain numbers, `page` chooses and words, the templates in `templates/` only place things; everything that
comes from data is escaped by Jinja2.
"""

from __future__ import annotations

from lookalike.evaluate.evidence import Evidence


def render(report: Evidence, *, title: str = "") -> str:
    """The whole report as one self-contained HTML document, under 400 kB for ordinary tables.

    Args:
        report: what `evaluate` returned or `Report.load` read.
        title: of the page; by default made from the tables' names.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from lookalike.evaluate.forms.html import charts
    from lookalike.evaluate.forms.html.page import page

    environment = Environment(
        loader=PackageLoader("lookalike.evaluate.forms.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = charts.number
    environment.globals["charts"] = charts
    return environment.get_template("report.html.j2").render(page=page(report, title=title))
