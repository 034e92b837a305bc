"""Does what the model was given steer what it writes? The true context of an answer against contexts of others.

For each answer (a ligand, a CDR loop) log P(answer | own context) is compared with log P(answer | context of another
case). The answer is the same on both sides, so its own length cancels; other contexts are drawn from cases whose
answer is of like size, so that the size of the pocket or loop gives nothing away, and that are not alike. 0.5 means
that the context is decoration (protocol of the project's design, "does the pocket steer the model?").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.backends.base import Generator
from models.errors import ModelInputError
from tools.evaluation.auroc import auroc
from tools.evaluation.conditional_score import score_continuations
from tools.evaluation.intervals import statistic_figure
from tools.evaluation.protocol import Figure


@dataclass(frozen=True, slots=True)
class Context:
    """What one case gives the model: its prompt, the size of its answer, and what likeness is judged by."""

    case_id: str
    prompt: str
    size: int
    key: str


def choose_others(
    own: Context,
    pool: Sequence[Context],
    *,
    n: int,
    size_band: int,
    alike: Callable[[str, str], bool],
    seed: int,
) -> list[Context]:
    """Up to `n` contexts of `pool` with an answer size within `size_band` of `own`'s and a key that is not `alike`.

    The order is drawn from the seed and the two cases' ids, so that it does not hang on who else is in the pool.
    """
    found: list[Context] = []
    ordered = sorted(pool, key=lambda one: blake2b(f"{seed}|{own.case_id}|{one.case_id}".encode()).digest())
    for one in ordered:
        near = one.case_id != own.case_id and one.prompt != own.prompt and abs(one.size - own.size) <= size_band
        if near and len(found) < n and not alike(own.key, one.key):
            found.append(one)
    return found


def score_contexts(generator: Generator, continuation: str, own: str, others: Sequence[str]) -> dict[str, Any] | None:
    """{"own": log P, "others": [log P, ...]} of one continuation (natural log, summed over its tokens).

    Other contexts that do not fit the model are left out; None where its own does not, or no other does.
    """
    try:
        mine = score_continuations(generator, [(own, continuation)])[0]
    except ModelInputError:
        return None
    theirs = []
    for other in others:
        try:
            theirs += score_continuations(generator, [(other, continuation)])
        except ModelInputError:
            continue
    return {"own": mine, "others": theirs} if theirs else None


def steering_figures(prefix: str, scored: Sequence[dict[str, Any]], what: str, *, seed: int) -> list[Figure]:
    """`<prefix>_auroc` within answers, `<prefix>_pooled_auroc` over all, bootstrapped over answers."""
    within = np.array([auroc([one["own"]], one["others"]) for one in scored], dtype=np.float64)

    def pooled(at: NDArray[np.intp]) -> float:
        drawn = [scored[index] for index in at]
        value = auroc([one["own"] for one in drawn], [other for one in drawn for other in one["others"]])
        return float("nan") if value is None else value

    n_pairs = sum(len(one["others"]) for one in scored)
    first = (
        f"chance that log P of {what} is higher in its own context than in that of another case, mean over answers "
        f"({n_pairs} pairs); 0.5: the context is decoration"
    )
    second = f"AUROC of log P of {what} in own contexts against other contexts, all answers in one list"
    return [
        statistic_figure(
            f"{prefix}_auroc", len(within), lambda at: float(within[at].mean()), first, seed=seed, over="answers"
        ),
        statistic_figure(
            f"{prefix}_pooled_auroc", len(scored), pooled, second, seed=seed, over="answers", n_resamples=300
        ),
    ]
