"""The pocket finder on real proteins whose site is known from elsewhere: the boxes of the bundled targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tools.docking.conftest import ligand_beside
from tools.docking.dockstring_targets import _folder, parse_box, parse_pdbqt
from tools.docking.structure import Atom, Residue, Structure, render_pdb
from tools.errors import InputError
from tools.protein.check_pockets import check_pockets
from tools.protein.pockets import Search, find_pockets

STRUCTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem" / "structures"


def bundled(name):
    protein = parse_pdbqt((_folder() / f"{name}_target.pdbqt").read_text())
    return protein, parse_box((_folder() / f"{name}_conf.txt").read_text())


@pytest.fixture(scope="module")
def dhfr():
    return bundled("DHFR")


def moved(structure, turn, shift):
    """Every atom turned and shifted."""
    return Structure(
        tuple(
            replace(r, atoms=tuple(replace(a, xyz=tuple(map(float, turn @ np.array(a.xyz) + shift))) for a in r.atoms))
            for r in structure.residues
        )
    )


@pytest.mark.parametrize("name", ["DHFR", "CA2", "PTPN1", "HSP90AA1", "MAPK1", "THRB", "AR"])
def test_the_first_pocket_is_where_the_ligand_was(name):
    protein, box = bundled(name)
    first = find_pockets(protein, 1)[0]
    assert np.linalg.norm(np.subtract(first.centre, box.center_angstrom)) <= 6.0


def test_pockets_come_best_first_apart_and_lined(dhfr):
    pockets = find_pockets(dhfr[0], 5)
    assert [pocket.rank for pocket in pockets] == list(range(1, len(pockets) + 1))
    assert [p.score for p in pockets] == sorted((p.score for p in pockets), reverse=True)
    labels = {residue.label for residue in dhfr[0].residues}
    for pocket in pockets:
        assert set(pocket.residues) <= labels
        assert len(pocket.residues) >= 5
        assert 0.5 <= pocket.buried <= 1.0
        assert max(pocket.size) <= 2 * Search().radius
        assert 0.0 < pocket.volume <= 4.2 * Search().radius ** 3


def test_the_same_structure_gives_the_same_pockets(dhfr):
    assert find_pockets(dhfr[0], 3) == find_pockets(dhfr[0], 3)
    assert find_pockets(dhfr[0], 3)[:1] != find_pockets(dhfr[0], 3)[1:2]


def test_turning_the_protein_turns_its_first_pocket(dhfr):
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    shift = np.array([11.3, -4.7, 2.9])
    before, after = find_pockets(dhfr[0], 1)[0], find_pockets(moved(dhfr[0], turn, shift), 1)[0]
    assert np.linalg.norm(turn @ np.array(before.centre) + shift - np.array(after.centre)) < 1.5
    assert after.volume == pytest.approx(before.volume, rel=0.2)


def test_what_is_no_protein_takes_no_part(dhfr):
    with_ligand = Structure((*dhfr[0].residues, ligand_beside(dhfr[0])))
    assert find_pockets(with_ligand, 3) == find_pockets(dhfr[0], 3)


def test_a_wall_has_no_pocket():
    """One flat layer of alanine backbones encloses nothing."""

    def alanine(i, j):
        atoms = (Atom("N", "N", (4.0 * i, 4.0 * j, 0.0)), Atom("CA", "C", (4.0 * i, 4.0 * j + 1.5, 0.0)))
        return Residue("A", 10 * i + j, "", "ALA", atoms)

    residues = [alanine(i, j) for i in range(8) for j in range(8)]
    assert find_pockets(Structure(tuple(residues))) == []


def test_a_hollow_ball_has_one_pocket_in_its_middle():
    """Atoms on a sphere of 6 Å: what is inside meets a wall within reach in every direction."""
    golden = np.pi * (3.0 - 5.0**0.5)
    heights = 1.0 - 2.0 * (np.arange(600) + 0.5) / 600
    rings = np.sqrt(1.0 - heights**2)
    places = 6.0 * np.stack(
        [rings * np.cos(golden * np.arange(600)), rings * np.sin(golden * np.arange(600)), heights], 1
    )
    residues = [Residue("A", k, "", "ALA", (Atom("CA", "C", tuple(map(float, p))),)) for k, p in enumerate(places, 1)]
    (pocket,) = find_pockets(Structure(tuple(residues)), 3)
    assert np.linalg.norm(pocket.centre) < 0.5
    assert pocket.buried > 0.9
    room = 6.0 - 1.70 - Search().clearance
    assert pocket.volume == pytest.approx(4.0 / 3.0 * np.pi * room**3, rel=0.2)


@pytest.mark.parametrize(
    ("structure", "n", "said"),
    [
        (Structure(()), 3, "no amino acids"),
        (Structure((Residue("A", 1, "", "HOH", (Atom("O", "O", (0.0, 0.0, 0.0)),)),)), 3, "no amino acids"),
    ],
)
def test_nothing_to_look_at_is_wrong_input(structure, n, said):
    with pytest.raises(InputError, match=said):
        find_pockets(structure, n)


def test_a_protein_beyond_the_grid_is_refused(dhfr):
    far = Structure((*dhfr[0].residues, *moved(dhfr[0], np.eye(3), np.full(3, 900.0)).residues))
    with pytest.raises(InputError, match="too large"):
        find_pockets(far)


def test_the_check_says_what_is_bound_and_where(dhfr, tmp_path):
    path = tmp_path / "dhfr.pdb"
    path.write_text(render_pdb(Structure((*dhfr[0].residues, ligand_beside(dhfr[0])))))
    result = check_pockets(path, n=2)
    assert result.passed
    assert result.value == 2.0
    assert result.details["bound"] == ["A:NDP193", "A:BZM900"]
    assert {"labels": ["A:NDP193"], "names": ["NDP"]} in result.details["ligands"]
    assert list(result.details["chains"]) == ["A"]
    with pytest.raises(InputError, match="chains there: A"):
        check_pockets(path, chain="Q")


@pytest.mark.shared
@pytest.mark.skipif(not STRUCTURES.is_dir(), reason=f"the real data of {STRUCTURES} is not there")
@pytest.mark.parametrize(("name", "ligand"), [("1hpx", "B:KNI900"), ("1eve", "A:E202001"), ("4dst", "A:GCP202")])
def test_the_first_pocket_holds_the_ligand_of_the_crystal(name, ligand):
    first = check_pockets(STRUCTURES / f"{name}.pdb", n=1).details["pockets"][0]
    assert any(label.startswith(ligand[:5]) for label in first["ligands"]), first["ligands"]
