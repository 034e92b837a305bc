"""Figures of edited proteins from records by hand, the choice of designs and parents, runs on a random checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError, UnavailableError
from tools.evaluation.protein_edit import EVALUATOR
from tools.evaluation.protocol import Setup
from tools.evaluation.run import run_evaluation, settings_for

ROWS = [
    {"sequence": sequence, "score": str(score), "ggs_medium": str(int(score in (1, 2))), "ggs_hard": "0"}
    for sequence, score in (("AAAA", 0), ("AAAC", 1), ("AACC", 2), ("ACCC", 3), ("CCCC", 4))
]


def open_study(model: Any, given: dict[str, Any] | None = None, tools: Any = None, **options: Any) -> Any:
    settings = settings_for(EVALUATOR, given or {}, {"repeats": 2, **options})
    return EVALUATOR.open(Setup(model, settings, Path("unused.csv"), tools=tools or {}))


def cases(study: Any, rows: list[dict[str, str]]) -> list[Any]:
    return list(study.cases([(f"row-{at}", row) for at, row in enumerate(rows, 1)]))


def design(sequence: str, repeat: int, perplexity: float, fitness: float | None, **more: Any) -> dict[str, Any]:
    usual = {"valid": True, "mutations": 1, "off_site": False, "to_start": 1, "measured": None}
    return {"repeat": repeat, "sequence": sequence, "perplexity": perplexity, "fitness": fitness, **usual, **more}


def test_parents_are_the_fittest_of_the_start_set_in_turn(random_model: Any) -> None:
    made = cases(open_study(random_model, {"n": 3}), ROWS)
    assert [case.inputs["sequence"] for case in made] == ["AACC", "AAAC", "AACC"] * 2
    assert len({case.case_id for case in made}) == 6
    one = cases(open_study(random_model, {"n": 2}, parents=1), ROWS)
    assert {case.inputs["sequence"] for case in one} == {"AACC"}
    drawn = cases(open_study(random_model, {"n": 2}, parents=1, parents_by="random", repeats=40), ROWS)
    assert {case.inputs["sequence"] for case in drawn} == {"AACC", "AAAC"}, "drawn anew in each repeat"


def test_percentiles_and_gap_are_arguments(random_model: Any) -> None:
    study = open_study(random_model, {"n": 5}, low_percentile=0, high_percentile=50, gap=3)
    assert {case.inputs["sequence"] for case in cases(study, ROWS)} == {"AAAA", "AAAC"}


def test_figures_by_hand(random_model: Any) -> None:
    study = open_study(random_model, tools={"fitness": lambda sequences: [1.0] * len(sequences)}, designs=2)
    cases(study, ROWS)
    records = [
        design("CCCC", 0, 2.0, 4.0, to_start=2, measured=4.0, mutations=2),
        design("CCCC", 0, 1.5, 4.0, to_start=2, measured=4.0, mutations=2),  # the same design, likelier
        design("DDDD", 0, 3.0, 2.0, to_start=4, mutations=4),
        design("EEEE", 0, 9.0, 0.0, to_start=4, mutations=4),  # the third: not among the two designs
        design("AACC", 0, 1.0, 2.0, to_start=0, mutations=0),  # in the start set: not new
        {"repeat": 0, "sequence": "AA", "valid": False, "reason": "2 residues, not 4"},
        design("ACDE", 1, 2.0, None, to_start=3, mutations=3),
    ]
    figures = {figure.name: figure for figure in study.figures(records)}
    assert figures["valid"].value == pytest.approx(6 / 7)
    assert figures["new"].value == pytest.approx(5 / 6)
    assert figures["mutations"].value == pytest.approx((2 + 2 + 4 + 4 + 0 + 3) / 6)
    assert figures["designs"].value == pytest.approx((2 + 1) / 2)
    assert figures["fitness"].value == pytest.approx((1.0 + 0.5) / 2), "the median of 4 and 2 on a scale of 0 to 4"
    assert figures["fitness"].n == 1, "a repeat whose designs cannot be judged has no fitness"
    assert figures["diversity"].value == pytest.approx(4.0)
    assert figures["novelty"].value == pytest.approx((3 + 3) / 2)
    assert figures["measured"].value == pytest.approx(1 / 3)
    assert figures["measured_fitness"].value == 1.0
    assert figures["start_fitness"].value == pytest.approx(0.375)
    assert figures["start_best"].value == 0.5


def test_without_an_evaluator_fitness_is_not_computed(random_model: Any) -> None:
    study = open_study(random_model)
    cases(study, ROWS)
    figures = {figure.name: figure for figure in study.figures([design("CCCC", 0, 2.0, None)])}
    assert figures["fitness"].value is None
    assert "needs an evaluator" in figures["fitness"].definition
    assert figures["novelty"].value == 1.0


@pytest.mark.parametrize(
    ("options", "fault", "words"),
    [
        ({"evaluator": "oracle"}, InputError, "oracle"),
        ({"evaluator": "tool"}, UnavailableError, "no fitness tool"),
        ({"start": "easy"}, InputError, "easy"),
        ({"parents_by": "luck"}, InputError, "luck"),
    ],
)
def test_wrong_options_are_named(random_model: Any, options: dict[str, Any], fault: type, words: str) -> None:
    with pytest.raises(fault, match=words):
        cases(open_study(random_model, **options), ROWS)


class Editor:
    """A generator that writes chosen children: what the random checkpoint almost never does is a valid chain."""

    device, memory_bytes, checkpoint_hash = "cpu", 0, "written by hand"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def generate(self, requests: Any) -> Any:
        from models.backends.base import Sample

        for at, request in enumerate(requests):
            text = self.texts[at % len(self.texts)] + "<ProteinE>"
            yield Sample(request.request_id, 0, text, (1,), -1.0, -1.0, 2.0 + at, "stop")


def test_designs_are_judged_as_they_are_written() -> None:
    study = open_study(Editor("CCCC", "CCC", "AACB", "AACC"), {"n": 4}, repeats=1, evaluator="lookup")
    made = cases(study, ROWS)
    full, short, foreign, unchanged = study.answer(made)
    assert full["fitness"] == full["measured"] == 4.0
    assert full["to_start"] == 2
    assert full["mutations"] == 2
    assert not short["valid"]
    assert short["reason"] == "3 residues, not 4"
    assert "'B'" in foreign["reason"]
    assert unchanged["to_start"] == 0


def test_gb1_looks_up_four_sites() -> None:
    from tools.evaluation.start_sets import GB1

    rows = [
        {"variant4": v, "fitness": f} for v, f in (("VDGV", "1.0"), ("ADGV", "0.5"), ("AAAA", "0.0"), ("WWGV", "4.0"))
    ]
    child = "W" + GB1[1:38] + "WW" + GB1[40:]
    study = open_study(Editor(child), {"n": 1}, repeats=1, low_percentile=0, high_percentile=50)
    (record,) = study.answer(cases(study, rows))
    assert record["fitness"] == 4.0
    assert record["off_site"], "its first residue is changed too"
    assert record["measured"] is None
    figures = {figure.name: figure.value for figure in study.figures([record])}
    assert figures["fitness"] == 1.0
    assert figures["off_site"] == 1.0
    assert figures["annealing_fitness"] is not None


def test_run_on_a_random_checkpoint_goes_on(random_model: Any, tmp_path: Path) -> None:
    data = tmp_path / "landscape.csv"
    data.write_text(
        "sequence,score,ggs_medium\n" + "".join(f"{r['sequence']},{r['score']},{r['ggs_medium']}\n" for r in ROWS)
    )

    def run(n: int, out: str) -> dict[str, Any]:
        settings = settings_for(EVALUATOR, {"n": n}, {"repeats": 2})
        report = run_evaluation(EVALUATOR, Setup(random_model, settings, data), out=tmp_path / out)
        return {**report, "seconds": 0}

    run(2, "first")
    assert run(4, "first") == run(4, "second"), "a larger n goes on from a smaller one"
    assert run(4, "second")["n_rows"] == 8
