"""A language model's server for tests: OpenAI's chat completions over a real socket, answering from a script.

Each conversation (recognised by a word of its first user message) has its list of replies; a reply is text, or text
with tool calls, streamed in pieces as real servers do. What was asked is kept. Nothing of the model is imitated beyond
the script.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """`calls`: (tool, arguments); arguments given as a string go out as they are, also where they are no JSON."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    status: int = 200
    piece_seconds: float = 0.0
    ids: bool = True


Script = list[Reply] | Callable[[dict[str, Any]], Reply]


@dataclass
class Scripted:
    """The server: `address` is its base URL."""

    scripts: dict[str, Script] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    address: str = ""
    context: int | None = 32768

    def reply(self, request: dict[str, Any]) -> Reply:
        with _lock:
            self.asked.append(request)
            said = " ".join(str(m["content"]) for m in request["messages"] if m["role"] == "user")
            word = next((word for word in self.scripts if word in said), "")
            script = self.scripts.get(word)
            if callable(script):
                return script(request)
            return script.pop(0) if script else Reply("I have nothing more to say.")

    def tool_messages(self) -> list[str]:
        """What tools said in the last request."""
        return [str(m["content"]) for m in self.asked[-1]["messages"] if m["role"] == "tool"]


_lock = threading.Lock()


def serve(scripted: Scripted) -> Iterator[Scripted]:
    """The server, while the generator is held."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(scripted))
    server.daemon_threads = True
    scripted.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(scripted: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            model: dict[str, Any] = {"id": "scripted", "object": "model", "owned_by": "tests"}
            if scripted.context is not None:
                model["max_model_len"] = scripted.context
            self._json(200, {"object": "list", "data": [model]})

        def do_POST(self) -> None:
            scripted.keys.append(self.headers.get("Authorization", ""))
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = scripted.reply(request)
            if reply.status != 200:
                self._json(reply.status, {"error": {"message": reply.text, "type": "scripted", "code": None}})
            elif request.get("stream"):
                self._stream(reply)
            else:
                self._json(200, _whole(reply))

        def _json(self, status: int, document: Mapping[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, reply: Reply) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            try:
                for delta, reason in _deltas(reply):
                    choice = {"index": 0, "delta": delta, "finish_reason": reason}
                    chunk = {"id": "c1", "object": "chat.completion.chunk", "model": "scripted", "choices": [choice]}
                    self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                    self.wfile.flush()
                    time.sleep(reply.piece_seconds)
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": position,
            "id": f"call_{position}" if reply.ids else None,
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for position, (name, args) in enumerate(reply.calls)
    ]


def _whole(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.calls else "stop"}
    return {"id": "c1", "object": "chat.completion", "model": "scripted", "choices": [choice]}


def _deltas(reply: Reply) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": ""}, None
    for start in range(0, len(reply.text), 12):
        yield {"content": reply.text[start : start + 12]}, None
    for call in _calls(reply):
        whole = call["function"]["arguments"]
        middle = len(whole) // 2
        yield {"tool_calls": [{**call, "function": {**call["function"], "arguments": whole[:middle]}}]}, None
        yield {"tool_calls": [{"index": call["index"], "function": {"arguments": whole[middle:]}}]}, None
    yield {}, "tool_calls" if reply.calls else "stop"
