"""`SynthGen`: fit a table, sample rows like it, save and load the model. Orchestration only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from synthgen import cells, frames, modelfile
from synthgen.batches import Batches
from synthgen.encoding.bought import COUNT_SHARE, CellRows, buy_encoder, encode
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import (
    BudgetError,
    InvalidInputError,
    ModelFileError,
)
from synthgen.forms.keys import Place
from synthgen.generator import (
    ClassOrInstance,
    Generator,
    Stopwatch,
    bought,
    check_private_size,
    is_whole,
)
from synthgen.privacy.declared import check_entity, declared_schema, entity_unit, public_facts
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.privacy.units import Units
from synthgen.relations.batched import in_order, read_batches
from synthgen.relations.completion import Completion
from synthgen.relations.imputing import Barred, impute_rows
from synthgen.relations.learned import Learned, read_table
from synthgen.relations.plan import Plan
from synthgen.relations.words import describe
from synthgen.sampling.request import Balance, Request, Where
from synthgen.sampling.rows import draw_rows
from synthgen.schema import Schema
from synthgen.seeds import Streams
from synthgen.tabular.model import TableModel
from synthgen.tabular.registry import find_model, find_private_model
from synthgen.training.checkpoint import EVERY_S, digest
from synthgen.training.device import choose_device
from synthgen.training.loop import TrainingRecord
from synthgen.training.progress import Progress, progress_for
from synthgen.training.run import Run
from synthgen.training.state import State

# what `sample_batches` draws at once: enough to keep all cores busy, little to hold
BATCH_ROWS = 131_072
# Python with torch, pandas and scikit-learn
_LIBRARIES_MB = 420


class SynthGen(Generator):
    """Learns a mixed-type table and samples synthetic rows.

    Examples:
        >>> synthetic = SynthGen.fit(df).sample(1000)  # doctest: +SKIP

    Args:
        model: "auto" or a model's name ("argan", "ctgan"; with epsilon "dp-ar", "dp-gan").
        time_limit_s: Seconds within which ``fit`` has to end with the best model so far.
        max_steps: Training steps at the most; repeats a clock-ended run exactly.
        memory_limit_mb: Refuse a fit whose estimated memory is above it.
        seed: Makes fits and samples repeatable bit for bit on one machine.
        device: "auto", "cpu", "cuda" or "mps".
        epsilon: Differential privacy of everything that leaves the fit; see `privacy_`. Its noise
            never comes from ``seed``, so equal private fits differ.
        delta: Of the same guarantee; both or neither.
        entity: Column that says whose each row is; then the guarantee is for all rows of one of
            them, and not for one row. Its schema declares it an identifier: nothing is learned.
        entity_rows: Rows of each entity that are learned from, drawn by chance. Noise grows with
            their number.
        model_options: Options of the model by name, for example ``{"loss": "hinge"}``.
        checkpoint_dir: Folder in which the run's state is kept while it trains.
        checkpoint_every_s: Seconds between checkpoints.
        resume: Go on from the checkpoint in ``checkpoint_dir``, if there is one: the model is the
            one that the run would have given without a break. ``time_limit_s`` counts the time of
            all its processes.
        engine: "ray" reads, encodes and trains on the workers of a Ray cluster (extra ``ray``): the
            one that the environment variable ``RAY_ADDRESS`` names, or one of its own.
        workers: How many, with a core or a GPU each.
        progress: Whether to show progress on stderr; ``None`` shows it on a terminal.

    Attributes:
        schema_: The table's `Schema`.
        history_: DataFrame of the training run, one row for each evaluation.
        training_: Record of the run: model, seed, steps, how it ended, warnings.
        privacy_: The privacy ledger, or ``None`` for a fit without differential privacy.
        timings_: Seconds spent in each stage of this process's fit.
        resumed_from_step_: Step of the checkpoint that the fit went on from, or ``None``.
    """

    generator_: TableModel

    def __init__(
        self,
        model: str = "auto",
        *,
        time_limit_s: float | None = None,
        max_steps: int | None = None,
        memory_limit_mb: float | None = None,
        seed: int | None = None,
        device: str = "auto",
        epsilon: float | None = None,
        delta: float | None = None,
        entity: str | None = None,
        entity_rows: int = 1,
        model_options: dict[str, Any] | None = None,
        checkpoint_dir: str | Path | None = None,
        checkpoint_every_s: float = EVERY_S,
        resume: bool = False,
        engine: Literal["local", "ray"] = "local",
        workers: int = 2,
        progress: bool | None = None,
    ) -> None:
        self.model = model
        self.time_limit_s = time_limit_s
        self.max_steps = max_steps
        self.memory_limit_mb = memory_limit_mb
        self.seed = seed
        self.device = device
        self.epsilon = epsilon
        self.delta = delta
        self.entity = entity
        self.entity_rows = entity_rows
        self.model_options = model_options
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every_s = checkpoint_every_s
        self.resume = resume
        self.engine = engine
        self.workers = workers
        self.progress = progress

    def _fit(
        self, data: Any, schema: Schema | dict[str, Any] | str | Path | None = None
    ) -> SynthGen:
        """Learn a pandas, polars or Arrow table; returns self.

        Args:
            data: The table; `Batches`, or with ``engine="ray"`` a Ray Dataset, if it is not to be
                held in memory.
            schema: A `Schema`, its dict or its file; ``None`` infers it.

        Raises:
            InvalidInputError: If the table, the schema or an option cannot be used.
            BudgetError: If the limits leave no room for anything usable.
            KeyboardInterrupt: After Ctrl-C, with what was learned so far as the fitted model.
        """
        self._check_options()
        if self.engine not in ("local", "ray"):
            raise InvalidInputError(f"engine must be 'local' or 'ray', got {self.engine!r}")
        if self.entity is not None and self.epsilon is None:
            raise InvalidInputError(
                f"entity={self.entity!r} says whose each row is for differential privacy: give "
                "epsilon and delta with it; nothing was trained"
            )
        if not is_whole(self.entity_rows) or not self.entity_rows:
            raise InvalidInputError(f"entity_rows must be 1 or more, got {self.entity_rows!r}")
        if not is_whole(self.workers) or not self.workers:
            raise InvalidInputError(f"workers must be 1 or more, got {self.workers!r}")
        if self.epsilon is not None and self.delta is not None:
            unit = "row" if self.entity is None else entity_unit(self.entity, self.entity_rows)
            return self._fit_private(data, schema, Ledger(self.epsilon, self.delta, unit))
        clock = Stopwatch()
        model_class = find_model(self.model)
        checkpoints = self._checkpoints()
        deadline = None if self.time_limit_s is None else checkpoints.start + self.time_limit_s
        streams = Streams.of(checkpoints.begin(self.seed))
        device = choose_device(self.device)
        with progress_for(self.progress) as progress:
            progress.stage("reading")
            declared = None if schema is None else Schema.given(schema)
            learned = self._learned(data, declared, model_class, streams, clock, progress)
            encoder, table = learned.completion.encoder, learned.table
            self._check_memory(model_class, learned, progress)
            clock.lap("encoding")
            options = self.model_options or {}
            self._belongs(
                checkpoints,
                streams.seed,
                model_class.name,
                device,
                schema=digest(learned.schema.to_dict()),
                encoding=digest(learned.completion.to_dict()),
                data=digest(table.codes, table.values),
            )
            run = Run(
                streams.child("training"), device, progress, self.max_steps, deadline, checkpoints
            )
            fitted, record = self._trained(model_class, table, encoder, options, run)
            clock.lap("training")
        self.schema_, self.completion_ = learned.schema, learned.completion
        self.generator_ = fitted
        self.training_ = {
            "model": model_class.name,
            "seed": streams.seed,
            "n_rows": learned.n_rows,
            "n_columns": len(learned.schema),
            "device": device.type,
            **record.to_dict(),
        }
        self.privacy_ = None
        self.timings_ = clock.laps
        self._n_samples: int | None = 0
        self._ended(run)
        return self

    fit = ClassOrInstance(_fit)

    def _trained(
        self,
        model: type[TableModel],
        table: EncodedTable,
        encoder: TableEncoder,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[TableModel, TrainingRecord]:
        """The model, trained in this process or by workers."""
        if self.engine == "local":
            with run.interrupt.heard():
                return model.fit(table, encoder, options, run)
        from synthgen.distributed import raytrain

        return raytrain.fit(model, table, encoder, options, run, workers=self.workers)

    def _learned(
        self,
        data: Any,
        schema: Schema | None,
        model: type[TableModel],
        streams: Streams,
        clock: Stopwatch,
        progress: Progress,
    ) -> Learned:
        """The table as the model learns it, from memory or in batches."""

        def encoding() -> None:
            clock.lap("schema")
            progress.stage("encoding")

        def wanted(n_rows: int) -> int:
            return model.rows_read(n_rows, self.model_options or {}, self.max_steps)

        own, each = streams.child("encoding"), in_order
        if self.engine == "ray":
            from synthgen.distributed import raydata

            data, each = raydata.as_batches(data), raydata.in_order
        if isinstance(data, Batches):
            return read_batches(data, schema, own, wanted, encoding, progress.stepped, each)
        return read_table(data, schema, own, encoding)

    def _fit_private(
        self, data: Any, schema: Schema | dict[str, Any] | str | Path | None, ledger: Ledger
    ) -> SynthGen:
        """The same, of rows that nothing touches but the mechanisms of a ledger."""
        clock = Stopwatch()
        model_class = find_private_model(self.model)
        if self.engine != "local":
            raise InvalidInputError("epsilon needs engine='local': its noise is made in one place")
        if isinstance(data, Batches):
            raise InvalidInputError(
                "epsilon needs a table in memory: each row is touched by counted mechanisms alone, "
                "and these do not read batches; give a DataFrame"
            )
        declared, left_out = declared_schema(schema)
        if self.entity is not None:
            check_entity(declared, self.entity)
        checkpoints = self._checkpoints()
        deadline = None if self.time_limit_s is None else checkpoints.start + self.time_limit_s
        streams = Streams.of(checkpoints.begin(self.seed))
        device = torch.device("cpu") if self.device == "auto" else choose_device(self.device)
        with progress_for(self.progress) as progress:
            progress.stage("reading")
            frame, _ = frames.read(data)
            declared.validate_frame(frame)
            units = None
            if self.entity is not None:
                units, kept = Units.cut(frame[self.entity], self.entity_rows)
                frame = frame.iloc[kept]
            for relation in left_out:
                progress.told(f"Not kept, since it is learned from rows: {describe(relation)}")
            plan = Plan.of(declared)
            ledger.public += public_facts(declared)
            table = PrivateTable(CellRows.of(frame, declared), ledger, units)
            clock.lap("reading")
            progress.stage("encoding")
            # of the rows nothing is kept, not even a digest: that the data is the same is not seen
            self._belongs(
                checkpoints,
                streams.seed,
                model_class.name,
                device,
                ledger,
                schema=digest(declared.to_dict()),
            )

            def buy() -> State:
                n_rows = table.count(COUNT_SHARE)
                check_private_size(n_rows, ledger, "rows")
                completion = Completion(buy_encoder(declared, table, n_rows), plan, {})
                return {"n_rows": n_rows, "encoding": completion.to_dict()}

            first = bought(checkpoints, ledger, buy)
            n_rows, completion = first["n_rows"], Completion.from_dict(declared, first["encoding"])
            encoder, learned = completion.encoder, np.array(plan.modelled)
            full = completion.full
            rows = table.mapped(lambda held: encode(held, full).columns(learned))
            clock.lap("encoding")
            run = Run(
                streams.child("training"), device, progress, self.max_steps, deadline, checkpoints
            )
            options = self.model_options or {}
            with run.interrupt.heard():
                fitted, record = model_class.fit_private(rows, encoder, n_rows, options, run)
            clock.lap("training")
        self.schema_, self.completion_, self.generator_ = declared, completion, fitted
        self.training_ = {
            "model": model_class.name,
            "seed": streams.seed,
            "n_rows": int(n_rows),
            "n_columns": len(declared),
            "device": device.type,
            **record.to_dict(),
        }
        self.privacy_ = ledger.to_dict()
        self.timings_ = clock.laps
        self._n_samples = 0
        self._ended(run)
        return self

    def sample(
        self,
        n: int,
        *,
        where: Where | None = None,
        balance: Balance | None = None,
        seed: int | None = None,
    ) -> Any:
        """``n`` synthetic rows, in the kind of frame and with the names and dtypes of the input.

        Args:
            n: Number of rows.
            where: Column -> a value, a set of values, or ``None`` for missing cells.
            balance: A column whose values shall be equally frequent, or column -> value -> share.
            seed: Repeats this sample exactly; ``None`` continues the fit's seed, and after
                loading draws a fresh one.

        Raises:
            NotFittedError: Before ``fit``.
            ConditionError: If a condition names an unknown value or cannot be met.
        """
        batches = self.sample_batches(
            n, where=where, balance=balance, seed=seed, batch_rows=max(n, 1) if is_whole(n) else 1
        )
        return next(iter(batches))

    def sample_batches(
        self,
        n: int,
        *,
        where: Where | None = None,
        balance: Balance | None = None,
        seed: int | None = None,
        batch_rows: int = BATCH_ROWS,
        only: int | None = None,
    ) -> Iterator[Any]:
        """``n`` synthetic rows in frames of at most ``batch_rows``, one in memory at a time.

        Unique columns stay unique over all of them. The first frame is what `sample` gives for as
        many rows; without rows there is one empty frame. With ``only`` there is one frame, that of
        this number from 0, the same as among all. Other arguments and errors as in `sample`, raised
        when called.
        """
        self._check_fitted()
        if not is_whole(n):
            raise InvalidInputError(f"n must be a whole number of rows, at least 0, got {n!r}")
        if not is_whole(batch_rows) or not batch_rows:
            raise InvalidInputError(f"batch_rows must be 1 or more rows, got {batch_rows!r}")
        request = Request.of(self.completion_, where, balance)
        starts = range(0, max(n, 1), batch_rows)
        if only is not None:
            starts = starts[only : only + 1]
        return self._batches(int(n), int(batch_rows), starts, request, self._sample_streams(seed))

    def _batches(
        self, n: int, batch_rows: int, starts: range, request: Request, streams: Streams
    ) -> Iterator[Any]:
        key = streams.integer("keys")
        for first in starts:
            own = streams.child(f"batch/{first}") if first else streams
            size = min(batch_rows, n - first)
            rows = draw_rows(size, request, self.generator_.sample, self.completion_, own)
            frame = self.completion_.frame(rows, own.child("cells"), Place(first, n, key))
            yield frames.write(frame, self.schema_)

    def impute(self, data: Any, *, method: str = "best", seed: int | None = None) -> Any:
        """``data`` with its missing cells filled and all others as they were.

        Args:
            data: A table of the fitted columns, in the kind of frame it was fitted on.
            method: "best" fills in the expected number and the most likely category; "draw" draws
                from the model, which keeps the spread of a column.
            seed: Repeats the draws exactly.

        Raises:
            NotFittedError: Before ``fit``.
            InvalidInputError: If the columns differ, or the model cannot impute.
        """
        self._check_fitted()
        if method not in ("best", "draw"):
            raise InvalidInputError(f"method must be 'best' or 'draw', got {method!r}")
        frame, _ = frames.read(data)
        schema = self.schema_
        schema.validate_frame(frame)
        frame = frame.loc[:, schema.names]
        streams = self._sample_streams(seed)
        held = [cells.read(frame[column.name], column) for column in schema]
        missing = np.column_stack([column.missing for column in held])
        completion, best = self.completion_, method == "best"

        def fill(
            table: EncodedTable, gaps: np.ndarray, barred: Mapping[int, Barred]
        ) -> RankedTable:
            rows = streams.child("rows")
            return self.generator_.impute(table, gaps, barred, rows, best_guess=best)

        table = completion.full.encode(frame, streams.child("encoding"))
        rows = impute_rows(completion, table, held, fill, streams)
        drawn = completion.frame(rows, streams.child("cells"))
        for j, column in enumerate(schema):
            if missing[:, j].any():
                made = drawn[column.name]
                filled = frame[column.name].where(~missing[:, j], made)
                # whole numbers that came as floats for their gaps alone are whole again
                is_whole_again = getattr(made.dtype, "kind", "") in "iu" and filled.notna().all()
                frame[column.name] = filled.astype(made.dtype) if is_whole_again else filled
        return frames.write(frame, schema)

    def log_likelihood(self, data: Any) -> np.ndarray:
        """Log likelihood (n,) of rows under the model, without its critics, in nats.

        Rows that the model was fitted on are a little likelier than others like them; by how much
        is what whoever holds the model file can tell of members. Values count by the density of
        their ranks among the fitted ones, so figures of two tables do not compare.

        Args:
            data: Rows of the fitted columns; columns that are never learned may be absent.

        Raises:
            NotFittedError: Before ``fit``.
            InvalidInputError: If the columns differ, or the model has no likelihood.
        """
        self._check_fitted()
        frame, _ = frames.read(data)
        encoder = self.completion_.encoder
        for column in encoder.schema:
            if column.name not in frame:
                raise InvalidInputError(f"the rows have no column {column.name!r}")
        encoded = encoder.encode(frame, Streams(0))
        return self.generator_.log_likelihood(encoded)

    @property
    def encoder_(self) -> TableEncoder:
        """Encoder of the columns that the model learned."""
        return self.completion_.encoder

    @property
    def history_(self) -> pd.DataFrame:
        """The training run, one row for each evaluation."""
        self._check_fitted()
        history = pd.DataFrame(self.training_["history"])
        return history[["step", *sorted(history.columns.drop("step"))]]

    def _described(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.schema_.to_dict(), self.completion_.to_dict()

    @classmethod
    def load(cls, path: str | Path) -> SynthGen:
        """Read a model from ``path``; executes nothing from the file.

        Raises:
            ModelFileError: If the file is missing, damaged, tampered with or too new.
        """
        contents = modelfile.read(path)
        if (kind := contents.schema.get("kind")) in modelfile.MOLECULES:
            raise ModelFileError(
                f"{path}: a model of {kind}, not of a table; use MolGen.load, or the command "
                "synthgen molecules sample"
            )
        try:
            schema = Schema.from_dict(contents.schema, where=f"{path}: schema.json")
            completion = Completion.from_dict(schema, contents.encoding)
            name, options = contents.config["model"], contents.config["options"]
            generator = find_model(name).load(completion.encoder, options, contents.weights)
        except (KeyError, TypeError, IndexError, ValueError) as error:
            if isinstance(error, ModelFileError):
                raise ModelFileError(f"{path}: {error}") from None
            raise ModelFileError(
                f"{path}: the members do not fit together ({type(error).__name__}: {error}); "
                "fit the model again"
            ) from None
        return cls(model=name)._restore(schema, completion, generator, contents)

    def _restore(
        self,
        schema: Schema,
        completion: Completion,
        generator: TableModel,
        contents: modelfile.ModelContents,
    ) -> SynthGen:
        self.schema_, self.completion_, self.generator_ = schema, completion, generator
        self.training_, self.privacy_ = contents.training, contents.privacy
        self.timings_, self._n_samples = {}, None
        return self

    def _check_memory(self, model: type[TableModel], learned: Learned, progress: Progress) -> None:
        """Tell how much memory the fit needs, and refuse one that needs too much."""
        encoder, n_rows = learned.completion.encoder, len(learned.table)
        held = learned.held_bytes + n_rows * len(encoder.columns) * 8
        training = model.memory_mb(n_rows, encoder, self.model_options or {})
        estimate = _LIBRARIES_MB + held / 2**20 + training
        if self.memory_limit_mb is not None and estimate > self.memory_limit_mb:
            raise BudgetError(
                f"the fit needs about {estimate:.0f} MB, above memory_limit_mb="
                f"{self.memory_limit_mb:g}; fit on fewer rows, or raise the limit"
            )
        progress.told(f"The fit needs about {estimate:,.0f} MB of memory")
