"""The Gaussian process against its closed form, and the properties that the choice of candidates rests on."""

from __future__ import annotations

import numpy as np
import pytest

from tools.surrogate import predict


def test_one_tested_point_has_the_closed_form() -> None:
    tested = np.array([[1.0, 0.0], [0.0, 1.0]])
    values = np.array([-8.0, -10.0])
    cross = np.array([[0.5, 0.0]])
    mean, deviation = predict(tested, values, cross, noise=0.5)
    # standardised values are +1 and -1; posterior mean 0.5 / (1 + 0.25), variance 1 - 0.25 / 1.25
    assert mean[0] == pytest.approx(-9.0 + 0.4)
    assert deviation[0] == pytest.approx(np.sqrt(1 - 0.2))


def test_a_tested_point_is_predicted_near_its_value_and_a_stranger_at_the_mean() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=6)
    mean, deviation = predict(np.eye(6), values, np.vstack([np.eye(6)[:1], np.zeros((1, 6))]), noise=0.01)
    assert mean[0] == pytest.approx(values[0], abs=1e-3)
    assert mean[1] == pytest.approx(values.mean())
    assert deviation[0] < 0.05 * deviation[1]


def test_equal_values_are_predicted_everywhere() -> None:
    mean, _ = predict(np.eye(3), np.full(3, -7.5), np.array([[0.2, 0.3, 0.1]]))
    assert mean[0] == pytest.approx(-7.5)
