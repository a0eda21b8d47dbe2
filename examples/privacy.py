"""Privacy: people replaced before a prompt leaves the machine, the same one by the same one; copies measured and dropped.

    python examples/privacy.py [--rows 6] [--to runs]

Real reviews are signed with names and addresses (drawn, so that we know them all). `stand_in` replaces them; the model `default`
sees only the safe text and says it in other words. The table `letters` stays with you: it holds the real texts. The table `released`
has nothing but what the model wrote, without what copies twelve words of the source. Printed: how many of the known names and
addresses are in what the model saw and in what is released, and every text that is released.
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
  released:
    rows: {per: letters, count: 1}
    columns:
      review:
        kind: rewrite
        text: "{{ letters.safe }}"
        style: other words, in one or two sentences, without names and addresses
        keep_numbers: false
        examples:
          - text: "This tea tastes of NOTHING,  and the box was torn.<br />I want my money back! Regards, Ann Lee (user1@example.com). PS: call me Ann."
            output: "The tea has no taste at all and came in a damaged box. I would like a refund."
          - text: "We love these cookies! My kids finish a bag a day, and they are cheaper than in our store. Regards, Tom Hill (user2@example.com). PS: call me Tom."
            output: "These cookies are a hit with my children, who eat a whole bag every day. They cost less than in the shops here, too."
        temperature: 0.7
        max_tokens: 80
    steps:
      - {kind: text_rules, text: review, must_not: ["@", Regards, "PS:", the writer, cookies]}
      - {kind: text_overlap, text: review, source: reviews, column: review, words: 12}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="6")
    parser.add_argument("--to", type=Path, default=Path("runs"))
    given = parser.parse_args()
    run = api.run(api.load(RECIPE, set={"rows": given.rows}), to=given.to / "privacy")
    letters, released = run.table("letters").to_pylist(), run.table("released")["review"].to_pylist()
    known = [piece for row in letters for piece in row["known"].split("|")]
    for what, texts in (("seen by the model", [row["safe"] for row in letters]), ("released", released)):
        print(
            f"{what}: {sum(any(piece in text for text in texts) for piece in known)} of {len(known)} known names and addresses"
        )
    print(f"{len(released)} of {len(letters)} released; the others, with the reason:")
    for row in run.dropped().to_pylist():
        print(f"  {row['reason']}")
    for text in released:
        print(f"- {text}")


if __name__ == "__main__":
    main()
