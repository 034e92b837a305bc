"""One turn of a conversation: what its parts share, and what it has done so far, read from its event log.

The n-th tool call of a turn has the id RUN.n, counted over the model's messages in order: the same when the turn is
executed again after a crash. A call whose result stands in the log is never made again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.actions.action import ActionContext
from agent.interface.schemas import ActionResult, Citation
from tools.errors import StopError

if TYPE_CHECKING:
    from agent.runs import RunControl
    from agent.session import Session


class TurnStoppedError(StopError):
    """The turn was asked to stop; what it has done is kept."""


@dataclass
class Turn:
    """`llm`: the name of the language front end, as in the settings."""

    session: Session
    control: RunControl
    thread_id: str
    llm: str
    waited_seconds: float = 0.0
    model_calls: int = 0
    _started: float = field(default_factory=time.monotonic)

    @property
    def run_id(self) -> str:
        return self.control.run_id

    @property
    def offline(self) -> bool:
        """Whether the built-in front end speaks, which is no language model."""
        return self.llm == "offline"

    def context(self, call_id: str) -> ActionContext:
        return ActionContext(self.session, self.control, self.thread_id, call_id)

    def obey(self) -> None:
        """Between two steps: wait while paused; TurnStoppedError if the run was asked to stop."""
        with self.waiting():
            self.control.wait_while_paused()
        self.obey_stop()

    def obey_stop(self) -> None:
        if self.control.should_stop():
            raise TurnStoppedError("stopped as asked")

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time spent on people, which no budget counts."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.waited_seconds += time.monotonic() - started

    def active_seconds(self) -> float:
        """Seconds this process has worked on the turn, without waiting for people."""
        return time.monotonic() - self._started - self.waited_seconds

    def call_id(self, messages: Sequence[BaseMessage], tool_call_id: str) -> str:
        """The id of the call that the model names `tool_call_id`."""
        ids = [call["id"] for message in self.own(messages) for call in tool_calls_of(message)]
        return f"{self.run_id}.{ids.index(tool_call_id) + 1}"

    def own(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        """The messages of this turn: those after the one that began it, whose id is the run's."""
        for position, message in enumerate(messages):
            if isinstance(message, HumanMessage) and message.id == self.run_id:
                return list(messages[position + 1 :])
        return []

    def calls(self) -> list[dict[str, Any]]:
        """The tool calls so far with their results: {call_id, action, args, result: None while under way}."""
        calls: dict[str, dict[str, Any]] = {}
        for event in self.session.ledger.events(self.run_id):
            payload = event.payload
            if event.type == "tool_call":
                calls[payload["call_id"]] = {key: payload[key] for key in ("call_id", "action", "args")}
                calls[payload["call_id"]]["result"] = None
            elif event.type == "tool_result" and payload["call_id"] in calls:
                calls[payload["call_id"]]["result"] = ActionResult.model_validate(payload["result"])
                calls[payload["call_id"]]["args"] = payload.get("args", calls[payload["call_id"]]["args"])
        return list(calls.values())

    def results(self) -> list[ActionResult]:
        """What this turn's calls have come to, oldest first."""
        return [call["result"] for call in self.calls() if call["result"] is not None]

    def citations(self) -> list[Citation]:
        """What this turn's results cite, each once, by number."""
        numbered = {citation.number: citation for result in self.results() for citation in result.citations}
        return [numbered[number] for number in sorted(numbered)]


def tool_calls_of(message: BaseMessage) -> list[Any]:
    """The tool calls a message makes; none unless it is the model's."""
    return list(message.tool_calls) if isinstance(message, AIMessage) else []
