"""Which bound ligands of a structure count when pocket predictions are judged: the rule of P2Rank.

Krivák & Hoksza 2018, doi 10.1186/s13321-018-0285-8: at least 5 heavy atoms, an atom within 4 Å of the protein,
centre within 5.5 Å of it, and not one of twelve names (water, buffer, sugars and caps). Residues of one ligand
that are bonded across (a heavy-atom pair under 1.7 Å) count as one. Unusual: nucleotides of a chain are no
ligands, a file's HETATM mark is not looked at. Not promised: that what is left is biologically meaningful.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.docking.residues import WATER
from tools.docking.structure import Residue, Structure

IGNORED_NAMES = frozenset({"HOH", "DOD", "WAT", "NAG", "MAN", "UNK", "GLC", "ABA", "MPD", "GOL", "SO4", "PO4"})


@dataclass(frozen=True, slots=True)
class BoundMolecule:
    """One ligand, of one or several residues: their labels and heavy atoms, shape (N, 3) in Å."""

    labels: tuple[str, ...]
    atoms: NDArray[np.float64]


def relevant_ligands(
    structure: Structure,
    protein_atoms: NDArray[np.float64],
    *,
    min_atoms: int = 5,
    max_contact_angstrom: float = 4.0,
    max_centre_angstrom: float = 5.5,
    bond_angstrom: float = 1.7,
    ignored: Collection[str] = IGNORED_NAMES,
) -> list[BoundMolecule]:
    """Ligands of `structure` that are relevant to the protein whose heavy atoms, shape (N, 3) in Å, are given.

    The centre is the mean of the ligand's heavy atoms; distances go to the nearest protein atom. Defaults: P2Rank's.
    """
    if not len(protein_atoms):
        return []
    tree = cKDTree(protein_atoms)
    found = []
    for molecule in _joined(_candidates(structure, ignored), bond_angstrom):
        if len(molecule.atoms) < min_atoms:
            continue
        contact = float(tree.query(molecule.atoms)[0].min())
        centre = float(tree.query(molecule.atoms.mean(axis=0))[0])
        if contact <= max_contact_angstrom and centre <= max_centre_angstrom:
            found.append(molecule)
    return found


def _candidates(structure: Structure, ignored: Collection[str]) -> list[Residue]:
    return [
        residue
        for residue in structure.residues
        if not residue.is_polymer
        and residue.name not in ignored
        and residue.name not in WATER
        and not gemmi.find_tabulated_residue(residue.name).is_nucleic_acid()
        and len(residue.heavy())
    ]


def _joined(residues: Sequence[Residue], bond_angstrom: float) -> list[BoundMolecule]:
    """Residues merged wherever heavy atoms of two of them are bonded."""
    groups = list(range(len(residues)))
    trees = [cKDTree(residue.heavy()) for residue in residues]
    for second in range(len(residues)):
        for first in range(second):
            if groups[first] != groups[second] and trees[first].count_neighbors(trees[second], bond_angstrom):
                old, new = groups[second], groups[first]
                groups = [new if group == old else group for group in groups]
    molecules = []
    for group in dict.fromkeys(groups):
        members = [residue for residue, mine in zip(residues, groups, strict=True) if mine == group]
        atoms = np.concatenate([residue.heavy() for residue in members])
        molecules.append(BoundMolecule(tuple(residue.label for residue in members), atoms))
    return molecules
