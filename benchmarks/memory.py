"""Peak memory of fitting one million rows with one column of 50,000 categories.

python benchmarks/memory.py [--rows 1000000] [--categories 50000] [--time-limit-s 60]

The fit runs in a process of its own, so the peak is that of making the table, fitting it and
sampling from it. Exit code 1 when it is not below the limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from harness.peak import finish

LIMIT_MB = 4096


def main() -> None:
    """Start the process that fits, read its peak, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--categories", type=int, default=50_000)
    parser.add_argument("--time-limit-s", type=float, default=60)
    parser.add_argument("--model", default="ctgan")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.child:
        print(json.dumps(measure(wanted)))
        return
    done = subprocess.run([sys.executable, *sys.argv, "--child"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(
            f"the fit ended with {done.returncode} (a negative one is the signal that ended it)"
        )
    found = json.loads(done.stdout.splitlines()[-1])
    finish("memory", LIMIT_MB, found)


def measure(wanted: argparse.Namespace) -> dict[str, float]:
    """Fit and sample in this process; seconds and peak memory."""
    from synthgen import SynthGen

    table = made_up(wanted.rows, wanted.categories)
    made_mb = peak_mb()
    started = time.perf_counter()
    model = SynthGen(model=wanted.model, seed=0, time_limit_s=wanted.time_limit_s, progress=False)
    fitted = model.fit(table)
    fit_s = time.perf_counter() - started
    sampled = fitted.sample(1000)
    return {
        "rows": wanted.rows,
        "columns": table.shape[1],
        "categories": int(table["code"].nunique()),
        "time_limit_s": wanted.time_limit_s,
        "fit_s": fit_s,
        "table_mb": made_mb,
        "peak_mb": peak_mb(),
        "sampled_categories": int(sampled["code"].nunique()),
    }


def peak_mb() -> float:
    """Highest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def made_up(rows: int, categories: int) -> pd.DataFrame:
    """A mixed table; the categories' frequencies fall off as Zipf's, each at least ten rows."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, categories + 1)
    floor = min(10, rows // categories)
    counts = floor + rng.multinomial(rows - floor * categories, share / share.sum())
    columns: dict[str, object] = {"code": rng.permutation(np.repeat(np.arange(categories), counts))}
    columns["code"] = pd.Series(columns["code"]).map("item-{:05d}".format)
    for i in range(5):
        columns[f"number_{i}"] = rng.normal(size=rows).round(3) * (i + 1)
    for i in range(3):
        columns[f"count_{i}"] = rng.poisson(3 + i, rows)
    for i in range(4):
        columns[f"group_{i}"] = rng.choice([f"level {k}" for k in range(5 + i)], rows)
    columns["flag"] = rng.random(rows) < 0.2
    columns["day"] = np.datetime64("2020-01-01") + rng.integers(0, 1500, rows).astype("m8[D]")
    return pd.DataFrame(columns)


if __name__ == "__main__":
    main()
