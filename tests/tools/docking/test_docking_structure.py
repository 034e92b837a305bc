import gemmi
import numpy as np
import pytest

from tools.docking.structure import (
    Structure,
    chain_breaks,
    load_structure,
    remove_fragments,
    render_pdb,
    residues_near,
    segments,
    sequences,
)
from tools.errors import InputError


def _write(tmp_path, text, name="x.pdb"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pdb' does not exist"):
        load_structure(tmp_path / "nowhere.pdb")


@pytest.mark.parametrize("text", ["", "this is no structure\n", "ATOM  garbage here\n", "\x00\x01\x02"])
@pytest.mark.parametrize("name", ["broken.pdb", "broken.cif"])
def test_broken_files_give_one_line(tmp_path, text, name):
    with pytest.raises(InputError, match="broken") as caught:
        load_structure(_write(tmp_path, text, name))
    assert "\n" not in str(caught.value)


def test_pdb_round_trip_keeps_atoms_and_places(protein, tmp_path):
    again, notes = load_structure(_write(tmp_path, render_pdb(protein)))
    assert notes == []
    assert [r.label for r in again.residues] == [r.label for r in protein.residues]
    assert np.allclose(again.heavy(), protein.heavy(), atol=6e-4)


def test_mmcif_reads_like_pdb(protein, tmp_path):
    pdb = _write(tmp_path, render_pdb(protein))
    document = gemmi.read_structure(str(pdb))
    document.setup_entities()
    cif = tmp_path / "x.cif"
    document.make_mmcif_document().write_file(str(cif))
    assert load_structure(cif)[0] == load_structure(pdb)[0]


def test_atoms_of_one_residue_are_brought_together(protein, tmp_path):
    lines = [line for line in render_pdb(protein).splitlines() if line.startswith("ATOM")]
    stray = [line for line in lines if line[22:26].strip() == "20"]
    rest = [line for line in lines if line not in stray]
    shuffled = [stray[0], *rest, *stray[1:]]
    again, _ = load_structure(_write(tmp_path, "\n".join([*shuffled, "END", ""])))
    assert [r.label for r in again.residues] == [r.label for r in protein.residues]
    assert sequences(again) == sequences(protein)


def test_fragment_is_reported_and_removed(protein, tmp_path):
    lone = "ATOM   9999  HB2 SER A 938      13.612  67.338  33.314  1.00  0.00           H  "
    loaded, _ = load_structure(_write(tmp_path, lone + "\n" + render_pdb(protein)))
    kept, notes = remove_fragments(loaded)
    assert [r.label for r in kept.residues] == [r.label for r in protein.residues]
    assert notes == ["Fragments without N, CA and C were removed: A:SER938 (1 atom)."]


def test_highest_occupancy_location_wins(tmp_path):
    text = (
        "ATOM      1  N  AALA A   1       0.000   0.000   0.000  0.30  0.00           N  \n"
        "ATOM      2  N  BALA A   1       9.000   0.000   0.000  0.70  0.00           N  \n"
        "ATOM      3  CA  ALA A   1       1.450   0.000   0.000  1.00  0.00           C  \nEND\n"
    )
    loaded, notes = load_structure(_write(tmp_path, text))
    assert loaded.residues[0].atom("N").xyz == (9.0, 0.0, 0.0)
    assert "alternate locations" in notes[0]


def test_first_model_is_taken_and_told(protein, tmp_path):
    atoms = "\n".join(line for line in render_pdb(protein).splitlines() if line.startswith("ATOM"))
    text = f"MODEL        1\n{atoms}\nENDMDL\nMODEL        2\n{atoms}\nENDMDL\nEND\n"
    loaded, notes = load_structure(_write(tmp_path, text))
    assert len(loaded.residues) == len(protein.residues)
    assert notes == ["The file holds 2 models; the first was taken."]


def test_a_missing_loop_is_a_break_in_sequence_and_pdb(protein):
    broken = Structure(protein.residues[:20] + protein.residues[25:40])
    assert [len(run) for run in segments(broken)] == [20, 15]
    (pair,) = chain_breaks(broken)
    assert pair == (protein.residues[19], protein.residues[25])
    (sequence,) = sequences(broken).values()
    assert sequence[20] == "/"
    assert len(sequence) == 36
    assert sum(line.startswith("TER") for line in render_pdb(broken).splitlines()) == 2


def test_residues_near_counts_heavy_atoms_only(protein):
    residue = protein.residues[10]
    near = residues_near(protein, np.array([residue.atom("CA").xyz]), 0.1)
    assert near == [residue]
