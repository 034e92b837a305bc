"""The official MCP client over both transports: tools, handles, progress, what goes on in the background."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.agent.interface.api.serving import Home, Serving

ROOT = Path(__file__).resolve().parents[4]


def said(result: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.content[0].text)
    return document


@pytest.fixture
def serving(chatting: Home, serve: Callable[[Home], Serving]) -> Serving:
    return serve(chatting)


async def call(url: str, *calls: tuple[str, dict[str, Any]], **options: Any) -> list[Any]:
    async with Client(f"{url}/mcp") as client:
        return [await client.call_tool(name, args, **options) for name, args in calls]


def test_every_action_is_a_tool_with_a_small_schema(serving: Serving) -> None:
    async def listed() -> Any:
        async with Client(f"{serving.url}/mcp") as client:
            return client.server_info, (await client.list_tools()).tools

    info, tools = anyio.run(listed)
    assert info.name == "organon"
    names = [tool.name for tool in tools]
    assert {"weigh", "wait", "stop_run"} <= set(names)
    weigh = next(tool for tool in tools if tool.name == "weigh")
    assert set(weigh.input_schema["properties"]) == {"molecules", "thread_id"}
    assert '"title"' not in json.dumps(weigh.input_schema)


def test_a_call_gives_handles_that_a_later_call_can_use(serving: Serving) -> None:
    async def work() -> tuple[Any, Any]:
        async with Client(f"{serving.url}/mcp") as client:
            first = said(await client.call_tool("weigh", {"molecules": ["CCO"]}))
            again = {"molecules": ["M1"], "thread_id": first["thread_id"]}
            return first, said(await client.call_tool("weigh", again))

    first, second = anyio.run(work)
    assert first["items"][0]["handle"] == "M1"
    assert first["items"][0]["numbers"] == {"molecular_weight": "46.07 g/mol"}
    assert (first["state"], first["fault"]) == ("done", "")
    assert second["items"][0]["value"] == "CCO"
    assert second["thread_id"] == first["thread_id"]
    assert first["run_id"] != second["run_id"]


def test_what_is_wrong_is_an_answer_that_says_how_to_put_it_right(serving: Serving) -> None:
    made_up, unknown, badly, nowhere = anyio.run(
        call,
        serving.url,
        ("weigh", {"molecules": ["CCO"], "thread_id": "made-up"}),
        ("fly", {}),
        ("weigh", {"molecule": "CCO"}),
        ("run_status", {"run_id": "1k2m3n4p5q6r"}),
    )
    assert made_up.is_error
    assert "no conversation 'made-up'" in said(made_up)["summary"]
    assert unknown.is_error
    assert "unknown action" in said(unknown)["summary"]
    assert badly.is_error
    assert "there is no argument `molecule`" in said(badly)["summary"]
    assert nowhere.is_error
    assert "1k2m3n4p5q6r" in said(nowhere)["summary"]


def test_progress_is_sent_while_a_call_is_waited_for(serving: Serving) -> None:
    told: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def work() -> Any:
        async with Client(f"{serving.url}/mcp") as client:
            return await client.call_tool("wait", {"seconds": 0.5}, progress_callback=note)

    result = anyio.run(work)
    assert said(result)["state"] == "done"
    assert told
    assert [progress for progress, _ in told] == sorted(progress for progress, _ in told)


def test_a_long_call_goes_on_and_can_be_asked_about_and_stopped(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.interface import mcp_server

    monkeypatch.setattr(mcp_server, "WAIT_SECONDS", 0.4)

    async def work() -> list[dict[str, Any]]:
        async with Client(f"{serving.url}/mcp") as client:
            begun = said(await client.call_tool("wait", {"seconds": 30}))
            run = {"run_id": begun["run_id"]}
            status = said(await client.call_tool("run_status", run))
            stopped = said(await client.call_tool("stop_run", run))
            return [begun, status, stopped]

    begun, status, _stopped = anyio.run(work)
    assert "background" in begun["summary"]
    assert status["state"] == "running"
    assert serving.home.wait(begun["run_id"]) == "stopped"


def test_http_needs_the_token(
    make_home: Callable[..., Home], serve: Callable[[Home], Serving], small_actions: None
) -> None:
    serving = serve(make_home(token="secret-1234"))

    async def names(token: str) -> list[str]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{serving.url}/mcp", http_client=http)
            async with Client(transport) as client:
                return [tool.name for tool in (await client.list_tools()).tools]

    with serving.client() as http:
        asked = http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert asked.status_code == 401
        foreign = http.post("/mcp", json={}, headers={"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer no"})
        assert foreign.status_code == 401
    assert "stop_run" in anyio.run(names, "secret-1234")


def test_stdio_is_the_organon_mcp_command(tmp_path: Path) -> None:
    environment = {**os.environ, "ORGANON_HOME": str(tmp_path / "home"), "ORGANON_WORKERS": "1"}
    command = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from tests.agent import small_actions; small_actions.install(); import app; app.main()", "mcp"],
        env=environment,
        cwd=str(ROOT),
    )

    async def work() -> tuple[list[str], Any, Any]:
        async with Client(stdio_client(command)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            first = said(await client.call_tool("weigh", {"molecules": ["CCO"]}))
            second = said(await client.call_tool("weigh", {"molecules": ["M1"]}))
            return names, first, second

    names, first, second = anyio.run(work)
    assert {"weigh", "stop_run"} <= set(names)
    assert first["fault"] == ""
    assert second["items"][0]["value"] == "CCO"
