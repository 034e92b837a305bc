"""The Python client against a real server: five lines to a result, and coming back to a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.interface.client import Organon, OrganonClientError
from tests.agent.interface.api.serving import Home, Serving
from tests.agent.openai_protocol import Reply, Scripted


@pytest.fixture
def organon(chatting: Home, serve: Callable[[Home], Serving]) -> Iterator[Organon]:
    with Organon(serve(chatting).url) as client:
        yield client


def test_an_action_in_one_line(organon: Organon) -> None:
    result = organon.act("weigh", molecules=["CCO"]).wait()
    assert result["items"][0]["numbers"]["molecular_weight"]["value"] == 46.07


def test_a_conversation_goes_on(organon: Organon, language_model: Scripted) -> None:
    language_model.scripts["ethanol"] = [
        Reply("", calls=(("weigh", {"molecules": ["CCO"]}),)),
        Reply("M1 weighs 46.07 g/mol."),
        Reply("As I said."),
    ]
    run = organon.chat("Weigh ethanol")
    assert run.wait()["answer"] == "M1 weighs 46.07 g/mol."
    assert organon.chat("Again?", run.thread_id).wait()["answer"] == "As I said."
    assert run.thread_id is not None
    assert [item["handle"] for item in organon.thread(run.thread_id)["items"]] == ["M1"]


def test_a_run_is_taken_up_followed_and_stopped(organon: Organon) -> None:
    begun = organon.act("wait", seconds=60)
    again = organon.run(begun.run_id)
    events = again.events()
    assert next(events)["type"] == "tool_call"
    again.stop()
    assert [event["type"] for event in events][-1] == "run_finished"
    assert again.state == "stopped"
    assert organon.runs(state="stopped")[0]["run_id"] == begun.run_id


def test_waiting_has_an_end(organon: Organon) -> None:
    run = organon.act("wait", seconds=3)
    with pytest.raises(TimeoutError, match="has not ended"):
        run.wait(timeout_seconds=0)


def test_an_approval_is_asked_for_and_given(organon: Organon, language_model: Scripted) -> None:
    language_model.scripts["screen"] = [
        Reply("", calls=(("start_screen", {"hours": 5}),)),
        Reply("Done with the screen."),
    ]
    run = organon.chat("start a long screen")
    with pytest.raises(OrganonClientError, match="waits for approval"):
        run.wait()
    run.approve(run.details()["approval"]["key"])
    assert run.wait()["answer"] == "Done with the screen."


def test_files_and_molecules(organon: Organon, tmp_path: Path) -> None:
    file = tmp_path / "list.smi"
    file.write_text("CCO ethanol\n")
    sent = organon.upload(file)
    assert sent["item"]["handle"] == "F1"
    assert organon.artifact(sent["item"]["value"]) == b"CCO ethanol\n"
    (checked,) = organon.validate(["CCO"], ["sanitise", "lipinski"])
    assert [check["verdict"] for check in checked["checks"]] == ["pass", "pass"]


def test_what_the_server_refuses_is_an_exception_with_its_words(organon: Organon) -> None:
    with pytest.raises(OrganonClientError, match="unknown action") as refused:
        organon.act("fly")
    assert refused.value.status == 422
    with pytest.raises(OrganonClientError, match="no run"):
        organon.run("1k2m3n4p5q6r")
    with pytest.raises(OrganonClientError, match="NOWHERE9"):
        organon.start_campaign({"target": "NOWHERE9"})
    with pytest.raises(OrganonClientError, match="stages"):
        organon.start_workflow("name: empty\nstages: []")
