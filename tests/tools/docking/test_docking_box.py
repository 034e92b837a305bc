import numpy as np
import pytest

from tools.docking.box import Box, box_around, require_box_on_protein
from tools.errors import InputError


def test_box_around_adds_the_margin_on_every_side():
    box = box_around([[0.0, 0.0, 0.0], [2.0, 4.0, 6.0]], margin_angstrom=5.0)
    assert box.center_angstrom == (1.0, 2.0, 3.0)
    assert box.size_angstrom == (12.0, 14.0, 16.0)


def test_box_contains_is_closed_at_its_faces():
    box = Box((0.0, 0.0, 0.0), (2.0, 2.0, 2.0))
    assert box.contains(np.array([[1.0, -1.0, 0.0], [1.001, 0.0, 0.0]])).tolist() == [True, False]


def test_box_survives_json():
    box = Box((1.23456, -2.0, 3.0), (20.0, 21.0, 22.0))
    assert Box.from_json(box.to_json()) == box
    assert box.key() == "1.235,-2.000,3.000,20.000,21.000,22.000"


@pytest.mark.parametrize("size", [(0.0, 10.0, 10.0), (10.0, -1.0, 10.0), (10.0, 10.0, 61.0)])
def test_impossible_edges_are_named(size):
    with pytest.raises(InputError, match="box size"):
        Box((0.0, 0.0, 0.0), size)


def test_not_a_number_is_refused():
    with pytest.raises(InputError, match="finite"):
        Box((float("nan"), 0.0, 0.0), (10.0, 10.0, 10.0))


def test_a_box_off_the_protein_says_how_far():
    box = Box((100.0, 0.0, 0.0), (20.0, 20.0, 20.0))
    with pytest.raises(InputError, match=r"far from the protein.*nearest atom 100\.0 Å"):
        require_box_on_protein(box, np.zeros((1, 3)))
    require_box_on_protein(box, np.array([[95.0, 0.0, 0.0]]))
