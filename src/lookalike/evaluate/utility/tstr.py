"""Does a model trained on synthetic rows work on real ones? Train synthetic, test real, against train real, test real."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result, shortened
from lookalike.evaluate.utility import learning
from lookalike.evaluate.utility.learning import Labels, PredictionTask
from lookalike.evaluate.views import Views
from lookalike.learners.boosting import Vector

SEEDS = 5


class Tstr(Metric):
    """Score of boosted trees trained on synthetic rows and tested on real ones: AUC, macro AUC, or R² of a regression.

    The ceiling is the same model trained on as many real rows (TRTR), the floor on independent columns. Every seed draws its
    training rows anew, the same for both sides; the interval is over seeds. Without a holdout the test rows are real rows that the
    generator has seen: the number is then flattering, and says so.

    Source:
        Esteban, Hyland and Rätsch 2017, "Real-valued (medical) time series generation with recurrent conditional GANs".
    """

    kind: ClassVar[str] = "tstr"
    dimension = "utility"
    reads: ClassVar[tuple[str, ...]] = ("number", "time", "category", "text")
    needs_target: ClassVar[bool] = True
    cost: ClassVar[float] = 2.5
    seeds: int = SEEDS

    def compute(self, views: Views) -> list[Result]:
        """TSTR, its ratio to TRTR, recall by class, and calibration."""
        job = learning.task(views)
        own: list[float] = []
        real: list[float] = []
        last: dict[str, Vector] = {}
        for seed in range(self.seeds):
            draw = views.random("tstr", seed)
            for part, scores in ((job.synthetic, own), (job.real, real)):
                predicted = learning.fit(learning.bootstrap(part, draw), job.classes)(job.test[0])
                scores.append(learning.score(predicted, job.test[1], job.classes))
                last["synthetic" if part is job.synthetic else "real"] = predicted
        floor = learning.score(learning.fit(job.independent, job.classes)(job.test[0]), job.test[1], job.classes)
        return self._results(job, own, real, floor, last)

    def _results(
        self, job: PredictionTask, own: list[float], real: list[float], floor: float, last: dict[str, Vector]
    ) -> list[Result]:
        value, ceiling = float(np.mean(own)), float(np.mean(real))
        bounds = learning.interval(own) if len(own) > 1 else None
        warning = "" if not job.seen else " Test rows are not from a holdout: the generator has seen them."
        reading = f"{job.score_name} {value:.3f} trained on synthetic rows, {ceiling:.3f} on as many real rows.{warning}"
        span = (0.0, 1.0) if job.classes else (-1.0, 1.0)
        detail: dict[str, Any] = {
            "score": job.score_name, "synthetic": own, "real": real, "test_rows": len(job.test[1]), "reading": reading, "seen": job.seen,
        }  # fmt: skip
        out = [self.result(value, interval=bounds, ceiling=ceiling, floor=floor, range=span, detail=detail)]
        ratios = [a / b for a, b in zip(own, real, strict=True) if b > 0]
        if ratios:
            within = learning.interval(ratios) if len(ratios) > 1 else None
            out.append(self.result(float(np.mean(ratios)), "ratio", interval=within, range=(0.0, 2.0), ceiling=1.0))
        else:
            out += self.skip("models trained on real rows do not predict this target either", "ratio")
        if job.classes:
            out += [self._recall(job, k, last) for k in range(len(job.classes))]
            out.append(self._calibration(job, last))
        return out

    def _recall(self, job: PredictionTask, k: int, last: dict[str, Vector]) -> Result:
        own = job.test[1] == k
        subject = shortened(job.classes[k], 60)
        if not own.any():
            return self.skip("not among the test rows", f"recall.{subject}", subject=subject)[0]
        value, ceiling = (float((last[w][own].argmax(axis=1) == k).mean()) for w in ("synthetic", "real"))
        return self.result(value, f"recall.{subject}", subject=subject, ceiling=ceiling, detail={"rows": int(own.sum())})

    def _calibration(self, job: PredictionTask, last: dict[str, Vector]) -> Result:
        curves = {which: _curve(p, job.test[1]) for which, p in last.items()}
        value, ceiling = (_calibration_error(curves[w]) for w in ("synthetic", "real"))
        detail = {which: [[round(v, 4) for v in point] for point in curve] for which, curve in curves.items()}
        return self.result(value, "calibration_error", direction="lower", ceiling=ceiling, detail=detail)


def _curve(predicted: Vector, y: Labels, bins: int = 10) -> list[tuple[float, float, float]]:
    """(mean confidence, accuracy, share of rows) in ten bins of confidence."""
    confidence, right = predicted.max(axis=1), predicted.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    out = []
    for k in range(bins):
        at = place == k
        if at.any():
            out.append((float(confidence[at].mean()), float(right[at].mean()), float(at.mean())))
    return out


def _calibration_error(curve: list[tuple[float, float, float]]) -> float:
    """Expected calibration error (Naeini et al. 2015)."""
    return float(sum(share * abs(confidence - accuracy) for confidence, accuracy, share in curve))
