"""A run's events over HTTP: order, resuming, following to the end, many streams, one reader."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from agent.runs import RunControl
from tests.agent.interface.api.serving import Home, Serving


def events_in(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def three_steps(control: RunControl) -> dict[str, Any]:
    for number in range(3):
        control.emit("step_started", {"step": f"step {number}"})
    return {"answer": 42}


def test_a_finished_run_is_told_whole_and_the_stream_ends(home: Home, client: TestClient) -> None:
    run_id = home.begin(three_steps)
    home.wait(run_id)
    answer = client.get(f"/api/v1/runs/{run_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events_in(answer.text)
    assert [event["seq"] for event in told] == [1, 2, 3, 4]
    assert [event["type"] for event in told] == ["step_started"] * 3 + ["run_finished"]
    assert "id: 4\nevent: run_finished\n" in answer.text
    listed = client.get(f"/api/v1/runs/{run_id}/events", params={"follow": "false"})
    assert listed.json() == told


def test_last_event_id_and_after_skip_what_was_seen(home: Home, client: TestClient) -> None:
    run_id = home.begin(three_steps)
    home.wait(run_id)
    path = f"/api/v1/runs/{run_id}/events"
    assert [e["seq"] for e in events_in(client.get(path, headers={"Last-Event-ID": "2"}).text)] == [3, 4]
    assert [e["seq"] for e in events_in(client.get(path, params={"after": 3}).text)] == [4]
    assert events_in(client.get(path, headers={"Last-Event-ID": "99"}).text) == []
    assert len(events_in(client.get(path, headers={"Last-Event-ID": "nonsense"}).text)) == 4


def test_a_live_run_is_followed_to_its_end(home: Home, serve: Callable[[Home], Serving]) -> None:
    serving, go = serve(home), threading.Event()

    def work(control: RunControl) -> dict[str, Any]:
        control.emit("step_started", {"step": "waiting"})
        assert go.wait(60)
        for number in range(40):
            control.emit("step_finished", {"step": str(number)})
        return {}

    run_id = home.begin(work)
    with serving.client() as http, http.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        told: list[int] = []
        for event in lines(stream):
            told.append(event["seq"])
            if len(told) == 1:
                go.set()
    assert told == list(range(1, 43))


def lines(stream: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in stream.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])


def test_a_cut_stream_is_taken_up_without_a_gap(home: Home, serve: Callable[[Home], Serving]) -> None:
    serving = serve(home)

    def work(control: RunControl) -> dict[str, Any]:
        for number in range(60):
            control.emit("step_finished", {"step": str(number)})
            time.sleep(0.01)
        return {}

    run_id = home.begin(work)
    told: list[int] = []
    with serving.client() as http:
        while not told or told[-1] < 61:
            headers = {"Last-Event-ID": str(told[-1] if told else 0)}
            with http.stream("GET", f"/api/v1/runs/{run_id}/events", headers=headers) as stream:
                for count, event in enumerate(lines(stream), 1):
                    told.append(event["seq"])
                    if count == 7:
                        break
    assert told == list(range(1, 62))


def test_a_run_stopped_before_it_began_ends_its_streams(home: Home, serve: Callable[[Home], Serving]) -> None:
    serving = serve(home)
    run_id = home.session.manager.start({"name": "never executed"}, "action")
    with serving.client() as http, http.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        home.session.manager.request_stop(run_id)
        assert list(lines(stream)) == []


def test_a_server_told_to_end_does_not_wait_for_its_streams(home: Home, serve: Callable[[Home], Serving]) -> None:
    serving = serve(home)
    run_id = home.session.manager.start({"name": "never executed"}, "action")
    with serving.client() as http, http.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        threading.Timer(0.3, serving.server.handle_exit, (2, None)).start()
        assert list(lines(stream)) == []


def test_a_slow_reader_misses_nothing(home: Home, serve: Callable[[Home], Serving]) -> None:
    """More events than the queue holds while the reader sleeps: read from the ledger instead."""
    serving = serve(home)

    def work(control: RunControl) -> dict[str, Any]:
        for number in range(1500):
            control.emit("step_finished", {"step": "x" * 2000, "n": number})
        return {}

    run_id = home.begin(work)
    told = []
    with serving.client() as http, http.stream("GET", f"/api/v1/runs/{run_id}/events") as stream:
        for event in lines(stream):
            if not told:
                home.wait(run_id)
            told.append(event["seq"])
    assert told == list(range(1, 1502))


def test_there_is_a_most_of_streams(
    home: Home, serve: Callable[[Home], Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.interface.api.routes import events

    monkeypatch.setattr(events, "MOST_STREAMS", 1)
    serving = serve(home)
    run_id = home.session.manager.start({"name": "never executed"}, "action")
    path = f"/api/v1/runs/{run_id}/events"
    with serving.client() as http, http.stream("GET", path) as first:
        held = first.iter_lines()
        assert next(held).startswith("retry:")
        until = time.monotonic() + 60
        while home.app.state.served.watcher.n_streams < 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        second = http.get(path, timeout=60)
        assert (second.status_code, second.headers["retry-after"]) == (503, "10")
        assert http.get(path, params={"follow": "false"}).json() == []


def test_events_of_no_run_are_not_found(client: TestClient) -> None:
    answer = client.get("/api/v1/runs/1k2m3n4p5q6r/events")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "1k2m3n4p5q6r" in answer.json()["detail"]
