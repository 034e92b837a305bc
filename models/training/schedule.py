"""Learning rates as a share of their peak.

"cosine" is annealed from the start, so a run is as good as it gets only at its planned end. "wsd" (warm-up, stable,
decay; 10.48550/arXiv.2404.06395) stays at the peak and decays linearly over the last part: whoever wants to train
longer goes on from the checkpoint before the decay and loses nothing. "constant" leaves the decay to the next stage,
which then anneals on its own mixture (as the cited work does with its last part).
"""

import math

from models.training.config import TrainingConfig


def learning_rate_share(config: TrainingConfig, step: int, progress: float) -> float:
    """Warm-up over steps, then the configured schedule over `progress` (0..1)."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    progress = min(1.0, max(0.0, progress))
    final = config.final_learning_rate_share
    if config.schedule == "constant":
        return warm
    if config.schedule == "wsd":
        return warm * (final + (1 - final) * min(1.0, (1 - progress) / config.decay_share))
    return warm * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress)))


def decaying(config: TrainingConfig, progress: float) -> bool:
    """Whether a run at `progress` has left the stable part; always False without one."""
    return config.schedule == "wsd" and progress >= 1 - config.decay_share
