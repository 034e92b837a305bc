"""Levenshtein distances against the textbook table, and the searches that skip most pairs against all pairs."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tools.evaluation.edit_distance import is_farther_than, levenshtein, mean_pairwise_distance, nearest_distance

WORDS = st.text("ACDE", max_size=12)


def table(first: str, second: str) -> int:
    previous = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        current = [i]
        for j, b in enumerate(second, 1):
            current.append(min(previous[j] + 1, current[-1] + 1, previous[j - 1] + (a != b)))
        previous = current
    return previous[-1]


def test_known_distances() -> None:
    assert levenshtein("kitten", "sitting") == 3
    assert levenshtein("", "ACD") == 3
    assert levenshtein("ACD", "") == 3
    assert levenshtein("", "") == 0
    assert levenshtein("ACDEF", "CDEFA") == 2


@given(WORDS, WORDS)
def test_equals_the_table(first: str, second: str) -> None:
    assert levenshtein(first, second) == table(first, second)


def test_chains_longer_than_a_machine_word() -> None:
    rng = random.Random(1)
    chain = "".join(rng.choice("ACDEFGHIKLMNPQRSTVWY") for _ in range(237))
    edited = chain[:40] + "W" + chain[41:100] + chain[103:] + "AC"
    assert levenshtein(chain, edited) == table(chain, edited)


@given(WORDS, st.lists(WORDS, max_size=8), st.integers(0, 6))
def test_searches_equal_all_pairs(word: str, others: list[str], distance: int) -> None:
    distances = [table(word, other) for other in others]
    assert nearest_distance(word, others) == min(distances, default=None)
    assert is_farther_than(word, others, distance) == all(d >= distance for d in distances)


def test_mean_of_pairs() -> None:
    assert mean_pairwise_distance(["AC", "AD", "CC"]) == (1 + 1 + 2) / 3
    assert mean_pairwise_distance(["AC"]) is None
