"""The one border between plain floats and OpenMM Quantities.

RDKit and every function of this project speak Å, kcal/mol and elementary charges; OpenMM speaks nm, kJ/mol and
amu. Whatever crosses is converted here and nowhere else, so a factor of ten can only be wrong in one file.
Arrays are `(N, 3)`, one row an atom. Not promised: velocities, temperatures, boxes (nothing here needs them yet).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KJ_PER_KCAL = 4.184  # thermochemical calorie, exact
ANGSTROM_PER_NM = 10.0

Coordinates = NDArray[np.float64]


def to_openmm_positions(positions_angstrom: Coordinates) -> Any:
    """Coordinates in Å, shape (N, 3), as an OpenMM Quantity in nm."""
    from openmm import unit

    return unit.Quantity(np.asarray(positions_angstrom, dtype=float) / ANGSTROM_PER_NM, unit.nanometer)


def to_openmm_mass(mass_dalton: float) -> Any:
    """A mass in Da as an OpenMM Quantity; 0 means that the particle never moves."""
    from openmm import unit

    return mass_dalton * unit.dalton


def to_openmm_gradient_tolerance(kcal_mol_angstrom: float) -> Any:
    """A root-mean-square gradient in kcal/mol/Å as an OpenMM Quantity in kJ/mol/nm."""
    from openmm import unit

    return kcal_mol_angstrom * KJ_PER_KCAL * ANGSTROM_PER_NM * unit.kilojoule_per_mole / unit.nanometer


def positions_angstrom(state: Any) -> Coordinates:
    """The coordinates of an OpenMM State in Å, shape (N, 3)."""
    from openmm import unit

    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    return np.asarray(positions, dtype=float) * ANGSTROM_PER_NM


def energy_kcal_mol(state: Any) -> float:
    """The potential energy of an OpenMM State in kcal/mol."""
    from openmm import unit

    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)) / KJ_PER_KCAL


def forces_kcal_mol_angstrom(state: Any) -> Coordinates:
    """The forces of an OpenMM State in kcal/mol/Å, shape (N, 3)."""
    from openmm import unit

    forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    return np.asarray(forces, dtype=float) / (KJ_PER_KCAL * ANGSTROM_PER_NM)
