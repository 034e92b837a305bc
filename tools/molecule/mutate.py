"""One random edit of a molecular graph: the mutation operator of a genetic algorithm over molecules.

After the idea of Graph GA (Jensen 2019, doi 10.1039/C8SC05372C), with edits on the atom graph instead of
reaction templates and whole groups beside single atoms. The seed and the molecule decide the result, not how
the SMILES is written. NOT promised: stereo at an edited atom (it is left open, and `states` enumerates it)
and synthesizability.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from rdkit import Chem, rdBase

from tools.molecule.offspring import NoOffspringError, NotViable, check_band, viable_smiles
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles

T = TypeVar("T")
SINGLE = Chem.BondType.SINGLE
APPENDED: dict[str, float] = {
    "C": 8.0,
    "N": 3.0,
    "O": 4.0,
    "F": 3.0,
    "Cl": 2.0,
    "OC": 2.0,
    "C#N": 1.0,
    "C(F)(F)F": 1.0,
    "C(N)=O": 1.0,
    "NC(C)=O": 0.7,
    "S(C)(=O)=O": 0.5,
    "S(N)(=O)=O": 0.4,
    "C(C)C": 0.7,
    "N(C)C": 0.7,
    "C1CC1": 0.7,
    "c1ccccc1": 1.5,
    "c1ccncc1": 0.8,
    "c1cn[nH]c1": 0.5,
    "N1CCOCC1": 0.5,
    "N1CCNCC1": 0.5,
    "C1CCNCC1": 0.4,
    "N1CCCC1": 0.4,
}
# Inserted between two atoms: the first atom of the SMILES binds one, the last atom the other.
INSERTED: dict[str, float] = {"C": 5.0, "O": 2.0, "N": 2.0, "S": 0.3, "O=CN": 1.0, "O=C": 0.5}
LINK_ENDS = {"O=CN": (1, 2), "O=C": (1, 1)}
ELEMENTS: dict[int, float] = {6: 4.0, 7: 3.0, 8: 2.0, 9: 1.0, 16: 0.7, 17: 0.7}
MAX_END_ATOMS = 8


def mutate(
    smiles: str,
    seed: int,
    *,
    min_heavy_atoms: int = 20,
    max_heavy_atoms: int = 35,
    max_attempts: int = 100,
) -> str:
    """A changed, sanitised, connected neutral parent inside the heavy-atom band, as canonical SMILES.

    The band 20..35 is protocols.md 2b; a parent outside it is moved towards it. Random edits are tried until
    one is viable; `NoOffspringError` after `max_attempts`.
    """
    check_band(min_heavy_atoms, max_heavy_atoms, max_attempts)
    parent = Chem.MolFromSmiles(canonical_smiles(neutral_parent(parse_smiles(smiles))))
    rng = Random(seed)
    names, weights = list(OPERATORS), [weight for _, weight in OPERATORS.values()]
    for _ in range(max_attempts):
        operator = OPERATORS[rng.choices(names, weights)[0]][0]
        try:
            edited = operator(parent, rng)
            return viable_smiles(edited, [parent], min_heavy_atoms, max_heavy_atoms)
        except NotViable:
            continue
    raise NoOffspringError(
        f"no mutation of {smiles!r} within {min_heavy_atoms}..{max_heavy_atoms} heavy atoms in {max_attempts} "
        f"attempts with seed {seed}; try another seed or a wider band"
    )


def _append(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """A hydrogen becomes an atom or a group."""
    model = _editable(parent)
    site = _choose(rng, [atom.GetIdx() for atom in model.GetAtoms() if atom.GetTotalNumHs() > 0])
    return _attach(model, site, _weighted(rng, APPENDED))


def _replace_end(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """A small substituent becomes another one."""
    model = _editable(parent)
    ends = [
        (site, first)
        for bond in parent.GetBonds()
        if not bond.IsInRing() and bond.GetBondType() == SINGLE
        for site, first in (
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()),
            (bond.GetEndAtomIdx(), bond.GetBeginAtomIdx()),
        )
        if len(_side(parent, first, site)) <= min(MAX_END_ATOMS, parent.GetNumAtoms() - 4)
    ]
    site, first = _choose(rng, ends)
    model = _attach(model, site, _weighted(rng, APPENDED))
    for index in sorted(_side(parent, first, site), reverse=True):
        model.RemoveAtom(index)
    return model


def _insert(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """A single bond that is not aromatic takes an atom or an amide between its ends."""
    model = _editable(parent)
    bonds = [b for b in parent.GetBonds() if b.GetBondType() == SINGLE and not b.GetIsAromatic()]
    bond = _choose(rng, [(b.GetBeginAtomIdx(), b.GetEndAtomIdx(), b.IsInRing()) for b in bonds])
    link = _weighted(rng, INSERTED)
    first, last = bond[:2] if rng.random() < 0.5 else (bond[1], bond[0])
    start, end = LINK_ENDS.get(link, (0, 0))
    offset = model.GetNumAtoms()
    model.RemoveBond(first, last)
    model.InsertMol(Chem.MolFromSmiles(link))
    model.AddBond(first, offset + start, SINGLE)
    model.AddBond(offset + end, last, SINGLE)
    _forget_stereo(model, first, last)
    return model


def _delete(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """An atom with one neighbour goes, or one with two and its neighbours are joined."""
    model = _editable(parent)
    atoms = [a for a in parent.GetAtoms() if a.GetDegree() in {1, 2} and not a.GetIsAromatic()]
    index = _choose(rng, [atom.GetIdx() for atom in atoms])
    neighbours = [n.GetIdx() for n in model.GetAtomWithIdx(index).GetNeighbors()]
    if len(neighbours) == 2:
        if model.GetBondBetweenAtoms(neighbours[0], neighbours[1]) is not None:
            raise NotViable("the neighbours are bonded already")
        model.AddBond(neighbours[0], neighbours[1], SINGLE)
    _forget_stereo(model, *neighbours)
    model.RemoveAtom(index)
    return model


def _change_atom(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """An uncharged atom becomes another element; aromatic carbon and nitrogen change places this way."""
    model = _editable(parent)
    atoms = [a for a in model.GetAtoms() if a.GetFormalCharge() == 0 and a.GetAtomicNum() in ELEMENTS]
    atom = model.GetAtomWithIdx(_choose(rng, [a.GetIdx() for a in atoms]))
    others = {z: w for z, w in ELEMENTS.items() if z != atom.GetAtomicNum()}
    atom.SetAtomicNum(rng.choices(list(others), list(others.values()))[0])
    atom.SetNoImplicit(False)
    atom.SetNumExplicitHs(0)
    _forget_stereo(model, atom.GetIdx())
    return model


def _change_bond(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """The order of a bond that is not aromatic changes."""
    model = _editable(parent)
    bonds = [b for b in parent.GetBonds() if not b.GetIsAromatic()]
    index = _choose(rng, [bond.GetIdx() for bond in bonds])
    bond = model.GetBondWithIdx(index)
    orders = [SINGLE, Chem.BondType.DOUBLE] + ([] if bond.IsInRing() else [Chem.BondType.TRIPLE])
    bond.SetBondType(rng.choice([order for order in orders if order != bond.GetBondType()]))
    ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    for end in ends:
        _release_hydrogens(model.GetAtomWithIdx(end))
    _forget_stereo(model, *ends)
    return model


def _form_ring(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """Two atoms with hydrogens four or five bonds apart are joined to a five- or six-membered ring."""
    model = _editable(parent)
    distances = Chem.GetDistanceMatrix(parent)
    free = [a.GetIdx() for a in parent.GetAtoms() if a.GetTotalNumHs() > 0 and not a.GetIsAromatic()]
    free_or_aromatic = [a.GetIdx() for a in parent.GetAtoms() if a.GetTotalNumHs() > 0]
    pairs = [(i, j) for i in free for j in free_or_aromatic if i != j and distances[i][j] in {4.0, 5.0}]
    first, last = _choose(rng, pairs)
    for end in (first, last):
        _release_hydrogens(model.GetAtomWithIdx(end))
    model.AddBond(first, last, SINGLE)
    _forget_stereo(model, first, last)
    return model


def _break_ring(parent: Chem.Mol, rng: Random) -> Chem.Mol:
    """A single ring bond that is not aromatic is cut."""
    model = _editable(parent)
    bonds = [b for b in parent.GetBonds() if b.IsInRing() and b.GetBondType() == SINGLE]
    first, last = _choose(rng, [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in bonds])
    model.RemoveBond(first, last)
    _forget_stereo(model, first, last)
    return model


Operator = Callable[[Chem.Mol, Random], Chem.Mol]
OPERATORS: dict[str, tuple[Operator, float]] = {
    "append": (_append, 2.0),
    "replace_end": (_replace_end, 2.0),
    "insert": (_insert, 1.5),
    "delete": (_delete, 2.0),
    "change_atom": (_change_atom, 2.0),
    "change_bond": (_change_bond, 0.7),
    "form_ring": (_form_ring, 0.8),
    "break_ring": (_break_ring, 0.5),
}


def _editable(parent: Chem.Mol) -> Chem.RWMol:
    """A Kekulé copy to edit; atom indices are the parent's."""
    model = Chem.RWMol(parent)
    with rdBase.BlockLogs():
        Chem.Kekulize(model, clearAromaticFlags=True)
    return model


def _attach(model: Chem.RWMol, site: int, group: str) -> Chem.RWMol:
    """Bind the group's first atom to `site`."""
    offset = model.GetNumAtoms()
    fragment = Chem.MolFromSmiles(group)
    Chem.Kekulize(fragment, clearAromaticFlags=True)
    model.InsertMol(fragment)
    _release_hydrogens(model.GetAtomWithIdx(site))
    model.AddBond(site, offset, SINGLE)
    _forget_stereo(model, site)
    return model


def _side(mol: Chem.Mol, first: int, blocked: int) -> set[int]:
    """Atoms reached from `first` without passing `blocked`."""
    reached, frontier = {first}, [first]
    while frontier:
        for neighbour in mol.GetAtomWithIdx(frontier.pop()).GetNeighbors():
            index = neighbour.GetIdx()
            if index != blocked and index not in reached:
                reached.add(index)
                frontier.append(index)
    return reached


def _release_hydrogens(atom: Chem.Atom) -> None:
    """Let RDKit count the hydrogens of an uncharged atom anew after its bonds change."""
    if atom.GetFormalCharge() == 0:
        atom.SetNoImplicit(False)
        atom.SetNumExplicitHs(0)


def _forget_stereo(model: Chem.RWMol, *indices: int) -> None:
    """Leave stereo open at edited atoms and at the double bonds beside them."""
    for index in indices:
        atom = model.GetAtomWithIdx(index)
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        for bond in atom.GetBonds():
            bond.SetStereo(Chem.BondStereo.STEREONONE)
            bond.SetBondDir(Chem.BondDir.NONE)


def _choose(rng: Random, options: list[T]) -> T:
    if not options:
        raise NotViable("nowhere to edit")
    return rng.choice(options)


def _weighted(rng: Random, table: dict[str, float]) -> str:
    return rng.choices(list(table), list(table.values()))[0]
