"""Geometry of side-chain atoms that PDBFixer built: bonds and angles brought to the ideal residue's, clashes
relieved.

PDBFixer's soft force field left bonds of 1.15 Å and contacts of 1.6 Å (1acj, Gln 74), which bond perception
then reads as a different molecule. Atoms of the file never move. NOT promised: the right rotamer; the density
decides that.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tools.docking.structure import Atom, Residue

CONTACT_ANGSTROM = 3.0  # heavy atoms that are not bonded keep about this distance
BOND_WEIGHT, ANGLE_WEIGHT, CONTACT_WEIGHT = 100.0, 50.0, 1.0
Pair = tuple[str, str]


def relax_built(
    residue: Residue,
    built: frozenset[str],
    ideal: Mapping[str, NDArray[np.float64]],
    bonds: frozenset[Pair],
    around: NDArray[np.float64],
) -> Residue:
    """`residue` with the atoms named in `built` moved to a minimum of squared deviations from `ideal`
    distances.

    `ideal` are coordinates of the ideal residue in Å and `bonds` its pairs of bonded atoms; distances over
    one and two bonds are restrained, which fixes lengths, angles and planes. `around`, shape (n, 3), are
    atoms to keep away from.
    """
    names = [atom.name for atom in residue.atoms]
    start = np.array([atom.xyz for atom in residue.atoms])
    movable = np.array([name in built for name in names])
    pairs, targets, weights = _restraints(names, movable, ideal, bonds)
    far = _unrestrained(len(names), movable, pairs)

    def energy(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        points = start.copy()
        points[movable] = flat.reshape(-1, 3)
        gradient = np.zeros_like(points)
        total = _spring(points, pairs, targets, weights, gradient)
        if len(far):
            total += _spring(points, far, np.full(len(far), CONTACT_ANGSTROM), None, gradient)
        total += _repel(points, movable, around, gradient)
        return total, gradient[movable].ravel()

    best = minimize(energy, start[movable].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    places = start.copy()
    places[movable] = best.x.reshape(-1, 3)
    atoms = tuple(
        Atom(atom.name, atom.element, (round(float(p[0]), 3), round(float(p[1]), 3), round(float(p[2]), 3)))
        for atom, p in zip(residue.atoms, places, strict=True)
    )
    return Residue(residue.chain, residue.number, residue.icode, residue.name, atoms)


def _restraints(
    names: list[str],
    movable: NDArray[np.bool_],
    ideal: Mapping[str, NDArray[np.float64]],
    bonds: frozenset[Pair],
) -> tuple[NDArray[np.int_], NDArray[np.float64], NDArray[np.float64]]:
    """Index pairs over one and two bonds that involve a movable atom, their ideal distances in Å, their
    weights."""
    neighbors: dict[str, set[str]] = {name: set() for name in names}
    for first, second in bonds:
        if first in neighbors and second in neighbors:
            neighbors[first].add(second)
            neighbors[second].add(first)
    pairs, targets, weights = [], [], []
    for i, j in combinations(range(len(names)), 2):
        if not (movable[i] or movable[j]) or names[i] not in ideal or names[j] not in ideal:
            continue
        bonded = names[j] in neighbors[names[i]]
        if bonded or neighbors[names[i]] & neighbors[names[j]]:
            pairs.append((i, j))
            targets.append(float(np.linalg.norm(ideal[names[i]] - ideal[names[j]])))
            weights.append(BOND_WEIGHT if bonded else ANGLE_WEIGHT)
    return np.array(pairs, dtype=int).reshape(-1, 2), np.array(targets), np.array(weights)


def _unrestrained(n_atoms: int, movable: NDArray[np.bool_], pairs: NDArray[np.int_]) -> NDArray[np.int_]:
    """Pairs inside the residue over three bonds or more, one of them movable."""
    known = {tuple(pair) for pair in pairs.tolist()}
    free = [(i, j) for i, j in combinations(range(n_atoms), 2) if (movable[i] or movable[j]) and (i, j) not in known]
    return np.array(free, dtype=int).reshape(-1, 2)


def _spring(
    points: NDArray[np.float64],
    pairs: NDArray[np.int_],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    gradient: NDArray[np.float64],
) -> float:
    """Sum of weight (d - target)^2; without weights only distances below the target count (a soft
    contact)."""
    if not len(pairs):
        return 0.0
    offset = points[pairs[:, 0]] - points[pairs[:, 1]]
    distance = np.maximum(np.linalg.norm(offset, axis=1), 1e-6)
    miss = distance - targets
    if weights is None:
        miss, weights = np.minimum(miss, 0.0), np.full(len(pairs), CONTACT_WEIGHT)
    force = (2.0 * weights * miss / distance)[:, None] * offset
    np.add.at(gradient, pairs[:, 0], force)
    np.add.at(gradient, pairs[:, 1], -force)
    return float((weights * miss**2).sum())


def _repel(
    points: NDArray[np.float64],
    movable: NDArray[np.bool_],
    around: NDArray[np.float64],
    gradient: NDArray[np.float64],
) -> float:
    if not len(around):
        return 0.0
    offset = points[movable][:, None, :] - around[None, :, :]
    distance = np.maximum(np.linalg.norm(offset, axis=2), 1e-6)
    overlap = np.maximum(CONTACT_ANGSTROM - distance, 0.0)
    gradient[movable] -= ((2.0 * CONTACT_WEIGHT * overlap / distance)[:, :, None] * offset).sum(axis=1)
    return float(CONTACT_WEIGHT * (overlap**2).sum())
