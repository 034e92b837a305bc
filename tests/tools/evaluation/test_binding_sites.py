"""Sites from votes, DCA and top-n worked out on points by hand; relevant ligands on atoms placed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tools.docking.structure import Atom, Residue, Structure
from tools.evaluation.binding_sites import (
    Site,
    build_sites,
    dca_angstrom,
    ligands_found,
    remove_redundant,
    side_chain_centre,
)
from tools.evaluation.relevant_ligands import relevant_ligands

POINTS = {0: np.array([0.0, 0, 0]), 1: np.array([2.0, 0, 0]), 2: np.array([50.0, 0, 0]), 3: np.array([54.0, 0, 0])}


def atoms(*places: tuple[float, float, float]) -> tuple[Atom, ...]:
    return tuple(Atom(f"C{number}", "C", place) for number, place in enumerate(places))


def ligand(name: str, x: float, n: int, number: int = 1) -> Residue:
    """`n` carbons, 0.5 Å apart along y, at `x`."""
    return Residue("A", number, "", name, atoms(*((x, 0.5 * at, 0.0) for at in range(n))))


def test_two_groups_make_two_sites_ranked_by_votes() -> None:
    sites = build_sites(POINTS, {0: 0.5, 1: 1.0, 2: 0.25, 3: 0.75})
    assert [site.members for site in sites] == [(0, 1), (2, 3)]
    assert [site.score for site in sites] == [1.5, 1.0]
    assert sites[0].centre == pytest.approx((4 / 3, 0, 0)), "the vote-weighted mean"
    assert sites[1].centre == pytest.approx((53, 0, 0))


def test_cut_and_unvoted_residues() -> None:
    votes = {0: 1.0, 1: 1.0, 2: 0.0, 3: 1.0, 9: 1.0}
    assert [site.members for site in build_sites(POINTS, votes, cut_angstrom=1.0)] == [(0,), (1,), (3,)]
    assert [site.members for site in build_sites(POINTS, votes, cut_angstrom=99.0)] == [(0, 1, 3)]
    assert build_sites(POINTS, {}) == []


def test_moving_the_structure_moves_the_centres() -> None:
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    votes = {0: 0.5, 1: 1.0, 2: 0.25, 3: 0.75}
    moved = build_sites({key: turn @ place + 7.0 for key, place in POINTS.items()}, votes)
    for before, after in zip(build_sites(POINTS, votes), moved, strict=True):
        assert before.members == after.members
        assert turn @ np.array(before.centre) + 7.0 == pytest.approx(np.array(after.centre))


def test_top_n_and_two_more() -> None:
    sites = [Site((at,), 9.0 - at, (x, 0.0, 0.0)) for at, x in enumerate((100.0, 0.0, 30.0, 60.0))]
    ligands = [np.array([[3.0, 0, 0], [9.0, 0, 0]]), np.array([[60.0, 3.9, 0]])]
    assert dca_angstrom(sites[1], ligands[0]) == 3.0
    assert ligands_found(sites, ligands) == [True, False]
    assert ligands_found(sites, ligands, extra=2) == [True, True]
    assert ligands_found(sites, ligands, extra=2, max_dca_angstrom=2.0) == [False, False]


def test_redundant_sites_make_room() -> None:
    near = [Site((0, 1), 3.0, (0.0, 0, 0)), Site((2,), 2.0, (5.0, 0, 0)), Site((3,), 1.0, (5.1, 0, 0))]
    assert [site.members for site in remove_redundant(near)] == [(0, 1), (3,)]
    overlapping = [Site((0, 1, 2, 3), 2.0, (0.0, 0, 0)), Site((0, 1, 2), 1.0, (20.0, 0, 0))]
    assert remove_redundant(overlapping) == overlapping[:1]
    assert remove_redundant(overlapping, max_overlap=0.8) == overlapping


def test_side_chain_centre() -> None:
    backbone = (Atom("N", "N", (0, 0, 0)), Atom("CA", "C", (1, 0, 0)), Atom("C", "C", (2, 0, 0)))
    glycine = Residue("A", 1, "", "GLY", (*backbone, Atom("HA2", "H", (9, 9, 9))))
    serine = Residue("A", 2, "", "SER", (*backbone, Atom("CB", "C", (1, 2, 0)), Atom("OG", "O", (1, 4, 0))))
    assert side_chain_centre(glycine) == pytest.approx([1, 0, 0])
    assert side_chain_centre(serine) == pytest.approx([1, 3, 0])
    assert side_chain_centre(Residue("A", 3, "", "GLY", (Atom("N", "N", (0, 0, 0)),))) is None


def test_relevant_ligands_by_the_four_conditions() -> None:
    protein = np.array([[0.0, 0.0, 0.0]])
    expected = {
        ("LIG", 3.9, 5): True,
        ("LIG", 3.9, 4): False,  # too few atoms
        ("LIG", 4.1, 5): False,  # no atom within 4 Å
        ("GOL", 3.9, 6): False,  # a name of the list
        ("HOH", 1.0, 6): False,
    }
    for (name, x, n), relevant in expected.items():
        found = relevant_ligands(Structure((ligand(name, x, n),)), protein)
        assert [one.labels for one in found] == ([("A:LIG1",)] if relevant else []), (name, x, n)
    long = Structure((ligand("LNG", 3.9, 17),))
    assert not relevant_ligands(long, protein), "its centre, (3.9, 4, 0), is 5.6 Å away"
    assert relevant_ligands(long, protein, max_centre_angstrom=5.7)
    assert not relevant_ligands(long, np.empty((0, 3)))


def test_bonded_residues_are_one_ligand() -> None:
    protein = np.array([[0.0, 0.0, 0.0]])
    sugar = (ligand("LIA", 3.0, 3, 1), ligand("LIB", 4.6, 3, 2))
    apart = Residue("A", 3, "", "LIC", atoms(*((-3.0, 0.5 * at, 0.0) for at in range(5))))
    found = relevant_ligands(Structure((*sugar, apart)), protein)
    assert [one.labels for one in found] == [("A:LIA1", "A:LIB2"), ("A:LIC3",)]
    assert not relevant_ligands(Structure(sugar), protein, bond_angstrom=1.5), "each alone is too small"
