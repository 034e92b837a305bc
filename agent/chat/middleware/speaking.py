"""The model's words as they come: pieces to the log, a stop obeyed between pieces, tool calls read strictly.

Innermost around a model call, in place of LangChain's own: arguments that are not complete JSON are kept as invalid
calls (LangChain would complete them by guess), and every call gets an id of its own in the conversation.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, InvalidToolCall, ToolCall

from agent.chat.turn import Turn, tool_calls_of
from tools.errors import OrganonError, UnavailableError

PIECE_SECONDS = 0.2
_THOUGHTS = re.compile(r"\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)


class Speaking(AgentMiddleware):
    """UnavailableError in one line where the model does not answer."""

    def __init__(self, turn: Turn, piece_seconds: float = PIECE_SECONDS) -> None:
        super().__init__()
        self._turn = turn
        self._piece_seconds = piece_seconds

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        del handler  # it would wait for the whole message
        self._turn.obey()
        self._turn.model_calls += 1
        bound = request.model.bind_tools(request.tools) if request.tools else request.model
        messages = [*([request.system_message] if request.system_message else []), *request.messages]
        try:
            message = self._listen(bound, messages)
        except OrganonError:
            raise
        except Exception as error:
            raise UnavailableError(f"the language model {self._turn.llm} did not answer: {_line(error)}") from error
        self._show_plan(message, request.messages)
        taken = {call["id"] for earlier in request.messages for call in tool_calls_of(earlier)}
        return ModelResponse(result=[_with_own_ids(message, taken, f"{self._turn.run_id}x{self._turn.model_calls}")])

    def _listen(self, bound: Any, messages: Sequence[BaseMessage]) -> AIMessage:
        whole: Any = None
        text, n_said, said_at = "", 0, time.monotonic()
        for piece in bound.stream(messages):
            self._turn.obey_stop()
            whole = piece if whole is None else whole + piece
            text += piece.text
            if time.monotonic() - said_at >= self._piece_seconds:
                n_said, said_at = self._say(text, n_said), time.monotonic()
        self._say(text, n_said)
        if whole is None:
            raise UnavailableError("it ended without a word")
        return read_strictly(whole)

    def _show_plan(self, message: AIMessage, before: Sequence[BaseMessage]) -> None:
        """The steps of the whole turn, where the front end knows them: the offline one does."""
        steps = message.additional_kwargs.get("plan")
        if steps:
            n_calls = sum(len(tool_calls_of(earlier)) for earlier in self._turn.own(before))
            self._turn.control.emit("plan", {"steps": steps}, once=f"plan {n_calls}")

    def _say(self, text: str, n_said: int) -> int:
        """Show what is new of a text in the making; how much is shown then."""
        spoken = without_thoughts(text)
        if len(spoken) > n_said:
            self._turn.control.emit("message_delta", {"text": spoken[n_said:], "part": self._turn.model_calls})
        return max(n_said, len(spoken))


def without_thoughts(text: str) -> str:
    """A text without the thoughts some served models begin with; nothing while a thought is in the making."""
    return _THOUGHTS.sub("", text) if text.lstrip().startswith("<think>") else text


def read_strictly(whole: AIMessage) -> AIMessage:
    """A streamed message as a message, with calls only where their arguments are one complete JSON object."""
    if not isinstance(whole, AIMessageChunk):
        return whole
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for piece in whole.tool_call_chunks:
        name, text = piece["name"] or "", piece["args"] or "{}"
        try:
            args = json.loads(text)
            problem = "" if isinstance(args, dict) else f"the arguments are a {type(args).__name__}, not a JSON object"
        except json.JSONDecodeError as error:
            problem = f"the arguments are not JSON: {error.msg} at character {error.pos}"
        if problem:
            invalid.append(
                InvalidToolCall(type="invalid_tool_call", name=name, args=text, id=piece["id"], error=problem)
            )
        else:
            calls.append(ToolCall(type="tool_call", name=name, args=args, id=piece["id"]))
    return AIMessage(
        content=without_thoughts(whole.text),
        tool_calls=calls,
        invalid_tool_calls=invalid,
        additional_kwargs={key: value for key, value in whole.additional_kwargs.items() if key != "tool_calls"},
        response_metadata=whole.response_metadata,
        usage_metadata=whole.usage_metadata,
        id=whole.id,
    )


def _with_own_ids(message: AIMessage, taken: set[str | None], prefix: str) -> AIMessage:
    """Some servers number calls anew in each message, or not at all."""
    for position, call in enumerate([*message.tool_calls, *message.invalid_tool_calls]):
        if not call["id"] or call["id"] in taken:
            call["id"] = f"{prefix}x{position}"
        taken.add(call["id"])
    return message


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:299] + "…"
