"""One model and nothing else is called; what is missing is said in one line; a served context is read."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from models.chat.conformance import examine_chat_model
from models.chat.context import served_context_tokens
from models.chat.front_end import load_chat_model
from models.errors import ModelInputError
from tests.agent.openai_protocol import Reply, Scripted, serve

MASS = ("record_mass", {"value": 3.5, "unit": "kg", "labels": ["sample", "dry"]})


@pytest.fixture
def language_model() -> Iterator[Scripted]:
    yield from serve(Scripted())


def findings(language_model: Scripted, replies: list[Reply], ready: Reply | None = None) -> dict[str, tuple[bool, str]]:
    language_model.scripts = {"ready": [ready or Reply("ready")], "Record": replies}
    model = load_chat_model("openai:scripted", language_model.address)
    return {finding.name: (finding.works, finding.detail) for finding in examine_chat_model(model, 32768)}


def test_a_model_that_can_do_all(language_model: Scripted) -> None:
    found = findings(language_model, [Reply("", (MASS,)), Reply("Recorded."), Reply("Recorded.")])
    assert list(found) == ["context", "answers", "calls tools", "right JSON", "stops", "quotes"]
    assert all(works for works, _ in found.values())


@pytest.mark.parametrize(
    ("replies", "name", "words"),
    [
        ([Reply("I would record 3.5 kg.")], "calls tools", "cannot call tools"),
        ([Reply("tools are off", status=400)], "calls tools", "tool calling switched on"),
        ([Reply("", (("record_mass", '{"value": 3.5'),))], "right JSON", "no JSON"),
        ([Reply("", (("record_mass", {"value": "3.5 kg"}),))], "right JSON", '"3.5 kg"'),
        ([Reply("", (MASS,)), Reply("", (MASS,)), Reply("ok")], "stops", "calls the tool again"),
        ([Reply("", (MASS,)), Reply("ok"), Reply("", (MASS,))], "quotes", "obeys instructions"),
    ],
)
def test_what_a_model_cannot_do(language_model: Scripted, replies: list[Reply], name: str, words: str) -> None:
    works, detail = findings(language_model, replies)[name]
    assert not works
    assert words in detail


def test_a_server_that_refuses_is_one_line(language_model: Scripted) -> None:
    found = findings(language_model, [], Reply("no key", status=401))
    assert found["answers"][0] is False
    assert "no key" in found["answers"][1]
    assert "calls tools" not in found


def test_the_key_given_is_the_key_sent(language_model: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of-another-service")
    load_chat_model("openai:scripted", language_model.address, "mine").invoke("hello")
    load_chat_model("openai:scripted", language_model.address).invoke("hello")
    assert language_model.keys == ["Bearer mine", "Bearer none"]


def test_nothing_else_is_called(language_model: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection a turn's model makes goes to the one server, also where the environment asks for tracing."""
    from langsmith import tracing_context

    seen: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        seen.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "x")
    with tracing_context(enabled=False):
        answer = load_chat_model("openai:scripted", language_model.address).invoke("hello")
    assert isinstance(answer, AIMessage)
    port = int(language_model.address.split(":")[2].split("/")[0])
    assert {address[1] for address in seen if isinstance(address, tuple)} == {port}


@pytest.mark.parametrize("name", ["offline:", "openai", ":x", ""])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ModelInputError, match="ORGANON_LLM="):
        load_chat_model(name, "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("entry", "tokens"),
    [
        ({"id": "m", "max_model_len": 4096}, 4096),
        ({"id": "m", "meta": {"n_ctx_train": 8192, "n_ctx": 2048}}, 2048),
        ({"id": "m", "context_length": 131072}, 131072),
        ({"id": "m"}, None),
        ({"id": "m", "max_model_len": "many"}, None),
        (["nonsense"], None),
    ],
)
def test_the_context_a_server_tells(entry: Any, tokens: int | None) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [entry, {"id": "other", "max_model_len": 1}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        assert served_context_tokens(f"http://127.0.0.1:{server.server_address[1]}/v1", "m") == tokens
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_no_server_tells_nothing() -> None:
    assert served_context_tokens("http://127.0.0.1:9/v1", "m", timeout_seconds=1.0) is None
