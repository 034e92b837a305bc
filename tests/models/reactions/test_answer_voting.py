"""Candidates, the ranking over spellings by hand, and voted answers of a real (random) checkpoint."""

from __future__ import annotations

from models.reactions.voting import Candidate, candidate_of, vote

A: Candidate = ("C",)
B: Candidate = ("CC",)
C: Candidate = ("CCC",)
D: Candidate = ("CCCC",)


def ranked(answers: list[list[Candidate | None]], given: Candidate = ()) -> list[Candidate]:
    return [one.candidate for one in vote(answers, given)]


def test_a_candidate_is_a_set_without_maps_order_or_repeats() -> None:
    assert candidate_of(["[CH3:1][OH:2].CC"]) == candidate_of(["CC", "OC"]) == ("CC", "CO")
    assert candidate_of(["CC.CC"]) == ("CC",)
    assert candidate_of(["C[C@H](O)F"]) != candidate_of(["C[C@@H](O)F"])
    assert candidate_of(["CC", "C("]) is None
    assert candidate_of([]) is None
    assert candidate_of([""]) is None
    assert candidate_of(["C."]) is None


def test_maps_do_not_make_a_centre() -> None:
    assert candidate_of(["[CH3:1][C@:2]([CH3:3])([OH:4])[F:5]"]) == candidate_of(["CC(C)(O)F"])


def test_one_spelling_keeps_the_models_order() -> None:
    assert ranked([[None, B, A, B, None, C]]) == [B, A, C]


def test_ranking_over_spellings_by_hand() -> None:
    # best places: A 0, B 0, C 1, D 1; sums: A 1 + 1/3 + 1, B 1/2 + 1, C 1/2 + 1/3, D 1/2
    first, second, third = [A, B, None], [B, C, A], [A, D, C]
    assert ranked([first, second, third]) == [A, B, C, D]
    # A: place 0 once = 1. B: place 1 three times = 1.5. The best place goes before the sum.
    assert ranked([[A, B], [C, B], [D, B]])[:3] == [A, C, D]
    # equal best places: the sum decides. B: 1 + 1/2, A: 1 + 1/3.
    assert ranked([[A, B, C], [B, C, A]])[:2] == [B, A]


def test_invalid_and_repeated_answers_do_not_take_places() -> None:
    # within the second spelling B moves up from place 3 to place 0
    assert ranked([[A], [None, None, None, B, B, C]])[:2] == [A, B]


def test_what_only_repeats_the_input_is_dropped() -> None:
    assert ranked([[A, ("C", "CC"), B]], given=("CC", "C")) == []
    assert ranked([[A, ("C", "CCC"), B], [C]], given=("C",)) == [("C", "CCC"), C, B]


def test_standing_of_a_candidate() -> None:
    first, second = vote([[None, B, A, B], [A, A, C]])[:2]
    assert (first.candidate, first.score, first.best_place, first.n_answers, first.origin) == (A, 1.5, 0, 3, (1, 0))
    assert (second.candidate, second.score, second.best_place, second.n_answers, second.origin) == (
        B,
        1.0,
        0,
        2,
        (0, 1),
    )
    assert vote([[A, B], [B, A]], alpha=3.0)[0].score == 1.25
    assert vote([]) == []
