"""MaxFrag and the places of the truth by hand, and the questions a case of a reaction file becomes."""

from __future__ import annotations

from tools.evaluation.candidates import (
    largest,
    place_of,
    place_of_largest,
)
from tools.evaluation.protocol import Case
from tools.evaluation.reaction_records import ranked_record, reaction_case, spelled_questions

A = ("C",)


def test_largest_counts_heavy_atoms() -> None:
    assert largest(("CCCCCO", "O=C(Cl)c1ccccc1")) == "O=C(Cl)c1ccccc1"
    assert largest(("CCO", "CCN")) == "CCN"


def test_places() -> None:
    truth = ("CCCCCO", "O=C(Cl)c1ccccc1")
    near = ("CCO", "O=C(Cl)c1ccccc1")
    ranked = [A, near, truth]
    assert place_of(truth, ranked) == 3
    assert place_of_largest(truth, ranked) == 2
    assert place_of(truth, [A]) is None
    record = ranked_record(("CCC",), truth, [[None, A, near, ("CCC",), truth], [None, near]])
    assert (record["rank"], record["maxfrag_rank"]) == (3, 1)  # near: best place 0 and sum 1 + 1/2; A: 1
    assert (record["n_answers"], record["n_invalid"], record["n_distinct"]) == (7, 2, 3)
    assert record["n_spellings"] == 2


def test_questions_of_a_case_have_their_own_prompts_and_names() -> None:
    row = {"product": "[CH3:1][CH2:2][OH:3]", "reactants": "CCBr.O"}
    back = reaction_case("retrosynthesis", "row-4", row)
    assert back.inputs == {"product": "CCO"}
    questions = spelled_questions(back, "retrosynthesis", 3, seed=0)
    assert [question.name for question in questions] == ["row-4", "row-4/1", "row-4/2"]
    assert questions[0].prompt == "<MoleculeS>CCO<MoleculeE><ReverseReact>"
    assert {question.prompt for question in questions} == {
        f"<MoleculeS>{smiles}<MoleculeE><ReverseReact>" for smiles in ("CCO", "C(C)O", "OCC")
    }
    assert len(spelled_questions(back, "retrosynthesis", 20, seed=0)) == 3
    forward = reaction_case("reaction", "row-4", row)
    assert forward.inputs == {"reactants": ["CCBr", "O"]}
    assert str(spelled_questions(forward, "reaction", 2, seed=0)[1].prompt).startswith("<MoleculeS>O<MoleculeE>")
    assert isinstance(reaction_case("reaction", "row-5", {"product": "C(", "reactants": "C"}), Case)
    assert "product 'C('" in reaction_case("reaction", "row-5", {"product": "C(", "reactants": "C"}).failed
