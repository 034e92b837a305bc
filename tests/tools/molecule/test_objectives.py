import pytest

from tools.errors import InputError
from tools.molecule.objectives import DEFAULTS, parse_objectives


def test_campaign_entries_become_objectives_with_default_bounds():
    vina, qed = parse_objectives(
        [{"score": "vina", "goal": "minimize", "weight": 1.0}, {"score": "qed", "goal": "maximize", "weight": 0.5}]
    )
    assert (vina.score, vina.goal, vina.weight, vina.low, vina.high) == ("vina", "minimize", 1.0, -12.0, -4.0)
    assert (qed.weight, qed.goal) == (0.5, "maximize")


def test_bounds_and_targets_can_be_stated():
    (logp,) = parse_objectives([{"score": "logp", "goal": "target", "target": 2.5, "low": 0, "high": 5}])
    assert (logp.goal, logp.target, logp.low, logp.high) == ("target", 2.5, 0.0, 5.0)


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_default_is_a_valid_objective(name):
    assert parse_objectives([{"score": name}])[0].weight == 1.0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"score": "vinna"}, "'vinna' is unknown .did you mean 'vina'"),
        ({"goal": "minimize"}, "score None is unknown"),
        ({"score": "vina", "wait": 1}, "'wait' is unknown; valid: score"),
        ({"score": "vina", "weight": "heavy"}, "'heavy' is not a number"),
        ({"score": "vina", "weight": -1}, "must be > 0"),
        ({"score": "vina", "goal": "up"}, "'up' is not"),
        ("vina", "not a mapping"),
    ],
)
def test_wrong_entries_are_named(entry, message):
    with pytest.raises(InputError, match=message):
        parse_objectives([entry])


def test_no_objective_is_an_input_error():
    with pytest.raises(InputError, match="at least one"):
        parse_objectives([])
