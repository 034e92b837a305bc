"""How much changes in one step: bonds made and broken between the atoms that both sides share.

A single step of the literature changes few bonds; a proposal that rebuilds half of the molecule is no single step.
Atoms are paired as `models.reactions.spelling.match_atoms` does, by atom maps where the text has them: a rough map that
can only see too much change, so that a pass is sound and a fail may be the map's. Not promised: a mechanism.
"""

from __future__ import annotations

from rdkit import Chem

from models.reactions.spelling import match_atoms
from tools.errors import InputError
from tools.molecule.parse import parse_smiles
from tools.molecule.verdict import decided, undecided
from tools.types import CheckResult

MAXIMUM_CHANGES = 6
"""Covers 98 % of the reactions of USPTO-50K, paired by the same rule."""
MINIMUM_SHARED = 0.5


def check_reaction_centre(
    reactants: list[str],
    product: str,
    maximum_changes: int = MAXIMUM_CHANGES,
    minimum_shared: float = MINIMUM_SHARED,
) -> CheckResult:
    """Pass where 1 to `maximum_changes` bonds between paired atoms are made, broken or change their order (aromatic
    ones and those to leaving atoms aside) and every reactant gives the product an atom (so they do in 99 % of
    USPTO-50K by this pairing). Fail where nothing changes. Unknown where fewer than `minimum_shared` of
    the product's heavy atoms could be paired."""
    right = parse_smiles(product)
    left = parse_smiles(".".join(reactants))
    if len(Chem.GetMolFrags(right)) != 1:
        raise InputError(f"product {product!r} is a mixture; give one molecule")
    pairs = match_atoms(right, left)
    threshold = f"1..{maximum_changes} bonds"
    shared = len(pairs) / right.GetNumAtoms()
    if shared < minimum_shared:
        return undecided("reaction_centre", f"only {shared:.0%} of the product's atoms could be paired", threshold)
    changes = bond_changes(left, right, pairs)
    count = sum(map(len, changes.values())) + _leaving_bonds(left, pairs)
    idle = idle_reactants(left, pairs)
    return decided(
        "reaction_centre",
        1 <= count <= maximum_changes and not idle,
        value=float(count),
        unit="bonds changed",
        threshold=threshold,
        reason=_reason(count, maximum_changes, idle),
        details={
            **{kind: [list(bond) for bond in bonds] for kind, bonds in changes.items()},
            "atoms": sorted({atom for bonds in changes.values() for bond in bonds for atom in bond}),
            "shared_atoms": round(shared, 3),
            "idle_reactants": idle,
        },
    )


def bond_changes(left: Chem.Mol, right: Chem.Mol, pairs: dict[int, int]) -> dict[str, list[tuple[int, int]]]:
    """Bonds `made`, `broken` and `reordered` between paired atoms, as pairs of product atom indices."""
    back = {other: mine for mine, other in pairs.items()}
    earlier = {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())): bond for bond in left.GetBonds()}
    made, reordered = [], []
    for bond in right.GetBonds():
        mine = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        if mine[0] not in pairs or mine[1] not in pairs:
            continue
        before = earlier.get(frozenset((pairs[mine[0]], pairs[mine[1]])))
        if before is None:
            made.append(mine)
        elif not (bond.GetIsAromatic() or before.GetIsAromatic()) and bond.GetBondType() != before.GetBondType():
            reordered.append(mine)
    now = {frozenset((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())) for bond in right.GetBonds()}
    broken = [
        (back[a], back[b])
        for a, b in ((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in left.GetBonds())
        if a in back and b in back and frozenset((back[a], back[b])) not in now
    ]
    return {"made": made, "broken": broken, "reordered": reordered}


def idle_reactants(left: Chem.Mol, pairs: dict[int, int]) -> list[str]:
    """Reactants that give the product no atom, as SMILES."""
    used = set(pairs.values())
    return [str(Chem.MolFragmentToSmiles(left, atoms)) for atoms in Chem.GetMolFrags(left) if not used & set(atoms)]


def _reason(count: int, maximum: int, idle: list[str]) -> str:
    if count == 0:
        return "nothing changes between reactants and product"
    if idle:
        return f"{', '.join(idle)} gives the product no atom"
    return f"{count} bonds change at once, more than {maximum}" if count > maximum else ""


def _leaving_bonds(left: Chem.Mol, pairs: dict[int, int]) -> int:
    """Bonds between an atom that stays and one that leaves."""
    kept = set(pairs.values())
    return sum((bond.GetBeginAtomIdx() in kept) != (bond.GetEndAtomIdx() in kept) for bond in left.GetBonds())
