"""What the language model is told: its tools, its instructions, and a conversation in the form providers accept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.tools import StructuredTool

from agent.actions import ACTIONS, load_action
from agent.chat.turn import tool_calls_of
from agent.interface.schemas import Item
from prompts import render
from tools.memory.threads import LETTERS

CHARACTERS_A_TOKEN = 4
"""An estimate: no tokenizer of a foreign model is at hand."""
_ONLY_A_NAME: dict[str, Any] = {"description": "", "parameters": {"type": "object", "properties": {}}}


def action_tools(schemas: bool = True) -> list[StructuredTool]:
    """Every action as the language model sees it: name, purpose, schema of its arguments. They are run by the
    middleware, which knows the call's id. Without `schemas` only the names, which is all that the offline front end
    reads, and loads no action that is not called."""
    tools = []
    for name in tuple(ACTIONS):
        schema: dict[str, Any] = load_action(name).schema() if schemas else _ONLY_A_NAME
        plain = plain_schema(schema["parameters"])
        tools.append(StructuredTool(name=name, description=schema["description"], args_schema=plain))
    return tools


def plain_schema(schema: Any) -> Any:
    """A JSON schema without what only a validator needs: an argument that may be left out says its type, not "or
    null". A third shorter, and small models fill it in more often as it is meant."""
    if isinstance(schema, list):
        return [plain_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: plain_schema(value) for key, value in schema.items() if key != "additionalProperties"}
    choices = plain.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        kept = [choice for choice in choices if choice != {"type": "null"}]
        plain = {key: value for key, value in plain.items() if key not in ("anyOf", "default")}
        plain |= kept[0] if len(kept) == 1 else {"anyOf": kept}
    return plain


def schema_tokens(tools: Sequence[StructuredTool]) -> int:
    """Estimated tokens that the tools take of every request."""
    written = (json.dumps([tool.name, tool.description, tool.args_schema]) for tool in tools)
    return sum(map(len, written)) // CHARACTERS_A_TOKEN


def system_prompt(items: Sequence[Mapping[str, Any]]) -> str:
    """Handles and kinds only: a name out of a file is data, and stands nowhere but in tool results."""
    kinds = sorted((Item.model_validate(item) for item in items), key=lambda item: list(LETTERS).index(item.kind))
    held = [(kind, [item.handle for item in group]) for kind, group in groupby(kinds, key=lambda item: item.kind)]
    said = "; ".join(f"{kind}: {_span(handles)}" for kind, handles in held) or "nothing yet"
    return render("assistant", date=f"{datetime.now(UTC):%Y-%m-%d}", items=said)


def attachment_line(handle: str, name: str) -> str:
    """How a message tells of a file that came with it."""
    return f"[attached {handle}: {' '.join(name.split())[:120]}]"


def _span(handles: Sequence[str]) -> str:
    return ", ".join(handles) if len(handles) < 4 else f"{handles[0]} to {handles[-1]}"


def closed(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """What has to be said before a new turn where the last one was abandoned: calls without a result are answered, and
    the turn has a last word, since providers refuse a conversation with either open."""
    if not messages or (isinstance(messages[-1], AIMessage) and not tool_calls_of(messages[-1])):
        return []
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    calls = [call for message in messages for call in tool_calls_of(message) if call["id"] not in answered]
    notes = [
        ToolMessage(
            '{"summary":"not run: the turn was ended","fault":"stop"}', name=call["name"], tool_call_id=call["id"]
        )
        for call in calls
    ]
    return [*notes, AIMessage("(This turn was ended before an answer.)")]
