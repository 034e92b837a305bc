"""What a science domain gives the loop: stages of checks, scores, refine operators. The loop knows no chemistry.

A stage lists *calls* (tool name and JSON arguments), it does not run them: so the same list serves to execute, to
look up in the ledger after a restart, and to show what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.conditions import Bins
from tools.memory.artifacts import Artifacts
from tools.rank import Objective
from tools.types import CheckResult, Score, Verdict

Context = Mapping[str, Any]
"""Frozen JSON values of one run that checks depend on: receptor id, docking settings, constraints, seeds."""

Results = Mapping[str, CheckResult]
"""Results of one candidate so far, by check name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make. `hard`: a fail ends the candidate's way; otherwise the result is a flag. `label` is the name
    the result goes by where one tool serves several checks; it is no part of the call's identity."""

    tool: str
    args: Mapping[str, Any]
    hard: bool = True
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.tool


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the funnel. `calls(text, results so far, context)` says what to run for one candidate."""

    name: str
    title: str
    cost: Literal["cheap", "expensive"]
    calls: Callable[[str, Results, Context], Sequence[Call]]


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a stage said of one candidate: fail if a hard check failed, unknown if one could not be decided."""

    stage: str
    results: tuple[CheckResult, ...]
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to ask of the model: a task of the grammar, the text to continue, and the tag that ends an answer.

    `bins`: for each property that the campaign bounds, the tags of which one may stand before the molecule asked for;
    for a model that knows them."""

    task: str
    text: str
    stop: str
    bins: Bins = ()


class Domain(Protocol):
    """Implemented by one module a domain and listed in `tools.registry.DOMAINS`."""

    name: str
    stages: Sequence[Stage]
    costly_scores: Sequence[str]
    """Scores that only the expensive stages give; the loop predicts these to choose what to test."""

    def examine(self, campaign: Mapping[str, Any]) -> None:
        """Raise `InputError` for what can be seen to be wrong before anything runs."""

    def prepare(self, target: Mapping[str, Any], artifacts: Artifacts, must: Sequence[str] = ()) -> dict[str, Any]:
        """Read the target; {"target": TargetReport as JSON, ...} or {"input_error": one line}, also where it cannot
        make one of the interactions that candidates `must` have."""

    def objectives(self, campaign: Mapping[str, Any]) -> list[Objective]:
        """The campaign's objectives, with the domain's ranges where it gives none."""

    def context(self, campaign: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
        """What the checks of this run depend on."""

    def control_calls(self, context: Context, extent: str) -> list[Call]:
        """The control experiments; `extent` is full, quick or off."""

    def judge_controls(self, context: Context, answers: Sequence[tuple[Call, CheckResult]]) -> dict[str, Any]:
        """The control panel (`ControlPanel` as JSON)."""

    def reference_report(self, context: Context, results: Sequence[CheckResult]) -> dict[str, Any]:
        """The reference in `context["reference"]` after all stages (`ReferenceLigand` as JSON)."""

    def identity(self, text: str) -> str | None:
        """The canonical form by which a candidate is known, or None where the text means nothing."""

    def scores(self, results: Results, context: Context) -> dict[str, Score]: ...

    def prompts(self, context: Context) -> Sequence[Prompt]:
        """Openings from which the model writes new candidates for this target."""

    def render(self, text: str) -> str:
        """The candidate as a text of the grammar."""

    def reprompt(self, text: str, seed: int) -> tuple[Prompt, str]:
        """A prompt that begins a random spelling of `text`, and the part of it that belongs to the candidate."""

    def mutate(self, text: str, context: Context, seed: int) -> str | None: ...

    def crossover(self, a: str, b: str, context: Context, seed: int) -> str | None: ...

    def similarity(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Symmetric matrix (N, N) of similarities between 0 and 1."""
