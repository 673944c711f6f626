"""Encoding of numeric columns: time and held-out likelihood, ours and RDT's.

python benchmarks/encoding.py [--tables adult beijing california taxis]

Both fit on 80 % of the rows and encode them. The likelihood is that of the other 20 %: the mean log
probability of a cell's interval [x - u/2, x + u/2], u being the column's decimal unit, floored at
1e-12. Intervals put repeated values (atoms) and narrow modes on the same footing as densities.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from harness import machine
from harness.data import TABLES, load
from harness.places import PEERS, RESULTS, WORK
from harness.runs import environment
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import TableEncoder
from synthgen.schema import Column, Schema
from synthgen.seeds import Streams

MEASURED = ["adult", "beijing", "california", "taxis"]
FOLDER = WORK / "encoding"
FLOOR = 1e-12
SEED = 0


@dataclass(frozen=True)
class Numbers:
    """Numeric columns of one table: rows to fit on, rows held out, decimal unit of each column."""

    fit: pd.DataFrame
    held_out: pd.DataFrame
    decimals: dict[str, int]

    def unit(self, name: str) -> float:
        """The last decimal place of a column."""
        return float(10.0 ** -self.decimals[name])


def main() -> None:
    """Measure both, print and write the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=MEASURED, choices=TABLES)
    parser.add_argument("--out", type=Path, default=RESULTS / "encoding", help="without an ending")
    wanted = parser.parse_args()
    tables = {}
    for name in wanted.tables:
        numbers = numeric_part(load(name).train)
        tables[name] = {"rows": len(numbers.fit), "ours": ours(numbers), "rdt": peer(name, numbers)}
    described = machine.describe()
    text = markdown(described, tables)
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": described, "tables": tables}
    wanted.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    wanted.out.with_suffix(".md").write_text(text)
    print(text)


def numeric_part(table: pd.DataFrame) -> Numbers:
    """Numbers and times (as seconds) of the rows that lack none, split 80 to 20."""
    seconds = {
        name: table[name].astype("datetime64[s]").astype("int64")
        for name in table.select_dtypes("datetime")
    }
    rows = table.assign(**seconds).select_dtypes("number").dropna().reset_index(drop=True)
    order = np.random.default_rng(SEED).permutation(len(rows))
    cut = len(rows) * 4 // 5
    decimals = {str(name): decimals_of(rows[name]) for name in rows.columns}
    return Numbers(
        rows.iloc[order[:cut]].reset_index(drop=True),
        rows.iloc[order[cut:]].reset_index(drop=True),
        decimals,
    )


def decimals_of(column: pd.Series) -> int:
    """Fewest decimal places that write every value of the column, six for computed numbers."""
    values = column.to_numpy(float)
    exact = (d for d in range(6) if np.allclose(np.round(values, d), values, rtol=0, atol=1e-9))
    return next(exact, 6)


def ours(numbers: Numbers) -> dict[str, Any]:
    """Seconds for all columns, and the likelihood of each."""
    columns = [
        Column(name=name, kind="float", dtype="float64", decimals=d)
        if numbers.fit[name].dtype.kind == "f"
        else Column(name=name, kind="integer", dtype=str(numbers.fit[name].dtype))
        for name, d in numbers.decimals.items()
    ]
    started, cpu = time.perf_counter(), time.process_time()
    encoder = TableEncoder.fit(numbers.fit, Schema(columns=tuple(columns)))
    fitted = time.perf_counter()
    encoder.encode(numbers.fit, Streams.of(SEED))
    ended, cpu_s = time.perf_counter(), time.process_time() - cpu
    likelihood = {
        str(c.column.name): log_likelihood(c, numbers.held_out, numbers.unit(str(c.column.name)))
        for c in encoder.columns
        if isinstance(c, NumericEncoder)
    }
    return {
        "fit_s": fitted - started,
        "encode_s": ended - fitted,
        "cpu_s": cpu_s,
        "log_likelihood": likelihood,
    }


def log_likelihood(encoder: NumericEncoder, held_out: pd.DataFrame, unit: float) -> float:
    """Mean log probability of the held-out cells' intervals."""
    x = held_out[encoder.column.name].to_numpy(float) - encoder.origin
    n_atoms, modes = len(encoder.atoms), encoder.modes
    at = np.abs(x[:, None] - encoder.atoms) <= unit / 2
    low, high = ((x[:, None] + half - modes.mean) / modes.std for half in (-unit / 2, unit / 2))
    # On the side of the lower tail, where no digits cancel.
    upper = low > 0
    low, high = np.where(upper, -high, low), np.where(upper, -low, high)
    mass = at @ encoder.share[:n_atoms] + (ndtr(high) - ndtr(low)) @ encoder.share[n_atoms:]
    return float(np.log(np.maximum(mass, FLOOR)).mean())


def peer(table: str, numbers: Numbers) -> dict[str, Any]:
    """The same of RDT, in its own environment."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    job: dict[str, Any] = {"seed": SEED, "record": str(FOLDER / f"{table}.json"), "units": {}}
    for part, rows in (("columns", numbers.fit), ("held_out", numbers.held_out)):
        job[part] = {name: str(FOLDER / f"{table}-{part}-{name}.csv") for name in numbers.decimals}
        for name, path in job[part].items():
            rows[name].to_csv(path, index=False, header=False)
    job["units"] = {name: numbers.unit(name) for name in numbers.decimals}
    path = FOLDER / f"{table}-job.json"
    path.write_text(json.dumps(job, indent=1))
    subprocess.run([environment("ctgan"), PEERS / "rdt_peer.py", path], check=True)
    found = json.loads(Path(job["record"]).read_text())["columns"]
    return {
        **{s: sum(c[s] for c in found.values()) for s in ("fit_s", "encode_s", "cpu_s")},
        "log_likelihood": {name: c["log_likelihood"] for name, c in found.items()},
    }


def markdown(described: dict[str, Any], tables: dict[str, Any]) -> str:
    """Times of each table, then the likelihood of each column."""
    lines = [
        "# Encoding\n",
        f"{described['processor']}, {described['cores']} cores; commit {described['commit']}. "
        "Seconds to fit and encode all numeric columns.\n",
        "| table | rows | columns | ours s | RDT s | times faster | ours CPU s | RDT CPU s "
        "| times less |\n|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in tables.items():
        row = f"| {name} | {found['rows']:,} | {len(found['ours']['log_likelihood'])} |"
        wall = [found[who]["fit_s"] + found[who]["encode_s"] for who in ("ours", "rdt")]
        for mine, theirs in (wall, [found[who]["cpu_s"] for who in ("ours", "rdt")]):
            row += f" {mine:.3f} | {theirs:.2f} | {theirs / mine:.0f} |"
        lines.append(row)
    lines.append(
        "\nHeld-out log probability of a cell's interval, higher is better.\n\n"
        "| table | column | ours | RDT | difference |\n|---|---|---|---|---|"
    )
    for name, found in tables.items():
        for column, value in found["ours"]["log_likelihood"].items():
            other = found["rdt"]["log_likelihood"][column]
            lines.append(
                f"| {name} | {column} | {value:.3f} | {other:.3f} | {value - other:+.3f} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
