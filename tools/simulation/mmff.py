"""MMFF94 as an OpenMM System: RDKit assigns types, charges and parameters, OpenMM computes energies and forces.

Unusual: the two engines share every parameter, so their agreement (tested to 1e-3 kcal/mol) proves this port and
not the chemistry. Functional forms: Halgren, J. Comput. Chem. 1996, 17, 490-519
(doi:10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P); buffered 14-7 vdW: 17, 520-552.
Not promised: periodic boxes, cut-offs, solvent, several molecules in one `mol` (pairs are all against all).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from tools.errors import InputError
from tools.simulation.units import ANGSTROM_PER_NM, KJ_PER_KCAL, Coordinates, to_openmm_mass

COULOMB_KCAL_ANGSTROM = 332.0716  # kcal/mol Å e^-2, MMFF94's value
CHARGE_BUFFER_ANGSTROM = 0.05
ONE_FOUR_CHARGE_SCALE = 0.75
MDYNE_ANGSTROM_TO_KCAL = 143.9325
LINEAR_ATOM_TYPES = frozenset({4, 53, 61})  # MMFFPROP "linh": =C= and triple-bonded C, =N=, isonitrile/diazonium N
DEGREE = math.pi / 180.0

_RDKIT_DIELECTRIC_MODEL = {"constant": 1, "distance": 2}
_PREAMBLE = {
    "kcal": KJ_PER_KCAL,
    "A": ANGSTROM_PER_NM,
    "mdyne": MDYNE_ANGSTROM_TO_KCAL,
    "deg": DEGREE,
}
_BOND = "kcal*0.5*mdyne*kb*dr^2*(1-2*dr+(7/3)*dr^2); dr=A*r-r0"
_ANGLE = "kcal*0.5*mdyne*deg^2*ka*da^2*(1-0.006981317*da); da=theta/deg-theta0"
_LINEAR_ANGLE = "kcal*mdyne*ka*(1+cos(theta))"
_STRETCH_BEND = "kcal*mdyne*deg*(kij*(A*distance(p1,p2)-rij)+kkj*(A*distance(p3,p2)-rkj))*(angle(p1,p2,p3)/deg-theta0)"
_TORSION = "kcal*0.5*(v1*(1+cos(theta))+v2*(1-cos(2*theta))+v3*(1+cos(3*theta)))"
_OUT_OF_PLANE = (  # p2 is the centre; Wilson angle of the bond p2-p4 to the plane p1-p2-p3
    "kcal*0.5*mdyne*koop*chi^2; chi=asin(max(-1,min(1,(nx*cx+ny*cy+nz*cz)/(n*c))));"
    "n=sqrt(nx^2+ny^2+nz^2); c=sqrt(cx^2+cy^2+cz^2);"
    "nx=ay*bz-az*by; ny=az*bx-ax*bz; nz=ax*by-ay*bx;"
    "ax=x1-x2; ay=y1-y2; az=z1-z2; bx=x3-x2; by=y3-y2; bz=z3-z2; cx=x4-x2; cy=y4-y2; cz=z4-z2"
)


@dataclass(frozen=True, slots=True)
class Dielectric:
    """How electrostatics are screened: `constant` D, or `distance` D*r (both in MMFF94's buffered form)."""

    model: Literal["constant", "distance"] = "distance"
    constant: float = 4.0

    def __post_init__(self) -> None:
        if self.model not in _RDKIT_DIELECTRIC_MODEL:
            raise InputError(f"dielectric model {self.model!r} is not one of: constant, distance")
        if not self.constant > 0:
            raise InputError(f"dielectric constant {self.constant} must be greater than 0")

    @property
    def exponent(self) -> int:
        return 2 if self.model == "distance" else 1


def has_mmff_parameters(mol: Chem.Mol) -> bool:
    """Whether MMFF94 has a type for every atom of `mol` (boron, selenium and most metals have none)."""
    return bool(rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol))


def load_mmff_properties(mol: Chem.Mol, dielectric: Dielectric) -> Any:
    """RDKit's MMFF94 types and charges of `mol`, hydrogens explicit, with the dielectric set.

    RDKit would type a molecule without its hydrogens, silently and wrongly: refused here.
    """
    if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        raise InputError("MMFF94 needs every hydrogen as an atom: call Chem.AddHs(mol, addCoords=True) first")
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    if properties is None:
        raise InputError(f"MMFF94 has no parameters for {Chem.MolToSmiles(Chem.RemoveHs(mol))}")
    properties.SetMMFFDielectricModel(_RDKIT_DIELECTRIC_MODEL[dielectric.model])
    properties.SetMMFFDielectricConstant(dielectric.constant)
    return properties


def rdkit_energy_kcal_mol(mol: Chem.Mol, dielectric: Dielectric) -> float:
    """RDKit's own MMFF94 energy of conformer 0 in kcal/mol, all pairs of all fragments, no cut-off."""
    force_field = rdForceFieldHelpers.MMFFGetMoleculeForceField(
        mol,
        load_mmff_properties(mol, dielectric),
        nonBondedThresh=1.0e4,
        ignoreInterfragInteractions=False,
    )
    return float(force_field.CalcEnergy())


def build_mmff_system(mol: Chem.Mol, dielectric: Dielectric | None = None) -> Any:
    """An OpenMM System of one molecule in vacuum: seven MMFF94 terms, particles in the order of `mol`'s atoms."""
    import openmm

    system = openmm.System()
    for atom in mol.GetAtoms():
        system.addParticle(to_openmm_mass(atom.GetMass()))
    for force in build_mmff_forces(mol, dielectric or Dielectric()):
        system.addForce(force)
    return system


def build_mmff_forces(mol: Chem.Mol, dielectric: Dielectric) -> list[Any]:
    """The forces of `build_mmff_system`; particle i is atom i."""
    properties = load_mmff_properties(mol, dielectric)
    return [
        _bond_force(mol, properties),
        *_angle_forces(mol, properties),
        _torsion_force(mol, properties),
        _out_of_plane_force(mol, properties),
        _nonbonded_force(mol, properties, dielectric),
    ]


def nonbonded_expression(dielectric: Dielectric, r_star: str, epsilon: str, charge_product: str) -> str:
    """Buffered 14-7 vdW plus buffered Coulomb of a pair at OpenMM's `r`, in kJ/mol.

    `r_star` in Å, `epsilon` in kcal/mol, `charge_product` in e^2 already scaled, given as names or expressions.
    """
    coulomb = KJ_PER_KCAL * COULOMB_KCAL_ANGSTROM / dielectric.constant
    return (
        f"{KJ_PER_KCAL}*eps*buffered^7*(1.12/(rho7+0.12)-2)"
        f"+{coulomb}*({charge_product})/({ANGSTROM_PER_NM}*r+{CHARGE_BUFFER_ANGSTROM})^{dielectric.exponent};"
        f"buffered=1.07/(rho+0.07); rho7=rho^7; rho={ANGSTROM_PER_NM}*r/({r_star}); eps={epsilon}"
    )


def _constants(force: Any, names: str) -> Any:
    for name in names.split():
        force.addGlobalParameter(name, _PREAMBLE[name])
    return force


def _bond_force(mol: Chem.Mol, properties: Any) -> Any:
    import openmm

    force = _constants(openmm.CustomBondForce(_BOND), "kcal A mdyne")
    for name in ("kb", "r0"):
        force.addPerBondParameter(name)
    for bond in mol.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        _, stretch, length = properties.GetMMFFBondStretchParams(mol, i, j)
        force.addBond(i, j, [stretch, length])
    return force


def _angles(mol: Chem.Mol) -> Iterator[tuple[int, int, int]]:
    for centre in mol.GetAtoms():
        neighbours = [atom.GetIdx() for atom in centre.GetNeighbors()]
        for a, i in enumerate(neighbours):
            for k in neighbours[a + 1 :]:
                yield i, centre.GetIdx(), k


def _angle_forces(mol: Chem.Mol, properties: Any) -> list[Any]:
    """Angle bend, its linear form, and stretch-bend (which linear centres lack)."""
    import openmm

    bend = _constants(openmm.CustomAngleForce(_ANGLE), "kcal mdyne deg")
    linear = _constants(openmm.CustomAngleForce(_LINEAR_ANGLE), "kcal mdyne")
    coupled = _constants(openmm.CustomCompoundBondForce(3, _STRETCH_BEND), "kcal A mdyne deg")
    for force, names in ((bend, ("ka", "theta0")), (linear, ("ka",))):
        for name in names:
            force.addPerAngleParameter(name)
    for name in ("kij", "kkj", "rij", "rkj", "theta0"):
        coupled.addPerBondParameter(name)
    for i, j, k in _angles(mol):
        _, stiffness, theta0 = properties.GetMMFFAngleBendParams(mol, i, j, k)
        if properties.GetMMFFAtomType(j) in LINEAR_ATOM_TYPES:
            linear.addAngle(i, j, k, [stiffness])
            continue
        bend.addAngle(i, j, k, [stiffness, theta0])
        if (terms := properties.GetMMFFStretchBendParams(mol, i, j, k)) is not None:
            _, _, length_ij = properties.GetMMFFBondStretchParams(mol, i, j)
            _, _, length_kj = properties.GetMMFFBondStretchParams(mol, k, j)
            coupled.addBond([i, j, k], [terms[1], terms[2], length_ij, length_kj, theta0])
    return [bend, linear, coupled]


def _torsion_force(mol: Chem.Mol, properties: Any) -> Any:
    import openmm

    force = _constants(openmm.CustomTorsionForce(_TORSION), "kcal")
    for name in ("v1", "v2", "v3"):
        force.addPerTorsionParameter(name)
    for bond in mol.GetBonds():
        j, k = bond.GetBeginAtom(), bond.GetEndAtom()
        for i in (a.GetIdx() for a in j.GetNeighbors() if a.GetIdx() != k.GetIdx()):
            for m in (a.GetIdx() for a in k.GetNeighbors() if a.GetIdx() not in (j.GetIdx(), i)):
                terms = properties.GetMMFFTorsionParams(mol, i, j.GetIdx(), k.GetIdx(), m)
                if terms is not None:
                    force.addTorsion(i, j.GetIdx(), k.GetIdx(), m, list(terms[1:]))
    return force


def _out_of_plane_force(mol: Chem.Mol, properties: Any) -> Any:
    """Three Wilson angles at every three-coordinate centre, one for each bond."""
    import openmm

    force = _constants(openmm.CustomCompoundBondForce(4, _OUT_OF_PLANE), "kcal mdyne")
    force.addPerBondParameter("koop")
    for centre in mol.GetAtoms():
        neighbours = [atom.GetIdx() for atom in centre.GetNeighbors()]
        if len(neighbours) != 3:
            continue
        koop = properties.GetMMFFOopBendParams(mol, neighbours[0], centre.GetIdx(), *neighbours[1:])
        if koop:
            for turn in range(3):
                i, k, m = neighbours[turn:] + neighbours[:turn]
                force.addBond([i, centre.GetIdx(), k, m], [koop])
    return force


def _nonbonded_force(mol: Chem.Mol, properties: Any, dielectric: Dielectric) -> Any:
    """Pairs three or more bonds apart; electrostatics of pairs exactly three bonds apart are scaled by 0.75."""
    import openmm

    force = openmm.CustomBondForce(nonbonded_expression(dielectric, "rstar", "epsilon", "qq"))
    for name in ("rstar", "epsilon", "qq"):
        force.addPerBondParameter(name)
    bonds_apart = Chem.GetDistanceMatrix(mol)
    charges = partial_charges(mol, properties)
    for i, j in zip(*np.nonzero(np.triu(bonds_apart >= 3)), strict=True):
        _, _, r_star, epsilon = properties.GetMMFFVdWParams(int(i), int(j))
        scale = ONE_FOUR_CHARGE_SCALE if bonds_apart[i, j] == 3 else 1.0
        force.addBond(int(i), int(j), [r_star, epsilon, scale * charges[i] * charges[j]])
    return force


def partial_charges(mol: Chem.Mol, properties: Any) -> Coordinates:
    """MMFF94 charges in e, shape (N,)."""
    return np.array([properties.GetMMFFPartialCharge(i) for i in range(mol.GetNumAtoms())])
