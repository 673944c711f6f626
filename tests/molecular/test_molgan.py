"""MolGAN: dense graphs, its networks, and what becomes of a collapse."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen import MolGen
from synthgen.adversarial.penalties import gradient_penalty
from synthgen.chemistry import canonical
from synthgen.errors import ConditionError, InvalidInputError, ModelFileError
from synthgen.molecular import oneshot
from synthgen.molecular.dense import DenseVocabulary
from synthgen.molecular.featurize import featurize
from synthgen.molecular.molgan import (
    Discriminator,
    MolGANConfig,
    MolGANGenerator,
    Sizes,
    flat,
    has_collapsed,
    one_hot,
    relaxed,
)
from synthgen.molecular.representation import Molecules
from synthgen.seeds import Streams

Dense = tuple[DenseVocabulary, list[str], np.ndarray]
# so small that a short fit draws some of them
SMALL = ["CO", "CN", "C=O", "CCO", "CCC", "CCN", "COC", "CNC", "CC=O", "C=CC", "CC#N", "C#CC"] * 8
SETTINGS = {"model": "molgan", "seed": 0, "progress": False, "device": "cpu"}


@pytest.fixture(scope="module")
def dense(qm9: pd.Series) -> Dense:
    """Vocabulary, SMILES and codes of some molecules."""
    found = featurize(qm9[::10].tolist(), Molecules(), names=[])
    vocabulary, rare = DenseVocabulary.of([orders[0] for orders in found.sequences], Molecules())
    kept = [i for i in range(len(found.texts)) if i not in rare]
    _, codes = vocabulary.encode([found.sequences[i] for i in kept])
    return vocabulary, [found.texts[i] for i in kept], codes


@pytest.fixture(scope="module")
def fitted() -> MolGen:
    return MolGen(max_steps=60, model_options={"evaluate_every": 20}, **SETTINGS).fit(SMALL)


def seeded(network: type[torch.nn.Module], *args: object) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return network(*args).double()


def codes_of(
    vocabulary: DenseVocabulary, atoms: str, bonds: dict[tuple[int, int], int]
) -> np.ndarray:
    """Codes of letters and bonds; "." is no atom."""
    kinds = {atom.symbol: k + 1 for k, atom in enumerate(vocabulary.atoms) if not atom.is_fixed}
    atoms = atoms.ljust(vocabulary.size, ".")
    nodes = [kinds.get(letter, 0) for letter in atoms]
    return np.array(nodes + [bonds.get(pair, 0) for pair in combinations(range(len(atoms)), 2)])


def test_molecules_come_back_from_dense_codes(
    dense: Dense,
) -> None:
    vocabulary, smiles, codes = dense
    assert [vocabulary.smiles(row) for row in codes] == smiles
    assert vocabulary.size == max(len(row[: vocabulary.size].nonzero()[0]) for row in codes)
    assert DenseVocabulary.from_dict(vocabulary.to_dict(), Molecules()) == vocabulary


@pytest.mark.parametrize(
    ("atoms", "bonds", "smiles"),
    [
        ("CCO", {(0, 1): 1, (1, 2): 1}, "CCO"),
        ("C.O", {(0, 2): 2}, "C=O"),
        ("CCO", {(0, 1): 1}, None),  # two components
        ("CO", {(0, 1): 3}, None),  # too many bonds
        ("C..O", {(0, 1): 1, (1, 3): 1}, None),  # bonds to a place without an atom
        ("", {}, None),
    ],
)
def test_what_is_not_a_molecule_is_none(
    dense: Dense,
    atoms: str,
    bonds: dict[tuple[int, int], int],
    smiles: str | None,
) -> None:
    assert dense[0].smiles(codes_of(dense[0], atoms, bonds)) == smiles


def test_what_does_not_fit_is_left_out_with_the_reason() -> None:
    rows = ["CCO"] * 6 + ["C" * 41, "C.N", "CC#N", "C[NH+](C)C"]
    found = featurize(rows, Molecules("keep"), names=[])
    vocabulary, rare = DenseVocabulary.of([orders[0] for orders in found.sequences], Molecules())
    assert rare == {
        6: "more than 40 atoms: a dense graph holds every pair of them",
        7: "several components: a dense graph is one",
        8: "N: fewer than 5 molecules have it",
        9: "N+1: fewer than 5 molecules have it",
    }
    assert (vocabulary.size, vocabulary.orders) == (3, (1,))


@pytest.mark.parametrize("relaxation", ["softmax", "gumbel", "straight-through"])
def test_graphs_are_symmetric_and_without_loops(relaxation: str) -> None:
    sizes = Sizes(5, 3, 2)
    network = seeded(MolGANGenerator, sizes, 8)
    nodes, pairs = network(torch.randn(4, 8, generator=Streams(0).torch("z")).double())
    assert nodes.shape == (4, 5, 3)
    assert pairs.shape == (4, 5, 5, 3)
    assert torch.equal(pairs, pairs.transpose(1, 2))
    config = MolGANConfig(relaxation=relaxation)
    seen = relaxed(nodes, pairs, config, Streams(1).torch("noise"))
    adjacency, kinds = seen.split([5 * 5 * 2, 5 * 3], 1)
    adjacency, kinds = adjacency.view(4, 5, 5, 2), kinds.view(4, 5, 3)
    assert torch.equal(adjacency, adjacency.transpose(1, 2))
    assert not adjacency.diagonal(dim1=1, dim2=2).any()
    assert torch.allclose(kinds.sum(2), torch.ones(4, 5, dtype=kinds.dtype))
    hard = bool(((kinds.detach() - kinds.detach().round()).abs() < 1e-6).all())
    assert hard == (relaxation == "straight-through")
    seen.square().sum().backward()
    assert network.layers[0].weight.grad.abs().sum() > 0


def test_a_convolution_sums_over_neighbours_by_bond() -> None:
    sizes = Sizes(4, 3, 2)
    layer = seeded(Discriminator, sizes).convolutions[0]
    rng = np.random.default_rng(0)
    known = torch.from_numpy(rng.normal(size=(1, 4, 3)))
    adjacency = torch.zeros(1, 4, 4, 2, dtype=torch.float64)
    for i, j, bond in [(0, 1, 0), (1, 2, 1)]:  # the last atom has no bond
        adjacency[0, i, j, bond] = adjacency[0, j, i, bond] = 1
    found = layer(known, adjacency)[0]
    told = [
        layer.told.weight[64 * y : 64 * (y + 1)] @ known[0].T
        + layer.told.bias[64 * y : 64 * (y + 1)].unsqueeze(1)
        for y in range(2)
    ]
    middle = layer.own(known)[0, 1] + told[0][:, 0] + told[1][:, 2]
    assert torch.allclose(found[1], torch.tanh(middle))
    assert torch.allclose(found[0], torch.tanh(layer.own(known)[0, 0] + told[0][:, 1]))
    assert torch.allclose(found[3], torch.tanh(layer.own(known)[0, 3]))


def test_the_discriminator_does_not_see_the_order_of_atoms(
    dense: Dense,
) -> None:
    vocabulary, _, codes = dense
    sizes = Sizes.of(vocabulary)
    critic = seeded(Discriminator, sizes)
    graphs = one_hot(torch.from_numpy(codes[:20].astype(np.int64)), vocabulary).double()
    n = sizes.places
    adjacency, nodes = graphs.split([n * n * sizes.bonds, n * sizes.atoms], 1)
    order = torch.from_numpy(np.random.default_rng(1).permutation(n))
    turned = adjacency.view(20, n, n, sizes.bonds)[:, order][:, :, order]
    other = torch.cat([turned.flatten(1), nodes.view(20, n, -1)[:, order].flatten(1)], 1)
    assert not torch.equal(graphs, other)
    assert torch.allclose(critic(graphs), critic(other))
    assert critic(graphs).std() > 1e-3


def test_the_gradient_penalty_of_the_discriminator_by_hand() -> None:
    """Between equal graphs there is one point, where its slope is measured by differences."""
    sizes = Sizes(3, 2, 1)
    critic = seeded(Discriminator, sizes)
    rng = np.random.default_rng(0)
    point = flat(*(torch.from_numpy(rng.random(shape)) for shape in ((1, 3, 2), (1, 3, 3, 2))))
    h = 1e-5
    with torch.no_grad():
        ends = [critic(point + sign * h * torch.eye(point.shape[1])) for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * h)
    found = gradient_penalty(critic, point, point, Streams(0).torch("share")).detach()
    assert float(found) == pytest.approx(float((slope.norm() - 1) ** 2), rel=1e-6)


def test_draws_are_valid_and_the_same_from_a_file(fitted: MolGen, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.synthgen")
    loaded = MolGen.load(tmp_path / "m.synthgen")
    drawn = fitted.sample(30, seed=3)
    assert [canonical(text) for text in drawn["smiles"]] == drawn["smiles"].tolist()
    assert loaded.sample(30, seed=3).equals(drawn)
    assert loaded.model == "molgan"
    loaded.save(tmp_path / "again.synthgen")
    assert (tmp_path / "again.synthgen").read_bytes() == (tmp_path / "m.synthgen").read_bytes()


def test_raw_draws_are_what_they_are(fitted: MolGen) -> None:
    raw = fitted.generator_.raw(1500, Streams(1))
    valid = [text for text in raw if text]
    assert len(raw) == 1500
    assert 0 < len(valid) < 1500
    assert [canonical(text) for text in valid] == valid
    assert raw == fitted.generator_.raw(1500, Streams(1))


def test_the_same_seed_gives_the_same_model(fitted: MolGen) -> None:
    again = MolGen(max_steps=60, model_options={"evaluate_every": 20}, **SETTINGS).fit(SMALL)
    one, other = fitted.generator_.weights(), again.generator_.weights()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert again.training_ == fitted.training_
    different = MolGen(max_steps=2, **{**SETTINGS, "seed": 1}).fit(SMALL).generator_.weights()
    assert not np.array_equal(one["network.nodes.weight"], different["network.nodes.weight"])


def test_training_makes_molecules_of_noise(fitted: MolGen) -> None:
    history, model = fitted.training_["history"], fitted.generator_
    assert [entry["step"] for entry in history] == [20, 40, 60]
    best = next(e for e in history if e["step"] == fitted.training_["best_step"])
    assert best["score"] == min(entry["score"] for entry in history)
    untrained = seeded(MolGANGenerator, Sizes.of(model.vocabulary), 32).float()
    before = oneshot.judged(untrained, model.vocabulary, model.options, Streams(0))
    after = oneshot.judged(model.network, model.vocabulary, model.options, Streams(0))
    assert after["validity"] > before["validity"] + 0.2


def test_a_collapse_ends_training_and_is_told(qm9: pd.Series) -> None:
    def record_of(learning_rate: float) -> dict[str, Any]:
        options = {"critic_steps": 1, "noise_dim": 1, "evaluate_every": 10}
        options["learning_rate"] = learning_rate
        model = MolGen(max_steps=50, model_options=options, **SETTINGS).fit(qm9[::4].tolist())
        return model.training_

    healthy, record = record_of(1e-4), record_of(0.1)
    assert (healthy["ended_by"], healthy["warnings"]) == ("steps", [])
    assert record["ended_by"] == "collapsed"
    assert record["steps"] == 31  # three evaluations, and the step after them
    assert record["history"][-1]["variety"] < 0.01
    (warning,) = record["warnings"]
    assert warning.startswith("mode collapse: at step ")
    assert f"The weights of step {record['best_step']}" in warning


@pytest.mark.parametrize(
    ("uniqueness", "variety", "collapsed"),
    [(0.5, 0.5, False), (0.01, 0.5, True), (0.0, 0.5, False), (0.0, 0.01, True)],
)
def test_what_counts_as_a_collapse(uniqueness: float, variety: float, collapsed: bool) -> None:
    entry = {"uniqueness": uniqueness, "variety": variety}
    healthy = {"uniqueness": 0.9, "variety": 0.9}
    assert has_collapsed([healthy, *[entry] * 3], 0.02) == collapsed
    assert not has_collapsed([entry, entry, healthy, entry, entry], 0.02)


def test_hardly_any_valid_draw_is_an_error(
    fitted: MolGen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted.save(tmp_path / "m.synthgen")
    broken = MolGen.load(tmp_path / "m.synthgen")
    # triple bonds everywhere
    broken.generator_.network.pairs.bias[len(broken.generator_.vocabulary.orders) :: 4] += 100
    monkeypatch.setattr(oneshot, "_TRIED", 300)
    with pytest.raises(InvalidInputError, match="raw draws of this molgan are valid molecules"):
        broken.sample(3, seed=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"properties": ["QED"]}, "model molgan learns no properties"),
        ({"model_options": {"width": 3}}, "width"),
        ({"model": "molgen"}, "did you mean 'molgan'"),
    ],
)
def test_odd_options_are_refused(settings: dict[str, object], message: str, qm9: pd.Series) -> None:
    with pytest.raises(InvalidInputError, match=message):
        MolGen(**{**SETTINGS, **settings}).fit(qm9[:60].tolist())


def test_conditions_are_refused(fitted: MolGen) -> None:
    with pytest.raises(ConditionError, match="model molgan takes no conditions"):
        fitted.sample(3, where={"QED": (0.4, 0.6)})


@pytest.mark.parametrize(
    "change",
    [{"size": 4000}, {"orders": [1, 7]}, {"atoms": []}, {"atoms": [["C", 0, 0, -1, -1]]}],
)
def test_a_damaged_vocabulary_is_refused(dense: Dense, change: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="not a vocabulary of atoms and bonds"):
        DenseVocabulary.from_dict({**dense[0].to_dict(), **change}, Molecules())
