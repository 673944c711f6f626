"""What every generator of rows offers to `SynthGen`, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ValidationError

from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.relations.imputing import Barred
from synthgen.sampling.request import Request
from synthgen.seeds import Streams
from synthgen.training.loop import TrainingRecord
from synthgen.training.progress import Progress

Config = TypeVar("Config", bound=BaseModel)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """The circumstances of one fit.

    Attributes:
        streams: Random streams of the fit.
        device: Where to train.
        progress: Where to report.
        max_steps: Steps asked for, or ``None`` for the model's own number.
        deadline: Value of ``time.monotonic()`` at which the model has to be ready, or ``None``.
    """

    streams: Streams
    device: torch.device
    progress: Progress
    max_steps: int | None = None
    deadline: float | None = None


class TableModel(ABC):
    """A generator of encoded rows."""

    name: ClassVar[str]

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


def parse_options(config: type[Config], options: dict[str, Any], *, stored: bool = False) -> Config:
    """Options as a model's configuration; ``stored`` ones come from a model file.

    Raises:
        InvalidInputError: If an option is unknown or out of range.
        ModelFileError: The same, of stored ones.
    """
    try:
        return config.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        choices = ", ".join(config.model_fields)
        hint = f"; there is {choices}" if first["type"] == "extra_forbidden" else ""
        text = f"{place}: {first['msg']}, got {first['input']!r}{hint}"
    if stored:
        raise ModelFileError(f"config.json: {text}")
    raise InvalidInputError(f"model option {text}")


def check_shapes(found: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """Refuse stored arrays other than the expected ones.

    Raises:
        ModelFileError: Naming the first array that is missing, too many or of another shape.
    """
    odd = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    if odd:
        raise ModelFileError(
            f"weights.safetensors: {odd[0]} has shape {found.get(odd[0])}, expected "
            f"{expected.get(odd[0])}; the file is damaged or of another model"
        )
