"""``synthgen gate``: may this table leave the house? A verdict, and the evidence for it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli.judging import SYNTHETIC, fitted_on
from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Json, Quiet, Seed, option
from synthgen.cli.privacy import Case, Holdout, ModelFile, attacked, opened
from synthgen.digests import sha256
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    from synthgen.reports.gate import Gate
    from synthgen.reports.policy import Policy
    from synthgen.reports.privacy import PrivacyReport

EXAMPLES = """
[bold]Examples[/bold]

  synthgen gate adult.csv synthetic.csv --holdout test.csv --policy partner-sharing -o evidence

  synthgen gate adult.csv synthetic.csv --holdout test.csv --policy open-release --model m.synthgen

  synthgen gate --verify evidence/evidence.zip --digest 5f2c...
"""
NOT_HELD = 3
# the pack, and what of it lies beside it to be read
_PACK, _READ = "evidence.zip", ("internal.html", "publishable.html", "model-card.md")


def run(
    train: Annotated[str | None, fitted_on("TRAIN")] = None,
    synthetic: Annotated[str | None, SYNTHETIC] = None,
    holdout: Holdout = None,
    policy: Annotated[
        str | None,
        option(
            "--policy", metavar="POLICY", show_default=False,
            help="open-release, partner-sharing, internal-test-data, or a TOML file.",
        ),
    ] = None,
    model: ModelFile = None,
    quality: Annotated[
        str | None,
        option(
            "--quality", metavar="FILE", show_default=False,
            help="JSON report of [bold]synthgen quality[/bold], to go into the evidence.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False,
            help="Folder for the evidence pack; without it SYNTHETIC-evidence, or release-evidence "
            "where SYNTHETIC is no file.",
        ),
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify", metavar="PACK", show_default=False,
            help="Check an evidence pack instead: is it as it was written?",
        ),
    ] = None,
    digest: Annotated[
        str | None,
        typer.Option(
            "--digest", metavar="HEX", show_default=False,
            help="With --verify: the digest that gate printed when it wrote the pack.",
        ),
    ] = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Judge whether SYNTHETIC may be released under a policy; exit code 3 if not.

    Attacks it as [bold]privacy[/bold] does, holds every upper bound against the policy's limit,
    and, with --model, checks the claim of its ledger: the rows must be what the model gives for
    their record, byte for byte. Writes the evidence: internal and publishable report, model card,
    Croissant metadata, in a zip whose digest it prints.
    """
    from synthgen.connectors import without_secret
    from synthgen.reports.gate import gate
    from synthgen.reports.policy import load

    notes = Notes(quiet)
    if verify is not None:
        _verify(verify, digest, as_json, notes)
        return
    if train is None or synthetic is None or policy is None:
        lacking = "TRAIN" if train is None else "SYNTHETIC" if synthetic is None else "--policy"
        raise typer.BadParameter(f"{lacking} is missing (or give --verify PACK)")
    rules, text = load(policy)  # refused before minutes of work
    figures = None if quality is None else _json(quality)
    case = opened(train, synthetic, holdout, model)
    found = gate(
        _report(case, rules, seed, notes), rules, text,
        inputs={
            role: bytes.fromhex(sha256(path))
            for role, path in case.paths.items()
            if path and os.path.isfile(path)
        },
        command=shlex.join(["synthgen", *map(without_secret, sys.argv[1:])]),
        quality=figures,
    )  # fmt: skip
    written = _write(found, Path(output or f"{_stem(synthetic)}-evidence"), case)
    if as_json:
        print_json({"passed": found.passed, "checks": found.checks, **written})
    else:
        _show(found, written)
    if not found.passed:
        raise typer.Exit(NOT_HELD)


def _report(case: Case, rules: Policy, seed: int | None, notes: Notes) -> PrivacyReport:
    """What the attacks found, and whether the rows are those of the model that makes the claim."""
    from synthgen.cli.reproduce import check_lineage

    report = attacked(
        case, notes, seed=seed,
        quasi_identifiers=rules.quasi_identifiers, sensitive=rules.sensitive,
    )  # fmt: skip
    if case.synth is not None:
        notes.say("sampling the model again", "dim")
        synthetic, model = str(case.paths["synthetic"]), str(case.paths["model"])
        check_lineage(report, synthetic, model, case.synth)
    return report


def _write(found: Gate, folder: Path, case: Case) -> dict[str, str]:
    """The pack, and beside it what is to be read; their paths and the pack's digest."""
    from synthgen.atomic import replacing
    from synthgen.reports.pack import write

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"-o {folder}: cannot make the folder: {error.strerror}") from None
    documents = found.documents(case.synthetic, *_released(case))
    digest = write(folder / _PACK, found.pack(documents))
    for name in _READ:
        with replacing(folder / name) as handle:
            handle.write(documents[name].encode("utf-8"))
    return {"pack": str(folder / _PACK), "digest": digest}


def _released(case: Case) -> tuple[str, str]:
    """Name and SHA-256 of the release; of rows that are no file, as the CSV that they would be."""
    path = str(case.paths["synthetic"])
    if os.path.isfile(path):
        return os.path.basename(path), sha256(path)
    rows = case.synthetic.to_csv(index=False).encode("utf-8")
    return f"{_stem(path)}.csv", hashlib.sha256(rows).hexdigest()


def _verify(pack: str, digest: str | None, as_json: bool, notes: Notes) -> None:
    from rich.text import Text

    from synthgen.reports.pack import problems

    found = problems(pack, digest)
    if as_json:
        print_json({"pack": pack, "intact": not found, "problems": found})
    else:
        for problem in found:
            stdout().print(Text(f"{pack}: {problem}", style="red"), soft_wrap=True)
        if not found:
            text = f"{pack}: intact" + ("" if digest else ", by the hashes that are in it")
            stdout().print(Text(text, style="green"), soft_wrap=True)
    if digest is None:
        notes.warn("without --digest a change that also renewed the hashes is not seen")
    if found:
        raise typer.Exit(NOT_HELD)


def _show(found: Gate, written: dict[str, str]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from synthgen.reports.privacypage import label

    console = stdout()
    shown = Table(
        "requirement", "measured", "upper bound", "limit", "", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in shown.columns[1:4]:
        column.justify = "right"
    for check in found.checks:
        numbers = ("" if check[k] is None else f"{check[k]:.4g}" for k in _COLUMNS)
        mark = Text("holds", "green") if check["passed"] else Text("FAILS", "red bold")
        shown.add_row(label(check["requirement"]), *numbers, mark)
    console.print(shown)
    for check in found.checks:
        if not check["passed"]:
            why = f"{label(check['requirement'])}: {check['reason']}"
            console.print(Text(why, style="red"), soft_wrap=True)
    name = found.contents["gate"]["policy"]["name"]
    verdict = f"The evidence {'meets' if found.passed else 'does not meet'} {name}."
    console.print(Text(verdict, style="bold green" if found.passed else "bold red"))
    console.print(Text(f"Evidence: {written['pack']}"), soft_wrap=True)
    console.print(Text(f"Digest:   {written['digest']}"), soft_wrap=True)


_COLUMNS = ("measured", "upper", "limit")


def _json(path: str) -> dict[str, Any]:
    from synthgen.untrusted import strict_json

    try:
        return strict_json(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"--quality {path}: {error}") from None


def _stem(synthetic: str) -> str:
    if synthetic == "-":
        return "release"
    table = re.search(r"[?&]table=([^&]+)", synthetic)
    return table[1] if table else os.path.basename(synthetic).split(".")[0] or "release"
