"""What every generator of rows offers to `SynthGen`, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import InvalidInputError
from synthgen.privacy.ledger import PrivateTable
from synthgen.relations.imputing import Barred
from synthgen.sampling.request import Request
from synthgen.seeds import Streams
from synthgen.training.loop import TrainingRecord
from synthgen.training.run import Run


class TableModel(ABC):
    """A generator of encoded rows.

    Attributes:
        name: What it is called.
        parallel: Whether its training follows the strategy of a `Run`.
    """

    name: ClassVar[str]
    parallel: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fit(
        cls, table: EncodedTable, encoder: TableEncoder, options: dict[str, Any], run: Run
    ) -> tuple[TableModel, TrainingRecord]:
        """Train on an encoded table.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """

    @classmethod
    @abstractmethod
    def memory_mb(cls, n_rows: int, encoder: TableEncoder, options: dict[str, Any]) -> float:
        """About how much memory a fit takes, beside that of the table and its codes."""

    @classmethod
    def rows_read(cls, n_rows: int, options: dict[str, Any], max_steps: int | None) -> int:
        """How many rows of a table a fit can get to see; more need not be encoded."""
        return n_rows

    @abstractmethod
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        """``n`` rows that meet ``request``."""

    def impute(
        self,
        table: EncodedTable,
        missing: np.ndarray,
        barred: Mapping[int, Barred],
        streams: Streams,
        *,
        best_guess: bool,
    ) -> RankedTable:
        """Rows whose ``missing`` (n, n_columns) cells are filled, none with a ``barred`` code.

        Raises:
            InvalidInputError: If the model cannot.
        """
        raise InvalidInputError(
            f"model {self.name} cannot fill missing cells; fit with model='auto'"
        )

    def log_likelihood(self, table: EncodedTable) -> np.ndarray:
        """Log likelihood (n,) of rows, in nats; values count by the density of their ranks.

        Raises:
            InvalidInputError: If the model has none.
        """
        raise InvalidInputError(f"model {self.name} gives rows no likelihood")

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""

    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and encoder, are the model."""

    @classmethod
    @abstractmethod
    def load(
        cls, encoder: TableEncoder, config: dict[str, Any], weights: dict[str, np.ndarray]
    ) -> TableModel:
        """Inverse of `config` and `weights`; raises `ModelFileError` if they do not fit."""


class PrivateModel(TableModel):
    """A generator of rows that learns from noisy gradients alone."""

    @classmethod
    @override
    def fit(
        cls, table: EncodedTable, encoder: TableEncoder, options: dict[str, Any], run: Run
    ) -> tuple[TableModel, TrainingRecord]:
        raise InvalidInputError(
            f"model {cls.name} is trained with differential privacy: give epsilon and delta"
        )

    @classmethod
    @abstractmethod
    def fit_private(
        cls,
        rows: PrivateTable[EncodedTable],
        encoder: TableEncoder,
        n_rows: float,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[PrivateModel, TrainingRecord]:
        """Train on private rows with all that is left of their ledger's budget.

        Args:
            rows: Encoded rows.
            encoder: Bought.
            n_rows: Noisy number of rows.
            options: Options of the model.
            run: The circumstances.

        Raises:
            InvalidInputError: If an option is unknown or out of range, or the budget too small.
            BudgetError: If the time limit leaves no room for a step.
        """

    @classmethod
    @override
    def memory_mb(cls, n_rows: int, encoder: TableEncoder, options: dict[str, Any]) -> float:
        # gradients of a physical batch, row by row; the network is small
        return 400.0
