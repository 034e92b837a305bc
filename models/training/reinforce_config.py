"""Settings of one run of reinforcement learning; see `configs/reinforce` for files with the reason of each number."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.training.config import ConfigError, at_least
from models.training.rewards import check_reward_name
from models.training.task_prompts import TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class ReinforceConfig:
    """Either `minutes` of wall clock or `steps`. A task's reward is the mean of its rewards, weighted."""

    tasks: dict[str, int]  # task -> prompts a step
    rewards: dict[str, dict[str, float]]  # task -> reward name -> weight
    samples_per_prompt: int = 16
    max_new_tokens: dict[str, int] = field(default_factory=dict)  # task -> tokens, where not the task's own
    share_repeats: bool = True  # copies of one molecule among the samples of a prompt share one reward
    minutes: float | None = None
    steps: int | None = None
    learning_rate: float = 1e-4
    warmup_steps: int = 5
    decay_share: float = 0.3  # of the run, at its end: the rate falls linearly to 0
    weight_decay: float = 0.0
    gradient_clip: float = 1.0
    kl: float = 0.05  # weight of the divergence penalty a token
    replay: dict[str, float] = field(default_factory=dict)  # modality -> share of the replayed tokens
    replay_tokens: int = 2048  # a step
    replay_weight: float = 0.5
    valid_floor: float = 0.3  # mean over tasks of the valid share of the samples; below it the run stops
    unique_floor: float = 0.5  # of the valid samples of a prompt
    diversity_floor: float = 0.6  # mean Tanimoto distance among the molecules of a prompt
    kl_ceiling: float = 0.5  # nats a token
    guard_steps: int = 5  # steps that the guard's means are over
    evaluate_prompts: int = 8  # a task, before and after the run
    micro_batch_tokens: int = 8192  # padded tokens a forward pass may hold
    checkpoint_minutes: float = 3.0
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("give either minutes or steps, not both and not neither")
        if (limit := self.minutes if self.steps is None else self.steps) is None or limit <= 0:
            raise ConfigError(f"minutes or steps must be above 0, got {limit}")
        if not self.tasks:
            raise ConfigError("the table [tasks] names no task")
        for name in ("samples_per_prompt", "guard_steps", "micro_batch_tokens", "threads"):
            at_least(self, name, 2 if name == "samples_per_prompt" else 1)  # one sample has no group to compare with
        for name in ("kl", "replay_tokens", "replay_weight", "learning_rate", "evaluate_prompts"):
            at_least(self, name, 0)
        if not 0 < self.decay_share <= 1:
            raise ConfigError(f"decay_share must be above 0 and at most 1, got {self.decay_share!r}")
        for table in (self.tasks, self.rewards, self.max_new_tokens):
            _check_tasks(table)
        for task, n_prompts in self.tasks.items():
            if n_prompts < 1:
                raise ConfigError(f"tasks.{task} must be at least 1 prompt a step, got {n_prompts}")
            weights = self.rewards.get(task) or {}
            if not weights or min(weights.values()) <= 0:
                raise ConfigError(f"rewards.{task} needs rewards with weights above 0, got {weights!r}")
            for name in weights:
                check_reward_name(name, task)

    def limit_of(self, task: str) -> int:
        """Tokens a sample of `task` may have."""
        return self.max_new_tokens.get(task, TASKS[task].max_new_tokens)


def _check_tasks(names: dict[str, int] | dict[str, dict[str, float]]) -> None:
    unknown = sorted(set(names) - set(TASKS))
    if unknown:
        raise ConfigError(f"no task {', '.join(unknown)}; tasks that can be reinforced: {', '.join(TASKS)}")
