"""Where every candidate stands: its outcomes, scores and desirability, rebuilt from stored results by one function.

Used by refinement, by the choice of what to dock, and by the final table, so that all three mean the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.discovery.deps import Deps
from tools.domain import StageOutcome
from tools.funnel import walk
from tools.rank import Objective, overall_desirability, size_regression
from tools.types import Candidate, CheckResult, Score, Verdict


@dataclass(frozen=True, slots=True)
class Standing:
    """One candidate. `passed`: it passed every stage. `docked`: it reached the docking stage and got a verdict.
    `desirability` is None until every objective's score is known."""

    candidate: Candidate
    outcomes: tuple[StageOutcome, ...]
    scores: Mapping[str, Score]
    desirability: float | None
    passed: bool

    @property
    def failed(self) -> bool:
        return any(outcome.verdict is Verdict.FAIL for outcome in self.outcomes)

    @property
    def results(self) -> list[CheckResult]:
        return [result for outcome in self.outcomes for result in outcome.results]

    @property
    def docked(self) -> bool:
        return any(result.name == "dock" and result.value is not None for result in self.results)


def standings(deps: Deps, context: Mapping[str, Any], before_round: int | None = None) -> list[Standing]:
    """All candidates with results, best first: those that passed every stage, then the rest; ties in candidate order.

    `context` decides which calls count: with the finalists' context only their second docking is read.
    `before_round` leaves out that round and later ones.
    """
    stored = deps.ledger.results(deps.run_id)
    rows = [
        _standing(candidate, stored[candidate.candidate_id], context, deps)
        for candidate in deps.ledger.candidates(deps.run_id)
        if candidate.candidate_id in stored and (before_round is None or candidate.round < before_round)
    ]
    rows = _with_desirability(_with_residuals(rows), objectives_of(deps))
    return sorted(rows, key=lambda row: (not row.passed, -(row.desirability or 0.0)))


def objectives_of(deps: Deps) -> list[Objective]:
    return deps.domain.objectives(deps.campaign.model_dump(mode="json", exclude_none=True))


def _standing(candidate: Candidate, results: Sequence[CheckResult], context: Mapping[str, Any], deps: Deps) -> Standing:
    by_id = {result.call_id: result for result in results}
    outcomes = tuple(walk(deps.domain.stages, candidate.text, context, lambda call_id, _call: by_id.get(call_id)))
    by_name = {result.name: result for outcome in outcomes for result in outcome.results}
    passed = len(outcomes) == len(deps.domain.stages) and outcomes[-1].verdict is Verdict.PASS
    return Standing(candidate, outcomes, deps.domain.scores(by_name, context), None, passed)


def _with_residuals(rows: list[Standing]) -> list[Standing]:
    """Add `size_residual`: the docking score less what heavy atoms alone predict, over this run's docked candidates."""
    vina = [_value(row, "vina") for row in rows]
    atoms = [_value(row, "heavy_atoms") for row in rows]
    sized = [i for i, n_atoms in enumerate(atoms) if n_atoms is not None]
    regression = size_regression([vina[i] for i in sized], [round(atoms[i] or 0) for i in sized])
    if regression is None:
        return rows
    completed = list(rows)
    for index, residual in zip(sized, regression.residuals, strict=True):
        if residual is not None:
            score = replace(rows[index].scores["vina"], name="size_residual", value=residual)
            completed[index] = replace(rows[index], scores={**rows[index].scores, "size_residual": score})
    return completed


def _with_desirability(rows: list[Standing], objectives: list[Objective]) -> list[Standing]:
    return [replace(row, desirability=overall_desirability(values_of(row.scores), objectives)) for row in rows]


def values_of(scores: Mapping[str, Score]) -> dict[str, float | None]:
    return {name: score.value for name, score in scores.items()}


def _value(row: Standing, name: str) -> float | None:
    score = row.scores.get(name)
    return None if score is None else score.value
