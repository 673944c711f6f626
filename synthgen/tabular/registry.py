"""The table models by name."""

from __future__ import annotations

from synthgen.errors import InvalidInputError
from synthgen.tabular.autoregressive.model import ARGAN
from synthgen.tabular.model import PrivateModel, TableModel
from synthgen.tabular.oneshot import CTGAN
from synthgen.tabular.private.gan import DPGAN
from synthgen.tabular.private.likelihood import DPAR
from synthgen.training.run import find

PRIVATE_MODELS: dict[str, type[PrivateModel]] = {DPAR.name: DPAR, DPGAN.name: DPGAN}
MODELS: dict[str, type[TableModel]] = {ARGAN.name: ARGAN, CTGAN.name: CTGAN, **PRIVATE_MODELS}
DEFAULT_MODEL, DEFAULT_PRIVATE_MODEL = ARGAN.name, DPAR.name


def find_model(name: str) -> type[TableModel]:
    """The model called ``name``; "auto" is the default one."""
    return find(name, MODELS, DEFAULT_MODEL)


def find_private_model(name: str) -> type[PrivateModel]:
    """The model called ``name``, which has to be trained with differential privacy.

    Raises:
        InvalidInputError: If it is not: nothing falls back to a fit without the guarantee.
    """
    if name != "auto" and name in MODELS and name not in PRIVATE_MODELS:
        choices = " or ".join(f"model={other!r}" for other in PRIVATE_MODELS)
        raise InvalidInputError(
            f"model {name!r} learns from raw rows and cannot keep epsilon; nothing was trained. "
            f"Take {choices}, or leave epsilon and delta out"
        )
    return find(name, PRIVATE_MODELS, DEFAULT_PRIVATE_MODEL)
