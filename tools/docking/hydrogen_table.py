"""Which hydrogens a residue has, by parent atom, and in which state it is at a pH: PDB version 3 names.

States carry force-field names (HID, HIE, HIP, ASH, GLH, LYN, CYX for a sulphur without hydrogen). Textbook
pKa values as in OpenMM's Modeller; histidine below its pKa is HIP, above it one tautomer by its surroundings.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tools.docking.residues import MODIFIED, WATER, is_metal
from tools.docking.structure import Residue, Structure

PKA = {"ASP": 4.4, "GLU": 4.4, "HIS": 6.5, "CYS": 8.5, "LYS": 10.0}
H_BOND_ANGSTROM = 3.5
METAL_BOND_ANGSTROM = 2.8
DISULFIDE_ANGSTROM = 2.5  # S-S is 2.05 Å

_METHYLENE = "HB2 HB3"
SIDE_CHAIN: dict[str, dict[str, str]] = {
    "ALA": {"CB": "HB1 HB2 HB3"},
    "ARG": {"CB": _METHYLENE, "CG": "HG2 HG3", "CD": "HD2 HD3", "NE": "HE", "NH1": "HH11 HH12", "NH2": "HH21 HH22"},
    "ASN": {"CB": _METHYLENE, "ND2": "HD21 HD22"},
    "ASP": {"CB": _METHYLENE},
    "CYS": {"CB": _METHYLENE, "SG": "HG"},
    "GLN": {"CB": _METHYLENE, "CG": "HG2 HG3", "NE2": "HE21 HE22"},
    "GLU": {"CB": _METHYLENE, "CG": "HG2 HG3"},
    "GLY": {},
    "HIS": {"CB": _METHYLENE, "CD2": "HD2", "CE1": "HE1"},
    "ILE": {"CB": "HB", "CG1": "HG12 HG13", "CG2": "HG21 HG22 HG23", "CD1": "HD11 HD12 HD13"},
    "LEU": {"CB": _METHYLENE, "CG": "HG", "CD1": "HD11 HD12 HD13", "CD2": "HD21 HD22 HD23"},
    "LYS": {"CB": _METHYLENE, "CG": "HG2 HG3", "CD": "HD2 HD3", "CE": "HE2 HE3", "NZ": "HZ1 HZ2 HZ3"},
    "MET": {"CB": _METHYLENE, "CG": "HG2 HG3", "CE": "HE1 HE2 HE3"},
    "PHE": {"CB": _METHYLENE, "CD1": "HD1", "CD2": "HD2", "CE1": "HE1", "CE2": "HE2", "CZ": "HZ"},
    "PRO": {"CB": _METHYLENE, "CG": "HG2 HG3", "CD": "HD2 HD3"},
    "SER": {"CB": _METHYLENE, "OG": "HG"},
    "THR": {"CB": "HB", "CG2": "HG21 HG22 HG23", "OG1": "HG1"},
    "TRP": {
        "CB": _METHYLENE, "CD1": "HD1", "NE1": "HE1", "CE3": "HE3", "CZ2": "HZ2", "CZ3": "HZ3", "CH2": "HH2",
    },
    "TYR": {"CB": _METHYLENE, "CD1": "HD1", "CD2": "HD2", "CE1": "HE1", "CE2": "HE2", "OH": "HH"},
    "VAL": {"CB": "HB", "CG1": "HG11 HG12 HG13", "CG2": "HG21 HG22 HG23"},
}  # fmt: skip
CAP = {"ACE": {"CH3": "H1 H2 H3"}, "NME": {"N": "H", "C": "H1 H2 H3"}, "NH2": {"N": "HN1 HN2"}, "FOR": {"C": "H"}}
STATE_CHANGES: dict[str, dict[str, str]] = {
    "ASH": {"OD2": "HD2"},
    "GLH": {"OE2": "HE2"},
    "HID": {"ND1": "HD1"},
    "HIE": {"NE2": "HE2"},
    "HIP": {"ND1": "HD1", "NE2": "HE2"},
    "CYX": {"SG": ""},
    "LYN": {"NZ": "HZ2 HZ3"},
}
# Parents whose hydrogens lie in the plane of their neighbours.
PLANAR = {
    "ARG": {"NE", "NH1", "NH2"}, "ASN": {"ND2"}, "GLN": {"NE2"}, "HIS": {"ND1", "NE2", "CD2", "CE1"},
    "PHE": {"CD1", "CD2", "CE1", "CE2", "CZ"}, "TYR": {"CD1", "CD2", "CE1", "CE2", "OH"},
    "TRP": {"CD1", "NE1", "CE3", "CZ2", "CZ3", "CH2"}, "PTR": {"CD1", "CD2", "CE1", "CE2"},
    "TYS": {"CD1", "CD2", "CE1", "CE2"}, "ASP": {"OD2"}, "GLU": {"OE2"}, "NH2": {"N"}, "FOR": {"C"},
}  # fmt: skip


def wanted_hydrogens(residue: Residue, state: str, n_terminal: bool) -> dict[str, tuple[str, ...]]:
    """Parent atom -> names of its hydrogens, for parents that are there."""
    if residue.name in WATER:
        oxygen = residue.atoms[0].name
        return {oxygen: ("H1", "H2")}
    if residue.name in CAP:
        table = dict(CAP[residue.name])
    elif residue.name in MODIFIED:
        table = {}
        for hydrogen, parent in MODIFIED[residue.name][1]:
            table[parent] = f"{table.get(parent, '')} {hydrogen}"
    else:
        table = {"CA": "HA2 HA3" if residue.name == "GLY" else "HA", **SIDE_CHAIN[residue.name]}
        table.update(STATE_CHANGES.get(state, {}))
        table["N"] = "" if residue.name == "PRO" else "H"
    if n_terminal and residue.name not in CAP:
        table["N"] = "H2 H3" if residue.name == "PRO" else "H H2 H3"
    present = {atom.name for atom in residue.atoms}
    return {parent: tuple(names.split()) for parent, names in table.items() if parent in present and names.strip()}


def is_planar(residue: str, parent: str, n_terminal: bool) -> bool:
    """True where the parent's hydrogens lie in the plane of its neighbours (sp2); a free amino end is not
    planar."""
    if parent == "N":
        return not n_terminal
    return parent in PLANAR.get(residue, ())


def protonation_states(structure: Structure, ph: float, given: Mapping[str, str]) -> dict[str, str]:
    """Label -> state of every titratable residue: `given` first, then surroundings and pH."""
    states = {}
    metals = _points(structure, lambda r, a: is_metal(r.name) or a.element in ("Fe", "Zn", "Cu", "Mn", "Ni", "Co"))
    sulfurs = _points(structure, lambda r, a: r.name == "CYS" and a.name == "SG")
    oxygens = _points(structure, lambda _r, a: a.element == "O")
    for residue in structure.residues:
        if residue.label in given:
            states[residue.label] = given[residue.label]
        elif residue.name == "HIS":
            states[residue.label] = "HIP" if ph < PKA["HIS"] else _tautomer(residue, metals, oxygens)
        elif residue.name == "CYS":
            bonded = _count(residue, "SG", sulfurs, DISULFIDE_ANGSTROM) > 1
            held = _count(residue, "SG", metals, METAL_BOND_ANGSTROM) > 0
            states[residue.label] = "CYX" if bonded or held or ph > PKA["CYS"] else "CYS"
        elif residue.name in ("ASP", "GLU"):
            protonated = {"ASP": "ASH", "GLU": "GLH"}[residue.name]
            states[residue.label] = protonated if ph < PKA[residue.name] else residue.name
        elif residue.name == "LYS":
            states[residue.label] = "LYS" if ph < PKA["LYS"] else "LYN"
    return states


def _tautomer(residue: Residue, metals: NDArray[np.float64], oxygens: NDArray[np.float64]) -> str:
    """The nitrogen that can donate to an oxygen carries the hydrogen, never one that holds a metal; NE2 in
    doubt."""
    if _count(residue, "NE2", metals, METAL_BOND_ANGSTROM):
        return "HID"
    if _count(residue, "ND1", metals, METAL_BOND_ANGSTROM):
        return "HIE"
    # A residue's own carbonyl can come near ND1 but cannot accept its hydrogen in plane, so own atoms do not
    # count.
    own = np.array([atom.xyz for atom in residue.atoms if atom.element == "O"]).reshape(-1, 3)
    others = oxygens if not len(own) else oxygens[(np.abs(oxygens[:, None] - own[None]).sum(axis=2) > 1e-6).all(axis=1)]
    donates = {name: _count(residue, name, others, H_BOND_ANGSTROM) > 0 for name in ("ND1", "NE2")}
    return "HID" if donates["ND1"] and not donates["NE2"] else "HIE"


def _points(structure: Structure, choose: object) -> NDArray[np.float64]:
    chosen = [a.xyz for r in structure.residues for a in r.atoms if choose(r, a)]  # type: ignore[operator]
    return np.array(chosen, dtype=np.float64).reshape(-1, 3)


def _count(residue: Residue, name: str, points: NDArray[np.float64], reach: float) -> int:
    atom = residue.atom(name)
    if atom is None or not len(points):
        return 0
    return int((np.linalg.norm(points - np.array(atom.xyz), axis=1) < reach).sum())
