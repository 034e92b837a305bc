"""Starting, listing, steering and reading runs, conversations and what is kept, through real stores."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agent.interface.schemas import CandidateReport, RunResult, ScoreReport
from agent.runs import RunControl
from tests.agent.interface.api.serving import Home

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def start(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/runs", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/runs/{found['run_id']}"
    return found


def problem(answer: Any, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], bool(document["title"])) == (status, True)
    for word in words:
        assert word in document["detail"]
    assert "Traceback" not in answer.text


def test_an_action_is_started_and_read(small_actions: None, home: Home, client: TestClient) -> None:
    started = start(client, kind="action", action="weigh", args={"molecules": [ASPIRIN]})
    home.wait(started["run_id"])
    found = client.get(f"/api/v1/runs/{started['run_id']}").json()
    assert (found["state"], found["kind"], found["name"]) == ("done", "action", "weigh")
    assert found["result"]["items"][0]["numbers"]["molecular_weight"]["unit"] == "g/mol"
    call_id = found["result"]["call_id"]
    told = client.get(f"/api/v1/calls/{call_id}").json()
    assert (told["action"], told["args"], told["run_id"]) == ("weigh", {"molecules": [ASPIRIN]}, started["run_id"])
    thread = client.get(f"/api/v1/threads/{found['thread_id']}").json()
    assert [item["handle"] for item in thread["items"]] == ["M1"]
    assert [run["run_id"] for run in thread["runs"]] == [started["run_id"]]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"kind": "dance"}, 422, ["kind", "dance"]),
        ({"kind": "chat"}, 422, ["message"]),
        ({"kind": "chat", "message": "hi", "thread_id": "nothere"}, 404, ["nothere"]),
        ({"kind": "chat", "message": "\ud800"}, 422, ["message"]),
        ({"kind": "action", "action": "fly"}, 422, ["unknown action", "fly"]),
        ({"kind": "action", "action": "weigh", "args": {"mol": 1}}, 422, ["no argument `mol`"]),
        ({"kind": "action", "action": "weigh", "args": {"a": "\ud800"}}, 422, ["surrogate"]),
        ({"kind": "campaign"}, 422, ["once"]),
        ({"kind": "campaign", "campaign": {"target": "ABL1"}, "yaml": "target: ABL1"}, 422, ["once"]),
        ({"kind": "campaign", "campaign": {"target": "NOWHERE9"}}, 422, ["NOWHERE9"]),
        ({"kind": "campaign", "campaign": {"target": "ABL1", "roundz": 1}}, 422, ["roundz"]),
        ({"kind": "campaign", "yaml": "a: [1"}, 422, ["YAML"]),
        ({"kind": "campaign", "yaml": "when: 2026-01-01"}, 422, ["JSON"]),
        (
            {"kind": "campaign", "campaign": {"target": {"pdb": "/etc/passwd", "pocket": "from_ligand X"}}},
            422,
            ["upload"],
        ),
        ({"kind": "campaign", "campaign": {"target": "ABL1", "reference": "/etc/x.sdf"}}, 422, ["upload"]),
        ({"kind": "workflow", "workflow": {}}, 422, []),
    ],
)
def test_what_cannot_be_started_is_said_in_one_line(
    body: dict[str, Any], status: int, words: list[str], small_actions: None, home: Home, client: TestClient
) -> None:
    import json

    answer = client.post("/api/v1/runs", content=json.dumps(body), headers={"Content-Type": "application/json"})
    problem(answer, status, *words)
    assert home.session.ledger.summarise_runs() == []


def test_runs_are_listed_by_kind_state_and_conversation(small_actions: None, home: Home, client: TestClient) -> None:
    first = start(client, kind="action", action="weigh", args={"molecules": ["CCO"]})
    home.wait(first["run_id"])
    thread_id = client.get(f"/api/v1/runs/{first['run_id']}").json()["thread_id"]
    second = start(client, kind="action", action="weigh", args={"molecules": ["M1"]}, thread_id=thread_id)
    home.wait(second["run_id"])
    waiting = home.session.manager.start({"name": "w"}, "campaign")

    def ids(**query: Any) -> list[str]:
        return [run["run_id"] for run in client.get("/api/v1/runs", params=query).json()]

    assert ids() == [waiting, second["run_id"], first["run_id"]]
    assert ids(limit=1) == [waiting]
    assert ids(kind="action") == [second["run_id"], first["run_id"]]
    assert ids(state="queued") == [waiting]
    assert ids(thread_id=thread_id) == [second["run_id"], first["run_id"]]
    assert [t["thread_id"] for t in client.get("/api/v1/threads").json()] == [thread_id]
    problem(client.get("/api/v1/runs", params={"limit": 0}), 422, "limit")
    problem(client.get("/api/v1/runs", params={"state": "asleep"}), 422, "state")


def test_a_run_is_paused_resumed_and_stopped(home: Home, client: TestClient) -> None:
    turns = threading.Semaphore(0)

    def work(control: RunControl) -> dict[str, Any]:
        while not control.should_stop():
            control.wait_while_paused()
            turns.release()
            threading.Event().wait(0.02)
        return {}

    run_id = home.begin(work)
    assert turns.acquire(timeout=60)
    assert client.post(f"/api/v1/runs/{run_id}/pause").status_code == 202
    home.wait(run_id, "paused")
    problem(client.post(f"/api/v1/runs/{run_id}/pause"), 409, "paused")
    assert client.post(f"/api/v1/runs/{run_id}/resume").status_code == 202
    home.wait(run_id, "running")
    assert client.post(f"/api/v1/runs/{run_id}/stop").json()["run_id"] == run_id
    home.wait(run_id, "stopped")
    problem(client.post(f"/api/v1/runs/{run_id}/stop"), 409, "nothing to stop")
    for verb in ("pause", "resume", "stop", "approve"):
        body = {"json": {"key": "k", "approved": True}} if verb == "approve" else {}
        problem(client.post(f"/api/v1/runs/1k2m3n4p5q6r/{verb}", **body), 404, "1k2m3n4p5q6r")


def test_an_approval_is_shown_and_answered(home: Home, client: TestClient) -> None:
    answers: list[Any] = []

    def work(control: RunControl) -> dict[str, Any]:
        answers.append(control.wait_for_approval("k1", {"action": "dock", "args": {}, "reason": "long"}))
        return {}

    run_id = home.begin(work)
    home.wait(run_id, "waiting_approval")
    assert client.get(f"/api/v1/runs/{run_id}").json()["approval"]["key"] == "k1"
    problem(client.post(f"/api/v1/runs/{run_id}/approve", json={"key": "k9", "approved": True}), 409, "k9", "k1")
    body = {"key": "k1", "approved": True, "args": {"molecules": ["M1"]}}
    assert client.post(f"/api/v1/runs/{run_id}/approve", json=body).status_code == 202
    problem(client.post(f"/api/v1/runs/{run_id}/approve", json={"key": "k1", "approved": False}), 409, "answer already")
    assert home.wait(run_id) == "done"
    assert answers == [{"key": "k1", "approved": True, "args": {"molecules": ["M1"]}}]
    assert client.get(f"/api/v1/runs/{run_id}").json()["approval"] is None


def finished_campaign(home: Home) -> str:
    """A campaign's run with one candidate, its files written where a real one writes them."""
    scores = {"vina": ScoreReport(value=-9.1, unit="kcal/mol", goal="minimize", call_id="c1")}
    candidate = CandidateReport(
        rank=1, smiles=ASPIRIN, scores=scores, checks=[], round=1, candidate_id="r1-c0", origin="generate"
    )

    def work(control: RunControl) -> dict[str, Any]:
        (control.run_dir / "report.html").write_text("<!doctype html><title>R</title><script>1</script>")
        (control.run_dir / "secret.txt").write_text("not named by the result")
        files = {"report.html": str(control.run_dir / "report.html"), "away.txt": "/etc/hostname"}
        result = RunResult(
            run_id=control.run_id,
            name="n",
            state="done",
            candidates=[candidate],
            files=files,
            report=files["report.html"],
        )
        return result.model_dump(mode="json", by_alias=True)

    run_id = home.begin(work, {"name": "n"}, "campaign")
    home.wait(run_id)
    return run_id


def test_candidates_as_json_csv_and_sdf(home: Home, client: TestClient) -> None:
    run_id = finished_campaign(home)
    path = f"/api/v1/runs/{run_id}/candidates"
    assert client.get(path).json()["candidates"][0]["smiles"] == ASPIRIN
    table = client.get(path, params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    assert f'filename="{run_id}-candidates.csv"' in table.headers["content-disposition"]
    assert "vina (kcal/mol)" in table.text.splitlines()[0]
    structures = client.get(path, params={"format": "sdf"})
    assert structures.headers["content-type"] == "chemical/x-mdl-sdfile"
    assert structures.text.count("$$$$") == 1
    problem(client.get(path, params={"format": "xlsx"}), 422, "format")
    waiting = home.session.manager.start({"name": "w"}, "campaign")
    problem(client.get(f"/api/v1/runs/{waiting}/candidates"), 409, "queued")


def test_molecules_of_an_action_as_csv_and_sdf(small_actions: None, home: Home, client: TestClient) -> None:
    started = start(client, kind="action", action="weigh", args={"molecules": [ASPIRIN, "CCO"]})
    home.wait(started["run_id"])
    path = f"/api/v1/runs/{started['run_id']}/candidates"
    assert [item["handle"] for item in client.get(path).json()["candidates"]] == ["M1", "M2"]
    header, first, second = client.get(path, params={"format": "csv"}).text.splitlines()
    assert header == "handle,name,smiles,made_from,molecular_weight (g/mol),molecular_weight call,failed checks"
    assert first.startswith(f"M1,,{ASPIRIN},,180.16,{started['run_id']}.1")
    assert "CCO" in second
    structures = client.get(path, params={"format": "sdf"}).text
    assert structures.count("$$$$") == 2
    assert ">  <molecular_weight (g/mol)>" in structures
    assert "2D drawing" in structures


def test_files_of_a_run_are_those_its_result_names(home: Home, client: TestClient) -> None:
    run_id = finished_campaign(home)
    report = client.get(f"/api/v1/runs/{run_id}/report")
    assert report.headers["content-type"].startswith("text/html")
    assert "sandbox" in report.headers["content-security-policy"]
    assert "allow-same-origin" not in report.headers["content-security-policy"]
    found = client.get(f"/api/v1/runs/{run_id}").json()
    assert found["files"]["report.html"] == f"/api/v1/runs/{run_id}/files/report.html"
    assert str(home.settings.home) not in str(found["result"])
    assert client.get(found["files"]["report.html"]).text == report.text
    for name in ("secret.txt", "away.txt", "../ledger.sqlite", "..%2f..%2fledger.sqlite", "%2fetc%2fhostname", "%00"):
        problem(client.get(f"/api/v1/runs/{run_id}/files/{name}"), 404)


def test_artifacts_are_given_with_type_and_locked(home: Home, client: TestClient) -> None:
    put = home.session.artifacts.put
    sdf, page, odd = put("mol", ".sdf"), put("<script>alert(1)</script>", ".html"), put(b"\0\1", "")
    answer = client.get(f"/api/v1/artifacts/{sdf}")
    assert (answer.text, answer.headers["content-type"]) == ("mol", "chemical/x-mdl-sdfile")
    assert answer.headers["content-disposition"].startswith("inline")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/api/v1/artifacts/{sdf}?download=true").headers["content-disposition"].startswith("attachment")
    assert "sandbox" in client.get(f"/api/v1/artifacts/{page}").headers["content-security-policy"]
    assert client.get(f"/api/v1/artifacts/{odd}").headers["content-type"] == "application/octet-stream"
    for wrong in ("0" * 24, "x", "..", "%2e%2e%2fledger.sqlite"):
        assert client.get(f"/api/v1/artifacts/{wrong}").status_code == 404
    problem(client.get("/api/v1/calls/ffffffffffffffffffffffff"), 404)
    problem(client.get("/api/v1/threads/nothere"), 404, "nothere")


def test_drawings_are_svg_with_a_dark_form_and_a_tag(client: TestClient) -> None:
    path = "/api/v1/drawings.svg"
    light = client.get(path, params={"smiles": ASPIRIN, "width": 320, "height": 200})
    assert (light.status_code, light.headers["content-type"]) == (200, "image/svg+xml")
    assert "<svg" in light.text[:10]
    assert "width='320px'" in light.text
    assert client.get(path, params={"smiles": ASPIRIN, "dark": "true"}).text != light.text
    again = client.get(
        path,
        params={"smiles": ASPIRIN, "width": 320, "height": 200},
        headers={"If-None-Match": light.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    problem(client.get(path, params={"smiles": "C1CC("}), 422, "C1CC(")
    problem(client.get(path, params={"smiles": "C" * 900}), 422, "900")
    problem(client.get(path, params={"smiles": "C", "width": 9000}), 422, "width")


def test_the_server_describes_itself(client: TestClient, home: Home, small_actions: None) -> None:
    status = client.get("/api/v1/status").json()
    assert "not a language model" in status["llm"]["statement"]
    assert status["model"] == {}
    assert status["home_free_bytes"] > 0
    assert client.get("/readyz").json() == {"status": "ready"}
    actions = {action["name"]: action for action in client.get("/api/v1/actions").json()}
    assert actions["weigh"]["parameters"]["properties"]["molecules"]["type"] == "array"
    home.session.manager.start({"name": "w"}, "campaign")
    metrics = client.get("/metrics").text
    assert 'organon_runs{state="queued"} 1.0' in metrics
    assert 'organon_request_seconds_count{method="GET",route="/readyz",status="200"} 1.0' in metrics
    assert "organon_event_streams 0.0" in metrics
    document = client.get("/api/openapi.json").json()
    assert document["paths"]["/api/v1/runs"]["post"]["requestBody"]
    page = client.get("/api/docs").text
    assert "/api/v1/drawings.svg" in page
    assert "<script" not in page
    assert "//cdn" not in page


def test_not_ready_where_the_stores_cannot_be_written(home: Home, client: TestClient, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(home.settings.artifacts_path)
    home.settings.artifacts_path.write_text("a file where a directory should be")
    problem(client.get("/readyz"), 503, "cannot be written")


def test_wrong_paths_and_methods_are_problems(client: TestClient) -> None:
    problem(client.get("/api/v1/nowhere"), 404, "/api/v1/nowhere")
    wrong = client.delete("/api/v1/runs")
    problem(wrong, 405, "DELETE")
    assert set(wrong.headers["allow"].split(", ")) == {"GET", "POST"}
