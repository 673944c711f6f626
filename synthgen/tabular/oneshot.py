"""``model="ctgan"``: fit, sample and load the one-shot conditional GAN."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
import torch
from typing_extensions import override

from synthgen.adversarial.watchdog import watch
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import ConditionError
from synthgen.sampling.request import FREE, Request
from synthgen.seeds import Streams
from synthgen.tabular.calibration import CALIBRATION_ROUNDS, Calibration
from synthgen.tabular.ctgan import CTGANConfig, CTGANTrainer, batch_rows
from synthgen.tabular.drawing import Drawing
from synthgen.tabular.layout import Layout
from synthgen.tabular.marginals import Bins, pair_distance
from synthgen.tabular.model import TableModel
from synthgen.tabular.networks import Generator
from synthgen.training.loop import Budget, Metrics, TrainingRecord, train
from synthgen.training.run import Run, load_weights, parse_options

_CALIBRATION_SLOTS = 64_000_000
_CALIBRATION_ROWS = 20_000
_EVALUATION_ROWS = 5_000
_REHEARSED_ROWS = 256
_HELD_OUT_SHARE = 0.1
# of the pair distance to held-out rows, whose own noise is most of it once a model is good
_SCORE_NOISE = 0.05
_MAX_HELD_OUT = 10_000


class CTGAN(TableModel):
    """A trained one-shot generator with its calibration."""

    name: ClassVar[str] = "ctgan"

    def __init__(
        self,
        encoder: TableEncoder,
        options: CTGANConfig,
        generator: Generator,
        calibration: Calibration | None = None,
    ) -> None:
        self.encoder, self.options = encoder, options
        self.layout = Layout.of(encoder, options.parts)
        self.generator = generator
        self.calibration = calibration or Calibration.none(encoder, self.layout)
        self.device = next(generator.parameters()).device

    @classmethod
    @override
    def fit(
        cls, table: EncodedTable, encoder: TableEncoder, options: dict[str, Any], run: Run
    ) -> tuple[CTGAN, TrainingRecord]:
        config = parse_options(CTGANConfig, options)
        trainer = _Evaluated(config, encoder, table, run)
        budget = Budget(
            max_steps=config.max_steps if run.max_steps is None else run.max_steps,
            patience=config.patience,
            evaluate_every=config.evaluate_every,
            deadline=run.deadline,
            reserve_s=lambda: trainer.calibration_s + trainer.evaluation_s,
            tolerance=_SCORE_NOISE,
        )
        best, record = train(trainer, budget, run.progress, watch, run.stage("training"))
        trainer.ema.average.load_state_dict(best)
        model = trainer.model
        if not run.interrupt.asked:
            # cheap beside the training: a run that is resumed calibrates again, to the same bytes
            run.progress.stage("calibrating")
            with run.interrupt.optional():
                model.calibration = calibrate(model, run.streams.child("calibration"))
        return model, record

    @classmethod
    @override
    def memory_mb(cls, n_rows: int, encoder: TableEncoder, options: dict[str, Any]) -> float:
        config = parse_options(CTGANConfig, options)
        layout = Layout.of(encoder, config.parts)
        # weights, their average, gradients and two moments, all but gradients once more to go back
        # to; row numbers by code; one-hot batches
        weights = layout.n_slots * (4 * config.width + config.critic_width) * 9
        batch = 16 * batch_rows(config, layout) * layout.n_slots
        return (4 * (weights + batch) + 8 * n_rows * layout.n_columns) / 2**20

    @classmethod
    @override
    def rows_read(cls, n_rows: int, options: dict[str, Any], max_steps: int | None) -> int:
        config = parse_options(CTGANConfig, options)
        # a batch for each step of the critic and of the generator
        read = (max_steps or config.max_steps) * (config.critic_steps + 1) * config.batch_size
        return min(n_rows, int(read / (1 - _HELD_OUT_SHARE)) + 1)

    @override
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        for j in request.ranks:
            raise ConditionError(
                f"column {self.encoder.columns[j].column.name!r}: model ctgan takes conditions on "
                "categories and repeated numbers only; fit with model='auto' for ranges"
            )
        condition = request.draw(n, streams.numpy("conditions"))
        table = self.draw(condition, self.calibration, streams.child("noise"))
        return self.calibration.ranks(self.encoder, table)

    def draw(
        self, condition: np.ndarray, calibration: Calibration, streams: Streams
    ) -> EncodedTable:
        """Rows (n, n_columns) for conditions (n, n_columns) of codes or `FREE`.

        Codes are calibrated; values are as the network emits them.
        """
        return Drawing(self.generator, self.layout, calibration.offset)(condition, streams)

    @override
    def config(self) -> dict[str, Any]:
        return self.options.model_dump()

    @override
    def weights(self) -> dict[str, np.ndarray]:
        arrays = {
            f"generator.{name}": value.cpu().numpy()
            for name, value in self.generator.state_dict().items()
        }
        return arrays | {
            "calibration.offset": self.calibration.offset,
            "calibration.knots": self.calibration.knots,
        }

    @classmethod
    @override
    def load(
        cls, encoder: TableEncoder, config: dict[str, Any], weights: dict[str, np.ndarray]
    ) -> CTGAN:
        options = parse_options(CTGANConfig, config, stored=True)
        layout = Layout.of(encoder, options.parts)
        empty = Calibration.none(encoder, layout)
        with torch.device("meta"):
            generator = Generator(layout, options.noise_dim, options.width, options.depth)
        calibration = {
            "calibration.offset": empty.offset.shape,
            "calibration.knots": empty.knots.shape,
        }
        load_weights({"generator.": generator}, weights, calibration)
        stored = Calibration(*(weights[name] for name in calibration))
        return cls(encoder, options, generator.requires_grad_(False).eval(), stored)


class _Evaluated(CTGANTrainer):
    """The trainer with a held-out part of the table to choose the best weights on."""

    def __init__(
        self, config: CTGANConfig, encoder: TableEncoder, table: EncodedTable, run: Run
    ) -> None:
        rng = run.streams.numpy("held-out")
        rows = rng.permutation(len(table))
        n_held_out = min(int(len(table) * _HELD_OUT_SHARE), _MAX_HELD_OUT)
        self.held_out = table.take(rows[: max(n_held_out, 1)])
        kept = table.take(rows[n_held_out:])
        super().__init__(config, Layout.of(encoder, config.parts), kept, run.streams, run.device)
        self.streams = run.streams.child("evaluation")
        self.bins = Bins.of(encoder, rng)
        self.real_pairs = self.bins.pairs(self.held_out)
        self.model = CTGAN(encoder, config, self.ema.average)
        self.calibration_s = 1.0
        self.evaluation_s = self._rehearse()

    def evaluate(self) -> Metrics:
        """Pair distance to held-out rows, the critic's accuracy on them, and diversity."""
        free = np.full((_EVALUATION_ROWS, self.layout.n_columns), FREE, np.int32)
        start = time.monotonic()
        synthetic = self.model.draw(free, self.model.calibration, self.streams)
        self._expect_calibration(time.monotonic() - start)
        self.evaluation_s = 0.0  # from now on the loop knows
        pairs = self.bins.pairs(synthetic)
        return {
            "score": pair_distance(self.real_pairs, pairs, self.bins.n_bins),
            "critic_accuracy": self.critic_accuracy(self.held_out, self.streams.numpy("critic")),
            "diversity": diversity(self.real_pairs, pairs, self.bins.n_bins),
        }

    def _rehearse(self) -> float:
        """Seconds that the first evaluation will take, judged by a few rows."""
        free = np.full((_REHEARSED_ROWS, self.layout.n_columns), FREE, np.int32)
        start = time.monotonic()
        self.model.draw(free, self.model.calibration, self.streams.child("rehearsal"))
        sample_s = (time.monotonic() - start) * _EVALUATION_ROWS / _REHEARSED_ROWS
        self._expect_calibration(sample_s)
        return 1.5 * sample_s

    def _expect_calibration(self, sample_s: float) -> None:
        rows = calibration_rows(self.layout) * (CALIBRATION_ROUNDS + 1)
        self.calibration_s = max(self.calibration_s, 1.5 * sample_s * rows / _EVALUATION_ROWS)

    def kept(self) -> dict[str, torch.Tensor]:
        """The average weights of the generator."""
        return self.ema.average.state_dict()


def calibration_rows(layout: Layout) -> int:
    """Rows to calibrate on: fewer where rows are very wide."""
    return min(_CALIBRATION_ROWS, max(2_000, _CALIBRATION_SLOTS // layout.n_slots))


def calibrate(model: CTGAN, streams: Streams) -> Calibration:
    """Calibrate on free draws of the model."""
    n = calibration_rows(model.layout)
    condition = np.full((n, model.layout.n_columns), FREE, np.int32)
    rounds = iter(range(CALIBRATION_ROUNDS + 1))

    def draw(calibration: Calibration) -> EncodedTable:
        return model.draw(condition, calibration, streams.child(f"round/{next(rounds)}"))

    return Calibration.fit(model.encoder, model.layout, draw)


def diversity(real: np.ndarray, synthetic: np.ndarray, n_bins: int) -> float:
    """Effective number of values in synthetic over real columns, the mean over columns.

    The effective number is the exponential of the entropy of a column's bins, whose shares are
    the diagonals of the pair matrices.
    """

    def entropy(pairs: np.ndarray) -> np.ndarray:
        share = np.diagonal(pairs).reshape(-1, n_bins).astype(np.float64)
        return -np.asarray((share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1))

    if not len(real):
        return 1.0
    return float(np.exp(entropy(synthetic) - entropy(real)).clip(max=1.0).mean())
