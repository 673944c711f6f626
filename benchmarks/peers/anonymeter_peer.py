"""The three risks of a release by `anonymeter`; run inside its own environment.

The job is one JSON object: `train`, `among` (train rows among which people are singled out),
`synthetic` and `control` (CSV paths), `parts` (two lists of columns that an attacker links),
`attacks`, `inferences` (attacks per column), `threads`, `seed`, and `record` (JSON path to write,
last).
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator
from measured import measured

COLUMNS = 4


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    np.random.seed(job["seed"])  # for what takes no seed
    tables = [pd.read_csv(job[role]) for role in ("train", "among", "synthetic", "control")]
    found, took = measured(lambda: risks(tables, job))
    record = {
        "versions": {name: version(name) for name in ("anonymeter", "numpy", "pandas")},
        "seconds": took.wall_s,
        "risks": found,
    }
    Path(job["record"]).write_text(json.dumps(record, indent=1))


def risks(tables, job):
    """Each risk's name -> value, interval, success of the attack and of the control."""
    train, among, synthetic, control = tables
    given = {"ori": train, "syn": synthetic, "control": control}
    found = {}
    for mode, more in (("univariate", {}), ("multivariate", {"n_cols": COLUMNS})):
        one = SinglingOutEvaluator(
            **given | {"ori": among}, n_attacks=job["attacks"], seed=job["seed"], **more
        )
        one.evaluate(mode=mode)
        found[f"singling_out_{mode}"] = told(one)
    one = LinkabilityEvaluator(
        **given, n_attacks=job["attacks"], aux_cols=tuple(job["parts"]), n_neighbors=1
    )
    one.evaluate(n_jobs=job["threads"])
    found["linkability"] = told(one)
    for secret in train.columns:
        known = [name for name in train.columns if name != secret]
        one = InferenceEvaluator(
            **given,
            n_attacks=job["inferences"],
            aux_cols=known,
            secret=secret,
            regression=pd.api.types.is_numeric_dtype(train[secret]),  # right within 5 %
        )
        one.evaluate(n_jobs=job["threads"])
        found[f"attribute_inference: {secret}"] = told(one)
    return found


def told(evaluator):
    results = evaluator.results(confidence_level=0.95)
    risk = results.risk()
    return {
        "value": risk.value,
        "ci": list(risk.ci),
        "n": results.n_attacks_ori,
        "success": results.attack_rate.value,
        "control": results.control_rate.value,
    }


if __name__ == "__main__":
    main()
