"""What the generator builds: molecules, written as SMILES, or peptides, written as sequences.

Both are graphs that grow by an action at a time; only how a text becomes a graph and a graph a text
differs, and what a critic sees of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from typing_extensions import override

from synthgen import chemistry, peptides
from synthgen.chemistry import Atom, Edges, Graph, Nodes
from synthgen.errors import InvalidInputError
from synthgen.molecular.actions import Action, Alphabet


class Representation(Alphabet, Protocol):
    """How texts become graphs, and back.

    Attributes:
        kind: "molecules" or "peptides".
        column: What a column of such texts is called.
        computed: Names of the properties that follow from a text.
        reorders: Whether a graph can be built in several orders.
        node_fields, relations: Sizes of what `relational` gives.
    """

    kind: ClassVar[str]
    column: ClassVar[str]
    computed: ClassVar[tuple[str, ...]]
    reorders: ClassVar[bool]
    node_fields: ClassVar[tuple[int, ...]]
    relations: ClassVar[int]

    @property
    def settings(self) -> dict[str, str]:
        """Arguments with which `representation` makes it."""
        ...

    def graphs(self, text: Any, orders: int, seed: int) -> tuple[str, list[Graph]]:
        """Canonical text and its graph, then the graph in ``orders`` random orders.

        Raises:
            Unusable: With the reason why it cannot be represented.
        """
        ...

    def canonical(self, text: str) -> str | None:
        """Canonical text, or ``None`` where it is not valid."""
        ...

    def text(self, graph: Graph) -> str | None:
        """Canonical text of a graph, or ``None`` where it is not valid."""
        ...

    def record(self, text: str) -> str:
        """What a canonical text is a record of: texts with one key are one record."""
        ...

    def properties(self, text: str, names: Sequence[str]) -> list[float]:
        """Computed properties of a canonical text."""
        ...

    def relational(self, text: str) -> tuple[Nodes, Edges]:
        """What a critic sees of a canonical text: nodes, directed edges (from, to, relation)."""
        ...

    def drawn(self, graph: Graph) -> tuple[str, Nodes, Edges] | None:
        """Both `text` and `relational` of a graph."""
        ...

    @property
    def n_descriptors(self) -> int:
        """How many numbers `descriptors` gives of a text."""
        ...

    def descriptors(self, texts: Sequence[str]) -> np.ndarray:
        """What predicts other properties: (n, n_descriptors) float32, finite."""
        ...


@dataclass(frozen=True)
class Molecules(Representation):
    """SMILES; ``salts`` as in `synthgen.chemistry.parse`."""

    salts: str = "largest"
    kind: ClassVar[str] = "molecules"
    column: ClassVar[str] = "smiles"
    computed: ClassVar[tuple[str, ...]] = tuple(chemistry.PROPERTIES)
    reorders: ClassVar[bool] = True
    node_fields: ClassVar[tuple[int, ...]] = chemistry.NODE_FIELDS
    relations: ClassVar[int] = chemistry.RELATIONS

    @property
    @override
    def settings(self) -> dict[str, str]:
        return {"kind": self.kind, "salts": self.salts}

    @override
    def graphs(self, text: Any, orders: int, seed: int) -> tuple[str, list[Graph]]:
        graph, canonical = chemistry.represented(text, self.salts)
        if not orders:
            return canonical, [graph]
        molecule = chemistry.parse(canonical, "keep")
        others = [chemistry.to_graph(molecule, seed + k) for k in range(orders)]
        return canonical, [graph, *others]

    @override
    def canonical(self, text: str) -> str | None:
        return chemistry.canonical(text)

    @override
    def record(self, text: str) -> str:
        return chemistry.inchi_key(text)

    @override
    def text(self, graph: Graph) -> str | None:
        return chemistry.to_smiles(graph)

    @override
    def properties(self, text: str, names: Sequence[str]) -> list[float]:
        return chemistry.properties(text, names)

    @override
    def relational(self, text: str) -> tuple[Nodes, Edges]:
        return chemistry.relational(text)

    @override
    def drawn(self, graph: Graph) -> tuple[str, Nodes, Edges] | None:
        return chemistry.to_relational(graph)

    @property
    @override
    def n_descriptors(self) -> int:
        return chemistry.n_descriptors()

    @override
    def descriptors(self, texts: Sequence[str]) -> np.ndarray:
        return chemistry.descriptors(texts)

    @override
    def atom(self, *plain: Any) -> Atom:
        return Atom(*plain)

    @override
    def word(self, action: Action) -> Hashable:
        return action  # an atom with its bond, a ring of a size


@dataclass(frozen=True)
class Peptides(Representation):
    """Sequences of residues."""

    kind: ClassVar[str] = "peptides"
    column: ClassVar[str] = "sequence"
    computed: ClassVar[tuple[str, ...]] = tuple(peptides.PROPERTIES)
    reorders: ClassVar[bool] = False
    node_fields: ClassVar[tuple[int, ...]] = peptides.NODE_FIELDS
    relations: ClassVar[int] = peptides.RELATIONS

    @property
    @override
    def settings(self) -> dict[str, str]:
        return {"kind": self.kind}

    @override
    def graphs(self, text: Any, orders: int, seed: int) -> tuple[str, list[Graph]]:
        sequence = peptides.checked(text)
        return sequence, [peptides.to_graph(sequence)]

    @override
    def canonical(self, text: str) -> str | None:
        return peptides.canonical(text)

    @override
    def record(self, text: str) -> str:
        return text

    @override
    def text(self, graph: Graph) -> str | None:
        return peptides.to_sequence(graph)

    @override
    def properties(self, text: str, names: Sequence[str]) -> list[float]:
        return peptides.properties(text, names)

    @override
    def relational(self, text: str) -> tuple[Nodes, Edges]:
        return peptides.relational(text)

    @override
    def drawn(self, graph: Graph) -> tuple[str, Nodes, Edges] | None:
        text = peptides.to_sequence(graph)
        return None if text is None else (text, *peptides.relational(text))

    @property
    @override
    def n_descriptors(self) -> int:
        return peptides.N_DESCRIPTORS

    @override
    def descriptors(self, texts: Sequence[str]) -> np.ndarray:
        return peptides.descriptors(texts)

    @override
    def atom(self, *plain: Any) -> Atom:
        return peptides.Residue(*plain)

    @override
    def word(self, action: Action) -> Hashable:
        # wherever it stands in the chain
        return action.atom


KINDS = (Molecules.kind, Peptides.kind)


def representation(kind: str, salts: str = "largest") -> Representation:
    """The representation of a kind.

    Raises:
        InvalidInputError: If there is none, or ``salts`` is not for it.
    """
    if kind == Molecules.kind:
        if salts not in chemistry.SALTS:
            raise InvalidInputError(
                f"salts must be one of {', '.join(chemistry.SALTS)}, got {salts!r}"
            )
        return Molecules(salts)
    if kind != Peptides.kind:
        raise InvalidInputError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if salts != "largest":
        raise InvalidInputError(f"salts={salts!r} is for molecules; peptides have none")
    return Peptides()
