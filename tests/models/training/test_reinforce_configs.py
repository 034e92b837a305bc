"""The shipped configurations of reinforcement learning load, and smoke is one for seconds."""

import pytest

from models.training.config import config_names, load_config
from models.training.reinforce_config import ReinforceConfig


def test_they_load():
    assert {"sparse", "smoke"} <= set(config_names("reinforce"))
    for name in config_names("reinforce"):
        config = load_config("reinforce", name, ReinforceConfig)
        assert sum(config.replay.values()) == pytest.approx(1.0)
        assert set(config.rewards) == set(config.tasks)
    smoke = load_config("reinforce", "smoke", ReinforceConfig)
    assert (smoke.steps or 99) * sum(smoke.tasks.values()) * smoke.samples_per_prompt <= 100
    assert smoke.limit_of("ligand") == 32
    assert load_config("reinforce", "sparse", ReinforceConfig).limit_of("ligand") == 100
