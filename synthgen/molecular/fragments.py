"""Molecules that hold a fragment: drawing keeps room for it, and makes it bond by bond.

A fragment is a walk: its first atom, then a bond for each further atom and each ring, in the order
of a depth-first walk. A molecule may begin with atoms of its own; at some step it takes the walk's
first atom. From then on, whenever the current atom is the one that the walk's next bond starts
from, that bond may be made; until then the bonds that its atoms still need are kept free, and none
of these atoms leaves the path. What the network chooses in between are branches of its own; a ring
of its own takes at most two aromatic atoms of the fragment, so that none is bridged out of its
aromaticity. When the steps run short the walk goes on alone. So every molecule holds the fragment
when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from synthgen.chemistry import Graph, Unusable, aromatic_hydrogens, fragment_graphs
from synthgen.errors import ConditionError
from synthgen.molecular.actions import ATOM, END, RING, ROOT, UP, Vocabulary, actions_of
from synthgen.molecular.construction import Construction, Rules, moved

# what conditions call it
FRAGMENT = "fragment"
# walks over one fragment that are tried; each molecule follows one of those there are words for
_WALKS = 64
# an atom that could be the fragment's first one is it in so many cases
_BEGINS = 0.5


@dataclass(frozen=True)
class Fragment:
    """Walks over a fragment in the words of a vocabulary; W of them, of S bonds, over F atoms.

    Shape:
        height: Bonds of the longest way down any walk.
        begins: (W, n_actions) bool, actions that add the first atom.
        code: (W, S) int64 the action that makes a bond.
        start: (W, S) int64 the atom that has to be the current one, from 1.
        new: (W, S) int64 the atom that is added, from 1; 0 where a ring is closed.
        needs: (W, S + 1, F + 1) int64 bonds that each atom still has to make before each step.
        aromatic: (W, F + 1) int64, 1 for aromatic atoms.
        barred: (W, F + 1) int64 bonds that these must not make: more than they have hydrogens for.
        late: (W,) bool, whether other atoms may come first.
        up: (n_distances,) int64 the action that goes so far up; 0 where there is none.
    """

    height: int
    begins: Tensor
    code: Tensor
    start: Tensor
    new: Tensor
    needs: Tensor
    aromatic: Tensor
    barred: Tensor
    late: Tensor
    up: Tensor

    @classmethod
    def of(cls, smiles: object, vocabulary: Vocabulary, device: torch.device) -> Fragment:
        """The walks over a fragment that a vocabulary has words for.

        Raises:
            ConditionError: If it is no SMILES of one component, or holds what the vocabulary
                has no word for, or is too large for the molecules that were learned.
        """
        try:
            graphs = fragment_graphs(smiles, _WALKS)
        except Unusable as why:
            raise ConditionError(f"fragment {smiles!r}: {why}") from None
        walks = list(dict.fromkeys(graphs))
        rules = Rules.of(vocabulary, torch.device("cpu"))
        reasons = [_missing(graph, vocabulary, rules) for graph in walks]
        known = [graph for graph, why in zip(walks, reasons, strict=True) if not why]
        if not known:
            raise ConditionError(f"fragment {smiles!r}: {min(reasons, key=len)}")
        return cls._compiled(known, vocabulary, rules, device)

    @classmethod
    def _compiled(
        cls, walks: Sequence[Graph], vocabulary: Vocabulary, rules: Rules, device: torch.device
    ) -> Fragment:
        w, s, f = len(walks), len(walks[0].bonds), len(walks[0].atoms)
        begins = np.zeros((w, len(vocabulary)), bool)
        code, start, new = (np.zeros((w, s + 1), np.int64) for _ in range(3))
        needs = np.zeros((w, s + 1, f + 1), np.int64)
        flat, barred = np.zeros((w, f + 1), np.int64), np.zeros((w, f + 1), np.int64)
        height = 0
        for i, graph in enumerate(walks):
            begins[i] = _begins(graph, vocabulary, rules)
            made = [a for a in actions_of(graph) if a.kind in (ATOM, RING)]
            height = max(height, *_depths(graph))
            flat[i, 1:] = np.array(aromatic_hydrogens(graph)) >= 0
            barred[i, 1:] = _barred(graph)
            for k, (action, bond) in enumerate(zip(made, graph.bonds, strict=True)):
                code[i, k] = vocabulary.index[action]
                is_ring = action.kind == RING
                start[i, k] = 1 + (bond.end if is_ring else bond.start)
                new[i, k] = 0 if is_ring else 1 + bond.end
                for end in (bond.start, bond.end):
                    needs[i, : k + 1, 1 + end] += bond.order
        single = np.array([a.kind == ATOM and a.order == 1 for a in vocabulary.actions])
        late = begins[:, single].any(1) & (_room(walks[0], vocabulary) >= 0)
        up = np.zeros(rules.depth + 1, np.int64)
        for a, index in vocabulary.index.items():
            if a.kind == UP and a.distance < len(up):
                up[a.distance] = index
        parts = (begins, code, start, new, needs, flat, barred, late, up)
        return cls(height, *(torch.as_tensor(part, device=device) for part in parts))

    def __len__(self) -> int:
        return len(self.code)


def _depths(graph: Graph) -> list[int]:
    """Bonds between each atom and the first one along the walk."""
    depth = [0] * len(graph.atoms)
    for bond in graph.bonds:
        if depth[bond.end] == 0:
            depth[bond.end] = depth[bond.start] + 1
    return depth


def _barred(graph: Graph) -> list[int]:
    """Bonds of each atom that would be more than an aromatic one has hydrogens for."""
    total = [0] * len(graph.atoms)
    for bond in graph.bonds:
        total[bond.start] += bond.order
        total[bond.end] += bond.order
    found = zip(graph.atoms, total, aromatic_hydrogens(graph), strict=True)
    return [0 if left < 0 else atom.capacity - made - left for atom, made, left in found]


def _room(graph: Graph, vocabulary: Vocabulary) -> int:
    """Steps that molecules have beside those of a walk, ways up and the end included."""
    return vocabulary.max_length - 2 * len(graph.bonds) - 5


def _begins(graph: Graph, vocabulary: Vocabulary, rules: Rules) -> np.ndarray:
    """Actions (n_actions,) bool that add a walk's first atom, and leave it the bonds it needs."""
    total = sum(bond.order for bond in graph.bonds if 0 in (bond.start, bond.end))
    total += _barred(graph)[0]
    return np.array(
        [a.atom == graph.atoms[0] and not a.stereo for a in vocabulary.actions]
    ) & np.asarray(rules.kept.numpy() >= total)


def _missing(graph: Graph, vocabulary: Vocabulary, rules: Rules) -> str:
    """Why a vocabulary cannot build a walk; "" where it can."""
    if odd := [atom for atom in graph.atoms if atom.is_fixed]:
        return f"the hydrogens of {odd[0]} are not what its bonds leave"
    actions = [a for a in actions_of(graph) if a.kind in (ATOM, RING)]
    unknown = [str(a) for a in actions if a not in vocabulary.index]
    atoms = [str(a) for a in graph.atoms if a not in vocabulary.atoms]
    if missing := atoms or unknown:
        return f"the molecules it was fitted on have no {', '.join(sorted(set(missing)))}"
    if len(actions_of(graph)) > vocabulary.max_length or max(_depths(graph)) >= rules.depth - 2:
        return "larger than the molecules it was fitted on"
    firsts = [vocabulary.actions[i] for i in np.flatnonzero(_begins(graph, vocabulary, rules))]
    late = any(a.kind == ATOM and a.order == 1 for a in firsts) and _room(graph, vocabulary) >= 4
    if not late and not any(a.kind == ROOT for a in firsts):
        return f"no molecule it was fitted on begins with {graph.atoms[0]}"
    return ""


@dataclass
class Holding:
    """How far each of n molecules is with the fragment.

    Shape:
        walk: (n,) which walk it follows.
        step: (n,) bonds of it that are made, from 1 with its first atom; 0 before.
        atom: (n, depth) atoms of the fragment on the path, from 1, the current one first.
        own: (n, n_actions) bool, what the last `allowed` left to the molecule's own choice.
    """

    fragment: Fragment
    rules: Rules
    walk: Tensor
    step: Tensor
    atom: Tensor
    own: Tensor

    @classmethod
    def start(cls, walk: Tensor, fragment: Fragment, rules: Rules) -> Holding:
        """Nothing built yet."""
        atom = torch.zeros(len(walk), rules.depth, dtype=torch.long, device=walk.device)
        own = torch.zeros(len(walk), len(rules.kind), dtype=torch.bool, device=walk.device)
        return cls(fragment, rules, walk, torch.zeros_like(walk), atom, own)

    def take(self, rows: Tensor) -> Holding:
        """The state of some of them."""
        return replace(
            self, walk=self.walk[rows], step=self.step[rows], atom=self.atom[rows],
            own=self.own[rows],
        )  # fmt: skip

    @property
    def done(self) -> Tensor:
        """(n,) bool, whether the fragment is complete."""
        return self.step > self.fragment.code.shape[1] - 1

    def allowed(self, state: Construction, k: int) -> Tensor:
        """(n, n_actions) bool: what may come at step ``k``, of what chemistry allows."""
        rules = self.rules
        barred = self.fragment.barred[self.walk].gather(1, self.atom)
        state = replace(state, free=torch.where(state.free > 0, state.free - barred, state.free))
        full = state.allowed()
        taken = self.fragment.aromatic[self.walk].gather(1, self.atom).cumsum(1)
        sound = (rules.kind != RING) | (taken[:, rules.distance] <= 2)
        begun = self.step > 0
        own = torch.where(begun[:, None], self._between(state, k), self._before(state, full, k))
        walk = torch.where(begun[:, None], self._next(state), self.fragment.begins[self.walk])
        done = self.done
        self.own = (own & sound) | done[:, None]
        goes_on = (own & sound) | (walk & full)
        return torch.where((done | state.ended)[:, None], full & sound, goes_on)

    def _bond(self) -> Tensor:
        """(n,) number of the bond to be made next."""
        return (self.step - 1).clamp(0, self.fragment.code.shape[1] - 1)

    def _up(self) -> Tensor:
        """(n,) bonds up the path to the atom that the next bond starts from."""
        start = self.fragment.start[self.walk, self._bond()]
        return (self.atom == start[:, None]).long().argmax(1)

    def _next(self, state: Construction) -> Tensor:
        """(n, n_actions) bool: the next bond, or the way up to where it starts."""
        up = self._up()
        code = torch.where(
            up == 0, self.fragment.code[self.walk, self._bond()], self.fragment.up[up]
        )
        return torch.nn.functional.one_hot(code, len(self.rules.kind)).bool()

    def _in_time(self, k: int) -> Tensor:
        """(n,) bool, whether there is time for a step of its own."""
        left = self.fragment.code.shape[1] - 1 - self._bond()
        return k + 2 * left + 4 < self.rules.max_length

    def _growing(self) -> Tensor:
        """(n_actions,) bool: not the end, nor another component, nor an atom with given bonds."""
        rules = self.rules
        lacking = (rules.kind == ATOM) & rules.fixed & (rules.kept > 0)
        return (rules.kind != END) & (rules.kind != ROOT) & ~lacking

    def _between(self, state: Construction, k: int) -> Tensor:
        """What a molecule may do for itself while its fragment is incomplete."""
        rules, up = self.rules, self._up()
        needs = self.fragment.needs[self.walk, self._bond()].gather(1, self.atom)
        own = replace(state, free=torch.where(state.free > 0, state.free - needs, state.free))
        may = own.allowed() & self._growing()
        # what the next bond starts from stays on the path, and within reach of a way up
        may &= (rules.kind != UP) | (rules.distance < up[:, None])
        near = self.fragment.up[up + 1] > 0
        may &= (rules.kind != ATOM) | near[:, None]
        # rings are closed as soon as their last atom is there
        closes = self.fragment.new[self.walk, self._bond()] == 0
        # a branch that has been gone up to has to be made
        branch = state.branching & (up > 0)
        return may & (~closes & (self._in_time(k) | branch))[:, None]

    def _before(self, state: Construction, full: Tensor, k: int) -> Tensor:
        """What a molecule may do before its fragment begins: the current atom keeps a bond."""
        rules = self.rules
        empty = state.free[:, 0] < 0
        room = (state.free >= 0).sum(1) + 1 + self.fragment.height <= rules.depth - 2
        adds = (rules.kind == ATOM) | ((rules.kind == ROOT) & empty[:, None])
        may = adds & (rules.kept > 0) & ~rules.fixed & room[:, None]
        may |= (rules.kind == RING) & (state.free[:, :1] > rules.order)
        may |= rules.kind == UP
        late = self.fragment.late[self.walk] & self._in_time(k)
        branch = state.branching & ~(full & self.fragment.begins[self.walk]).any(1)
        return may & full & (late | branch)[:, None]

    def begins(self, at: Tensor, action: Tensor, noise: torch.Generator) -> Tensor:
        """(n,) bool, whether the fragment begins with the action of molecules at places ``at``."""
        could = (self.step[at] == 0) & self.fragment.begins[self.walk[at], action]
        u = torch.rand(len(at), generator=noise, device=at.device)
        return could & (~self.own[at, action] | (u < _BEGINS))

    def do(self, action: Tensor, begins: Tensor) -> None:
        """Take one allowed action (n,) each; ``begins`` (n,) where it is the fragment's first."""
        rules, fragment, bond = self.rules, self.fragment, self._bond()
        kind = rules.kind[action]
        makes = (self.step > 0) & ~self.done & (self._up() == 0)
        makes &= action == fragment.code[self.walk, bond]
        new = (kind == ATOM) | (kind == ROOT)
        shift = rules.distance[action] * (kind == UP) - new.long()
        self.atom = moved(self.atom, shift, 0, kind == ROOT)
        added = torch.where(begins, 1, fragment.new[self.walk, bond] * makes)
        self.atom[:, 0] = torch.where(new, added, self.atom[:, 0])
        self.step = self.step + (makes | begins).long()
