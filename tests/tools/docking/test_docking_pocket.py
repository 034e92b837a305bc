import numpy as np
import pytest
from rdkit import Chem

from tools.docking.box import Box
from tools.docking.pocket import PocketSpec, load_ligand_file, resolve_pocket
from tools.docking.prepare import prepare_receptor, select_chains
from tools.docking.structure import load_structure
from tools.errors import InputError


@pytest.fixture(scope="module")
def structure(complex_file):
    return load_structure(complex_file)[0]


def test_ligand_code_gives_box_reference_and_contacts(structure):
    pocket = resolve_pocket(structure, PocketSpec(ligand="bzm", ligand_smiles="NC(=O)c1ccccc1"))
    points = pocket.bound.heavy()
    assert np.allclose(pocket.box.size_angstrom, np.ptp(points, axis=0) + 10.0, atol=1e-3)
    assert pocket.ligand.smiles == "NC(=O)c1ccccc1"
    assert np.allclose(pocket.ligand.mol().GetConformer().GetPositions(), points, atol=1e-3)
    assert pocket.residues
    assert all(label.startswith("A:") for label in pocket.residues)


def test_without_smiles_the_ligand_is_no_reference_and_that_is_told(structure):
    pocket = resolve_pocket(structure, PocketSpec(ligand="A:BZM900"))
    assert pocket.ligand is None
    assert "give its SMILES" in pocket.notes[0]


def test_wrong_smiles_is_told_not_guessed(structure):
    pocket = resolve_pocket(structure, PocketSpec(ligand="BZM", ligand_smiles="c1ccccc1"))
    assert pocket.ligand is None
    assert "does not match" in pocket.notes[0]


def test_unknown_code_lists_the_ligands_there(structure):
    with pytest.raises(InputError, match=r"'STI' is not in the structure; ligands there: .*A:BZM900"):
        resolve_pocket(structure, PocketSpec(ligand="STI"))


def test_unknown_chain_lists_the_chains_there(structure):
    with pytest.raises(InputError, match=r"chain 'B' is not in the structure; chains there: A"):
        select_chains(structure, "B")


def test_residues_make_a_pocket(structure):
    first, second = (r for r in structure.residues[10:12])
    spelled = (first.label, f"{second.number}")
    pocket = resolve_pocket(structure, PocketSpec(residues=spelled))
    assert pocket.residues == (first.label, second.label)
    assert pocket.box.contains(first.heavy()).all()


@pytest.mark.parametrize("label", ["A:THR9999", "B:20", "A:TRP20x", "nonsense", ""])
def test_unknown_residue_says_what_there_is(structure, label):
    with pytest.raises(InputError, match="is not in the structure; write it as A:THR315; it has A:"):
        resolve_pocket(structure, PocketSpec(residues=(label,)))


def test_box_far_from_the_protein(structure):
    with pytest.raises(InputError, match="far from the protein"):
        resolve_pocket(structure, PocketSpec(box=Box((500.0, 0.0, 0.0), (20.0, 20.0, 20.0))))


def test_ligand_file_in_another_frame(structure, tmp_path, complex_file):
    mol = resolve_pocket(structure, PocketSpec(ligand="BZM", ligand_smiles="NC(=O)c1ccccc1")).ligand.mol()
    conformer = mol.GetConformer()
    for i in range(mol.GetNumAtoms()):
        conformer.SetAtomPosition(i, conformer.GetPositions()[i] + 300.0)
    path = tmp_path / "moved.sdf"
    path.write_text(Chem.MolToMolBlock(mol) + "$$$$\n")
    with pytest.raises(InputError, match="far from the protein"):
        prepare_receptor(complex_file, PocketSpec(ligand_file=path))


def test_ligand_file_takes_the_overlapping_ligand_out(structure, tmp_path):
    ligand = resolve_pocket(structure, PocketSpec(ligand="BZM", ligand_smiles="NC(=O)c1ccccc1")).ligand
    path = tmp_path / "bound.sdf"
    path.write_text(ligand.molblock + "$$$$\n")
    pocket = resolve_pocket(structure, PocketSpec(ligand_file=path))
    assert pocket.bound.label == "A:BZM900"
    assert pocket.ligand.smiles == ligand.smiles


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), ("not an SDF\n", "no molecule"), ("\n\n\n  0  0\n", "no molecule")],
)
def test_bad_ligand_files(tmp_path, content, message):
    path = tmp_path / "bad.sdf"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        load_ligand_file(path)


def test_flat_ligand_file_is_refused(tmp_path):
    path = tmp_path / "flat.sdf"
    path.write_text(Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")) + "$$$$\n")
    with pytest.raises(InputError, match="no 3D coordinates"):
        load_ligand_file(path)


@pytest.mark.parametrize("spec", [{}, {"ligand": "STI", "residues": ("A:1",)}])
def test_exactly_one_definition(spec):
    with pytest.raises(InputError, match="exactly one"):
        PocketSpec(**spec)
