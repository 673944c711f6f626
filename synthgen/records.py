"""What a model file tells people - how it was trained, what privacy it cost - checked when read.

No model needs what stands there, so nothing else would find that it makes no sense before it is
shown.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

Amount = Annotated[FiniteFloat, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class _Document(BaseModel):
    # what a later version adds is let through
    model_config = ConfigDict(strict=True, extra="allow")


class Training(_Document):
    """``training.json``; a model of a table has ``n_rows``, one of molecules ``n_molecules``."""

    seed: Count | None = None
    n_rows: Count | None = None
    n_molecules: Count | None = None
    device: str = "unknown"
    steps: Count = 0
    ended_by: str = "unknown"
    warnings: list[str] = []
    history: list[dict[str, float | None]] = []


class Touch(_Document):
    """One entry of a ledger."""

    what: str
    mechanism: str
    sensitivity: Amount
    noise_multiplier: Amount
    sampling_rate: Amount
    times: Count
    delta: Amount


class Spent(_Document):
    """What all entries cost together."""

    epsilon_pld: Amount
    epsilon_rdp: Amount


class Certificate(_Document):
    """``privacy.json``."""

    epsilon: Amount
    delta: Amount
    spent: Spent
    neighbours: str
    unit: str
    public: list[str]
    entries: list[Touch]


class Named(_Document):
    """A property that molecules may be asked for by name."""

    name: str


class Encoding(_Document):
    """What is shown of ``encoding.json``."""

    properties: list[Named] = []


_KINDS: dict[str, type[_Document]] = {
    "training": Training,
    "privacy": Certificate,
    "encoding": Encoding,
}


def check(name: str, document: dict[str, Any]) -> None:
    """Refuse a document of this name that cannot be shown.

    Raises:
        ValueError: Saying where it is wrong.
    """
    if name not in _KINDS:
        return
    try:
        _KINDS[name].model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place[:80]}: {first['msg']}") from None
