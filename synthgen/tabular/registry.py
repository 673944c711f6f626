"""The table models by name."""

from __future__ import annotations

from synthgen.tabular.autoregressive.model import ARGAN
from synthgen.tabular.model import TableModel
from synthgen.tabular.oneshot import CTGAN
from synthgen.training.run import find

MODELS: dict[str, type[TableModel]] = {model.name: model for model in (ARGAN, CTGAN)}
DEFAULT_MODEL = ARGAN.name


def find_model(name: str) -> type[TableModel]:
    """The model called ``name``; "auto" is the default one."""
    return find(name, MODELS, DEFAULT_MODEL)
