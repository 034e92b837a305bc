"""What every residue of a pocket is: bond orders, formal charges and hydrogen counts by atom name.

Unusual: bond orders and protonation are never guessed from coordinates. Asp and Glu are -1, Lys and Arg +1, a
phosphate monoester -2; His follows the hydrogens in the file; the Amber names ASH, GLH, LYN, CYM, HID, HIE, HIP
state another choice. Not promised: cofactors, metals that bind covalently (Zn, Fe, Cu, Mn, ...), selenium, glycans.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rdkit import Chem

# Side chain from CB on, in Kekulé SMILES, and its PDB atom names in the order of that SMILES.
_SIDE_CHAINS: dict[str, tuple[str, str]] = {
    "ALA": ("C", "CB"),
    "ARG": ("CCCNC(N)=[NH2+]", "CB CG CD NE CZ NH1 NH2"),
    "ASH": ("CC(O)=O", "CB CG OD2 OD1"),
    "ASN": ("CC(N)=O", "CB CG ND2 OD1"),
    "ASP": ("CC([O-])=O", "CB CG OD2 OD1"),
    "CYM": ("C[S-]", "CB SG"),
    "CYS": ("CS", "CB SG"),
    "CYX": ("CS*", "CB SG"),
    "GLH": ("CCC(O)=O", "CB CG CD OE2 OE1"),
    "GLN": ("CCC(N)=O", "CB CG CD NE2 OE1"),
    "GLU": ("CCC([O-])=O", "CB CG CD OE2 OE1"),
    "HID": ("CC1=CN=CN1", "CB CG CD2 NE2 CE1 ND1"),
    "HIE": ("CC1=CNC=N1", "CB CG CD2 NE2 CE1 ND1"),
    "HIP": ("CC1=CNC=[NH+]1", "CB CG CD2 NE2 CE1 ND1"),
    "ILE": ("C(C)CC", "CB CG2 CG1 CD1"),
    "LEU": ("CC(C)C", "CB CG CD1 CD2"),
    "LYN": ("CCCCN", "CB CG CD CE NZ"),
    "LYS": ("CCCC[NH3+]", "CB CG CD CE NZ"),
    "MET": ("CCSC", "CB CG SD CE"),
    "PHE": ("CC1=CC=CC=C1", "CB CG CD1 CE1 CZ CE2 CD2"),
    "PTR": ("CC1=CC=C(OP(=O)([O-])[O-])C=C1", "CB CG CD1 CE1 CZ OH P O1P O2P O3P CE2 CD2"),
    "SEP": ("COP(=O)([O-])[O-]", "CB OG P O1P O2P O3P"),
    "SER": ("CO", "CB OG"),
    "THR": ("C(O)C", "CB OG1 CG2"),
    "TPO": ("C(C)OP(=O)([O-])[O-]", "CB CG2 OG1 P O1P O2P O3P"),
    "TRP": ("CC1=CNC2=C1C=CC=C2", "CB CG CD1 NE1 CE2 CD2 CE3 CZ3 CH2 CZ2"),
    "TYR": ("CC1=CC=C(O)C=C1", "CB CG CD1 CE1 CZ OH CE2 CD2"),
    "VAL": ("C(C)C", "CB CG1 CG2"),
}
# Ions MMFF94 has types for and that pair potentials describe; the element is the residue name.
_IONS = {"NA": "[Na+]", "K": "[K+]", "MG": "[Mg+2]", "CA": "[Ca+2]", "CL": "[Cl-]"}
_WHOLE: dict[str, tuple[str, str]] = {
    "GLY": ("*NCC(*)=O", "N CA C O"),
    "PRO": ("*N1CCCC1C(*)=O", "N CD CG CB CA C O"),
    "ACE": ("CC(*)=O", "CH3 C O"),
    "NME": ("*NC", "N CH3"),
    "HOH": ("O", "O"),
    **{name: (smiles, name) for name, smiles in _IONS.items()},
}
_ALIASES = {
    "HSD": "HID",
    "HSE": "HIE",
    "HSP": "HIP",
    "CYS2": "CYX",
    "WAT": "HOH",
    "TIP3": "HOH",
    "DOD": "HOH",
}
_ATOM_ALIASES = {("ILE", "CD"): "CD1", ("NME", "C"): "CH3", ("*", "OT1"): "O", ("*", "OT2"): "OXT"}


@dataclass(frozen=True, slots=True)
class ResidueTemplate:
    """One residue inside a chain. `bonds` are (name, name, order); open valences (peptide, disulphide) are left out.

    `hydrogens` counts those bonded to each heavy atom, `charges` are formal charges in e; names are PDB names.
    """

    name: str
    elements: dict[str, str]
    bonds: tuple[tuple[str, str, Chem.BondType], ...]
    charges: dict[str, int]
    hydrogens: dict[str, int]

    @property
    def is_amino_acid(self) -> bool:
        return {"N", "CA", "C", "O"} <= self.elements.keys()


def template_names() -> frozenset[str]:
    """Every residue name that `load_template` knows, HIS (which hydrogens decide) not among them."""
    return frozenset(_SIDE_CHAINS) | frozenset(_WHOLE)


def standard_residue_name(name: str) -> str:
    """The name used in this module for a residue name found in a file (HSD -> HID, WAT -> HOH)."""
    return _ALIASES.get(name.upper(), name.upper())


def standard_atom_name(residue_name: str, atom_name: str) -> str:
    """The name used in this module for a heavy atom's name found in a file (ILE CD -> CD1, OT2 -> OXT)."""
    return _ATOM_ALIASES.get((residue_name, atom_name), _ATOM_ALIASES.get(("*", atom_name), atom_name))


@cache
def load_template(name: str) -> ResidueTemplate:
    """The template of a standard residue name; KeyError for a name that is not in `template_names()`."""
    if name in _WHOLE:
        smiles, names = _WHOLE[name]
    else:
        side_chain, side_names = _SIDE_CHAINS[name]
        smiles, names = f"*NC({side_chain})C(*)=O", f"N CA {side_names} C O"
    mol = Chem.MolFromSmiles(smiles)
    Chem.Kekulize(mol, clearAromaticFlags=True)
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() > 0]
    by_index = dict(zip((atom.GetIdx() for atom in heavy), names.split(), strict=True))
    return ResidueTemplate(
        name=name,
        elements={by_index[atom.GetIdx()]: atom.GetSymbol() for atom in heavy},
        bonds=tuple(
            (by_index[bond.GetBeginAtomIdx()], by_index[bond.GetEndAtomIdx()], bond.GetBondType())
            for bond in mol.GetBonds()
            if bond.GetBeginAtomIdx() in by_index and bond.GetEndAtomIdx() in by_index
        ),
        charges={by_index[atom.GetIdx()]: atom.GetFormalCharge() for atom in heavy if atom.GetFormalCharge()},
        hydrogens={by_index[atom.GetIdx()]: atom.GetTotalNumHs() for atom in heavy},
    )
