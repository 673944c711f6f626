"""Membership inference: was this person in the train table?

Each attack gives every attacked row a score, the higher the more it looks like a member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from synthgen.evaluation.features import Floats
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, auc, caught_at, lacking, worst
from synthgen.evaluation.quality.embedding import Floats32, neighbours

FALSE_ALARMS = {"1": 0.01, "10": 0.1}
# share of attacked rows that lie farthest from all others: rare people are exposed most
_RAREST = 0.1
# directions in which densities are estimated, and neighbours that are looked at
_DIRECTIONS, _NEIGHBOURS = 12, 10
_BLOCK = 1 << 20
# share of rows with a value from which on it is compared densely
_FREQUENT = 0.005

Scores = dict[str, Floats]


def membership(people: People) -> dict[str, Risk]:
    """Risks by name; see `told_by`."""
    found = {name: attack(people) for name, attack in ATTACKS.items()}
    far = {role: people.nearest(role, "reference") for role in ("members", "controls")}
    return told_by(found, far)


def by_likelihood(attacks: Callable[[], Mapping[str, Scores]] | None) -> dict[str, Risk]:
    """``membership_model_auc``: what whoever holds the model itself can tell, by the best attack.

    Members are likelier under a model than others by as much as it overfitted (Yeom et al.,
    *Privacy Risk in Machine Learning*, 2018, section 3.2).

    Args:
        attacks: Gives attack -> scores of ``members`` (n,) and ``controls`` (m,).
    """
    if attacks is None:
        return {"membership_model_auc": lacking("no model was given")}
    risks = {}
    for name, score in attacks().items():
        members, controls = score["members"], score["controls"]
        caught = {
            f"tpr_{label}": caught_at(members, controls, level).to_dict()
            for label, level in FALSE_ALARMS.items()
        }
        risks[name] = auc(members, controls, parts=caught)
    return {"membership_model_auc": worst(risks)}


def told_by(found: Mapping[str, Scores], far: Scores) -> dict[str, Risk]:
    """Risks of scores, the worst of all attacks each.

    ``membership_auc``, ``membership_tpr_1``, ``membership_tpr_10`` and ``membership_rarest_auc``.

    Args:
        found: Attack -> scores of ``members`` (n,) and ``controls`` (m,).
        far: How little each is like others.
    """
    rare = {role: _rarest(distance) for role, distance in far.items()}
    risks: dict[str, dict[str, Risk]] = {"auc": {}, "rarest_auc": {}}
    risks |= {f"tpr_{name}": {} for name in FALSE_ALARMS}
    for name, score in found.items():
        members, controls = score["members"], score["controls"]
        risks["auc"][name] = auc(members, controls)
        risks["rarest_auc"][name] = auc(members[rare["members"]], controls[rare["controls"]])
        for label, level in FALSE_ALARMS.items():
            risks[f"tpr_{label}"][name] = caught_at(members, controls, level)
    return {f"membership_{name}": worst(parts) for name, parts in risks.items()}


def nearest_distance(people: People) -> Scores:
    """How near the nearest synthetic row is (Chen et al., *GAN-Leaks*, 2020)."""
    return {role: -people.nearest(role, "synthetic") for role in ("members", "controls")}


def distance_difference(people: People) -> Scores:
    """How much nearer the nearest synthetic row is than the nearest reference row."""
    return {
        role: people.nearest(role, "reference") - people.nearest(role, "synthetic")
        for role in ("members", "controls")
    }


def density_ratio(people: People) -> Scores:
    """Density of synthetic rows over that of the reference (DOMIAS; van Breugel et al., 2023).

    Kernel densities along the leading principal directions.
    """
    points, width = _projected(people)
    return {
        role: _log_density(points[role], points["synthetic"], width)
        - _log_density(points[role], points["reference"], width)
        for role in ("members", "controls")
    }


def local_likelihood_ratio(people: People) -> Scores:
    """How much likelier nearby synthetic rows get when the row joins the reference.

    Gen-LRA (Ward, Wang and Cheng, *Data Plagiarism Index*, 2024, and its sequel of 2025).
    """
    points, width = _projected(people)
    n = len(points["reference"])
    base = _log_density(points["synthetic"], points["reference"], width) + np.log(n)
    found = {}
    for role in ("members", "controls"):
        distance, index = neighbours(points[role], points["synthetic"], _NEIGHBOURS)
        joined = np.logaddexp(base[index], -(distance**2) / (2 * width**2))
        found[role] = (joined - base[index]).sum(axis=1)
    return found


def classifier(people: People) -> Scores:
    """Log odds of boosted trees that tell synthetic rows from the reference."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    n = min(len(people.numbers["reference"]), len(people.numbers["synthetic"]))
    rng = people.rng("classifier")
    sides = [
        table[rng.choice(len(table), n, replace=False)]
        for table in (people.numbers["reference"], people.numbers["synthetic"])
    ]
    trees = HistGradientBoostingClassifier(max_iter=100, early_stopping=True, random_state=0)
    trees.fit(np.concatenate(sides), np.repeat([0, 1], n))
    return {
        role: np.asarray(trees.decision_function(people.numbers[role]))
        for role in ("members", "controls")
    }


def rarity_matching(people: People) -> Scores:
    """Rare cells shared with one synthetic row, beyond those shared with a reference row.

    A cell counts as much as its value is rare: minus its log frequency. What a release keeps of a
    record shows here though other cells were exchanged and no distance is small.
    """
    weights = [
        _rarity(np.concatenate([people.codes[r][:, j] for r in ("synthetic", "reference")]), codes)
        for j, codes in enumerate(_all_codes(people))
    ]
    return {
        role: best_match(people.codes[role], people.codes["synthetic"], weights)
        - best_match(people.codes[role], people.codes["reference"], weights)
        for role in ("members", "controls")
    }


def best_match(rows: np.ndarray, among: np.ndarray, weights: list[np.ndarray]) -> Floats:
    """The largest sum of the weights of shared cells with one row of ``among``.

    Frequent values are compared by a matrix product of indicators, rare ones by a sparse one.

    Shape:
        rows: (n, n_columns) codes; among: (m, n_columns) codes.
        weights: of each column one by code.
    """
    from scipy.sparse import csr_matrix

    sides = [_indicators(codes, among, weights) for codes in (rows, among)]
    (dense, rare), (target, rare_target) = sides
    target = np.ascontiguousarray((target > 0).T.astype(np.float32))
    rare_target = csr_matrix(rare_target.T > 0, dtype=np.float32)
    found = np.empty(len(rows))
    size = max(1, _BLOCK // len(among))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        total = dense[part] @ target
        more = (rare[part] @ rare_target).tocoo()
        total[more.row, more.col] += more.data
        found[part] = total.max(axis=1)
    return found


def _indicators(
    codes: np.ndarray, among: np.ndarray, weights: list[np.ndarray]
) -> tuple[np.ndarray, Any]:
    """Weighted indicators of values that many rows of ``among`` have (n, k), and of others."""
    from scipy.sparse import csr_matrix, hstack

    dense, rare = [np.zeros((len(codes), 1), np.float32)], []
    for j, weight in enumerate(weights):
        often = np.bincount(among[:, j], minlength=len(weight)) > _FREQUENT * len(among)
        place = np.cumsum(often) - 1
        own = codes[:, j]
        block = np.zeros((len(codes), int(often.sum())), np.float32)
        at = np.flatnonzero(often[own])
        block[at, place[own[at]]] = weight[own[at]]
        dense.append(block)
        at = np.flatnonzero(~often[own])
        shape = (len(codes), len(weight))
        rare.append(csr_matrix((weight[own[at]].astype(np.float32), (at, own[at])), shape=shape))
    return np.concatenate(dense, axis=1), hstack(rare, format="csr")


ATTACKS: dict[str, Callable[[People], Scores]] = {
    "nearest distance": nearest_distance,
    "distance difference": distance_difference,
    "density ratio (DOMIAS)": density_ratio,
    "local likelihood ratio (Gen-LRA)": local_likelihood_ratio,
    "classifier": classifier,
    "rarity matching": rarity_matching,
}


def _all_codes(people: People) -> list[int]:
    """Number of codes of each column."""
    tops = np.max([table.max(axis=0) for table in people.codes.values()], axis=0)
    return [int(top) + 1 for top in tops]


def _rarity(known: np.ndarray, n_codes: int) -> np.ndarray:
    """Weight (n_codes,) of a shared value, by how rare it is; one never seen is the rarest."""
    count = np.bincount(known, minlength=n_codes)
    return np.asarray(np.log((len(known) + 1) / np.maximum(count, 1)))


def _projected(people: People) -> tuple[dict[str, Floats32], float]:
    """Points along the leading directions of the attacker's rows, and the kernel's width."""
    from sklearn.decomposition import PCA

    known = np.concatenate([people.points["synthetic"], people.points["reference"]])
    k = min(_DIRECTIONS, known.shape[1])
    seen = PCA(n_components=k, random_state=0).fit(known)
    found = {role: seen.transform(points) for role, points in people.points.items()}
    spread = float(np.sqrt(seen.explained_variance_.mean()))
    # half of Scott (1992), equation 6.42: copies are peaks, which wide kernels level
    width = 0.5 * spread * len(people.points["reference"]) ** (-1 / (k + 4))
    return found, max(width, 1e-6)


def _log_density(rows: Floats32, among: Floats32, width: float) -> Floats:
    """Log of the mean kernel (n,) at rows, of Gaussian kernels round ``among``."""
    found = np.empty(len(rows))
    size = max(1, _BLOCK // len(among))
    # single precision of points round their mean: squares of large numbers would cancel
    centre = among.mean(axis=0)
    scale = np.float32(1 / (np.sqrt(2) * width))
    rows, among = ((points - centre) * scale for points in (rows, among))
    own, target = (among**2).sum(axis=1), np.ascontiguousarray(among.T)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        kernel = 2 * (part @ target) - own
        kernel -= (part**2).sum(axis=1)[:, None]
        top = kernel.max(axis=1)
        kernel -= top[:, None]
        np.exp(kernel, out=kernel)
        found[start : start + size] = top + np.log(kernel.sum(axis=1, dtype=np.float64))
    return np.asarray(found - np.log(len(among)))


def _rarest(far: Floats) -> np.ndarray:
    """The tenth that lies farthest from all others."""
    return np.argsort(-far, kind="stable")[: max(2, int(len(far) * _RAREST))]
