"""What an edited molecule must be before it counts as offspring of its parents.

Shared by `mutate` and `crossover`: sanitised, connected, neutral parent, changed, inside the size band,
without new charges, radicals, implausible rings and without new unstable or reactive groups. The bar is low on
purpose: the funnel judges drug-likeness, this only keeps the operators from wasting its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from tools.errors import InputError
from tools.molecule.parse import canonical_smiles, neutral_parent
from tools.molecule.warheads import WARHEADS

MAX_NEW_RING = 7
UNSTABLE = {
    "hetero-hetero single bond": "[OX2,SX2;!R][OX2,SX2,NX3]",
    "nitrogen chain": "[NX3;!R][NX3;!R]",
    "gem-diol, hemiaminal or aminal": "[OX2H,NX3H2,SX2H][CX4][OX2H,NX3H2,NX3H1,SX2H,OX2,F,Cl,Br]",
    "enol or enamine": "[OX2H,NX3H2][CX3;!$(C=[!#6]);!a]=[CX3;!a]",
    "allene or cumulene": "[#6]=[#6]=[#6,#7]",
    "unsubstituted imine": "[CX3;!$(C[#7,#8,#16])]=[NX2;H1]",
    "thiocarbonyl": "[CX3;H1,H2]=[SX1]",
    "acid carbamate or carbonate": "[OX2H][CX3](=[OX1])[#7,#8]",
    **{warhead.name: warhead.smarts for warhead in WARHEADS},
}


class NoOffspringError(InputError):
    """No acceptable offspring within the number of attempts. Remedy: another seed, a wider band or more
    attempts."""


class NotViable(Exception):  # noqa: N818 (a verdict inside the retry loop, never shown)
    """This one edit gave nothing acceptable."""


def viable_smiles(edited: Chem.Mol, parents: Sequence[Chem.Mol], min_heavy_atoms: int, max_heavy_atoms: int) -> str:
    """Canonical SMILES of the edited molecule's neutral parent; `NotViable` where it is not acceptable.

    A size outside the band is accepted only where it is nearer to the band than every parent.
    """
    with rdBase.BlockLogs():
        mol = Chem.Mol(edited)
        if Chem.SanitizeMol(mol, catchErrors=True) != Chem.SanitizeFlags.SANITIZE_NONE:
            raise NotViable("does not sanitise")
        if len(Chem.GetMolFrags(mol)) != 1:
            raise NotViable("not connected")
        text = canonical_smiles(neutral_parent(mol))
        child = Chem.MolFromSmiles(text)
    if child is None or text in {canonical_smiles(parent) for parent in parents}:
        raise NotViable("unchanged or unreadable")
    _require_size(child, parents, min_heavy_atoms, max_heavy_atoms)
    _require_neutral(child, parents)
    _require_plausible(child, parents)
    return text


def check_band(min_heavy_atoms: int, max_heavy_atoms: int, max_attempts: int) -> None:
    """Arguments every operator shares; an `InputError` names the wrong one."""
    if not 1 <= min_heavy_atoms <= max_heavy_atoms:
        raise InputError(f"heavy-atom band {min_heavy_atoms}..{max_heavy_atoms} is empty")
    if max_attempts < 1:
        raise InputError(f"max_attempts {max_attempts} must be at least 1")


def _require_size(child: Chem.Mol, parents: Sequence[Chem.Mol], low: int, high: int) -> None:
    def distance(mol: Chem.Mol) -> int:
        n_heavy = int(mol.GetNumHeavyAtoms())
        return max(low - n_heavy, n_heavy - high, 0)

    if distance(child) > 0 and distance(child) >= min(distance(parent) for parent in parents):
        raise NotViable("outside the size band")


def _require_neutral(child: Chem.Mol, parents: Sequence[Chem.Mol]) -> None:
    if any(atom.GetNumRadicalElectrons() for atom in child.GetAtoms()):
        raise NotViable("radical")
    if _n_charged(child) > sum(_n_charged(parent) for parent in parents):
        raise NotViable("new charges")
    if Chem.GetFormalCharge(child) != 0 and all(Chem.GetFormalCharge(parent) == 0 for parent in parents):
        raise NotViable("new net charge")


def _n_charged(mol: Chem.Mol) -> int:
    return sum(atom.GetFormalCharge() != 0 for atom in mol.GetAtoms())


def _require_plausible(child: Chem.Mol, parents: Sequence[Chem.Mol]) -> None:
    """Rings that exist and no unstable or reactive group beyond those of the parents."""
    largest = max([MAX_NEW_RING, *(len(ring) for parent in parents for ring in parent.GetRingInfo().AtomRings())])
    aromatic: list[set[int]] = []
    others: list[set[int]] = []
    for ring in child.GetRingInfo().BondRings():
        orders = [child.GetBondWithIdx(i).GetBondType() for i in ring]
        if len(ring) > largest or (Chem.BondType.TRIPLE in orders and len(ring) < 9):
            raise NotViable("implausible ring")
        if len(ring) <= 4 and (Chem.BondType.DOUBLE in orders or Chem.BondType.AROMATIC in orders):
            raise NotViable("strained double bond")
        (aromatic if set(orders) == {Chem.BondType.AROMATIC} else others).append(set(ring))
    if any(len(ring & other) > 1 for ring in aromatic for other in others):
        raise NotViable("bridged aromatic ring")
    if _n_bredt(child) > max(_n_bredt(parent) for parent in parents):
        raise NotViable("double bond at a bridgehead")
    for name in UNSTABLE:
        n_matches = _n_matches(child, name)
        if n_matches and n_matches > max(_n_matches(parent, name) for parent in parents):
            raise NotViable(name)


def _n_bredt(mol: Chem.Mol) -> int:
    """Bridgehead atoms with a double or aromatic bond."""
    bridgeheads: list[int] = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, bridgeheads)  # type: ignore[arg-type]
    atoms = [mol.GetAtomWithIdx(index) for index in bridgeheads]
    return sum(atom.GetHybridization() == Chem.HybridizationType.SP2 and _is_unsaturated(atom) for atom in atoms)


def _is_unsaturated(atom: Chem.Atom) -> bool:
    return any(bond.GetBondTypeAsDouble() > 1.0 for bond in atom.GetBonds())


def _n_matches(mol: Chem.Mol, name: str) -> int:
    return len(mol.GetSubstructMatches(_unstable_pattern(name)))


@lru_cache(maxsize=len(UNSTABLE))
def _unstable_pattern(name: str) -> Chem.Mol:
    return Chem.MolFromSmarts(UNSTABLE[name])
