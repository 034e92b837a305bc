"""All hydrogens on a structure: amino acids, caps and waters by table and geometry, cofactors through RDKit.

Unusual: no minimisation and no random numbers, so a receptor prepared twice is the same receptor, in a tenth
of the time a force field takes; lengths and angles are ideal, rotors the best of a scan. Heavy atoms never
move. Hydrogens already there under standard names stay where they are. NOT promised: pKa shifts; states are
textbook ones unless given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.docking.cofactors import hydrogenate_cofactor
from tools.docking.hydrogen_geometry import place
from tools.docking.hydrogen_table import is_planar, protonation_states, wanted_hydrogens
from tools.docking.residues import CAPS, MODIFIED, STANDARD, WATER
from tools.docking.structure import Atom, Residue, Structure, segments

BOND_ANGSTROM = {"S": 2.1, "P": 2.0}  # heavy atoms of one residue nearer than this (else 1.75 Å) are bonded
NEARBY_ANGSTROM = 5.0


def add_hydrogens(structure: Structure, ph: float = 7.4, states: Mapping[str, str] | None = None) -> Structure:
    """The structure with all hydrogens.

    `states` maps a residue's label to its state ("HID", "HIP", "ASH", "CYX", ...); others follow `ph` and
    surroundings. Metals, and cofactors without a template, stay as they are.
    """
    decided = protonation_states(structure, ph, dict(states or {}))
    heavy = structure.heavy()
    tree = cKDTree(heavy) if len(heavy) else None
    polar = np.array(
        [a.xyz for r in structure.residues for a in r.atoms if a.element in ("O", "N")], dtype=np.float64
    ).reshape(-1, 3)
    polar_tree = cKDTree(polar) if len(polar) else None
    result = []
    for run in segments(structure):
        for i, residue in enumerate(run):
            if not _by_table(residue):
                result.append(hydrogenate_cofactor(residue))
                continue
            before = run[i - 1] if i else None
            wanted = wanted_hydrogens(residue, decided.get(residue.label, residue.name), before is None)
            result.append(_hydrogenate(residue, before, wanted, (tree, heavy), (polar_tree, polar)))
    return Structure(tuple(result))


def _by_table(residue: Residue) -> bool:
    return residue.name in STANDARD or residue.name in CAPS or residue.name in MODIFIED or residue.name in WATER


Index = tuple[cKDTree | None, NDArray[np.float64]]


def _hydrogenate(
    residue: Residue, before: Residue | None, wanted: Mapping[str, tuple[str, ...]], atoms: Index, polar: Index
) -> Residue:
    """The residue's heavy atoms, each followed by its hydrogens."""
    present = {atom.name: atom for atom in residue.atoms if atom.is_hydrogen}
    result: list[Atom] = []
    for parent in (atom for atom in residue.atoms if not atom.is_hydrogen):
        result.append(parent)
        names = wanted.get(parent.name, ())
        if not names:
            continue
        if all(name in present for name in names):
            result += [present[name] for name in names]
            continue
        neighbors = _neighbors(residue, parent, before)
        center = np.array(parent.xyz)
        places = place(
            center,
            parent.element,
            [np.array(atom.xyz) for atom in neighbors],
            _second_shell(residue, parent, neighbors, before),
            len(names),
            is_planar(residue.name, parent.name, before is None),
            _nearby(atoms, center, exclude=[parent, *neighbors]),
            _nearby(polar, center, exclude=[parent, *neighbors]),
        )
        result += [Atom(name, "H", _rounded(xyz)) for name, xyz in zip(names, places, strict=False)]
    return Residue(residue.chain, residue.number, residue.icode, residue.name, tuple(result))


def _neighbors(residue: Residue, parent: Atom, before: Residue | None) -> list[Atom]:
    """Heavy atoms bonded to `parent`, the peptide carbon before it included."""
    bonded = [a for a in residue.atoms if a is not parent and not a.is_hydrogen and _is_bonded(a, parent)]
    if parent.name == "N" and before is not None:
        carbon = before.atom("C")
        bonded += [carbon] if carbon is not None else []
    return bonded


def _second_shell(
    residue: Residue, parent: Atom, neighbors: list[Atom], before: Residue | None
) -> list[NDArray[np.float64]]:
    """Heavy atoms bonded to the first neighbour: what a terminal group's dihedral is measured against."""
    if len(neighbors) != 1:
        return []
    return [np.array(a.xyz) for a in _neighbors(residue, neighbors[0], before) if a is not parent]


def _is_bonded(first: Atom, second: Atom) -> bool:
    reach = max(BOND_ANGSTROM.get(first.element, 1.75), BOND_ANGSTROM.get(second.element, 1.75))
    return math.dist(first.xyz, second.xyz) < reach


def _nearby(index: Index, center: NDArray[np.float64], exclude: list[Atom]) -> NDArray[np.float64]:
    tree, points = index
    if tree is None:
        return np.empty((0, 3))
    near: NDArray[np.float64] = points[tree.query_ball_point(center, NEARBY_ANGSTROM)]
    for atom in exclude:
        near = near[np.abs(near - np.array(atom.xyz)).sum(axis=1) > 1e-6]
    return near


def _rounded(position: NDArray[np.float64]) -> tuple[float, float, float]:
    return (round(float(position[0]), 3), round(float(position[1]), 3), round(float(position[2]), 3))
