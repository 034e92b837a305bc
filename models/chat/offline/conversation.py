"""A message list, read: what was said and done before, what is asked now, and what this turn's steps have given so far.

Results are read as data: handles, kinds, names and numbers. Nothing in them is ever taken for a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

_ATTACHED = re.compile(r"\[attached (F\d+): ([^\]\n]+)\]")
_HELD = re.compile(r"\b([MPKTRSXACDF])(\d+)(?: to \1(\d+))?\b")


@dataclass(frozen=True, slots=True)
class Thing:
    """An item of a result. `numbers`: name -> value with unit, as text."""

    handle: str
    kind: str
    name: str = ""
    value: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict)
    made_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an action and what came of it. `step`: its number in the plan of its turn, from 1."""

    action: str
    args: Mapping[str, Any]
    step: int = 0
    summary: str = ""
    fault: str = ""
    things: tuple[Thing, ...] = ()
    more: int = 0
    citations: tuple[Mapping[str, Any], ...] = ()
    runs: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    question: str = ""

    def of_kind(self, *kinds: str) -> list[Thing]:
        return [thing for thing in self.things if thing.kind in kinds]


@dataclass(frozen=True, slots=True)
class History:
    """What was before the request. `files`: handle -> name of attached files; `pending`: the request that a question
    was asked about, which the person's next words may complete; `held`: handles named in the instructions."""

    calls: tuple[Call, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    pending: str = ""
    held: frozenset[str] = frozenset()

    def handles(self) -> set[str]:
        return {thing.handle for call in self.calls for thing in call.things} | set(self.files) | self.held

    def thing(self, handle: str) -> Thing | None:
        return next((t for call in reversed(self.calls) for t in call.things if t.handle == handle), None)

    def last_with(self, *kinds: str) -> Call | None:
        """The last call that gave things of these kinds."""
        return next((call for call in reversed(self.calls) if call.of_kind(*kinds)), None)

    def has(self, letter: str) -> bool:
        return any(handle.startswith(letter) for handle in self.handles())


@dataclass(frozen=True, slots=True)
class Conversation:
    """`text`: the request as typed; `turn`: what names this turn in the ids of its calls; `done`: calls of this turn
    that have a result, by step."""

    text: str
    history: History
    turn: str
    done: Mapping[int, Call] = field(default_factory=dict)


def read_conversation(messages: Sequence[BaseMessage]) -> Conversation:
    """Messages up to now, the last human one being the request."""
    asked_at = max((at for at, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    if asked_at < 0:
        return Conversation("", History(), "turn0")
    asked = messages[asked_at]
    before, after = messages[:asked_at], messages[asked_at + 1 :]
    humans = [str(message.text) for message in before if isinstance(message, HumanMessage)]
    files = {handle: name for text in humans for handle, name in _ATTACHED.findall(text)}
    history = History(tuple(_calls(before)), files, _pending(before), _held(before))
    turn = asked.id or f"turn{len(humans) + 1}"
    done = {call.step: call for call in _calls(after)}
    return Conversation(str(asked.text), history, turn, done)


def _calls(messages: Sequence[BaseMessage]) -> Iterator[Call]:
    """The calls that were answered, in order."""
    asked: dict[str, tuple[str, Mapping[str, Any], int]] = {}
    number = count(1)
    for message in messages:
        if isinstance(message, HumanMessage):
            number = count(1)
        elif isinstance(message, AIMessage):
            for call in message.tool_calls:
                step = int(message.additional_kwargs.get("step", next(number)))
                asked[str(call["id"])] = (call["name"], call["args"], step)
        elif isinstance(message, ToolMessage) and message.tool_call_id in asked:
            yield _answered(*asked[message.tool_call_id], message)


def _answered(action: str, args: Mapping[str, Any], step: int, message: ToolMessage) -> Call:
    document = _document(message)
    if document is None:
        text = str(message.text).strip() or "no result came back"
        return Call(action, args, step, summary=text, fault="error")
    artifact = message.artifact if isinstance(message.artifact, Mapping) else {}
    items = artifact.get("items") or document.get("items") or []
    shown = {str(item.get("handle")): item for item in document.get("items") or []}
    fault = str(document.get("fault") or "") or ("error" if message.status == "error" else "")
    return Call(
        action,
        args,
        step,
        summary=str(document.get("summary") or ""),
        fault=fault,
        things=tuple(_thing(item, shown.get(str(item.get("handle")), item)) for item in items),
        more=0 if artifact.get("items") else int(document.get("more") or 0),
        citations=tuple(document.get("citations") or ()),
        runs=_texts(document, "runs"),
        not_checked=_texts(document, "not_checked"),
        warnings=_texts(document, "warnings"),
        question=str(document.get("question") or ""),
    )


def _document(message: ToolMessage) -> Mapping[str, Any] | None:
    try:
        document = json.loads(str(message.text))
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and "summary" in document else None


def _texts(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = document.get(key) or ()
    return (given,) if isinstance(given, str) else tuple(map(str, given))


def _thing(item: Mapping[str, Any], shown: Mapping[str, Any]) -> Thing:
    numbers = {name: _quantity(value) for name, value in (shown.get("numbers") or item.get("numbers") or {}).items()}
    return Thing(
        handle=str(item.get("handle") or ""),
        kind=str(item.get("kind") or ""),
        name=str(item.get("name") or ""),
        value=str(item.get("value") or ""),
        numbers=numbers,
        made_from=tuple(map(str, item.get("made_from") or ())),
    )


def _quantity(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    amount = "unknown" if value.get("value") is None else f"{value['value']:.6g}"
    return f"{amount} {value.get('unit') or ''}".strip()


def _pending(before: Sequence[BaseMessage]) -> str:
    """The request that the last answer asked back about."""
    for message in reversed(before):
        if isinstance(message, AIMessage):
            asked = message.additional_kwargs.get("request")
            if asked:
                return str(asked)
            text = str(message.text).strip()
            if message.tool_calls or not text.endswith("?"):
                return ""
            humans = [str(m.text) for m in before if isinstance(m, HumanMessage)]
            return humans[-1] if humans else ""
        if isinstance(message, ToolMessage | HumanMessage):
            return ""
    return ""


def _held(before: Sequence[BaseMessage]) -> frozenset[str]:
    """Handles that our own instructions list ("molecule: M1 to M9"), for a conversation whose beginning is cut off."""
    found: set[str] = set()
    for message in before:
        if isinstance(message, SystemMessage):
            _, _, listed = str(message.text).partition("holds so far:")
            for letter, first, last in _HELD.findall(listed):
                found.update(f"{letter}{n}" for n in range(int(first), int(last or first) + 1))
    return frozenset(found)
