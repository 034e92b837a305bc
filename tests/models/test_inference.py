"""From plain inputs to ranked JSON lines, through a real (random) checkpoint and through the worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelInputError
from models.grammar.tasks import Task
from models.inference import SamplingOptions, generate_for_task
from models.worker import ModelWorker

SHORT = SamplingOptions(max_new_tokens=24)
INPUTS: dict[Task, list[dict[str, Any]]] = {
    "molecule": [{}],
    "material": [{}],
    "ligand": [{"sequence": "MKTAYIAK", "pocket": [1, 2]}],
    "pocket": [{"sequence": "MKTAYIAK"}],
    "retrosynthesis": [
        {"id": "aspirin", "product": "CC(=O)Oc1ccccc1C(=O)O"},
        {"id": "ethanol", "product": "CCO"},
    ],
    "reaction": [{"reactants": ["CCO", "CC(=O)O"]}],
    "protein_edit": [{"sequence": "MKTAYIAK"}],
    "antibody_cdr": [{"heavy": "EVQLCARDYWGQ", "loops": {"H3": [5, 9]}}],
}
FIELDS = {
    "molecule": {"smiles"},
    "material": {"metals", "linkers"},
    "ligand": {"smiles"},
    "pocket": {"residues"},
    "retrosynthesis": {"reactants"},
    "reaction": {"smiles"},
    "protein_edit": {"sequence"},
    "antibody_cdr": {"loops"},
}
COMMON = {"id", "task", "rank", "text", "valid", "reason", "log_prob", "perplexity", "finish_reason"}


@pytest.fixture(scope="module")
def model(our_checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(our_checkpoint, device="cpu")


@pytest.mark.parametrize("task", INPUTS)
def test_every_task_gives_ranked_json_lines(model: Any, task: Task) -> None:
    lines = list(generate_for_task(model.generate, task, INPUTS[task], n=12, seed=1, options=SHORT))
    assert len(lines) == 12 * len(INPUTS[task])
    for start in range(0, len(lines), 12):
        group = lines[start : start + 12]
        assert len({line["id"] for line in group}) == 1
        assert [line["rank"] for line in group] == list(range(1, 13))
        assert [line["perplexity"] for line in group] == sorted(line["perplexity"] for line in group)
    for line in lines:
        assert set(line) == COMMON | FIELDS[task]
        assert json.loads(json.dumps(line, allow_nan=False)) == line
        assert line["valid"] == (line["reason"] == "")
        assert line["finish_reason"] == "stop" or not line["valid"]
    assert not all(line["valid"] for line in lines)


def test_same_seed_same_lines_directly_or_through_the_worker(model: Any) -> None:
    inputs = INPUTS["retrosynthesis"]
    direct = list(generate_for_task(model.generate, "retrosynthesis", inputs, n=4, seed=9, options=SHORT))
    with ModelWorker(model) as worker:
        served = list(generate_for_task(worker.submit, "retrosynthesis", inputs, n=4, seed=9, options=SHORT))
    other = list(generate_for_task(model.generate, "retrosynthesis", inputs, n=4, seed=10, options=SHORT))
    assert direct == served
    assert [line["text"] for line in direct] != [line["text"] for line in other]


def test_wrong_input_is_refused_before_generation(model: Any) -> None:
    with pytest.raises(ModelInputError, match="input 'bad'"):
        generate_for_task(model.generate, "retrosynthesis", [{"product": "C"}, {"id": "bad", "product": "C("}])
    with pytest.raises(ModelInputError, match="unknown task"):
        generate_for_task(model.generate, "poem", [{}])
    with pytest.raises(ModelInputError, match="'x' is used twice"):
        generate_for_task(model.generate, "molecule", [{"id": "x"}, {"id": "x"}])
    with pytest.raises(ModelInputError, match="n must be"):
        generate_for_task(model.generate, "molecule", [{}], n=0)
