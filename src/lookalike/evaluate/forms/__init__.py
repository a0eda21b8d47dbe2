"""The forms of a report, each a function of the evidence: json, html, terminal, markdown, junit."""
