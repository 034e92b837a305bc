"""When reinforcement learning must stop: samples that are invalid, repeat or resemble each other, or a policy that has
left its start.

A policy that optimises a cheap reward ends by writing the one molecule the reward likes best (see REINVENT's
diversity filter, Blaschke et al. 2020, 10.1186/s13321-020-00473-0). Means over a few steps are judged, since one
step's samples are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import mean

from models.training.reinforce_config import ReinforceConfig
from models.training.rollouts import Figures


@dataclass(slots=True)
class CollapseGuard:
    """Keeps what the last `guard_steps` steps measured, by name."""

    config: ReinforceConfig
    seen: dict[str, list[float]] = field(default_factory=lambda: {"valid": [], "unique": [], "diversity": [], "kl": []})

    def add(self, figures: Figures, kl: float) -> str | None:
        """Take in a step; why to stop, or None. Nothing is judged before `guard_steps` values are there."""
        new = {
            "valid": mean(figures.valid.values()),
            "unique": figures.unique,
            "diversity": figures.diversity,
            "kl": kl,
        }
        for name, value in new.items():
            if value is not None:
                self.seen[name] = [*self.seen[name], value][-self.config.guard_steps :]
        limits = (
            ("valid", self.config.valid_floor, "share of valid samples", "fell below"),
            ("unique", self.config.unique_floor, "uniqueness of the samples of a prompt", "fell below"),
            ("diversity", self.config.diversity_floor, "diversity of the molecules of a prompt", "fell below"),
            ("kl", self.config.kl_ceiling, "divergence from the start in nats a token", "rose above"),
        )
        for name, limit, what, how in limits:
            if len(values := self.seen[name]) == self.config.guard_steps:
                crossed = mean(values) > limit if name == "kl" else mean(values) < limit
                if crossed:
                    return f"{what} {how} {limit:g}: {mean(values):.3f} over the last {len(values)} steps"
        return None

    def load(self, state: dict[str, Sequence[float]]) -> None:
        """Go on from `seen` of an earlier run."""
        self.seen = {name: list(map(float, state[name])) for name in self.seen}
