"""Edge cases: complaints about safety, which hardly occur in the real reviews, with every pair of factor values covered.

    python examples/edge_cases.py [--to runs]

A coverage design (`grid`, strength 2) holds every pair of values of four factors in far fewer rows than their product. The model
`default` writes one report a row; a rule asks again for what leaves the product out. Printed: how often the event occurs in the
real reviews and in the made ones, and whether all pairs are there.
"""

from __future__ import annotations

import argparse
import re
from itertools import combinations, product
from pathlib import Path

from lookalike import api

FACTORS = {
    "product": ["coffee", "dog food", "baby food", "crisps"],
    "event": ["a piece of glass", "mould", "a wrong allergen label", "a swollen package"],
    "consequence": ["nobody was harmed", "someone felt sick", "a doctor was needed"],
    "tone": ["calm", "furious", "worried"],
}
RECIPE = {
    "lookalike": 1, "name": "edge-cases", "seed": 1,
    "tables": {"reports": {
        "rows": {"grid": FACTORS, "strength": 2},
        "columns": {"report": {
            "kind": "prompt",
            "prompt": "Write a customer's report in two sentences. Product: {{ product }}. Found in it: {{ event }}. What happened: "
                      "{{ consequence }}. The writer is {{ tone }}. Give only the report.",
            "examples": [{
                "input": "Write a customer's report in two sentences. Product: tea. Found in it: a piece of plastic. What happened: "
                         "nobody was harmed. The writer is calm. Give only the report.",
                "output": "I found a piece of plastic in my tea. Nobody was harmed, but please check this batch.",
            }],
            "checks": [{"must_mention": "{{ product }}"}, {"words": {"min": 6, "max": 80}}],
            "temperature": 0.7, "max_tokens": 80,
        }},
        "steps": [{"kind": "text_rules", "text": "report"}],
    }},
}  # fmt: skip
EVENT = re.compile(r"\b(?:glass|mou?ld|allerg\w*|swollen)\b", re.IGNORECASE)


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
    for row in rows[:3]:
        print(f"- {row['product']}, {row['event']}, {row['tone']}: {row['report']}")


if __name__ == "__main__":
    main()
