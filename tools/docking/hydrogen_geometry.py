"""Positions of hydrogens around one heavy atom from ideal lengths and angles; free rotors take the best of a
fixed scan.

Pure geometry, so the same atoms always give the same hydrogens. Vectors have shape (3,), sets of them (n, 3),
in Å. NOT promised: a relaxed hydrogen-bond network; each rotor is set once, in the order of the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
X_H_ANGSTROM = {"C": 1.09, "N": 1.01, "O": 0.96, "S": 1.34}  # Allen 1987, doi 10.1039/P298700000S1, rounded
TETRAHEDRAL = np.radians(109.47)
WATER_ANGLE = np.radians(104.5)
N_ROTAMERS = 24  # every 15 degrees
CLASH_ANGSTROM = 2.4  # H to any atom: about the sum of van der Waals radii of two hydrogens
H_BOND_RANGE_ANGSTROM = (1.5, 2.5)


def place(
    center: Vector,
    element: str,
    neighbors: Sequence[Vector],
    second: Sequence[Vector],
    n_hydrogens: int,
    planar: bool,
    around: Vector,
    acceptors: Vector,
) -> Vector:
    """Positions, shape (n_hydrogens, 3).

    `neighbors` are the bonded heavy atoms, `second` heavy atoms bonded to the first of them; `around` and
    `acceptors`, shape (m, 3), are the atoms a rotor avoids and the oxygens and nitrogens it seeks.
    """
    length = X_H_ANGSTROM.get(element, 1.09)
    bonds = [_unit(neighbor - center) for neighbor in neighbors]
    if not bonds:
        return _water(center, length, around, acceptors)[:n_hydrogens]
    if len(bonds) == 1:
        return _terminal(center, neighbors[0], second, length, n_hydrogens, planar, around, acceptors)
    if n_hydrogens == 1:
        return (center - length * _unit(np.sum(bonds, axis=0)))[None]
    back = -_unit(bonds[0] + bonds[1])
    side = _unit(np.cross(bonds[0], bonds[1]))
    half = TETRAHEDRAL / 2.0
    directions = [back * np.cos(half) + side * np.sin(half), back * np.cos(half) - side * np.sin(half)]
    return center + length * np.array(directions[:n_hydrogens])


def turns(n_neighbors: int, n_hydrogens: int, planar: bool) -> bool:
    """True where the neighbours leave a choice: hydroxyl, thiol, acid, water. Methyl and ammonium stand staggered."""
    return n_neighbors == 0 or (n_neighbors == 1 and n_hydrogens != (2 if planar else 3))


def _terminal(
    center: Vector,
    neighbor: Vector,
    second: Sequence[Vector],
    length: float,
    n_hydrogens: int,
    planar: bool,
    around: Vector,
    acceptors: Vector,
) -> Vector:
    """Hydrogens on an atom with one heavy neighbour: amide, methyl, ammonium, hydroxyl, thiol."""
    axis = _unit(center - neighbor)
    reference = _perpendicular(axis, second[0] - neighbor if second else np.array([1.0, 0.3, 0.1]))
    other = np.cross(axis, reference)
    angle = np.radians(120.0) if planar else TETRAHEDRAL

    def ring(turn: float) -> Vector:
        spread = 2.0 * np.pi / (2 if planar else 3)
        turns = turn + spread * np.arange(n_hydrogens)
        radial = np.cos(turns)[:, None] * reference + np.sin(turns)[:, None] * other
        return np.asarray(center + length * (-np.cos(angle) * axis + np.sin(angle) * radial))

    if planar:
        options = [ring(0.0)] if n_hydrogens == 2 else [ring(0.0), ring(np.pi)]
    elif n_hydrogens == 3:
        options = [ring(np.pi)]
    else:
        options = [ring(np.pi + 2.0 * np.pi * i / N_ROTAMERS) for i in range(N_ROTAMERS)]
    return min(options, key=lambda option: _penalty(option, around, acceptors))


def _water(center: Vector, length: float, around: Vector, acceptors: Vector) -> Vector:
    """The best of a fixed set of orientations of a free water molecule."""
    golden = np.pi * (3.0 - np.sqrt(5.0))
    options = []
    for i in range(32):
        height = 1.0 - 2.0 * (i + 0.5) / 32
        radius = np.sqrt(1.0 - height * height)
        first = np.array([radius * np.cos(golden * i), radius * np.sin(golden * i), height])
        side = _perpendicular(first, np.array([0.2, 0.9, 0.4]))
        for turn in range(6):
            phase = 2.0 * np.pi * turn / 6
            radial = np.cos(phase) * side + np.sin(phase) * np.cross(first, side)
            second = np.cos(WATER_ANGLE) * first + np.sin(WATER_ANGLE) * radial
            options.append(center + length * np.array([first, second]))
    return min(options, key=lambda option: _penalty(option, around, acceptors))


def _penalty(hydrogens: Vector, around: Vector, acceptors: Vector) -> float:
    """Squared overlap with other atoms, less 1 for each hydrogen that finds an acceptor."""
    total = 0.0
    low, high = H_BOND_RANGE_ANGSTROM
    for hydrogen in hydrogens:
        reaches = np.linalg.norm(acceptors - hydrogen, axis=1)
        total -= float(((reaches > low) & (reaches < high)).any())
        gaps = np.linalg.norm(around - hydrogen, axis=1)
        total += float((np.clip(CLASH_ANGSTROM - gaps, 0.0, None) ** 2).sum())
    return round(total, 6)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])


def _perpendicular(axis: Vector, hint: Vector) -> Vector:
    """The unit vector nearest to `hint` at a right angle to `axis`."""
    rest = hint - axis * float(hint @ axis)
    if float(np.linalg.norm(rest)) < 1e-6:
        rest = np.cross(axis, np.array([0.57, -0.31, 0.76]))
    return _unit(rest)
