import numpy as np
import pytest

from tools.docking.dockstring_targets import _folder, parse_pdbqt
from tools.docking.hydrogen_table import protonation_states
from tools.docking.hydrogens import add_hydrogens
from tools.docking.structure import Atom, Residue, Structure

LENGTH = {"C": 1.09, "N": 1.01, "O": 0.96, "S": 1.34}


def _hydrogens(residue):
    return {atom.name: np.array(atom.xyz) for atom in residue.atoms if atom.is_hydrogen}


def _moved(structure, matrix, shift):
    return Structure(
        tuple(
            Residue(
                r.chain,
                r.number,
                r.icode,
                r.name,
                tuple(Atom(a.name, a.element, tuple(matrix @ np.array(a.xyz) + shift)) for a in r.atoms),
            )
            for r in structure.residues
        )
    )


def test_amide_hydrogens_agree_with_the_authors_of_the_bundled_targets():
    """Placed anew, backbone H lies where Schroedinger's or AutoDock's preparation put it (independent programs)."""
    authors = parse_pdbqt((_folder() / "HSP90AA1_target.pdbqt").read_text())
    stripped = Structure(
        tuple(
            Residue(r.chain, r.number, r.icode, r.name, tuple(a for a in r.atoms if not a.is_hydrogen))
            for r in authors.residues
        )
    )
    placed = add_hydrogens(stripped)
    distances = []
    for theirs, ours in zip(authors.residues[1:], placed.residues[1:], strict=True):
        there, here = _hydrogens(theirs), _hydrogens(ours)
        if "H" in there and "H" in here:
            distances.append(float(np.linalg.norm(there["H"] - here["H"])))
    assert len(distances) > 180
    assert np.median(distances) < 0.1
    assert np.percentile(distances, 95) < 0.25


def test_lengths_are_ideal_and_nothing_clashes(protein):
    full = add_hydrogens(protein)
    points, owners = [], []
    for residue in full.residues:
        parent = None
        for atom in residue.atoms:
            if atom.is_hydrogen:
                distance = np.linalg.norm(np.array(atom.xyz) - np.array(parent.xyz))
                assert distance == pytest.approx(LENGTH[parent.element], abs=2e-3)
                points.append(atom.xyz)
                owners.append(parent)
            else:
                parent = atom
    gaps = np.linalg.norm(np.array(points)[:, None] - np.array(points)[None], axis=2)
    close = np.argwhere((gaps < 1.3) & (gaps > 0))
    assert all(owners[i] is owners[j] for i, j in close)


def test_moving_the_protein_moves_its_hydrogens_with_it(protein):
    small = Structure(protein.residues[:25])
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    shift = np.array([5.0, -3.0, 11.0])
    moved_then_placed = add_hydrogens(_moved(small, turn, shift))
    placed_then_moved = _moved(add_hydrogens(small), turn, shift)
    for a, b in zip(moved_then_placed.residues, placed_then_moved.residues, strict=True):
        for name, xyz in _hydrogens(a).items():
            assert np.allclose(xyz, _hydrogens(b)[name], atol=5e-3), (a.label, name)


@pytest.mark.parametrize(
    ("ph", "expected"),
    [
        (7.4, {"ASP": "ASP", "GLU": "GLU", "LYS": "LYS", "CYS": "CYS"}),
        (3.0, {"ASP": "ASH", "GLU": "GLH", "HIS": "HIP"}),
        (11.0, {"LYS": "LYN", "CYS": "CYX"}),
    ],
)
def test_states_follow_ph(protein, ph, expected):
    states = protonation_states(protein, ph, {})
    for residue in protein.residues:
        if residue.name in expected:
            assert states[residue.label] == expected[residue.name]


def test_disulfides_and_metal_thiolates_carry_no_hydrogen():
    """Thrombin's disulfides, nitric oxide synthase's zinc and haem cysteines."""
    for name, n_bare in (("F2", 6), ("NOS1", 3)):
        polar = parse_pdbqt((_folder() / f"{name}_target.pdbqt").read_text())
        stripped = Structure(
            tuple(
                Residue(r.chain, r.number, r.icode, r.name, tuple(a for a in r.atoms if not a.is_hydrogen))
                for r in polar.residues
            )
        )
        states = protonation_states(stripped, 7.4, {})
        assert sum(state == "CYX" for state in states.values()) >= n_bare


def test_given_states_win(protein):
    histidine = next(r for r in protein.residues if r.name == "HIS")
    for state, names in (("HID", {"HD1"}), ("HIE", {"HE2"}), ("HIP", {"HD1", "HE2"})):
        full = add_hydrogens(protein, states={histidine.label: state})
        residue = next(r for r in full.residues if r.label == histidine.label)
        assert {"HD1", "HE2"} & set(_hydrogens(residue)) == names


def test_water_points_at_an_acceptor():
    water = Residue("A", 1, "", "HOH", (Atom("O", "O", (0.0, 0.0, 0.0)),))
    acceptor = Residue("A", 2, "", "HOH", (Atom("O", "O", (2.8, 0.0, 0.0)),))
    full = add_hydrogens(Structure((water, acceptor)))
    first, second = _hydrogens(full.residues[0]).values()
    assert min(np.linalg.norm(h - np.array([2.8, 0.0, 0.0])) for h in (first, second)) < 2.5
    angle = np.degrees(np.arccos(first @ second / np.linalg.norm(first) / np.linalg.norm(second)))
    assert angle == pytest.approx(104.5, abs=0.5)
