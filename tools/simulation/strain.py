"""Strain of a pose: what its shape costs against the best free shape, both in one MMFF94.

strain = E(pose relaxed with heavy atoms held within 0.3 Å) - min E over >= 50 minimised ETKDG conformers and the
relaxed pose (also minimised freely, so that a search which misses the pose's own basin cannot report 0).
The distance-dependent dielectric (constant 4) keeps a vacuum's intramolecular salt bridges from winning.
Unusual: hydrogens and heavy atoms relax before anything is compared, because raw crystal and docked coordinates
carry tens of kcal/mol of bond-length noise. Not promised: a free energy, or the global minimum of a macrocycle.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import rdkit
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from tools.errors import InputError
from tools.simulation.mmff import Dielectric, load_mmff_properties
from tools.simulation.pose import pose_defect, require_pose
from tools.types import CheckResult, Verdict

# 95th percentile of this protocol (defaults below) on the 26 ligands of crossdocked_dev80_structures that were
# minimised from their crystal pose ("tt_min") and have 20-35 heavy atoms: 17.23 (median 6.5, 69 % under 10, maximum
# 18.1; RDKit 2026.09.1). benchmarks/strain_reference.py prints the table and the number.
STRAIN_THRESHOLD_KCAL_MOL = 17.2
N_CONFORMERS = 50
TOLERANCE_ANGSTROM = 0.3
HOLD_KCAL_MOL_ANGSTROM2 = 100.0
MAX_STEPS = 5000
_COARSE_GRADIENT = 0.05
_FINE_GRADIENT = 1e-4
_POLISH_WINDOW_KCAL_MOL = 5.0
_PROBE_CONFORMERS, _PROBE_ATTEMPTS, _ATTEMPTS = 2, 20, 200


@dataclass(frozen=True, slots=True)
class Strain:
    """Energies in kcal/mol of one MMFF94; `value` is held - reference and never negative."""

    value: float
    held: float
    reference: float
    raw: float
    n_conformers: int


def check_strain(
    pose: Chem.Mol,
    *,
    n_conformers: int = N_CONFORMERS,
    seed: int = 7,
    tolerance_angstrom: float = TOLERANCE_ANGSTROM,
    threshold_kcal_mol: float = STRAIN_THRESHOLD_KCAL_MOL,
    dielectric: Dielectric | None = None,
) -> CheckResult:
    """Strain of `pose` (explicit hydrogens, one conformer) at most `threshold_kcal_mol`.

    `tolerance_angstrom` is the flat-bottomed radius in which heavy atoms may relax, `seed` that of ETKDGv3; 0.3 Å,
    50 conformers and the dielectric are protocols.md 2b's. Unknown if MMFF94 lacks parameters or ETKDG conformers.
    """
    require_pose(pose)
    if n_conformers < 1:
        raise InputError(f"n_conformers {n_conformers} must be at least 1")
    if tolerance_angstrom < 0:
        raise InputError(f"tolerance_angstrom {tolerance_angstrom} must not be negative")
    start = time.perf_counter()

    def result(verdict: Verdict, reason: str, value: float | None = None, **details: Any) -> CheckResult:
        return CheckResult(
            name="strain",
            verdict=verdict,
            value=value,
            unit="kcal/mol",
            threshold=f"<= {threshold_kcal_mol:g}",
            reason=reason,
            tool="rdkit",
            version=f"rdkit {rdkit.__version__}, MMFF94",
            seconds=time.perf_counter() - start,
            details=details,
        )

    if defect := pose_defect(pose):
        return result(Verdict.UNKNOWN, defect)
    strain = compute_strain(pose, n_conformers, seed, tolerance_angstrom, dielectric or Dielectric())
    if isinstance(strain, str):
        return result(Verdict.UNKNOWN, strain)
    too_much = strain.value > threshold_kcal_mol
    return result(
        Verdict.FAIL if too_much else Verdict.PASS,
        f"strain {strain.value:.1f} kcal/mol (more than {threshold_kcal_mol:g})" if too_much else "",
        strain.value,
        held_kcal_mol=strain.held,
        reference_kcal_mol=strain.reference,
        raw_kcal_mol=strain.raw,
        n_conformers=strain.n_conformers,
        seed=seed,
    )


def compute_strain(
    pose: Chem.Mol, n_conformers: int, seed: int, tolerance_angstrom: float, dielectric: Dielectric
) -> Strain | str:
    """The strain, or in words why it cannot be computed. `pose` is not changed."""
    raw, held, free = _relax_pose(pose, tolerance_angstrom, dielectric)
    minima = (_conformer_minimum(smiles, n_conformers, seed, dielectric) for smiles in _smiles_with_stereo(pose))
    lowest = next((energy for energy in minima if energy is not None), None)
    if lowest is None:
        return f"ETKDG made fewer than {n_conformers} conformers"
    reference = min(lowest, held, free)
    if not np.isfinite([raw, held, reference]).all():
        return "MMFF94 gave no finite energy for this pose"
    return Strain(held - reference, held, reference, raw, n_conformers)


def _relax_pose(pose: Chem.Mol, tolerance_angstrom: float, dielectric: Dielectric) -> tuple[float, float, float]:
    """Energies of the pose as given, relaxed while held, and minimised freely from there (restraints not counted).

    RDKit force fields remember interatomic distances: `Initialize` after another one moved the atoms is essential.
    """
    mol = Chem.Mol(pose)
    properties = load_mmff_properties(mol, dielectric)
    plain = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)
    held = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)
    held.Initialize()
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() > 1:
            held.MMFFAddPositionConstraint(atom.GetIdx(), tolerance_angstrom, HOLD_KCAL_MOL_ANGSTROM2)
    plain.Initialize()
    raw = plain.CalcEnergy()
    held.Minimize(maxIts=MAX_STEPS)
    plain.Initialize()
    relaxed = plain.CalcEnergy()
    plain.Minimize(maxIts=MAX_STEPS)
    return raw, relaxed, plain.CalcEnergy()


def _smiles_with_stereo(pose: Chem.Mol) -> tuple[str, ...]:
    """Canonical SMILES of the pose's state: the cache's keys, best first.

    First with the stereochemistry its coordinates have; then, for a centre so flat in the pose that ETKDG cannot
    build it as read, with the molecule's own.
    """
    mol = Chem.Mol(pose)
    Chem.AssignStereochemistryFrom3D(mol)
    return tuple(dict.fromkeys(str(Chem.MolToSmiles(Chem.RemoveHs(each))) for each in (mol, pose)))


@lru_cache(maxsize=256)
def _conformer_minimum(smiles: str, n_conformers: int, seed: int, dielectric: Dielectric) -> float | None:
    """Lowest MMFF94 energy (kcal/mol) over the minimised ETKDGv3 conformers; None if ETKDG makes too few.

    From the SMILES, so that neither the pose's atom order nor its orientation has a say, and poses of one state
    share it. All conformers are minimised to 0.05 kcal/mol/Å, those within 5 kcal/mol of the best to the end.
    """
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    conformers = _embed(mol, n_conformers, seed)
    if len(conformers) < n_conformers:
        return None
    work = Chem.Mol(mol)
    work.RemoveAllConformers()
    work.AddConformer(mol.GetConformer(conformers[0]), assignId=True)
    force_field = rdForceFieldHelpers.MMFFGetMoleculeForceField(work, load_mmff_properties(work, dielectric))
    force_field.Initialize()
    place = work.GetConformer()
    coarse = []
    for index in conformers:
        place.SetPositions(mol.GetConformer(index).GetPositions())
        force_field.Minimize(maxIts=MAX_STEPS, forceTol=_COARSE_GRADIENT)
        coarse.append((force_field.CalcEnergy(), place.GetPositions()))
    lowest = min(energy for energy, _ in coarse)
    fine = []
    for energy, positions in coarse:
        if energy <= lowest + _POLISH_WINDOW_KCAL_MOL:
            place.SetPositions(positions)
            force_field.Minimize(maxIts=MAX_STEPS, forceTol=_FINE_GRADIENT)
            fine.append(force_field.CalcEnergy())
    return float(min(fine))


def _embed(mol: Chem.Mol, n_conformers: int, seed: int) -> list[int]:
    """Conformer ids; fewer than asked, within seconds, where the stereochemistry can hardly be built."""
    for random_coordinates in (False, True):
        parameters: Any = rdDistGeom.ETKDGv3()
        parameters.randomSeed = seed
        parameters.numThreads = 1
        parameters.useRandomCoords = random_coordinates
        parameters.maxIterations = _PROBE_ATTEMPTS
        if not rdDistGeom.EmbedMultipleConfs(mol, _PROBE_CONFORMERS, parameters):
            continue
        parameters.maxIterations = _ATTEMPTS
        conformers = list(rdDistGeom.EmbedMultipleConfs(mol, n_conformers, parameters))
        if len(conformers) == n_conformers:
            return conformers
    return []
