"""One peer on one table, in the peer's own environment: `python fit_peer.py SYSTEM TRAIN.parquet MADE.parquet`.

Prints one line of JSON with the seconds of fit and sample. Systems: sdv-gc, sdv-ctgan, sdv-tvae (SDV 2), argn (mostlyai-engine), arf (arfpy).
Peers run on their defaults; give them OMP_NUM_THREADS=1 on a busy machine, where spinning threads cost them ten times as much.
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd


def sdv(name: str, table: pd.DataFrame):
    import sdv.single_table as models
    from sdv.metadata import Metadata

    kinds = {c: {"sdtype": "numerical" if pd.api.types.is_numeric_dtype(table[c]) else "categorical"} for c in table.columns}
    metadata = Metadata.load_from_dict({"tables": {"t": {"columns": kinds}}, "METADATA_SPEC_VERSION": "V1"})
    model = getattr(models, name)(metadata)
    model.fit({"t": table})
    return lambda n: model.sample(num_rows=n)["t"]


def argn(table: pd.DataFrame):
    from mostlyai.engine import TabularARGN

    model = TabularARGN(random_state=0, device="cpu")
    model.fit(table)
    return lambda n: model.sample(n_samples=n)


def arf(table: pd.DataFrame):
    import arfpy.arf

    numeric = [c for c in table.columns if pd.api.types.is_numeric_dtype(table[c])]
    typed = table.astype({c: "float64" if c in numeric else "category" for c in table.columns})
    model = arfpy.arf.arf(x=typed, num_trees=30, min_node_size=5, verbose=False)
    model.forde()
    return lambda n: model.forge(n=n)


SYSTEMS = {
    "sdv-gc": lambda t: sdv("GaussianCopulaSynthesizer", t),
    "sdv-ctgan": lambda t: sdv("CTGANSynthesizer", t),
    "sdv-tvae": lambda t: sdv("TVAESynthesizer", t),
    "argn": argn,
    "arf": arf,
}

if __name__ == "__main__":
    system, source, target = sys.argv[1:4]
    real = pd.read_parquet(source)
    c0, w0 = time.process_time(), time.perf_counter()
    sample = SYSTEMS[system](real)
    c1, w1 = time.process_time(), time.perf_counter()
    made = sample(len(real))
    c2, w2 = time.process_time(), time.perf_counter()
    made[list(real.columns)].to_parquet(target)
    print(json.dumps({"fit_cpu": c1 - c0, "fit_wall": w1 - w0, "sample_cpu": c2 - c1, "sample_wall": w2 - w1}))
