"""Missing cells of given rows: drawn from the model, or its best guess.

A row's known cells are all visible, then its gaps are filled from left to right, each seeing those
before it. The best guess is the most likely category, and the expected number; a copy of another
cell is it where a copy is more likely than not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor

from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, RankedTable
from synthgen.relations.imputing import Barred
from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.cells import CellView
from synthgen.tabular.autoregressive.drawing import Drawing, PartialRows
from synthgen.tabular.autoregressive.network import split
from synthgen.threads import one_core

_BATCH = 2048
_LEVELS = 101


def impute(
    drawing: Drawing,
    table: EncodedTable,
    missing: np.ndarray,
    barred: Mapping[int, Barred],
    streams: Streams,
    *,
    best_guess: bool,
) -> RankedTable:
    """Rows whose ``missing`` (n, n_columns) cells are filled; known cells keep their codes.

    Args:
        table: Encoded rows; what stands in a missing cell is not looked at.
        barred: Codes that must not come, by column.
        best_guess: The expected number and the most likely category in place of a draw.
    """
    view = drawing.view
    barred = {j: _in_view(view, j, own) for j, own in barred.items()}
    codes = table.codes.copy()
    ranks = np.zeros(table.values.shape, np.float32)
    for i, j in enumerate(view.numeric):
        encoder = view.quantiles_of(i)
        known = ~missing[:, j]
        ranks[known, j] = encoder.ranks(table.codes[known, j], table.values[known, j])
    for start in range(0, len(table), _BATCH):
        part = slice(start, start + _BATCH)
        noise = streams.torch(f"batch/{start}", drawing.device)
        with torch.inference_mode(), one_core():
            _fill(
                drawing, codes[part], ranks[part], missing[part],
                {j: own.codes[own.group[part]] for j, own in barred.items()}, noise, best_guess,
            )  # fmt: skip
    return RankedTable(codes, ranks)


def _fill(
    drawing: Drawing,
    codes: np.ndarray,
    ranks: np.ndarray,
    missing: np.ndarray,
    ruled_out: Mapping[int, np.ndarray],
    noise: torch.Generator,
    best_guess: bool,
) -> None:
    """Fill the gaps of a batch in place."""
    view = drawing.view
    rows = PartialRows(drawing, len(codes), noise)
    for j, to_view in enumerate(view.to_view):
        known = np.flatnonzero(~missing[:, j])
        seen = None
        if j in drawing.position:
            seen = torch.as_tensor(ranks[known, j], device=drawing.device)
        rows.put(
            j,
            torch.as_tensor(to_view[codes[known, j]]).to(drawing.device),
            seen,
            torch.as_tensor(known),
        )
    for j in map(int, np.flatnonzero(missing.any(axis=0))):
        gaps = np.flatnonzero(missing[:, j])
        never = _missing_code(view, j)
        if j in ruled_out:
            never = never | ruled_out[j][gaps]
        barred = torch.as_tensor(never, device=drawing.device)
        if best_guess:
            _guess(rows, j, torch.as_tensor(gaps), barred)
        else:
            rows.draw(j, torch.as_tensor(gaps), barred)
        codes[gaps, j] = view.to_code[j][rows.codes[gaps, j].cpu().numpy()]
        if (i := drawing.position.get(j)) is not None:
            ranks[gaps, j] = rows.ranks[gaps, i].cpu().numpy()


def _missing_code(view: CellView, j: int) -> np.ndarray:
    """(n_codes,) bool: which code of the view means missing; none where all cells are missing."""
    encoder = view.encoder.columns[j]
    barred = np.zeros(int(view.n_codes[j]), bool)
    if encoder.has_missing and encoder.n_present:
        barred[view.to_view[j][encoder.n_codes - 1]] = True
    return barred


def _in_view(view: CellView, j: int, barred: Barred) -> Barred:
    """Codes barred of a column, in the numbering of the view."""
    codes = np.zeros((len(barred.codes), int(view.n_codes[j])), bool)
    codes[:, view.to_view[j]] = barred.codes
    return Barred(barred.group, codes)


def _guess(rows: PartialRows, j: int, gaps: Tensor, barred: Tensor) -> None:
    """Put the most likely category, or the value nearest to the expected number."""
    logits, mixture = rows.distribution(j, gaps)
    share = logits.masked_fill(barred, -torch.inf).softmax(dim=1)
    encoder = rows.drawing.view.encoder.columns[j]
    if not isinstance(encoder, NumericEncoder) or not encoder.n_present:
        rows.put(j, share.argmax(dim=1), None, gaps)
        return
    n_atoms = len(encoder.atoms)
    probability = share.double().cpu().numpy()
    copy = np.flatnonzero(encoder.is_copy[rows.drawing.view.to_code[j]])
    of_copies = probability[:, copy]
    probability[:, copy] = 0.0
    copied = of_copies.sum(axis=1) > probability.sum(axis=1)
    probability /= np.maximum(probability.sum(axis=1, keepdims=True), 1e-300)
    expected = probability[:, :n_atoms] @ encoder.atoms
    ranks = np.zeros(len(gaps))
    nearest = np.full(len(gaps), np.inf)
    if mixture is not None:
        levels = encoder.quantiles((np.arange(_LEVELS) + 0.5) / _LEVELS)
        expected += probability[:, -1] * (_weights(mixture).double().cpu().numpy() @ levels)
        ranks = encoder.quantiles.rank(expected)
        nearest = np.abs(encoder.quantiles(ranks) - expected)
    codes = np.full(len(gaps), share.shape[1] - 1)
    if n_atoms:
        distance = np.abs(expected[:, None] - encoder.atoms)
        closer = distance.min(axis=1) <= nearest
        codes[closer] = distance.argmin(axis=1)[closer]
    if len(copy):
        codes[copied] = copy[of_copies.argmax(axis=1)[copied]]
    as_tensor = partial(torch.as_tensor, device=share.device)
    seen = None if mixture is None else as_tensor(ranks).float()
    rows.put(j, as_tensor(codes), seen, gaps)


def _weights(mixture: Tensor) -> Tensor:
    """Probability (n, _LEVELS) of each even slice of rank under mixtures of normal scores."""
    log_weight, mean, log_std = split(mixture)
    edge = torch.special.ndtri(torch.linspace(0, 1, _LEVELS + 1, device=mixture.device))
    below = mixture.new_zeros(len(mixture), _LEVELS + 1)
    for k in range(mean.shape[1]):
        u = (edge - mean[:, k : k + 1]) * torch.exp(-log_std[:, k : k + 1])
        below += log_weight[:, k : k + 1].exp() * torch.special.ndtr(u)
    return below.diff(dim=1)
