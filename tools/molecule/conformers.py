"""3D structures of one molecule: ETKDGv3 conformers and the distinct puckers of its saturated rings.

ETKDGv3: Wang 2020, doi 10.1021/acs.jcim.0c00025. MMFF94 (Halgren 1996) optimisation where every atom is
typed, in vacuum, so energies order puckers and nothing more: they are NOT strain energies. Docking programs
rotate bonds and never flip rings, which is why docking starts from several ring conformers. Distances in Å,
torsions in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolTransforms

from tools.errors import InputError

ENERGY_PROPERTY = "mmff94_kcal_mol"
Torsion = tuple[int, int, int, int]


class EmbeddingError(InputError):
    """No 3D conformer of this molecule was found: a fault here, a fail in `check_conformer`."""


def embed(
    mol: Chem.Mol, n_conformers: int, seed: int, *, max_attempts: int = 30, max_minimise_steps: int = 500
) -> Chem.Mol:
    """A copy with explicit hydrogens and `n_conformers` (fewer where some fail) ETKDGv3 conformers.

    Where MMFF94 types every atom each conformer is minimised (at most `max_minimise_steps` steps, 0 = as
    embedded) and carries its energy as the property `mmff94_kcal_mol`. Random coordinates are the second try.
    One thread; the same seed gives the same coordinates. `EmbeddingError` when `max_attempts` tries a
    conformer give none.
    """
    if n_conformers < 1:
        raise InputError(f"n_conformers {n_conformers} must be at least 1")
    with rdBase.BlockLogs():
        model = Chem.AddHs(Chem.Mol(mol))
        model.RemoveAllConformers()
        for random_coordinates in (False, True):
            parameters = rdDistGeom.ETKDGv3()
            settings = {"randomSeed": seed, "numThreads": 1, "maxIterations": max_attempts}
            for name, value in {**settings, "useRandomCoords": random_coordinates}.items():
                setattr(parameters, name, value)
            if len(rdDistGeom.EmbedMultipleConfs(model, n_conformers, parameters)):
                break
        if model.GetNumConformers() == 0:
            raise EmbeddingError(
                f"{Chem.MolToSmiles(mol)!r} has no 3D conformer: ETKDGv3 failed {max_attempts} times from "
                "distances and from random coordinates"
            )
        _minimise(model, max_minimise_steps)
    return model


def ring_conformers(
    mol: Chem.Mol, n: int = 3, seed: int = 7, *, pool: int = 12, distinct_degrees: float = 30.0
) -> Chem.Mol:
    """Up to `n` conformers, lowest energy first, that differ in a saturated ring's pucker; one where no ring
    is.

    Two conformers differ when some torsion in, or from a substituent into, a saturated ring differs by more
    than `distinct_degrees` (30 is half the way from a cyclohexane chair, 55, to a flat ring). They are picked
    from `pool` ETKDGv3 conformers, by energy as embedded, then minimised and compared again. A rigid ring
    (cyclopropane, a steroid) has fewer than `n` puckers, so fewer come back. At least 3 starts for docking is
    protocols.md 2b.
    """
    if n < 1 or pool < n:
        raise InputError(f"n {n} must be at least 1 and the pool {pool} at least n")
    torsions = ring_torsions(mol)
    if not torsions or n == 1:
        return embed(mol, 1, seed)
    found = _distinct_minima(embed(mol, pool, seed, max_minimise_steps=0), torsions, distinct_degrees, n)
    if found.GetNumConformers() < n:
        more = embed(mol, 2 * pool, seed + 1, max_minimise_steps=0)
        for conformer in found.GetConformers():
            more.AddConformer(conformer, assignId=True)
        found = _distinct_minima(more, torsions, distinct_degrees, n)
    return found


def saturated_rings(mol: Chem.Mol) -> list[tuple[int, ...]]:
    """Rings of 4 to 8 atoms that can pucker: at least two neighbouring sp3 ring atoms."""
    rings = []
    for ring in mol.GetRingInfo().AtomRings():
        sp3 = [mol.GetAtomWithIdx(i).GetHybridization() == Chem.HybridizationType.SP3 for i in ring]
        if 4 <= len(ring) <= 8 and any(sp3[i] and sp3[i - 1] for i in range(len(ring))):
            rings.append(tuple(ring))
    return rings


def ring_torsions(mol: Chem.Mol) -> list[Torsion]:
    """Torsions that describe the puckers: around each ring, and from each heavy substituent into its ring."""
    torsions: list[Torsion] = []
    for ring in saturated_rings(mol):
        size = len(ring)
        for i in range(size):
            before, atom, after, second = (ring[(i + k) % size] for k in (-1, 0, 1, 2))
            torsions.append((before, atom, after, second))
            for neighbour in mol.GetAtomWithIdx(atom).GetNeighbors():
                if neighbour.GetIdx() not in ring and neighbour.GetAtomicNum() > 1:
                    torsions.append((neighbour.GetIdx(), atom, after, second))
    return torsions


def measure_torsions(mol: Chem.Mol, conformer_id: int, torsions: Sequence[Torsion]) -> NDArray[np.float64]:
    """Values in degrees, shape (len(torsions),)."""
    conformer = mol.GetConformer(conformer_id)
    return np.array([rdMolTransforms.GetDihedralDeg(conformer, *t) for t in torsions], dtype=np.float64)


def torsion_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The largest circular difference in degrees between two sets of torsions; 0 where there are none."""
    if first.size == 0:
        return 0.0
    return float(np.max(np.abs((first - second + 180.0) % 360.0 - 180.0)))


def _minimise(model: Chem.Mol, max_steps: int) -> None:
    """MMFF94-minimise every conformer in place; leave all as they are where an atom has no type."""
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(model):
        return
    results = rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(model, numThreads=1, maxIters=max_steps)
    for conformer, (_, energy) in zip(model.GetConformers(), results, strict=True):
        conformer.SetDoubleProp(ENERGY_PROPERTY, energy)


def _distinct_minima(model: Chem.Mol, torsions: Sequence[Torsion], degrees: float, n: int) -> Chem.Mol:
    """The pool thinned to different puckers, minimised, and thinned again."""
    few = _keep(model, _distinct(model, torsions, degrees, n + 2))
    _minimise(few, max_steps=500)
    return _keep(few, _distinct(few, torsions, degrees, n))


def _distinct(model: Chem.Mol, torsions: Sequence[Torsion], degrees: float, n: int) -> list[int]:
    """Ids of at most `n` conformers, by energy, each more than `degrees` from those before it."""
    by_energy = sorted((_energy(conformer), conformer.GetId()) for conformer in model.GetConformers())
    chosen: dict[int, NDArray[np.float64]] = {}
    for _, conformer_id in by_energy:
        angles = measure_torsions(model, conformer_id, torsions)
        if all(torsion_difference(angles, other) > degrees for other in chosen.values()):
            chosen[conformer_id] = angles
        if len(chosen) == n:
            break
    return list(chosen)


def _keep(model: Chem.Mol, ids: Sequence[int]) -> Chem.Mol:
    """The molecule with these conformers only, numbered from 0 in this order."""
    kept = [Chem.Conformer(model.GetConformer(conformer_id)) for conformer_id in ids]
    reduced = Chem.Mol(model)
    reduced.RemoveAllConformers()
    for conformer in kept:
        reduced.AddConformer(conformer, assignId=True)
    return reduced


def _energy(conformer: Chem.Conformer) -> float:
    return float(conformer.GetDoubleProp(ENERGY_PROPERTY)) if conformer.HasProp(ENERGY_PROPERTY) else 0.0
