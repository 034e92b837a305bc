import numpy as np
import pytest
from rdkit import Chem

from tools.docking.check_docking import check_docking
from tools.docking.ligand_pdbqt import atom_types, parse_poses, render_ligand
from tools.docking.pose import parse_pose, pose_rmsd_angstrom
from tools.docking.vina import (
    DockingResult,
    dock,
    dock_smiles,
    load_engine,
    score_pose,
    start_conformers,
)
from tools.errors import InputError
from tools.molecule.conformers import embed
from tools.types import Verdict

QUICK = {"exhaustiveness": 1, "n_poses": 3}


@pytest.fixture(scope="module")
def docked(receptor):
    return dock_smiles("Oc1ccc(CC(=O)O)cc1", receptor, **QUICK)


def test_pose_is_the_docked_state_with_all_hydrogens(docked):
    pose = parse_pose(docked.pose)
    assert Chem.MolToSmiles(Chem.RemoveHs(pose)) == docked.smiles
    assert pose.GetNumAtoms() == Chem.AddHs(Chem.MolFromSmiles(docked.smiles)).GetNumAtoms()
    assert all(atom.GetNumImplicitHs() == 0 for atom in pose.GetAtoms())


def test_pose_lies_in_the_box_and_scores_what_was_said(docked, receptor):
    pose = parse_pose(docked.pose)
    assert receptor.box.contains(Chem.RemoveHs(pose).GetConformer().GetPositions()).all()
    assert score_pose(pose, receptor) == pytest.approx(docked.affinity_kcal_mol, abs=0.15)


def test_poses_come_best_first(docked):
    assert docked.pose == docked.poses[0]
    assert docked.affinity_kcal_mol == docked.pose_affinities_kcal_mol[0]
    assert list(docked.pose_affinities_kcal_mol) == sorted(docked.pose_affinities_kcal_mol)
    assert len(docked.poses) == len(docked.pose_affinities_kcal_mol) <= 3


def test_same_seed_same_result_whatever_was_docked_before(docked, receptor):
    dock_smiles("CCO", receptor, **QUICK)
    again = dock_smiles("Oc1ccc(CC(=O)O)cc1", receptor, **QUICK)
    assert again.pose == docked.pose
    assert again.states == docked.states


def test_result_survives_json(docked):
    assert DockingResult.from_json(docked.to_json()) == docked


def test_the_best_of_several_forms_is_kept(receptor):
    forms = [embed(Chem.MolFromSmiles(s), 1, seed=1) for s in ("C", "Cc1ccccc1C(N)=O", "CO")]
    result = dock(forms, receptor, **QUICK)
    assert [state.smiles for state in result.states] == ["C", "Cc1ccccc1C(N)=O", "CO"]
    assert result.smiles == "Cc1ccccc1C(N)=O"
    assert result.affinity_kcal_mol == min(state.affinity_kcal_mol for state in result.states)


def test_undefined_stereo_is_enumerated_and_told(receptor):
    result = dock_smiles("CC(O)c1ccccc1", receptor, max_states=1, **QUICK)
    assert result.undefined_stereo
    assert {state.smiles for state in result.states} == {"C[C@H](O)c1ccccc1", "C[C@@H](O)c1ccccc1"}


def test_saturated_rings_start_from_several_puckers(receptor):
    starts = start_conformers("C1CCCCC1C", 3)
    assert starts.GetNumConformers() >= 2
    assert start_conformers("c1ccccc1C", 3).GetNumConformers() == 1
    result = dock([starts], receptor, exhaustiveness=1, n_poses=1)
    assert result.states[0].n_starts == starts.GetNumConformers()


def test_one_engine_serves_all_organic_atom_types(receptor):
    """A type missing from the maps would end the process: every one a ligand can have is docked with one engine."""
    engine = load_engine(receptor, 7, 1)
    seen = set()
    for smiles in (
        "CSCCl",
        "CS(C)(=O)=O",
        "FC(Br)I",
        "COP(C)(C)=O",
        "C[Si](C)(C)C",
        "Cn1ccnc1",
        "NC(=O)c1ccncc1",
        "CS",
        "[O-]C=O",
    ):
        mol = embed(Chem.MolFromSmiles(smiles), 1, seed=1)
        seen |= atom_types(render_ligand(mol))
        assert np.isfinite(dock([mol], receptor, exhaustiveness=1, n_poses=1).affinity_kcal_mol)
    assert seen >= {"C", "A", "N", "NA", "OA", "S", "P", "F", "Cl", "Br", "I", "HD", "Si"}
    assert load_engine(receptor, 7, 1) is engine


def test_what_vina_cannot_type_is_refused_before_vina_sees_it(receptor):
    with pytest.raises(InputError, match="'B', which Vina has no parameters for"):
        dock_smiles("OB(O)c1ccccc1", receptor, max_states=1, **QUICK)


def test_a_flat_ligand_is_refused(receptor):
    with pytest.raises(InputError, match="no 3D conformer"):
        dock([Chem.AddHs(Chem.MolFromSmiles("CCO"))], receptor)


@pytest.mark.parametrize("name", ["exhaustiveness", "cpu", "n_poses"])
def test_counts_below_one_are_refused(receptor, name):
    with pytest.raises(InputError, match=f"{name} 0 must be at least 1"):
        dock([embed(Chem.MolFromSmiles("C"), 1, seed=1)], receptor, **{name: 0})


def test_pdbqt_round_trip_keeps_molecule_stereo_and_places():
    mol = embed(Chem.MolFromSmiles("C[C@H](N)C(=O)N[C@@H]1CCOC1"), 1, seed=3)
    text = "MODEL 1\n" + render_ligand(mol) + "ENDMDL\n"
    again = parse_poses(text)
    assert Chem.MolToSmiles(Chem.RemoveHs(again)) == Chem.MolToSmiles(Chem.RemoveHs(mol))
    assert pose_rmsd_angstrom(again, mol) < 2e-3


def test_check_docking_passes_what_binds(receptor):
    result = check_docking("Cc1ccccc1C(N)=O", receptor, exhaustiveness=1, max_states=1)
    assert result.verdict is Verdict.PASS
    assert result.value < 0
    assert parse_pose(result.details["pose_molblock"]).GetNumHeavyAtoms() == 10
    assert result.details["efficiency_kcal_mol_per_heavy_atom"] == pytest.approx(result.value / 10)


def test_check_docking_fails_with_a_reason_where_nothing_is_attractive(receptor):
    result = check_docking("C", receptor, exhaustiveness=1, max_states=1, max_affinity_kcal_mol=-20.0)
    assert result.verdict is Verdict.FAIL
    assert "not attractive" in result.reason
