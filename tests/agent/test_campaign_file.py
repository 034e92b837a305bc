"""Campaign files of every form: what becomes of them, and that every mistake is one line before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.campaign_file import TASKS, Request, beside, load_request, parse_request, parse_yaml, start_request, stored
from agent.config import Settings
from agent.session import Session
from agent.workflow.plan import Workflow
from agent.workflow.references import resolve
from agent.workflow.sweep import MAX_RUNS
from tools.errors import InputError

ONE_OF_EACH: dict[str, dict[str, Any]] = {
    "molecule": {"n": 2},
    "pocket": {"protein": "ABL1"},
    "retrosynthesis": {"molecule": "CC(=O)Nc1ccc(O)cc1"},
    "reaction": {"reactants": ["CC(=O)Cl", "Nc1ccccc1"]},
    "material": {"n": 1, "metal": "Zn"},
    "protein_edit": {"sequence": "GFP"},
    "antibody_cdr": {"heavy": "EVQLVESGGGLVQPGGSLRLSCAAS"},
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))


def asked(data: object, base: Path = Path("/")) -> Request:
    return parse_request(data, beside(base))


def campaigns(request: Request) -> dict[str, dict[str, Any]]:
    """Of a sweep: the document of each of its runs."""
    assert request.workflow is not None
    return {stage.id: resolve(stage.with_, lambda _: [])["campaign"] for stage in request.workflow.stages}


def test_a_ligand_campaign_is_a_campaign() -> None:
    request = asked({"target": "ABL1", "rounds": 2})
    assert request.kind == "campaign"
    assert request.campaign is not None
    assert request.campaign.rounds == 2


@pytest.mark.parametrize("task", TASKS)
def test_every_other_task_is_a_workflow_of_one_action(task: str) -> None:
    request = asked({"task": task, "name": "mine", "seed": 3, **ONE_OF_EACH[task]})
    assert request.kind == "workflow"
    assert request.workflow is not None
    (stage,) = request.workflow.stages
    assert (stage.do, stage.with_) == (TASKS[task], ONE_OF_EACH[task])
    assert (request.workflow.name, request.workflow.seed) == ("mine", 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"task": "poems"}, ["poems", "retrosynthesis", "ligand"]),
        ({"task": "retrosynthesis", "molecule": "CCO", "n_rutes": 3}, ["n_rutes", "did you mean `n_routes`?"]),
        ({"task": "retrosynthesis"}, ["`molecule` is missing"]),
        ({"task": "pocket", "protein": "ABL1", "rounds": 3}, ["unknown key `rounds`", "protein"]),
        ({"task": "ligand", "stages": []}, ["either `task` or `stages`"]),
        ({"target": "ABL1", "sweep": {"target": "EGFR"}}, ["sweep.target", "a list"]),
        ({"target": "ABL1", "sweep": {"target": []}}, ["sweep.target", "a list"]),
        ({"target": "ABL1", "sweep": {}}, ["sweep", "target: [ABL1"]),
        ({"target": "ABL1", "sweep": {"seed": [1, 1]}}, ["sweep.seed", "twice"]),
        ({"target": "ABL1", "sweep": {"seed": list(range(101))}}, ["101 runs", str(MAX_RUNS), "seed"]),
        ({"target": "ABL1", "sweep": {"seed": list(range(20)), "rounds": list(range(1, 7))}}, ["20 x 6 = 120 runs"]),
        ({"sweep": {"target": ["ABL1", "NOWHERE9"]}}, ["sweep at target=NOWHERE9", "NOWHERE9"]),
        ({"target": "ABL1", "sweep": {"roundz": [1, 2]}}, ["sweep at roundz=1", "did you mean `rounds`?"]),
        ({"target": "ABL1", "sweep": {"seed.x": [1]}, "seed": 3}, ["sweep.seed.x", "has no `x`"]),
        ([1], ["mapping"]),
    ],
)
def test_each_mistake_is_one_line_that_names_it(data: object, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        asked(data)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_a_sweep_is_the_product_of_its_values() -> None:
    data = {"name": "s", "target": "ABL1", "sweep": {"target": ["ABL1", "EGFR"], "docking.exhaustiveness": [1, 4]}}
    request = asked(data)
    assert request.workflow is not None
    assert request.workflow.sweep is not None
    found = campaigns(request)
    varied = [(c["target"]["name"], c["docking"]["exhaustiveness"]) for c in found.values()]
    assert varied == [("ABL1", 1), ("ABL1", 4), ("EGFR", 1), ("EGFR", 4)]
    assert list(request.workflow.sweep.points) == list(found)
    assert len({c["name"] for c in found.values()}) == 4


def test_a_sweep_goes_into_an_objective_by_its_score_and_into_a_stage_by_its_id() -> None:
    weights = {"objective": [{"score": "vina", "goal": "minimize"}], "sweep": {"objective.vina.weight": [1.0, 2.0]}}
    found = campaigns(asked({"target": "ABL1", **weights}))
    assert [c["objective"][0]["weight"] for c in found.values()] == [1.0, 2.0]
    stages = [
        {"id": "look", "do": "molecule_properties", "with": {"molecules": ["CCO"]}},
        {"id": "routes", "do": "plan_synthesis", "with": {"molecule": "$look.1"}},
    ]
    found = campaigns(asked({"stages": stages, "sweep": {"stages.routes.with.n_routes": [1, 2]}}))
    inner = [Workflow.model_validate(c).stages[1].with_ for c in found.values()]
    assert inner == [{"molecule": "$look.1", "n_routes": 1}, {"molecule": "$look.1", "n_routes": 2}]


def test_a_sweep_over_a_task_is_a_workflow_for_each() -> None:
    found = campaigns(asked({"task": "retrosynthesis", "sweep": {"molecule": ["CCO", "CCN"]}}))
    assert [Workflow.model_validate(asked(c).workflow).stages[0].with_ for c in found.values()] == [
        {"molecule": "CCO"},
        {"molecule": "CCN"},
    ]


def test_an_expanded_sweep_is_read_back_as_it_is(session: Session) -> None:
    request = asked({"target": "ABL1", "sweep": {"seed": [1, 2]}})
    document = request.document(session)
    again = parse_request(document, stored(session))
    assert again.workflow == Workflow.model_validate(document)


def test_files_lie_beside_the_file_that_names_them(tmp_path: Path, session: Session) -> None:
    (tmp_path / "p.pdb").write_text("END\n")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"task": "pocket", "protein": "p.pdb"}))
    request = load_request(tmp_path / "c.yaml")
    assert request.files == {"p.pdb": tmp_path / "p.pdb"}
    artifact = request.document(session)["files"]["p.pdb"]
    assert session.artifacts.read_text(artifact) == "END\n"


def test_a_sweep_keeps_the_files_of_its_campaigns(tmp_path: Path, session: Session) -> None:
    (tmp_path / "p.pdb").write_text("END\n")
    data = {"target": {"pdb": "p.pdb", "pocket": "from_ligand STI"}, "sweep": {"seed": [1, 2]}}
    request = asked(data, tmp_path)
    (artifact,) = request.document(session)["files"].values()
    assert session.artifacts.read_text(artifact) == "END\n"


@pytest.mark.parametrize(
    "data",
    [
        {"target": {"pdb": "/etc/hostname", "pocket": "from_ligand STI"}},
        {"target": {"pdb": "../p.pdb", "pocket": "from_ligand STI"}},
        {"target": "ABL1", "actives": "/etc/hostname"},
        {"target": "ABL1", "reference": "x.sdf"},
        {"task": "pocket", "protein": "/etc/hostname"},
        {"task": "pocket", "protein": "p.pdb"},
        {"stages": [{"id": "a", "do": "find_pockets", "foreach": ["p.pdb"], "with": {"protein": "$item"}}]},
        {"target": {"pocket": "from_ligand STI"}, "sweep": {"target.pdb": ["/etc/hostname", "/etc/hosts"]}},
    ],
)
def test_a_request_from_elsewhere_may_name_no_file_of_this_machine(data: dict[str, Any], session: Session) -> None:
    with pytest.raises(InputError, match="upload it"):
        parse_request(data, stored(session))


def test_a_request_from_elsewhere_names_files_by_artifact_or_handle(session: Session) -> None:
    artifact = session.artifacts.put("END\n", ".pdb")
    session.ledger.put_thread("t", "t")
    session.ledger.put_items("t", "up", [{"kind": "file", "value": artifact, "name": "p.pdb"}])
    for named in (artifact, "F1"):
        request = parse_request({"target": {"pdb": named, "pocket": "from_ligand STI"}}, stored(session, "t"))
        assert request.campaign is not None
        assert request.campaign.target.pdb == session.artifacts.path(artifact)


def test_a_started_request_is_a_queued_run_of_its_conversation(session: Session) -> None:
    session.ledger.put_thread("t2", "t2")
    run_id = start_request(session, asked({"task": "molecule", "n": 1}), thread_id="t2")
    record = session.ledger.get_run(run_id)
    assert (record.state, record.kind, record.campaign["thread_id"]) == ("queued", "workflow", "t2")
    assert session.ledger.get_thread("t2").runs == (run_id,)
    assert start_request(session, asked({"task": "molecule", "n": 5}), run_id=run_id) == run_id


@pytest.mark.parametrize("content", [b"target: [", b"- a\n", b"\xff\xfe\x00", b""])
def test_a_file_that_is_no_request_is_refused_with_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(InputError, match=r"c\.yaml"):
        load_request(tmp_path / "c.yaml")


@pytest.mark.parametrize("text", ["a: &z [1]\nb: [*z, *z]", "a: &z [*z]", "base: &z {n: 1}\nb: {<<: *z}"])
def test_a_few_lines_that_stand_for_gigabytes_or_for_themselves_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"aliases \(\*z\) are not read"):
        parse_yaml(text)
