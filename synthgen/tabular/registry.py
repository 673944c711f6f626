"""The table models by name."""

from __future__ import annotations

from synthgen.errors import InvalidInputError
from synthgen.schema import nearest
from synthgen.tabular.autoregressive.model import ARGAN
from synthgen.tabular.model import TableModel
from synthgen.tabular.oneshot import CTGAN

MODELS: dict[str, type[TableModel]] = {model.name: model for model in (ARGAN, CTGAN)}
DEFAULT_MODEL = ARGAN.name


def find_model(name: str) -> type[TableModel]:
    """The model called ``name``; "auto" is the default one."""
    name = DEFAULT_MODEL if name == "auto" else name
    if name not in MODELS:
        raise InvalidInputError(f"there is no model {name!r}{nearest(name, ['auto', *MODELS])}")
    return MODELS[name]
