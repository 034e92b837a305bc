"""Model Context Protocol server: every action as a tool, over stdio and HTTP.

Results are short JSON with handles and ids, never coordinates or pages. A call is a run of kind "action": it goes on
when the client leaves, sends progress while it is waited for, and is told by `run_status` where it takes longer than
the client waits. Handles (M3) live in a conversation: its `thread_id` comes with every result, and is to be given with
the next call where the protocol has no session (stdio has one for its whole life).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from agent.actions import ACTIONS, load_action
from agent.chat.observation import observe
from agent.interface.api.service import Service
from agent.interface.api.watcher import Watcher
from agent.interface.schemas import ActionResult, Event
from agent.progress import progress_of
from agent.runs import ENDED, new_run_id
from agent.session import Session
from tools.errors import OrganonError

PATH = "/mcp"
WAIT_SECONDS = 50.0
"""How long a call is waited for where the client asked for no progress: clients give up after a minute."""
WAIT_WITH_PROGRESS_SECONDS = 3600.0
HEARTBEAT_SECONDS = 10.0
INSTRUCTIONS = (
    "Tools of a science assistant: design, generation, docking, properties, synthesis, literature. Results name things "
    "by handles (M1, P1, K1); give a handle wherever a molecule, protein or pocket is asked for, together with the "
    "`thread_id` of the result it came from. A result with `run_id` and no answer goes on in the background: ask "
    "run_status. Numbers are facts of executed calls; what is not checked is said."
)
_THREAD = {
    "type": "string",
    "maxLength": 40,
    "description": "Conversation whose handles are meant: `thread_id` of an earlier result.",
}
_STOP = {
    "type": "object",
    "properties": {"run_id": {"type": "string", "description": "Id of the run."}},
    "required": ["run_id"],
    "additionalProperties": False,
}

Context = ServerRequestContext[Any, Any]


@dataclass
class Tools:
    """What the protocol's handlers do. `home_thread`: the conversation of a connection that has but one."""

    session: Session
    service: Service
    watcher: Watcher
    home_thread: str | None = None
    _threads: dict[str, str] = field(default_factory=dict)

    async def list(self, _context: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(name) for name in ACTIONS] + [_stop_tool()])

    async def call(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Answer a call; what went wrong is part of the answer, so that a model can put it right."""
        args = dict(params.arguments or {})
        try:
            if params.name == "stop_run":
                return await anyio.to_thread.run_sync(self._stop, str(args.get("run_id", "")))
            if params.name == "run_status" and args.get("run_id"):
                return await anyio.to_thread.run_sync(self._status, str(args["run_id"]))
            return await self._act(params.name, args, context)
        except OrganonError as error:
            return _answer({"fault": "input", "summary": str(error)}, wrong=True)

    async def _act(self, name: str, args: dict[str, Any], context: Context) -> types.CallToolResult:
        given = str(args.pop("thread_id", None) or "")
        thread_id = given or self._thread_of(context)
        run_id = await anyio.to_thread.run_sync(self._submit, name, args, thread_id, not given)
        reports = context.meta is not None and context.meta.get("progress_token") is not None
        with anyio.move_on_after(WAIT_WITH_PROGRESS_SECONDS if reports else WAIT_SECONDS):
            n_reports = 0.0
            async for event in self.watcher.follow(run_id, heartbeat_seconds=HEARTBEAT_SECONDS):
                n_reports += 1
                if event is None or event.type in ("step_started", "round_finished", "tool_call"):
                    await context.session.report_progress(n_reports, message=_told(event))
            return await anyio.to_thread.run_sync(self._status, run_id)
        said = {"run_id": run_id, "thread_id": thread_id, "summary": "It goes on in the background; ask run_status."}
        return _answer(said)

    def _submit(self, name: str, args: Mapping[str, Any], thread_id: str, ours: bool) -> str:
        """`ours`: the conversation is this connection's own and begins with its first call; one that the client names
        has to be there."""
        load_action(name).parse(args)
        if ours:
            self.session.ledger.put_thread(thread_id, f"MCP: {name}")
        return self.service.submit("action", {"action": name, "args": dict(args)}, thread_id=thread_id)

    def _status(self, run_id: str) -> types.CallToolResult:
        """The result of a finished call, or how a run is getting on."""
        record = self.session.ledger.get_run(run_id)
        thread_id = self.session.ledger.thread_of(run_id)
        head = {"run_id": run_id, "thread_id": thread_id, "state": record.state}
        if record.kind == "action" and record.result is not None:
            result = ActionResult.model_validate(record.result)
            return _answer({**head, **json.loads(observe(result))}, wrong=bool(result.fault))
        progress = progress_of(self.session, run_id)
        told = {key: value for key, value in progress.to_json().items() if value not in ("", 0, None, {}, [])}
        said = {**head, "summary": progress.sentence(), **told}
        return _answer(said, wrong=record.kind == "action" and record.state in ENDED)

    def _stop(self, run_id: str) -> types.CallToolResult:
        self.session.manager.request_stop(run_id)
        return _answer({"run_id": run_id, "summary": "asked to stop; what is finished is kept"})

    def _thread_of(self, context: Context) -> str:
        """The conversation of this connection; a new one where the protocol has no sessions."""
        if self.home_thread is not None:
            return self.home_thread
        headers = getattr(context.request, "headers", {})
        session_id = headers.get("mcp-session-id")
        if session_id is None:
            return new_run_id()
        return self._threads.setdefault(str(session_id), new_run_id())


def build_mcp(tools: Tools) -> Server[Any]:
    """The protocol's server; not yet connected to a transport."""
    return Server(
        "organon",
        version=version("organon"),
        title="Organon",
        instructions=INSTRUCTIONS,
        on_list_tools=tools.list,
        on_call_tool=tools.call,
    )


def http_manager(session: Session, service: Service, watcher: Watcher) -> StreamableHTTPSessionManager:
    """For one life of a server: `async with manager.run()`, then `manager.handle_request` as an ASGI application. Host,
    origin, token and size are checked before it."""
    return StreamableHTTPSessionManager(build_mcp(Tools(session, service, watcher)))


async def serve_stdio(session: Session, service: Service) -> None:
    """Serve one client on stdin and stdout, until it closes them."""
    watcher = Watcher(session.ledger, lambda run_id: run_id in service.active())
    server = build_mcp(Tools(session, service, watcher, home_thread=new_run_id()))
    service.start()
    watcher.start()
    try:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())
    finally:
        watcher.close()
        service.close()


def _tool(name: str) -> types.Tool:
    schema = load_action(name).schema()
    parameters = _compact(schema["parameters"])
    parameters.setdefault("properties", {})["thread_id"] = _THREAD
    return types.Tool(name=name, description=schema["description"], input_schema=parameters)


def _stop_tool() -> types.Tool:
    return types.Tool(name="stop_run", description="Ask a run to end; finished work is kept.", input_schema=_STOP)


def _compact(schema: Any) -> Any:
    """A JSON schema without what no client needs: titles, and defaults of null."""
    if isinstance(schema, list):
        return [_compact(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if isinstance(kept.get("title"), str):
        del kept["title"]
    return {key: _compact(value) for key, value in kept.items()}


def _answer(said: Mapping[str, Any], wrong: bool = False) -> types.CallToolResult:
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=wrong)


def _told(event: Event | None) -> str:
    if event is None:
        return "still at work"
    payload = event.payload
    return str(payload.get("step") or payload.get("action") or f"round {payload.get('round')} finished")
