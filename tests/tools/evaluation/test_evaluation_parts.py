"""An evaluation answered in parts by several processes ends in the report of an undivided run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.evaluation.protocol import Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import Selection, answer_part, run_evaluation, settings_for

REACTIONS = """reactants,product
CC(=O)Cl.Nc1ccccc1,CC(=O)Nc1ccccc1
CCBr.[OH-],CCO
C(.C,CC
CC(=O)O.CO,COC(C)=O
CC(=O)O.CCO,CCOC(C)=O
"""


def test_joined_parts_give_the_report_of_one_run(tmp_path: Path, random_model: Any) -> None:
    data = tmp_path / "reactions.csv"
    data.write_text(REACTIONS)
    evaluator = replace(load_evaluator("reaction"), rows_at_once=1)
    setup = Setup(random_model, settings_for(evaluator, {"n": 2, "max_new_tokens": 30}, {}), data)
    whole = run_evaluation(evaluator, setup, out=tmp_path / "whole")
    files = [tmp_path / "parts" / f"{part}.jsonl" for part in range(3)]
    for part, path in enumerate(files):
        answer_part(evaluator, setup, selection=Selection(), records=path, part=part, n_parts=3)
    assert [len(path.read_text().splitlines()) - 1 for path in files] == [2, 2, 1]
    joined = run_evaluation(evaluator, setup, out=tmp_path / "joined", parts=files)
    assert {**joined, "seconds": 0} == {**whole, "seconds": 0}
    again = run_evaluation(evaluator, setup, out=tmp_path / "joined", parts=files)
    assert again["figures"] == whole["figures"]


def test_parts_of_other_settings_are_refused(tmp_path: Path, random_model: Any) -> None:
    data = tmp_path / "reactions.csv"
    data.write_text(REACTIONS)
    evaluator = load_evaluator("reaction")
    setup = Setup(random_model, settings_for(evaluator, {"n": 1, "max_new_tokens": 8}, {}), data)
    part = tmp_path / "part.jsonl"
    answer_part(evaluator, setup, selection=Selection(), records=part, part=0, n_parts=1)
    other = replace(setup, settings=replace(setup.settings, seed=5))
    with pytest.raises(InputError, match="records of other settings"):
        run_evaluation(evaluator, other, out=tmp_path / "out", parts=[part])
    with pytest.raises(ValueError, match="part 2 is not one of 2"):
        answer_part(evaluator, setup, selection=Selection(), records=part, part=2, n_parts=2)
