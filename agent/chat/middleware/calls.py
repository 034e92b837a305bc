"""Tool calls: written to the log, made once, and answered from the log when the turn is executed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from agent.actions import ACTIONS, load_action
from agent.actions.action import execute, failed
from agent.chat.observation import observe, renumber
from agent.chat.turn import Turn
from agent.interface.schemas import ActionResult

Handler = Callable[[ToolCallRequest], ToolMessage | Command[Any]]


def answer(request: ToolCallRequest, result: ActionResult) -> ToolMessage:
    """The message that brings a result back to the model; the artifact holds the whole of it."""
    return ToolMessage(
        content=observe(result),
        artifact=result.model_dump(mode="json"),
        name=str(request.tool_call["name"]),
        tool_call_id=str(request.tool_call["id"]),
        status="error" if result.fault else "success",
    )


class Record(AgentMiddleware):
    """Outermost around a call: obeys stop and pause before it, shows the call and its result in the log, gives back
    the result of a call that a killed process had finished."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    def wrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        turn, name = self._turn, str(request.tool_call["name"])
        call_id = turn.call_id(request.state["messages"], str(request.tool_call["id"]))
        for call in turn.calls():
            if call["call_id"] == call_id and call["result"] is not None:
                return answer(request, call["result"])
        turn.obey()
        args = request.tool_call["args"]
        cost = load_action(name).estimate(args, turn.context(call_id)) if name in ACTIONS else None
        shown: dict[str, Any] = {"call_id": call_id, "action": name, "args": args}
        shown["cost"] = None if cost is None else cost.model_dump(mode="json")
        turn.control.emit("tool_call", shown, once=f"call {call_id}")
        message = handler(request)
        if not isinstance(message, ToolMessage):
            raise TypeError(f"{name} answered with {type(message).__name__}, not with a message")
        result = renumber(ActionResult.model_validate(message.artifact["result"]), turn.citations())
        told = {"call_id": call_id, "result": result.model_dump(mode="json")}
        if message.artifact["args"] != args:
            told["args"] = message.artifact["args"]
        turn.control.emit("tool_result", told, once=f"result {call_id}")
        return answer(request, result)


class Execute(AgentMiddleware):
    """Innermost: runs the action. A name that is no action, or a fault of one, is an answer that says so."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    def wrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        del handler  # the graph's tools carry names and schemas only
        turn, name, args = self._turn, str(request.tool_call["name"]), request.tool_call["args"]
        context = turn.context(turn.call_id(request.state["messages"], str(request.tool_call["id"])))
        if name not in ACTIONS:
            there = f"there is no tool {name!r}; tools are {', '.join(ACTIONS)}"
            return carry(request, failed(name, context, "input", there))
        return carry(request, execute(load_action(name), args, context))


def carry(request: ToolCallRequest, result: ActionResult) -> ToolMessage:
    """A result on its way out to `Record`, with the arguments it was made with."""
    artifact = {"result": result.model_dump(mode="json"), "args": request.tool_call["args"]}
    return ToolMessage(content="", artifact=artifact, tool_call_id=str(request.tool_call["id"]))
