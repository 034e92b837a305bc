"""Training settings as TOML files in the package; an unknown key, a missing one or a nonsense value is one
clear error.
"""

import tomllib
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from models.errors import ModelInputError


class ConfigError(ModelInputError):
    """A training configuration is wrong. One line: the key, the value, what is accepted."""


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """One pre-training run. Either `minutes` of wall clock (as a budget: the learning rate follows the clock)
    or `steps`.
    """

    mixture: dict[str, float]  # modality -> share of training tokens, need not sum to 1
    hidden_size: int = 256
    n_layers: int = 6
    n_heads: int = 4
    intermediate_size: int = 704
    context_length: int = 512  # tokens
    tokens_per_step: int = 8192
    micro_batch_tokens: int = 4096  # padded tokens a forward pass may hold
    minutes: float | None = None
    steps: int | None = None
    optimizer: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 2e-3  # AdamW peak; with Muon: of embeddings and norms
    matrix_learning_rate: float = 0.02  # Muon only
    weight_decay: float = 0.05
    warmup_steps: int = 100
    final_learning_rate_share: float = 0.01
    gradient_clip: float = 1.0
    checkpoint_minutes: float = 5.0
    evaluate_minutes: float = 15.0
    evaluate_tokens: int = 20_000  # a modality
    log_steps: int = 20
    threads: int = 2
    compile: bool = False
    seed: int = 0
    corpus_shares: dict[str, float] = field(default_factory=dict)  # see corpus.build_corpus

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("give either minutes or steps, not both and not neither")
        if not self.mixture or min(self.mixture.values()) < 0 or sum(self.mixture.values()) <= 0:
            raise ConfigError(f"mixture needs modalities with shares of 0 or more, got {self.mixture!r}")
        for name in ("hidden_size", "n_layers", "n_heads", "context_length", "tokens_per_step", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        if self.hidden_size % self.n_heads or self.hidden_size // self.n_heads % 2:
            raise ConfigError(
                f"hidden_size {self.hidden_size} must split evenly into {self.n_heads} heads of even size"
            )
        if self.optimizer not in ("adamw", "muon"):
            raise ConfigError(f"optimizer must be adamw or muon, got {self.optimizer!r}")


def config_names() -> list[str]:
    """Names of the configurations in the package."""
    files = resources.files("models.training") / "configs"
    return sorted(entry.name.removesuffix(".toml") for entry in files.iterdir() if entry.name.endswith(".toml"))


def load_pretrain_config(name: str) -> PretrainConfig:
    """A packaged configuration by name, or any TOML file by path."""
    if name in config_names():
        text = (resources.files("models.training") / "configs" / f"{name}.toml").read_text()
    elif name.endswith(".toml") and Path(name).is_file():
        text = Path(name).read_text()
    else:
        raise ConfigError(f"no configuration {name!r}; there are {', '.join(config_names())}, or give a .toml file")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"configuration {name!r} is not TOML: {error}") from error
    return _from_table(name, table)


def _from_table(name: str, table: dict[str, Any]) -> PretrainConfig:
    known = {f.name for f in fields(PretrainConfig)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ConfigError(
            f"configuration {name!r} has unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    if "mixture" not in table:
        raise ConfigError(f"configuration {name!r} lacks the table [mixture]")
    try:
        return PretrainConfig(**table)
    except TypeError as error:
        raise ConfigError(f"configuration {name!r} has a value of the wrong kind: {error}") from error
