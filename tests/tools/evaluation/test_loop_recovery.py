"""AAR, the majority baseline and loop identity by hand."""

from __future__ import annotations

import pytest

from tools.evaluation.loop_recovery import count_majority, loop_identity, nearest_identity, recovery


def test_recovery_divides_by_the_longer_loop() -> None:
    assert recovery("ARDY", "ARDY") == 1.0
    assert recovery("ARDY", "ARGDY") == pytest.approx(2 / 5)
    assert recovery("ARGDY", "ARDY") == pytest.approx(2 / 5)
    assert recovery("W", "ARDY") == 0.0


def test_majority_by_length_and_position() -> None:
    majority = count_majority(["ARDY", "ARGY", "ATGY", "AR", "", "GC"])
    assert majority is not None
    assert majority.of_length(4) == "ARGY"
    assert majority.of_length(2) == "AC", "ties go to the first letter of the alphabet: A over G, C over R"
    assert majority.of_length(9) is None
    assert majority.typical == "ARGY"
    assert count_majority([""]) is None


def test_identity_of_the_best_alignment() -> None:
    assert loop_identity("ARDY", "ARGDY") == pytest.approx(0.8)
    assert loop_identity("AR", "WWWW") == 0.0
    assert nearest_identity("ARDY", ["WWWW", "ARGDY", "A"]) == pytest.approx(0.8)
    assert nearest_identity("ARDY", []) == 0.0
