"""``synthgen impute``: the missing cells of a table, filled by a fitted model."""

from __future__ import annotations

from typing import Annotated

from synthgen.cli.output import Notes
from synthgen.cli.params import Data, Model, Quiet, Seed, TableOut, option
from synthgen.cli.sample import as_pandas
from synthgen.cli.sidecar import made_by

EXAMPLES = """
[bold]Examples[/bold]

  synthgen impute adult.synthgen gaps.csv -o filled.csv

  synthgen impute adult.synthgen gaps.csv --method draw --seed 1 -o filled.csv
"""


def run(
    model: Model,
    data: Data,
    output: TableOut = "-",
    method: Annotated[
        str,
        option(
            "--method", metavar="best|draw",
            help="[bold]best[/bold] fills in the expected number and the most likely category; "
            "[bold]draw[/bold] draws, which keeps the spread of a column.",
        ),
    ] = "best",
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Fill the missing cells of DATA with MODEL; all other cells stay as they are.

    DATA needs the columns of the table that MODEL was fitted on, in any order.
    """
    from synthgen import connectors
    from synthgen.seeds import Streams
    from synthgen.synthesizer import SynthGen

    notes = Notes(quiet)
    target = connectors.find(output)
    synth = SynthGen.load(model)
    table = connectors.find(data).read(data)
    seed = Streams.of(None).seed if seed is None else seed
    filled = as_pandas(synth.impute(table, method=method, seed=seed))
    before = table[filled.columns]
    gaps = int(((filled != before) & ~(filled.isna() & before.isna())).sum().sum())
    facts = {**made_by(model), "seed": seed, "imputed_cells": gaps, "method": method}
    target.write(output, iter([filled]), facts)
    if output != "-":
        notes.say(f"Filled {gaps:,} missing cells of {len(filled):,} rows; wrote {output}")
