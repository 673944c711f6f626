"""The peers: the script that runs each, its environment, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Peer:
    """Another project's generator.

    Attributes:
        environment: Its environment in `.envs/`; requirements are in `peers/`.
        script: Its script in `peers/`.
        algorithm: Which of the project's generators; the script is told.
        title: What the tables of results call it.
        epochs: Passes over the train rows by table, of peers that train for a fixed number.
        other_epochs: Passes over a table that ``epochs`` does not name; 0: the peer ends by itself.
        train_rows: The most train rows it is given, for one that would take days with all.
    """

    environment: str
    script: str
    algorithm: str
    title: str
    epochs: Mapping[str, int] = field(default_factory=dict)
    other_epochs: int = 0
    train_rows: int | None = None

    def epochs_on(self, table: str) -> int:
        """Passes over the train rows of ``table``."""
        return self.epochs.get(table, self.other_epochs)


PEERS: dict[str, Peer] = {
    # Its default is 300 epochs: over an hour on Adult with two cores, and six hours on the sample
    # of Diabetes, whose columns have over 2,000 categories.
    "ctgan": Peer(
        "ctgan",
        "ctgan_peer.py",
        "ctgan package",
        "ctgan",
        epochs={"adult": 300, "diabetes": 30},
        other_epochs=60,
    ),
    "sdv-gaussiancopula": Peer("sdv", "sdv_peer.py", "GaussianCopula", "sdv GaussianCopula"),
    "sdv-tvae": Peer(
        "sdv", "sdv_peer.py", "TVAE", "sdv TVAE", epochs={"diabetes": 100}, other_epochs=300
    ),
    "arfpy": Peer("arfpy", "arfpy_peer.py", "arf", "arfpy", train_rows=10_000),
    "mostlyai": Peer(
        "mostlyai-engine", "mostlyai_peer.py", "TabularARGN", "mostlyai-engine TabularARGN"
    ),
    # differential privacy: epsilon is an option, delta 1e-5
    "aim": Peer("dpmm", "dpmm_peer.py", "AIM", "AIM (dpmm)"),
}
