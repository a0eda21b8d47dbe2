"""Privacy: people replaced before a prompt leaves the machine, the same one by the same one; copies measured and dropped.

    python examples/privacy.py [--rows 6] [--to runs]

Real reviews are signed with names and addresses (drawn, so that we know them all). `stand_in` replaces them; the model `default`
sees only the safe text and writes the review again. Printed: how many of the known names and addresses are in what the model saw
and in what it wrote, and how much is copied from the source.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lookalike import api

RECIPE = """
lookalike: 1
name: privacy
seed: 1
parameters: {rows: 6}
sources:
  reviews: {kind: package, name: reviews, rows: 40}
tables:
  letters:
    rows: {from: reviews, n: $(rows)}
    columns:
      who: {kind: person, fields: [first_name, last_name, name, email], hidden: true}
      letter: {kind: template, template: "{{ review[:300] }} Regards, {{ who.name }} ({{ who.email }}). PS: call me {{ who.first_name }}.", hidden: true}
      known: {kind: template, template: "{{ who.name }}|{{ who.email }}"}
      safe: {kind: stand_in, text: letter, people: [who.name]}
      written:
        kind: prompt
        prompt: "Letter: {{ safe }}\\n\\nSay in two sentences, in your own words, what the writer thinks of the product. Give only the sentences."
        max_tokens: 80
    steps:
      - {kind: text_rules, text: written}
      - {kind: text_overlap, text: written, source: reviews, column: review, words: 12}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="6")
    parser.add_argument("--to", type=Path, default=Path("runs"))
    given = parser.parse_args()
    run = api.run(api.load(RECIPE, set={"rows": given.rows}), to=given.to / "privacy")
    rows = run.table("letters").to_pylist()
    for column in ("safe", "written"):
        found = sum(piece in row[column] for row in rows for piece in row["known"].split("|"))
        print(f"{column}: {found} of {2 * len(rows)} known names and addresses are in it")
    print(f"dropped: {run.dropped().num_rows} texts that broke a rule or copied twelve words of the source")
    for row in rows[:3]:
        print(f"- {row['written']}")


if __name__ == "__main__":
    main()
