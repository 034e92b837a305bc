"""Refine strategies: one file a strategy, and the one table of them."""

from __future__ import annotations

from agent.discovery.refine.adapt import Adapt
from agent.discovery.refine.condition import Condition
from agent.discovery.refine.evolve import Evolve
from agent.discovery.refine.given import Given
from agent.discovery.refine.recalled import Recalled
from agent.discovery.refine.sample import Sample
from agent.discovery.refine.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "sample": Sample(),
    "evolve": Evolve(),
    "condition": Condition(),
    "adapt": Adapt(),
    "given": Given(),
    "recalled": Recalled(),
}
