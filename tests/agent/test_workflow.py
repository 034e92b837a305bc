"""Workflows executed for real, over cheap actions: order, failures, what `when` holds back, stop, resume, document."""

from __future__ import annotations

import csv
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.campaign_file import beside, parse_request, start_request
from agent.config import Settings
from agent.interface.workflow_schemas import StageReport, WorkflowResult
from agent.session import Session
from tools.errors import OrganonError

ASPIRIN, BENZYL_CHLORIDE, ETHANOL = "CC(=O)Oc1ccccc1C(=O)O", "ClCc1ccccc1", "CCO"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))


def look(stage: str, *molecules: str, **more: Any) -> dict[str, Any]:
    return {"id": stage, "do": "molecule_properties", "with": {"molecules": list(molecules)}, **more}


def failing(stage: str, **more: Any) -> dict[str, Any]:
    """A stage whose only call fails: there is no such run."""
    return {"id": stage, "do": "run_status", "with": {"run_id": "000000000000"}, **more}


def start(session: Session, *stages: dict[str, Any], **more: Any) -> str:
    return start_request(session, parse_request({"name": "test", "stages": list(stages), **more}, beside(Path("/"))))


def result_of(session: Session, run_id: str) -> WorkflowResult:
    return WorkflowResult.model_validate(session.ledger.get_run(run_id).result)


def states(result: WorkflowResult) -> dict[str, str]:
    return {report.id: report.state for report in result.stages}


def stage(result: WorkflowResult, name: str) -> StageReport:
    return next(report for report in result.stages if report.id == name)


def test_each_stage_uses_what_the_one_before_made(session: Session) -> None:
    run_id = start(session, look("first", ASPIRIN, ETHANOL), look("second", "$first.2"))
    assert session.execute(run_id).state == "done"
    result = result_of(session, run_id)
    assert states(result) == {"first": "done", "second": "done"}
    assert result.enough
    (call,) = stage(result, "second").calls
    assert call.args["molecules"] == ["M2"]
    assert call.call_id == f"{run_id}.second.1"
    assert [item.value for item in call.result.items if item.kind == "molecule"] == [ETHANOL]
    assert ("M2", call.result.items[0].handle) in {(link.source, link.target) for link in result.links}


def test_the_log_has_a_plan_a_call_and_a_result_for_each_call(session: Session) -> None:
    run_id = start(session, look("first", ASPIRIN), look("each", "$item", foreach=[ETHANOL, BENZYL_CHLORIDE]))
    session.execute(run_id)
    events = session.ledger.events(run_id)
    (plan,) = [event.payload for event in events if event.type == "plan"]
    assert [step["stage"] for step in plan["steps"]] == ["first", "each"]
    called = [event.payload["call_id"] for event in events if event.type == "tool_call"]
    assert called == [f"{run_id}.first.1", f"{run_id}.each.1", f"{run_id}.each.2"]
    assert called == [event.payload["call_id"] for event in events if event.type == "tool_result"]


def test_a_failed_stage_ends_its_dependents_only(session: Session) -> None:
    needs = {"id": "needs", "do": "run_status", "with": {"run_id": "$bad.1"}}
    run_id = start(session, failing("bad"), needs, look("other", ETHANOL))
    with pytest.raises(OrganonError, match="stage bad"):
        session.execute(run_id)
    assert session.ledger.get_run(run_id).state == "failed"
    result = result_of(session, run_id)
    assert states(result) == {"bad": "failed", "needs": "skipped", "other": "done"}
    assert "needs stage `bad`, which failed" in stage(result, "needs").reason
    assert stage(result, "bad").calls[0].result.fault == "input"
    assert not result.enough


def test_a_failure_that_may_be_does_not_count_against_the_whole(session: Session) -> None:
    run_id = start(session, failing("bad", continue_on_failure=True), look("other", ETHANOL))
    assert session.execute(run_id).state == "done"
    result = result_of(session, run_id)
    assert states(result) == {"bad": "failed", "other": "done"}
    assert result.enough


def test_a_foreach_goes_on_after_a_failure_only_where_told(session: Session) -> None:
    each = {"do": "run_status", "foreach": ["000000000000", "000000000001"], "with": {"run_id": "$item"}}
    run_id = start(session, {"id": "stops", **each}, {"id": "goes", **each, "continue_on_failure": True})
    with pytest.raises(OrganonError, match="stage stops"):
        session.execute(run_id)
    result = result_of(session, run_id)
    assert [len(report.calls) for report in result.stages] == [1, 2]


def test_what_needs_a_stage_that_failed_in_part_runs_only_where_told(session: Session) -> None:
    each = {"foreach": [ETHANOL, "no SMILES("]}
    run_id = start(
        session,
        look("part", "$item", **each),
        look("needs", "$part.1"),
        look("told", "$item", **each, continue_on_failure=True),
        look("goes", "$told.1"),
    )
    with pytest.raises(OrganonError, match="stage part"):
        session.execute(run_id)
    result = result_of(session, run_id)
    assert states(result) == {"part": "partial", "needs": "skipped", "told": "partial", "goes": "done"}
    assert "needs stage `part`, which failed" in stage(result, "needs").reason


def test_an_item_that_was_not_made_skips_the_stage_with_the_reason(session: Session) -> None:
    run_id = start(session, look("first", ETHANOL), look("fifth", "$first.molecule.5"), look("none", "$first.route.1"))
    assert session.execute(run_id).state == "done"
    result = result_of(session, run_id)
    assert states(result) == {"first": "done", "fifth": "skipped", "none": "skipped"}
    assert "gave 1 molecule" in stage(result, "fifth").reason
    assert not result.enough


def test_the_seed_of_the_file_reaches_actions_that_take_one(session: Session) -> None:
    run_id = start(session, look("first", ETHANOL), seed=41)
    session.execute(run_id)
    assert session.ledger.get_run(run_id).seed == 41
    assert result_of(session, run_id).seed == 41


def test_a_resumed_workflow_repeats_what_failed_and_nothing_else(session: Session) -> None:
    run_id = start(session, look("first", ETHANOL), failing("bad"))
    for _ in range(2):
        with pytest.raises(OrganonError):
            session.execute(run_id)
    called = [e.payload["call_id"] for e in session.ledger.events(run_id) if e.type == "tool_call"]
    assert called == [f"{run_id}.first.1", f"{run_id}.bad.1", f"{run_id}.bad.1"]
    assert len(session.ledger.items(run_id)) == 1


def test_a_stop_between_calls_keeps_what_is_done_and_a_resume_does_the_rest(session: Session) -> None:
    molecules = ["C" * n + "O" for n in range(1, 31)]
    run_id = start(session, look("each", "$item", foreach=molecules), look("last", "$each.1"))

    def stop_after_two() -> None:
        while len([e for e in session.ledger.events(run_id) if e.type == "tool_result"]) < 2:
            time.sleep(0.005)
        session.manager.request_stop(run_id)

    stopper = threading.Thread(target=stop_after_two)
    stopper.start()
    record = session.execute(run_id)
    stopper.join()
    stopped = result_of(session, run_id)
    assert record.state == stopped.state == "stopped"
    assert states(stopped) == {"each": "stopped", "last": "stopped"}
    done = len(stage(stopped, "each").calls)
    assert 2 <= done < len(molecules)
    assert session.execute(run_id).state == "done"
    result = result_of(session, run_id)
    assert [call.result.items[0].value for call in stage(result, "each").calls] == molecules
    called = [e.payload["call_id"] for e in session.ledger.events(run_id) if e.type == "tool_call"]
    assert len(called) == len(set(called)) == len(molecules) + 1


def test_a_paused_workflow_waits_and_goes_on(session: Session) -> None:
    molecules = ["C" * n + "N" for n in range(1, 13)]
    run_id = start(session, look("each", "$item", foreach=molecules))
    runner = threading.Thread(target=lambda: session.execute(run_id))
    session.manager.request_pause(run_id)
    runner.start()
    until = time.monotonic() + 60
    while session.ledger.get_run(run_id).state != "paused" and time.monotonic() < until:
        time.sleep(0.02)
    assert session.ledger.get_run(run_id).state == "paused"
    before = len(session.ledger.events(run_id))
    time.sleep(0.5)
    assert len(session.ledger.events(run_id)) == before
    session.manager.request_resume(run_id)
    runner.join()
    assert len(stage(result_of(session, run_id), "each").calls) == len(molecules)


def test_a_spent_time_budget_begins_nothing_more(session: Session) -> None:
    run_id = start(session, look("first", ETHANOL), look("second", ETHANOL), budget={"minutes": 0.00001})
    session.execute(run_id)
    result = result_of(session, run_id)
    assert stage(result, "second").state == "skipped"
    assert "time budget" in stage(result, "second").reason


def test_when_passed_leaves_out_what_a_hard_check_spoke_against(session: Session) -> None:
    silane = "C[Si](C)(C)c1ccccc1"
    run_id = start(
        session,
        look("first", ASPIRIN, silane),
        look("kept", "$item", foreach="$first.molecule.*", when="passed"),
    )
    session.execute(run_id)
    result = result_of(session, run_id)
    items = {item.value: item for item in stage(result, "first").calls[0].result.items}
    against = {item.handle for item in items.values() if any(c.hard and c.verdict != "pass" for c in item.checks)}
    assert against == {items[silane].handle}
    assert set(stage(result, "kept").left_out) == against
    assert "elements: fail" in stage(result, "kept").left_out[items[silane].handle]
    assert {call.element for call in stage(result, "kept").calls} == {i.handle for i in items.values()} - against


def test_files_hold_the_report_the_items_and_the_document(session: Session) -> None:
    run_id = start(session, look("first", ASPIRIN), look("second", "$first.1"))
    session.execute(run_id)
    result = result_of(session, run_id)
    page = Path(result.files["report.html"]).read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    for item in (item for report in result.stages for call in report.calls for item in call.result.items):
        assert f'id="item-{item.handle}"' in page
    for call_id in (f"{run_id}.first.1", f"{run_id}.second.1"):
        assert call_id in page
    with Path(result.files["items.csv"]).open(newline="") as handle:
        assert [row["value"] for row in csv.DictReader(handle)] == [ASPIRIN, ASPIRIN]
    document = json.loads(Path(result.files["result.json"]).read_text())
    assert WorkflowResult.model_validate(document) == result


def test_every_number_of_the_report_links_to_a_listed_call(session: Session) -> None:
    run_id = start(session, look("first", ASPIRIN))
    session.execute(run_id)
    page = Path(result_of(session, run_id).files["report.html"]).read_text()
    assert "is not among the calls listed" not in page
    assert "no call id recorded" not in page


def test_hostile_names_stay_text(session: Session) -> None:
    run_id = start(session, look("first", ETHANOL, why="<img src=x onerror=alert(1)>"))
    session.execute(run_id)
    page = Path(result_of(session, run_id).files["report.html"]).read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_file_beside_the_workflow_is_stored_and_named_by_a_handle(session: Session, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("name: inner\n")
    document = {"name": "t", "stages": [{"id": "s", "do": "start_campaign", "with": {"campaign": "plan.txt"}}]}
    run_id = start_request(session, parse_request(document, beside(tmp_path)))
    with pytest.raises(OrganonError):
        session.execute(run_id)
    (call,) = result_of(session, run_id).stages[0].calls
    assert call.args["campaign"] == "F1"
    assert "target" in call.result.summary
