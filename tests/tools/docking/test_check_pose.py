import numpy as np
import pytest
from rdkit import Chem

from tools.docking.check_pose import check_pose, judge_tests, run_posebusters
from tools.docking.pose import parse_pose, pose_rmsd_angstrom
from tools.docking.vina import dock_smiles
from tools.errors import InputError
from tools.molecule.conformers import embed
from tools.types import Verdict


@pytest.fixture(scope="module")
def pose(receptor):
    return parse_pose(dock_smiles("Cc1ccccc1C(N)=O", receptor, exhaustiveness=2, max_states=1).pose)


def _shifted(pose, offset):
    moved = Chem.Mol(pose)
    conformer = moved.GetConformer()
    for i, place in enumerate(conformer.GetPositions()):
        conformer.SetAtomPosition(i, place + offset)
    return moved


def test_a_docked_pose_passes(pose, receptor):
    result = check_pose(pose, receptor)
    assert (result.verdict, result.reason) == (Verdict.PASS, "")
    assert result.value == 0
    assert len(result.details["tests"]) >= 18


def test_a_pose_inside_the_protein_fails_by_name(pose, receptor):
    alpha = next(line for line in receptor.pdb.splitlines() if " CA  PHE" in line)
    heart = np.array([float(alpha[i : i + 8]) for i in (30, 38, 46)])
    result = check_pose(_shifted(pose, heart - pose.GetConformer().GetPositions().mean(axis=0)), receptor)
    assert result.verdict is Verdict.FAIL
    assert "minimum_distance_to_protein" in result.reason
    assert result.value == result.reason.count(",") + 1


def test_a_pose_far_away_fails_by_name(pose, receptor):
    result = check_pose(_shifted(pose, np.array([200.0, 0.0, 0.0])), receptor)
    assert result.verdict is Verdict.FAIL
    assert "protein-ligand_maximum_distance" in result.reason


def test_a_stretched_bond_fails_by_name(pose, receptor):
    broken = Chem.Mol(pose)
    carbon = broken.GetSubstructMatch(Chem.MolFromSmarts("[CH3]"))[0]
    conformer = broken.GetConformer()
    conformer.SetAtomPosition(carbon, conformer.GetPositions()[carbon] + np.array([0.6, 0.6, 0.6]))
    assert "bond_lengths" in check_pose(broken, receptor).reason


def test_what_could_not_run_is_undecided(receptor):
    """PoseBusters' energy ratio needs UFF parameters, which darmstadtium (element 110) lacks."""
    mol = embed(Chem.MolFromSmiles("CC(C)C"), 1, seed=1)
    mol = _shifted(mol, np.array(receptor.box.center_angstrom) - mol.GetConformer().GetPositions().mean(axis=0))
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 6 and atom.GetDegree() == 4:
            atom.SetAtomicNum(110)
            break
    tests = run_posebusters(mol, receptor.pdb)
    assert tests["internal_energy"] is None
    assert tests["volume_overlap_with_protein"] is not None


@pytest.mark.parametrize(
    ("tests", "verdict", "reason"),
    [
        ({"bonds": True, "energy": True}, Verdict.PASS, ""),
        ({"bonds": True, "energy": None}, Verdict.UNKNOWN, "could not run: energy"),
        ({"bonds": False, "energy": None, "angles": False}, Verdict.FAIL, "failed: bonds, angles"),
        ({}, Verdict.UNKNOWN, "could not run: any test"),
    ],
)
def test_undecided_is_not_failed(tests, verdict, reason):
    assert judge_tests(tests) == (verdict, reason)


def test_the_input_is_not_changed(pose, receptor):
    before = Chem.MolToMolBlock(pose)
    check_pose(pose, receptor)
    assert Chem.MolToMolBlock(pose) == before


def test_unknown_preset_is_named(pose, receptor):
    with pytest.raises(InputError, match="no preset 'nonsense'"):
        check_pose(pose, receptor, preset="nonsense")


def test_rmsd_is_symmetric_and_does_not_align():
    mol = embed(Chem.MolFromSmiles("Cc1ccc(C(=O)[O-])cc1"), 1, seed=1)
    flipped = Chem.RenumberAtoms(mol, list(reversed(range(mol.GetNumAtoms()))))
    assert pose_rmsd_angstrom(flipped, mol) == pytest.approx(0.0, abs=1e-6)
    assert pose_rmsd_angstrom(_shifted(mol, np.array([0.0, 3.0, 4.0])), mol) == pytest.approx(5.0, abs=1e-6)
    swap = Chem.Mol(mol)
    first, second = (a.GetIdx() for a in swap.GetAtoms() if a.GetAtomicNum() == 8)
    places = mol.GetConformer().GetPositions()
    swap.GetConformer().SetAtomPosition(first, places[second])
    swap.GetConformer().SetAtomPosition(second, places[first])
    assert pose_rmsd_angstrom(swap, mol) == pytest.approx(0.0, abs=1e-6)


def test_rmsd_ignores_protonation_but_not_identity():
    acid, ion = (Chem.MolFromSmiles(s) for s in ("CC(=O)O", "CC(=O)[O-]"))
    embedded = embed(acid, 1, seed=1)
    assert pose_rmsd_angstrom(embedded, embedded) == 0.0
    assert pose_rmsd_angstrom(embed(ion, 1, seed=1), embedded) < 3.0
    with pytest.raises(InputError, match="not the same molecule"):
        pose_rmsd_angstrom(embed(Chem.MolFromSmiles("CCC"), 1, seed=1), embedded)


@pytest.mark.parametrize("text", ["", "nonsense", Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))])
def test_bad_poses_are_refused(text):
    with pytest.raises(InputError, match="pose"):
        parse_pose(text)
