"""The table models by name."""

from __future__ import annotations

from synthgen.tabular.autoregressive.model import ARGAN
from synthgen.tabular.model import PrivateModel, TableModel
from synthgen.tabular.oneshot import CTGAN
from synthgen.tabular.private.gan import DPGAN
from synthgen.tabular.private.likelihood import DPAR
from synthgen.training.run import find, find_private

PRIVATE_MODELS: dict[str, type[PrivateModel]] = {DPAR.name: DPAR, DPGAN.name: DPGAN}
MODELS: dict[str, type[TableModel]] = {ARGAN.name: ARGAN, CTGAN.name: CTGAN, **PRIVATE_MODELS}
DEFAULT_MODEL, DEFAULT_PRIVATE_MODEL = ARGAN.name, DPAR.name


def find_model(name: str) -> type[TableModel]:
    """The model called ``name``; "auto" is the default one."""
    return find(name, MODELS, DEFAULT_MODEL)


def find_private_model(name: str) -> type[PrivateModel]:
    """The model called ``name``, trained with differential privacy; "auto" is the default one."""
    return find_private(name, MODELS, PRIVATE_MODELS, DEFAULT_PRIVATE_MODEL)
