"""Docked and crystal poses: parsing, hydrogens, and the distance between two poses of one molecule."""

from __future__ import annotations

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolAlign
from rdkit.Chem.MolStandardize import rdMolStandardize

from tools.errors import InputError


def parse_pose(text: str) -> Chem.Mol:
    """The first molecule of a molblock or SDF text, hydrogens and coordinates kept."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(text, removeHs=False)
    if mol is None:
        raise InputError("the pose does not parse as a molblock, or does not sanitise")
    if mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
        raise InputError("the pose has no 3D coordinates")
    return mol


def pose_rmsd_angstrom(pose: Chem.Mol, reference: Chem.Mol) -> float:
    """Heavy-atom RMSD in Å over the best symmetry mapping, without moving either: how far a pose is from the
    crystal's.

    Protonation and tautomeric charge may differ; the connectivity may not (`InputError`).
    """
    probe, target = _skeleton(pose), _skeleton(reference)
    try:
        return float(rdMolAlign.CalcRMS(probe, target))
    except RuntimeError as fault:
        smiles = (Chem.MolToSmiles(probe), Chem.MolToSmiles(target))
        raise InputError(f"pose {smiles[0]!r} and reference {smiles[1]!r} are not the same molecule") from fault


def _skeleton(mol: Chem.Mol) -> Chem.Mol:
    """Heavy atoms without charges, so that protonation states of one molecule match."""
    with rdBase.BlockLogs():
        return rdMolStandardize.Uncharger().uncharge(Chem.RemoveHs(mol))
