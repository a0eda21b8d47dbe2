"""Text: what turns a corpus or a language model into training data.

edits       edits, offset maps, protected spans         operators/  label-safe edits without a model
thesaurus   compiled synonyms                           augment     the generator that runs operators
"""

from __future__ import annotations

_HERE = "lookalike.generators.text"
KINDS: dict[str, str] = {
    "augment": f"{_HERE}.augment:Augment",
}
