"""Fuzz: does a mutated model, schema or policy file crash, hang or take memory?

python benchmarks/fuzz.py --n 10000

Each file is handed to what a user would hand it to: a model is inspected, loaded and sampled from,
a schema and a policy are read. Right is that it works, or that an error says what is wrong. Wrong
is any other exception, more than 20 seconds, more than 3 GiB beyond what the process had, or the
end of the process. A file is its number: the same number is the same file again.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import machine
from harness.mutation import mutated_model, mutated_text
from harness.places import RESULTS, WORK
from synthgen import MolGen, Schema, SynthGen
from synthgen.cli.inspect import run as inspect
from synthgen.errors import SynthGenError
from synthgen.reports.policy import load as load_policy
from synthgen.reports.policy import shipped
from synthgen.seeds import Streams

FOLDER = WORK / "fuzz"
_SECONDS, _MEMORY, _CHUNK = 20, 3 << 30, 500
_MOLECULES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCCl", "C1CCCC1", "CC#N", "N[C@@H](C)C(=O)O"]


def main() -> None:
    """Fuzz in processes of their own; write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--only", type=int, nargs="*", help="these files, with the whole traceback")
    parser.add_argument("--out", type=Path, default=RESULTS / "fuzz", help="without ending")
    parser.add_argument("--range", type=int, nargs=2, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    sources = made(FOLDER)
    if wanted.range or wanted.only:
        for number in wanted.only or range(*wanted.range):
            print(json.dumps(tried(number, sources, bool(wanted.only))), flush=True)
        return
    found: list[dict[str, Any]] = []
    while len(found) < wanted.n:
        found += chunk(len(found), min(len(found) + _CHUNK, wanted.n))
        write(wanted.out, found)
        print(f"{len(found):,} files, {len(wrong(found))} wrong", flush=True)
    print(wanted.out.with_suffix(".md").read_text())
    sys.exit(bool(wrong(found)))


def made(folder: Path) -> dict[str, Path]:
    """One small model of each kind, a schema, and the policies."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(Path(__file__).parents[1] / "synthgen/data/adult_train.csv.gz", nrows=1500)
    schema = Schema.infer(rows)
    fits: dict[str, Callable[[], Any]] = {
        "argan": lambda: SynthGen(seed=0, max_steps=20, progress=False).fit(rows),
        "ctgan": lambda: SynthGen("ctgan", seed=0, max_steps=5, progress=False).fit(rows),
        "dp-ar": lambda: SynthGen(seed=0, max_steps=5, epsilon=1.0, delta=1e-5, progress=False).fit(
            rows, schema=schema
        ),
        "graphgan": lambda: MolGen(seed=0, max_steps=5, progress=False).fit(_MOLECULES * 4),
        "molgan": lambda: MolGen("molgan", seed=0, max_steps=5, progress=False).fit(_MOLECULES * 4),
    }
    found = {name: folder / f"{name}.synthgen" for name in fits}
    for name, fit in fits.items():
        if not found[name].exists():
            fit().save(found[name])
    found["schema"] = folder / "schema.json"
    schema.save(found["schema"])
    for name in shipped():
        found[f"policy {name}"] = folder / f"{name}.toml"
        found[f"policy {name}"].write_text(load_policy(name)[1])
    return found


def chunk(start: int, stop: int) -> list[dict[str, Any]]:
    """Files of these numbers in a process of their own; the one that ends it is wrong."""
    found: list[dict[str, Any]] = []
    while start < stop:
        ran = subprocess.run(
            [sys.executable, __file__, "--range", str(start), str(stop)],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        found += lines
        start += len(lines)
        if start < stop:
            told = ran.stderr.strip().splitlines()[-1:] or [""]
            found.append(
                {"file": start, "kind": "?", "outcome": f"wrong: process ended {ran.returncode}",
                 "told": told[0][:200]}
            )  # fmt: skip
            start += 1
    return found


def tried(number: int, sources: dict[str, Path], whole: bool = False) -> dict[str, Any]:
    """Mutate a file and hand it in."""
    rng = np.random.default_rng(number)
    # model files are the largest surface
    kind = list(sources)[int(rng.integers(len(sources)))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / sources[kind].name
        if path.suffix == ".synthgen":
            changed = mutated_model(sources[kind], path, rng)
        else:
            changed = "text"
            path.write_bytes(mutated_text(sources[kind].read_text(), rng))
        outcome, told = judged(lambda: used(kind, path), whole)
    return {"file": number, "kind": kind, "changed": changed, "outcome": outcome, "told": told}


def judged(use: Callable[[], None], whole: bool = False) -> tuple[str, str]:
    """ "works", "refused" or "wrong: ...", and what was said."""
    with open("/proc/self/statm") as status:
        held = int(status.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + _MEMORY, hard))
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(_SECONDS)
    try:
        with redirect_stdout(StringIO()):
            use()
        return "works", ""
    except SynthGenError as error:
        lines = str(error).splitlines()
        return ("refused" if len(lines) == 1 else "wrong: several lines"), str(error)[:200]
    except (Exception, SystemExit) as error:
        if whole:
            traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in where if "/synthgen/" in frame.filename][-1:] or where[-1:]
        place = f"{Path(ours[0].filename).name}:{ours[0].lineno}" if ours else ""
        return f"wrong: {type(error).__name__}", f"{place} {error}"[:200]
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _late(*_: object) -> None:
    raise TimeoutError(f"more than {_SECONDS} seconds")


def used(kind: str, path: Path) -> None:
    """Do with a file of a kind what a user would."""
    if kind == "schema":
        Schema.load(path)
    elif kind.startswith("policy"):
        load_policy(str(path))
    else:
        inspect(str(path), quiet=True)
        if kind == "graphgan":
            MolGen.load(path).sample(5, seed=0)
        elif kind == "molgan":
            # after five steps no draw is valid
            MolGen.load(path).generator_.raw(5, Streams(0))
        else:
            SynthGen.load(path).sample(20, seed=0)


def wrong(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that neither work nor are refused."""
    return [one for one in found if one["outcome"].startswith("wrong")]


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "files": len(found), "wrong": wrong(found)}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    counts = Counter((one["kind"], one["outcome"].partition(":")[0]) for one in found)
    lines = ["# Fuzz\n", machine.line(described), _LEGEND, "| | files | work | refused | wrong |"]
    lines.append("|---|--:|--:|--:|--:|")
    for kind in sorted({one["kind"] for one in found}):
        each = [counts[kind, outcome] for outcome in ("works", "refused", "wrong")]
        lines.append(f"| {kind} | {sum(each):,} | " + " | ".join(f"{n:,}" for n in each) + " |")
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


_LEGEND = """Mutated files: bytes flipped, cut out and put in; documents with parts exchanged,
left out and buried; arrays of other shapes, types and values, with the hashes made anew. A model is
inspected, loaded and sampled from; a schema and a policy are read. Wrong is any exception but an
error of one line that says what is wrong, 20 seconds, 3 GiB, or the end of the process.
"""


if __name__ == "__main__":
    main()
