"""What `lookalike demo` shows at its end."""

from types import SimpleNamespace

import pyarrow as pa

from lookalike.cli.demo import FEW, SHOWN, screen, verdict


class Run:
    """A finished run, as the screen sees it."""

    def __init__(self, tmp_path, **rows):
        self.path = tmp_path
        stone = {"carat": 0.3, "cut": "Ideal", "color": "H", "price": 537}
        self.made = {
            "stones": pa.Table.from_pylist([stone] * rows["stones"]),
            "listings": pa.Table.from_pylist([{**stone, "listing": f"Sentence {n}."} for n in range(rows["listings"])]),
        }
        self.manifest = {
            "tables": {
                name: {
                    "rows": len(table),
                    "asked": len(table) + (name == "listings"),
                    "outcomes": {"failed": int(name == "listings")},
                    "schema": dict.fromkeys(table.column_names, ""),
                }
                for name, table in self.made.items()
            }
        }

    def table(self, name):
        return self.made[name]


def outcome(table, status, severity="block", text="a bound in words"):
    return SimpleNamespace(table=table, status=status, severity=severity, text=text)


def report(*outcomes):
    return SimpleNamespace(outcomes=outcomes)


def test_a_run_is_shown_on_one_screen(tmp_path):
    """What was asked, three rows of each table, one verdict, two links: at most 24 lines, those of a small terminal."""
    lines = screen(Run(tmp_path, stones=200, listings=11), report(outcome("stones", "pass"), outcome("listings", "fail")))
    text = "\n".join(lines)
    assert len(lines) <= 24
    assert "200 stones, 12 listings" in lines[0]
    assert text.count("0.3, Ideal, H, 537") == 2 * SHOWN
    assert [f"Sentence {n}." in text for n in range(4)] == [True, True, True, False]
    assert "1 more disagreed" in text
    assert sum(line.startswith("verdict") for line in lines) == 1
    assert [line.split()[0] for line in lines[-2:]] == ["page", "recipe"]


def test_a_table_that_is_too_small_is_not_judged(tmp_path):
    """Its gates count neither for nor against; that it was not judged is said, with its size."""
    small = Run(tmp_path, stones=200, listings=FEW - 1)
    assert verdict(small, report(outcome("stones", "pass"), outcome("listings", "fail"))) == (
        f"pass: all 1 gates hold; too few rows to be judged: listings ({FEW - 1} rows)"
    )
    large = Run(tmp_path, stones=200, listings=FEW)
    assert verdict(large, report(outcome("stones", "pass"), outcome("listings", "fail", text="why"))) == "fail: why"


def test_a_verdict_names_its_reason(tmp_path):
    """What fails comes before what could not be decided; warnings decide nothing; without a report nothing is judged."""
    run = Run(tmp_path, stones=200, listings=50)
    undecided, failed = outcome("stones", "inconclusive", text="unknown"), outcome("stones", "fail", text="broken")
    assert verdict(run, report(undecided, failed)) == "fail: broken"
    assert verdict(run, report(undecided, outcome("stones", "fail", "warn"))) == "inconclusive: unknown"
    assert verdict(run, None) == "not judged"
