"""Reactant sets, MaxFrag, spellings, and the ranking over augmentations worked out by hand."""

from __future__ import annotations

from rdkit import Chem

from tools.evaluation.candidates import (
    candidate_of,
    largest,
    place_of,
    place_of_largest,
    rank_candidates,
    spellings,
)
from tools.evaluation.protocol import Case
from tools.evaluation.reaction_records import ranked_record, reaction_case, spelled_questions

A, B, C, D = (("C",), ("CC",), ("CCC",), ("CCCC",))


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


def test_largest_counts_heavy_atoms() -> None:
    assert largest(("CCCCCO", "O=C(Cl)c1ccccc1")) == "O=C(Cl)c1ccccc1"
    assert largest(("CCO", "CCN")) == "CCN"


def test_one_spelling_keeps_the_models_order() -> None:
    assert rank_candidates([[None, B, A, B, None, C]]) == [B, A, C]


def test_ranking_over_spellings_by_hand() -> None:
    # best places: A 0, B 0, C 1, D 1; sums: A 1 + 1/3 + 1, B 1/2 + 1, C 1/2 + 1/3, D 1/2
    first, second, third = [A, B, None], [B, C, A], [A, D, C]
    assert rank_candidates([first, second, third]) == [A, B, C, D]
    # A: place 0 once = 1. B: place 1 three times = 1.5. The best place goes before the sum.
    assert rank_candidates([[A, B], [C, B], [D, B]])[:3] == [A, C, D]
    # equal best places: the sum decides. B: 1 + 1/2, A: 1 + 1/3.
    assert rank_candidates([[A, B, C], [B, C, A]])[:2] == [B, A]


def test_invalid_and_repeated_answers_do_not_take_places() -> None:
    # within the second spelling B moves up from place 3 to place 0
    assert rank_candidates([[A], [None, None, None, B, B, C]])[:2] == [A, B]


def test_places() -> None:
    truth = ("CCCCCO", "O=C(Cl)c1ccccc1")
    near = ("CCO", "O=C(Cl)c1ccccc1")
    ranked = [A, near, truth]
    assert place_of(truth, ranked) == 3
    assert place_of_largest(truth, ranked) == 2
    assert place_of(truth, [A]) is None
    record = ranked_record(truth, [[None, A, near, truth], [None, near]])
    assert (record["rank"], record["maxfrag_rank"]) == (3, 1)  # near: best place 0 and sum 1 + 1/2; A: 1
    assert (record["n_answers"], record["n_invalid"], record["n_distinct"]) == (6, 2, 3)


def test_spellings_are_the_same_molecule_and_differ() -> None:
    found = spellings("CC(=O)Oc1ccccc1C(=O)O", 12, "7|row-1|0")
    assert len(found) == 12
    assert found == spellings("CC(=O)Oc1ccccc1C(=O)O", 12, "7|row-1|0")
    assert len({Chem.CanonSmiles(text) for text in found}) == 1
    assert found[0] == Chem.CanonSmiles("CC(=O)Oc1ccccc1C(=O)O")
    assert len(set(found)) >= 10
    assert len(spellings("CO", 6, "0")) == 6


def test_questions_of_a_case_have_their_own_prompts_and_names() -> None:
    row = {"product": "[CH3:1][CH2:2][OH:3]", "reactants": "CCBr.O"}
    back = reaction_case("retrosynthesis", "row-4", row)
    assert back.inputs == {"product": "CCO"}
    questions = spelled_questions(back, "retrosynthesis", 3, seed=0)
    assert [question.name for question in questions] == ["row-4", "row-4/1", "row-4/2"]
    assert questions[0].prompt is None
    assert {question.prompt for question in questions[1:]} <= {
        f"<MoleculeS>{smiles}<MoleculeE><ReverseReact>" for smiles in ("CCO", "C(C)O", "OCC")
    }
    forward = reaction_case("reaction", "row-4", row)
    assert forward.inputs == {"reactants": ["CCBr", "O"]}
    assert str(spelled_questions(forward, "reaction", 2, seed=0)[1].prompt).endswith("<MoleculeS>O<MoleculeE><React>")
    assert isinstance(reaction_case("reaction", "row-5", {"product": "C(", "reactants": "C"}), Case)
    assert "product 'C('" in reaction_case("reaction", "row-5", {"product": "C(", "reactants": "C"}).failed
