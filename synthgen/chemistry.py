"""Molecules as plain graphs, and back. The only file that imports RDKit.

A `Graph` is what a generator builds: atoms, and bonds in the order they are made. Rings are Kekule
structures, so that valence can be counted while they are built; aromaticity is RDKit's business
when the graph becomes a SMILES again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, BinaryIO

import numpy as np

from synthgen.errors import InvalidInputError, MissingExtraError

try:
    from rdkit import Chem, RDLogger
    from rdkit.Chem import (
        BRICS,
        QED,
        Crippen,
        Descriptors,
        rdDepictor,
        rdFingerprintGenerator,
        rdMolDescriptors,
    )
    from rdkit.Chem.Draw import rdMolDraw2D
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams
    from rdkit.Chem.Scaffolds import MurckoScaffold
except ImportError as error:
    raise MissingExtraError(
        "molecules need the package rdkit; install synthgen[molecules]"
    ) from error

# what cannot be read is reported row by row, in our words
RDLogger.DisableLog("rdApp.*")

SALTS = ("largest", "keep", "error")
# seeds of RDKit's generator
_SEEDS = 2**31 - 1
_ORDERS = {Chem.BondType.SINGLE: 1, Chem.BondType.DOUBLE: 2, Chem.BondType.TRIPLE: 3}
_TYPES = {order: kind for kind, order in _ORDERS.items()}
_TAGS = {
    Chem.ChiralType.CHI_UNSPECIFIED: 0,
    Chem.ChiralType.CHI_TETRAHEDRAL_CW: 1,
    Chem.ChiralType.CHI_TETRAHEDRAL_CCW: 2,
}
_CIS = (Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOCIS)
_TRANS = (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS)
# bonds of a fragment as SMARTS; triple and aromatic ones are only themselves
_HELD = {Chem.BondType.SINGLE: "-,:", Chem.BondType.DOUBLE: "=,:"}
_MOST_BONDS = 8
_RECORD_END = b"$$$$"


class Unusable(ValueError):
    """Why a row cannot be represented."""


@dataclass(frozen=True, order=True)
class Atom:
    """An atom as it is chosen, before it has bonds.

    Attributes:
        symbol: Element.
        charge: Formal charge.
        isotope: Mass number, 0 for the natural mixture.
        hydrogens: Hydrogens of an atom that has others than its valence leaves; ``None`` where
            they are as many as it leaves.
        bonds: Sum of bond orders such an atom has to have; ``None`` where any will do.
        chirality: 0 none, 1 clockwise, 2 counterclockwise, seen along its bonds as they are made.
    """

    symbol: str
    charge: int = 0
    isotope: int = 0
    hydrogens: int = -1
    bonds: int = -1
    chirality: int = 0

    @property
    def is_fixed(self) -> bool:
        """Whether its sum of bond orders is given."""
        return self.hydrogens >= 0

    @property
    def capacity(self) -> int:
        """Largest sum of bond orders."""
        return self.bonds if self.is_fixed else _capacity(self.symbol, self.charge)

    def left(self, order: int) -> int:
        """Bond orders it may still make after a bond of ``order``; 0 where it is the first."""
        return self.capacity - order

    def __str__(self) -> str:
        charge = f"{self.charge:+d}" if self.charge else ""
        return f"{self.isotope or ''}{self.symbol}{charge}{('', '@@', '@')[self.chirality]}"


@dataclass(frozen=True)
class Bond:
    """A bond from ``start`` to the later atom ``end``.

    ``stereo`` of a double bond: 0 none, 1 cis, 2 trans, of the first other neighbours that its two
    atoms got.
    """

    start: int
    end: int
    order: int
    stereo: int = 0


@dataclass(frozen=True)
class Graph:
    """A molecule: atoms in the order they are added, bonds in the order they are made."""

    atoms: tuple[Atom, ...]
    bonds: tuple[Bond, ...]


def parse(smiles: Any, salts: str = "largest") -> Chem.Mol:
    """The molecule of a SMILES.

    Args:
        smiles: Text.
        salts: Of several components take the ``"largest"``, ``"keep"`` all, or call it an
            ``"error"``.

    Raises:
        Unusable: If it is no SMILES, has no atoms, or has several components against ``salts``.
    """
    if not isinstance(smiles, str) or not smiles.strip():
        raise Unusable("empty")
    molecule = Chem.MolFromSmiles(smiles.strip())
    if molecule is None:
        raise Unusable("not a valid SMILES")
    return one_component(molecule, salts)


def one_component(molecule: Chem.Mol, salts: str) -> Chem.Mol:
    """A molecule with at least one atom, its salts dealt with; see `parse`."""
    if not molecule.GetNumAtoms():
        raise Unusable("no atoms")
    if salts == "keep":
        return molecule
    parts = Chem.GetMolFrags(molecule, asMols=True)
    if len(parts) > 1 and salts == "error":
        raise Unusable(f"{len(parts)} components; choose salts='largest' or 'keep'")
    return max(parts, key=lambda part: (part.GetNumHeavyAtoms(), Chem.MolToSmiles(part)))


def canonical(smiles: str) -> str | None:
    """Canonical SMILES, or ``None`` where it is not valid or has several components."""
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or not molecule.GetNumAtoms():
        return None
    text = str(Chem.MolToSmiles(molecule))
    return None if "." in text else text


def inchi_key(smiles: str) -> str:
    """InChIKey of a valid SMILES: one for all ways to write it, and for most tautomers.

    Where InChI has none, the SMILES itself.
    """
    return str(Chem.MolToInchiKey(Chem.MolFromSmiles(smiles))) or smiles


# Graphs ------------------------------------------------------------------------------------------


def to_graph(molecule: Chem.Mol, seed: int | None = None) -> Graph:
    """The graph of a molecule, atoms as its canonical SMILES names them.

    Args:
        molecule: Sanitized.
        seed: Take the order of a random SMILES instead.

    Raises:
        Unusable: If it holds a bond or an atom that the graph has no word for, or does not come
            back as the same molecule.
    """
    molecule = _in_order(molecule, seed)
    Chem.Kekulize(molecule, clearAromaticFlags=True)
    ends = [
        sorted((n.GetIdx() for n in atom.GetNeighbors() if n.GetIdx() < i), reverse=True)
        for i, atom in enumerate(molecule.GetAtoms())
    ]
    # the deepest earlier neighbour is the parent, the others close rings, the nearest first
    made = [(other, i) for i, others in enumerate(ends) for other in others]
    place = {frozenset(pair): k for k, pair in enumerate(made)}
    neighbours = [
        sorted((n.GetIdx() for n in atom.GetNeighbors()), key=lambda n: place[frozenset((n, i))])
        for i, atom in enumerate(molecule.GetAtoms())
    ]
    atoms = tuple(_atom(atom, neighbours[i]) for i, atom in enumerate(molecule.GetAtoms()))
    return Graph(atoms, tuple(_bond(molecule, *pair, neighbours) for pair in made))


def _in_order(molecule: Chem.Mol, seed: int | None) -> Chem.Mol:
    """A copy whose atoms stand as a SMILES names them."""
    if seed is None:
        Chem.MolToSmiles(molecule)
    else:
        # RDKit takes 0 for no seed, and goes on from wherever its generator is
        Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed % _SEEDS + 1)
    named = molecule.GetProp("_smilesAtomOutputOrder")
    order = [int(index) for index in named.strip("[],").split(",")]
    return Chem.RenumberAtoms(molecule, order)


def _atom(atom: Chem.Atom, made: list[int]) -> Atom:
    tag = _TAGS.get(atom.GetChiralTag())
    if tag is None:
        raise Unusable(f"stereochemistry {atom.GetChiralTag()} of {atom.GetSymbol()}")
    if atom.GetAtomicNum() == 0:
        raise Unusable("a wildcard in place of an atom")
    if tag:
        before = [bond.GetOtherAtomIdx(atom.GetIdx()) for bond in atom.GetBonds()]
        tag = 3 - tag if _is_odd([before.index(n) for n in made]) else tag
    symbol, charge = atom.GetSymbol(), atom.GetFormalCharge()
    total = sum(_order(bond) for bond in atom.GetBonds())
    left = _hydrogens(symbol, charge, total)
    isotope, hydrogens = atom.GetIsotope(), atom.GetTotalNumHs()
    if hydrogens == left and total <= _capacity(symbol, charge):
        return Atom(symbol, charge, isotope, chirality=tag)
    return Atom(symbol, charge, isotope, hydrogens, total, tag)


def _order(bond: Chem.Bond) -> int:
    order = _ORDERS.get(bond.GetBondType())
    if order is None:
        raise Unusable(f"a bond of type {str(bond.GetBondType()).lower()}")
    return order


def _bond(molecule: Chem.Mol, start: int, end: int, made: list[list[int]]) -> Bond:
    bond = molecule.GetBondBetweenAtoms(start, end)
    kind = bond.GetStereo()
    if kind not in _CIS + _TRANS:
        return Bond(start, end, _order(bond))
    reference = set(bond.GetStereoAtoms())
    first = _references(made, start, end)
    assert first is not None
    turned = sum(atom not in reference for atom in first)
    return Bond(start, end, _order(bond), 1 if (kind in _CIS) == (turned % 2 == 0) else 2)


def _references(made: Sequence[Sequence[int]], start: int, end: int) -> tuple[int, int] | None:
    """The first other neighbours of both ends of a bond, where both have one."""
    left = next((n for n in made[start] if n != end), None)
    right = next((n for n in made[end] if n != start), None)
    return None if left is None or right is None else (left, right)


def _is_odd(permutation: list[int]) -> bool:
    n = len(permutation)
    return bool(sum(permutation[a] > permutation[b] for a in range(n) for b in range(a + 1, n)) % 2)


def to_smiles(graph: Graph) -> str | None:
    """Canonical SMILES of a graph, or ``None`` where it is not a valid molecule.

    Strict: all of RDKit's sanitization, nothing repaired, and the SMILES parses again.
    """
    molecule = _built(graph)
    return None if molecule is None else _round_trip(molecule)


def to_relational(graph: Graph) -> tuple[str, Nodes, Edges] | None:
    """What `to_smiles` and `relational` give for a graph, with one parse for both."""
    molecule = _built(graph)
    again = None if molecule is None else Chem.MolFromSmiles(Chem.MolToSmiles(molecule))
    if again is None:
        return None
    text = str(Chem.MolToSmiles(again))
    return text, *_relational(again, text)


def _built(graph: Graph) -> Chem.Mol | None:
    molecule = Chem.RWMol()
    made: list[list[int]] = [[] for _ in graph.atoms]
    for atom in graph.atoms:
        molecule.AddAtom(_new_atom(atom))
    for bond in graph.bonds:
        molecule.AddBond(bond.start, bond.end, _TYPES[bond.order])
        made[bond.start].append(bond.end)
        made[bond.end].append(bond.start)
    for bond in graph.bonds:
        if bond.stereo and (first := _references(made, bond.start, bond.end)):
            held = molecule.GetBondBetweenAtoms(bond.start, bond.end)
            held.SetStereoAtoms(*first)
            held.SetStereo(
                Chem.BondStereo.STEREOCIS if bond.stereo == 1 else Chem.BondStereo.STEREOTRANS
            )
    try:
        Chem.SanitizeMol(molecule)
    except (ValueError, RuntimeError):
        return None
    if any(atom.chirality for atom in graph.atoms) or any(bond.stereo for bond in graph.bonds):
        # sides of bonds have to be written beside them, or a SMILES of several components loses
        # them
        Chem.SetDoubleBondNeighborDirections(molecule)
        # what is no centre of stereochemistry is cleaned away when the SMILES is parsed again
        Chem.AssignStereochemistry(molecule, cleanIt=False, force=True)
    return molecule


@lru_cache(maxsize=4096)
def _new_atom(atom: Atom) -> Chem.Atom:
    new = Chem.Atom(atom.symbol)
    new.SetFormalCharge(atom.charge)
    new.SetIsotope(atom.isotope)
    if atom.is_fixed:
        new.SetNoImplicit(True)
        new.SetNumExplicitHs(atom.hydrogens)
    if atom.chirality:
        new.SetChiralTag(
            Chem.ChiralType.CHI_TETRAHEDRAL_CW
            if atom.chirality == 1
            else Chem.ChiralType.CHI_TETRAHEDRAL_CCW
        )
    return new


def _round_trip(molecule: Chem.Mol) -> str | None:
    """Canonical SMILES after one parse, which canonicalization no longer changes."""
    again = Chem.MolFromSmiles(Chem.MolToSmiles(molecule))
    return None if again is None else str(Chem.MolToSmiles(again))


@lru_cache(maxsize=4096)
def _hydrogens(symbol: str, charge: int, bonds: int) -> int | None:
    """Hydrogens that RDKit gives an atom with these bonds; ``None`` where they are too many."""
    molecule = Chem.RWMol()
    centre = Chem.Atom(symbol)
    centre.SetFormalCharge(charge)
    molecule.AddAtom(centre)
    for k in range(bonds):
        molecule.AddAtom(Chem.Atom("C"))
        molecule.AddBond(0, k + 1, Chem.BondType.SINGLE)
    try:
        Chem.SanitizeMol(molecule)
    except (ValueError, RuntimeError):
        return None
    atom = molecule.GetAtomWithIdx(0)
    # what is left open and not filled would be a radical
    return None if atom.GetNumRadicalElectrons() else int(atom.GetTotalNumHs())


@lru_cache(maxsize=1024)
def _capacity(symbol: str, charge: int) -> int:
    """Largest sum of bond orders up to which RDKit accepts all."""
    for bonds in range(1, _MOST_BONDS + 1):
        if _hydrogens(symbol, charge, bonds) is None:
            return bonds - 1
    return _MOST_BONDS


def fragment_graphs(smiles: Any, n: int) -> list[Graph]:
    """Graphs of a fragment in ``n`` random orders of its atoms; stereochemistry is left out.

    Raises:
        Unusable: With the reason why there is none.
    """
    molecule = parse(smiles, "error")
    Chem.RemoveStereochemistry(molecule)
    return [to_graph(molecule, seed) for seed in range(n)]


def aromatic_hydrogens(graph: Graph) -> list[int]:
    """Hydrogens of each aromatic atom of a valid graph, -1 of others."""
    molecule = _built(graph)
    atoms = [] if molecule is None else molecule.GetAtoms()
    return [atom.GetTotalNumHs() if atom.GetIsAromatic() else -1 for atom in atoms]


def contains(smiles: str, fragment: str) -> bool:
    """Whether a valid SMILES holds the atoms and bonds of a fragment, itself a valid SMILES.

    An aromatic bond holds a single or a double one too: an amide stays one in a pyridone.
    """
    query = Chem.RWMol(Chem.MolFromSmiles(fragment))
    Chem.RemoveStereochemistry(query)
    for atom in query.GetAtoms():
        kind = f"[#{atom.GetAtomicNum()}{atom.GetFormalCharge():+d}]"
        query.ReplaceAtom(atom.GetIdx(), Chem.AtomFromSmarts(kind))
    for bond in query.GetBonds():
        if held := _HELD.get(bond.GetBondType()):
            query.ReplaceBond(bond.GetIdx(), Chem.BondFromSmarts(held))
    return bool(Chem.MolFromSmiles(smiles).HasSubstructMatch(query))


def represented(smiles: Any, salts: str = "largest", seed: int | None = None) -> tuple[Graph, str]:
    """Graph and canonical SMILES of a row.

    Raises:
        Unusable: With the reason why there is none.
    """
    molecule = parse(smiles, salts)
    graph = to_graph(molecule, seed)
    wanted, got = _round_trip(molecule), to_smiles(graph)
    if wanted is None or got != wanted:
        raise Unusable("its graph does not come back as the same molecule")
    return graph, wanted


# Files -------------------------------------------------------------------------------------------


def read_sdf(handle: BinaryIO) -> Iterator[tuple[str, dict[str, str]]]:
    """SMILES and tags of each record; an unreadable record has an empty SMILES and no tags."""
    record: list[bytes] = []
    for line in chain(handle, [_RECORD_END]):
        record.append(line)
        if line.startswith(_RECORD_END):
            text, record = b"".join(record).decode("utf-8", "replace"), []
            if text.strip() != _RECORD_END.decode():
                yield _read_record(text)


def _read_record(text: str) -> tuple[str, dict[str, str]]:
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text)
    molecule = next(iter(supplier), None)
    if molecule is None:
        return "", {}
    tags = {str(name): str(value) for name, value in molecule.GetPropsAsDict().items()}
    return str(Chem.MolToSmiles(molecule)), tags


def sdf_record(smiles: str, tags: Mapping[str, str]) -> str:
    """An SDF record of a valid SMILES, with flat coordinates."""
    molecule = Chem.MolFromSmiles(smiles)
    rdDepictor.Compute2DCoords(molecule)
    lines = [f">  <{name}>\n{value}\n\n" for name, value in tags.items()]
    return str(Chem.MolToMolBlock(molecule)) + "".join(lines) + "$$$$\n"


def peptide_smiles(sequence: str) -> str:
    """Canonical SMILES of a peptide of L-residues with free ends.

    Args:
        sequence: One-letter codes of the standard residues, from N to C terminus.

    Raises:
        InvalidInputError: If it holds another letter, or none.
    """
    molecule = Chem.MolFromSequence(sequence) if sequence.isupper() else None
    if molecule is None:
        raise InvalidInputError(f"{sequence!r} is not a sequence of standard residues")
    return str(Chem.MolToSmiles(molecule))


# Properties --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _sa_score() -> Callable[[Chem.Mol], float]:
    """Ertl and Schuffenhauer's synthetic accessibility, from RDKit's contributions."""
    import importlib.util
    from pathlib import Path

    from rdkit.Chem import RDConfig

    path = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    specification = importlib.util.spec_from_file_location("sascorer", path)
    if specification is None or specification.loader is None or not path.exists():
        raise MissingExtraError(
            "this RDKit comes without the SA score; install synthgen[molecules]"
        )
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    score: Callable[[Chem.Mol], float] = module.calculateScore
    return score


@lru_cache(maxsize=1)
def _drug_likeness(molecule: Chem.Mol) -> QED.QEDproperties:
    """What QED is made of (Bickerton et al., 2012): most of its time goes to the alerts."""
    return QED.properties(molecule)


PROPERTIES: dict[str, Callable[[Chem.Mol], float]] = {
    "QED": lambda molecule: QED.qed(molecule, qedProperties=_drug_likeness(molecule)),
    "logP": Crippen.MolLogP,
    "SA": lambda molecule: _sa_score()(molecule),
    "weight": Descriptors.MolWt,
    "TPSA": rdMolDescriptors.CalcTPSA,
    "rings": rdMolDescriptors.CalcNumRings,
    "atoms": lambda molecule: molecule.GetNumHeavyAtoms(),
    "HBD": rdMolDescriptors.CalcNumHBD,
    "HBA": rdMolDescriptors.CalcNumHBA,
    "rotatable_bonds": rdMolDescriptors.CalcNumRotatableBonds,
    "aromatic_rings": rdMolDescriptors.CalcNumAromaticRings,
    "alerts": lambda molecule: _drug_likeness(molecule).ALERTS,
}


def picture(smiles: str, width: int = 180, height: int = 120) -> str:
    """A drawing of a valid SMILES as an SVG element without styles of a page."""
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    drawer.drawOptions().clearBackground = False
    drawer.DrawMolecule(Chem.MolFromSmiles(smiles))
    drawer.FinishDrawing()
    text = str(drawer.GetDrawingText())
    return text[text.index("<svg") :]


def properties(smiles: str, names: Iterable[str]) -> list[float]:
    """Properties of a valid SMILES by their names in `PROPERTIES`.

    Raises:
        InvalidInputError: If it is not valid.
    """
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise InvalidInputError(f"{smiles!r} is not a valid SMILES")
    return [float(PROPERTIES[name](molecule)) for name in names]


# Relational graphs -------------------------------------------------------------------------------

# how many values each field of a node has: element, charge, hydrogens, aromatic, chirality, ring
NODE_FIELDS = (119, 7, 6, 2, 3, 9)
# single, double, triple, aromatic, and double bonds with a known side
RELATIONS = 6
# by twice the order of a bond: 2 single, 3 aromatic, 4 double, 6 triple
_RELATION = np.array([0, 0, 0, 3, 1, 0, 2, 0])
_SIDES = {"R": 1, "S": 2}
# one after another, not as lists of lists: of millions of small lists the collector takes its time
Nodes = list[int]
Edges = list[int]


def relational(smiles: str) -> tuple[Nodes, Edges]:
    """Nodes and edges of a valid SMILES, whatever the order of its atoms.

    Returns the fields of `NODE_FIELDS` of every atom, one atom after another (the last is the
    smallest ring it is in, 0 for none), and from, to and relation of every edge, each bond in both
    directions.
    """
    return _relational(Chem.MolFromSmiles(smiles), smiles)


def _relational(molecule: Chem.Mol, smiles: str) -> tuple[Nodes, Edges]:
    smallest = molecule.GetRingInfo().MinAtomRingSize
    has_centres = "@" in smiles
    nodes: Nodes = []
    for i in range(molecule.GetNumAtoms()):
        atom = molecule.GetAtomWithIdx(i)
        # centres of stereochemistry have it, and no other atoms
        side = has_centres and atom.HasProp("_CIPCode") and _SIDES.get(atom.GetProp("_CIPCode"))
        nodes += (
            min(atom.GetAtomicNum(), 118),
            min(max(atom.GetFormalCharge() + 3, 0), 6),
            min(atom.GetTotalNumHs(), 5),
            int(atom.GetIsAromatic()),
            side or 0,
            min(smallest(i), 8),
        )
    # a matrix of orders takes a tenth of the time of asking every bond
    order = Chem.GetAdjacencyMatrix(molecule, useBO=True)
    starts, ends = np.nonzero(order)
    kinds = _RELATION[np.minimum(2 * order[starts, ends], 7).astype(np.int64)]
    for k in np.flatnonzero(kinds == 1).tolist():
        stereo = molecule.GetBondBetweenAtoms(int(starts[k]), int(ends[k])).GetStereo()
        kinds[k] = 4 if stereo in _CIS else 5 if stereo in _TRANS else 1
    return nodes, np.column_stack([starts, ends, kinds]).ravel().tolist()


# Descriptors -------------------------------------------------------------------------------------

_COUNTS = 512
_AREAS = (
    rdMolDescriptors.MQNs_,
    rdMolDescriptors.SlogP_VSA_,
    rdMolDescriptors.SMR_VSA_,
    rdMolDescriptors.PEOE_VSA_,
    rdMolDescriptors.CalcCrippenDescriptors,
)
_SINGLE = (
    rdMolDescriptors.CalcTPSA,
    rdMolDescriptors.CalcLabuteASA,
    rdMolDescriptors.CalcFractionCSP3,
    rdMolDescriptors.CalcExactMolWt,
)


def descriptors(smiles: Sequence[str]) -> np.ndarray:
    """What predicts the properties of valid SMILES (n,): (n, n_descriptors) float32, finite.

    Counts of Morgan neighbourhoods of radius 2 (Rogers and Hahn, 2010), folded to 512; molecular
    quantum numbers (Nguyen et al., 2009); surface areas by log P, refractivity and charge (Labute,
    2000); log P, refractivity, polar surface, share of sp3 carbon, mass.
    """
    found = [_descriptors(Chem.MolFromSmiles(text)) for text in smiles]
    width = n_descriptors()
    # charges of unusual atoms are not known
    numbers = np.nan_to_num(np.array(found, np.float32).reshape(len(found), width))
    return np.asarray(numbers.clip(-1e6, 1e6))


@lru_cache(maxsize=1)
def n_descriptors() -> int:
    """How many numbers `descriptors` gives of a molecule."""
    return len(_descriptors(Chem.MolFromSmiles("C")))


def _descriptors(molecule: Chem.Mol) -> np.ndarray:
    areas = [number for of in _AREAS for number in of(molecule)]
    counts = _neighbourhood_counts().GetCountFingerprintAsNumPy(molecule)
    return np.concatenate([[of(molecule) for of in _SINGLE], areas, counts])


@lru_cache(maxsize=1)
def _neighbourhood_counts() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=_COUNTS)


# Structure ---------------------------------------------------------------------------------------

FINGERPRINT_BITS = 1024
_RADIUS, _REACH = 2, 4


@dataclass(frozen=True)
class Structure:
    """What measures look at in a molecule.

    Attributes:
        fingerprint: (128,) uint8, packed bits of a Morgan fingerprint of radius 2.
        fragments: Its BRICS fragments and how often each comes.
        scaffold: SMILES of its Murcko scaffold; "" without rings.
        alerts: Whether a filter of pan-assay interference (PAINS) or unwanted groups matches.
        pairs: Hashed pairs of neighbourhoods and how often each comes: those of radius up to 2
            around two atoms up to 4 bonds apart, the graph kernel of Costa and De Grave (2010).
    """

    fingerprint: np.ndarray
    fragments: Counter[str]
    scaffold: str
    alerts: bool
    pairs: Counter[int]

    def to_plain(self) -> list[Any]:
        """As lists, texts and numbers."""
        bits = self.fingerprint.tolist()
        return [bits, dict(self.fragments), self.scaffold, self.alerts, list(self.pairs.items())]

    @classmethod
    def from_plain(cls, found: list[Any]) -> Structure:
        """Inverse of `to_plain`."""
        bits, fragments, scaffold, alerts, pairs = found
        counted = Counter(dict(pairs))
        return cls(np.array(bits, np.uint8), Counter(fragments), scaffold, alerts, counted)


@dataclass(frozen=True)
class Trace:
    """What a molecule is recognized by.

    Attributes:
        key: Its InChIKey; canonical SMILES where InChI has none.
        skeleton: Its first part, which stands for atoms and bonds alone: stereochemistry, isotopes
            and protons aside.
        scaffold: SMILES of its Murcko scaffold; "" without rings.
        fingerprint: As of `Structure`.
    """

    key: str
    skeleton: str
    scaffold: str
    fingerprint: np.ndarray

    def to_plain(self) -> list[Any]:
        """As lists and texts."""
        return [self.key, self.skeleton, self.scaffold, self.fingerprint.tolist()]

    @classmethod
    def from_plain(cls, found: list[Any]) -> Trace:
        """Inverse of `to_plain`."""
        key, skeleton, scaffold, bits = found
        return cls(key, skeleton, scaffold, np.array(bits, np.uint8))


def trace(smiles: Any) -> Trace | None:
    """What a SMILES is recognized by, of several components the largest; ``None`` if not valid."""
    try:
        molecule = parse(smiles)
    except Unusable:
        return None
    key = str(Chem.MolToInchiKey(molecule))
    text = str(Chem.MolToSmiles(molecule))
    scaffold = str(MurckoScaffold.MurckoScaffoldSmiles(mol=molecule))
    return Trace(key or text, key.split("-")[0] or text, scaffold, _fingerprint(molecule))


def _fingerprint(molecule: Chem.Mol) -> np.ndarray:
    return np.packbits(_morgan().GetFingerprintAsNumPy(molecule).astype(bool))


@lru_cache(maxsize=1)
def _catalog() -> FilterCatalog:
    wanted = FilterCatalogParams()
    for kind in ("PAINS", "BRENK"):
        wanted.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, kind))
    return FilterCatalog(wanted)


@lru_cache(maxsize=1)
def _morgan() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=FINGERPRINT_BITS)


def structure(smiles: str) -> Structure:
    """What measures look at in a valid SMILES."""
    molecule = Chem.MolFromSmiles(smiles)
    cut = Chem.GetMolFrags(BRICS.BreakBRICSBonds(molecule), asMols=True, sanitizeFrags=False)
    return Structure(
        _fingerprint(molecule),
        Counter(str(Chem.MolToSmiles(part)) for part in cut),
        str(MurckoScaffold.MurckoScaffoldSmiles(mol=molecule)),
        bool(_catalog().HasMatch(molecule)),
        _pairs(molecule),
    )


def _pairs(molecule: Chem.Mol) -> Counter[int]:
    """Hashes of (neighbourhood, neighbourhood, radius, bonds apart)."""
    extra = rdFingerprintGenerator.AdditionalOutput()
    extra.AllocateBitInfoMap()
    _neighbourhoods().GetSparseCountFingerprint(molecule, additionalOutput=extra)
    held: dict[int, dict[int, int]] = {radius: {} for radius in range(_RADIUS + 1)}
    for name, places in extra.GetBitInfoMap().items():
        for atom, radius in places:
            held[radius][atom] = name
    apart = Chem.GetDistanceMatrix(molecule)
    near = np.argwhere(np.triu(apart <= _REACH))
    found: Counter[int] = Counter()
    for radius, names in held.items():
        for a, b in near.tolist():
            if a in names and b in names:
                ends = sorted((names[a], names[b]))
                found[hash((*ends, radius, int(apart[a, b])))] += 1
    return found


@lru_cache(maxsize=1)
def _neighbourhoods() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(
        radius=_RADIUS, includeRedundantEnvironments=True
    )
