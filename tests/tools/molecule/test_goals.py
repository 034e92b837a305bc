"""Goals as people write them, and what of a change they call reached."""

import pytest
from rdkit import Chem

from tools.errors import InputError
from tools.molecule.goals import MEASURES, STEP, measure, parse_goals

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


@pytest.mark.parametrize(
    ("text", "score", "low", "high"),
    [
        ("log_p 2..3", "logp", 2.0, 3.0),
        ("logP <= 4", "logp", None, 4.0),
        ("solubility >= -3.5", "solubility", -3.5, None),
        ("mol_weight < 300", "mol_weight", None, 300.0),
        ("mw<=300", "mol_weight", None, 300.0),
        ("tpsa 40 .. 90", "tpsa", 40.0, 90.0),
        ("log_p -1..2", "logp", -1.0, 2.0),
    ],
)
def test_ranges(text, score, low, high):
    (goal,) = parse_goals([text], ASPIRIN)
    assert (goal.score, goal.low, goal.high, goal.relative) == (score, low, high, False)


@pytest.mark.parametrize("text", ["qed up", "increase qed", "higher qed", "QED up"])
def test_up_is_measured_from_the_parent(text):
    (goal,) = parse_goals([text], ASPIRIN)
    assert (goal.score, goal.low, goal.high) == ("qed", pytest.approx(0.550, abs=0.001), None)
    assert goal.reached(0.56)
    assert not goal.reached(goal.low)
    assert goal.reached(None) is None


def test_desirability_rises_toward_the_goal_and_is_never_lost_at_the_parent():
    (up,) = parse_goals(["qed up"], ASPIRIN)
    values = [up.desirability(up.low + step) for step in (-0.2, 0.0, 0.1, 0.2, 0.3, 0.5)]
    assert values == sorted(values)
    assert values[1] == pytest.approx(0.2)
    assert values[-1] == 1.0
    (within,) = parse_goals(["log_p 2..3"], ASPIRIN)
    assert within.desirability(2.5) == 1.0
    assert within.desirability(1.5) == within.desirability(3.5) == pytest.approx(1 - 0.5 / STEP["logp"])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "at least one goal"),
        (["nonsense"], "not understood"),
        (["beauty up"], "no property 'beauty'"),
        (["qed up", "qed >= 0.5"], "has a goal already"),
        (["log_p 3"], r"write a range, such as `log_p 3\.\.4`"),
        (["vina down"], "design_ligands"),
        (["log_p 3..2"], "is empty"),
    ],
)
def test_what_is_no_goal_says_what_is(texts, said):
    with pytest.raises(InputError, match=said):
        parse_goals(texts, ASPIRIN)


def test_every_measure_has_a_step_and_can_be_measured():
    assert set(MEASURES) == set(STEP)
    goals = parse_goals([f"{name} up" for name in MEASURES], ASPIRIN)
    assert all(value is not None for value in measure(ASPIRIN, goals).values())
