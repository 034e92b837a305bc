"""Failures on the card are the first of a run in the order of its cases, told from real records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.evaluation.card_failures import collect_failures
from tools.evaluation.protocol import Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import Selection, answer_part, run_evaluation, settings_for

CHAIN = "MKTAYIAKQRQISFVKSHFSRQ"


def test_first_failures_whatever_the_order_of_the_parts(tmp_path: Path, random_model: Any) -> None:
    """A random model fails always, so the first samples are the first failures."""
    data = tmp_path / "known.smi"
    data.write_text("CCO\nCCN\nc1ccccc1\n")
    evaluator = replace(load_evaluator("molecule"), rows_at_once=2)
    setup = Setup(random_model, settings_for(evaluator, {"n": 12, "max_new_tokens": 12}, {}), data)
    parts = [tmp_path / f"{part}.jsonl" for part in range(2)]
    for part, path in enumerate(parts):
        answer_part(evaluator, setup, selection=Selection(), records=path, part=part, n_parts=2)
    run_evaluation(evaluator, setup, out=tmp_path / "molecule", parts=list(reversed(parts)))
    lines = (tmp_path / "molecule" / "molecule.records.jsonl").read_text().splitlines()[1:]
    records = {record["case"]: record for record in map(json.loads, lines)}
    failed = [records[f"sample-{n}"] for n in range(1, 13) if records[f"sample-{n}"]["smiles"] is None]
    assert len(failed) > 3
    found = collect_failures(tmp_path)
    assert [one.output for one in found] == [record["text"] for record in failed[:3]]
    assert {one.prompt for one in found} == {"<MoleculeS>"}
    assert all(one.why for one in found)


def records(folder: Path, task: str, *rows: dict[str, Any]) -> None:
    folder.mkdir()
    lines = [{"identity": {}}, *({"case": f"row-{n}", **row} for n, row in enumerate(rows, 1))]
    (folder / f"{task}.records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_only_what_failed_is_told(tmp_path: Path) -> None:
    chain = {"chain": "", "sequence": CHAIN, "truth": [3, 4], "n_samples": 4, "n_valid": 2}
    right, wrong = [0.0] * 3 + [1.0] * 2 + [0.0] * 17, [1.0] + [0.0] * 21
    rows = [{"chains": [{**chain, "votes": votes}]} for votes in (right, wrong)]
    records(tmp_path / "pocket_samples", "pocket", *rows, {"failed": "too long"})
    loops = [
        {"loop": "H3", "truth": "ARDYWGQG", "designed": ["ARDYWGQG"]},
        {"loop": "H3", "truth": "ARDYWGQG", "designed": ["GGGG"]},
        {"loop": "H3", "truth": "ARDYWGQG", "designed": []},
    ]
    records(tmp_path / "antibody_cdr", "antibody_cdr", *loops)
    reactions = [
        {"rank": rank, "reactants": ["CCO", "CC"], "truth": ["CCC"], "predictions": predictions, "n_distinct": 2}
        for rank, predictions in ((1, [["CCC"]]), (None, [["C", "O"]]), (None, []))
    ]
    records(tmp_path / "reaction", "reaction", *reactions)
    told = [(one.task, one.prompt, one.output, one.why) for one in collect_failures(tmp_path)]
    assert told == [
        ("Forward reactions", "CCO.CC", "C.O", "not among 2 distinct answers is the recorded `CCC`"),
        ("Forward reactions", "CCO.CC", "nothing valid", "not among 2 distinct answers is the recorded `CCC`"),
        (
            "Pocket search by sampling",
            CHAIN,
            "0",
            "of the 2 labelled residues none is marked (2 of 4 answers valid)",
        ),
        ("CDR loops", "the framework around ARDYWGQG", "GGGG", "0 % of the true loop is recovered"),
        ("CDR loops", "the framework around ARDYWGQG", "no valid loop", "no answer was a loop"),
    ]
    assert len(collect_failures(tmp_path, each=1)) == 3


def test_damaged_records_are_said(tmp_path: Path) -> None:
    (tmp_path / "material").mkdir()
    (tmp_path / "material" / "material.records.jsonl").write_text("{}\n{broken\n")
    with pytest.raises(InputError, match="cannot be read as records"):
        collect_failures(tmp_path)
