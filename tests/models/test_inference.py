"""From plain inputs to ranked JSON lines, through a real (random) checkpoint and through the worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.backends.base import Request, Sample
from models.errors import ModelInputError
from models.grammar.tags import LOGOS_TAGS
from models.grammar.tasks import STOP, Task, needed_tags
from models.inference import (
    RANKED_BY_LOG_PROB,
    SamplingOptions,
    answer_inputs,
    generate_for_task,
    need_tags,
    refused_inputs,
)
from models.task_inputs import understand
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
        key = "log_prob" if task in RANKED_BY_LOG_PROB else "perplexity"
        ordered = sorted((line[key] for line in group), reverse=key == "log_prob")
        assert [line[key] for line in group] == ordered
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


class Written:
    """Writes given texts, one a sample in turn, with perplexities that fall: the last is the best. Keeps the
    requests."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.requests: list[Request] = []

    def __call__(self, requests: Any) -> list[Sample]:
        self.requests += requests
        found = []
        for request in requests:
            for index in range(request.n):
                text = self.texts.pop(0)
                found.append(Sample(request.request_id, index, text, (1,), -1.5, -1.0, 9.0 - index, "stop"))
        return found


ANTIBODY = {"id": "ab", "heavy": "EVQLAAACKLMNWVRQDDDWGQG", "loops": {"H1": [4, 7], "H3": [16, 19]}}


def test_each_loop_is_designed_with_those_before_it_filled_in() -> None:
    model = Written("GG<CdrE>", "STST<CdrE>", "ARD<CdrE>", "AKY<CdrE>")
    lines = list(generate_for_task(model, "antibody_cdr", [ANTIBODY], n=2, seed=4))
    prompts = [request.prompt for request in model.requests]
    assert prompts == [
        "<AntibodyS>EVQL<CdrS><CdrE>CKLMNWVRQDDDWGQG<AntibodyE><Design><CdrS>",
        "<AntibodyS>EVQLGGCKLMNWVRQ<CdrS><CdrE>WGQG<AntibodyE><Design><CdrS>",
        "<AntibodyS>EVQLSTSTCKLMNWVRQ<CdrS><CdrE>WGQG<AntibodyE><Design><CdrS>",
    ]
    assert len({request.request_id for request in model.requests}) == 3
    assert {request.seed for request in model.requests} == {4}
    assert [line["loops"] for line in lines] == [{"H1": "GG", "H3": "ARD"}, {"H1": "STST", "H3": "AKY"}]
    assert [line["log_prob"] for line in lines] == [-3.0, -3.0]
    assert lines[0]["text"] == "GG<CdrE><CdrS>ARD<CdrE>"


def test_a_malformed_loop_ends_its_design_and_no_other() -> None:
    model = Written("GXG<CdrE>", "STST<CdrE>", "AKY<CdrE>")
    lines = {line["text"]: line for line in generate_for_task(model, "antibody_cdr", [ANTIBODY], n=2)}
    assert lines["STST<CdrE><CdrS>AKY<CdrE>"]["valid"]
    ended = lines["GXG<CdrE>"]
    assert (ended["valid"], ended["loops"], ended["log_prob"]) == (False, None, -1.5)
    assert ended["reason"] == "loop H1: residue 1 is 'X', not one of the twenty amino acids"


def test_equal_answers_merge_by_what_they_mean() -> None:
    texts = [
        "<MoleculeS>CCO<MoleculeE><MoleculeS>CC<MoleculeE>",
        "<MoleculeS>C1C<MoleculeE>",
        "<MoleculeS>CC<MoleculeE><MoleculeS>OCC<MoleculeE>",
        "<MoleculeS>C1C<MoleculeE>",
        "<MoleculeS>C<MoleculeE>",
    ]
    kept = list(generate_for_task(Written(*texts), "retrosynthesis", [{"product": "CC"}], n=5))
    merged = list(generate_for_task(Written(*texts), "retrosynthesis", [{"product": "CC"}], n=5, distinct=True))
    assert len(kept) == 5
    assert "copies" not in kept[0]
    assert [(line["rank"], line["text"], line["copies"]) for line in merged] == [
        (1, texts[4], 1),
        (2, texts[1], 2),
        (3, texts[2], 2),
    ]
    assert merged[2]["reactants"] == ["CC", "CCO"]


def test_lines_of_logos_may_share_an_id() -> None:
    given = [{"id": "a", "protein_pocket_ligand": f"<ProteinS>{chain}<ProteinE><MoleculeS>"} for chain in ("MK", "MT")]
    model = Written("C<MoleculeE>", "CC<MoleculeE>")
    lines = list(generate_for_task(model, "ligand", given, n=1))
    assert [(line["id"], line["smiles"]) for line in lines] == [("a", "C"), ("a", "CC")]
    assert len({request.request_id for request in model.requests}) == 2


def test_unranked_answers_come_as_they_finish() -> None:
    asked = [understand("material", at, {}) for at in range(2)]
    model = Written(*["<MetalS>[Zn]<MetalE><MaterialE>"] * 4)
    found = list(answer_inputs(model, "material", asked, n=2, ranked=False))
    assert [(one.asked.name, one.sample.index, one.rank) for one in found] == [
        ("0", 0, 0),
        ("0", 1, 0),
        ("1", 0, 0),
        ("1", 1, 0),
    ]


def test_what_the_model_refuses_is_told_by_place(model: Any) -> None:
    asked = [understand("pocket", at, {"sequence": "M" * length}) for at, length in enumerate((10, 200, 20))]
    refused = refused_inputs(model.generate, "pocket", asked, SHORT)
    assert list(refused) == [1]
    assert "205 tokens" in refused[1]
    assert "96" in refused[1]


def test_tags_a_tokenizer_lacks_are_named() -> None:
    for task in STOP:
        need_tags(needed_tags(task), task)
    need_tags(LOGOS_TAGS, "retrosynthesis")
    with pytest.raises(ModelInputError, match="lacks <CdrS>, <CdrE>, <Design>, which task antibody_cdr"):
        need_tags(LOGOS_TAGS, "antibody_cdr")
    with pytest.raises(ModelInputError, match="its tags: none"):
        need_tags([], "molecule")


@pytest.mark.parametrize("task", INPUTS)
def test_the_tags_of_a_task_are_those_of_its_prompt_and_its_stop(task: Task) -> None:
    prompt = understand(task, 0, INPUTS[task][0]).prompt
    used = {f"<{name}>" for piece in prompt.split("<")[1:] for name in [piece.split(">")[0]]}
    stop = STOP[task]
    assert used | ({stop} if stop else set()) <= set(needed_tags(task))
