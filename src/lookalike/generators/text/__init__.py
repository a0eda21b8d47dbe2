"""Text: what turns a corpus or a language model into training data.

edits      edits, offset maps, protected spans       operators/  label-safe edits without a model
thesaurus  compiled synonyms                         augment     the generator that runs operators
ngrams     a word model that reads both ways         infill      what is missing, filled from both sides
chunks     documents in pieces, with their spans     finding     the span that a quotation means
conversing what kinds that ask a model share         the others  one way of asking each, its paper in its docstring
"""

from __future__ import annotations

_HERE = "lookalike.generators.text"
KINDS: dict[str, str] = {
    "attributes": f"{_HERE}.attributes:Attributes",
    "augment": f"{_HERE}.augment:Augment",
    "backtranslate": f"{_HERE}.rewriting:Backtranslate",
    "chunks": f"{_HERE}.chunks:Chunks",
    "code_task": f"{_HERE}.code_task:CodeTask",
    "critique": f"{_HERE}.critique:Critique",
    "dialogue": f"{_HERE}.dialogue:Dialogue",
    "evolve": f"{_HERE}.evolve:Evolve",
    "hard_negatives": f"{_HERE}.hard_negatives:HardNegatives",
    "infill": f"{_HERE}.infill:Infill",
    "magpie": f"{_HERE}.self_instruct:Magpie",
    "ner": f"{_HERE}.ner:Ner",
    "preference": f"{_HERE}.preference:Preference",
    "qa": f"{_HERE}.qa:Qa",
    "reason": f"{_HERE}.vote:Reason",
    "rewrite": f"{_HERE}.rewriting:Rewrite",
    "self_instruct": f"{_HERE}.self_instruct:SelfInstruct",
    "shots": f"{_HERE}.shots:Shots",
    "stand_in": f"{_HERE}.guard:StandIn",
    "summarise": f"{_HERE}.rewriting:Summarise",
    "topics": f"{_HERE}.topics:Topics",
    "translate": f"{_HERE}.rewriting:Translate",
    "vote": f"{_HERE}.vote:Vote",
}
