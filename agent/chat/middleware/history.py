"""What the model sees of a long conversation: the latest messages as they are, the earlier ones as a summary.

The conversation itself is never changed: everything said stays in the checkpoint. The summary is written by the same
language model and kept with the conversation; the offline front end, which writes none, sees the latest messages only.
Tokens are estimated (4 characters each), since no tokenizer of a foreign model is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ExtendedModelResponse, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.types import Command

from agent.chat.instructions import CHARACTERS_A_TOKEN
from agent.chat.turn import Turn
from prompts import render

SUMMARIZE_AT = 0.7
KEEP = 0.35
"""Shares of the context at which a summary is made, and which is left as it stands after one."""


class Remembering(AgentState[Any]):
    """`summary`: of the messages up to and with the one of id `summary_until`."""

    summary: NotRequired[str]
    summary_until: NotRequired[str]


class History(AgentMiddleware[Remembering, Any, Any]):
    """`context_tokens`: what the model can read besides the tools' schemas and its answer."""

    state_schema = Remembering

    def __init__(self, turn: Turn, context_tokens: int) -> None:
        super().__init__()
        self._turn = turn
        self._context_tokens = context_tokens
        self._made = ("", "")

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> Any:
        kept = (str(request.state.get("summary", "")), str(request.state.get("summary_until", "")))
        summary, until = self._made if self._made[1] else kept
        recent = _after(request.messages, until)
        size = n_tokens(recent) + n_tokens([request.system_message] if request.system_message else [])
        if size <= self._context_tokens * SUMMARIZE_AT:
            return handler(request.override(messages=_with(summary, recent)))
        cut = safe_cut(recent, int(self._context_tokens * KEEP))
        earlier, recent = recent[:cut], recent[cut:]
        recent = _shortened(recent, int(self._context_tokens * SUMMARIZE_AT))
        if self._turn.offline or not earlier:
            return handler(request.override(messages=_with(summary, recent)))
        summary = self._summarize(request.model, summary, earlier)
        self._made = (summary, str(earlier[-1].id))
        response = handler(request.override(messages=_with(summary, recent)))
        remembered = {"summary": summary, "summary_until": str(earlier[-1].id)}
        return ExtendedModelResponse(model_response=response, command=Command(update=remembered))

    def _summarize(self, model: Any, summary: str, earlier: Sequence[BaseMessage]) -> str:
        self._turn.control.emit("step_started", {"step": "the earlier conversation is summarized"})
        lines = [f"{message.type}: {_said(message)}" for message in earlier]
        budget = int(self._context_tokens * SUMMARIZE_AT) * CHARACTERS_A_TOKEN
        text = "\n".join(lines)[-budget:]
        return str(model.invoke([HumanMessage(render("summarize", summary=summary or "none", messages=text))]).text)


def n_tokens(messages: Sequence[BaseMessage]) -> int:
    """Estimated tokens of these messages, their tool calls included."""
    return sum(len(_said(message)) + 16 for message in messages) // CHARACTERS_A_TOKEN


def safe_cut(messages: Sequence[BaseMessage], keep_tokens: int) -> int:
    """Where to cut so that about `keep_tokens` remain, at the beginning of a turn or of a model message: a tool's
    result never stands without the call it answers. The last human message always remains."""
    last_human = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=0)
    starts = [at for at, message in enumerate(messages) if isinstance(message, HumanMessage) and at <= last_human]
    for at in starts:
        if n_tokens(messages[at:]) <= keep_tokens:
            return at
    return last_human


def _shortened(messages: list[BaseMessage], limit: int) -> list[BaseMessage]:
    """Where a single turn is too long: its oldest tool results are put away, their handles stay valid."""
    shown = list(messages)
    for at, message in enumerate(messages):
        if n_tokens(shown) <= limit:
            break
        if isinstance(message, ToolMessage) and at < len(messages) - 2:
            shown[at] = message.model_copy(update={"content": '{"summary":"(put away; its handles stay valid)"}'})
    return shown


def _after(messages: Sequence[BaseMessage], until: str) -> list[BaseMessage]:
    for at, message in enumerate(messages):
        if until and message.id == until:
            return list(messages[at + 1 :])
    return list(messages)


def _with(summary: str, messages: Sequence[BaseMessage]) -> list[Any]:
    if not summary:
        return list(messages)
    return [HumanMessage(f"[Summary of the conversation so far]\n{summary}"), *_answered(messages)]


def _answered(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Two messages of the user in a row are refused by some chat templates."""
    if messages and isinstance(messages[0], HumanMessage):
        return [AIMessage("Understood."), *messages]
    return list(messages)


def _said(message: BaseMessage) -> str:
    calls = [f"{call['name']}({call['args']})" for call in getattr(message, "tool_calls", [])]
    return " ".join([message.text, *calls])
