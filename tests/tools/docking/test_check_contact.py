"""Interactions of a pose with a residue, on placed atoms whose distances and angles are known, and on imatinib's."""

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem
from rdkit.Geometry import Point3D

from tools.docking.check_contact import check_contact, find_residue, parse_requirement
from tools.errors import InputError
from tools.types import Verdict

STRUCTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem" / "structures"


def pdb(name, atoms, number=10, chain="A"):
    """PDB text of one residue; `atoms` are (name, element, x, y, z) in Å."""
    lines = [
        f"ATOM  {serial:5d} {atom:^4} {name:>3} {chain}{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}"
        f"  1.00  0.00          {element:>2}"
        for serial, (atom, element, x, y, z) in enumerate(atoms, 1)
    ]
    return "\n".join([*lines, "END", ""])


AMIDE = [
    ("N", "N", 0.0, 0.0, 0.0),
    ("H", "H", 1.01, 0.0, 0.0),
    ("CA", "C", -0.8, 1.2, 0.0),
    ("C", "C", -2.2, 0.8, 0.0),
    ("O", "O", -2.6, -0.4, 0.0),
]


def placed(smiles, index, at, others_beyond=(1.0, 0.0, 0.0)):
    """A conformer with atom `index` at `at` and the rest behind it, away from the origin along `others_beyond`."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    conformer = mol.GetConformer()
    places = conformer.GetPositions() - conformer.GetPositions()[index]
    mean = places.mean(axis=0)
    axis, away = mean / np.linalg.norm(mean), np.array(others_beyond)
    cross = np.cross(axis, away)
    if np.linalg.norm(cross) > 1e-6:
        angle = np.arccos(np.clip(axis @ away, -1, 1))
        k = cross / np.linalg.norm(cross)
        skew = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
        places = places @ (np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew).T
    for atom, place in enumerate(places + np.array(at)):
        conformer.SetAtomPosition(atom, Point3D(*map(float, place)))
    return mol


def test_a_straight_bond_of_ordinary_length_is_one():
    result = check_contact(placed("CC(C)=O", 3, (2.9, 0.0, 0.0)), pdb("MET", AMIDE), must="hbond A:MET10")
    assert result.verdict is Verdict.PASS
    assert result.value == pytest.approx(2.9, abs=1e-3)
    assert result.details["residue_atom"] == "N"
    assert "H...A 1.89 Å, D-H...A 180°" in result.details["measured"]


@pytest.mark.parametrize(("at", "why"), [((4.2, 0.0, 0.0), "too far"), ((0.0, 2.9, 0.0), "too bent")])
def test_beyond_the_criteria_there_is_none_and_the_reason_has_the_numbers(at, why):
    away = tuple(np.array(at) / np.linalg.norm(at))
    result = check_contact(placed("CC(C)=O", 3, at, away), pdb("MET", AMIDE), must="hbond_acceptor A:MET10")
    assert result.verdict is Verdict.FAIL, why
    assert "D...A" in result.reason


def test_the_direction_can_be_asked_for():
    pose = placed("CC(C)=O", 3, (2.9, 0.0, 0.0))
    receptor = pdb("MET", AMIDE)
    assert check_contact(pose, receptor, must="hbond_acceptor A:MET10").passed
    assert check_contact(pose, receptor, must="hbond_donor A:MET10").verdict is Verdict.FAIL


def test_a_hydroxyl_turns_freely_so_its_hydrogen_does_not_decide():
    """The hydrogen points away from the acceptor; oxygen to oxygen is 2.8 Å, C-O...O 110 degrees."""
    turned = np.radians(110.0)
    serine = [("CB", "C", 0.0, 0.0, 0.0), ("OG", "O", 1.43, 0.0, 0.0), ("HG", "H", 1.75, -0.9, 0.0)]
    at = (1.43 - 2.8 * np.cos(turned), 2.8 * np.sin(turned), 0.0)
    away = (-np.cos(turned), np.sin(turned), 0.0)
    assert check_contact(placed("CC(C)=O", 3, at, away), pdb("SER", serine), must="hbond A:SER10").passed


def test_without_hydrogens_a_hydrogen_bond_is_unknown():
    bare = [atom for atom in AMIDE if atom[1] != "H"]
    result = check_contact(placed("CC(C)=O", 3, (2.9, 0.0, 0.0)), pdb("MET", bare), must="hbond A:MET10")
    assert result.verdict is Verdict.UNKNOWN
    assert "no hydrogens" in result.reason


def test_a_bond_that_the_ligand_gives_needs_no_hydrogens_of_the_residue():
    bare = [atom for atom in AMIDE if atom[1] != "H"]
    methanol = placed("CO", 1, (-2.6, -3.2, 0.0), (0.0, -1.0, 0.0))
    for must in ("hbond A:MET10", "hbond_donor A:MET10"):
        assert check_contact(methanol, pdb("MET", bare), must=must).verdict is Verdict.PASS
    far = placed("CO", 1, (-2.6, -9.2, 0.0), (0.0, -1.0, 0.0))
    assert check_contact(far, pdb("MET", bare), must="hbond_donor A:MET10").verdict is Verdict.FAIL
    both = pdb("MET", bare).replace("END\n", "") + pdb("MET", AMIDE, number=11)
    assert check_contact(far, both, must="hbond A:MET10|A:MET11").verdict is Verdict.UNKNOWN


def test_a_charge_is_on_all_atoms_that_share_it():
    lysine = [("CE", "C", -1.5, 0.0, 0.0), ("NZ", "N", 0.0, 0.0, 0.0), ("HZ1", "H", 0.3, 0.9, 0.0)]
    for index in (2, 3):
        acetate = placed("CC(=O)[O-]", index, (3.2, 0.0, 0.0))
        assert check_contact(acetate, pdb("LYS", lysine), must="salt_bridge A:LYS10").value == pytest.approx(
            3.2, abs=0.01
        )
    bare = pdb("LYS", [atom for atom in lysine if atom[1] != "H"])
    assert check_contact(acetate, bare, must="salt_bridge A:LYS10").verdict is Verdict.UNKNOWN
    aspartate = [("CG", "C", -1.2, 0.0, 0.0), ("OD1", "O", 0.0, 0.0, 0.0), ("OD2", "O", -1.8, 1.1, 0.0)]
    for index in (2, 3):
        amidinium = placed("CC(N)=[NH2+]", index, (3.0, 0.0, 0.0))
        assert check_contact(amidinium, pdb("ASP", aspartate), must="salt_bridge A:ASP10").value == pytest.approx(
            3.0, abs=0.01
        )


def test_opposite_charges_bridge_and_neutral_ones_do_not():
    lysine = [("CE", "C", -1.5, 0.0, 0.0), ("NZ", "N", 0.0, 0.0, 0.0), ("HZ1", "H", 0.3, 0.9, 0.0)]
    receptor = pdb("LYS", lysine)
    acetate = placed("CC(=O)[O-]", 3, (3.2, 0.0, 0.0))
    assert check_contact(acetate, receptor, must="salt_bridge A:LYS10").passed
    assert check_contact(placed("CC(=O)O", 3, (3.2, 0.0, 0.0)), receptor, must="salt_bridge A:LYS10").verdict is (
        Verdict.FAIL
    )


def test_parallel_rings_stack_and_edge_on_far_ones_do_not():
    angles = np.radians(np.arange(6) * 60.0)
    names = ("CG", "CD1", "CE1", "CZ", "CE2", "CD2")
    ring = [(n, "C", 1.39 * np.cos(a), 1.39 * np.sin(a), 0.0) for n, a in zip(names, angles, strict=True)]
    benzene = Chem.AddHs(Chem.MolFromSmiles("c1ccccc1"))
    AllChem.EmbedMolecule(benzene, randomSeed=1)
    conformer = benzene.GetConformer()
    for index in range(12):
        radius, angle = (1.39, angles[index]) if index < 6 else (2.48, angles[index - 6])
        conformer.SetAtomPosition(index, Point3D(radius * np.cos(angle) + 1.4, radius * np.sin(angle), 3.5))
    assert check_contact(benzene, pdb("PHE", ring), must="stacking A:PHE10").passed
    for index in range(12):
        place = conformer.GetAtomPosition(index)
        conformer.SetAtomPosition(index, Point3D(place.x + 6.0, place.y, place.z))
    assert check_contact(benzene, pdb("PHE", ring), must="stacking A:PHE10").verdict is Verdict.FAIL


def test_one_of_several_residues_is_enough():
    both = pdb("MET", AMIDE) + pdb("GLY", [(n, e, x - 30.0, y, z) for n, e, x, y, z in AMIDE], number=12)
    pose = placed("CC(C)=O", 3, (2.9, 0.0, 0.0))
    result = check_contact(pose, both.replace("END\n", "", 1), must="hbond A:GLY12|A:MET10")
    assert result.passed
    assert result.details["residue"] == "A:MET10"


def test_turning_everything_changes_nothing():
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    pose = placed("CC(C)=O", 3, (2.6, 1.0, 0.0))
    before = check_contact(pose, pdb("MET", AMIDE), must="hbond A:MET10")
    for index, place in enumerate(pose.GetConformer().GetPositions() @ turn.T):
        pose.GetConformer().SetAtomPosition(index, Point3D(*map(float, place)))
    turned = [(n, e, *(turn @ np.array([x, y, z]))) for n, e, x, y, z in AMIDE]
    after = check_contact(pose, pdb("MET", turned), must="hbond A:MET10")
    assert (after.verdict, after.value) == (before.verdict, pytest.approx(before.value, abs=2e-3))


@pytest.mark.parametrize(
    ("text", "kind", "residue"),
    [
        ("hbond A:MET318", "hbond", "A:MET318"),
        ("hydrogen bond to MET318", "hbond", "MET318"),
        ("H-bond with 318", "hbond", "318"),
        ("salt bridge A:ASP93", "salt_bridge", "A:ASP93"),
    ],
)
def test_requirements_as_people_write_them(text, kind, residue):
    assert (parse_requirement(text).kind, parse_requirement(text).residue) == (kind, residue)


@pytest.mark.parametrize("text", ["", "hbond", "magnetism A:MET318", "hbond A:MET", "hbond somewhere"])
def test_what_is_no_requirement_says_how_to_write_one(text):
    with pytest.raises(InputError, match="A:MET318"):
        parse_requirement(text)


def test_a_residue_that_is_not_there_is_named_with_those_like_it():
    with pytest.raises(InputError, match=r"A:MET99.*not in this receptor.*A:MET10"):
        find_residue(pdb("MET", AMIDE), "A:MET99")


@pytest.mark.shared
@pytest.mark.skipif(not STRUCTURES.is_dir(), reason=f"the real data of {STRUCTURES} is not there")
def test_imatinib_in_abl1_makes_the_bonds_of_its_crystal_structure():
    """1IEP (Nagar 2002, doi 10.1016/S0969-2126(02)00882-7): hydrogen bonds with Met 318, Thr 315, Glu 286, Asp 381."""
    pose = Chem.AddHs(Chem.MolFromMolFile(str(STRUCTURES / "1iep_ligand.sdf"), removeHs=True), addCoords=True)
    receptor = (STRUCTURES / "1iep_receptorH.pdb").read_text()
    for residue in ("MET318", "THR315", "GLU286", "ASP381"):
        assert check_contact(pose, receptor, must=f"hbond {residue}").passed, residue
    for residue in ("ALA269", "LEU248", "GLY321"):
        assert not check_contact(pose, receptor, must=f"hbond {residue}").passed, residue
