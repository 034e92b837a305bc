import io

import numpy as np
import pytest

from tools.docking.box import Box
from tools.docking.pocket import PocketSpec
from tools.docking.prepare import prepare_receptor, protonation_from_hydrogens
from tools.docking.receptor import Receptor
from tools.docking.structure import Structure, load_structure, render_pdb
from tools.errors import InputError


def _notes(receptor):
    return " ".join(receptor.notes)


def test_everything_done_is_told(receptor):
    notes = _notes(receptor)
    assert "The ligand A:BZM900 was taken out of the pocket." in notes
    assert "by MET" in notes
    assert "Metals kept: A:ZN901." in notes
    assert "2 waters were removed: A:HOH903, A:HOH904." in notes
    assert "Other hetero groups were removed: A:GOL902." in notes


def test_what_is_removed_is_gone_and_what_is_kept_is_there(receptor):
    for text in (receptor.pdb, receptor.pdbqt):
        names = {line[17:20].strip() for line in text.splitlines() if line.startswith(("ATOM", "HETATM"))}
        assert not names & {"BZM", "GOL", "HOH", "MSE"}
        assert {"ZN", "MET"} <= names


def test_all_atom_structure_has_all_atoms_of_a_force_field(receptor):
    """Amber14 matches residues by their exact atoms: one missing or misplaced hydrogen and it raises."""
    from openmm import app

    model = app.PDBFile(io.StringIO(receptor.pdb))
    force_field = app.ForceField("amber14-all.xml", "amber14/tip3p.xml")
    system = force_field.createSystem(model.topology)
    assert system.getNumParticles() == model.topology.getNumAtoms()


def test_heavy_atoms_of_the_file_do_not_move(receptor, protein, tmp_path):
    path = tmp_path / "prepared.pdb"
    path.write_text(receptor.pdb)
    prepared = {(r.number, a.name): a.xyz for r in load_structure(path)[0].residues for a in r.atoms}
    for residue in protein.residues:
        for atom in residue.atoms:
            assert np.allclose(prepared[(residue.number, atom.name)], atom.xyz, atol=2e-3)


def test_pdbqt_has_polar_hydrogens_only(receptor):
    types = [line[77:79].strip() for line in receptor.pdbqt.splitlines() if line.startswith("ATOM")]
    assert {"C", "A", "N", "OA", "HD", "Zn"} <= set(types)
    assert "H" not in types
    n_polar = sum(line[76:78].strip() == "H" for line in receptor.pdb.splitlines())
    assert 0 < types.count("HD") < n_polar


def test_missing_side_chain_atoms_are_built(protein, tmp_path):
    lysine = next(r for r in protein.residues if r.name == "LYS")
    cut = [
        line
        for line in render_pdb(protein).splitlines()
        if not (line[22:26].strip() == str(lysine.number) and line[12:16].strip() in ("CE", "NZ"))
    ]
    path = tmp_path / "cut.pdb"
    path.write_text("\n".join(cut))
    prepared = prepare_receptor(path, PocketSpec(residues=(lysine.label,)))
    assert f"Missing heavy atoms were built in 1 residues: {lysine.label}." in prepared.notes
    built = [line for line in prepared.pdb.splitlines() if line[22:26].strip() == str(lysine.number)]
    assert {"CE", "NZ", "HZ1", "HZ2", "HZ3"} <= {line[12:16].strip() for line in built}


def test_break_ends_both_sides_and_is_told(protein, tmp_path):
    path = tmp_path / "gap.pdb"
    path.write_text(render_pdb(Structure(protein.residues[:30] + protein.residues[36:70])))
    prepared = prepare_receptor(path, PocketSpec(residues=(protein.residues[10].label,)))
    left, right = protein.residues[29].label, protein.residues[36].label
    assert f"The backbone is broken at {left} to {right}" in _notes(prepared)
    assert prepared.sequence["A"].count("/") == 1
    assert sum(line[12:16].strip() == "OXT" for line in prepared.pdb.splitlines()) == 2


def test_waters_and_codes_can_be_kept_or_removed(complex_file):
    prepared = prepare_receptor(
        complex_file, PocketSpec(ligand="BZM"), keep_waters=("A:HOH903",), remove=("ZN",), keep=("GOL",)
    )
    assert "Waters kept: A:HOH903." in prepared.notes
    assert "Cofactors kept: A:GOL902." in prepared.notes
    assert "Other hetero groups were removed: A:ZN901." in prepared.notes
    oxygen = [line for line in prepared.pdbqt.splitlines() if line[17:20] == "HOH"]
    assert [line[77:79].strip() for line in oxygen] == ["OA", "HD", "HD"]


def test_preparation_is_reproducible(receptor, complex_file):
    again = prepare_receptor(complex_file, PocketSpec(ligand="BZM", ligand_smiles="NC(=O)c1ccccc1"))
    assert again.receptor_id == receptor.receptor_id
    assert again.pdb == receptor.pdb


def test_receptor_survives_json(receptor):
    again = Receptor.from_json(receptor.to_json())
    assert again == receptor
    assert again.receptor_id == receptor.receptor_id


def test_own_hydrogens_decide_histidine_but_not_when_all_carry_two(receptor, tmp_path):
    path = tmp_path / "prepared.pdb"
    path.write_text(receptor.pdb)
    structure = load_structure(path)[0]
    states = protonation_from_hydrogens(structure)
    histidines = [r.label for r in structure.residues if r.name == "HIS"]
    assert histidines
    assert set(histidines) == {label for label in states if ":HIS" in label}
    assert all(states[label] in ("HID", "HIE") for label in histidines)


def test_a_file_without_protein_is_refused(tmp_path):
    path = tmp_path / "water.pdb"
    path.write_text("HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O  \nEND\n")
    with pytest.raises(InputError, match=r"no amino acid|far from the protein"):
        prepare_receptor(path, PocketSpec(box=Box((0.0, 0.0, 0.0), (10.0, 10.0, 10.0))))
