"""The protocol of a refine strategy, and the seeds it draws from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.discovery.deps import Deps
from tools.domain import Context


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text somebody thought of; the funnel decides what it is worth."""

    text: str
    origin: str
    parents: tuple[str, ...] = ()
    log_prob: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What a strategy is asked for: `n` proposals of round `round`, from `parents` (best first) where it uses them.

    `rejected` are texts that failed a check, to be avoided; `batch` counts repeated orders within a round.
    """

    n: int
    round: int
    batch: int
    parents: Sequence[str]
    rejected: frozenset[str]


class Strategy(Protocol):
    def propose(self, order: Order, context: Context, deps: Deps, /) -> list[Proposal]: ...


def derived_seed(seed: int, *labels: object) -> int:
    """A 31-bit seed that depends on the run's seed and the labels only, never on what was drawn before."""
    digest = hashlib.sha256(repr((seed, *labels)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
