"""``model="dp-ar"``, the default with epsilon: DP-SGD on the likelihood of a chain of networks.

The chain starts at the columns' bought shares, as if they were independent, and learns from noisy
gradients how they depend on each other. What follows costs nothing: the second half of the weights
is averaged, and free rows are raked to the shares that were bought.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import override

from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.privacy.ledger import PrivateTable
from synthgen.sampling.request import Request
from synthgen.seeds import Streams
from synthgen.tabular.model import PrivateModel
from synthgen.tabular.private.codebook import Codebook
from synthgen.tabular.private.drawing import draw
from synthgen.tabular.private.network import Chain
from synthgen.tabular.private.raked import raked_rows
from synthgen.training.loop import TrainingRecord
from synthgen.training.private import DescentConfig, train_privately
from synthgen.training.run import Run, load_weights, parse_options


class DPARConfig(DescentConfig):
    """Options of ``model="dp-ar"``, beside those of `DescentConfig`.

    Attributes:
        hidden: Units of each column's network.
        pool: Rows drawn for each free row that raking keeps.
    """

    hidden: int = Field(32, ge=1, le=1024)
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
        codes = torch.zeros(config.expected(n_rows), chain.n_columns, dtype=torch.long)
        config, record = train_privately(
            chain,
            _losses,
            lambda: chain(codes).sum(),
            rows,
            n_rows,
            config,
            run,
            what="gradients of the likelihood",
        )
        return cls(encoder, config, chain), record

    @override
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        def rows(n: int, own: Streams) -> RankedTable:
            return draw(self.chain, self.encoder, n, request, own)

        pool = self.options.pool if not request.codes else 1.0
        return raked_rows(n, pool, rows, self.encoder, streams)

    @override
    def log_likelihood(self, table: EncodedTable) -> np.ndarray:
        with torch.no_grad():
            return -_losses(self.chain, table).double().numpy()

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
        load_weights({"": chain}, weights)
        return cls(encoder, options, chain)


def _losses(chain: torch.nn.Module, rows: EncodedTable) -> Tensor:
    losses: Tensor = chain(torch.as_tensor(rows.codes).long())
    return losses
