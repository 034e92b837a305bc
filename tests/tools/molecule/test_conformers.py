import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from tools.errors import InputError
from tools.molecule.conformers import (
    ENERGY_PROPERTY,
    EmbeddingError,
    embed,
    measure_torsions,
    ring_conformers,
    ring_torsions,
    saturated_rings,
    torsion_difference,
)
from tools.molecule.parse import parse_smiles

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


def test_embedding_is_reproducible_and_adds_hydrogens():
    mol = parse_smiles("CC(=O)Oc1ccccc1C(=O)O")
    first, second = embed(mol, 3, seed=11), embed(mol, 3, seed=11)
    assert first.GetNumConformers() == 3
    assert first.GetNumAtoms() == 21
    assert mol.GetNumAtoms() == 13
    assert mol.GetNumConformers() == 0
    for one, two in zip(first.GetConformers(), second.GetConformers(), strict=True):
        assert np.array_equal(one.GetPositions(), two.GetPositions())
    assert not np.allclose(first.GetConformer(0).GetPositions(), embed(mol, 1, seed=12).GetConformer().GetPositions())


def test_minimised_geometry_has_bond_lengths_of_the_textbook():
    ethane = embed(parse_smiles("CC"), 1, seed=1)
    assert rdMolTransforms.GetBondLength(ethane.GetConformer(), 0, 1) == pytest.approx(1.53, abs=0.03)


def test_untyped_molecules_still_embed_without_an_energy():
    model = embed(parse_smiles("CB(O)O"), 1, seed=1)
    assert model.GetNumConformers() == 1
    assert not model.GetConformer().HasProp(ENERGY_PROPERTY)


def test_stereo_is_kept():
    model = embed(parse_smiles("C[C@H](N)C(=O)O"), 1, seed=1)
    Chem.AssignStereochemistryFrom3D(model)
    assert Chem.MolToSmiles(Chem.RemoveHs(model)) == "C[C@H](N)C(=O)O"


def test_what_cannot_be_built_is_an_embedding_error():
    with pytest.raises(EmbeddingError, match="no 3D conformer"):
        embed(Chem.MolFromSmiles("[C@@]12(F)C[C@@](F)(C1)C2", sanitize=True), 1, seed=1, max_attempts=3)


@pytest.mark.parametrize(
    ("smiles", "n_rings"),
    [("c1ccccc1", 0), ("C1CCCCC1", 1), (IMATINIB, 1), ("C1CC1", 0), ("O=C1CCc2ccccc21", 1), ("c1ccc2[nH]ccc2c1", 0)],
)
def test_saturated_rings(smiles, n_rings):
    assert len(saturated_rings(parse_smiles(smiles))) == n_rings


@pytest.mark.parametrize("smiles", [IMATINIB, "CC1CCCCC1", "CN1CCC[C@H]1c1cccnc1"])
def test_three_different_puckers_where_a_saturated_ring_is(smiles):
    mol = parse_smiles(smiles)
    model = ring_conformers(mol, n=3, seed=7)
    torsions = ring_torsions(mol)
    angles = [measure_torsions(model, c.GetId(), torsions) for c in model.GetConformers()]
    energies = [c.GetDoubleProp(ENERGY_PROPERTY) for c in model.GetConformers()]
    assert len(angles) == 3
    assert energies == sorted(energies)
    assert all(torsion_difference(a, b) > 30.0 for i, a in enumerate(angles) for b in angles[:i])


def test_methylcyclohexane_starts_with_the_equatorial_chair():
    model = ring_conformers(parse_smiles("CC1CCCCC1"), n=3, seed=7)
    torsion = abs(rdMolTransforms.GetDihedralDeg(model.GetConformer(0), 0, 1, 2, 3))
    assert torsion == pytest.approx(180.0, abs=15.0)


def test_a_rigid_ring_has_fewer_puckers_and_says_so_by_their_number():
    assert ring_conformers(parse_smiles("C1CC2CCC1C2"), n=3).GetNumConformers() < 3


def test_one_conformer_without_a_saturated_ring():
    assert ring_conformers(parse_smiles("CC(=O)Nc1ccc(O)cc1")).GetNumConformers() == 1


def test_ring_conformers_are_reproducible():
    mol = parse_smiles("CN1CCC(O)CC1")
    first, second = ring_conformers(mol, seed=5), ring_conformers(mol, seed=5)
    assert [c.GetPositions().tolist() for c in first.GetConformers()] == [
        c.GetPositions().tolist() for c in second.GetConformers()
    ]


def test_impossible_settings_are_input_errors():
    with pytest.raises(InputError):
        embed(parse_smiles("C"), 0, seed=1)
    with pytest.raises(InputError):
        ring_conformers(parse_smiles("C"), n=0)


def test_torsion_difference_is_circular():
    assert torsion_difference(np.array([179.0]), np.array([-179.0])) == pytest.approx(2.0)
    assert torsion_difference(np.array([]), np.array([])) == 0.0
