"""Gather a run into one `RunResult` from what the ledger holds. No score is computed here that ranking did not use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from agent.discovery.deps import Deps
from agent.discovery.evidence import run_evidence
from agent.discovery.finalists import final_context
from agent.discovery.standing import Standing, standings
from agent.discovery.state import DiscoveryState
from agent.interface.schemas import (
    CandidateReport,
    CheckReport,
    ControlPanel,
    FunnelStage,
    ReferenceLigand,
    RoundSummary,
    RunResult,
    ScoreReport,
    TargetReport,
)
from agent.plural import plural
from agent.tool_calls import recorded_calls
from models.pocket_use import pocket_use_of
from tools.memory.ledger import Ledger
from tools.types import CheckResult, Score, Verdict

PACKAGES = (
    "rdkit",
    "vina",
    "meeko",
    "posebusters",
    "openmm",
    "dimorphite-dl",
    "torch",
    "transformers",
    "langgraph",
)
FEWEST = 5
"""A run that ends with fewer candidates than this says so and counts as failed work (exit code 1)."""


def build_result(state: DiscoveryState, deps: Deps, files: dict[str, str]) -> RunResult:
    context = state["context"]
    table = standings(deps, context)
    confirmed = [s for s in standings(deps, final_context(context)) if s.passed]
    ranked = confirmed or [s for s in table if s.passed][: deps.campaign.docking.finalists]
    events = deps.ledger.events(deps.run_id)
    pocket_use = pocket_use_of(deps.checkpoint)
    return RunResult(
        run_id=deps.run_id,
        name=deps.campaign.name,
        state="stopped" if deps.control.should_stop() else "done",
        target=TargetReport.model_validate(context["target"]),
        controls=ControlPanel.model_validate(context["controls"]),
        reference=ReferenceLigand.model_validate(state["reference"]) if state["reference"] else None,
        funnel=funnel(table, deps) + _final_funnel(deps, context),
        rounds=[RoundSummary.model_validate(e.payload) for e in events if e.type == "round_finished"],
        candidates=[_candidate(rank, s, deps) for rank, s in enumerate(ranked, 1)],
        report=files["report.html"],
        files=files,
        message=_message(ranked, confirmed, state),
        enough=len(ranked) >= FEWEST,
        seconds=deps.clock.seconds(),
        settings={
            "campaign": deps.campaign.model_dump(mode="json"),
            "workers": deps.executor.workers,
            "model": deps.model.status(),
            "pocket_use": None if pocket_use is None else pocket_use.to_json(),
            "ending": state["ending"],
            "evidence": run_evidence(context, deps, [s.candidate for s in ranked]),
        },
        versions={"organon": version("organon"), **{package: version(package) for package in PACKAGES}},
        seed=deps.campaign.seed,
    )


def funnel(table: Sequence[Standing], deps: Deps) -> list[FunnelStage]:
    """Counts per stage over all rounds, with the reasons of every loss, most frequent first."""
    stages, waiting = [], len(table)
    for stage in deps.domain.stages:
        met = [outcome for s in table for outcome in s.outcomes if outcome.stage == stage.name]
        verdicts = Counter(outcome.verdict for outcome in met)
        reasons = Counter(_short(outcome.reason) for outcome in met if outcome.verdict is not Verdict.PASS)
        stages.append(
            FunnelStage.model_validate(
                {
                    "stage": stage.name,
                    "in": len(met),
                    "passed": verdicts[Verdict.PASS],
                    "failed": verdicts[Verdict.FAIL],
                    "unknown": verdicts[Verdict.UNKNOWN],
                    "not_selected": waiting - len(met),
                    "reasons": dict(reasons.most_common()),
                }
            )
        )
        waiting = verdicts[Verdict.PASS]
    return stages


def _final_funnel(deps: Deps, context: dict[str, Any]) -> list[FunnelStage]:
    """The finalists' second way through the expensive stages, under names that say so."""
    final = final_context(context)
    if final["docking"]["exhaustiveness"] == context["docking"]["exhaustiveness"]:
        return []
    expensive = {stage.name for stage in deps.domain.stages if stage.cost == "expensive"}
    again = [s for s in standings(deps, final) if any(o.stage == "docking" for o in s.outcomes)]
    level = f"exhaustiveness {final['docking']['exhaustiveness']}"
    return [
        stage.model_copy(update={"stage": f"finalists: {stage.stage} ({level})", "not_selected": 0})
        for stage in funnel(again, deps)
        if stage.stage in expensive and stage.entered
    ]


def _short(reason: str) -> str:
    """A reason without what it quotes and measures, so that like reasons count together."""
    unquoted = re.sub(r"(['\"`]).*\1", "…", reason)
    return re.sub(r"[-+]?\d+(\.\d+)?", "#", unquoted)[:120] or "no reason given"


def _candidate(rank: int, standing: Standing, deps: Deps) -> CandidateReport:
    dock = next((r for r in standing.results if r.name == "dock"), None)
    seen = deps.ledger.sightings([standing.candidate.text], not_in_run=deps.run_id)
    scores = {name: score_report(score) for name, score in standing.scores.items()}
    scores["desirability"] = ScoreReport(value=standing.desirability, unit="", goal="maximize")
    return CandidateReport(
        rank=rank,
        smiles=standing.candidate.text,
        scores=scores,
        checks=[check_report(result) for result in standing.results],
        round=standing.candidate.round,
        candidate_id=standing.candidate.candidate_id,
        origin=standing.candidate.origin,
        parents=list(standing.candidate.parents),
        pose=dock.details.get("pose") if dock else None,
        seen_before=f"run {seen[0].run_id}" if seen and deps.campaign.memory == "on" else None,
    )


def check_report(result: CheckResult) -> CheckReport:
    data = result.to_json()
    return CheckReport.model_validate({key: data[key] for key in CheckReport.model_fields})


def score_report(score: Score) -> ScoreReport:
    return ScoreReport(value=score.value, unit=score.unit, goal=score.goal, call_id=score.call_id)


def _message(ranked: Sequence[Standing], confirmed: Sequence[Standing], state: DiscoveryState) -> str:
    message = f"{plural(len(ranked), 'candidate')} passed every stage; rounds ended: {state['ending']}."
    if ranked and not confirmed:
        message += " None was confirmed by the finalists' second docking: scores are those of the rounds."
    if len(ranked) < FEWEST:
        message += f" That is fewer than {FEWEST}: too few to choose from."
    return message


def calls_shown(result: RunResult, ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Every call whose id stands in the result."""
    ids = [check.call_id for candidate in result.candidates for check in candidate.checks]
    ids += [check.call_id for check in (result.reference.checks if result.reference else [])]
    for control in result.controls.controls if result.controls else []:
        ids += control.evidence.get("calls", [])
    return recorded_calls(ledger, ids)
