"""Which of the candidates that passed the cheap stages are worth an expensive one.

Upper confidence on the desirability that a candidate would reach: the costly scores are predicted from the docked ones
by a Gaussian process over similarity, the cheap ones are known. Then the best are taken one by one, skipping what is
too similar to one taken before. In the first round nothing is docked yet: cheap desirability and diversity decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.discovery.deps import Deps
from agent.discovery.standing import Standing, objectives_of, standings, values_of
from tools.rank import overall_desirability, select_diverse
from tools.surrogate import predict
from tools.types import Candidate, CheckResult

OPTIMISM = 1.0
"""Standard deviations added in the objective's favour (upper confidence bound; Srinivas 2010, 1 is their practice)."""
TOO_SIMILAR = 0.7
FEWEST_TESTED = 5
MAX_TESTED = 1000


def choose(
    passing: Sequence[tuple[Candidate, Sequence[CheckResult]]],
    n: int,
    round_: int,
    context: Mapping[str, Any],
    deps: Deps,
) -> list[Candidate]:
    """The `n` to dock, in candidate order. `passing` are candidates with their cheap results alone: what a run that was
    interrupted has already docked of this round must not bear on the choice."""
    if n <= 0 or not passing:
        return []
    similarity = deps.domain.similarity([candidate.text for candidate, _ in passing])
    taken = select_diverse(
        range(len(passing)),
        _worth(passing, round_, context, deps),
        n,
        lambda first, second: float(similarity[first, second]),
        TOO_SIMILAR,
        fill=True,
    )
    return [passing[index][0] for index in sorted(taken)]


def _worth(
    passing: Sequence[tuple[Candidate, Sequence[CheckResult]]], round_: int, context: Mapping[str, Any], deps: Deps
) -> list[float]:
    """Desirability each may reach, over the objectives that are known or can be predicted (0 where there are none)."""
    tested = [s for s in standings(deps, context, before_round=round_) if s.docked][:MAX_TESTED]
    predicted = _predictions([candidate for candidate, _ in passing], tested, deps)
    objectives = objectives_of(deps)
    worth = []
    for index, (_, results) in enumerate(passing):
        values = values_of(deps.domain.scores({result.name: result for result in results}, context))
        values |= {name: float(guess[index]) for name, guess in predicted.items()}
        known = [objective for objective in objectives if values.get(objective.score) is not None]
        worth.append((overall_desirability(values, known) if known else None) or 0.0)
    return worth


def _predictions(
    passing: Sequence[Candidate], tested: Sequence[Standing], deps: Deps
) -> dict[str, NDArray[np.float64]]:
    """Score name -> optimistic prediction for each of `passing`, for the scores that only docking gives."""
    predictions: dict[str, NDArray[np.float64]] = {}
    if not tested:
        return predictions
    similarity = deps.domain.similarity([s.candidate.text for s in tested] + [c.text for c in passing])
    for name in deps.domain.costly_scores:
        known = [(row, s.scores[name]) for row, s in enumerate(tested) if name in s.scores]
        rows = [row for row, score in known if score.value is not None]
        if len(rows) < FEWEST_TESTED:
            continue
        values = np.array([score.value for _, score in known if score.value is not None])
        mean, deviation = predict(similarity[np.ix_(rows, rows)], values, similarity[len(tested) :][:, rows])
        toward = -1.0 if known[0][1].goal == "minimize" else 1.0
        predictions[name] = mean + toward * OPTIMISM * deviation
    return predictions
