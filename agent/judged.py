"""Every candidate of a run with what its checks measured, read from the ledger alone.

A candidate's results stand in the order in which they were made: first the rounds' checks, then, for finalists, the
second docking and what follows it. `at_last` reads the last result of each name, `in_rounds` the first. Not promised:
the run's own ranking, which also knows scores that compare candidates with each other (the size residual).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.registry import load_domain
from tools.types import Candidate, CheckResult, Score

if TYPE_CHECKING:
    from agent.session import Session
    from tools.memory.ledger import RunRecord

FIRST_EXPENSIVE, LAST_CHECK = "dock", "interaction"


@dataclass(frozen=True, slots=True)
class Judged:
    """`scores` are those of the last results, `round_scores` those of the rounds."""

    candidate: Candidate
    results: tuple[CheckResult, ...]
    in_rounds: Mapping[str, CheckResult]
    at_last: Mapping[str, CheckResult]
    scores: Mapping[str, Score]
    round_scores: Mapping[str, Score]

    @property
    def docked(self) -> bool:
        """It was sent to docking in a round and got a number."""
        result = self.in_rounds.get(FIRST_EXPENSIVE)
        return result is not None and result.value is not None

    @property
    def finalist(self) -> bool:
        """It was docked a second time."""
        return sum(result.name == FIRST_EXPENSIVE for result in self.results) > 1

    @property
    def passed(self) -> bool:
        """It passed every stage in its round."""
        return LAST_CHECK in self.in_rounds and self.obstacle is None

    @property
    def obstacle(self) -> CheckResult | None:
        """The check that ended its way in its round, if one did."""
        return _obstacle(self.in_rounds.values())

    @property
    def last_obstacle(self) -> CheckResult | None:
        """The check that ended its way as a finalist, if one did."""
        return _obstacle(self.at_last.values())


def judged_candidates(session: Session, record: RunRecord) -> list[Judged]:
    """In candidate order; those that no check has met yet are left out."""
    results = session.ledger.results(record.run_id)
    domain = load_domain(str(record.campaign.get("task", "ligand")))
    found = []
    for candidate in session.ledger.candidates(record.run_id):
        held = tuple(results.get(candidate.candidate_id, ()))
        if not held:
            continue
        first: dict[str, CheckResult] = {}
        for result in held:
            first.setdefault(result.name, result)
        last = {result.name: result for result in held}
        scored = [domain.scores(by_name, _context(record)) for by_name in (last, first)]
        found.append(Judged(candidate, held, first, last, *scored))
    return found


def _context(record: RunRecord) -> dict[str, Any]:
    return {"must": record.campaign.get("must") or []}


def _obstacle(results: Sequence[CheckResult] | Any) -> CheckResult | None:
    return next((result for result in results if result.hard and not result.passed), None)
