"""Molecules drawn from an action network, batches on all cores."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthgen.molecular.actions import ATOM, END, UP
from synthgen.molecular.construction import Construction, Rules
from synthgen.molecular.network import NEAR, ActionNetwork, Cache, Steps
from synthgen.seeds import Streams
from synthgen.threads import in_batches
from synthgen.training.device import fast_bfloat16

BATCH = 1024


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


def draw(
    network: ActionNetwork,
    rules: Rules,
    wanted: np.ndarray,
    known: np.ndarray,
    streams: Streams,
) -> np.ndarray:
    """One molecule for each row of wishes: (n, length) int16 codes.

    Args:
        network: In evaluation mode.
        rules: Of its vocabulary.
        wanted: (n, n_properties) float32 normal scores.
        known: (n, n_properties) float32, 1 where a property is wanted.
        streams: Random streams.
    """
    codes = np.zeros((len(wanted), 2 * rules.max_length), np.int16)

    def batch(rows: slice) -> None:
        noise = streams.torch(f"batch/{rows.start}", rules.kind.device)
        wish, told = (torch.as_tensor(p[rows]).to(rules.kind.device) for p in (wanted, known))
        drawn = _batch(network, rules, wish, told, noise).cpu().numpy()
        codes[rows, : drawn.shape[1]] = drawn

    in_batches(batch, len(wanted), BATCH, rules.kind.device)
    return codes[:, : max(1, int((codes != 0).sum(1).max(initial=0)) + 1)]


@torch.inference_mode()
def _batch(
    network: ActionNetwork, rules: Rules, wanted: Tensor, known: Tensor, noise: torch.Generator
) -> Tensor:
    n, device = len(wanted), wanted.device
    state, cache = Construction.start(n, rules), Cache(network.sizes.layers)
    before = torch.zeros(n, 1, dtype=torch.long, device=device)
    alive = torch.arange(n, device=device)
    out = torch.zeros(n, 2 * rules.max_length, dtype=torch.long, device=device)
    for k in range(out.shape[1]):
        atom, free = seen(state)
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            steps = Steps(before, atom[:, None], free[:, None], min(k, rules.max_length - 1))
            logits = network(steps, wanted, known, cache)[:, 0]
        may = state.allowed()
        if k >= rules.max_length - 1:
            may = _ending(may, state)
        action = _pick(logits.masked_fill(~may, -torch.inf), noise)
        out[alive, k] = action
        state.do(action)
        going = torch.nonzero(~state.ended).flatten()
        if not len(going):
            break
        before = action[:, None]
        if len(going) < len(alive):
            # what has ended is not computed further
            alive, before, state = alive[going], before[going], state.take(going)
            wanted, known = wanted[going], known[going]
            cache.keep(going)
    return out


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


def _pick(logits: Tensor, noise: torch.Generator) -> Tensor:
    """Indices (n,) drawn from the softmax of logits (n, k)."""
    u = torch.rand(logits.shape, generator=noise, device=logits.device)
    return (logits - torch.log(-torch.log(u.clamp(1e-20, 1 - 1e-7)))).argmax(1)
