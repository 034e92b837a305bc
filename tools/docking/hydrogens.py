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

from tools.docking.cofactors import hydrogenate_cofactor
from tools.docking.hydrogen_geometry import place, turns
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
    fixed = _pass(structure, decided, rotors=False)
    return _pass(fixed, decided, rotors=True)


def _pass(structure: Structure, decided: Mapping[str, str], rotors: bool) -> Structure:
    """Hydrogens whose place is fixed by their neighbours, or, knowing those, the ones that can turn."""
    index = _Surroundings(structure)
    result = []
    for run in segments(structure):
        for i, residue in enumerate(run):
            if _by_table(residue):
                before = run[i - 1] if i else None
                wanted = wanted_hydrogens(residue, decided.get(residue.label, residue.name), before is None)
                result.append(_hydrogenate(residue, before, wanted, index, rotors))
            else:
                result.append(residue if rotors else hydrogenate_cofactor(residue))
    return Structure(tuple(result))


class _Surroundings:
    """Atoms and acceptors of a structure by place, and the hydrogens put down since."""

    def __init__(self, structure: Structure) -> None:
        atoms = [atom for residue in structure.residues for atom in residue.atoms]
        self._points = np.array([atom.xyz for atom in atoms], dtype=np.float64).reshape(-1, 3)
        self._is_polar = np.array([atom.element in ("O", "N") for atom in atoms], dtype=bool)
        from scipy.spatial import cKDTree  # half a second to load, which naming a target does not need

        self._tree = cKDTree(self._points) if atoms else None
        self._new: list[NDArray[np.float64]] = []

    def add(self, places: NDArray[np.float64]) -> None:
        self._new += list(places)

    def near(self, center: NDArray[np.float64], exclude: list[Atom]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Atoms and acceptors within reach of `center`, shapes (n, 3) and (m, 3), without those of `exclude`."""
        if self._tree is None:
            return np.empty((0, 3)), np.empty((0, 3))
        found = np.array(self._tree.query_ball_point(center, NEARBY_ANGSTROM), dtype=int)
        points = self._points[found]
        keep = np.ones(len(found), dtype=bool)
        for atom in exclude:
            keep &= np.abs(points - np.array(atom.xyz)).sum(axis=1) > 1e-6
        polar = points[keep & self._is_polar[found]]
        if self._new:
            new = np.array(self._new)
            points = np.concatenate([points[keep], new[np.linalg.norm(new - center, axis=1) < NEARBY_ANGSTROM]])
        else:
            points = points[keep]
        return points, polar


def _by_table(residue: Residue) -> bool:
    return residue.name in STANDARD or residue.name in CAPS or residue.name in MODIFIED or residue.name in WATER


def _hydrogenate(
    residue: Residue,
    before: Residue | None,
    wanted: Mapping[str, tuple[str, ...]],
    index: _Surroundings,
    rotors: bool,
) -> Residue:
    """The residue's heavy atoms, each followed by its hydrogens; parents that turn get theirs only with `rotors`."""
    present = {atom.name: atom for atom in residue.atoms if atom.is_hydrogen}
    result: list[Atom] = []
    for parent in (atom for atom in residue.atoms if not atom.is_hydrogen):
        result.append(parent)
        names = wanted.get(parent.name, ())
        if names and all(name in present for name in names):
            result += [present[name] for name in names]
            continue
        neighbors = _neighbors(residue, parent, before)
        planar = is_planar(residue.name, parent.name, before is None)
        if not names or turns(len(neighbors), len(names), planar) is not rotors:
            continue
        around, acceptors = index.near(np.array(parent.xyz), [parent, *neighbors])
        places = place(
            np.array(parent.xyz),
            parent.element,
            [np.array(atom.xyz) for atom in neighbors],
            _second_shell(residue, parent, neighbors, before),
            len(names),
            planar,
            around,
            acceptors,
        )
        if rotors:
            index.add(places)
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


def _rounded(position: NDArray[np.float64]) -> tuple[float, float, float]:
    return (round(float(position[0]), 3), round(float(position[1]), 3), round(float(position[2]), 3))
