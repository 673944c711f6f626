"""``model="argan"``, the default: fit, sample and load the autoregressive GAN."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from typing_extensions import override

from synthgen.adversarial.trees import TreeCritic, systematic
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import ModelFileError
from synthgen.parallel import in_threads
from synthgen.relations.imputing import Barred
from synthgen.sampling.request import Request, draw_exact
from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.cells import CellView
from synthgen.tabular.autoregressive.drawing import Drawing, Wanted
from synthgen.tabular.autoregressive.imputation import impute
from synthgen.tabular.autoregressive.likelihood import cell_losses
from synthgen.tabular.autoregressive.network import Autoregressive
from synthgen.tabular.autoregressive.raking import raked
from synthgen.tabular.autoregressive.warmstart import (
    ARGANConfig,
    WarmStart,
    batch_rows,
    evaluated_every,
    layout_of,
    planned_steps,
    sizes,
)
from synthgen.tabular.model import TableModel
from synthgen.training.loop import Budget, TrainingRecord, train
from synthgen.training.run import Run, StageClock, check_shapes, load_weights, parse_options

_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.1, 50_000
_CRITIC_ROWS = 100_000
_MIN_CRITIC_ROWS = 300
_MIN_JUDGING_ROWS = 10_000
_POOL_ROWS = 262_144
# of the time that a limit leaves, what the critic may take
_CRITIC_SHARE = 0.25
_MAX_LOGIT = 4.0
# whose likelihood is computed at once
_LIKELIHOOD_CELLS = 200_000


class ARGAN(TableModel):
    """A trained autoregressive generator with its critics."""

    name: ClassVar[str] = "argan"
    parallel: ClassVar[bool] = True

    def __init__(
        self,
        encoder: TableEncoder,
        options: ARGANConfig,
        network: Autoregressive,
        critics: tuple[TreeCritic, ...] = (),
    ) -> None:
        self.encoder, self.options, self.critics = encoder, options, critics
        self.view = CellView.of(encoder)
        self.network = network
        self.device = network.code_bias.device

    @classmethod
    @override
    def fit(
        cls, table: EncodedTable, encoder: TableEncoder, options: dict[str, Any], run: Run
    ) -> tuple[ARGAN, TrainingRecord]:
        config = parse_options(ARGANConfig, options)
        view = CellView.of(encoder)
        rows = run.streams.numpy("held-out").permutation(len(table))
        n_held_out = max(1, min(int(len(rows) * _HELD_OUT_SHARE), _MAX_HELD_OUT))
        ranks = view.ranks(table)
        held_out, kept = ranks.take(rows[:n_held_out]), ranks.take(rows[n_held_out:])
        steps = run.max_steps or planned_steps(config, len(kept))
        later = _CRITIC_SHARE if config.critic != "none" else 0.0
        stage = run.stage("training")
        clock = StageClock(stage.start, run.deadline, later)
        trainer = WarmStart(
            config, view, kept, held_out, run.streams, run.device, steps, run.used(clock),
            run.strategy,
        )  # fmt: skip
        budget = Budget(
            max_steps=steps,
            patience=steps,
            evaluate_every=evaluated_every(config, len(kept)),
            deadline=clock.deadline,
            ending=lambda: (trainer.schedule.total, trainer.schedule.reason),
        )
        best, record = train(trainer, budget, run.progress, stage=stage, strategy=run.strategy)
        trainer.network.load_state_dict(best)
        model = cls(encoder, config, trainer.network.eval().requires_grad_(False))
        has_critics = config.critic == "trees" and n_held_out >= _MIN_CRITIC_ROWS
        if has_critics and not run.interrupt.asked and not run.strategy.rank:
            # cheap beside the training: a run that is resumed fits them again, to the same trees
            run.progress.stage("critic")
            with run.interrupt.optional():
                held_out_rows, train_rows = np.split(rows, [n_held_out])
                model._fit_critics(table.take(train_rows), table.take(held_out_rows), run)
        return model, record

    @classmethod
    @override
    def memory_mb(cls, n_rows: int, encoder: TableEncoder, options: dict[str, Any]) -> float:
        config = parse_options(ARGANConfig, options)
        view = CellView.of(encoder)
        with torch.device("meta"):
            layout = layout_of(view)
            network = Autoregressive(layout, view.numeric, sizes(config, layout.n_columns))
        # weights, their average, gradients, two moments, and the best so far, here and in the loop;
        # all but the gradients once more, to go back to
        weights = 13 * 4 * sum(parameter.numel() for parameter in network.parameters())
        ranks = n_rows * (8 * layout.n_columns + 8 * len(view.numeric))
        pool = min(_POOL_ROWS, max(2 * n_rows, _MIN_JUDGING_ROWS)) * layout.n_columns * 24
        batch = batch_rows(config, n_rows) * layout.n_columns * network.sizes.hidden * 4 * 12
        return (weights + 2 * ranks + pool + batch) / 2**20

    @classmethod
    @override
    def rows_read(cls, n_rows: int, options: dict[str, Any], max_steps: int | None) -> int:
        config = parse_options(ARGANConfig, options)
        steps = max_steps or planned_steps(config, n_rows)
        read = max(steps * batch_rows(config, n_rows), _CRITIC_ROWS)
        # a share is held out of what is encoded
        return min(n_rows, int(read / (1 - _HELD_OUT_SHARE)) + 1)

    def _fit_critics(self, train: EncodedTable, held_out: EncodedTable, run: Run) -> None:
        """Critics one after the other, each against rows weighted by the former ones.

        They learn from the rows that the network learned from, which are many. Of those the network
        knows too much: rows that it does not know say when a critic has learned enough.
        """
        streams = run.streams.child("critic")
        rng = streams.numpy("rows")
        learned, judging = (
            self._features(self.encoder.ranked(part.take(rng.permutation(len(part))[:most])))
            for part, most in ((train, _CRITIC_ROWS), (held_out, _CRITIC_ROWS))
        )
        n_judging = max(len(judging), _MIN_JUDGING_ROWS)
        for k in range(self.options.critic_rounds):
            if run.deadline is not None and time.monotonic() >= run.deadline - 2:
                break
            free = Request(learned.shape[1], {}, {})
            drawn = self._features(
                self._weighted(len(learned) + n_judging, free, streams.child(f"{k}"))
            )
            sides = (learned, drawn[n_judging:]), (judging, drawn[:n_judging])
            self.critics = (*self.critics, TreeCritic.fit(*sides, rng))

    def _features(self, table: RankedTable) -> np.ndarray:
        """What a critic sees of rows (n, n_columns) float32: codes, and numbers as emitted."""
        features = np.empty(table.codes.shape, np.float32, order="F")
        numbers = self.encoder.numbers(table)
        lowest = np.finfo(np.float32).min / 4

        def column(j: int) -> None:
            encoder = self.encoder.columns[j]
            if isinstance(encoder, NumericEncoder):
                held = numbers[j]
                x = (held.values - encoder.origin).clip(lowest, -lowest)
                features[:, j] = np.where(held.missing, lowest, x)
            else:
                features[:, j] = table.codes[:, j]

        in_threads(column, range(len(self.encoder.columns)))
        return features

    @override
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        parts = []
        size = max(1, int(_POOL_ROWS / self.options.pool))
        for start in range(0, max(n, 1), size):
            part = streams.child(f"part/{start}")
            parts.append(self._weighted(min(size, n - start), request, part))
        return RankedTable(
            *(np.concatenate([getattr(p, f) for p in parts]) for f in ("codes", "ranks"))
        )

    def _weighted(self, n: int, request: Request, streams: Streams) -> RankedTable:
        """Rows let through by the critics, of a larger pool; free ones keep the data's shares."""
        pool = int(np.ceil(n * self.options.pool)) if self.critics else n
        wanted, stratum = self._wanted(pool, n, request, streams)
        drawn = self._draw(pool, wanted, streams)
        if not self.critics or not n:
            return drawn
        features = self._features(drawn)
        logit = np.sum([critic.logit(features) for critic in self.critics], axis=0)
        weight = np.exp(np.clip(logit, -_MAX_LOGIT, _MAX_LOGIT))
        if not request.codes and not request.ranks:
            weight = raked(weight, drawn, self.encoder)
        rng = streams.numpy("weighted")
        taken = np.concatenate([rows[systematic(weight[rows], k, rng)] for rows, k in stratum if k])
        # strata and the pool's order leave no trace
        taken = rng.permutation(taken)
        return RankedTable(drawn.codes[taken], drawn.ranks[taken])

    def _wanted(
        self, pool: int, n: int, request: Request, streams: Streams
    ) -> tuple[Wanted, list[tuple[np.ndarray, int]]]:
        """Conditions of a pool, and its strata: rows of the pool, and how many of them to take."""
        rng = streams.numpy("conditions")
        given: dict[int, np.ndarray] = {}
        allowed: dict[int, tuple[np.ndarray, float, float]] = {}
        final = np.zeros((n, len(request.balanced)), np.int64)
        for k, j in enumerate(sorted(request.balanced)):
            final[:, k] = request.codes[j][draw_exact(request.share[j], n, rng)]
        kinds, kind_of, counts = np.unique(final, axis=0, return_inverse=True, return_counts=True)
        # every stratum has its share of the pool
        in_pool = np.sort(np.resize(np.sort(kind_of.ravel()), pool)) if n else np.zeros(0, int)
        for k, j in enumerate(sorted(request.balanced)):
            given[j] = self.view.to_view[j][kinds[in_pool, k]]
        for j, codes in request.codes.items():
            if j in request.balanced:
                continue
            if len(codes) == 1 and j not in request.ranks:
                given[j] = np.full(pool, self.view.to_view[j][codes[0]])
            else:
                mask = np.zeros(int(self.view.n_codes[j]), bool)
                mask[self.view.to_view[j][codes]] = True
                allowed[j] = (mask, *request.ranks.get(j, (0.0, 1.0)))
        strata = [(np.flatnonzero(in_pool == s), int(k)) for s, k in enumerate(counts)]
        return Wanted(given, allowed), strata

    def _draw(self, n: int, wanted: Wanted, streams: Streams) -> RankedTable:
        view_codes, view_ranks = Drawing(self.network, self.view)(n, streams, wanted)
        codes = np.empty(view_codes.shape, np.int32, order="F")
        ranks = np.zeros(view_codes.shape, np.float32, order="F")
        for j, to_code in enumerate(self.view.to_code):
            codes[:, j] = to_code[view_codes[:, j]]
        ranks[:, self.view.numeric] = view_ranks
        return RankedTable(codes, ranks)

    @override
    def impute(
        self,
        table: EncodedTable,
        missing: np.ndarray,
        barred: Mapping[int, Barred],
        streams: Streams,
        *,
        best_guess: bool,
    ) -> RankedTable:
        drawing = Drawing(self.network, self.view)
        return impute(drawing, table, missing, barred, streams, best_guess=best_guess)

    @override
    def log_likelihood(self, table: EncodedTable) -> np.ndarray:
        ranks = self.view.ranks(table)
        size = max(1, _LIKELIHOOD_CELLS // max(len(self.view.n_codes), 1))
        parts = [
            cell_losses(self.network, ranks.take(rows), 0.5).sum(1).double().cpu().numpy()
            for rows in np.array_split(np.arange(len(table)), max(1, -(-len(table) // size)))
        ]
        return -np.concatenate(parts)

    @override
    def config(self) -> dict[str, Any]:
        return self.options.model_dump()

    @override
    def weights(self) -> dict[str, np.ndarray]:
        arrays = {
            f"network.{name}": value.cpu().numpy()
            for name, value in self.network.state_dict().items()
        }
        for k, critic in enumerate(self.critics):
            arrays |= {f"critic.{k}.{name}": a for name, a in critic.to_arrays().items()}
        return arrays

    @classmethod
    @override
    def load(
        cls, encoder: TableEncoder, config: dict[str, Any], weights: dict[str, np.ndarray]
    ) -> ARGAN:
        options = parse_options(ARGANConfig, config, stored=True)
        view = CellView.of(encoder)
        layout = layout_of(view)
        own = {name: array for name, array in weights.items() if not name.startswith("critic.")}
        with torch.device("meta"):
            network = Autoregressive(layout, view.numeric, sizes(options, layout.n_columns))
        check_shapes({"network.": network}, own)
        # of the buffers, which follow from the layout, nothing is stored
        network = Autoregressive(layout, view.numeric, sizes(options, layout.n_columns))
        load_weights({"network.": network}, own)
        critics = _critics(weights, layout.n_columns)
        return cls(encoder, options, network.requires_grad_(False).eval(), critics)


def _critics(weights: dict[str, np.ndarray], n_columns: int) -> tuple[TreeCritic, ...]:
    found: dict[int, dict[str, np.ndarray]] = {}
    for name, array in weights.items():
        if name.startswith("critic."):
            _, k, part = name.split(".")
            found.setdefault(int(k), {})[part] = array
    try:
        return tuple(TreeCritic.from_arrays(found[k], n_columns) for k in sorted(found))
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"weights.safetensors: {error}; the file is damaged") from None
