"""The card's evaluations run on several processes, go on after a stop, and give what the plain command gives."""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint import SHIPPED_CHECKPOINT
from models.registry import load_generator
from tools.errors import InputError
from tools.evaluation.card_plan import card_evaluation
from tools.evaluation.protocol import Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import run_evaluation, settings_for

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "card_evaluations.py"
MOLECULES = ("CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CCN(CC)CC", "Cc1ccccc1", "OCC(O)CO")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "chem"
    folder.mkdir(parents=True)
    for name in ("zinc250k.smi.gz", "enamine50k.smi.gz"):
        with gzip.open(folder / name, "wt") as file:
            file.write("\n".join(MOLECULES) + "\n")
    with gzip.open(folder / "bioactive.tsv.gz", "wt") as file:
        file.write("smiles\tsources\n" + "".join(f"{one}\tx\n" for one in MOLECULES))
    return folder.parent


def run(data: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT)]
    size = ["--share", "0.026", "--part-seconds", "3"]
    options = ["--data", str(data), "--out", str(out), "--processes", "2", *size, *words]
    return subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_parts_are_joined_and_a_failing_evaluation_costs_the_others_nothing(data: Path, tmp_path: Path) -> None:
    """Equal to the plain command, down to the bytes of the figures; what is complete is not done again."""
    out = tmp_path / "out"
    done = run(data, out, "--only", "molecule", "reaction")
    assert done.returncode == 1
    assert "failed: reaction:" in done.stderr
    assert "uspto15k_forward.csv.gz cannot be read" in done.stderr
    report: dict[str, Any] = json.loads((out / "molecule" / "molecule.json").read_text())
    assert (report["n_rows"], report["settings"]["n"]) == (260, 260)
    assert json.loads((out / "seconds.json").read_text())["molecule"] > 0
    evaluator = load_evaluator("molecule")
    references = tuple(data / name for name in card_evaluation("molecule").references)
    settings = settings_for(evaluator, {"n": 260}, {})
    setup = Setup(load_generator(None, "cpu"), settings, references[0], references)
    assert run_evaluation(evaluator, setup)["figures"] == report["figures"]
    again = run(data, out, "--only", "molecule")
    assert len(list((out / "molecule" / "parts").glob("*.jsonl"))) == 3
    assert (again.returncode, "molecule: done before" in again.stderr) == (0, True)


def test_a_threshold_that_was_not_chosen_is_said(data: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("card_evaluations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["card_evaluations"] = module
    spec.loader.exec_module(module)
    schedule = module.Schedule(["pocket"], data, tmp_path, SHIPPED_CHECKPOINT, 1.0, 6.0)
    with pytest.raises(InputError, match="run pocket_valid first"):
        schedule.first()
    report = tmp_path / "pocket_valid" / "pocket.json"
    report.parent.mkdir()
    report.write_text(json.dumps({"figures": {"best_threshold": {"value": 0.12345}}}))
    jobs = schedule.first()
    assert {job.evaluation.options["vote_threshold"] for job in jobs} == {0.1235}
    assert [job.part for job in jobs] == list(range(jobs[0].n_parts))
    report.write_text(json.dumps({"figures": {"best_threshold": {"value": None}}}))
    with pytest.raises(InputError, match="gave no threshold"):
        schedule.first()
