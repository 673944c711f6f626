"""Our attacks beside those of anonymeter, on its own example and with a leak planted in it.

python benchmarks/agreement.py --threads 1

The example's release is a CTGAN's; its train rows are the different rows of Adult that its control
table lacks. In the second release a fifth of the rows are train rows. Both tools attack the same
tables, and link the same two parts of the columns. Their figures agree where their intervals meet.
What anonymeter has finished is not repeated.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from harness import machine
from harness.environments import environment
from harness.places import PEERS, RESULTS, WORK, data_folder
from synthgen.evaluation.privacy.attribute import attribute_inference
from synthgen.evaluation.privacy.linkability import linkability
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.singling_out import singling_out

FOLDER = WORK / "agreement"
SOURCE = (
    "https://raw.githubusercontent.com/statice/anonymeter/"
    "0188bdf5615601e2f31503ae91a2b310af8d917c/notebooks/datasets/"
)
FILES = {
    "adults_control.csv": "e5bf00763e77cf4b0e0f925b600ad129fc306710f33542256c161605080d530c",
    "adults_syn_ctgan.csv": "703d45d3dcac2eed6b4458a79b9025a3b13c7d74016b88d304407d951fb698d3",
}
LEAKED = 0.2
ATTACKS, INFERENCES = 2_000, 1_000
# of the attacks; and of the leak: with one seed the rows attacked would be the rows that leaked
SEED, LEAK_SEED = 0, 1


def main() -> None:
    """Attack each release with both tools, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "anonymeter", help="without ending")
    wanted = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    found: dict[str, Any] = {}
    for name, *tables in releases():
        found[name] = compared(name, *tables, wanted.threads)
        document = {"machine": described, "attacks": ATTACKS, "releases": found}
        wanted.out.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
        wanted.out.with_suffix(".md").write_text(markdown(described, found))
    print(wanted.out.with_suffix(".md").read_text())


def releases() -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Name, train, synthetic and control table of each release."""
    control, synthetic = (pd.read_csv(fetched(name)) for name in FILES)
    folder = data_folder() / "tabular"
    adult = pd.concat([pd.read_csv(folder / f"adult_{part}.csv") for part in ("train", "test")])
    adult.columns = control.columns
    every = pd.concat([adult.drop_duplicates(), control])
    train = every[~every.duplicated(keep=False)].reset_index(drop=True)
    yield "CTGAN", train, synthetic, control
    n = int(LEAKED * len(synthetic))
    mixed = pd.concat([synthetic[n:], train.sample(n, random_state=LEAK_SEED)], ignore_index=True)
    yield "a fifth train rows", train, mixed, control


def fetched(name: str) -> Path:
    """A file of the example, downloaded where it is not there.

    Raises:
        SystemExit: If it is another file.
    """
    path = FOLDER / name
    if not path.exists():
        urllib.request.urlretrieve(SOURCE + name, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != FILES[name]:
        raise SystemExit(f"{path}: not the file of the example (SHA-256 {digest}); delete it")
    return path


def compared(
    name: str, train: pd.DataFrame, synthetic: pd.DataFrame, control: pd.DataFrame, threads: int
) -> dict[str, Any]:
    """Both tools' risks by name, and what they took."""
    stem = FOLDER / name.replace(" ", "-")
    started = time.perf_counter()
    # how many rows are alone with a property depends on how many there are
    among = train.sample(min(len(train), len(control)), random_state=SEED)
    mine, parts = ours(train, among, synthetic, control)
    seconds = time.perf_counter() - started
    job: dict[str, Any] = {
        "parts": parts, "attacks": ATTACKS, "inferences": INFERENCES,
        "threads": threads, "seed": SEED, "record": f"{stem}.json",
    }  # fmt: skip
    tables = {"train": train, "among": among, "synthetic": synthetic, "control": control}
    for role, rows in tables.items():
        job[role] = f"{stem}-{role}.csv"
        rows.to_csv(job[role], index=False)
    record = attacked(Path(f"{stem}-job.json"), job)
    theirs = {
        risk: one | {"agrees": meet(mine[risk]["ci"], one["ci"])}
        for risk, one in record["risks"].items()
    }
    return {
        "ours": mine, "anonymeter": theirs, "parts": parts, "versions": record["versions"],
        "seconds": {"ours": seconds, "anonymeter": record["seconds"]},
    }  # fmt: skip


def attacked(path: Path, job: dict[str, Any]) -> dict[str, Any]:
    """The peer's record of a job; of the same job it is kept."""
    record, text = Path(job["record"]), json.dumps(job, indent=1)
    same = path.exists() and path.read_text() == text and record.exists()
    if not same or record.stat().st_mtime < path.stat().st_mtime:
        path.write_text(text)
        subprocess.run([environment("anonymeter"), PEERS / "anonymeter_peer.py", path], check=True)
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def ours(
    train: pd.DataFrame, among: pd.DataFrame, synthetic: pd.DataFrame, control: pd.DataFrame
) -> tuple[dict[str, dict[str, Any]], list[list[str]]]:
    """Risks by name, and the two parts of the columns that were linked.

    Args:
        train: Train rows.
        among: Those among which people are singled out.
        synthetic, control: The other tables.
    """
    few, people = (People.of(rows, synthetic, control, SEED) for rows in (among, train))
    risks = singling_out(few, ATTACKS) | {"linkability": linkability(people)}
    found = {name: told(risk.to_dict()) for name, risk in risks.items()}
    for column, one in attribute_inference(people).parts["of"].items():
        found[f"attribute_inference: {column}"] = told(one, normalized=False)
    return found, risks["linkability"].parts["columns"]


def told(risk: dict[str, Any], *, normalized: bool = True) -> dict[str, Any]:
    """A risk as anonymeter has it: a share of what could be won, none of it below 0."""
    success, control = (risk["parts"][name] for name in ("success", "control"))
    room = 1.0 if normalized else max(1.0 - control, 1e-9)
    value, *ci = (min(max(0.0, x / room), 1.0) for x in (risk["value"], *risk["ci"]))
    return {"value": value, "ci": ci, "n": risk["n"], "success": success, "control": control}


def meet(one: list[float], other: list[float]) -> bool:
    """Whether two intervals have a point in common."""
    return max(one[0], other[0]) <= min(one[1], other[1])


def markdown(described: dict[str, Any], found: dict[str, Any]) -> str:
    """A table for each release."""
    lines = [
        "# Agreement with anonymeter\n",
        machine.line(described),
        f"Risks with 95 % intervals, 0 nothing leaked and 1 all; {ATTACKS:,} attacks of anonymeter "
        f"({INFERENCES:,} on each column), of ours as many or more. Both link the same two parts "
        "of the columns, and single out among as many train rows as control rows. Success: share "
        "of attacks on train rows that succeed; control: on others.",
    ]
    for name, one in found.items():
        versions = ", ".join(f"{package} {number}" for package, number in one["versions"].items())
        agree = [row["agrees"] for row in one["anonymeter"].values()]
        lines += [
            f"\n## {name}\n",
            f"Intervals meet in {sum(agree)} of {len(agree)}. Seconds: ours "
            f"{one['seconds']['ours']:.0f}, anonymeter {one['seconds']['anonymeter']:.0f} "
            f"({versions}).\n",
            "| risk | ours | interval | success, control | anonymeter | interval "
            "| success, control | meet |\n|---|--:|--:|--:|--:|--:|--:|---|",
        ]
        for risk, theirs in one["anonymeter"].items():
            cells = " | ".join(figures(row) for row in (one["ours"][risk], theirs))
            lines.append(f"| {risk} | {cells} | {'yes' if theirs['agrees'] else '**no**'} |")
    return "\n".join(lines) + "\n"


def figures(row: dict[str, Any]) -> str:
    """Value, interval and the two rates of one risk, as cells."""
    low, high = row["ci"]
    rates = f"{row['success']:.4f}, {row['control']:.4f}"
    return f"{row['value']:.4f} | {low:.4f} to {high:.4f} | {rates}"


if __name__ == "__main__":
    main()
