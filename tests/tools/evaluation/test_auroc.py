"""Ranking areas by hand, by brute force over pairs and at their limits."""

from __future__ import annotations

import random

import pytest

from tools.evaluation.auroc import auroc, average_precision


def test_by_hand() -> None:
    assert auroc([3, 1], [2, 0]) == 0.75
    assert auroc([1, 1], [1]) == 0.5
    # scores 4+ 3- 2+ 1-: precision 1 at the first half of recall, 2/3 at the second
    assert average_precision([4, 2], [3, 1]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision([1, 1], [1, 1]) == 0.5


def test_undecided_without_a_side() -> None:
    assert auroc([], [1.0]) is None
    assert auroc([1.0], []) is None
    assert average_precision([], [1.0]) is None


def test_against_all_pairs() -> None:
    rng = random.Random(4)
    positives = [rng.randint(0, 9) for _ in range(40)]
    negatives = [rng.randint(-3, 6) for _ in range(70)]
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    assert auroc(positives, negatives) == pytest.approx(wins / (40 * 70))


def test_average_precision_against_thresholds() -> None:
    rng = random.Random(5)
    positives = [rng.randint(0, 9) for _ in range(30)]
    negatives = [rng.randint(-3, 6) for _ in range(50)]
    area, recall = 0.0, 0.0
    for threshold in sorted({*positives, *negatives}, reverse=True):
        hits = sum(p >= threshold for p in positives)
        precision = hits / (hits + sum(n >= threshold for n in negatives))
        area += (hits / 30 - recall) * precision
        recall = hits / 30
    assert average_precision(positives, negatives) == pytest.approx(area)
