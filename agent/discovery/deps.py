"""What a node may use: one frozen dataclass handed to the graph as its runtime context."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from agent.campaign import Campaign
from agent.config import Settings
from agent.executor import Executor
from agent.runs import RunControl
from models.worker import ModelWorker
from tools.domain import Domain
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Clock:
    """Active seconds of a run over all its restarts: those before this process, and those since."""

    before: float
    started: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started


@dataclass(frozen=True, slots=True)
class Deps:
    run_id: str
    run_dir: Path
    settings: Settings
    campaign: Campaign
    domain: Domain
    ledger: Ledger
    artifacts: Artifacts
    vectors: Vectors
    executor: Executor
    model: ModelWorker
    checkpoint: Path | None
    """Directory of the model's weights; None where a server has them."""
    control: RunControl
    clock: Clock

    def seconds_left(self) -> float:
        """Wall seconds of the campaign's budget that are left; infinite where there is no such budget."""
        minutes = self.campaign.budget.minutes
        return float("inf") if minutes is None else minutes * 60.0 - self.clock.seconds()
