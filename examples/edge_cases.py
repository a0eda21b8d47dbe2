"""Edge cases: complaints about safety, which hardly occur in the real reviews, with every pair of factor values covered.

    python examples/edge_cases.py [--to runs]

A coverage design (`grid`, strength 2) holds every pair of values of four factors in far fewer rows than their product. The model
`default` writes one report a row; rules ask again for what leaves out the product, the event or what came of it, and `exact` makes
another where one fails all the same. Printed: how often the event occurs in the real reviews and in the made ones, whether all pairs
are there, and every report: read them.
"""

from __future__ import annotations

import argparse
import re
from itertools import combinations, product
from pathlib import Path

from lookalike import api

FACTORS = {
    "product": ["coffee", "dog food", "baby food", "crisps"],
    "event": ["a piece of glass in it", "mould in it", "an allergen missing on the label", "a swollen package"],
    "consequence": ["nobody was harmed", "someone felt sick", "a doctor was needed"],
    "tone": ["calm", "furious", "worried"],
}
SIGNS = {  # one of these words must be in the report
    "a piece of glass in it": ["glass"], "mould in it": ["mou?ld"], "an allergen missing on the label": ["allerg"],
    "a swollen package": ["swollen|swelled|bulg"],
    "nobody was harmed": ["nobody|no one|no-one|none of us|not harmed|no harm|unharmed|luckily|fortunately"],
    "someone felt sick": ["sick|ill|unwell|nause|vomit|stomach"],
    "a doctor was needed": ["doctor|hospital|clinic|emergency"],
}  # fmt: skip
ASKED = (
    "Product: {product}\nProblem: {event}\nWhat came of it: {consequence}\nMood of the writer: {tone}\nReport in two sentences:"
)
EXAMPLES = [
    ("tea", "a piece of plastic in it", "nobody was harmed", "calm",
     "There was a piece of plastic in the tea that I opened this morning. Luckily nobody swallowed it."),
    ("frozen peas", "an insect in it", "someone felt sick", "furious",
     "I found an insect in your frozen peas, and my son was sick all night! I will never buy them again!"),
    ("cheese", "a torn seal", "a doctor was needed", "worried",
     "The seal of the cheese was torn, and my mother had to see a doctor after eating it. I am afraid that other people will fall ill."),
]  # fmt: skip
RECIPE = {
    "lookalike": 1, "name": "edge-cases", "seed": 1,
    "tables": {"reports": {
        "rows": {"grid": FACTORS, "strength": 2, "exact": True},
        "replace_failed": True,
        "columns": {
            "found": {"kind": "subcategory", "by": "event", "values": {value: SIGNS[value] for value in FACTORS["event"]}, "hidden": True},
            "outcome": {"kind": "subcategory", "by": "consequence", "values": {value: SIGNS[value] for value in FACTORS["consequence"]},
                     "hidden": True},
            "report": {
                "kind": "prompt",
                "system": "You write as customers who report a problem to a maker of food, in the first person. Give only the report.",
                "prompt": ASKED.format(**{name: f"{{{{ {name} }}}}" for name in FACTORS}),
                "examples": [{"input": ASKED.format(**dict(zip(FACTORS, facts, strict=True))), "output": report} for *facts, report in EXAMPLES],
                "checks": [
                    {"must_mention": "{{ product }}"},
                    {"sql": "regexp_matches(lower(value), found)", "says": "say what was wrong with the {{ product }}: {{ event }}"},
                    {"sql": "regexp_matches(lower(value), outcome)", "says": "say what came of it: {{ consequence }}"},
                    {"regex": r"\b(?:I|[Mm]y|[Ww]e|[Oo]ur)\b", "says": "write as the customer: I, my, we"},
                    {"must_not": ["the writer", "plastic", "swallowed", "insect", "peas", "seal", "cheese", "in two sentences"]},
                    {"sentences": {"min": 1, "max": 3}},
                ],
                "temperature": 0.8, "max_tokens": 80, "tries": 4,
            },
        },
        "steps": [{"kind": "text_rules", "text": "report"}, {"kind": "dedup", "on": "report"}],
    }},
}  # fmt: skip
EVENT = re.compile(r"\b(?:glass|mou?ld|allerg\w*|swollen|bulg\w*)", re.IGNORECASE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", type=Path, default=Path("runs"))
    given = parser.parse_args()
    made = api.run(api.load(RECIPE), to=given.to / "edge-cases").table("reports")
    real = api.read("package:reviews")["review"].to_pylist()
    rows = made.to_pylist()
    wanted = {(a, x, b, y) for a, b in combinations(FACTORS, 2) for x, y in product(FACTORS[a], FACTORS[b])}
    there = {(a, row[a], b, row[b]) for row in rows for a, b in combinations(FACTORS, 2)}
    print(f"in {len(real)} real reviews: {sum(bool(EVENT.search(text)) for text in real)} mention such an event")
    print(f"made: {len(rows)} reports, {sum(bool(EVENT.search(row['report'])) for row in rows)} mention it")
    print(f"pairs of factor values covered by kept reports: {len(wanted & there)} of {len(wanted)}")
    for row in rows:
        print(f"- {', '.join(row[name] for name in FACTORS)}: {row['report']}")


if __name__ == "__main__":
    main()
