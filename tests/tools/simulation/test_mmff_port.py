"""The OpenMM port against RDKit's own MMFF94: energies to 1e-3 kcal/mol, forces against RDKit and by differences."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from scipy.spatial.transform import Rotation

from tools.errors import InputError
from tools.simulation.mmff import (
    Dielectric,
    build_mmff_system,
    has_mmff_parameters,
    load_mmff_properties,
    rdkit_energy_kcal_mol,
)
from tools.simulation.units import (
    energy_kcal_mol,
    forces_kcal_mol_angstrom,
    positions_angstrom,
    to_openmm_positions,
)

MOLECULES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "ibuprofen": "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "imatinib": "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "celecoxib": "Cc1ccc(cc1)-c1cc(nn1-c1ccc(cc1)S(N)(=O)=O)C(F)(F)F",
    "penicillin G anion": "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)[O-]",
    "nirmatrelvir": "CC1([C@@H]2[C@H]1[C@H](N(C2)C(=O)[C@H](C(C)(C)C)NC(=O)C(F)(F)F)C(=O)N[C@@H](C[C@@H]1CCNC1=O)C#N)C",
    "acetonitrile": "CC#N",
    "nitrobenzene": "[O-][N+](=O)c1ccccc1",
    "bromocyclopropane": "BrC1CC1",
    "methyl azide (linear N)": "CN=[N+]=[N-]",
    "allene (linear C)": "C=C=C",
    "phenylguanidinium": "NC(=[NH2+])Nc1ccccc1",
    "ADP trianion": "Nc1ncnc2c1ncn2[C@@H]1O[C@H](COP(=O)([O-])OP(=O)([O-])[O-])[C@@H](O)[C@H]1O",
}


def reference_context(mol: Chem.Mol, dielectric: Dielectric) -> openmm.Context:
    platform = openmm.Platform.getPlatformByName("Reference")
    return openmm.Context(build_mmff_system(mol, dielectric), openmm.VerletIntegrator(0.001), platform)


def evaluate(mol: Chem.Mol, dielectric: Dielectric, positions: np.ndarray) -> tuple[float, np.ndarray]:
    return evaluate_in(reference_context(mol, dielectric), positions)


def evaluate_in(context: openmm.Context, positions: np.ndarray) -> tuple[float, np.ndarray]:
    context.setPositions(to_openmm_positions(positions))
    state = context.getState(energy=True, forces=True, positions=True)
    np.testing.assert_allclose(positions_angstrom(state), positions, atol=1e-9)
    return energy_kcal_mol(state), forces_kcal_mol_angstrom(state)


@pytest.mark.parametrize("dielectric", [Dielectric("constant", 1.0), Dielectric("distance", 4.0)], ids=str)
@pytest.mark.parametrize("name", MOLECULES)
def test_energy_and_forces_agree_with_rdkit(name, dielectric, embed):
    mol = embed(MOLECULES[name])
    energy, forces = evaluate(mol, dielectric, mol.GetConformer().GetPositions())
    assert energy == pytest.approx(rdkit_energy_kcal_mol(mol, dielectric), abs=1e-3)
    force_field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, load_mmff_properties(mol, dielectric))
    force_field.Initialize()
    gradient = np.array(force_field.CalcGrad()).reshape(-1, 3)
    # RDKit's own gradient of a linear angle is approximate where the angle is exactly 180 degrees
    np.testing.assert_allclose(forces, -gradient, atol=1e-2)


@pytest.mark.parametrize("name", ["penicillin G anion", "acetonitrile", "methyl azide (linear N)"])
def test_forces_are_the_negative_slope_of_the_energy(name, embed):
    mol = embed(MOLECULES[name])
    positions = mol.GetConformer().GetPositions() + np.random.default_rng(1).normal(0, 0.05, (mol.GetNumAtoms(), 3))
    context = reference_context(mol, Dielectric())
    _, forces = evaluate_in(context, positions)
    step = 1e-4
    for atom in range(0, mol.GetNumAtoms(), max(1, mol.GetNumAtoms() // 6)):
        for axis in range(3):
            shift = np.zeros_like(positions)
            shift[atom, axis] = step
            above, _ = evaluate_in(context, positions + shift)
            below, _ = evaluate_in(context, positions - shift)
            assert forces[atom, axis] == pytest.approx(-(above - below) / (2 * step), abs=1e-3, rel=1e-5)


def test_energy_does_not_depend_on_orientation_or_atom_order(embed):
    mol = embed(MOLECULES["celecoxib"])
    positions = mol.GetConformer().GetPositions()
    energy, _ = evaluate(mol, Dielectric(), positions)
    turned = Rotation.from_rotvec([0.3, -1.1, 2.0]).apply(positions) + np.array([5.0, -3.0, 8.0])
    assert evaluate(mol, Dielectric(), turned)[0] == pytest.approx(energy, abs=1e-8)
    order = np.random.default_rng(4).permutation(mol.GetNumAtoms())
    shuffled = Chem.RenumberAtoms(mol, [int(i) for i in order])
    assert evaluate(shuffled, Dielectric(), positions[order])[0] == pytest.approx(energy, abs=1e-8)


def test_two_charges_repel_as_coulomb_says(embed):
    """Two formates' worth of charge: halving the dielectric constant doubles the electrostatic part exactly."""
    mol = embed("[O-]C(=O)CCC(=O)[O-]")
    positions = mol.GetConformer().GetPositions()
    at = {d: evaluate(mol, Dielectric("distance", d), positions)[0] for d in (2.0, 4.0, 8.0)}
    assert at[2.0] - at[4.0] == pytest.approx(2 * (at[4.0] - at[8.0]), rel=1e-9)
    assert at[2.0] > at[4.0]


def test_missing_hydrogens_and_elements_are_refused():
    with pytest.raises(InputError, match="AddHs"):
        load_mmff_properties(Chem.MolFromSmiles("CCO"), Dielectric())
    boronic = Chem.AddHs(Chem.MolFromSmiles("OB(O)c1ccccc1"))
    assert not has_mmff_parameters(boronic)
    with pytest.raises(InputError, match="no parameters"):
        load_mmff_properties(boronic, Dielectric())


@pytest.mark.parametrize("arguments", [("coulomb", 1.0), ("constant", 0.0), ("distance", -4.0)])
def test_an_impossible_dielectric_is_refused(arguments):
    with pytest.raises(InputError, match="dielectric"):
        Dielectric(*arguments)
