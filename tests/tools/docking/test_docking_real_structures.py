"""Real files of ../shared/data: preparation in the fast run, redocking marked slow."""

import tarfile
from pathlib import Path

import pytest

from tools.docking.box import require_box_on_protein
from tools.docking.check_pose import check_pose
from tools.docking.controls import judge_trust, redock
from tools.docking.pocket import PocketSpec
from tools.docking.pose import parse_pose
from tools.docking.prepare import prepare_receptor
from tools.docking.structure import load_structure
from tools.types import Verdict

CHEM = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CHEM.is_dir(), reason=f"the real data of {CHEM} is not there"),
]
# ABL2 with its own dasatinib; CDK6 and FKBP12 with ligands of other crystals (cross-docked).
COMPLEXES = ("ABL2_HUMAN_274_551_0", "CDK6_HUMAN_1_312_0", "FKB1A_HUMAN_2_108_0")
IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


def crossdocked(name, folder):
    with tarfile.open(CHEM / "crossdocked_dev80_structures.tar.gz") as archive:
        members = [m for m in archive.getmembers() if m.name.startswith(f"{name}/") and "pocket10" not in m.name]
        archive.extractall(folder, members, filter="data")
    files = sorted((folder / name).iterdir())
    receptor = next(f for f in files if f.suffix == ".pdb")
    return receptor, next(f for f in files if f.suffix == ".sdf")


@pytest.fixture(scope="module")
def abl1():
    structures = CHEM / "structures"
    pocket = PocketSpec(ligand_file=structures / "1iep_ligand.sdf")
    return prepare_receptor(structures / "1iep_receptorH.pdb", pocket)


def test_a_stray_hydrogen_at_the_top_of_the_file_is_no_residue(abl1):
    """The file opens with HB2 of Ser 438, far from its residue."""
    (sequence,) = abl1.sequence.values()
    assert len(sequence) == 274
    assert sequence.startswith("MDPSSPNYDKWEMERTDITMKHKLGGGQYGEVYEGVWKKYSLTVAVKTL")
    assert "A:THR315" in abl1.pocket_residues
    assert abl1.ligand.smiles.count("N") + abl1.ligand.smiles.count("n") == 7
    serines = {line[22:26].strip() for line in abl1.pdb.splitlines() if line[17:20] == "SER" and line[12:16] == " CA "}
    assert "438" in serines


@pytest.mark.parametrize(
    ("name", "chains"),
    [("1bju", {"A": 223}), ("1hpx", {"A": 99, "B": 99}), ("2q8q", {"A": 258}), ("1vsn", {"A": 215})],
)
def test_files_with_traps_prepare(name, chains):
    """Insertion codes out of order (1bju, 1vsn), a dimer (1hpx), haem and touching side chains (2q8q)."""
    path = CHEM / "structures" / f"{name}.pdb"
    structure = load_structure(path)[0]
    residue = next(r for r in structure.residues if r.is_polymer)
    receptor = prepare_receptor(path, PocketSpec(residues=(residue.label,)))
    assert {chain: len(sequence) for chain, sequence in receptor.sequence.items()} == chains


@pytest.mark.parametrize("name", COMPLEXES[-1:])
def test_crossdocked_receptor_prepares(name, tmp_path):
    protein, ligand = crossdocked(name, tmp_path)
    receptor = prepare_receptor(protein, PocketSpec(ligand_file=ligand))
    require_box_on_protein(receptor.box, load_structure(protein)[0].heavy())
    assert receptor.pocket_residues


@pytest.mark.slow
def test_imatinib_redocks_within_two_angstrom_for_three_seeds(abl1):
    results = redock(abl1, IMATINIB, abl1.ligand.molblock, seeds=(1, 2, 3))
    rmsds = [result.rmsd_angstrom for result in results]
    assert max(rmsds) <= 2.0, rmsds
    assert judge_trust(rmsds, None)[0] == "trusted"
    assert check_pose(parse_pose(results[0].pose), abl1).verdict is Verdict.PASS


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPLEXES)
def test_crossdocked_complexes_redock(name, tmp_path):
    """Docking runs through on receptors from the wild and a bound pose comes out. Its RMSD is a finding, no criterion:
    two of the three ligands are from other crystals, and dasatinib came out at 4.2 Å (exhaustiveness 4, seed 1)."""
    protein, ligand = crossdocked(name, tmp_path)
    receptor = prepare_receptor(protein, PocketSpec(ligand_file=ligand))
    (result,) = redock(receptor, receptor.ligand.smiles, receptor.ligand.molblock, (1,), exhaustiveness=4)
    assert result.affinity_kcal_mol < -4.0
    assert receptor.box.contains(parse_pose(result.pose).GetConformer().GetPositions()).mean() > 0.8
