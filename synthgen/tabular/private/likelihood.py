"""``model="dp-ar"``, the default with epsilon: DP-SGD on the likelihood of a chain of networks.

The chain starts at the columns' bought shares, as if they were independent, and learns from noisy
gradients how they depend on each other. What follows costs nothing: the second half of the weights
is averaged, and free rows are raked to the shares that were bought.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from typing_extensions import override

from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import PrivateTable
from synthgen.sampling.request import Request
from synthgen.seeds import Streams
from synthgen.tabular.model import PrivateModel
from synthgen.tabular.private.codebook import Codebook
from synthgen.tabular.private.drawing import draw
from synthgen.tabular.private.network import Chain
from synthgen.tabular.private.raked import raked_rows
from synthgen.training.averaging import Average
from synthgen.training.dpsgd import private_descent
from synthgen.training.loop import TrainingRecord
from synthgen.training.planning import steps_in_time
from synthgen.training.run import Run, load_weights, parse_options


class DPARConfig(BaseModel):
    """Options of ``model="dp-ar"``.

    Attributes:
        hidden: Units of each column's network.
        steps: Noisy steps; a time limit allows fewer.
        sampling_rate: With which a row is in a batch.
        clip: Largest norm of a row's gradient.
        learning_rate: Of Adam.
        pool: Rows drawn for each free row that raking keeps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: int = Field(32, ge=1, le=1024)
    steps: int = Field(400, ge=1)
    sampling_rate: float = Field(0.06, gt=0, le=1)
    clip: float = Field(1.0, gt=0)
    learning_rate: float = Field(0.01, gt=0)
    pool: float = Field(2.0, ge=1, le=16)


class DPAR(PrivateModel):
    """A chain trained with differential privacy."""

    name: ClassVar[str] = "dp-ar"

    def __init__(self, encoder: TableEncoder, options: DPARConfig, chain: Chain) -> None:
        self.encoder, self.options = encoder, options
        self.chain = chain.eval().requires_grad_(False)

    @classmethod
    @override
    def fit_private(
        cls,
        rows: PrivateTable[EncodedTable],
        encoder: TableEncoder,
        n_rows: float,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[DPAR, TrainingRecord]:
        config = parse_options(DPARConfig, options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.streams.integer("weights"))
            chain = Chain(Codebook.of(encoder), config.hidden)
        optimizer = torch.optim.Adam(chain.parameters(), lr=config.learning_rate, eps=1e-10)
        expected = max(config.sampling_rate * n_rows, 1.0)
        codes = torch.zeros(max(int(expected), 1), chain.n_columns, dtype=torch.long)
        possible = steps_in_time(lambda: chain(codes).sum(), chain, run)
        steps = min(run.max_steps or config.steps, possible)
        config = config.model_copy(update={"steps": steps})
        spent = rows.ledger.left(lambda noise: Gaussian(noise, config.sampling_rate, steps))
        average = Average(chain, steps)
        run.progress.stage("training")

        def stepped(step: int) -> None:
            average.add(step)
            run.progress.stepped(step, steps)

        private_descent(
            chain,
            _losses,
            rows,
            spent,
            what="gradients of the likelihood",
            clip=config.clip,
            optimizer=optimizer,
            expected_rows=expected,
            stepped=stepped,
        )
        average.put_back()
        record = TrainingRecord(steps, steps, "steps", [{"step": float(steps)}])
        return cls(encoder, config, chain), record

    @override
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        def rows(n: int, own: Streams) -> RankedTable:
            return draw(self.chain, self.encoder, n, request, own)

        pool = self.options.pool if not request.codes else 1.0
        return raked_rows(n, pool, rows, self.encoder, streams)

    @override
    def config(self) -> dict[str, Any]:
        return self.options.model_dump()

    @override
    def weights(self) -> dict[str, np.ndarray]:
        return {name: value.cpu().numpy() for name, value in self.chain.state_dict().items()}

    @classmethod
    @override
    def load(
        cls, encoder: TableEncoder, config: dict[str, Any], weights: dict[str, np.ndarray]
    ) -> DPAR:
        options = parse_options(DPARConfig, config, stored=True)
        codebook = Codebook.of(encoder)
        chain = Chain(codebook, options.hidden)
        load_weights(chain, weights)
        return cls(encoder, options, chain)


def _losses(chain: torch.nn.Module, rows: EncodedTable) -> Tensor:
    losses: Tensor = chain(torch.as_tensor(rows.codes).long())
    return losses
