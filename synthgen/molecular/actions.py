"""A molecule as the actions that build it, and the vocabulary of a set of molecules.

Atoms are added along a depth-first walk. An action

- starts the molecule with an atom (`ROOT`), or bonds a new atom to the current one, which then is
  the current one (`ATOM`),
- closes a ring from the current atom to the one so many bonds up its path (`RING`),
- goes so many bonds up the path, to give an earlier atom another branch (`UP`), or
- ends the molecule (`END`).

So a molecule of n atoms takes n actions, and one more for each ring, each branch and the end. All
that an action may bond to lies on the path: what is left of it is known without looking back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import numpy as np

from synthgen.chemistry import Atom, Bond, Graph
from synthgen.errors import ModelFileError

END, ROOT, ATOM, RING, UP = range(5)
# an action that fewer molecules hold would give them away
MIN_MOLECULES = 5


@dataclass(frozen=True, order=True)
class Action:
    """One action; what has no meaning for its kind is 0 or ``None``.

    Attributes:
        kind: `END`, `ROOT`, `ATOM`, `RING` or `UP`.
        order, stereo: Of the bond it makes.
        distance: Bonds up the path.
        atom: The new atom.
    """

    kind: int
    order: int = 0
    stereo: int = 0
    distance: int = 0
    atom: Atom | None = None

    def __str__(self) -> str:
        bond = {0: "", 1: "-", 2: "=", 3: "#"}[self.order] + ("", "cis", "trans")[self.stereo]
        if self.atom is not None:
            return f"{bond}{self.atom}"
        if self.kind == RING:
            return f"a ring of {self.distance + 1} closed by {bond}"
        return "end" if self.kind == END else f"{self.distance} up"


def actions_of(graph: Graph) -> list[Action]:
    """The actions that build a graph, `END` included."""
    made: list[list[Bond]] = [[] for _ in graph.atoms]
    for bond in graph.bonds:
        made[bond.end].append(bond)
    depth = [0] * len(graph.atoms)
    found = []
    for i, (atom, bonds) in enumerate(zip(graph.atoms, made, strict=True)):
        if not bonds:
            found.append(Action(ROOT, atom=atom))
            continue
        parent, *rings = bonds
        depth[i] = depth[parent.start] + 1
        if up := depth[i - 1] - depth[parent.start]:
            found.append(Action(UP, distance=up))
        found.append(Action(ATOM, parent.order, parent.stereo, atom=atom))
        found += [
            Action(RING, ring.order, ring.stereo, depth[i] - depth[ring.start]) for ring in rings
        ]
    return [*found, Action(END)]


def graph_of(actions: Iterable[Action]) -> Graph:
    """The graph that actions build; inverse of `actions_of`."""
    atoms: list[Atom] = []
    bonds: list[Bond] = []
    path: list[int] = []
    for action in actions:
        if action.kind == END:
            break
        if action.kind == UP:
            del path[-action.distance :]
            continue
        if action.kind == RING:
            bonds.append(Bond(path[-1 - action.distance], path[-1], action.order, action.stereo))
            continue
        assert action.atom is not None
        if action.kind == ROOT:
            path = []
        else:
            bonds.append(Bond(path[-1], len(atoms), action.order, action.stereo))
        path.append(len(atoms))
        atoms.append(action.atom)
    return Graph(tuple(atoms), tuple(bonds))


class Alphabet(Protocol):
    """What is written in actions.

    Attributes:
        kind: "molecules" or "peptides".
    """

    @property
    def kind(self) -> str: ...

    def atom(self, *plain: Any) -> Atom:
        """A node of the graph, of its fields."""
        ...

    def word(self, action: Action) -> Hashable:
        """What has to be in several graphs to be learned, of an action that adds to them."""
        ...


@dataclass(frozen=True)
class Vocabulary:
    """The actions that a generator knows, `END` first.

    Attributes:
        actions: Sorted.
        max_length: Actions of the longest molecule, `END` included.
        max_depth: Most bonds on a path.
        components: Whether molecules may have several components.
    """

    actions: tuple[Action, ...]
    max_length: int
    max_depth: int
    components: bool = False

    @classmethod
    def of(
        cls, sequences: Sequence[list[Action]], held: Alphabet
    ) -> tuple[Vocabulary, dict[int, str]]:
        """The vocabulary of molecules, and those it leaves out: index -> the reason.

        Left out are molecules with an action whose word fewer than `MIN_MOLECULES` have.
        """
        words = [{held.word(a) for a in s if a.kind in (ROOT, ATOM, RING)} for s in sequences]
        count = Counter(chain.from_iterable(words))
        rare = {one for one, n in count.items() if n < MIN_MOLECULES}
        left_out = {
            i: f"{min(map(str, odd))}: fewer than {MIN_MOLECULES} {held.kind} have it"
            for i, one in enumerate(words)
            if (odd := rare & one)
        }
        kept = [sequence for i, sequence in enumerate(sequences) if i not in left_out]
        depth = max((_depth(sequence) for sequence in kept), default=0)
        known = {action for sequence in kept for action in sequence}
        several = any(sum(a.kind == ROOT for a in sequence) > 1 for sequence in kept)
        longest = max(map(len, kept), default=0)
        return cls.made(known, longest, depth, several), left_out

    @classmethod
    def made(
        cls,
        actions: Iterable[Action],
        max_length: int,
        max_depth: int | None = None,
        components: bool = False,
    ) -> Vocabulary:
        """A vocabulary of ``actions`` with what has to be in each; depth as far as length goes."""
        depth = max_length if max_depth is None else max_depth
        known = {*actions, Action(END)}
        if any(a.atom and a.atom.left(a.order) > 1 for a in known):
            # every way back up the path has a word, so that no atom is out of reach
            known |= {Action(UP, distance=k) for k in range(1, depth + 1)}
        return cls(tuple(sorted(known, key=_sorting)), max_length, depth, components)

    def __len__(self) -> int:
        return len(self.actions)

    @cached_property
    def index(self) -> dict[Action, int]:
        """Index of each action."""
        return {action: i for i, action in enumerate(self.actions)}

    @cached_property
    def atoms(self) -> tuple[Atom, ...]:
        """Kinds of atoms."""
        return tuple(sorted({a.atom for a in self.actions if a.atom is not None}))

    def encode(self, molecules: Sequence[list[list[Action]]]) -> tuple[np.ndarray, np.ndarray]:
        """Which molecule each row is, and its codes: a row for every order that has words.

        Shape:
            molecule: (n,) int64; codes: (n, longest) int16.
        """
        known = set(self.actions)
        rows = [
            (m, order)
            for m, orders in enumerate(molecules)
            for order in orders
            if known.issuperset(order) and len(order) <= self.max_length
        ]
        return np.array([m for m, _ in rows], np.int64), self.codes([order for _, order in rows])

    def codes(self, sequences: Sequence[list[Action]]) -> np.ndarray:
        """(n, longest) int16 indices of the actions; `END` (0) fills the rest of a row."""
        codes = np.zeros((len(sequences), max(map(len, sequences), default=0)), np.int16)
        for row, sequence in zip(codes, sequences, strict=True):
            row[: len(sequence)] = [self.index[action] for action in sequence]
        return codes

    def graph(self, codes: Iterable[int]) -> Graph:
        """The graph of one row of codes."""
        return graph_of(self.actions[code] for code in codes)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        kinds = {atom: i for i, atom in enumerate(self.atoms)}
        plain = [
            [a.kind, a.order, a.stereo, a.distance, -1 if a.atom is None else kinds[a.atom]]
            for a in self.actions
        ]
        return {
            "atoms": [list(astuple(atom)) for atom in self.atoms],
            "actions": plain,
            **{name: asdict(self)[name] for name in ("max_length", "max_depth", "components")},
        }

    @classmethod
    def from_dict(cls, found: dict[str, Any], held: Alphabet) -> Vocabulary:
        """Inverse of `to_dict`.

        Raises:
            ModelFileError: If it is not a vocabulary.
        """
        try:
            atoms = [held.atom(*checked_atom(*atom)) for atom in found["atoms"]]
            actions = tuple(
                Action(kind, order, stereo, distance, atoms[atom] if atom >= 0 else None)
                for kind, order, stereo, distance, atom in found["actions"]
            )
            sizes = int(found["max_length"]), int(found["max_depth"]), bool(found["components"])
            if not all(map(_is_sound, actions)) or list(actions) != sorted(
                set(actions), key=_sorting
            ):
                raise ValueError("actions that mean nothing, or stand in a wrong order")
            if actions[0] != Action(END) or not (0 < sizes[0] < 10_000 and 0 <= sizes[1] < 10_000):
                raise ValueError("sizes out of range")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelFileError(
                f"encoding.json: not a vocabulary of actions ({error}); the file is damaged"
            ) from None
        return cls(actions, *sizes)


def _sorting(action: Action) -> tuple[Any, ...]:
    return (action.kind, action.order, action.stereo, action.distance, action.atom or Atom(""))


def checked_atom(symbol: str, *numbers: int) -> tuple[Any, ...]:
    """The fields of an atom as a file has them; raises `ValueError` if they are none."""
    if not (isinstance(symbol, str) and symbol.isalpha() and len(symbol) <= 2):
        raise ValueError(f"no element {symbol!r}")
    if len(numbers) != 5 or any(not isinstance(n, int) or abs(n) > 400 for n in numbers):
        raise ValueError("an atom that is none")
    return (symbol, *numbers)


def _is_sound(action: Action) -> bool:
    """Whether an action's parts fit its kind."""
    has_atom = action.kind in (ROOT, ATOM)
    has_bond = action.kind in (ATOM, RING)
    return (
        action.kind in range(5)
        and has_atom == (action.atom is not None)
        and (action.order in (1, 2, 3) if has_bond else action.order == 0)
        and action.stereo in (0, 1, 2)
        and (0 < action.distance < 10_000 if action.kind in (RING, UP) else action.distance == 0)
    )


def _depth(sequence: list[Action]) -> int:
    """Most bonds on a path."""
    depth = most = 0
    for action in sequence:
        if action.kind == ROOT:
            depth = 0
        elif action.kind == ATOM:
            depth += 1
        elif action.kind == UP:
            depth -= action.distance
        most = max(most, depth)
    return most
