"""Settings files: every packaged one loads, and a wrong one is one clear line."""

from dataclasses import dataclass
from typing import Literal

import pytest

from models.training.config import ConfigError, PretrainConfig, config_names, load_config
from models.training.finetune import FinetuneConfig


def test_packaged_configurations_load() -> None:
    assert {"gpu", "smoke", "sparse"} <= set(config_names("pretrain"))
    for name in config_names("pretrain"):
        assert sum(load_config("pretrain", name, PretrainConfig).mixture.values()) == pytest.approx(1.0)
    assert "sparse" in config_names("finetune")
    for name in config_names("finetune"):
        found = load_config("finetune", name, FinetuneConfig)
        assert sum(found.mixture.values()) == pytest.approx(1.0)
        assert found.loss_on == "answer"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = 1\nlearning_rat = 1\n[mixture]\nmolecule = 1.0", "unknown keys learning_rat"),
        ("steps = 1", r"lacks the table \[mixture\]"),
        ("steps = 1\nminutes = 1\n[mixture]\nmolecule = 1.0", "either minutes or steps"),
        ("minutes = 0\n[mixture]\nmolecule = 1.0", "minutes or steps must be above 0, got 0.0"),
        ("steps = 1\n[mixture]\nmolecule = -1.0", "shares of 0 or more"),
        ("steps = 1\nhidden_size = 30\nn_heads = 4\n[mixture]\nmolecule = 1.0", "evenly"),
        ("steps = 1\nn_experts = 4\nexperts_per_token = 5\n[mixture]\nmolecule = 1", r"1 to n_experts \(4\), got 5"),
        ("steps = 1\nn_heads = 4\nn_key_value_heads = 3\n[mixture]\nmolecule = 1", "must divide n_heads 4, got 3"),
        (
            'steps = 1\nschedule = "flat"\n[mixture]\nmolecule = 1',
            "schedule must be cosine or wsd or constant, got 'flat'",
        ),
        ("steps = 1\ndecay_share = 0.0\n[mixture]\nmolecule = 1", "decay_share must be above 0"),
        ("steps = [", "not TOML"),
        ('steps = 1\nn_layers = "two"\n[mixture]\nmolecule = 1.0', "n_layers is of the wrong kind: 'two' is no int"),
        ("steps = 1\nn_layers = true\n[mixture]\nmolecule = 1.0", "True is no int"),
        ('steps = 1\n[mixture]\nmolecule = "all"', "mixture.molecule is of the wrong kind"),
    ],
)
def test_wrong_configurations_are_one_clear_line(tmp_path, text, message) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as raised:
        load_config("pretrain", str(path), PretrainConfig)
    assert "\n" not in str(raised.value)


def test_unknown_names_and_stages_name_what_there_is() -> None:
    with pytest.raises(ConfigError, match="no configuration 'nowhere' for pretrain; there are gpu, smoke, sparse"):
        load_config("pretrain", "nowhere", PretrainConfig)
    with pytest.raises(ConfigError, match="no training stage 'posttrain'"):
        config_names("posttrain")


@dataclass(frozen=True)
class Stage:
    """Any dataclass will do."""

    rounds: int
    rewards: dict[str, float]
    names: tuple[str, ...] = ()
    kind: Literal["a", "b"] = "a"
    minutes: float | None = None


def test_any_dataclass_can_be_read(tmp_path) -> None:
    path = tmp_path / "stage.toml"
    path.write_text('rounds = 2\nnames = ["x", "y"]\nminutes = 3\n[rewards]\nqed = 1')
    assert load_config("reinforce", str(path), Stage) == Stage(2, {"qed": 1.0}, ("x", "y"), "a", 3.0)
    path.write_text("minutes = 3")
    with pytest.raises(ConfigError, match=r"lacks rounds, the table \[rewards\]"):
        load_config("reinforce", str(path), Stage)
