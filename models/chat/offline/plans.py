"""A plan: the steps a request asks for, or the question that has to be answered first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One call. Arguments that wait for an earlier step name its item: "$1.2" is the second item of step 1, "$1.*" all
    of them. `kind`: what kind of item such references mean."""

    action: str
    args: Mapping[str, Any]
    why: str = ""
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"action": self.action, "args": dict(self.args), "why": self.why}


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one of: `steps` to do; a `question`; an `answer` that needs no step. `request` is what the question is
    about, so that the reply can complete it. `notes`: what was assumed or left out."""

    steps: tuple[Step, ...] = ()
    question: str | None = None
    answer: str | None = None
    request: str = ""
    about: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `organon chat --dry-run --json` prints it."""
        calls = [{"name": step.action, "args": dict(step.args)} for step in self.steps]
        return {"tool_calls": calls, "question": self.question}


class AskError(Exception):
    """Something is missing or ambiguous: `question` has to be answered before anything is done. `about`: the words of
    the request that the reply takes the place of."""

    def __init__(self, question: str, about: str = "") -> None:
        super().__init__(question)
        self.question = question
        self.about = about


@dataclass(slots=True)
class Draft:
    """A step in the making, with what later clauses of the same request may refer to."""

    action: str
    args: dict[str, Any]
    why: str
    kind: str = ""
    count: int | None = None
    subjects: list[str] = field(default_factory=list)
