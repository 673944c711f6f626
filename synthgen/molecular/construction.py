"""Many molecules under construction, and which actions chemistry still allows each of them.

Of a molecule only its path counts: the current atom, and those between it and the first one. For
each atom of the path is known how many bonds it may still make. An action is allowed where both
ends of the bond it makes have one left. Atoms whose bonds are given (`Atom.is_fixed`) must have
them all before they leave the path. So what is built is valid at the end, whenever that comes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from synthgen.molecular.actions import ATOM, END, RING, ROOT, UP, Vocabulary

_NONE = -1


@dataclass(frozen=True)
class Rules:
    """A vocabulary as tensors, one entry for each action.

    Shape:
        kind, order, distance, kept: (n_actions,) int64; ``kept`` is what a new atom may still bond.
        fixed: (n_actions,) bool, whether a new atom's bonds are given.
        atom: (n_actions,) int64 index of the new atom's kind, from 1; 0 where there is none.
    """

    kind: Tensor
    order: Tensor
    distance: Tensor
    kept: Tensor
    fixed: Tensor
    atom: Tensor
    components: bool
    max_length: int
    depth: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, device: torch.device) -> Rules:
        """The rules of a vocabulary."""
        kinds = {atom: i + 1 for i, atom in enumerate(vocabulary.atoms)}
        rows = [
            (
                a.kind,
                a.order,
                a.distance,
                a.atom.left(a.order) if a.atom else 0,
                bool(a.atom and a.atom.is_fixed),
                kinds[a.atom] if a.atom else 0,
            )
            for a in vocabulary.actions
        ]
        kind, order, distance, kept, fixed, atom = torch.tensor(rows, device=device).unbind(1)
        # a path may be somewhat longer than any that was seen
        depth = max(vocabulary.max_depth, int(distance.max())) + 2
        return cls(
            kind, order, distance, kept, fixed.bool(), atom, vocabulary.components,
            vocabulary.max_length, depth,
        )  # fmt: skip


@dataclass
class Construction:
    """The state of n molecules.

    Shape:
        free: (n, depth) bonds left of the atoms of the path, the current one first; -1 beyond it.
        fixed: (n, depth) bool, whether an atom needs all of them.
        atom: (n, depth) int64 kinds of the path's atoms, 0 beyond it.
        ring: (n,) distance of the last ring of the current atom; 1 if it has none, and more than
            any where it may close no more.
        branching: (n,) bool, whether the path was just gone up.
        ended: (n,) bool.
    """

    rules: Rules
    free: Tensor
    fixed: Tensor
    atom: Tensor
    ring: Tensor
    branching: Tensor
    ended: Tensor

    @classmethod
    def start(cls, n: int, rules: Rules) -> Construction:
        """Nothing built yet."""
        device = rules.kind.device
        return cls(
            rules,
            torch.full((n, rules.depth), _NONE, device=device),
            torch.zeros(n, rules.depth, dtype=torch.bool, device=device),
            torch.zeros(n, rules.depth, dtype=torch.long, device=device),
            torch.zeros(n, dtype=torch.long, device=device),
            torch.zeros(n, dtype=torch.bool, device=device),
            torch.zeros(n, dtype=torch.bool, device=device),
        )

    def take(self, rows: Tensor) -> Construction:
        """The state of some of them."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Construction(**{k: v if k == "rules" else v[rows] for k, v in parts.items()})

    def allowed(self) -> Tensor:
        """(n, n_actions) bool: what may come next; never nothing."""
        rules = self.rules
        begun = (self.free[:, :1] > _NONE) & ~self.ended[:, None]
        here = self.free[:, :1] >= rules.order
        there = self.free[:, rules.distance] >= rules.order.clamp(min=1)
        open_ = (self.fixed & (self.free > 0)).long()
        left = open_.cumsum(1) - open_  # atoms that would leave the path with bonds to make
        complete = (open_.sum(1) == 0)[:, None] & begun & ~self.branching[:, None]
        # an atom that lacks bonds must stay within reach of the longest way up
        near = (open_[:, -2:].sum(1) == 0)[:, None] & (self.free[:, -1:] == _NONE)
        may = torch.zeros(len(self.free), len(rules.kind), dtype=torch.bool, device=here.device)
        may |= (rules.kind == END) & (complete | self.ended[:, None])
        may |= (rules.kind == ROOT) & (
            (~begun & ~self.ended[:, None]) | (complete if rules.components else complete & False)
        )
        # and one that will lack bonds needs room for an atom to make them with
        roomy = (self.free[:, -2:-1] == _NONE) | ~(rules.fixed & (rules.kept > 0))
        may |= (rules.kind == ATOM) & begun & here & near & roomy
        closes = begun & here & there & (self.ring[:, None] < rules.distance)
        may |= (rules.kind == RING) & closes & ~self.branching[:, None]
        goes = begun & there & (left[:, rules.distance] == 0) & ~self.branching[:, None]
        return may | ((rules.kind == UP) & goes)

    def do(self, action: Tensor) -> None:
        """Take one allowed action (n,) each."""
        rules = self.rules
        kind, order, distance = (part[action] for part in (rules.kind, rules.order, rules.distance))
        new, up = (kind == ATOM) | (kind == ROOT), kind == UP
        self.free[:, 0] -= order * (kind != ROOT)
        at = distance[:, None] * (kind == RING)[:, None]
        self.free.scatter_add_(1, at, -(order * (kind == RING))[:, None])
        # the path moves one down for a new atom, or some up; a first atom has none above it
        shift = distance * up - new.long()
        self.free = moved(self.free, shift, _NONE, kind == ROOT)
        self.fixed = moved(self.fixed, shift, False, kind == ROOT)
        self.atom = moved(self.atom, shift, 0, kind == ROOT)
        self.free[:, 0] = torch.where(new, rules.kept[action], self.free[:, 0])
        self.fixed[:, 0] = torch.where(new, rules.fixed[action], self.fixed[:, 0])
        self.atom[:, 0] = torch.where(new, rules.atom[action], self.atom[:, 0])
        closed = torch.where(kind == RING, distance, self.ring)
        self.ring = torch.where(new, 1, torch.where(up, rules.depth, closed))
        self.branching = up
        self.ended = self.ended | (kind == END)


def moved(path: Tensor, shift: Tensor, beyond: int | bool, cleared: Tensor) -> Tensor:
    """Rows of ``path`` moved to the left by ``shift``, filled with ``beyond``."""
    depth = path.shape[1]
    index = torch.arange(depth, device=path.device) + shift[:, None]
    moved = path.gather(1, index.clamp(0, depth - 1))
    return moved.masked_fill((index >= depth) | cleared[:, None], beyond)
