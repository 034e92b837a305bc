"""Two parents, one child: parts of both joined at acyclic bonds.

After the idea of Graph GA (Jensen 2019, doi 10.1039/C8SC05372C): cut each parent at one bond and join a piece
of each, or cut one at two bonds and swap its linker for the other's. Half the tries cut only where
retrosynthesis would (BRICS: Degen 2008, doi 10.1002/cmdc.200800178). Rings are never cut. The seed and the
molecules decide the result, not how the SMILES are written; the order of the parents matters.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from rdkit import Chem, rdBase
from rdkit.Chem import BRICS

from tools.molecule.offspring import NoOffspringError, NotViable, check_band, viable_smiles
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles

MIN_PIECE_ATOMS = 2


def crossover(
    first: str,
    second: str,
    seed: int,
    *,
    min_heavy_atoms: int = 20,
    max_heavy_atoms: int = 35,
    max_attempts: int = 100,
) -> str:
    """A molecule with parts of both parents, inside the heavy-atom band, different from both, as canonical
    SMILES.

    The band 20..35 is protocols.md 2b. `NoOffspringError` after `max_attempts`, for example where a parent
    has no acyclic bond to cut.
    """
    check_band(min_heavy_atoms, max_heavy_atoms, max_attempts)
    parents = [Chem.MolFromSmiles(canonical_smiles(neutral_parent(parse_smiles(text)))) for text in (first, second)]
    rng = Random(seed)
    for _ in range(max_attempts):
        recombine = _join_halves if rng.random() < 0.7 else _swap_linker
        cuts = _brics_cuts if rng.random() < 0.5 else _acyclic_cuts
        try:
            child = recombine(parents, cuts, rng)
            return viable_smiles(child, parents, min_heavy_atoms, max_heavy_atoms)
        except NotViable:
            continue
    raise NoOffspringError(
        f"no crossover of {first!r} and {second!r} within {min_heavy_atoms}..{max_heavy_atoms} heavy atoms in "
        f"{max_attempts} attempts with seed {seed}; try another seed or a wider band"
    )


Cuts = Callable[[Chem.Mol], list[int]]


def _join_halves(parents: list[Chem.Mol], cuts: Cuts, rng: Random) -> Chem.Mol:
    """One cut in each parent; one piece of each, joined where they were cut."""
    pieces = [rng.choice(_pieces(parent, _pick(rng, cuts(parent), 1))) for parent in parents]
    return _zip(pieces)


def _swap_linker(parents: list[Chem.Mol], cuts: Cuts, rng: Random) -> Chem.Mol:
    """Two cuts in each parent; the ends of the first around the linker of the second."""
    ends, _ = _ends_and_linker(_pieces(parents[0], _pick(rng, cuts(parents[0]), 2)))
    _, linker = _ends_and_linker(_pieces(parents[1], _pick(rng, cuts(parents[1]), 2)))
    if rng.random() < 0.5:
        ends = ends[::-1]
    for label, end in enumerate(ends, start=1):
        for atom in end.GetAtoms():
            if atom.GetAtomicNum() == 0:
                atom.SetAtomMapNum(label)
    return _zip([*ends, linker])


def _pick(rng: Random, bonds: list[int], n: int) -> list[int]:
    if len(bonds) < n:
        raise NotViable("too few bonds to cut")
    return sorted(rng.sample(bonds, n))


def _acyclic_cuts(mol: Chem.Mol) -> list[int]:
    """Single bonds outside rings between two atoms that each have another neighbour."""
    return [
        bond.GetIdx()
        for bond in mol.GetBonds()
        if not bond.IsInRing()
        and bond.GetBondType() == Chem.BondType.SINGLE
        and bond.GetBeginAtom().GetDegree() > 1
        and bond.GetEndAtom().GetDegree() > 1
    ]


def _brics_cuts(mol: Chem.Mol) -> list[int]:
    """Single bonds that BRICS would break, in index order."""
    found = BRICS.FindBRICSBonds(mol)  # type: ignore[no-untyped-call]
    bonds = [mol.GetBondBetweenAtoms(*pair) for pair, _ in found]
    return sorted(bond.GetIdx() for bond in bonds if bond.GetBondType() == Chem.BondType.SINGLE)


def _pieces(mol: Chem.Mol, bonds: list[int]) -> list[Chem.Mol]:
    """The molecule cut at these bonds; the two ends of bond k carry wildcard atoms with map number k."""
    labels = [(0, 0)] * len(bonds)
    cut = Chem.FragmentOnBonds(mol, bonds, addDummies=True, dummyLabels=labels)
    dummies = [atom for atom in cut.GetAtoms() if atom.GetAtomicNum() == 0]
    for number, atom in enumerate(dummies):
        atom.SetAtomMapNum(number // 2 + 1)
    pieces = list(Chem.GetMolFrags(cut, asMols=True, sanitizeFrags=False))
    if any(piece.GetNumAtoms() - _n_dummies(piece) < MIN_PIECE_ATOMS for piece in pieces):
        raise NotViable("a piece is too small")
    return pieces


def _ends_and_linker(pieces: list[Chem.Mol]) -> tuple[list[Chem.Mol], Chem.Mol]:
    ends = [piece for piece in pieces if _n_dummies(piece) == 1]
    linkers = [piece for piece in pieces if _n_dummies(piece) == 2]
    if len(ends) != 2 or len(linkers) != 1:
        raise NotViable("no linker between the cuts")
    return ends, linkers[0]


def _n_dummies(mol: Chem.Mol) -> int:
    return sum(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms())


def _zip(pieces: list[Chem.Mol]) -> Chem.Mol:
    """Join pieces where wildcard atoms carry the same map number; stereo centres at the cuts are left open."""
    combined = pieces[0]
    for piece in pieces[1:]:
        combined = Chem.CombineMols(combined, piece)
    for atom in combined.GetAtoms():
        if atom.GetAtomicNum() == 0:
            for neighbour in atom.GetNeighbors():
                neighbour.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    with rdBase.BlockLogs():
        try:
            return Chem.molzip(combined)
        except (RuntimeError, ValueError) as error:
            raise NotViable(str(error)) from error
