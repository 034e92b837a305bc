import itertools

import numpy as np
import pytest

from tools.docking.repair import repair_protein
from tools.docking.residues import N_HEAVY
from tools.docking.structure import Residue, Structure

BACKBONE = {"N", "CA", "C", "O"}


def _cut(protein, keep):
    return Structure(
        tuple(
            Residue(r.chain, r.number, r.icode, r.name, tuple(a for a in r.atoms if a.name in keep(r)))
            for r in protein.residues
        )
    )


def _place(residue, name):
    return np.array(residue.atom(name).xyz)


@pytest.fixture(scope="module")
def rebuilt(protein):
    """Every side chain cut to CB and built again."""
    return repair_protein(_cut(protein, lambda _: BACKBONE | {"CB"}))[0]


def test_every_residue_is_whole_again(rebuilt):
    for residue in rebuilt.residues[:-1]:
        assert len(residue.atoms) == N_HEAVY[residue.name], residue.label


def test_built_bonds_and_angles_are_those_of_the_crystal(rebuilt, protein):
    """Distances over one and two bonds within a residue, against those of the bundled crystal structure."""
    misses = []
    for ours, theirs in zip(rebuilt.residues, protein.residues, strict=True):
        for first, second in itertools.combinations([a.name for a in theirs.atoms], 2):
            there = np.linalg.norm(_place(theirs, first) - _place(theirs, second))
            if there < 2.6:
                misses.append(abs(there - np.linalg.norm(_place(ours, first) - _place(ours, second))))
    assert np.median(misses) < 0.03
    assert np.percentile(misses, 99) < 0.25


def test_atoms_of_the_file_do_not_move(rebuilt, protein):
    for ours, theirs in zip(rebuilt.residues, protein.residues, strict=True):
        for name in BACKBONE | {"CB"}:
            if theirs.atom(name):
                assert np.allclose(_place(ours, name), _place(theirs, name), atol=1e-3)


def test_handedness_of_isoleucine_and_threonine_is_kept(rebuilt, protein):
    def hand(residue, arms):
        center = _place(residue, "CB")
        alpha, first, second = (_place(residue, name) - center for name in ("CA", *arms))
        return np.sign(np.dot(np.cross(alpha, first), second))

    seen = set()
    for ours, theirs in zip(rebuilt.residues, protein.residues, strict=True):
        arms = {"ILE": ("CG1", "CG2"), "THR": ("OG1", "CG2")}.get(ours.name)
        if arms:
            seen.add(ours.name)
            assert hand(ours, arms) == hand(theirs, arms), ours.label
    assert seen == {"ILE", "THR"}


def test_built_atoms_keep_clear_of_the_rest(rebuilt):
    points, owners = [], []
    for i, residue in enumerate(rebuilt.residues):
        for atom in residue.atoms:
            points.append(atom.xyz)
            owners.append((i, atom.name))
    gaps = np.linalg.norm(np.array(points)[:, None] - np.array(points)[None], axis=2)
    close = [(owners[i], owners[j]) for i, j in np.argwhere(gaps < 2.0) if abs(owners[i][0] - owners[j][0]) > 1]
    assert close == []


def test_a_missing_carbonyl_oxygen_lies_in_its_plane(protein):
    residue = protein.residues[20]
    names = {a.name for a in residue.atoms}
    cut = _cut(protein, lambda r: {a.name for a in r.atoms} - ({"O"} if r is residue else set()))
    whole = repair_protein(cut)[0].residues[20]
    assert names == {a.name for a in whole.atoms}
    assert np.linalg.norm(_place(whole, "O") - _place(residue, "O")) < 0.6
