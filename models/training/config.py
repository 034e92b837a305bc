"""Training settings as TOML files in the package (`configs/<stage>/NAME.toml`); an unknown key, a missing one or a
nonsense value is one clear error.

`load_config` knows nothing of a stage's settings: the stage passes its own dataclass, and what the file must and may
hold is read off that.
"""

import tomllib
import types
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from models.errors import ModelInputError

STAGES = ("pretrain", "finetune", "reinforce")
T = TypeVar("T")


class ConfigError(ModelInputError):
    """A training configuration is wrong. One line: the key, the value, what is accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What every run on a corpus needs. Either `minutes` of wall clock (as a budget: the learning rate follows the
    clock) or `steps`.
    """

    mixture: dict[str, float]  # modality -> share of training tokens, need not sum to 1
    tokens_per_step: int = 8192
    micro_batch_tokens: int = 4096  # padded tokens a forward pass may hold; what fits a core's cache is fastest
    minutes: float | None = None
    steps: int | None = None
    loss_on: Literal["all", "answer"] = "all"  # "answer": no loss on the prompt part of a document
    optimizer: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 2e-3  # AdamW peak; with Muon: of embeddings, routers and norms
    matrix_learning_rate: float = 0.02  # Muon only
    weight_decay: float = 0.05
    warmup_steps: int = 100
    schedule: Literal["cosine", "wsd", "constant"] = "cosine"  # the last two can be gone on from without a loss
    decay_share: float = 0.3  # wsd only: 0.2 is the usual least, more helps short runs (10.48550/arXiv.2405.18392)
    final_learning_rate_share: float = 0.01
    gradient_clip: float = 1.0
    router_aux_loss: float = 0.01  # sparse only: Switch Transformer's coefficient (10.48550/arXiv.2101.03961)
    checkpoint_minutes: float = 5.0
    evaluate_minutes: float = 15.0
    evaluate_tokens: int = 20_000  # a modality
    log_steps: int = 20
    threads: int = 2
    seed: int = 0
    corpus_shares: dict[str, float] = field(default_factory=dict)  # see corpus.build_corpus

    def __post_init__(self) -> None:
        if (self.minutes is None) == (self.steps is None):
            raise ConfigError("give either minutes or steps, not both and not neither")
        if (limit := self.minutes if self.steps is None else self.steps) is None or limit <= 0:
            raise ConfigError(f"minutes or steps must be above 0, got {limit}")
        if not self.mixture or min(self.mixture.values()) < 0 or sum(self.mixture.values()) <= 0:
            raise ConfigError(f"mixture needs modalities with shares of 0 or more, got {self.mixture!r}")
        for name in ("tokens_per_step", "micro_batch_tokens", "threads", "log_steps"):
            at_least(self, name, 1)
        for name in ("learning_rate", "matrix_learning_rate", "weight_decay", "warmup_steps", "router_aux_loss"):
            at_least(self, name, 0)
        if not 0 < self.decay_share <= 1:
            raise ConfigError(f"decay_share must be above 0 and at most 1, got {self.decay_share!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainConfig(TrainingConfig):
    """One pre-training run: the model's shape besides."""

    hidden_size: int = 256
    n_layers: int = 6
    n_heads: int = 4
    n_key_value_heads: int = 0  # 0: as many as query heads
    intermediate_size: int = 704  # dense only
    n_experts: int = 0  # 0: dense
    experts_per_token: int = 2  # two let the router compare choices; one is cheapest a token
    expert_intermediate_size: int = 192  # about the hidden size: a narrower expert's products waste a CPU's time
    context_length: int = 512  # tokens

    def __post_init__(self) -> None:
        super(PretrainConfig, self).__post_init__()  # the plain form fails: slots make a second class
        for name in ("hidden_size", "n_layers", "n_heads", "context_length", "intermediate_size"):
            at_least(self, name, 1)
        if self.hidden_size % self.n_heads or self.hidden_size // self.n_heads % 2:
            raise ConfigError(
                f"hidden_size {self.hidden_size} must split evenly into {self.n_heads} heads of even size"
            )
        at_least(self, "n_key_value_heads", 0)
        if self.n_key_value_heads and self.n_heads % self.n_key_value_heads:
            raise ConfigError(f"n_key_value_heads must divide n_heads {self.n_heads}, got {self.n_key_value_heads}")
        at_least(self, "n_experts", 0)
        if self.n_experts:
            at_least(self, "expert_intermediate_size", 1)
            if not 1 <= self.experts_per_token <= self.n_experts:
                raise ConfigError(
                    f"experts_per_token must be 1 to n_experts ({self.n_experts}), got {self.experts_per_token}"
                )


def at_least(config: object, name: str, least: float) -> None:
    """ConfigError unless the setting `name` is `least` or more."""
    if getattr(config, name) < least:
        raise ConfigError(f"{name} must be at least {least}, got {getattr(config, name)!r}")


def config_names(kind: str) -> list[str]:
    """Names of the packaged configurations of a stage (pretrain, finetune, reinforce)."""
    folder = resources.files("models.training") / "configs" / _known_stage(kind)
    if not folder.is_dir():
        return []
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_config(kind: str, name: str, cls: type[T]) -> T:
    """A packaged configuration of stage `kind` by name, or any TOML file by path, as the dataclass `cls`."""
    names = config_names(kind)
    if name in names:
        text = (resources.files("models.training") / "configs" / kind / f"{name}.toml").read_text()
    elif name.endswith(".toml") and Path(name).is_file():
        text = Path(name).read_text()
    else:
        known = ", ".join(names) or "none in the package"
        raise ConfigError(f"no configuration {name!r} for {kind}; there are {known}, or give a .toml file")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"configuration {name!r} is not TOML: {error}") from error
    return _from_table(name, table, cls)


def _known_stage(stage: str) -> str:
    if stage not in STAGES:
        raise ConfigError(f"no training stage {stage!r}; there are {', '.join(STAGES)}")
    return stage


def _from_table(name: str, table: dict[str, Any], cls: type[T]) -> T:
    if not is_dataclass(cls):
        raise TypeError(f"{cls!r} is no dataclass")
    known = {f.name: f for f in fields(cls) if f.init}
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(
            f"configuration {name!r} has unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    hints = get_type_hints(cls)
    needed = (f for f in known.values() if f.default is MISSING and f.default_factory is MISSING)
    if missing := [f.name for f in needed if f.name not in table]:
        shown = ", ".join(f"the table [{m}]" if get_origin(hints[m]) is dict else m for m in missing)
        raise ConfigError(f"configuration {name!r} lacks {shown}")
    values = {key: _of_kind(f"configuration {name!r}: {key}", value, hints[key]) for key, value in table.items()}
    made: Any = cls
    result: T = made(**values)
    return result


def _of_kind(where: str, value: Any, kind: Any) -> Any:
    """`value` as TOML gave it, as the annotated `kind` (whole numbers pass for float, lists for tuples)."""
    origin, parameters = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in parameters:
            raise ConfigError(f"{where} must be {' or '.join(map(str, parameters))}, got {value!r}")
        return value
    if origin in (Union, types.UnionType):
        (inner,) = (p for p in parameters if p is not type(None))  # TOML has no null: an absent key is None
        return _of_kind(where, value, inner)
    if origin is dict and isinstance(value, dict):
        return {key: _of_kind(f"{where}.{key}", item, parameters[1]) for key, item in value.items()}
    if origin in (list, tuple) and isinstance(value, list):
        return origin(_of_kind(where, item, parameters[0]) for item in value)
    if kind is float and type(value) in (int, float):
        return float(value)
    if type(value) is not (origin or kind):
        raise ConfigError(f"{where} is of the wrong kind: {value!r} is no {(origin or kind).__name__}")
    return value
