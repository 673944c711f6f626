"""Molecules as dense arrays: the kind of every atom and the bond of every pair of atoms.

All molecules have as many places as the largest one has atoms; a place without an atom and a pair
without a bond have the code 0. Memory grows with the square of the places. There is no word for
stereochemistry: a molecule is learned without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np

from synthgen.chemistry import Atom, Bond, Graph, to_smiles
from synthgen.errors import ModelFileError
from synthgen.molecular.actions import MIN_MOLECULES, Action, Alphabet, checked_atom, graph_of

MOST_ATOMS = 40


@dataclass(frozen=True)
class DenseVocabulary:
    """The atoms and bonds that a dense generator knows.

    Attributes:
        atoms: Kinds of atoms, sorted; code k + 1 is the k-th.
        orders: Orders of bonds, sorted; code k + 1 is the k-th.
        size: Places, N.
    """

    atoms: tuple[Atom, ...]
    orders: tuple[int, ...]
    size: int

    @classmethod
    def of(
        cls, sequences: Sequence[list[Action]], held: Alphabet
    ) -> tuple[DenseVocabulary, dict[int, str]]:
        """The vocabulary of molecules, and those it leaves out: index -> the reason.

        Left out are molecules of more than `MOST_ATOMS` atoms, of several components, and those
        with a kind of atom or bond that fewer than `MIN_MOLECULES` have.
        """
        graphs = [_flat(graph_of(sequence)) for sequence in sequences]
        left_out = {i: reason for i, graph in enumerate(graphs) if (reason := _unfit(graph))}
        words = {i: _words(graph) for i, graph in enumerate(graphs) if i not in left_out}
        count = Counter(word for own in words.values() for word in own)
        for i, own in words.items():
            if odd := [word for word in own if count[word] < MIN_MOLECULES]:
                left_out[i] = f"{_told(min(odd))}: fewer than {MIN_MOLECULES} {held.kind} have it"
        kept = [graph for i, graph in enumerate(graphs) if i not in left_out]
        atoms = {atom for graph in kept for atom in graph.atoms}
        orders = {bond.order for graph in kept for bond in graph.bonds}
        largest = max((len(graph.atoms) for graph in kept), default=0)
        return cls(tuple(sorted(atoms)), tuple(sorted(orders)), largest), left_out

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """First and second place (N (N - 1) / 2,) of each pair, in the order of the codes."""
        return np.triu_indices(self.size, 1)

    def encode(self, molecules: Sequence[list[list[Action]]]) -> tuple[np.ndarray, np.ndarray]:
        """Which molecule each row is, and its codes: kinds of N atoms, then bonds of all pairs.

        Shape:
            molecule: (n,) int64; codes: (n, N + N (N - 1) / 2) uint8 or more.
        """
        kinds = {atom: k + 1 for k, atom in enumerate(self.atoms)}
        place = np.zeros((self.size, self.size), np.int64)
        place[self.pairs] = self.size + np.arange(len(self.pairs[0]))
        width = self.size + len(self.pairs[0])
        codes = np.zeros((len(molecules), width), np.min_scalar_type(max(len(self.atoms), 3)))
        for row, (first, *_) in zip(codes, molecules, strict=True):
            graph = _flat(graph_of(first))
            row[: len(graph.atoms)] = [kinds[atom] for atom in graph.atoms]
            for bond in graph.bonds:
                row[place[bond.start, bond.end]] = self.orders.index(bond.order) + 1
        return np.arange(len(molecules)), codes

    def smiles(self, codes: np.ndarray) -> str | None:
        """Canonical SMILES of one row of codes, or ``None`` where it is not a valid molecule.

        Nothing is repaired: a bond to a place without an atom, several components, too many bonds
        and an atom without the bonds that it has to have are all not valid.
        """
        nodes, bonded = codes[: self.size], codes[self.size :].nonzero()[0]
        starts, ends = (side[bonded] for side in self.pairs)
        if not nodes.any() or not (nodes[starts].all() and nodes[ends].all()):
            return None
        number = (nodes > 0).cumsum() - 1
        atoms = tuple(self.atoms[code - 1] for code in nodes[nodes > 0])
        orders = [self.orders[code - 1] for code in codes[self.size + bonded]]
        total = np.bincount(np.r_[starts, ends], np.r_[orders, orders], self.size)[nodes > 0]
        if any(atom.is_fixed and atom.bonds != n for atom, n in zip(atoms, total, strict=True)):
            return None
        pairs = zip(number[starts].tolist(), number[ends].tolist(), orders, strict=True)
        text = to_smiles(Graph(atoms, tuple(Bond(*pair) for pair in pairs)))
        return None if text is None or "." in text else text

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "atoms": [list(astuple(atom)) for atom in self.atoms]}

    @classmethod
    def from_dict(cls, found: dict[str, Any], held: Alphabet) -> DenseVocabulary:
        """Inverse of `to_dict`.

        Raises:
            ModelFileError: If it is not a vocabulary.
        """
        try:
            atoms = tuple(held.atom(*checked_atom(*atom)) for atom in found["atoms"])
            orders, size = tuple(found["orders"]), int(found["size"])
            if not atoms or list(atoms) != sorted(set(atoms)):
                raise ValueError("no atoms, or they stand in a wrong order")
            if list(orders) != sorted(set(orders).intersection((1, 2, 3))):
                raise ValueError("bonds of no order")
            if not 0 < size <= MOST_ATOMS:
                raise ValueError("a size out of range")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"encoding.json: not a vocabulary of atoms and bonds ({error}); the file is damaged"
            ) from None
        return cls(atoms, orders, size)


def _flat(graph: Graph) -> Graph:
    """Without stereochemistry."""
    return Graph(
        tuple(replace(atom, chirality=0) if atom.chirality else atom for atom in graph.atoms),
        tuple(replace(bond, stereo=0) if bond.stereo else bond for bond in graph.bonds),
    )


def _unfit(graph: Graph) -> str | None:
    """Why a molecule does not fit into dense arrays."""
    if len(graph.atoms) > MOST_ATOMS:
        return f"more than {MOST_ATOMS} atoms: a dense graph holds every pair of them"
    # an atom that no bond leads to begins a component
    if len({bond.end for bond in graph.bonds}) < len(graph.atoms) - 1:
        return "several components: a dense graph is one"
    return None


def _words(graph: Graph) -> set[tuple[int, Atom]]:
    """Kinds of atoms (0, atom) and of bonds (order, no atom)."""
    none = Atom("")
    return {(0, atom) for atom in graph.atoms} | {(bond.order, none) for bond in graph.bonds}


def _told(word: tuple[int, Atom]) -> str:
    order, atom = word
    if order:
        return ("a single", "a double", "a triple")[order - 1] + " bond"
    return str(Action(0, atom=atom))
