"""What a workflow or a sweep came to, as it leaves the process. Same promise as `schemas`: fields are only added."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from agent.interface.schemas import ActionResult, Document, RunState

StageState = Literal["waiting", "running", "done", "partial", "failed", "skipped", "stopped"]


class StageCall(Document):
    """One executed action of a stage. `element` is what `$item` was; `args` what the action was given, references
    replaced."""

    call_id: str
    args: dict[str, Any]
    element: str = ""
    result: ActionResult


class StageReport(Document):
    """A stage and its calls, in order. partial: some calls failed and some did not. skipped: not begun, `reason` says
    why. `left_out`: elements that `when: passed` held back, with the reason."""

    id: str
    action: str
    state: StageState
    why: str = ""
    reason: str = ""
    calls: list[StageCall] = Field(default_factory=list)
    left_out: dict[str, str] = Field(default_factory=dict)
    needs: list[str] = Field(default_factory=list)
    seconds: float = 0.0


class EvidenceLink(Document):
    """From one thing to what was made from it, by which call. made_from: the action says so; argument: it does not say,
    and the one was an argument of the call that made the other."""

    source: str
    target: str
    relation: Literal["made_from", "argument"]
    call_id: str


class SweepRow(Document):
    """One point of a sweep: its values, its run, and the best of each score there."""

    stage: str
    values: dict[str, Any]
    run_id: str = ""
    state: str = ""
    candidates: int | None = None
    docking: str = ""
    best: dict[str, float] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    seconds: float | None = None
    reason: str = ""


class WorkflowResult(Document):
    """What a workflow came to. `enough` is false where a stage failed or was skipped for want of something.
    `sweep` is there for a sweep only: one row a combination."""

    run_id: str
    name: str
    kind: Literal["workflow"] = "workflow"
    state: RunState
    thread_id: str
    stages: list[StageReport] = Field(default_factory=list)
    links: list[EvidenceLink] = Field(default_factory=list)
    sweep: list[SweepRow] = Field(default_factory=list)
    report: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    message: str = ""
    enough: bool = True
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    seed: int = 0
