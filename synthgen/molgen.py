"""`MolGen`: fit molecules or peptides, draw new ones, keep the model. Orchestration only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from typing_extensions import override

from synthgen import modelfile
from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.generator import (
    ClassOrInstance,
    Generator,
    Stopwatch,
    bought,
    check_private_size,
    is_whole,
)
from synthgen.molecular.actions import MIN_MOLECULES, Vocabulary
from synthgen.molecular.examples import Examples
from synthgen.molecular.featurize import Featurized, featurize
from synthgen.molecular.outcomes import Outcomes
from synthgen.molecular.private import COUNT_SHARE, Sequences, buy_vocabulary
from synthgen.molecular.properties import Property
from synthgen.molecular.registry import MoleculeModel, find_model, find_private_model
from synthgen.molecular.representation import Molecules, Representation, representation
from synthgen.molecular.request import Request
from synthgen.molecular.rows import columns, empty_rejected, rejected_rows, too_few
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.seeds import Streams
from synthgen.training.checkpoint import EVERY_S, digest
from synthgen.training.device import choose_device
from synthgen.training.progress import Progress, progress_for
from synthgen.training.run import Run
from synthgen.training.state import State

BATCH_MOLECULES = 16_384
_OUTCOMES = "outcomes."


class MolGen(Generator):
    """Learns molecules or peptides and draws new ones, all of them valid.

    Examples:
        >>> molecules = MolGen.fit(smiles).sample(1000)  # doctest: +SKIP
        >>> peptides = MolGen(kind="peptides").fit(sequences).sample(1000)  # doctest: +SKIP

    Args:
        model: "auto" or a model's name ("graphgan", "molgan"; with epsilon "dp-graph").
        time_limit_s: Seconds within which ``fit`` has to end with the best model so far.
        max_steps: Training steps at the most; repeats a clock-ended run exactly.
        seed: Makes fits and samples repeatable bit for bit on one machine.
        device: "auto", "cpu", "cuda" or "mps".
        epsilon: Differential privacy, a molecule being one record; see `privacy_`. Its noise never
            comes from ``seed``. Nothing is learned beside the molecules.
        delta: Of the same guarantee; both or neither.
        kind: "molecules", written as SMILES, or "peptides", sequences of the 20 standard residues.
        salts: Of a row with several components take the "largest", "keep" them all, or call it an
            "error".
        properties: Names of computed properties that conditions may use; ``None`` takes all.
        model_options: Options of the model by name.
        checkpoint_dir: As of `SynthGen`.
        checkpoint_every_s: As of `SynthGen`.
        resume: As of `SynthGen`.
        progress: Whether to show progress on stderr; ``None`` shows it on a terminal.

    Attributes:
        rejected_: DataFrame of the rows that cannot be represented: row, smiles (or sequence),
            reason.
        properties_: What conditions may name.
        outcomes_: The columns beside the SMILES, as they are drawn for a molecule.
        training_: Record of the run.
        resumed_from_step_: Step of the checkpoint that the fit went on from, or ``None``.
        privacy_: The privacy ledger, or ``None``.
    """

    generator_: MoleculeModel

    def __init__(
        self,
        model: str = "auto",
        *,
        time_limit_s: float | None = None,
        max_steps: int | None = None,
        seed: int | None = None,
        device: str = "auto",
        epsilon: float | None = None,
        delta: float | None = None,
        kind: str = Molecules.kind,
        salts: str = "largest",
        properties: list[str] | None = None,
        model_options: dict[str, Any] | None = None,
        checkpoint_dir: str | Path | None = None,
        checkpoint_every_s: float = EVERY_S,
        resume: bool = False,
        progress: bool | None = None,
    ) -> None:
        self.model = model
        self.time_limit_s = time_limit_s
        self.max_steps = max_steps
        self.seed = seed
        self.device = device
        self.epsilon = epsilon
        self.delta = delta
        self.kind = kind
        self.salts = salts
        self.properties = properties
        self.model_options = model_options
        self.checkpoint_dir = checkpoint_dir
        self.checkpoint_every_s = checkpoint_every_s
        self.resume = resume
        self.progress = progress

    def _fit(self, data: Any, smiles_column: str | None = None) -> MolGen:
        """Learn SMILES or sequences; returns self.

        Args:
            data: A list or Series of them, or a table with ``smiles_column`` and columns that are
                learned beside it: numbers, dates, categories. Identifiers and texts are not.
            smiles_column: Name of the column of SMILES or sequences; ``None`` takes the one called
                smiles or sequence.

        Raises:
            InvalidInputError: If there is no such column, or too few rows can be represented.
            KeyboardInterrupt: After Ctrl-C, with what was learned so far as the fitted model.
        """
        clock = Stopwatch()
        self._check_options()
        if self.epsilon is not None and self.delta is not None:
            return self._fit_private(data, smiles_column, Ledger(self.epsilon, self.delta))
        model_class = find_model(self.model)
        checkpoints = self._checkpoints()
        deadline = None if self.time_limit_s is None else checkpoints.start + self.time_limit_s
        streams = Streams.of(checkpoints.begin(self.seed))
        device = choose_device(self.device)
        held = self._representation()
        smiles, beside = columns(data, smiles_column, held.column)
        with progress_for(self.progress) as progress:
            if len(beside.columns) and not model_class.has_conditions:
                named = ", ".join(map(str, beside.columns))
                progress.told(f"Model {model_class.name} learns no properties: {named} left aside")
                beside = beside.iloc[:, :0]
            found = self._featurized(smiles, held, streams, progress)
            sequences = [orders[0] for orders in found.sequences]
            vocabulary, rare = model_class.vocabulary_class.of(sequences, held)
            kept = np.array([i for i in range(len(sequences)) if i not in rare], np.int64)
            self.rejected_ = rejected_rows(smiles, found, rare, held.column)
            if len(kept) < MIN_MOLECULES:
                raise InvalidInputError(too_few(len(kept), held.kind, self.rejected_, len(smiles)))
            progress.stage("learning columns")
            table = beside.iloc[found.rows[kept]].reset_index(drop=True)
            texts = [found.texts[i] for i in kept]
            outcomes, refused = Outcomes.fit(texts, table, held, streams.child("outcomes"))
            learned = beside[[name for name in beside if str(name) in outcomes.names]]
            properties, scores = self._properties(found, learned, kept)
            clock.lap("reading")
            molecule, codes = vocabulary.encode([found.sequences[i] for i in kept])
            run = Run(
                streams.child("training"), device, progress, self.max_steps, deadline, checkpoints
            )
            examples = Examples(held, vocabulary, codes, molecule, scores[molecule], texts)
            options = self.model_options or {}
            self._belongs(
                checkpoints,
                streams.seed,
                model_class.name,
                device,
                encoding=digest(vocabulary.to_dict(), [one.to_dict() for one in properties]),
                data=digest(codes, molecule, examples.scores, texts, outcomes.to_dict()),
            )
            with run.interrupt.heard():
                fitted, record = model_class.fit(examples, options, run)
            clock.lap("training")
        self.generator_, self.properties_, self.outcomes_ = fitted, properties, outcomes
        self.smiles_column_ = str(smiles.name or held.column)
        record.warnings.extend(
            f"column {name!r} is not learned: {reason}" for name, reason in refused.items()
        )
        self.training_ = {
            "model": model_class.name,
            "seed": streams.seed,
            "n_molecules": len(kept),
            "n_rejected": len(self.rejected_),
            "device": device.type,
            **record.to_dict(),
        }
        self.privacy_ = None
        self.timings_ = clock.laps
        self._n_samples = 0
        self._ended(run)
        return self

    fit = ClassOrInstance(_fit)

    def _fit_private(self, data: Any, smiles_column: str | None, ledger: Ledger) -> MolGen:
        """The same of molecules that nothing touches but the mechanisms of a ledger."""
        clock = Stopwatch()
        model_class = find_private_model(self.model)
        checkpoints = self._checkpoints()
        deadline = None if self.time_limit_s is None else checkpoints.start + self.time_limit_s
        streams, held = Streams.of(checkpoints.begin(self.seed)), self._representation()
        smiles, beside = columns(data, smiles_column, held.column)
        ledger.unit = f"{held.kind[:-1]}, however often it is listed"
        ledger.public.append("sampling rate, clipping norm and number of steps")
        with progress_for(self.progress) as progress:
            if len(beside.columns):
                progress.told(f"Not learned with epsilon: {', '.join(map(str, beside.columns))}")
            found = self._featurized(smiles, held, streams, progress)
            each = zip(found.texts, found.sequences, strict=True)
            once = {held.record(text): orders[0] for text, orders in each}
            table = PrivateTable(Sequences(list(once.values())), ledger)
            clock.lap("reading")
            device = torch.device("cpu")
            # of the molecules nothing is kept, not even a digest
            self._belongs(checkpoints, streams.seed, model_class.name, device, ledger)

            def buy() -> State:
                n = table.count(COUNT_SHARE)
                check_private_size(n, ledger, held.kind)
                return {"n": n, "vocabulary": buy_vocabulary(table, n).to_dict()}

            first = bought(checkpoints, ledger, buy)
            n, vocabulary = first["n"], Vocabulary.from_dict(first["vocabulary"], held)
            run = Run(
                streams.child("training"), device, progress, self.max_steps, deadline, checkpoints
            )
            options = self.model_options or {}
            with run.interrupt.heard():
                fitted, record = model_class.fit_private(table, held, vocabulary, n, options, run)
            clock.lap("training")
        self.generator_, self.properties_, self.outcomes_ = fitted, [], Outcomes(held)
        self.smiles_column_ = str(smiles.name or held.column)
        # which rows were left out is told to nobody
        self.rejected_ = empty_rejected(held.column)
        self.training_ = {
            "model": model_class.name,
            "seed": streams.seed,
            "n_molecules": int(n),
            "n_rejected": None,
            "device": device.type,
            **record.to_dict(),
        }
        self.privacy_ = ledger.to_dict()
        self.timings_ = clock.laps
        self._n_samples = 0
        self._ended(run)
        return self

    def _representation(self) -> Representation:
        return representation(self.kind, self.salts)

    def _featurized(
        self, smiles: pd.Series, held: Representation, streams: Streams, progress: Progress
    ) -> Featurized:
        progress.stage(f"reading {held.kind}")
        model_class = self._model_class()
        return featurize(
            smiles.tolist(),
            held,
            names=self._computed(),
            orders=model_class.orders(len(smiles), held, self.model_options or {}),
            jobs=os.cpu_count() or 1,
            seed=streams.integer("orders") % 2**20,
            progressed=progress.stepped,
        )

    def _model_class(self) -> type[MoleculeModel]:
        return find_model(self.model) if self.epsilon is None else find_private_model(self.model)

    def _computed(self) -> list[str]:
        """Names of the properties that are computed of every molecule."""
        if not self._model_class().has_conditions:
            return []
        known = self._representation().computed
        return list(known if self.properties is None else self.properties)

    def _properties(
        self, found: Featurized, beside: pd.DataFrame, kept: np.ndarray
    ) -> tuple[list[Property], np.ndarray]:
        """Properties, and their normal scores (n_kept, n_properties)."""
        columns = {
            name: (True, found.computed[kept, k])
            for k, name in enumerate(self._computed())
            if name not in beside
        }
        for name in beside.select_dtypes("number"):
            values = beside[name].to_numpy(np.float64, na_value=np.nan)[found.rows][kept]
            if np.isfinite(values).sum() >= MIN_MOLECULES:
                columns[str(name)] = (False, values)
        properties = [Property.of(name, *held) for name, held in columns.items()]
        held = [values for _, values in columns.values()]
        scores = [one.score(values) for one, values in zip(properties, held, strict=True)]
        shape = (len(kept), len(properties))
        return properties, np.array(scores, np.float32).reshape(shape[::-1]).T.copy()

    def sample(
        self,
        n: int,
        *,
        where: Mapping[str, Any] | None = None,
        unique: bool = False,
        novel_to: Iterable[str] | None = None,
        strict: bool = False,
        seed: int | None = None,
    ) -> pd.DataFrame:
        """``n`` molecules: column ``smiles``, or ``sequence``, and those learned beside.

        Args:
            n: Number of molecules.
            where: Property -> a number, or a (low, high) range; "fragment" -> a SMILES whose
                atoms and bonds all molecules hold.
            unique: No molecule twice.
            novel_to: SMILES or sequences of which none may come.
            strict: Leave out what computed properties show not to meet its conditions; ``attrs``
                of the table then tells the ``raw_draws`` that it took.
            seed: Repeats this sample exactly.

        Raises:
            NotFittedError: Before ``fit``.
            ConditionError: If a condition names an unknown property or cannot be met.
        """
        parts = list(
            self.sample_batches(
                n, where=where, unique=unique, novel_to=novel_to, strict=strict, seed=seed
            )
        )
        raw_draws = sum(part.attrs["raw_draws"] for part in parts)
        for part in parts:
            part.attrs = {"raw_draws": raw_draws}
        return pd.concat(parts, ignore_index=True)

    def sample_batches(
        self,
        n: int,
        *,
        where: Mapping[str, Any] | None = None,
        unique: bool = False,
        novel_to: Iterable[str] | None = None,
        strict: bool = False,
        seed: int | None = None,
        batch: int = BATCH_MOLECULES,
    ) -> Iterator[pd.DataFrame]:
        """The molecules of `sample` in frames of at most ``batch``."""
        self._check_fitted()
        if not is_whole(n):
            raise InvalidInputError(f"n must be a whole number of molecules, got {n!r}")
        request = Request(
            self.generator_, self.properties_, self.outcomes_, where,
            unique=unique, novel_to=novel_to, strict=strict,
        )  # fmt: skip
        return request.batches(int(n), self._sample_streams(seed), batch)

    def _described(self) -> tuple[dict[str, Any], dict[str, Any]]:
        encoding = {
            "vocabulary": self.generator_.vocabulary.to_dict(),
            "properties": [one.to_dict() for one in self.properties_],
            "outcomes": self.outcomes_.to_dict(),
        }
        schema = {"kind": self.kind, "smiles_column": self.smiles_column_}
        return schema, encoding

    @override
    def _weights(self) -> dict[str, np.ndarray]:
        own = {_OUTCOMES + name: array for name, array in self.outcomes_.to_arrays().items()}
        return super()._weights() | own

    @classmethod
    def load(cls, path: str | Path) -> MolGen:
        """Read a model from ``path``; executes nothing from the file.

        Raises:
            ModelFileError: If the file is missing, damaged, tampered with, or of a table.
        """
        contents = modelfile.read(path)
        kind = contents.schema.get("kind")
        if kind not in modelfile.MOLECULES:
            raise ModelFileError(f"{path}: a model of a table, not of molecules; use SynthGen.load")
        try:
            held = representation(kind)
            model_class = find_model(contents.config["model"])
            encoding, options = contents.encoding, contents.config["options"]
            vocabulary = model_class.vocabulary_class.from_dict(encoding["vocabulary"], held)
            properties = [Property.from_dict(one) for one in encoding["properties"]]
            weights = dict(contents.weights)
            own = {k: weights.pop(k) for k in list(weights) if k.startswith(_OUTCOMES)}
            arrays = {name.removeprefix(_OUTCOMES): array for name, array in own.items()}
            outcomes = Outcomes.load(encoding["outcomes"], arrays, held)
            generator = model_class.load(held, vocabulary, options, weights, len(properties))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"{path}: {error}") from None
        loaded = cls(model=generator.name, kind=kind)
        loaded.generator_, loaded.properties_ = generator, properties
        loaded.outcomes_ = outcomes
        loaded.smiles_column_ = str(contents.schema.get("smiles_column", held.column))
        loaded.training_, loaded.privacy_ = contents.training, contents.privacy
        loaded.rejected_ = empty_rejected(held.column)
        loaded.timings_, loaded._n_samples = {}, None
        return loaded

    def _check_options(self) -> None:
        super()._check_options()
        model_class = self._model_class()
        if self.properties and not model_class.has_conditions:
            raise InvalidInputError(
                f"model {self.model} learns no properties; leave them out, or fit with model='auto'"
            )
        if self._representation().kind not in model_class.kinds:
            raise InvalidInputError(
                f"model {self.model} builds {', '.join(model_class.kinds)}, no {self.kind}; leave "
                "model out"
            )
        computed = self._representation().computed
        for name in self.properties or ():
            if name not in computed:
                raise InvalidInputError(f"no property {name!r}; there is {', '.join(computed)}")
