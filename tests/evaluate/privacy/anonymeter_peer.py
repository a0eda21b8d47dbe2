"""Run anonymeter in an environment of its own, which its old numpy needs; the tests read what it prints.

    python tests/evaluate/privacy/anonymeter_peer.py --make        # .venv/peers/anonymeter, once
    <that python> anonymeter_peer.py original.parquet release.parquet control.parquet    # risks as JSON

Not imported by the tests: only the second form needs anonymeter, and it needs nothing of Lookalike.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

PIN = "anonymeter==1.1.0"
SIDES = (["age", "job", "hours", "pay"], ["town", "sex", "married", "children"])
SECRETS = {"job": False, "pay": True, "married": False}


def interpreter() -> Path:
    """Where the environment's Python is, or would be: `$LOOKALIKE_ANONYMETER`, or .venv/peers/anonymeter in the repository."""
    named = os.environ.get("LOOKALIKE_ANONYMETER")
    folder = Path(named) if named else Path(__file__).parents[3] / ".venv" / "peers" / "anonymeter"
    return folder / "bin" / "python"


def make() -> None:
    """Create the environment with the interpreter that runs this."""
    folder = interpreter().parents[1]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(interpreter()), "-m", "pip", "install", "--quiet", PIN], check=True)


def risks(paths: list[str]) -> dict[str, list[float]]:
    """Intervals of the residual risks, by attack."""
    warnings.simplefilter("ignore")
    import pandas as pd
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

    ori, syn, control = (pd.read_parquet(path) for path in paths)
    out = {}
    for mode in ("univariate", "multivariate"):
        attack = SinglingOutEvaluator(ori=ori, syn=syn, control=control, n_attacks=1000, n_cols=4, seed=0)
        attack.evaluate(mode=mode)
        out[mode] = list(map(float, attack.risk().ci))
    link = LinkabilityEvaluator(ori=ori, syn=syn, control=control, n_attacks=1500, aux_cols=SIDES, n_neighbors=10)
    link.evaluate(n_jobs=1)
    out["linkability"] = list(map(float, link.risk().ci))
    for secret, number in SECRETS.items():
        known = [c for c in ori.columns if c != secret]
        guess = InferenceEvaluator(
            ori=ori, syn=syn, control=control, aux_cols=known, secret=secret, n_attacks=1500, regression=number
        )
        guess.evaluate(n_jobs=1)
        out[secret] = list(map(float, guess.risk().ci))
    return out


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make()
    else:
        sys.stdout.write(json.dumps(risks(sys.argv[1:])))
