"""Every code block of README and docs runs, and every link leads somewhere."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]*)?\)")
EXECUTED = ("python", "sh")
# Installation, and what has tests of its own that take as long as it does.
NOT_RUN = ("make demo", "synthgen --install-completion")
ROWS, BUNDLED_ROWS, STEPS = 1000, 300, 3

# Fits end after a few steps, and of the tables that come with the package a few rows are read: what
# is tested is that the code runs, not what comes out.
PRELUDE = f"""
import shlex, sys
import pandas
from synthgen import MolGen, SynthGen
for model in (MolGen, SynthGen):
    model.__init__.__kwdefaults__["max_steps"] = {STEPS}
whole = pandas.read_csv
def read_csv(source, **options):
    few = dict(nrows={BUNDLED_ROWS}) if str(source).endswith(".csv.gz") else {{}}
    return whole(source, **few, **options)
pandas.read_csv = read_csv
def command(line):
    from synthgen.cli.app import app
    line, _, allowed = line.partition(" || test $? = ")
    words = shlex.split(line, comments=True)
    assert words[0] == "synthgen", line
    code = 0
    try:
        app(words[1:], prog_name="synthgen")
    except SystemExit as ended:
        code = ended.code
    assert code in (None, 0, int(allowed or 0)), (line, code)
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of each fenced block."""
    return FENCE.findall(page.read_text(encoding="utf-8"))


def script(page: Path) -> str:
    """The page's blocks in order, as one program."""
    parts = [PRELUDE]
    for language, text in blocks(page):
        if language == "python":
            parts.append(text.replace("SynthGen(max_steps=200", f"SynthGen(max_steps={STEPS}"))
        elif language == "sh":
            lines = [line for line in text.splitlines() if line.strip() and line not in NOT_RUN]
            parts += [f"command({line!r})" for line in lines]
    return "\n".join(parts)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(b[0] in EXECUTED for b in blocks(p))], ids=name
)
def test_blocks_run(page: Path, tmp_path: Path) -> None:
    with gzip.open(ROOT / "synthgen/data/adult_train.csv.gz", "rt") as source:
        lines = list(islice(source, ROWS + 1))
    (tmp_path / "adult.csv").write_text("".join(lines))
    # an empty first cell is a missing age
    gaps = [lines[0], *("," + line.partition(",")[2] for line in lines[1:20])]
    (tmp_path / "gaps.csv").write_text("".join(gaps))
    molecules = (ROOT / "tests/data/qm9.csv").read_text().splitlines(keepends=True)
    (tmp_path / "molecules.csv").write_text("".join(molecules[:1] + molecules[1::5]))
    chains = ["GAKLIE"[k % 6 :] * (3 + k % 4) for k in range(60)]
    labelled = [f"{text},{k % 2}\n" for k, text in enumerate(chains)]
    (tmp_path / "peptides.csv").write_text("sequence,is_amp\n" + "".join(labelled))
    (tmp_path / "peptides.fasta").write_text("".join(f">{text}\n{text}\n" for text in chains))
    (tmp_path / "page.py").write_text(script(page))
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
    environment = os.environ | {"SYNTHGEN_MAX_STEPS": str(STEPS), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_have_a_known_language(page: Path) -> None:
    for language, text in blocks(page):
        assert language in (*EXECUTED, "json"), f"{name(page)}: {language!r}: {text[:40]}"
        if language == "json":
            json.loads(text)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "benchmarks/README.md", ROOT / "CONTRIBUTING.md"], ids=name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{name(page)}: no {target}"
        assert not anchor or anchor in anchors(file), f"{name(page)}: no {anchor} in {target}"
