"""``synthgen inspect``: what is in a model file, read without running anything from it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Json, Model, Quiet
from synthgen.cli.sidecar import read_record
from synthgen.cli.values import show_size

if TYPE_CHECKING:
    from synthgen.modelfile import ModelContents
    from synthgen.schema import Schema

EXAMPLES = """
[bold]Examples[/bold]

  synthgen inspect adult.synthgen

  synthgen inspect adult.synthgen --json | jq .training.steps
"""


def run(model: Model, as_json: Json = False, quiet: Quiet = False) -> None:
    """Show what is in MODEL: its schema, how it was trained, its privacy ledger, its versions.

    Its hashes are checked; nothing from it is run and no weights are loaded.
    """
    from synthgen import modelfile
    from synthgen.schema import Schema

    contents = modelfile.read(model, weights=False)
    # a model of molecules has no columns but properties, which are in its encoding
    of_molecules = contents.schema.get("kind") in modelfile.MOLECULES
    schema = None if of_molecules else Schema.from_dict(contents.schema, f"{model}: schema.json")
    if as_json:
        print_json(
            {
                "schema": contents.schema if schema is None else schema.to_dict(),
                "training": contents.training | resumed(model),
                "versions": contents.versions,
                "privacy": contents.privacy,
                "config": contents.config,
            }
        )
        return
    _show(model, schema, contents, Notes(quiet))


def resumed(model: str) -> dict[str, int]:
    """``resumed_from_step`` of a fit that was, from the record beside the model.

    It is not in the model file, which is the same whether the fit was resumed or not.
    """
    note = read_record(model)
    step = note.get("training", {}).get("resumed_from_step")
    return {"resumed_from_step": step} if isinstance(step, int) else {}


def _show(path: str, schema: Schema | None, contents: ModelContents, notes: Notes) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from synthgen.cli.schema import show_relations, table

    facts = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    facts.add_column(style="bold")
    facts.add_column()
    for name, value in _facts(path, contents):
        facts.add_row(name, Text(value))
    console = stdout()
    console.print(facts)
    if contents.privacy is not None:
        _show_ledger(contents.privacy)
    if schema is not None:
        console.print(table(schema))
        show_relations(schema)
    notes.say("All of it, with the training history: add --json")


def _facts(path: str, contents: ModelContents) -> list[tuple[str, str]]:
    training, versions = contents.training | resumed(path), contents.versions
    facts = [
        ("model file", f"{path} ({show_size(os.path.getsize(path))}, hashes are right)"),
        ("format", f"{versions['format']}, written by synthgen {versions['synthgen']}"),
        ("model", str(contents.config.get("model", "unknown"))),
        ("fitted on", _fitted_on(contents)),
        ("training", _training(training)),
        ("seed", str(training.get("seed", "unknown"))),
        ("privacy", _privacy(contents.privacy)),
    ]
    return facts + [("warning", str(text)) for text in training.get("warnings", [])]


def _fitted_on(contents: ModelContents) -> str:
    training = contents.training
    if "columns" not in contents.schema:
        names = ", ".join(one["name"] for one in contents.encoding.get("properties", []))
        kind = contents.schema.get("kind")
        shown = f"{_count(training.get('n_molecules'))} {kind}"
        return f"{shown}; conditions on: {names}" if names else f"{shown}; no conditions"
    return f"{_count(training.get('n_rows'))} rows, {len(contents.schema['columns'])} columns"


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "unknown"


def _training(training: dict[str, Any]) -> str:
    ends = {
        "steps": "its steps were made",
        "converged": "no further progress",
        "time": "the time limit",
        "collapsed": "mode collapse; the best weights before were kept",
        "diverged": "it diverged; the best weights before were kept",
        "interrupted": "an interrupt",
    }
    ended = ends.get(training.get("ended_by", ""), "unknown")
    step = training.get("resumed_from_step")
    resumed = "" if step is None else f", resumed from step {step:,}"
    steps = f"{_count(training.get('steps'))} steps on {training.get('device')}"
    return f"{steps}{resumed}, ended by: {ended}"


def _privacy(ledger: dict[str, Any] | None) -> str:
    if ledger is None:
        return "fitted without differential privacy"
    spent = ledger.get("spent", {})
    return (
        f"epsilon {ledger.get('epsilon'):g}, delta {ledger.get('delta'):g} "
        f"({ledger.get('neighbours')}); spent {spent.get('epsilon_pld'):.4g} by privacy loss "
        f"distributions, {spent.get('epsilon_rdp'):.4g} by RDP"
    )


def _show_ledger(ledger: dict[str, Any]) -> None:
    """Every touch of private rows, and what was public."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    touches = Table(
        "read", "mechanism", "sensitivity", "noise multiplier", "sampling", "times", "delta",
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    for entry in ledger["entries"]:
        touches.add_row(
            Text(entry["what"]),
            entry["mechanism"],
            f"{entry['sensitivity']:.3g}",
            f"{entry['noise_multiplier']:.4g}",
            f"{entry['sampling_rate']:g}",
            f"{entry['times']:,}",
            f"{entry['delta']:.2g}",
        )
    console = stdout()
    console.print(Text("Privacy ledger", style="bold"))
    console.print(touches)
    for fact in ledger["public"]:
        console.print(Text(f"public: {fact}"))
