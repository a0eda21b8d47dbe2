"""Sentences per CPU second of text augmentation, beside nlpaug and textaugment where they are installed.

    python benchmarks/text_augmentation.py [--sentences 4000] [--rounds 3]

Sentences are WordNet glosses (Debian's wordnet-base) of 8 to 30 words, or made-up ones where that is not installed. Every number
is the best of `rounds` runs by `time.process_time`, with edits applied and offset maps built, one thread. The peers run in this
process on the same sentences; put them into another environment, because nlpaug pins old packages:

    python -m venv peers; peers/bin/pip install nlpaug==1.1.11 textaugment nltk scikit-learn; peers/bin/pip install -e .
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import shutil
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from lookalike.generators.text.augment import augmented
from lookalike.generators.text.edits import OffsetMap, apply
from lookalike.generators.text.thesaurus import load
from lookalike.registry import kinds, resolve

WORDNET = Path("/usr/share/wordnet")


def sentences(count: int) -> list[str]:
    out = []
    if WORDNET.is_dir():
        for name in ("data.noun", "data.verb"):
            for line in (WORDNET / name).read_text("latin-1").splitlines():
                if not line.startswith("  ") and "| " in line:
                    gloss = line.split("| ", 1)[1].split(";")[0].strip()
                    if 8 <= len(gloss.split()) <= 30 and gloss.isascii():
                        out.append(gloss[0].upper() + gloss[1:] + ".")
    else:
        words = "the big dog quickly bought an expensive answer to a small problem in the old shop near our house".split()
        draws = random.Random(0)
        out = [" ".join(draws.choices(words, k=draws.randint(8, 20))).capitalize() + "." for _ in range(count)]
    random.Random(0).shuffle(out)
    return out[:count]


def rate(run, count: int, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return count / best


def ours(texts: list[str], rounds: int) -> None:
    keys = np.arange(1, len(texts) + 1).astype(np.uint64)
    none = [()] * len(texts)
    print(f"{'operator':<34}{'sentences / CPU s':>18}{'edits / sentence':>18}")
    specs = [(kind, resolve("operator", kind)()) for kind in kinds("operator")]
    if WORDNET.is_dir():
        start = time.process_time()
        load("wordnet")
        print(f"(WordNet compiled in {time.process_time() - start:.2f} CPU s, {load('wordnet').lemmas} lemmas)")
        specs.append(("synonym, WordNet", resolve("operator", "synonym")(thesaurus="wordnet")))
        specs.append(("synonym, WordNet, every word", resolve("operator", "synonym")(thesaurus="wordnet", rate=1)))
    for name, operator in specs:
        made: list = []

        def run(operator=operator, made=made) -> None:
            made[:] = operator.edits(texts, none, keys)
            for text, edits in zip(texts, made, strict=True):
                apply(text, edits)
                OffsetMap(edits)

        speed = rate(run, len(texts), rounds)
        print(f"{name:<34}{speed:>18,.0f}{sum(map(len, made)) / len(texts):>18.2f}")
    chain = [resolve("operator", kind)() for kind in ("synonym", "voice", "front_clause", "contract", "keyboard")]
    spans = [((0, 3),)] * len(texts)
    speed = rate(lambda: augmented(texts, spans, chain, key=1, ids=np.arange(len(texts))), len(texts), rounds)
    print(f"{'five operators, a protected span':<34}{speed:>18,.0f}")


def nltk_data() -> None:
    """WordNet, stop words and a small tagger where nltk looks for them: its own downloads need the network."""
    import nltk
    from nltk.tag.perceptron import PerceptronTagger
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    root = Path(tempfile.gettempdir()) / "lookalike-bench-nltk"
    wordnet, stop = root / "corpora" / "wordnet", root / "corpora" / "stopwords"
    for folder in (wordnet, stop):
        folder.mkdir(parents=True, exist_ok=True)
    for file in WORDNET.iterdir():
        shutil.copy(file, wordnet / file.name)
    lex = (
        "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body "
        "noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive "
        "noun.object noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity "
        "noun.relation noun.shape noun.state noun.substance noun.time verb.body verb.change verb.cognition "
        "verb.communication verb.competition verb.consumption verb.contact verb.creation verb.emotion verb.motion "
        "verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl"
    )
    number = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
    (wordnet / "lexnames").write_text("".join(f"{i:02d}\t{n}\t{number[n.split('.')[0]]}\n" for i, n in enumerate(lex.split())))
    (wordnet / "index.sense").touch()
    (stop / "english").write_text("\n".join(sorted(ENGLISH_STOP_WORDS)))
    nltk.data.path.insert(0, str(root))
    nouns = {line.split()[0] for line in (WORDNET / "index.noun").open() if not line.startswith(" ")}
    tagger = PerceptronTagger(load=False)
    tagger.train(
        [[(w, "NN" if w.lower().strip(".,") in nouns else "DT") for w in s.split()] for s in sentences(300)], nr_iter=2
    )
    nltk.pos_tag = lambda tokens, **_: tagger.tag(tokens)
    nltk.tag.pos_tag = nltk.pos_tag
    nltk.download = lambda *_, **__: True
    find = nltk.data.find
    nltk.data.find = lambda name, *a, **k: "there" if "perceptron" in str(name) else find(name, *a, **k)


def peers(texts: list[str]) -> None:
    few = texts[:300]
    found = {name: importlib.util.find_spec(name) is not None for name in ("nlpaug", "textaugment")}
    if any(found.values()) and WORDNET.is_dir():
        nltk_data()
    if found["nlpaug"]:
        import nlpaug.augmenter.char as nac
        import nlpaug.augmenter.word as naw

        for name, maker in (
            ("nlpaug SynonymAug(wordnet, p=0.3)", lambda: naw.SynonymAug(aug_src="wordnet", aug_p=0.3)),
            ("nlpaug RandomWordAug(swap)", lambda: naw.RandomWordAug(action="swap", aug_p=0.3)),
            ("nlpaug KeyboardAug", nac.KeyboardAug),
            ("nlpaug OcrAug", nac.OcrAug),
        ):
            augmenter = maker()
            print(f"{name:<34}{rate(lambda a=augmenter: [a.augment(s) for s in few], len(few), 1):>18,.0f}")
    if found["textaugment"]:
        from textaugment import EDA

        eda = EDA(random_state=1)
        for name, call in (("synonym_replacement", eda.synonym_replacement), ("random_swap", eda.random_swap)):
            print(f"{'textaugment EDA.' + name:<34}{rate(lambda c=call: [c(s, 3) for s in few], len(few), 1):>18,.0f}")
    for name, there in found.items():
        if not there:
            print(f"{name:<34}{'not installed':>18}")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    corpus = sentences(given.sentences)
    print(f"{len(corpus)} sentences, {sum(len(s.split()) for s in corpus) / len(corpus):.1f} words each")
    ours(corpus, given.rounds)
    peers(corpus)
