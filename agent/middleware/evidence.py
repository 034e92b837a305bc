"""Numbers in an answer that no result holds: sent back to the language model once, then marked.

A number is supported where some result or passage of the conversation holds it, also rounded. Not promised: that a
supported number is used for the right thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.turn import Turn
from prompts import render

MARK = " (not supported by a result)"
_NUMBER = re.compile(r"(?<![\w.\[-])[-−–]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?(?![\w\]])")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9À-Þ\[(*-])|\n+")
_HARMLESS = 10
"""Whole numbers up to this count things and steps."""


class Evidence(AgentMiddleware):
    """Around the answer only: messages that call tools are left alone. The offline front end writes nothing that is
    not in a result."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    def wrap_model_call(self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]) -> ModelResponse:
        response = handler(request)
        message = response.result[-1]
        if self._turn.offline or not isinstance(message, AIMessage) or message.tool_calls:
            return response
        doubtful = unsupported(message.text, request.state["messages"])
        if not doubtful:
            return response
        asked = HumanMessage(render("unsupported", sentences="\n".join(f"- {sentence}" for sentence in doubtful)))
        again = handler(request.override(messages=[*request.messages, message, asked], tools=[])).result[-1]
        if isinstance(again, AIMessage) and again.text.strip() and not again.tool_calls:
            message = again
        text = marked(message.text, unsupported(message.text, request.state["messages"]))
        return ModelResponse(result=[message.model_copy(update={"content": text})])


def unsupported(answer: str, messages: Sequence[BaseMessage]) -> list[str]:
    """The sentences of an answer that hold a number found in nothing the tools or the user said."""
    sources = "\n".join(_source(message) for message in messages if isinstance(message, ToolMessage | HumanMessage))
    known = [_value(text) for text in _NUMBER.findall(sources)]
    return [sentence for sentence in _sentences(answer) if not all(_known(n, known) for n in _NUMBER.findall(sentence))]


def marked(answer: str, sentences: Sequence[str]) -> str:
    """The answer with a mark behind each of these sentences of it."""
    for sentence in sentences:
        bare = sentence.rstrip(".!? ")
        answer = answer.replace(sentence, f"{bare}{MARK}{sentence[len(bare) :].rstrip() or ''}", 1)
    return answer


def _sentences(text: str) -> list[str]:
    ends = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    return [piece for start, end in pairwise(ends) if (piece := text[start:end].strip())]


def _source(message: BaseMessage) -> str:
    if not isinstance(message, ToolMessage):
        return str(message.text)
    return f"{message.text}\n{json.dumps(message.artifact, ensure_ascii=False)}"


def _value(text: str) -> float:
    return float(text.replace("−", "-").replace("–", "-").replace(",", ""))


def _known(text: str, known: Sequence[float]) -> bool:
    """Whether this number is among the known ones, or is one of them rounded to the digits it shows."""
    value = _value(text)
    if value == int(value) and abs(value) <= _HARMLESS:
        return True
    digits = len(text.partition(".")[2].lower().partition("e")[0])
    tolerance = 0.5 * 10**-digits + 1e-9
    return any(abs(abs(value) - abs(other)) <= tolerance for other in known)
