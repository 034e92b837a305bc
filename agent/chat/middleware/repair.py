"""Tool calls that cannot be run as they stand: sent back once with the exact error, then explained to the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, ToolCall, ToolMessage

from agent.actions import ACTIONS, load_action
from agent.chat.turn import Turn
from prompts import render
from tools.errors import InputError

EXPLAINED = "explained"
"""Marks a message that this project wrote in the model's place."""


class Repair(AgentMiddleware):
    """One repair round a model call. After it, what can be run is run; wrong arguments become an observation of the
    tool itself; where nothing that could be run is left, the turn ends with the reason."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        message = _message(handler(request))
        problems = problems_of(message)
        if not problems:
            return ModelResponse(result=[message])
        for problem in problems.values():
            self._turn.control.emit("step_started", {"step": f"the language model is asked again: {problem}"})
        message = _message(handler(request.override(messages=[*request.messages, *_sent_back(message, problems)])))
        return ModelResponse(result=[self._usable(message)])

    def _usable(self, message: AIMessage) -> AIMessage:
        """The message without calls that nothing can run."""
        hopeless = {
            call["id"]: problem
            for call, problem in ((call, _problem(call)) for call in message.invalid_tool_calls + message.tool_calls)
            if problem and (call["type"] == "invalid_tool_call" or call["name"] not in ACTIONS)
        }
        if not hopeless:
            return message
        kept = [call for call in message.tool_calls if call["id"] not in hopeless]
        if kept:
            return message.model_copy(update={"tool_calls": kept, "invalid_tool_calls": []})
        why = (
            f"The language model {self._turn.llm} asked twice for a step in a form that cannot be run: "
            f"{'; '.join(hopeless.values())}. Nothing was run for it. Say it in other words, or use another language "
            "model; `organon doctor --llm` tells what this one can do."
        )
        text = "\n\n".join(part for part in (str(message.text).strip(), why) if part)
        return AIMessage(text, additional_kwargs={EXPLAINED: True})


def problems_of(message: AIMessage) -> dict[str, str]:
    """What is wrong with the calls of a message, by their ids."""
    calls = [*message.invalid_tool_calls, *message.tool_calls]
    found = ((str(call["id"]), _problem(call)) for call in calls)
    return {call_id: problem for call_id, problem in found if problem}


def _problem(call: Any) -> str:
    name = call["name"] or ""
    if name not in ACTIONS:
        return f"there is no tool {name!r}; tools are {', '.join(ACTIONS)}"
    if call["type"] == "invalid_tool_call":
        return f"{name}: {call['error']} (got {call['args']!r:.200})"
    try:
        load_action(name).parse(call["args"])
    except InputError as error:
        return str(error)
    return ""


def _sent_back(message: AIMessage, problems: dict[str, str]) -> list[Any]:
    """The message, every call of it answered by what is wrong; arguments that are no JSON are left out, since no
    provider takes them back."""
    calls = [ToolCall(type="tool_call", name=c["name"] or "", args={}, id=c["id"]) for c in message.invalid_tool_calls]
    calls += message.tool_calls
    said = [
        ToolMessage(
            content=render("repair", problem=problems[str(call["id"])]) if str(call["id"]) in problems else "not run",
            name=call["name"],
            tool_call_id=str(call["id"]),
            status="error",
        )
        for call in calls
    ]
    return [message.model_copy(update={"tool_calls": calls, "invalid_tool_calls": [], "id": None}), *said]


def _message(response: ModelResponse) -> AIMessage:
    message = response.result[-1]
    if not isinstance(message, AIMessage):
        raise TypeError(f"a model call gave {type(message).__name__}, not a message of the model")
    return message
