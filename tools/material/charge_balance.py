"""Can the building blocks of a framework be neutral together? Linker charges against plausible metal oxidation states.

The text names no stoichiometry, so any positive number of each block is allowed: the blocks balance where one can be
positive and another negative, or where each can be neutral. What cannot balance would need counter-ions that the text
does not name; many real frameworks have such ions in their pores, so this is a figure beside the others and never part
of validity. Oxidation states: those common in compounds (Greenwood and Earnshaw 1997, ISBN 0-7506-3365-4), lowest to
highest. Not promised: a block with an atom whose charge these rules do not tell has no answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from rdkit import Chem, rdBase

OXIDATION_STATES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("Li", "Na", "K", "Rb", "Cs", "Ag"), (1, 1)),
    **dict.fromkeys(("Be", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"), (2, 2)),
    **dict.fromkeys(("Al", "Ga", "In", "Sc", "Y", "La", "Nd", "Gd", "Dy", "Ho", "Er", "Lu", "Bi"), (3, 3)),
    **dict.fromkeys(("Sm", "Eu", "Tm", "Yb", "Fe", "Co", "Ni"), (2, 3)),
    **dict.fromkeys(("Ce", "Pr", "Tb"), (3, 4)),
    **dict.fromkeys(("Zr", "Hf", "Th"), (4, 4)),
    **dict.fromkeys(("Cr", "Mo", "W"), (2, 6)),
    **dict.fromkeys(("Sn", "Pb", "Pd", "Pt", "Ge"), (2, 4)),
    **dict.fromkeys(("Cu", "Hg"), (1, 2)),
    **{"Ti": (3, 4), "V": (2, 5), "Nb": (3, 5), "Ta": (5, 5), "Mn": (2, 7), "Re": (3, 7), "Tl": (1, 3)},
    **{
        "Tc": (4, 7),
        "Os": (4, 8),
        "Ru": (2, 4),
        "Rh": (1, 3),
        "Ir": (1, 4),
        "Au": (1, 3),
        "Sb": (3, 5),
        "U": (4, 6),
        "Np": (3, 6),
    },
}
"""Element -> lowest and highest common oxidation state in compounds."""

NONMETALS = frozenset(
    ("H", "He", "B", "C", "N", "O", "F", "Ne", "Si", "P", "S", "Cl", "Ar", "As", "Se", "Br", "Kr", "Te", "I", "Xe")
)
_HALIDES = frozenset(("F", "Cl", "Br", "I"))
_CHALCOGENS = frozenset(("O", "S", "Se", "Te"))

Charges = tuple[int, int]
"""Lowest and highest charge, in elementary charges."""


def has_metal(node: str) -> bool:
    """Whether a node (read unsanitised) holds an atom that is no nonmetal: a lone [OH] or O is not a metal node."""
    mol = _read(node)
    return mol is not None and any(atom.GetSymbol() not in NONMETALS for atom in mol.GetAtoms())


def node_charges(node: str) -> Charges | None:
    """The charges a node can have: metals by `OXIDATION_STATES`, oxo -2, hydroxo -1, water 0, halide -1, likewise the
    heavier chalcogens. None where an atom is neither. [Zn][O]([Zn])([Zn])[Zn]: (6, 6); [OH2]->[Co]: (2, 3)."""
    mol = _read(node)
    if mol is None:
        return None
    low = high = 0
    for atom in mol.GetAtoms():
        charges = _atom_charges(atom)
        if charges is None:
            return None
        low, high = low + charges[0], high + charges[1]
    return low, high


def linker_charges(linker: str) -> Charges | None:
    """The formal charge of a linker as written; None where RDKit cannot read it."""
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(linker)
    if mol is None:
        return None
    charge = Chem.GetFormalCharge(mol)
    return charge, charge


def can_balance(blocks: Iterable[Charges | None]) -> bool | None:
    """Whether some positive number of each block adds up to charge 0; None where that hangs on an unknown block."""
    given = list(blocks)
    known = [charges for charges in given if charges is not None]
    positive, negative = any(high > 0 for _, high in known), any(low < 0 for low, _ in known)
    if positive and negative:
        return True
    if len(known) < len(given):
        return None
    return all(low <= 0 <= high for low, high in known)


def framework_balances(nodes: Iterable[str], linkers: Iterable[str]) -> bool | None:
    """`can_balance` of the blocks of a framework."""
    return can_balance([*map(node_charges, nodes), *map(linker_charges, linkers)])


def _read(node: str) -> Chem.Mol | None:
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(node, sanitize=False)
    if mol is not None:
        mol.UpdatePropertyCache(strict=False)
    return mol


def _atom_charges(atom: Chem.Atom) -> Charges | None:
    symbol = atom.GetSymbol()
    if symbol not in NONMETALS:
        return OXIDATION_STATES.get(symbol)
    bonded = {other.GetSymbol() for other in atom.GetNeighbors()} - {"H"}
    if symbol == "H":
        return (0, 0) if atom.GetDegree() == 1 else None
    if bonded & NONMETALS:
        return None
    n_hydrogens = atom.GetTotalNumHs(includeNeighbors=True)
    if symbol in _HALIDES:
        charge = n_hydrogens - 1
    elif symbol in _CHALCOGENS:
        charge = n_hydrogens - 2
    else:
        return None
    return charge, charge
