"""Intervals against closed forms, scipy and coverage of simulated data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from tools.evaluation.intervals import (
    bootstrap_interval,
    mean_figure,
    ratio_figure,
    share_figure,
    wilson_interval,
)


@pytest.mark.parametrize(("successes", "n"), [(10, 20), (0, 30), (30, 30), (1, 1000), (887, 1000)])
def test_wilson_is_scipys(successes: int, n: int) -> None:
    theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_a_share_of_nothing_has_no_value() -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(0, 0)
    assert share_figure("x", 0, 0, "").value is None


def test_bootstrap_of_a_mean_is_the_normal_interval_for_many_inputs() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 900)
    figure = mean_figure("m", values.tolist(), "", seed=0)
    half = 1.96 * values.std() / math.sqrt(900)
    assert figure.value == pytest.approx(values.mean())
    assert figure.low == pytest.approx(values.mean() - half, abs=0.02)
    assert figure.high == pytest.approx(values.mean() + half, abs=0.02)
    assert figure == mean_figure("m", values.tolist(), "", seed=0)
    assert figure.low != mean_figure("m", values.tolist(), "", seed=1).low


def test_inputs_that_all_agree_give_no_interval() -> None:
    figure = mean_figure("m", [0.0] * 76, "", seed=0)
    assert (figure.value, figure.low, figure.high) == (0.0, None, None)


def test_bootstrap_covers_the_truth_about_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(200):
        values = rng.normal(0.0, 1.0, 60)
        low, high = bootstrap_interval(60, lambda at, v=values: float(v[at].mean()), seed=trial, n_resamples=300)
        hits += low <= 0.0 <= high
    assert 180 <= hits <= 198


def test_ratio_weighs_inputs_by_their_size() -> None:
    figure = ratio_figure("r", [1, 0, 9], [1, 1, 10], "", seed=0)
    assert figure.value == pytest.approx(10 / 12)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 10 / 12 <= figure.high
    assert ratio_figure("r", [], [], "", seed=0).value is None
    assert ratio_figure("r", [0], [0], "", seed=0).value is None
