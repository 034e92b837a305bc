"""Top-k, MaxFrag and round trip from records by hand, and both directions through the shipped checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.evaluation import reaction, retrosynthesis
from tools.evaluation.protocol import Evaluator, Setup
from tools.evaluation.run import settings_for

ROW = {"product": "CC(=O)Nc1ccccc1", "reactants": "CC(=O)Cl.Nc1ccccc1"}


def made(**given: Any) -> dict[str, Any]:
    usual = {
        "rank": None,
        "maxfrag_rank": None,
        "n_distinct": 1,
        "n_spellings": 2,
        "n_answers": 10,
        "n_invalid": 0,
        "round_trip": [False],
    }
    return {**usual, **given}


def open_study(evaluator: Evaluator, model: Any, options: dict[str, Any] | None = None, **given: Any) -> Any:
    return evaluator.open(Setup(model, settings_for(evaluator, given, options or {}), Path("unused.csv")))


def test_figures_by_hand(random_model: Any) -> None:
    study = open_study(retrosynthesis.EVALUATOR, random_model)
    records = [
        made(rank=1, maxfrag_rank=1, round_trip=[True]),
        made(rank=4, maxfrag_rank=2, n_invalid=5),
        made(maxfrag_rank=10, round_trip=[]),  # nothing valid to ask about: it does not lead back
        made(round_trip=[None]),  # could not be asked: it does not count
    ]
    figures = {figure.name: figure for figure in study.figures(records)}
    assert [figures[f"top_{k}"].value for k in (1, 3, 5, 10)] == [0.25, 0.25, 0.5, 0.5]
    assert [figures[f"maxfrag_{k}"].value for k in (1, 3, 5, 10)] == [0.25, 0.5, 0.5, 0.75]
    assert figures["invalid_share"].value == 5 / 40
    assert (figures["round_trip_1"].value, figures["round_trip_1"].n) == (1 / 3, 3)


def test_several_round_trips(random_model: Any) -> None:
    study = open_study(retrosynthesis.EVALUATOR, random_model, {"round_trip": 3})
    records = [made(round_trip=[False, True, True]), made(round_trip=[False]), made(round_trip=[True, False, False])]
    figures = {figure.name: figure for figure in study.figures(records)}
    assert figures["round_trip_1"].value == 1 / 3
    assert figures["round_trip_accuracy_3"].value == pytest.approx(3 / 7)
    assert figures["round_trip_coverage_3"].value == 2 / 3


def test_k_beyond_the_number_of_answers_is_not_told(random_model: Any) -> None:
    study = open_study(reaction.EVALUATOR, random_model, n=2, augment=2)
    assert [figure.name for figure in study.figures([made()])] == ["top_1", "top_3", "invalid_share", "spellings"]


@pytest.mark.parametrize("evaluator", [retrosynthesis.EVALUATOR, reaction.EVALUATOR], ids=lambda one: one.name)
def test_through_the_shipped_checkpoint(evaluator: Evaluator, shipped_model: Any) -> None:
    study = open_study(evaluator, shipped_model, n=3, augment=2, max_new_tokens=80)
    cases = list(study.cases([("row-1", ROW), ("row-2", {**ROW, "product": "C("})]))
    assert [bool(case.failed) for case in cases] == [False, True]
    (record,) = study.answer(cases[:1])
    assert record["n_answers"] == 6
    assert record["n_invalid"] + sum(1 for _ in record["predictions"]) <= 6
    expected = {"CC(=O)Nc1ccccc1"} if evaluator.name == "reaction" else {"CC(=O)Cl", "Nc1ccccc1"}
    assert set(record["truth"]) == expected
    if evaluator.name == "retrosynthesis" and record["predictions"]:
        assert record["round_trip"][0] in (True, False)


def test_the_round_trip_is_the_greedy_forward_answer(shipped_model: Any) -> None:
    from models.inference import SamplingOptions, generate_for_task
    from models.reactions.voting import candidate_of

    study = open_study(retrosynthesis.EVALUATOR, shipped_model, {"round_trip": 2}, n=4, max_new_tokens=80)
    (case,) = study.cases([("row-1", ROW)])
    (record,) = study.answer([case])
    greedy = SamplingOptions(temperature=0, top_p=1.0, repetition_penalty=1.0, max_new_tokens=80)
    for reactants, led_back in zip(record["predictions"], record["round_trip"], strict=False):
        inputs = [{"reactants": reactants}]
        (answer,) = generate_for_task(shipped_model.generate, "reaction", inputs, n=1, options=greedy)
        found = candidate_of([answer["smiles"]]) if answer["valid"] else None
        assert led_back == (found == case.truth["product"])
