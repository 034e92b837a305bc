import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import InputError
from tools.rank import (
    Objective,
    desirability,
    ligand_efficiency,
    overall_desirability,
    paired_bootstrap,
    pareto_fronts,
    select_diverse,
    size_regression,
)

VINA = Objective("vina", "minimize", -12.0, -4.0)
QED = Objective("qed", "maximize", 0.2, 0.9, weight=0.5)
LOGP = Objective("logp", "target", 0.0, 5.0, target=2.0)
FINITE = st.floats(-50, 50)


@pytest.mark.parametrize(
    ("value", "objective", "expected"),
    [
        (-9.0, VINA, 0.625),
        (-13.0, VINA, 1.0),
        (-3.0, VINA, 0.0),
        (0.55, QED, 0.5),
        (2.0, LOGP, 1.0),
        (1.0, LOGP, 0.5),
        (3.5, LOGP, 0.5),
        (6.0, LOGP, 0.0),
        (-9.0, Objective("vina", "minimize", -12.0, -4.0, shape=2.0), 0.625**2),
    ],
)
def test_desirability_by_hand(value, objective, expected):
    assert desirability(value, objective) == pytest.approx(expected)


@given(first=FINITE, second=FINITE)
def test_desirability_is_bounded_and_never_prefers_the_worse(first, second):
    one, two = desirability(first, VINA), desirability(second, VINA)
    assert 0.0 <= one <= 1.0
    if first <= second:
        assert one >= two


def test_missing_is_none_and_never_zero():
    for missing in (None, math.nan, math.inf):
        assert desirability(missing, VINA) is None
        assert overall_desirability({"vina": missing, "qed": 0.9}, [VINA, QED]) is None
    assert overall_desirability({"qed": 0.9}, [VINA, QED]) is None


def test_overall_is_the_weighted_geometric_mean():
    value = overall_desirability({"vina": -9.0, "qed": 0.55}, [VINA, QED])
    assert value == pytest.approx((0.625**1.0 * 0.5**0.5) ** (1 / 1.5))
    assert overall_desirability({"vina": -3.0, "qed": 0.9}, [VINA, QED]) == 0.0
    with pytest.raises(InputError):
        overall_desirability({}, [])


@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 1.0, "high": 1.0},
        {"weight": 0.0},
        {"weight": math.nan},
        {"shape": -1.0},
        {"goal": "up"},
        {"goal": "target"},
        {"target": 0.5},
        {"goal": "target", "target": 3.0},
    ],
)
def test_impossible_objectives_are_input_errors(arguments):
    with pytest.raises(InputError, match="objective x"):
        Objective(**{"score": "x", "goal": "maximize", "low": 0.0, "high": 1.0, **arguments})


def test_pareto_fronts_by_hand():
    rows = [
        {"vina": -9.0, "qed": 0.5},
        {"vina": -8.0, "qed": 0.8},
        {"vina": -8.0, "qed": 0.4},
        {"vina": None, "qed": 0.9},
        {"vina": -9.0, "qed": 0.5},
        {"vina": -7.0, "qed": 0.3},
    ]
    assert pareto_fronts(rows, [VINA, QED]) == [[0, 1, 4], [2], [5]]
    assert pareto_fronts([], [VINA]) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=15))
def test_fronts_partition_the_rows_and_are_consistent(points):
    rows = [{"vina": float(x), "qed": float(y)} for x, y in points]
    fronts = pareto_fronts(rows, [VINA, QED])
    assert sorted(i for front in fronts for i in front) == list(range(len(points)))

    def beats(a, b):
        return points[a][0] <= points[b][0] and points[a][1] >= points[b][1] and points[a] != points[b]

    for rank, front in enumerate(fronts):
        assert not any(beats(a, b) for a in front for b in front)
        if rank:
            assert all(any(beats(a, b) for a in fronts[rank - 1]) for b in front)


def test_diverse_selection_takes_the_best_of_each_neighbourhood():
    points = [0.0, 0.1, 5.0, 5.05, 9.0]
    near = lambda a, b: 1.0 / (1.0 + abs(a - b))  # noqa: E731
    assert select_diverse(points, [1.0, 2.0, 3.0, 2.5, None], 3, near, 0.5) == [2, 1]
    assert select_diverse(points, [1.0, 2.0, 3.0, 2.5, None], 3, near, 0.5, fill=True) == [2, 1, 3]
    assert select_diverse(points, [1.0, 1.0, 1.0, 1.0, 1.0], 2, near, 1.0) == [0, 1]
    assert select_diverse([], [], 3, near, 0.5) == []
    with pytest.raises(InputError):
        select_diverse(points, [1.0], 1, near, 0.5)


def test_ligand_efficiency():
    assert ligand_efficiency(-9.0, 30) == pytest.approx(0.3)
    assert ligand_efficiency(None, 30) is None
    assert ligand_efficiency(-9.0, 0) is None


def test_size_regression_takes_the_trend_out_and_shrugs_off_an_outlier():
    sizes = [20, 22, 24, 26, 28, 30, 32, 25]
    scores = [-2.0 - 0.25 * n for n in sizes[:-1]] + [-20.0]
    found = size_regression([*scores, None], [*sizes, 21])
    assert found.slope == pytest.approx(-0.25)
    assert found.intercept == pytest.approx(-2.0)
    assert found.residuals[:7] == pytest.approx([0.0] * 7, abs=1e-9)
    assert found.residuals[7] == pytest.approx(-20.0 + 2.0 + 0.25 * 25)
    assert found.residuals[8] is None


def test_size_regression_needs_five_points_and_two_sizes():
    assert size_regression([-5.0] * 4, [20, 21, 22, 23]) is None
    assert size_regression([-5.0, -6.0, -7.0, -8.0, None], [20, 21, 22, 23, 24]) is None
    assert size_regression([-5.0] * 6, [20] * 6) is None


def test_bootstrap_is_seeded_and_says_when_zero_is_excluded():
    first, second = [float(i) for i in range(20)], [i - 1.0 + 0.1 * (i % 3) for i in range(20)]
    found = paired_bootstrap(first, second, seed=4)
    assert found == paired_bootstrap(first, second, seed=4)
    assert found.low <= found.difference <= found.high
    assert found.difference == pytest.approx(sum(a - b for a, b in zip(first, second, strict=True)) / 20)
    assert found.excludes_zero
    assert not paired_bootstrap([1.0, -1.0, 2.0, -2.0], [0.0] * 4, seed=4).excludes_zero


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    import numpy as np

    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        values = rng.normal(0.3, 1.0, size=40)
        found = paired_bootstrap(values.tolist(), [0.0] * 40, seed=seed, n_resamples=1000)
        hits += found.low <= 0.3 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


@pytest.mark.parametrize("pair", [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, math.nan], [0.0, 0.0])])
def test_bootstrap_refuses_what_it_cannot_do(pair):
    with pytest.raises(InputError):
        paired_bootstrap(*pair, seed=1)
