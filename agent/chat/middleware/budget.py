"""How much one turn may do. A model that goes round in circles ends with a word, not with a bill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from agent.actions.action import failed
from agent.chat.middleware.calls import Handler, carry
from agent.chat.turn import Turn, tool_calls_of

_GRACE = 3


class Budget(AgentMiddleware):
    """Tool calls and active minutes of a turn. What is beyond is refused with the reason; a model that goes on asking
    for tools after that (three more calls) is ended."""

    def __init__(self, turn: Turn, tool_calls: int, minutes: float) -> None:
        super().__init__()
        self._turn = turn
        self._tool_calls = tool_calls
        self._minutes = minutes

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        n_calls = sum(len(tool_calls_of(message)) for message in self._turn.own(request.messages))
        if n_calls >= self._tool_calls + _GRACE:
            text = f"This turn has spent its {self._tool_calls} tool calls. What was found so far stands above."
            return ModelResponse(result=[AIMessage(text)])
        return handler(request)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        turn = self._turn
        call_id = turn.call_id(request.state["messages"], str(request.tool_call["id"]))
        spent = ""
        if int(call_id.rpartition(".")[2]) > self._tool_calls:
            spent = f"this turn's {self._tool_calls} tool calls are spent"
        elif turn.active_seconds() > self._minutes * 60:
            spent = f"this turn's {self._minutes:g} minutes are spent"
        if not spent:
            return handler(request)
        reason = f"{spent}: answer with what there is; the user can ask to go on"
        return carry(request, failed(str(request.tool_call["name"]), turn.context(call_id), "stop", reason))
