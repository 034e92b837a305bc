"""Every document that leaves the process: events and the `RunResult` that demo, campaign and API all return.

Only pydantic models stand here. Adding a field is compatible; renaming or removing one is not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RunState = Literal["queued", "running", "paused", "waiting_approval", "done", "failed", "stopped"]
EventType = Literal[
    "run_started",
    "step_started",
    "step_finished",
    "candidate_added",
    "check_finished",
    "round_finished",
    "approval_requested",
    "run_finished",
    "message",
    "message_delta",
    "plan",
    "tool_call",
    "tool_result",
]
"""Of a chat turn: `message` {role, text, citations}; `message_delta` {text}, pieces of the message in the making;
`plan` {steps: [{action, args, why}]}; `tool_call` {call_id, action, args, cost}; `tool_result` {call_id, result}: an
`ActionResult`; `approval_requested` {key, action, args, cost, reason}, answered by `approve` {key, approved, args}."""
ItemKind = Literal[
    "molecule", "protein", "pocket", "receptor", "reaction", "route", "material", "antibody", "passage", "run", "file"
]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(Document):
    """One line of a run's append-only log; `seq` counts from 1 within a run without gaps."""

    run_id: str
    seq: int
    time: datetime
    type: EventType
    payload: dict[str, Any] = Field(default_factory=dict)


class CheckReport(Document):
    """One executed check of one candidate, as shown: see `tools.types.CheckResult`. `hard` is false for a flag, whose
    fail did not end the candidate's way."""

    name: str
    verdict: Literal["pass", "fail", "unknown"]
    value: float | str | None = None
    unit: str = ""
    threshold: str = ""
    reason: str = ""
    call_id: str = ""
    tool: str = ""
    version: str = ""
    seconds: float = 0.0
    hard: bool = True
    details: dict[str, Any] = Field(default_factory=dict)


class ScoreReport(Document):
    value: float | None
    unit: str
    goal: Literal["minimize", "maximize"]
    call_id: str = ""


class CandidateReport(Document):
    """A ranked candidate (rank 1 is best). `pose` is the artifact id of the docked pose (SDF), where there is one.
    `heavy_atoms`, ligand efficiency and size residual stand among `scores`."""

    rank: int
    smiles: str
    scores: dict[str, ScoreReport]
    checks: list[CheckReport]
    round: int
    candidate_id: str
    origin: str
    parents: list[str] = Field(default_factory=list)
    pose: str | None = None
    seen_before: str | None = None


class FunnelStage(Document):
    """How many candidates met a stage and what became of them: `in` = passed + failed + unknown.
    `not_selected` passed the stage before but were not sent on within the budget; they are not part of `in`.
    `reasons` counts why, most frequent first."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    stage: str
    entered: int = Field(alias="in", serialization_alias="in")
    passed: int
    failed: int
    unknown: int
    not_selected: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)


class Control(Document):
    """One control experiment. `evidence` holds its numbers (each with unit in the key) and call ids."""

    name: Literal["redock", "enrichment", "approved_drugs", "reference"]
    verdict: Literal["pass", "fail", "unknown"]
    summary: str
    evidence: dict[str, Any] = Field(default_factory=dict)


class ControlPanel(Document):
    """The controls run before the first round, and what they say about docking on this target."""

    trust: Literal["trusted", "weak", "untested"]
    summary: str
    controls: list[Control] = Field(default_factory=list)


class RoundSummary(Document):
    """One round of the loop; `best` maps a score's name to the best value so far (over all rounds up to this)."""

    round: int
    generated: int
    docked: int
    passed: int
    best: dict[str, float] = Field(default_factory=dict)
    seconds: float
    origins: dict[str, int] = Field(default_factory=dict)


class ReferenceLigand(Document):
    """The reference compound, docked and scored exactly as the designs are."""

    name: str
    smiles: str
    scores: dict[str, ScoreReport] = Field(default_factory=dict)
    checks: list[CheckReport] = Field(default_factory=list)
    pose: str | None = None


class TargetReport(Document):
    """The prepared receptor: what was read, kept, replaced and removed."""

    name: str
    source: str
    receptor: str = ""
    box_center_angstrom: tuple[float, float, float] | None = None
    box_size_angstrom: tuple[float, float, float] | None = None
    pocket_residues: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class RunResult(Document):
    """What a run came to. The same document from `organon demo --json`, `organon campaign ... --json` and the API.

    `enough` is false where fewer candidates passed every stage than a person needs to choose from."""

    run_id: str
    name: str
    state: RunState
    target: TargetReport | None = None
    controls: ControlPanel | None = None
    reference: ReferenceLigand | None = None
    funnel: list[FunnelStage] = Field(default_factory=list)
    rounds: list[RoundSummary] = Field(default_factory=list)
    candidates: list[CandidateReport] = Field(default_factory=list)
    report: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    message: str = ""
    enough: bool = True
    seconds: float = 0.0
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    seed: int = 0


class Quantity(Document):
    """A number as shown: what was measured, in which unit, by which executed call."""

    value: float | None
    unit: str = ""
    call_id: str = ""


class Item(Document):
    """One thing an action made or found, that later steps can name by its `handle` (M3: the third molecule of its
    thread; given when stored). `value` is its text by kind: SMILES; one-letter sequence; pocket: residues as
    "A:THR315 A:MET318"; receptor, file: artifact id; reaction: reaction SMILES; route: JSON; material: grammar text;
    run: run id; passage: quoted text. `links`: artifact ids by role (pose, structure). `made_from`: handles."""

    kind: ItemKind
    value: str
    handle: str = ""
    name: str = ""
    numbers: dict[str, Quantity] = Field(default_factory=dict)
    checks: list[CheckReport] = Field(default_factory=list)
    links: dict[str, str] = Field(default_factory=dict)
    made_from: list[str] = Field(default_factory=list)
    details: dict[str, Any] = Field(default_factory=dict)


class Citation(Document):
    """What a sentence rests on: a passage of a document (with page and character offset) or a record of a run."""

    number: int
    kind: Literal["passage", "run", "call"]
    source: str
    title: str = ""
    locator: str = ""
    quote: str = ""
    url: str = ""


class ActionCost(Document):
    """What an action will take, estimated before it starts; `outward`: it leaves this machine (network)."""

    seconds: float = 0.0
    docking_calls: int = 0
    outward: bool = False


class ActionResult(Document):
    """What an action came to. `fault` is empty where it worked; else its remedy's class, and `summary` says what to do.
    `summary` is one to three sentences a person can read; every number in it stands among the items or has a citation.
    `not_checked` names, plainly, what this answer does not vouch for."""

    action: str
    call_id: str
    summary: str
    fault: Literal["", "input", "install", "retry", "refused", "stop", "error"] = ""
    items: list[Item] = Field(default_factory=list)
    citations: list[Citation] = Field(default_factory=list)
    not_checked: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    runs: list[str] = Field(default_factory=list)
    files: dict[str, str] = Field(default_factory=dict)
    question: str = ""
    seconds: float = 0.0


class ThreadSummary(Document):
    """A conversation: its turns are runs of kind "chat"; runs that its actions started belong to it too."""

    thread_id: str
    title: str
    created: datetime
    updated: datetime
    runs: list[str] = Field(default_factory=list)
