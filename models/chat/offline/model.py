"""`OfflineChatModel`: LangChain's chat model interface over the planner. No weights, no key, no network.

Stateless: the plan of a turn is made anew from the messages at every call and is the same each time, so a turn that was
interrupted goes on where it stood. One tool call a message; the first carries the plan. It says plainly that it is no
language model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from models.chat.offline.answers import compose
from models.chat.offline.conversation import Call, Conversation, read_conversation
from models.chat.offline.planner import plan_request
from models.chat.offline.plans import Plan
from models.chat.offline.references_resolved import WaitsForNothingError, resolve
from models.chat.offline.similarity import Embed
from models.chat.offline.talk import NO_LANGUAGE_MODEL


class OfflineChatModel(BaseChatModel):
    """`targets`: names of bundled protein targets; without any, all that the table of synonyms knows. `embed`: a
    sentence embedding, asked only where words do not decide."""

    targets: tuple[str, ...] = ()
    embed: Embed | None = None
    tool_names: tuple[str, ...] = ()

    @property
    def _llm_type(self) -> str:
        return "organon-offline"

    @property
    def statement(self) -> str:
        """What this is, for status lines and pages."""
        return NO_LANGUAGE_MODEL

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model, knowing which actions there are."""
        del tool_choice, kwargs
        return self.model_copy(update={"tool_names": tuple(_name_of(tool) for tool in tools)})

    def plan(self, messages: Sequence[BaseMessage]) -> Plan:
        """What the last human message asks for, as steps or a question; nothing is run."""
        return self._plan(read_conversation(messages))

    def _plan(self, conversation: Conversation) -> Plan:
        plan = plan_request(conversation.text, conversation.history, self.targets, self.embed)
        missing = [step.action for step in plan.steps if self.tool_names and step.action not in self.tool_names]
        if missing:
            return Plan(answer=f"This needs {', '.join(dict.fromkeys(missing))}, which is not available here.")
        return plan

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=self.reply(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        del stop, kwargs
        reply = self.reply(messages)
        for piece in _pieces(reply):
            chunk = ChatGenerationChunk(message=piece)
            if run_manager is not None and piece.text:
                run_manager.on_llm_new_token(piece.text, chunk=chunk)
            yield chunk

    def reply(self, messages: Sequence[BaseMessage]) -> AIMessage:
        """The next message of the turn: a call, a question or the answer."""
        conversation = read_conversation(messages)
        plan = self._plan(conversation)
        if not plan.steps:
            return _words(plan)
        done, skipped = dict(conversation.done), {}
        for number, step in enumerate(plan.steps, 1):
            if number in done:
                continue
            try:
                args = resolve(step, done)
            except WaitsForNothingError as nothing:
                skipped[number] = str(nothing)
                continue
            return _call(plan, number, args, conversation)
        text = compose(plan, done, skipped)
        return AIMessage(text, additional_kwargs=_asked_by_a_step(plan, done))


def _name_of(tool: Any) -> str:
    if isinstance(tool, dict):
        return str(tool.get("function", tool).get("name") or tool.get("title") or "")
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", ""))


def _words(plan: Plan) -> AIMessage:
    if plan.question is not None:
        notes = " ".join(plan.notes)
        text = f"{plan.question}" if not notes else f"{notes} {plan.question}"
        return AIMessage(text, additional_kwargs={"plan": [], "question": plan.question, "request": plan.request})
    return AIMessage(plan.answer or "", additional_kwargs={"plan": []})


def _call(plan: Plan, number: int, args: dict[str, Any], conversation: Conversation) -> AIMessage:
    step = plan.steps[number - 1]
    extra: dict[str, Any] = {"step": number}
    if not conversation.done:
        extra["plan"] = [one.to_json() for one in plan.steps]
    call = {"name": step.action, "args": args, "id": f"{conversation.turn}-step{number}", "type": "tool_call"}
    return AIMessage("", tool_calls=[call], additional_kwargs=extra)


def _asked_by_a_step(plan: Plan, done: dict[int, Call]) -> dict[str, Any]:
    """A question that a step came back with is the turn's question."""
    asked = [call.question for call in done.values() if call.question]
    return {"question": asked[-1], "request": plan.request} if asked else {}


def _pieces(reply: AIMessage) -> Iterator[AIMessageChunk]:
    """A message word by word; a call in one piece."""
    for position, call in enumerate(reply.tool_calls):
        text = json.dumps(call["args"], ensure_ascii=False)
        piece = tool_call_chunk(name=call["name"], args=text, id=call["id"], index=position)
        yield AIMessageChunk(content="", tool_call_chunks=[piece])
    for word in re.findall(r"\s*\S+\s*$|\s*\S+", str(reply.text)):
        yield AIMessageChunk(content=word)
    yield AIMessageChunk(content="", additional_kwargs=reply.additional_kwargs, chunk_position="last")
