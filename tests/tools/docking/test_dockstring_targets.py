from collections import Counter

import numpy as np
import pytest

from tools.docking.cofactors import cofactor_mol
from tools.docking.dockstring_targets import (
    _folder,
    load_target,
    parse_box,
    parse_pdbqt,
    resolve_target,
    target_at,
    target_names,
)
from tools.docking.pocket import PocketSpec
from tools.docking.residues import N_HEAVY, STANDARD
from tools.docking.structure import load_structure, segments
from tools.errors import InputError

# Kinase with MEU; zinc, magnesium and waters; haem and caps; NADP+; two phosphotyrosines.
DIVERSE = ("EGFR", "PDE5A", "DHFR", "JAK2", "MMP13")
# Hydrogens of a residue inside a chain, by state: textbook formulae.
N_HYDROGENS = {
    "GLY": {3}, "ALA": {5}, "SER": {5}, "CYS": {4, 5}, "THR": {7}, "VAL": {9}, "LEU": {11}, "ILE": {11}, "MET": {9},
    "PRO": {7}, "PHE": {9}, "TYR": {9}, "TRP": {10}, "HIS": {7, 8}, "LYS": {13}, "ARG": {13}, "ASP": {4, 5},
    "GLU": {6, 7}, "ASN": {6}, "GLN": {8},
}  # fmt: skip


def _check(name, tmp_path):
    target = load_target(name)
    bundled = (_folder() / f"{name}_target.pdbqt").read_text()
    assert target.pdbqt == bundled
    path = tmp_path / f"{name}.pdb"
    path.write_text(target.pdb)
    full = load_structure(path)[0]
    heavy = sorted(
        (float(line[30:38]), float(line[38:46]), float(line[46:54]))
        for line in bundled.splitlines()
        if line.startswith("ATOM") and line[77:79].strip() not in ("HD", "H")
    )
    assert np.allclose(sorted(tuple(p) for p in full.heavy()), heavy, atol=2e-3)
    wrong = []
    for run in segments(full):
        for residue in run[1:-1]:
            n_hydrogens = sum(atom.is_hydrogen for atom in residue.atoms)
            whole = len(residue.heavy()) >= N_HEAVY.get(residue.name, 0)
            if residue.name in STANDARD and whole and n_hydrogens not in N_HYDROGENS[residue.name]:
                wrong.append((residue.label, n_hydrogens))
    assert wrong == []
    assert target.box.contains(full.heavy()).sum() > 100
    assert target.pocket_residues
    n_residues = sum(residue.name in STANDARD for residue in full.residues)
    assert sum(len(s.replace("/", "")) for s in target.sequence.values()) >= n_residues
    return target, full


@pytest.mark.parametrize("name", DIVERSE)
def test_diverse_targets_convert(name, tmp_path):
    _check(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", target_names())
def test_every_target_converts(name, tmp_path):
    _check(name, tmp_path)


def test_all_58_parse_with_known_names_only():
    assert len(target_names()) == 58
    seen = Counter()
    for name in target_names():
        polar = parse_pdbqt((_folder() / f"{name}_target.pdbqt").read_text())
        seen.update(r.name for r in polar.residues if r.name not in STANDARD)
        labels = [r.label for r in polar.residues]
        assert len(set(labels)) == len(labels)
    assert set(seen) == {"HOH", "ZN", "MG", "HEM", "NDP", "NAP", "FAD", "ADP", "ACE", "NME", "TPO", "PTR", "TYS"}


def test_every_cofactor_of_the_targets_gets_its_hydrogens():
    for name, code in (("DHFR", "NDP"), ("HSD11B1", "NAP"), ("MAOB", "FAD"), ("MAP2K1", "ADP"), ("NOS1", "HEM")):
        polar = parse_pdbqt((_folder() / f"{name}_target.pdbqt").read_text())
        residue = next(r for r in polar.residues if r.name == code)
        assert cofactor_mol(residue) is not None, name


def test_author_names_decide_histidines():
    polar = parse_pdbqt((_folder() / "PDE5A_target.pdbqt").read_text())
    full = load_target("PDE5A")
    zinc_ligand = next(r for r in polar.residues if r.label == "A:HIS617")
    hydrogens = {
        line[12:16].strip()
        for line in full.pdb.splitlines()
        if line.startswith("ATOM") and line[22:26].strip() == str(zinc_ligand.number)
    }
    assert "HD1" in hydrogens
    assert "HE2" not in hydrogens


def test_numbering_jump_with_a_peptide_bond_is_no_break():
    """KIT jumps from 694 to 753 where the kinase insert was engineered away; AKT1 breaks without a jump."""
    kit = segments(parse_pdbqt((_folder() / "KIT_target.pdbqt").read_text()))
    assert any({694, 753} <= {r.number for r in run} for run in kit)
    akt = segments(parse_pdbqt((_folder() / "AKT1_target.pdbqt").read_text()))
    assert not any({304, 305} <= {r.number for r in run} for run in akt)


def test_names_in_any_case_and_unknown_ones_list_the_close():
    assert resolve_target("abl1") == "ABL1"
    with pytest.raises(InputError, match="unknown target 'ABL3'; closest: ABL1"):
        resolve_target("ABL3")
    with pytest.raises(InputError, match="known: ABL1, ACHE"):
        resolve_target("zzzzzzzz")


def test_box_is_the_authors():
    box = load_target("EGFR").box
    text = (_folder() / "EGFR_conf.txt").read_text()
    assert parse_box(text) == box
    assert np.allclose(box.size_angstrom, 30.0)
    with pytest.raises(InputError, match="lacks 'size_z'"):
        parse_box(text.replace("size_z", "depth"))


def test_the_box_is_put_elsewhere_without_preparing_the_protein_again():
    own, other = load_target("ABL1"), target_at("ABL1", PocketSpec(residues=("A:THR83", "A:MET86")))
    assert (other.pdbqt, other.pdb, other.name) == (own.pdbqt, own.pdb, own.name)
    assert other.box != own.box
    assert other.pocket_residues == ("A:THR83", "A:MET86")
    assert "another place" in other.notes[-1]
    with pytest.raises(InputError, match="holds no ligand 'STI'"):
        target_at("ABL1", PocketSpec(ligand="STI"))
