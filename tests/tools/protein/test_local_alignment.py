"""Local alignment against cases worked out by hand, and the kinase hinge against published residue numbers."""

import pytest

from tools.docking.dockstring_targets import load_target
from tools.docking.hinge import hinge_residues
from tools.errors import InputError
from tools.protein.local_alignment import align_locally


def test_a_piece_is_found_inside_a_longer_chain():
    assert align_locally("WFGDK", "AAAAWFGDKAAAA") == [(k, k + 4) for k in range(5)]


def test_a_gap_is_put_where_residues_are_missing():
    pairs = align_locally("MKTWFGDKLLHCENRYY", "MKTWFGDKHCENRYY")
    assert pairs == [(k, k) for k in range(8)] + [(k + 2, k) for k in range(8, 15)]


def test_either_way_round_is_the_same():
    one, other = "MKTAYIAKQRWFGDK", "KTAYVAKRWFADK"
    assert align_locally(one, other) == [(b, a) for a, b in align_locally(other, one)]


def test_nothing_in_common_aligns_to_nothing():
    assert align_locally("WWWW", "GGGG") == []


@pytest.mark.parametrize(
    ("target", "hinge"),
    [
        ("EGFR", ["A:GLN791", "A:MET793"]),
        ("CDK2", ["A:GLU81", "A:LEU83"]),
        ("MAPK14", ["A:HIS107", "A:MET109"]),
        ("ABL1", ["A:GLU84", "A:MET86"]),
    ],
)
def test_the_hinge_of_known_kinases(target, hinge):
    """Numbers of the kinases' literature; ABL1's bundled structure counts from 1 (Glu 316 is 84)."""
    assert hinge_residues(load_target(target).pdb) == hinge


def test_what_is_no_kinase_has_no_hinge():
    with pytest.raises(InputError, match="name the residue"):
        hinge_residues(load_target("CA2").pdb)
