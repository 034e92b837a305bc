"""What a pose must be before its energy means anything: one molecule in 3D, typed by MMFF94, atoms apart.

Unusual: a call that can never work (no conformer, several fragments, no hydrogens) is an `InputError`; a pose
whose numbers are nonsense is described in words, for a check to answer unknown. Not promised: plausibility.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from scipy.spatial.distance import pdist

from tools.errors import InputError
from tools.simulation.mmff import has_mmff_parameters

SAME_PLACE_ANGSTROM = 0.1  # a bond angle is undefined between atoms nearer than any two can be


def require_pose(mol: Chem.Mol) -> None:
    """Refuse what is not one molecule with explicit hydrogens and a 3D conformer."""
    if mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
        raise InputError("the molecule has no 3D conformer; embed or dock it first")
    if len(fragments := Chem.GetMolFrags(mol)) != 1:
        raise InputError(f"{len(fragments)} fragments given where one molecule is expected")
    if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        raise InputError("the pose lacks hydrogens: call Chem.AddHs(mol, addCoords=True) first")


def pose_defect(mol: Chem.Mol) -> str:
    """Why no MMFF94 energy of this pose can be decided; empty if there is no reason."""
    positions = mol.GetConformer().GetPositions()
    if not np.isfinite(positions).all():
        return "a coordinate of the pose is not a finite number"
    if len(positions) > 1 and pdist(positions).min() < SAME_PLACE_ANGSTROM:
        return f"two atoms of the pose are within {SAME_PLACE_ANGSTROM:g} Å of each other"
    if not has_mmff_parameters(mol):
        return "the ligand holds an atom that MMFF94 has no parameters for"
    return ""
