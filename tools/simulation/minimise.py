"""A pose minimised in its rigid pocket: the MMFF interaction energy and how far the ligand moved.

Unusual: the pocket never moves and has no internal terms; the energy is the ligand's own MMFF94 terms plus the
ligand-pocket vdW and electrostatics, computed in double precision on OpenMM's Reference platform, so that the same
input gives the same number. Not promised: a binding energy. No solvent, no entropy, no receptor response, a
dielectric model that is an argument; compare values of one receptor and one setting only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem

from tools.errors import InputError
from tools.simulation.mmff import (
    Dielectric,
    build_mmff_forces,
    build_mmff_system,
    load_mmff_properties,
    nonbonded_expression,
    partial_charges,
)
from tools.simulation.pocket import POCKET_CUTOFF_ANGSTROM, Undecided, build_pocket
from tools.simulation.pose import pose_defect, require_pose
from tools.simulation.units import (
    Coordinates,
    energy_kcal_mol,
    forces_kcal_mol_angstrom,
    positions_angstrom,
    to_openmm_gradient_tolerance,
    to_openmm_mass,
    to_openmm_positions,
)
from tools.types import CheckResult, Verdict

MAX_MOVED_ANGSTROM = 2.0
MAX_ITERATIONS = 2000
GRADIENT_TOLERANCE_KCAL_MOL_ANGSTROM = 0.05
_INTERACTION_GROUP = 1


@dataclass(frozen=True, slots=True)
class Minimum:
    """Result of a minimisation: the molecule with its new conformer, energies in kcal/mol, RMS gradient reached."""

    mol: Chem.Mol
    energy_before_kcal_mol: float
    energy_after_kcal_mol: float
    gradient_kcal_mol_angstrom: float


@dataclass(frozen=True, slots=True)
class InteractionMinimum:
    """A pose before and after minimisation in the pocket; energies in kcal/mol, the distance in Å."""

    mol: Chem.Mol
    interaction_before_kcal_mol: float
    interaction_after_kcal_mol: float
    ligand_before_kcal_mol: float
    ligand_after_kcal_mol: float
    moved_angstrom: float
    gradient_kcal_mol_angstrom: float


def minimise_ligand(
    mol: Chem.Mol, dielectric: Dielectric | None = None, max_iterations: int = MAX_ITERATIONS
) -> Minimum:
    """Minimise conformer 0 of a free molecule (hydrogens explicit) in MMFF94; the input is not changed.

    Stops at a root-mean-square gradient of 0.05 kcal/mol/Å or after `max_iterations` L-BFGS steps.
    """
    require_pose(mol)
    context = _reference_context(build_mmff_system(mol, dielectric))
    context.setPositions(to_openmm_positions(mol.GetConformer().GetPositions()))
    before = energy_kcal_mol(context.getState(energy=True))
    _minimise(context, max_iterations)
    state = context.getState(energy=True, positions=True, forces=True)
    gradient = _rms(forces_kcal_mol_angstrom(state))
    return Minimum(_with_positions(mol, positions_angstrom(state)), before, energy_kcal_mol(state), gradient)


def check_interaction(
    pose: Chem.Mol,
    receptor_pdb: str,
    *,
    dielectric: Dielectric | None = None,
    cutoff_angstrom: float = POCKET_CUTOFF_ANGSTROM,
    max_moved_angstrom: float = MAX_MOVED_ANGSTROM,
    max_iterations: int = MAX_ITERATIONS,
) -> CheckResult:
    """Does the pose, minimised in its rigid MMFF94 pocket, attract the receptor and stay where it was docked?

    `pose` has explicit hydrogens and one conformer in the frame of `receptor_pdb` (PDB text with hydrogens, without
    the ligand). `dielectric` defaults to the distance-dependent one with constant 4, as for strain.
    Passes if the MMFF interaction energy is negative and the heavy atoms moved at most `max_moved_angstrom`
    (root mean square, not superposed). Its default 2.0 Å is the threshold above which Liu & Kokubo discard a docked
    pose as unstable (J. Comput. Aided Mol. Des. 2020, 34, 1195, doi:10.1007/s10822-020-00340-y); the cut-off 6 Å is
    that of protocols.md 2b. A pose with no residue in reach fails. Unknown if the ligand or a residue of the pocket
    has no parameters, or the pose is nonsense.
    """
    require_pose(pose)
    start = time.perf_counter()
    threshold = f"< 0 kcal/mol and moved <= {max_moved_angstrom:g} Å"

    def result(verdict: Verdict, reason: str, value: float | None = None, **details: Any) -> CheckResult:
        return CheckResult(
            name="interaction",
            verdict=verdict,
            value=value,
            unit="kcal/mol",
            threshold=threshold,
            reason=reason,
            tool="openmm",
            version=_version(),
            seconds=time.perf_counter() - start,
            details={"quantity": "MMFF interaction energy", **details},
        )

    if defect := pose_defect(pose):
        return result(Verdict.UNKNOWN, defect)
    pocket = build_pocket(receptor_pdb, pose, cutoff_angstrom)
    if isinstance(pocket, Undecided) and pocket.empty:
        return result(Verdict.FAIL, pocket.reasons[0])
    if isinstance(pocket, Undecided):
        return result(Verdict.UNKNOWN, "no MMFF pocket: " + "; ".join(pocket.reasons))
    minimum = minimise_in_pocket(pose, pocket.mol, dielectric or Dielectric(), max_iterations)
    if not np.isfinite(minimum.interaction_after_kcal_mol):
        return result(Verdict.UNKNOWN, "the minimisation ended without a finite energy")
    reasons = []
    if minimum.interaction_after_kcal_mol >= 0:
        reasons.append(f"MMFF interaction energy {minimum.interaction_after_kcal_mol:.1f} kcal/mol is repulsive")
    if minimum.moved_angstrom > max_moved_angstrom:
        reasons.append(f"the ligand moved {minimum.moved_angstrom:.2f} Å (more than {max_moved_angstrom:g} Å)")
    return result(
        Verdict.FAIL if reasons else Verdict.PASS,
        "; ".join(reasons),
        minimum.interaction_after_kcal_mol,
        **_details(minimum),
        pocket_residues=list(pocket.residues),
        pocket_net_charge=pocket.net_charge,
        pocket_changes=list(pocket.changes),
    )


def minimise_in_pocket(
    pose: Chem.Mol, pocket: Chem.Mol, dielectric: Dielectric, max_iterations: int = MAX_ITERATIONS
) -> InteractionMinimum:
    """Minimise `pose` beside `pocket`, both with explicit hydrogens in one frame; only the ligand's atoms move."""
    n_ligand = pose.GetNumAtoms()
    context = _reference_context(_build_complex_system(pose, pocket, dielectric))
    start = np.vstack([mol.GetConformer().GetPositions() for mol in (pose, pocket)])
    context.setPositions(to_openmm_positions(start))
    before = _split_energies(context)
    _minimise(context, max_iterations, mobile_share=n_ligand / len(start))
    after = _split_energies(context)
    state = context.getState(positions=True, forces=True)
    end = positions_angstrom(state)[:n_ligand]
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    return InteractionMinimum(
        mol=_with_positions(pose, end),
        interaction_before_kcal_mol=before[0],
        interaction_after_kcal_mol=after[0],
        ligand_before_kcal_mol=before[1],
        ligand_after_kcal_mol=after[1],
        moved_angstrom=_rms(end[heavy] - start[:n_ligand][heavy]),
        gradient_kcal_mol_angstrom=_rms(forces_kcal_mol_angstrom(state)[:n_ligand]),
    )


def _build_complex_system(pose: Chem.Mol, pocket: Chem.Mol, dielectric: Dielectric) -> Any:
    """Ligand particles first, then the pocket's with mass 0, which the minimiser leaves in place."""
    import openmm

    system = openmm.System()
    for atom in pose.GetAtoms():
        system.addParticle(to_openmm_mass(atom.GetMass()))
    for _ in range(pocket.GetNumAtoms()):
        system.addParticle(to_openmm_mass(0.0))
    for force in build_mmff_forces(pose, dielectric):
        system.addForce(force)
    system.addForce(_interaction_force(pose, pocket, dielectric))
    return system


def _interaction_force(pose: Chem.Mol, pocket: Chem.Mol, dielectric: Dielectric) -> Any:
    """Every ligand-pocket pair, no cut-off. A bond list: on the Reference platform twice as fast as groups."""
    import openmm

    force = openmm.CustomBondForce(nonbonded_expression(dielectric, "rstar", "epsilon", "qq"))
    for name in ("rstar", "epsilon", "qq"):
        force.addPerBondParameter(name)
    force.setForceGroup(_INTERACTION_GROUP)
    both = Chem.CombineMols(pose, pocket)
    Chem.GetSymmSSSR(both)  # RDKit leaves it out where neither has a ring, and MMFF94's typing asks for it
    properties = load_mmff_properties(both, dielectric)
    types = [properties.GetMMFFAtomType(i) for i in range(both.GetNumAtoms())]
    charges = partial_charges(both, properties)
    by_types: dict[tuple[int, int], tuple[float, float]] = {}
    for i in range(pose.GetNumAtoms()):
        for j in range(pose.GetNumAtoms(), both.GetNumAtoms()):
            pair = types[i], types[j]
            if pair not in by_types:
                by_types[pair] = properties.GetMMFFVdWParams(i, j)[2:]
            force.addBond(i, j, [*by_types[pair], charges[i] * charges[j]])
    return force


def _reference_context(system: Any) -> Any:
    import openmm

    integrator = openmm.VerletIntegrator(0.001)  # never stepped; a Context needs one
    return openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))


def _minimise(context: Any, max_iterations: int, mobile_share: float = 1.0) -> None:
    """To the gradient tolerance over the mobile particles; OpenMM averages over all, fixed ones counting as 0."""
    import openmm

    if max_iterations < 1:
        raise InputError(f"max_iterations {max_iterations} must be at least 1")
    tolerance = to_openmm_gradient_tolerance(GRADIENT_TOLERANCE_KCAL_MOL_ANGSTROM * mobile_share**0.5)
    openmm.LocalEnergyMinimizer.minimize(context, tolerance, max_iterations)


def _split_energies(context: Any) -> tuple[float, float]:
    """(interaction, ligand-internal) energy in kcal/mol."""
    interaction = energy_kcal_mol(context.getState(energy=True, groups={_INTERACTION_GROUP}))
    return interaction, energy_kcal_mol(context.getState(energy=True, groups={0}))


def _details(minimum: InteractionMinimum) -> dict[str, Any]:
    return {
        "interaction_before_kcal_mol": minimum.interaction_before_kcal_mol,
        "interaction_after_kcal_mol": minimum.interaction_after_kcal_mol,
        "ligand_energy_before_kcal_mol": minimum.ligand_before_kcal_mol,
        "ligand_energy_after_kcal_mol": minimum.ligand_after_kcal_mol,
        "moved_angstrom": minimum.moved_angstrom,
        "gradient_kcal_mol_angstrom": minimum.gradient_kcal_mol_angstrom,
        "relaxed_pose_molblock": Chem.MolToMolBlock(minimum.mol),
    }


def _with_positions(mol: Chem.Mol, positions: Coordinates) -> Chem.Mol:
    moved = Chem.Mol(mol)
    moved.GetConformer().SetPositions(np.ascontiguousarray(positions))
    return moved


def _rms(vectors: Coordinates) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1).mean()))


def _version() -> str:
    import openmm
    import rdkit

    return f"openmm {openmm.Platform.getOpenMMVersion()}, rdkit {rdkit.__version__}, MMFF94"
