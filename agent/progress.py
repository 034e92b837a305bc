"""How a run is getting on, from its event log and the ledger: state, round, best so far, funnel, what it waits for.

Works for a run of any kind, in any state, from any process; it asks nothing of whoever executes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from agent.runs import ENDED
from tools.memory.ledger import EventRecord, RunRecord

if TYPE_CHECKING:
    from agent.session import Session

MEASURED = {"dock": ("vina", "kcal/mol", "minimize"), "interaction": ("interaction", "kcal/mol", "minimize")}
"""Check -> the score it measures, whose best value is shown while a campaign runs."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best value of a score so far, among candidates whose check passed, and the call that measured it."""

    value: float
    unit: str
    call_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """`seconds` of wall time between its first and last event, or now while it goes. `funnel`: stage -> verdict ->
    candidates. `waits_for`: "" unless a person or a process has to do something."""

    run_id: str
    name: str
    kind: str
    state: str
    seconds: float
    step: str = ""
    round: int = 0
    rounds: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    best: dict[str, Best] = field(default_factory=dict)
    funnel: dict[str, dict[str, int]] = field(default_factory=dict)
    waits_for: str = ""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 1)}

    def sentence(self) -> str:
        """One to three sentences for a person."""
        parts = [f"Run {self.run_id} ({self.kind} {self.name}) is {self.state.replace('_', ' ')}"]
        if self.rounds:
            parts.append(f"round {self.round} of {self.rounds}")
        if "stages" in self.counts:
            parts.append(f"{self.counts.get('stages done', 0)} of {self.counts['stages']} stages done")
        counted = [f"{self.counts[name]} {name}" for name in ("generated", "docked", "passed") if name in self.counts]
        text = ", ".join([*parts, *counted]) + f", {self.seconds:.0f} s."
        for name, best in self.best.items():
            text += f" Best {name} so far {best.value:.2f} {best.unit} (call {best.call_id[:10]})."
        if self.step and self.state not in ENDED:
            text += f" Now: {self.step}."
        if self.waits_for:
            text += f" It waits for {self.waits_for}."
        return text + (f" {self.message}" if self.message else "")


def progress_of(session: Session, run_id: str) -> Progress:
    """InputError where there is no such run."""
    record = session.ledger.get_run(run_id)
    events = session.ledger.events(run_id)
    steps = [e.payload for e in events if e.type == "step_started"]
    rounds = [e.payload for e in events if e.type == "round_finished"]
    planned = int(record.campaign.get("rounds", 0)) if record.kind in ("campaign", "demo") else 0
    ended = [e.payload for e in events if e.type == "run_finished"]
    return Progress(
        run_id=run_id,
        name=record.name,
        kind=record.kind,
        state=record.state,
        seconds=_seconds(record, events),
        step=str(steps[-1].get("step", "")) if steps else "",
        round=min(planned, len(rounds) + (record.state not in ENDED)) if planned else 0,
        rounds=planned,
        counts=_counts(session, record, events),
        best=_best(session, run_id),
        funnel=_funnel(events),
        waits_for=_waits_for(session, record, events),
        message=str((record.result or {}).get("message") or (ended[-1].get("message", "") if ended else "")),
    )


def _seconds(record: RunRecord, events: Sequence[EventRecord]) -> float:
    if record.result and record.result.get("seconds"):
        return float(record.result["seconds"])
    return max(0.0, events[-1].time - events[0].time) if events else 0.0


def _counts(session: Session, record: RunRecord, events: Sequence[EventRecord]) -> dict[str, int]:
    if record.kind in ("campaign", "demo"):
        results = session.ledger.results(record.run_id)
        docked = sum(any(r.name == "dock" for r in held) for held in results.values())
        last = _funnel(events).get("minimisation", {})
        counts = {"generated": len(session.ledger.candidates(record.run_id)), "docked": docked}
        return {**counts, "passed": last.get("pass", 0)}
    if record.kind == "workflow":
        over = {e.payload["step"]: e.payload.get("state") for e in events if e.type == "step_finished"}
        done = Counter(str(state) for state in over.values())
        stages = len(record.campaign.get("stages", ()))
        return {"stages": stages, "stages done": done["done"], "stages failed": done["failed"]}
    return {"calls": sum(e.type == "tool_result" for e in events)}


def _best(session: Session, run_id: str) -> dict[str, Best]:
    best: dict[str, Best] = {}
    texts = {candidate.candidate_id: candidate.text for candidate in session.ledger.candidates(run_id)}
    for candidate_id, results in session.ledger.results(run_id).items():
        for result in results:
            if result.name not in MEASURED or not result.passed or not isinstance(result.value, int | float):
                continue
            name, unit, goal = MEASURED[result.name]
            held = best.get(name)
            better = held is None or (result.value < held.value if goal == "minimize" else result.value > held.value)
            if better:
                best[name] = Best(float(result.value), unit, result.call_id, texts.get(candidate_id, ""))
    return best


def _funnel(events: Sequence[EventRecord]) -> dict[str, dict[str, int]]:
    """Each candidate counts once a stage, by its first verdict there (finalists are docked a second time)."""
    first: dict[tuple[str, str], str] = {}
    for event in events:
        if event.type == "check_finished":
            key = (str(event.payload["stage"]), str(event.payload["candidate_id"]))
            first.setdefault(key, str(event.payload["verdict"]))
    funnel: dict[str, dict[str, int]] = {}
    for (stage, _), verdict in first.items():
        held = funnel.setdefault(stage, {})
        held[verdict] = held.get(verdict, 0) + 1
    return funnel


def _waits_for(session: Session, record: RunRecord, events: Sequence[EventRecord]) -> str:
    if record.state == "waiting_approval":
        asked = [e.payload for e in events if e.type == "approval_requested"]
        return (
            f"your approval of {asked[-1].get('action', asked[-1].get('key', 'a step'))}" if asked else "your approval"
        )
    if record.state == "paused":
        return "somebody to resume it"
    if record.state == "queued":
        return "its turn, or for somebody to start it"
    if record.state == "running" and session.manager.resumable(record.run_id):
        return "somebody to resume it: the process that executed it is gone"
    return ""
