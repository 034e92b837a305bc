"""Votes and the four residue figures by hand; what divides by zero is undecided."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.evaluation.residue_labels import Confusion, confusion, confusion_scores, marked_residues, vote_shares


def test_votes() -> None:
    shares = vote_shares([[0, 2], [2], [], [2, 2]], 4)
    assert shares == [0.25, 0.0, 0.75, 0.0]
    assert marked_residues(shares, 0.5) == [2]
    assert marked_residues(shares, 0.25) == [0, 2]
    assert marked_residues(shares, 0.0) == [0, 2], "a residue that nobody marks is never predicted"
    assert vote_shares([], 2) == [0.0, 0.0]


def test_figures_by_hand() -> None:
    table = confusion([1, 2, 3, 9], [1, 2, 3, 4, 5], 100)
    assert table == Confusion(3, 1, 2, 94)
    scores = confusion_scores(table)
    assert scores["precision"] == 0.75
    assert scores["recall"] == 0.6
    assert scores["f1"] == pytest.approx(2 / 3)
    assert scores["mcc"] == pytest.approx((3 * 94 - 1 * 2) / math.sqrt(4 * 5 * 95 * 96))


def test_undecided_is_not_zero() -> None:
    nothing_said = confusion_scores(confusion([], [1], 5))
    assert nothing_said == {"precision": None, "recall": 0.0, "f1": 0.0, "mcc": None}
    nothing_true = confusion_scores(confusion([1], [], 5))
    assert nothing_true == {"precision": 0.0, "recall": None, "f1": 0.0, "mcc": None}


@given(st.sets(st.integers(0, 19), min_size=1, max_size=19), st.sets(st.integers(0, 19), min_size=1, max_size=19))
def test_mcc_is_the_correlation_of_two_labels(predicted: set[int], truth: set[int]) -> None:
    said = np.array([at in predicted for at in range(20)], float)
    real = np.array([at in truth for at in range(20)], float)
    expected = np.corrcoef(said, real)[0, 1]
    assert confusion_scores(confusion(predicted, truth, 20))["mcc"] == pytest.approx(expected)
