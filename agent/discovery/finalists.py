"""Who the finalists are, and the settings under which they are docked again."""

from __future__ import annotations

from typing import Any

from agent.discovery.deps import Deps
from agent.discovery.standing import Standing
from tools.rank import select_diverse

FINAL_RING_CONFORMERS = 3
"""Vina does not sample rings: three starts (ring conformations) where a saturated ring is
present."""
DISTINCT = 0.7
"""Finalists differ by more than this Tanimoto similarity, so that the table is not one molecule eight times."""


def final_context(context: dict[str, Any]) -> dict[str, Any]:
    """The run's context with the finalists' docking settings in place of the rounds'."""
    docking = context["docking"]
    final = {
        "exhaustiveness": docking["final_exhaustiveness"],
        "n_ring_conformers": max(docking["n_ring_conformers"], FINAL_RING_CONFORMERS),
    }
    return {**context, "docking": {**docking, **final}}


def finalists(table: list[Standing], deps: Deps) -> list[Standing]:
    """The best distinct candidates that passed every stage, as many as the campaign asks for; if there are fewer
    distinct ones than that, the next best fill up."""
    passed = [standing for standing in table if standing.passed]
    n = min(deps.campaign.docking.finalists, len(passed))
    if not n:
        return []
    similarity = deps.domain.similarity([standing.candidate.text for standing in passed])
    taken = select_diverse(
        range(len(passed)),
        [standing.desirability for standing in passed],
        n,
        lambda first, second: float(similarity[first, second]),
        DISTINCT,
        fill=True,
    )
    return [passed[i] for i in sorted(taken)]
