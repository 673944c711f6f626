"""Molecules drawn from an action network, batches on all cores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthgen.molecular.actions import ATOM, END, UP
from synthgen.molecular.attention import Cache
from synthgen.molecular.construction import Construction, Rules
from synthgen.molecular.fragments import Fragment, Holding
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.prospects import Mixture
from synthgen.molecular.steps import NEAR, Steps
from synthgen.seeds import Streams
from synthgen.threads import in_batches
from synthgen.training.device import fast_bfloat16

# molecules of a batch, fewest and most, within what their keys and values may take
BATCH, CACHE_BYTES = (256, 4096), 2**27
# share of places in use below which molecules move together
_SPARSE = 0.75


def seen(state: Construction) -> tuple[Tensor, Tensor]:
    """What a step sees of the path: kinds of atoms and bonds left (n, NEAR), from 1."""
    room = max(0, NEAR - state.atom.shape[1])
    atom, free = state.atom[:, :NEAR], state.free[:, :NEAR] + 1
    if room:
        atom, free = (torch.nn.functional.pad(part, (0, room)) for part in (atom, free))
    return atom, free


def replay(codes: Tensor, rules: Rules) -> tuple[Steps, Tensor]:
    """Steps of whole molecules (n, length), and the actions allowed at each (n, length, actions).

    Raises:
        ValueError: If an action is not allowed where it stands.
    """
    state = Construction.start(len(codes), rules)
    atoms, frees, allowed = [], [], []
    for k in range(codes.shape[1]):
        atom, free = seen(state)
        atoms.append(atom)
        frees.append(free)
        allowed.append(state.allowed())
        state.do(codes[:, k])
    may = torch.stack(allowed, 1)
    if not bool(may.gather(2, codes[:, :, None]).all()):
        raise ValueError("a molecule takes an action that its state does not allow")
    before = torch.cat([torch.zeros_like(codes[:, :1]), codes[:, :-1]], 1)
    return Steps(before, torch.stack(atoms, 1), torch.stack(frees, 1)), may


@dataclass(frozen=True)
class Draws:
    """Molecules drawn.

    Shape:
        codes: (n, length) int16 actions, `END` (0) after the end.
        log_likelihood: (n,) float32, of these actions as they were drawn.
        expected: (n, k) float32, how likely each of k properties is to be as wanted, in the eyes
            of the network at its last choice; the log of that. None where nothing is wanted.
    """

    codes: np.ndarray
    log_likelihood: np.ndarray
    expected: np.ndarray

    def take(self, rows: np.ndarray) -> Draws:
        """Some of them."""
        return Draws(self.codes[rows], self.log_likelihood[rows], self.expected[rows])


def draw(
    network: ActionNetwork,
    rules: Rules,
    n: int,
    streams: Streams,
    wanted: np.ndarray | None = None,
    fragment: Fragment | None = None,
    guidance: float = 1.0,
) -> Draws:
    """Molecules drawn.

    Args:
        network: In evaluation mode.
        rules: Of its vocabulary.
        n: How many.
        streams: Random streams.
        wanted: (n_properties, 2) float32, between which normal scores properties shall lie; NaN
            where nothing is wanted.
        fragment: What every molecule has to hold.
        guidance: Power of the likelihood of what is wanted; see `Prospects`.
    """
    codes = np.zeros((n, 2 * rules.max_length), np.int16)
    device = rules.kind.device
    network = network.for_products(torch.bfloat16) if fast_bfloat16(device) else network
    aim = None
    if wanted is not None and not np.isnan(wanted).all():
        aim = Aim.of(wanted, guidance, device)
    likely = np.zeros(n, np.float32)
    expected = np.zeros((n, 0 if aim is None else len(aim.places)), np.float32)

    def batch(rows: slice) -> None:
        noise = streams.torch(f"batch/{rows.start}", device)
        many = len(range(n)[rows])
        # molecules that begin alike share a place
        begin = np.zeros(many, np.int64)
        if fragment is not None:
            begin = streams.numpy(f"walk/{rows.start}").integers(len(fragment), size=many)
        walks, at = np.unique(begin, return_inverse=True)
        drawing = Drawing(network, rules, len(walks), torch.as_tensor(at), aim)
        if fragment is not None:
            drawing.held = Holding.start(torch.as_tensor(walks).to(device), fragment, rules)
        drawn, likely[rows], expected[rows] = (p.cpu().numpy() for p in drawing.run(noise))
        codes[rows, : drawn.shape[1]] = drawn

    in_batches(batch, n, _rows(network, rules), device)
    most = max(1, int((codes != 0).sum(1).max(initial=0)) + 1)
    return Draws(codes[:, :most], likely, expected)


@dataclass(frozen=True)
class Aim:
    """What is wanted.

    Shape:
        places: (k,) of the properties; low, high: (k,) their normal scores.
    """

    places: Tensor
    low: Tensor
    high: Tensor
    guidance: float

    @classmethod
    def of(cls, wanted: np.ndarray, guidance: float, device: torch.device) -> Aim:
        """Of bounds (n_properties, 2), NaN where nothing is wanted."""
        places = np.flatnonzero(~np.isnan(wanted).any(axis=1))
        low, high = (torch.as_tensor(wanted[places, end], device=device) for end in (0, 1))
        return cls(torch.as_tensor(places, device=device), low, high, guidance)

    def log_chance(self, told: Mixture) -> Tensor:
        """Log likelihood (..., k) of each that is wanted."""
        is_number = self.low == self.high
        return torch.where(
            is_number, told.log_density(self.low), told.log_mass(self.low, self.high)
        )


def _rows(network: ActionNetwork, rules: Rules) -> int:
    """Molecules of a batch, whose keys and values fit into `CACHE_BYTES`."""
    step = 4 * network.sizes.layers * network.sizes.width
    rows = CACHE_BYTES // (step * rules.max_length)
    return int(np.clip(2 ** int(np.log2(max(rows, 1))), *BATCH))


class Drawing:
    """Molecules being drawn.

    Many begin alike. A beginning has a place, where its state and its past are held, and is
    computed once for all molecules that share it. Where they part, the first goes on in that place
    and the others get places of their own.

    Shape:
        at: (n,) place of each molecule that has not ended; row: (n,) which one it is.
        state, reached, held: of each place. A place whose molecules have ended is given to
            others.
    """

    def __init__(
        self,
        network: ActionNetwork,
        rules: Rules,
        places: int,
        at: Tensor,
        aim: Aim | None = None,
    ) -> None:
        device = rules.kind.device
        self.network, self.rules, self.aim = network, rules, aim
        self.n = len(at)
        self.at, self.row = at.to(device), torch.arange(self.n, device=device)
        self.before = torch.zeros(places, dtype=torch.long, device=device)
        self.state = Construction.start(places, rules)
        self.reached: Tensor | None = None
        layers = network.sizes.layers
        if aim is not None and network.prospects is not None:
            self.reached = network.prospects.tally.begin.expand(places, -1)
            layers += 1
        self.held: Holding | None = None
        self.cache = Cache(layers, self.n, 2 * rules.max_length)

    @torch.inference_mode()
    def run(self, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The actions (n, 2 max_length) of all molecules, and the other parts of `Draws`."""
        device = self.row.device
        log = torch.zeros(self.n, device=device)
        expected = torch.zeros(self.n, 0 if self.aim is None else len(self.aim.places))
        expected = expected.to(device)
        out = torch.zeros(self.n, 2 * self.rules.max_length, dtype=torch.long, device=device)
        for k in range(out.shape[1]):
            share, chance = self.share(k)
            action = pick(share, self.at, noise)
            out[self.row, k] = action
            log[self.row] += share[self.at, action].log()
            # what has to be brought to an end is no longer the network's own choice
            if chance is not None and k < self.rules.max_length:
                expected[self.row] = chance[self.at, action]
            if not self.go_on(action, noise):
                break
        return out, log, expected

    def share(self, k: int) -> tuple[Tensor, Tensor | None]:
        """Probabilities (places, n_actions) of what comes at step ``k``.

        Also how likely (places, n_actions, k) what is wanted is after each; the log of that.
        """
        atom, free = seen(self.state)
        device, last, chance = self.row.device, self.rules.max_length - 1, None
        before, atom, free = (part[:, None] for part in (self.before, atom, free))
        steps = Steps(before, atom, free, min(k, last), self.reached)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            if self.aim is None or self.network.prospects is None:
                logits = self.network(steps, self.cache)[:, 0]
            else:
                hidden = self.network.hidden(steps, self.cache)
                past = self.cache.layer(self.network.sizes.layers)
                told = self.network.prospects.every(hidden, steps, self.aim.places, past)
                chance = self.aim.log_chance(told)
                logits = self.network.logits(hidden)[:, 0] + self.aim.guidance * chance.sum(-1)
        may = self.state.allowed() if self.held is None else self.held.allowed(self.state, k)
        if k >= last:
            ending = _ending(may, self.state)
            may = ending if self.held is None else torch.where(self.held.done[:, None], ending, may)
        return logits.masked_fill(~may, -torch.inf).softmax(1), chance

    def go_on(self, action: Tensor, noise: torch.Generator) -> bool:
        """Take the action (n,) of each molecule; whether any goes on."""
        going = torch.nonzero(action != 0).flatten()
        if not len(going):
            return False
        at, action, self.row = self.at[going], action[going], self.row[going]
        n_actions, places = len(self.rules.kind), len(self.before)
        # a way on is a place and an action, for all molecules that share both
        key = at * n_actions + action
        if self.held is not None:
            key = 2 * key + self.held.begins(at, action, noise)
        ways, way = torch.unique(key, return_inverse=True)
        if self.held is not None:
            ways, begins = ways // 2, ways % 2 == 1
        source, taken = ways // n_actions, ways % n_actions
        sparse = len(ways) < _SPARSE * places
        place = torch.arange(len(ways)) if sparse else _places(source, places)
        place = place.to(ways.device)
        moved = torch.nonzero(place != source).flatten()
        self.cache.copy(source[moved], place[moved])
        # of a place that nobody needs the molecule ends
        n = len(ways) if sparse else max(places, int(place.max()) + 1)
        origin, self.before = torch.arange(n, device=ways.device), ways.new_zeros(n)
        origin[place], self.before[place] = source, taken
        self.state = self.state.take(origin)
        if self.reached is not None and self.network.prospects is not None:
            tally, here = self.network.prospects.tally, self.state.atom[:, 0]
            self.reached = tally.after(self.reached[origin], here, self.before)
        if self.held is not None:
            first = torch.zeros(n, dtype=torch.bool, device=ways.device)
            first[place] = begins
            self.held = self.held.take(origin)
            self.held.do(self.before, first)
        self.state.do(self.before)
        self.at = place[way]
        return True


def _places(source: Tensor, places: int) -> Tensor:
    """Where each way on goes: the first from a place stays there, others take what is free."""
    further = torch.zeros_like(source, dtype=torch.bool)
    further[1:] = source[1:] == source[:-1]
    taken = torch.zeros(places + len(source), dtype=torch.bool, device=source.device)
    taken[source] = True
    n = int(further.sum())
    place = source.clone()
    place[further] = torch.nonzero(~taken).flatten()[:n]
    return place


def _ending(may: Tensor, state: Construction) -> Tensor:
    """Of allowed actions those that lead to the end: it, or making bonds that have to be made."""
    rules = state.rules
    ends = may & (rules.kind == END)
    lacks = (state.fixed & (state.free > 0)).any(1, keepdim=True)
    fills = may & (
        ((rules.kind == ATOM) & ~rules.fixed & (state.branching | lacks[:, 0])[:, None])
        | ((rules.kind == UP) & lacks)
    )
    chosen = torch.where(ends.any(1, keepdim=True), ends, fills)
    return torch.where(chosen.any(1, keepdim=True), chosen, may)


def pick(share: Tensor, at: Tensor, noise: torch.Generator) -> Tensor:
    """Indices (n,) drawn from the rows ``at`` (n,) of probabilities (places, k)."""
    reached = share.double().cumsum(1)
    u = torch.rand(len(at), 1, generator=noise, dtype=torch.float64, device=at.device)
    # never quite the whole, so that it is an action with a share
    u = u * (1 - 2**-50) * reached[at, -1:]
    return torch.searchsorted(reached[at], u, right=True).squeeze(1)
