"""Peptides as chains of residues: what `synthgen.chemistry` is to molecules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from typing_extensions import override

from synthgen.chemistry import Atom, Bond, Graph, Unusable
from synthgen.errors import InvalidInputError


class Facts(NamedTuple):
    """Of a residue.

    Attributes:
        hydropathy: Kyte and Doolittle, *A simple method for displaying the hydropathic character of
            a protein*, 1982, table 2.
        weight: Average mass in daltons, of the amino acid without the water that bonding frees.
        charge: At pH 7, the most common one; of histidine, a tenth is protonated (pKa 6).
    """

    hydropathy: float
    weight: float
    charge: float = 0.0


RESIDUES = {
    "A": Facts(1.8, 71.079),
    "C": Facts(2.5, 103.146),
    "D": Facts(-3.5, 115.088, -1.0),
    "E": Facts(-3.5, 129.115, -1.0),
    "F": Facts(2.8, 147.177),
    "G": Facts(-0.4, 57.052),
    "H": Facts(-3.2, 137.142, 0.1),
    "I": Facts(4.5, 113.160),
    "K": Facts(-3.9, 128.175, 1.0),
    "L": Facts(3.8, 113.160),
    "M": Facts(1.9, 131.200),
    "N": Facts(-3.5, 114.104),
    "P": Facts(-1.6, 97.117),
    "Q": Facts(-3.5, 128.131),
    "R": Facts(-4.5, 156.189, 1.0),
    "S": Facts(-0.8, 87.078),
    "T": Facts(-0.7, 101.105),
    "V": Facts(4.2, 99.133),
    "W": Facts(-0.9, 186.214),
    "Y": Facts(-1.3, 163.176),
}
_WATER = 18.015
# what letters that are no residue stand for
_NO_RESIDUE = {
    "B": "either D or N",
    "J": "either I or L",
    "O": "pyrrolysine",
    "U": "selenocysteine",
    "X": "any residue",
    "Z": "either E or Q",
    "*": "the end of translation",
    "-": "a gap",
    ".": "a gap",
}


@dataclass(frozen=True, order=True)
class Residue(Atom):
    """A residue in place of an atom; its ``symbol`` is its letter, the other fields mean nothing.

    Wherever it stands one more residue may follow it, and no other.
    """

    @override
    def left(self, order: int) -> int:
        return 1

    @property
    @override
    def is_fixed(self) -> bool:
        return False

    @override
    def __str__(self) -> str:
        return f"residue {self.symbol}"


def checked(text: Any) -> str:
    """A sequence of the 20 standard residues, upper-case one-letter codes from N to C terminus.

    Raises:
        Unusable: With the reason why it is none.
    """
    if not isinstance(text, str) or not text.strip():
        raise Unusable("empty")
    sequence = text.strip()
    odd = next((letter for letter in sequence if letter not in RESIDUES), None)
    if odd is None:
        return sequence
    if odd.upper() in RESIDUES:
        # often D-residues or masked ones: to read them as plain ones would be a guess
        raise Unusable(f"lower-case letter {odd!r}: residues are written in upper case")
    meaning = _NO_RESIDUE.get(odd.upper())
    raise Unusable(f"{odd!r} is no residue" + (f" but {meaning}" if meaning else ""))


def canonical(text: str) -> str | None:
    """The sequence, or ``None`` where it is not valid."""
    try:
        return checked(text)
    except Unusable:
        return None


def to_graph(sequence: str) -> Graph:
    """The chain of a valid sequence."""
    bonds = tuple(Bond(i, i + 1, 1) for i in range(len(sequence) - 1))
    return Graph(tuple(map(Residue, sequence)), bonds)


def to_sequence(graph: Graph) -> str | None:
    """Inverse of `to_graph`; ``None`` where it is no chain of residues."""
    chain = tuple(Bond(i, i + 1, 1) for i in range(len(graph.atoms) - 1))
    text = "".join(atom.symbol for atom in graph.atoms)
    return canonical(text) if graph.bonds == chain else None


# Properties --------------------------------------------------------------------------------------


def _total(fact: Callable[[Facts], float]) -> Callable[[str], float]:
    return lambda sequence: sum(
        n * fact(RESIDUES[letter]) for letter, n in sorted(Counter(sequence).items())
    )


_hydropathy = _total(lambda facts: facts.hydropathy)
_weight = _total(lambda facts: facts.weight)
PROPERTIES: dict[str, Callable[[str], float]] = {
    "length": len,
    # K + R + H / 10 - D - E; the charges of the two ends cancel
    "charge": _total(lambda facts: facts.charge),
    "hydrophobicity": lambda sequence: _hydropathy(sequence) / len(sequence),
    "weight": lambda sequence: _weight(sequence) + _WATER,
}


def properties(sequence: str, names: Iterable[str]) -> list[float]:
    """Properties of a valid sequence by their names in `PROPERTIES`.

    Raises:
        InvalidInputError: If it is not valid.
    """
    if canonical(sequence) is None:
        raise InvalidInputError(f"{sequence!r} is not a sequence of residues")
    return [float(PROPERTIES[name](sequence)) for name in names]


_PLACE = {letter: i for i, letter in enumerate(RESIDUES)}
# shares of residues, of pairs of residues that follow each other, properties
N_DESCRIPTORS = len(RESIDUES) + len(RESIDUES) ** 2 + len(PROPERTIES)


def descriptors(sequences: Sequence[str]) -> np.ndarray:
    """What predicts other properties of valid sequences (n,): (n, N_DESCRIPTORS) float32."""
    n = len(RESIDUES)
    found = np.zeros((len(sequences), N_DESCRIPTORS), np.float32)
    for row, sequence in zip(found, sequences, strict=True):
        codes = np.array([_PLACE[letter] for letter in sequence])
        row[:n] = np.bincount(codes, minlength=n) / len(codes)
        pairs = np.bincount(codes[:-1] * n + codes[1:], minlength=n * n)
        row[n : n + n * n] = pairs / max(len(codes) - 1, 1)
        row[n + n * n :] = properties(sequence, PROPERTIES)
    return found


# Relational graphs -------------------------------------------------------------------------------

_ENDS = 10
# how many values each field of a node has: residue, residues before it and after it, up to 10
NODE_FIELDS = (len(RESIDUES), _ENDS + 1, _ENDS + 1)
# residues that stand near in the chain, or on the same side of a helix of 3.6 residues a turn
_APART = (1, 2, 3, 4)
RELATIONS = 2 * len(_APART)


def relational(sequence: str) -> tuple[list[int], list[int]]:
    """Fields of the nodes, then from, to and relation of the directed edges, of a valid sequence.

    One node, one edge after another, as `synthgen.chemistry.relational` gives them.
    """
    n = len(sequence)
    nodes: list[int] = []
    for i, letter in enumerate(sequence):
        nodes += (_PLACE[letter], min(i, _ENDS), min(n - 1 - i, _ENDS))
    edges: list[int] = []
    for k, apart in enumerate(_APART):
        for i in range(n - apart):
            edges += (i, i + apart, 2 * k, i + apart, i, 2 * k + 1)
    return nodes, edges
