"""The MMFF interaction energy against RDKit's complex, and what minimisation in the rigid pocket must keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from scipy.spatial.transform import Rotation

from tools.errors import InputError
from tools.simulation.minimise import check_interaction, minimise_in_pocket, minimise_ligand
from tools.simulation.mmff import Dielectric, rdkit_energy_kcal_mol
from tools.simulation.pocket import Pocket, build_pocket
from tools.simulation.strain import check_strain
from tools.types import Verdict

SITE = (15.851, 14.647, 3.904)
STRUCTURES = Path(__file__).resolve().parents[3] / "../shared/data/chem/structures"
ABL_1IEP = STRUCTURES / "1iep_receptorH.pdb"


@pytest.fixture(scope="module")
def settled(abl1_pdb, embed) -> Chem.Mol:
    """Paracetamol where ABL1's site leaves it after a minimisation from the box centre."""
    pocket = build_pocket(abl1_pdb, embed("CC(=O)Nc1ccc(O)cc1", centre=SITE))
    assert isinstance(pocket, Pocket)
    return minimise_in_pocket(embed("CC(=O)Nc1ccc(O)cc1", centre=SITE), pocket.mol, Dielectric()).mol


@pytest.mark.parametrize("dielectric", [Dielectric("distance", 4.0), Dielectric("constant", 2.0)], ids=str)
def test_interaction_is_rdkits_complex_less_its_parts(abl1_pdb, settled, dielectric):
    """To 1e-6 kcal/mol, at the start and at the end of a minimisation, for a charged pocket."""
    pocket = build_pocket(abl1_pdb, settled, 4.0)
    assert isinstance(pocket, Pocket)
    pocket_energy = rdkit_energy_kcal_mol(pocket.mol, dielectric)
    minimum = minimise_in_pocket(settled, pocket.mol, dielectric, max_iterations=20)
    for ligand, interaction, internal in (
        (settled, minimum.interaction_before_kcal_mol, minimum.ligand_before_kcal_mol),
        (minimum.mol, minimum.interaction_after_kcal_mol, minimum.ligand_after_kcal_mol),
    ):
        complex_energy = rdkit_energy_kcal_mol(Chem.CombineMols(ligand, pocket.mol), dielectric)
        ligand_energy = rdkit_energy_kcal_mol(ligand, dielectric)
        assert internal == pytest.approx(ligand_energy, abs=1e-6)
        assert interaction == pytest.approx(complex_energy - pocket_energy - ligand_energy, abs=1e-6)


def test_a_settled_pose_passes_and_does_not_move(abl1_pdb, settled):
    before = settled.GetConformer().GetPositions()
    result = check_interaction(settled, abl1_pdb)
    assert result.verdict is Verdict.PASS
    assert result.value < -5
    assert result.value == result.details["interaction_after_kcal_mol"]
    assert result.details["moved_angstrom"] < 0.5
    assert result.details["gradient_kcal_mol_angstrom"] <= 0.051
    assert result.details["quantity"] == "MMFF interaction energy"
    np.testing.assert_array_equal(settled.GetConformer().GetPositions(), before)
    again = check_interaction(settled, abl1_pdb)
    assert again.value == result.value
    assert again.details["relaxed_pose_molblock"] == result.details["relaxed_pose_molblock"]
    relaxed = Chem.MolFromMolBlock(result.details["relaxed_pose_molblock"], removeHs=False)
    assert relaxed.GetNumAtoms() == settled.GetNumAtoms()


def test_a_pose_inside_the_protein_fails(abl1_pdb, embed):
    """The centroid on the backbone N of the first residue whose neighbourhood is complete."""
    line = next(row for row in abl1_pdb.splitlines() if row[12:16].strip() == "N" and int(row[22:26]) == 83)
    centre = tuple(float(line[a:b]) for a, b in ((30, 38), (38, 46), (46, 54)))
    result = check_interaction(embed("c1ccc2cc3ccccc3cc2c1", centre=centre), abl1_pdb)
    assert result.verdict is Verdict.FAIL
    assert "repulsive" in result.reason or "moved" in result.reason
    assert result.details["interaction_before_kcal_mol"] > 100


def test_the_threshold_of_movement_is_an_argument(abl1_pdb, settled):
    shifted = Chem.Mol(settled)
    shifted.GetConformer().SetPositions(settled.GetConformer().GetPositions() + np.array([0.6, 0.0, 0.0]))
    result = check_interaction(shifted, abl1_pdb, max_moved_angstrom=0.05)
    assert result.verdict is Verdict.FAIL
    assert "moved" in result.reason
    assert check_interaction(shifted, abl1_pdb).verdict is Verdict.PASS


def test_the_number_does_not_depend_on_the_frame_or_the_atom_order(abl1_pdb, settled):
    pocket = build_pocket(abl1_pdb, settled, 4.0)
    assert isinstance(pocket, Pocket)
    reference = minimise_in_pocket(settled, pocket.mol, Dielectric(), max_iterations=1)
    rotation = Rotation.from_rotvec([0.4, 1.2, -0.8])
    turned = [_moved(mol, rotation) for mol in (settled, pocket.mol)]
    order = [int(i) for i in np.random.default_rng(5).permutation(settled.GetNumAtoms())]
    shuffled = Chem.RenumberAtoms(settled, order)
    for ligand, receptor in ((turned[0], turned[1]), (shuffled, pocket.mol)):
        other = minimise_in_pocket(ligand, receptor, Dielectric(), max_iterations=1)
        assert other.interaction_before_kcal_mol == pytest.approx(reference.interaction_before_kcal_mol, abs=1e-6)
        assert other.ligand_before_kcal_mol == pytest.approx(reference.ligand_before_kcal_mol, abs=1e-6)


def _moved(mol: Chem.Mol, rotation: Rotation) -> Chem.Mol:
    copy = Chem.Mol(mol)
    copy.GetConformer().SetPositions(rotation.apply(mol.GetConformer().GetPositions()) + 3.0)
    return copy


def test_what_cannot_be_typed_is_unknown(abl1_pdb, embed):
    boronic = check_interaction(embed("OB(O)c1ccccc1", centre=SITE), abl1_pdb)
    assert boronic.verdict is Verdict.UNKNOWN
    assert boronic.value is None
    x, y, z = SITE
    zinc = f"HETATM 9000 ZN    ZN A 900    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          ZN\n"
    metal = check_interaction(embed("Oc1ccccc1", centre=SITE), zinc + abl1_pdb)
    assert metal.verdict is Verdict.UNKNOWN
    assert "ZN A900" in metal.reason


def test_a_pose_far_from_the_receptor_fails(abl1_pdb, embed):
    result = check_interaction(embed("Oc1ccccc1", centre=(500.0, 0.0, 0.0)), abl1_pdb)
    assert result.verdict is Verdict.FAIL
    assert "no receptor residue" in result.reason


@pytest.mark.parametrize("place", [0.0, np.nan])
def test_a_nonsense_pose_is_unknown(abl1_pdb, settled, place):
    nonsense = Chem.Mol(settled)
    nonsense.GetConformer().SetPositions(np.full((settled.GetNumAtoms(), 3), place))
    for result in (check_interaction(nonsense, abl1_pdb), check_strain(nonsense)):
        assert result.verdict is Verdict.UNKNOWN
        assert result.value is None
        assert "of the pose" in result.reason


def test_bad_arguments_are_named(abl1_pdb, embed):
    with pytest.raises(InputError, match="conformer"):
        check_interaction(Chem.AddHs(Chem.MolFromSmiles("CCO")), abl1_pdb)
    with pytest.raises(InputError, match="AddHs"):
        minimise_ligand(Chem.RemoveHs(embed("CCO")))
    with pytest.raises(InputError, match="max_iterations"):
        minimise_ligand(embed("CCO"), max_iterations=0)


def test_a_free_ligand_goes_downhill_to_rdkits_minimum(embed):
    mol = embed("CC(=O)Oc1ccccc1C(=O)O")
    minimum = minimise_ligand(mol, Dielectric("constant", 1.0))
    assert minimum.energy_after_kcal_mol < minimum.energy_before_kcal_mol
    assert minimum.gradient_kcal_mol_angstrom <= 0.05
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=5000)
    assert minimum.energy_after_kcal_mol == pytest.approx(
        rdkit_energy_kcal_mol(mol, Dielectric("constant", 1.0)), abs=0.05
    )


@pytest.mark.shared
@pytest.mark.skipif(not ABL_1IEP.exists(), reason="../shared/data is not beside the checkout")
def test_imatinib_stays_in_its_crystal_pose():
    ligand = Chem.MolFromMolFile(str(STRUCTURES / "1iep_ligand.sdf"), removeHs=False)
    result = check_interaction(ligand, ABL_1IEP.read_text())
    assert result.passed
    assert result.value == pytest.approx(-47.4, abs=0.5)
    assert result.details["moved_angstrom"] < 0.5
    assert result.details["pocket_net_charge"] == 0
