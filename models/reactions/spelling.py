"""Spellings of reactions in which both sides name the same atoms in the same order.

The product is RDKit's canonical SMILES rooted at some atom; the reactants are written in the product's atom order, the
atoms that leave after it, so that most of one side is a copy of the other (root-aligned SMILES, 10.1039/D2SC02763A;
there the reactants are canonical SMILES rooted at the mapped atom, here the whole order is carried over). Atoms are
matched by the reaction's atom maps or, where it has none, by growing pairs of atoms with equal surroundings
(`match_atoms`): a rough map, good enough to order atoms, never shown as a mechanism.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from rdkit import Chem, rdBase

MAX_RADIUS = 6
"""Bonds around an atom that are compared, widest first; beyond it surroundings in drug-sized molecules are unique."""


def rooted_spellings(smiles: str, n: int, seed: int = 0) -> tuple[str, ...]:
    """Up to `n` different spellings of a molecule: canonical first, then rooted at atoms drawn without repetition.

    Raises ValueError where RDKit cannot read `smiles`.
    """
    mol = _parsed(smiles)
    if mol is None:
        raise ValueError(f"not a SMILES that RDKit can read: {smiles!r}")
    _clear_maps(mol)
    spellings = {str(Chem.MolToSmiles(mol)): None}
    atoms = list(range(mol.GetNumAtoms()))
    random.Random(seed).shuffle(atoms)
    for atom in atoms:
        if len(spellings) >= n:
            break
        spellings[str(Chem.MolToSmiles(mol, rootedAtAtom=atom))] = None
    return tuple(spellings)[:n]


class AlignedReaction:
    """One reaction read once, to be spelled in many ways. `product` and `reactants` are SMILES, mapped or not.

    Raises ValueError where RDKit cannot read a side, or the product is not one connected molecule.
    """

    def __init__(self, reactants: str, product: str) -> None:
        right, left = _parsed(product), _parsed(reactants)
        if right is None or left is None:
            raise ValueError(f"not a reaction that RDKit can read: {reactants!r} >> {product!r}")
        if len(Chem.GetMolFrags(right)) != 1:
            raise ValueError(f"the product is not one connected molecule: {product!r}")
        self._partner = _matched_by_maps(right, left) or match_atoms(right, left)  # product atom -> reactant atom
        _clear_maps(right)
        _clear_maps(left)
        self._product = right
        self._fragments: list[tuple[int, ...]] = []
        self._reactants: list[Chem.Mol] = list(
            Chem.GetMolFrags(left, asMols=True, sanitizeFrags=False, fragsMolAtomMapping=self._fragments)
        )

    def retrosynthesis(self, rng: random.Random) -> tuple[str, tuple[str, ...]]:
        """(product, reactants): the product rooted at a random atom, the reactants in its atom order.

        Reactants come in the order in which the product first uses their atoms, those it does not use last.
        """
        product, order = _rooted(self._product, rng.randrange(self._product.GetNumAtoms()))
        place = {self._partner[atom]: at for at, atom in enumerate(order) if atom in self._partner}
        written = [
            _following(fragment, [place.get(atom) for atom in atoms])
            for fragment, atoms in zip(self._reactants, self._fragments, strict=True)
        ]
        return product, tuple(smiles for _, smiles in sorted(written))

    def forward(self, rng: random.Random) -> tuple[tuple[str, ...], str]:
        """(reactants, product): reactants in random order, each rooted at a random atom, the product in theirs."""
        place: dict[int, int] = {}
        reactants = []
        for number in rng.sample(range(len(self._reactants)), len(self._reactants)):
            fragment, atoms = self._reactants[number], self._fragments[number]
            smiles, order = _rooted(fragment, rng.randrange(fragment.GetNumAtoms()))
            reactants.append(smiles)
            for atom in order:
                place[atoms[atom]] = len(place)
        partners = (self._partner.get(atom) for atom in range(self._product.GetNumAtoms()))
        _, product = _following(self._product, [None if other is None else place[other] for other in partners])
        return tuple(reactants), product


def _rooted(mol: Chem.Mol, root: int) -> tuple[str, list[int]]:
    """RDKit's canonical SMILES rooted at an atom, and the atoms in the order written."""
    smiles = str(Chem.MolToSmiles(mol, rootedAtAtom=root))
    return smiles, list(mol.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])


def _following(mol: Chem.Mol, places: Sequence[int | None]) -> tuple[int, str]:
    """(least place, SMILES) of a molecule with its atoms in the order of `places` as far as a SMILES can be; atoms
    without a place come after those with one, in canonical order."""
    last = 1 << 20
    canonical = Chem.CanonicalRankAtoms(mol)
    keys = [last + canonical[atom] if place is None else place for atom, place in enumerate(places)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    smiles = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False, rootedAtAtom=0)
    return min(keys), str(smiles)


def match_atoms(product: Chem.Mol, reactants: Chem.Mol) -> dict[int, int]:
    """Product atom -> reactant atom, for as many product atoms as have a plausible partner.

    Atoms with the same surroundings and no rival at the widest radius are paired first; pairs then grow along bonds
    between atoms of one element; what is left is paired by ever narrower surroundings. Each reactant atom is used once.
    """
    left, right = _surroundings(reactants), _surroundings(product)
    matched: dict[int, int] = {}
    used: set[int] = set()
    for radius in range(MAX_RADIUS, -1, -1):
        places: dict[int, list[int]] = defaultdict(list)
        for atom, seen in enumerate(left[radius]):
            places[seen].append(atom)
        for atom, seen in enumerate(right[radius]):
            free = [other for other in places.get(seen, ()) if other not in used]
            if atom in matched or not free:
                continue
            if len(free) == 1 or radius <= 1:
                _grow(product, reactants, atom, _best(product, reactants, atom, free, matched), matched, used)
    return matched


def _best(product: Chem.Mol, reactants: Chem.Mol, atom: int, free: list[int], matched: dict[int, int]) -> int:
    """The free reactant atom with most neighbours that are partners of this atom's neighbours."""
    partners = {matched[n.GetIdx()] for n in product.GetAtomWithIdx(atom).GetNeighbors() if n.GetIdx() in matched}
    return max(
        free, key=lambda other: sum(n.GetIdx() in partners for n in reactants.GetAtomWithIdx(other).GetNeighbors())
    )


def _grow(
    product: Chem.Mol, reactants: Chem.Mol, atom: int, other: int, matched: dict[int, int], used: set[int]
) -> None:
    """Pair two atoms, then their neighbours of the same element and bond where that leaves no choice."""
    waiting = [(atom, other)]
    while waiting:
        mine, theirs = waiting.pop()
        if mine in matched or theirs in used:
            continue
        matched[mine] = theirs
        used.add(theirs)
        mine_next, theirs_next = _open_neighbours(product, mine, matched), _open_neighbours(reactants, theirs, used)
        waiting += [
            (found[0], theirs_next[key][0])
            for key, found in mine_next.items()
            if len(found) == 1 == len(theirs_next.get(key, ()))
        ]


def _open_neighbours(
    mol: Chem.Mol, atom: int, taken: set[int] | dict[int, int]
) -> dict[tuple[int, float, int], list[int]]:
    found: dict[tuple[int, float, int], list[int]] = defaultdict(list)
    for bond in mol.GetAtomWithIdx(atom).GetBonds():
        other = bond.GetOtherAtom(mol.GetAtomWithIdx(atom))
        if other.GetIdx() not in taken:
            found[other.GetAtomicNum(), bond.GetBondTypeAsDouble(), other.GetDegree()].append(other.GetIdx())
    return found


def _surroundings(mol: Chem.Mol) -> list[list[int]]:
    """For each radius 0..MAX_RADIUS one number an atom, equal for equal surroundings."""
    seen = [hash((a.GetAtomicNum(), a.GetIsAromatic(), a.IsInRing())) for a in mol.GetAtoms()]
    bonds: list[list[tuple[int, float]]] = [
        [(b.GetOtherAtomIdx(a.GetIdx()), b.GetBondTypeAsDouble()) for b in a.GetBonds()] for a in mol.GetAtoms()
    ]
    layers = [seen]
    for _ in range(MAX_RADIUS):
        last = layers[-1]
        layers.append(
            [hash((last[atom], tuple(sorted((kind, last[o]) for o, kind in bonds[atom])))) for atom in range(len(last))]
        )
    return layers


def _matched_by_maps(product: Chem.Mol, reactants: Chem.Mol) -> dict[int, int]:
    numbers = {atom.GetAtomMapNum(): atom.GetIdx() for atom in reactants.GetAtoms() if atom.GetAtomMapNum()}
    pairs = ((atom.GetIdx(), numbers.get(atom.GetAtomMapNum())) for atom in product.GetAtoms() if atom.GetAtomMapNum())
    return {mine: theirs for mine, theirs in pairs if theirs is not None}


def _clear_maps(mol: Chem.Mol) -> None:
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)


def _parsed(smiles: str) -> Chem.Mol | None:
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return mol
