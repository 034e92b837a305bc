"""Sentences of an answer that nothing supports: sent back to the language model once, then marked.

A sentence is supported if each of its numbers stands in some result or passage of the conversation, or in what the user
said, as it is or rounded, and each citation number in it is one of the turn's. Not promised: that a supported number is
used for the right thing, or that a sentence without numbers is true.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Sequence

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.chat.middleware.repair import EXPLAINED
from agent.chat.turn import Turn
from prompts import render
from tools.literature.answer import cited_numbers
from tools.literature.sentences import split_sentences

MARK = " (not supported by a result)"
COUNTS_UP_TO = 10
"""Whole numbers up to this count things and steps, and need no source."""
_NUMBER = re.compile(r"(?<![\w.])[-−–]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?(?!\w)")
_CITATION = re.compile(r"\[\s*\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*\s*\]")


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
        if message.additional_kwargs.get(EXPLAINED):
            return response
        said = request.state["messages"]
        cited = {citation.number for citation in self._turn.citations()}
        doubtful = unsupported(message.text, said, cited)
        if not doubtful:
            return response
        self._turn.control.emit("step_started", {"step": "the answer is checked against the results again"})
        asked = HumanMessage(render("unsupported", sentences="\n".join(f"- {sentence}" for sentence in doubtful)))
        again = handler(request.override(messages=[*request.messages, message, asked], tools=[])).result[-1]
        if isinstance(again, AIMessage) and again.text.strip() and not again.tool_calls:
            message = again
        text = marked(message.text, unsupported(message.text, said, cited))
        return ModelResponse(result=[message.model_copy(update={"content": text})])


def unsupported(answer: str, messages: Sequence[BaseMessage], cited: Collection[int]) -> list[str]:
    """The sentences of an answer that hold a number, or a citation, that stands nowhere."""
    sources = "\n".join(_source(message) for message in messages if isinstance(message, ToolMessage | HumanMessage))
    written = set(_NUMBER.findall(sources))
    known = [value for text in written for value in _readings(text)]
    found = []
    for sentence in split_sentences(answer):
        numbers = _NUMBER.findall(_CITATION.sub(" ", _without_list_mark(sentence)))
        numbers_stand = all(number in written or _known(number, known) for number in numbers)
        if not (numbers_stand and set(cited_numbers(sentence)) <= set(cited)):
            found.append(sentence)
    return found


def marked(answer: str, sentences: Sequence[str]) -> str:
    """The answer with a mark at the end of each of these sentences of it."""
    for sentence in sentences:
        bare = sentence.rstrip().rstrip(".!?")
        answer = answer.replace(bare, bare + MARK, 1)
    return answer


def _source(message: BaseMessage) -> str:
    if not isinstance(message, ToolMessage):
        return str(message.text)
    whole = {key: value for key, value in dict(message.artifact or {}).items() if key not in ("seconds", "call_id")}
    return f"{message.text}\n{json.dumps(whole, ensure_ascii=False)}"


def _without_list_mark(sentence: str) -> str:
    return re.sub(r"^\s*(?:[-*•]\s*)?\d{1,2}[.)]\s+", "", sentence)


def _readings(text: str) -> set[float]:
    """What a number may mean as written: "1,234" with its comma between thousands, or as a decimal sign. A version or
    date (2026.9.1) is none, and neither is what no floating-point number holds (1e999)."""
    plain = text.replace("−", "-").replace("–", "-")
    values = set()
    for spelling in {plain.replace(",", ""), plain.replace(",", ".")}:
        try:
            values.add(float(spelling))
        except ValueError:
            continue
    return {value for value in values if math.isfinite(value)}


def _known(text: str, known: Sequence[float]) -> bool:
    """Whether this number is among the known ones, or is one of them rounded to the digits it shows."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.replace(",", ".").rpartition(".")[2]) if re.search(r"[.,]", mantissa) else 0
    half = 0.5 * float(f"1e{int(exponent or 0) - decimals}") * (1 + 1e-9)
    for value in map(abs, _readings(text)):
        if value == int(value) and value <= COUNTS_UP_TO:
            return True
        if any(abs(value - abs(other)) <= (half if other % 1 else 1e-9 * max(1.0, value)) for other in known):
            return True
    return False
