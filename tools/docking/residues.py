"""Which residue names mean what: the one table behind receptor preparation and the bundled targets.

Names outside it are never dropped in silence: they are reported and either refused or removed with a note.
"""

from __future__ import annotations

import gemmi

STANDARD = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E", "GLY": "G", "HIS": "H",
    "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F", "PRO": "P", "SER": "S", "THR": "T", "TRP": "W",
    "TYR": "Y", "VAL": "V",
}  # fmt: skip

# Heavy atoms of a whole residue inside a chain.
N_HEAVY = {
    "GLY": 4, "ALA": 5, "SER": 6, "CYS": 6, "THR": 7, "VAL": 7, "PRO": 7, "LEU": 8, "ILE": 8, "MET": 8, "ASN": 8,
    "ASP": 8, "GLN": 9, "GLU": 9, "LYS": 9, "HIS": 10, "PHE": 11, "ARG": 11, "TYR": 12, "TRP": 14,
}  # fmt: skip

# Force-field names of protonation states, and authors' marks met in the 58 files of dockstring 0.3.4 (LEV,
# MEU):
# heavy atoms are those of the standard residue.
ALIASES = {
    "HID": "HIS", "HIE": "HIS", "HIP": "HIS", "HIZ": "HIS", "HSD": "HIS", "HSE": "HIS", "HSP": "HIS",
    "CYX": "CYS", "CYM": "CYS", "CYT": "CYS", "ASH": "ASP", "DIC": "ASP", "DID": "ASP", "GLH": "GLU",
    "GLV": "GLU",
    "GLO": "GLN", "GLZ": "GLY", "LYN": "LYS", "LEV": "LEU", "MEU": "MET",
}  # fmt: skip

# Modified residues kept with their own heavy atoms: one-letter code of the parent and hydrogens as
# (name, parent).
# Phosphates and sulfates are fully deprotonated (pKa2 of phosphotyrosine and phosphothreonine about 6).
_BACKBONE_H = (("H", "N"), ("HA", "CA"))
_CB_H = (*_BACKBONE_H, ("HB2", "CB"), ("HB3", "CB"))
_RING_H = (*_CB_H, ("HD1", "CD1"), ("HD2", "CD2"), ("HE1", "CE1"), ("HE2", "CE2"))
MODIFIED: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "TPO": ("T", (*_BACKBONE_H, ("HB", "CB"), ("HG21", "CG2"), ("HG22", "CG2"), ("HG23", "CG2"))),
    "SEP": ("S", _CB_H),
    "PTR": ("Y", _RING_H),
    "TYS": ("Y", _RING_H),
}

CAPS = frozenset({"ACE", "NME", "NH2", "FOR"})
WATER = frozenset({"HOH", "WAT", "DOD", "WAM", "TIP", "TP3", "SOL", "H2O"})

# Ions of transition and alkaline earth metals that hold protein sites together; Na, K and halides are buffer.
METALS = frozenset({
    "ZN", "MG", "MN", "MN3", "CA", "FE", "FE2", "CO", "3CO", "NI", "3NI", "CU", "CU1", "CD", "ZN1", "ZN2",
    "ZN3", "ZN5", "MG1", "MG4",
})  # fmt: skip

# Organic cofactors kept by default, with the SMILES of the wwPDB Chemical Component Dictionary (CC0): neutral
# there,
# charged for pH 7.4 by `tools.docking.cofactors`. Haem is written without its iron, pyrrole nitrogens as they
# bind it.
COFACTORS: dict[str, str] = {
    "HEM": "C=CC1=C(C)C2=CC3=C(C)C(CCC(=O)O)=C([N-]3)C=C3N=C(C=C4[N-]C(=CC1=N2)C(C)=C4C=C)C(C)=C3CCC(=O)O",
    "NAD": "NC(=O)c1ccc[n+](C2OC(COP(=O)([O-])OP(=O)(O)OCC3OC(n4cnc5c(N)ncnc54)C(O)C3O)C(O)C2O)c1",
    "NAI": "NC(=O)C1=CN(C2OC(COP(=O)(O)OP(=O)(O)OCC3OC(n4cnc5c(N)ncnc54)C(O)C3O)C(O)C2O)C=CC1",
    "NAP": "NC(=O)c1ccc[n+](C2OC(COP(=O)([O-])OP(=O)(O)OCC3OC(n4cnc5c(N)ncnc54)C(OP(=O)(O)O)C3O)C(O)C2O)c1",
    "NDP": "NC(=O)C1=CN(C2OC(COP(=O)(O)OP(=O)(O)OCC3OC(n4cnc5c(N)ncnc54)C(OP(=O)(O)O)C3O)C(O)C2O)C=CC1",
    "FAD": "Cc1cc2nc3c(=O)[nH]c(=O)nc-3n(CC(O)C(O)C(O)COP(=O)(O)OP(=O)(O)OCC3OC(n4cnc5c(N)ncnc54)C(O)C3O)c2cc1C",
    "FMN": "Cc1cc2nc3c(=O)[nH]c(=O)nc-3n(CC(O)C(O)C(O)COP(=O)(O)O)c2cc1C",
    "AMP": "Nc1ncnc2c1ncn2C1OC(COP(=O)(O)O)C(O)C1O",
    "ADP": "Nc1ncnc2c1ncn2C1OC(COP(=O)(O)OP(=O)(O)O)C(O)C1O",
    "ATP": "Nc1ncnc2c1ncn2C1OC(COP(=O)(O)OP(=O)(O)OP(=O)(O)O)C(O)C1O",
    "ANP": "Nc1ncnc2c1ncn2C1OC(COP(=O)(O)OP(=O)(O)NP(=O)(O)O)C(O)C1O",
    "ACP": "Nc1ncnc2c1ncn2C1OC(COP(=O)(O)OP(=O)(O)CP(=O)(O)O)C(O)C1O",
    "GDP": "Nc1nc2c(ncn2C2OC(COP(=O)(O)OP(=O)(O)O)C(O)C2O)c(=O)[nH]1",
    "GTP": "Nc1nc2c(ncn2C2OC(COP(=O)(O)OP(=O)(O)OP(=O)(O)O)C(O)C2O)c(=O)[nH]1",
    "GNP": "Nc1nc2c(ncn2C2OC(COP(=O)(O)OP(=O)(O)NP(=O)(O)O)C(O)C2O)c(=O)[nH]1",
    "SAM": "C[S+](CCC(N)C(=O)[O-])CC1OC(n2cnc3c(N)ncnc32)C(O)C1O",
    "SAH": "Nc1ncnc2c1ncn2C1OC(CSCCC(N)C(=O)O)C(O)C1O",
    "COA": "CC(C)(COP(=O)(O)OP(=O)(O)OCC1OC(n2cnc3c(N)ncnc32)C(O)C1OP(=O)(O)O)C(O)C(=O)NCCC(=O)NCCS",
    "ACO": "CC(=O)SCCNC(=O)CCNC(=O)C(O)C(C)(C)COP(=O)(O)OP(=O)(O)OCC1OC(n2cnc3c(N)ncnc32)C(O)C1OP(=O)(O)O",
    "PLP": "Cc1ncc(COP(=O)(O)O)c(C=O)c1O",
    "PMP": "Cc1ncc(COP(=O)(O)O)c(CN)c1O",
    "TPP": "Cc1ncc(C[n+]2csc(CCOP(=O)(O)OP(=O)(O)O)c2C)c(N)n1",
    "BTN": "O=C(O)CCCCC1SCC2NC(=O)NC21",
    "H4B": "CC(O)C(O)C1CNc2nc(N)[nH]c(=O)c2N1",
}
# Kept as they are, without hydrogens: no organic template.
INORGANIC_COFACTORS = frozenset({"HEC", "HEA", "SF4", "FES", "F3S", "B12"})


def standard_name(name: str) -> str:
    """The standard residue an alias stands for; the name itself otherwise."""
    return ALIASES.get(name, name)


def one_letter(name: str) -> str:
    """One-letter code; "X" for a name that is no amino acid of the tables."""
    standard = standard_name(name)
    if standard in MODIFIED:
        return MODIFIED[standard][0]
    return STANDARD.get(standard, "X")


def parent_letter(name: str) -> str:
    """As `one_letter`, and for any other residue the letter of its parent in gemmi's table of components (MSE: M)."""
    letter = one_letter(name)
    if letter != "X":
        return letter
    parent = str(gemmi.find_tabulated_residue(name).one_letter_code).strip().upper()
    return parent if parent.isalpha() else "X"


def is_residue(name: str) -> bool:
    """True for a standard amino acid, an alias of one, or a modified residue of the table."""
    standard = standard_name(name)
    return standard in STANDARD or standard in MODIFIED


def is_metal(name: str) -> bool:
    return name in METALS


def is_cofactor(name: str) -> bool:
    return name in COFACTORS or name in INORGANIC_COFACTORS
