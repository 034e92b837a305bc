"""Refine strategies: one file a strategy, and the one table of them."""

from __future__ import annotations

from agent.refine.adapt import Adapt
from agent.refine.condition import Condition
from agent.refine.evolve import Evolve
from agent.refine.given import Given
from agent.refine.recalled import Recalled
from agent.refine.sample import Sample
from agent.refine.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "sample": Sample(),
    "evolve": Evolve(),
    "condition": Condition(),
    "adapt": Adapt(),
    "given": Given(),
    "recalled": Recalled(),
}
