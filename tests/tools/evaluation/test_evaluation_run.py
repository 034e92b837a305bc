"""The frame with real models: resumed runs, rows that cannot be computed, settings, wrong files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelInputError
from tools.errors import InputError
from tools.evaluation.protocol import Case, Evaluator, Record, Setup
from tools.evaluation.registry import EVALUATORS, load_evaluator
from tools.evaluation.run import Progress, Selection, run_evaluation, settings_for

ROOT = Path(__file__).resolve().parents[3]
REACTIONS = """id,reactants,product,split
a,CC(=O)Cl.Nc1ccccc1,CC(=O)Nc1ccccc1,valid
b,CCBr.[OH-],CCO,valid
c,C(.C,CC,valid
d,CC(=O)O.CO,,test
e,CC(=O)O.CCO,CCOC(C)=O,test
f,O=C(O)c1ccccc1.CO,COC(=O)c1ccccc1,test
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "reactions.csv"
    path.write_text(REACTIONS)
    return path


def small(evaluator: Evaluator, rows_at_once: int = 2) -> Evaluator:
    return replace(evaluator, rows_at_once=rows_at_once)


def run(model: Any, data: Path, task: str = "reaction", **kwargs: Any) -> dict[str, Any]:
    evaluator = small(load_evaluator(task))
    given = kwargs.pop("given", {"n": 3, "max_new_tokens": 40})
    references = kwargs.pop("references", ())
    setup = Setup(model, settings_for(evaluator, given, {}), data, references)
    return run_evaluation(evaluator, setup, **kwargs)


def timeless(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "seconds": 0}


class StoppedError(Exception):
    pass


def stop_after(n: int) -> Any:
    def listen(progress: Progress) -> None:
        if progress.done - progress.resumed >= n:
            raise StoppedError

    return listen


@pytest.mark.parametrize("task", ["reaction", "retrosynthesis"])
def test_an_interrupted_run_ends_in_the_report_of_an_undisturbed_one(
    tmp_path: Path, data: Path, random_model: Any, task: str
) -> None:
    whole = run(random_model, data, task, out=tmp_path / "whole")
    for attempt in range(3):
        if attempt < 2:
            with pytest.raises(StoppedError):
                run(random_model, data, task, out=tmp_path / "parts", on_progress=stop_after(2))
    records = tmp_path / "parts" / f"{task}.records.jsonl"
    records.write_bytes(records.read_bytes()[:-9])  # a kill in the middle of a line
    resumed: list[Progress] = []
    parts = run(random_model, data, task, out=tmp_path / "parts", on_progress=resumed.append)
    assert timeless(parts) == timeless(whole)
    assert resumed[-1].resumed == 3
    assert json.loads((tmp_path / "parts" / f"{task}.json").read_text()) == parts
    without = run(random_model, data, task)
    assert timeless(without) == timeless(whole)


def test_the_report_says_what_it_is_of(tmp_path: Path, data: Path, random_model: Any) -> None:
    notes: list[str] = []
    report = run(random_model, data, checkpoint_path="here", on_note=notes.append)
    assert set(report) == {
        *("task", "title", "figures", "settings", "key", "checkpoint", "device", "data", "references", "structures"),
        *("n_rows", "n_failed", "failed", "seconds", "versions"),
    }
    assert (report["n_rows"], report["n_failed"]) == (6, 2)
    assert report["failed"] == [
        {"case": "row-3", "reason": "reactants 'C(.C' is not SMILES that RDKit can read"},
        {"case": "row-4", "reason": "column product is empty"},
    ]
    assert report["figures"]["top_1"]["n"] == 4
    assert report["checkpoint"] == {"path": "here", "sha256": random_model.checkpoint_hash}
    assert report["settings"]["n"] == 3
    assert notes == [f"{data} holds several splits (test 3, valid 3), all are used; choose one with --where split=NAME"]
    json.dumps(report, allow_nan=False)


def test_rows_by_value_and_limit(data: Path, random_model: Any) -> None:
    report = run(random_model, data, selection=Selection({"split": "test"}, 2), on_note=pytest.fail)
    assert report["n_rows"] == 2
    assert report["settings"]["where"] == {"split": "test"}
    with pytest.raises(InputError, match="limit must be"):
        run(random_model, data, selection=Selection({}, 0))
    with pytest.raises(InputError, match="has no rows to limit"):
        run(random_model, data, "molecule", selection=Selection({}, 3))


def test_a_larger_limit_goes_on_from_a_smaller_one(tmp_path: Path, data: Path, random_model: Any) -> None:
    run(random_model, data, out=tmp_path / "o", selection=Selection({}, 2))
    seen: list[Progress] = []
    more = run(random_model, data, out=tmp_path / "o", selection=Selection({}, 5), on_progress=seen.append)
    assert seen[-1].resumed == 2
    assert timeless(more) == timeless(run(random_model, data, selection=Selection({}, 5)))


def test_more_samples_go_on_from_fewer(tmp_path: Path, random_model: Any, shipped_model: Any) -> None:
    known = tmp_path / "known.smi"
    known.write_text("CCO\nCCN\nc1ccccc1\n")
    few = {"n": 4, "max_new_tokens": 60}
    run(shipped_model, known, "molecule", given=few, out=tmp_path / "o")
    seen: list[Progress] = []
    more = run(shipped_model, known, "molecule", given={**few, "n": 10}, out=tmp_path / "o", on_progress=seen.append)
    assert (seen[-1].resumed, seen[-1].total) == (4, 10)
    assert timeless(more) == timeless(run(shipped_model, known, "molecule", given={**few, "n": 10}))
    with pytest.raises(InputError, match=r"settings\.seed 0 there, 1 now"):
        run(shipped_model, known, "molecule", given={**few, "seed": 1}, out=tmp_path / "o")
    with pytest.raises(InputError, match="checkpoint_sha256"):
        run(random_model, known, "molecule", given=few, out=tmp_path / "o")


def test_an_input_the_model_refuses_fails_alone(tmp_path: Path, random_model: Any) -> None:
    path = tmp_path / "texts.txt"
    path.write_text(f"<MoleculeS>CCO<MoleculeE>\n<MoleculeS>{'C' * 400}<MoleculeE>\n<MoleculeS>CC<MoleculeE>\n<Mole\n")
    evaluator = load_evaluator("perplexity")
    report = run_evaluation(evaluator, Setup(random_model, settings_for(evaluator, {}, {}), path))
    assert (report["n_rows"], report["n_failed"]) == (4, 2)
    reasons = {failed["case"]: failed["reason"] for failed in report["failed"]}
    assert "402 tokens" in reasons["row-2"] or "403 tokens" in reasons["row-2"]
    assert "no text of the grammar" in reasons["row-4"]
    assert report["figures"]["molecule_perplexity"]["n"] == 2


PROGRAM = """
import sys
from pathlib import Path
from models.registry import load_generator
from tools.evaluation.protocol import Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import run_evaluation, settings_for

evaluator = load_evaluator("molecule")
settings = settings_for(evaluator, {"n": 700, "max_new_tokens": 60}, {})
setup = Setup(load_generator(None, "cpu"), settings, Path(sys.argv[1]))
run_evaluation(evaluator, setup, out=Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_process_loses_at_most_its_batch(tmp_path: Path, shipped_model: Any) -> None:
    known = tmp_path / "known.smi"
    known.write_text("CCO\nCCN\nc1ccccc1\n")
    records = tmp_path / "o" / "molecule.records.jsonl"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(known), str(tmp_path / "o")], cwd=ROOT)
    while process.poll() is None and not (records.exists() and records.read_bytes().count(b"\n") > 200):
        time.sleep(0.02)
    process.kill()
    process.wait()
    evaluator = load_evaluator("molecule")
    setup = Setup(shipped_model, settings_for(evaluator, {"n": 700, "max_new_tokens": 60}, {}), known)
    seen: list[Progress] = []
    resumed = run_evaluation(evaluator, setup, out=tmp_path / "o", on_progress=seen.append)
    assert seen[-1].resumed >= 200
    assert timeless(resumed) == timeless(run_evaluation(evaluator, setup))


@dataclass
class Touchy:
    """Refuses odd rows; counts how often it was asked."""

    asked: list[int]

    def cases(self, rows: Any) -> list[Case]:
        return [Case(row_id, truth={"x": int(row["x"])}) for row_id, row in rows]

    def answer(self, cases: Sequence[Case]) -> list[Record]:
        self.asked.append(len(cases))
        for case in cases:
            if case.truth["x"] % 2:
                raise ModelInputError(f"{case.truth['x']} is odd")
        return [{"x": case.truth["x"]} for case in cases]

    def figures(self, records: Sequence[Record]) -> list[Any]:
        assert [record["x"] for record in records] == sorted(record["x"] for record in records)
        return []


def test_a_refused_batch_is_asked_one_by_one(tmp_path: Path, random_model: Any) -> None:
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(str, range(8))) + "\n")
    study = Touchy([])
    evaluator = Evaluator("touchy", "", lambda _: study, ("x",), rows_at_once=4)
    report = run_evaluation(evaluator, Setup(random_model, settings_for(evaluator, {}, {}), path))
    assert report["n_failed"] == 4
    assert [failed["reason"] for failed in report["failed"]] == [f"{n} is odd" for n in (1, 3, 5, 7)]
    assert study.asked == [4, 1, 1, 1, 1, 4, 1, 1, 1, 1]


def test_wrong_settings_are_refused_before_anything_runs() -> None:
    molecule, reaction = load_evaluator("molecule"), load_evaluator("reaction")
    with pytest.raises(InputError, match=r"no option 'dock'; its options: reference_size"):
        settings_for(molecule, {}, {"dock": True})
    with pytest.raises(InputError, match="one spelling"):
        settings_for(molecule, {"augment": 2}, {})
    with pytest.raises(InputError, match="augment must be"):
        settings_for(reaction, {"augment": 0}, {})
    with pytest.raises(ModelInputError, match="temperature"):
        settings_for(reaction, {"temperature": -1.0}, {})
    with pytest.raises(ModelInputError, match="cannot give n = 10"):
        settings_for(reaction, {"beams": 5}, {})
    assert settings_for(molecule, {"beams": 5}, {}).n == 1000
    assert settings_for(reaction, {"n": 4}, {}).n == 4


def test_wrong_files_are_refused(tmp_path: Path, data: Path, random_model: Any) -> None:
    with pytest.raises(InputError, match=r"no column 'smiles'; it has id, reactants, product, split"):
        run(random_model, data, "molecule")
    empty = tmp_path / "empty.csv"
    empty.write_text("reactants,product\n")
    with pytest.raises(InputError, match="has no rows"):
        run(random_model, empty)


def test_every_entry_of_the_table_is_an_evaluator() -> None:
    for name in EVALUATORS:
        evaluator = load_evaluator(name)
        assert evaluator.name == name
        assert evaluator.title
        settings_for(evaluator, {}, {})
    with pytest.raises(InputError, match=r"unknown evaluation 'poem'; there are molecule, "):
        load_evaluator("poem")
