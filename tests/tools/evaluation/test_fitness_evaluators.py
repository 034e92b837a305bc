"""Look-ups, the ridge model against its closed form, and annealing on a landscape with one hill."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from tools.errors import InputError
from tools.evaluation.annealing import anneal
from tools.evaluation.fitness_evaluators import AMINO_ACIDS, LookUp, fit_ridge, one_hot

RNG = random.Random(7)
EFFECTS = {(at, letter): RNG.gauss(0, 1) for at in range(4) for letter in AMINO_ACIDS}


def additive(sequence: str) -> float:
    return sum(EFFECTS[at, letter] for at, letter in enumerate(sequence))


LANDSCAPE = {
    sequence: additive(sequence)
    for sequence in {"".join(RNG.choice(AMINO_ACIDS) for _ in range(4)) for _ in range(1500)}
}


def test_look_up_takes_back_changes_outside_the_sites() -> None:
    look_up = LookUp({"MAKA": 2.0, "MCKA": 3.0}, background="MAKA", sites=(1, 3))
    assert look_up(["MCKA", "WCWA", "MWKA", "MC"]) == [3.0, 3.0, None, None]
    assert LookUp({"MA": 1.0})(["MA", "MC"]) == [1.0, None], "unmeasured is not 0"


def test_one_hot() -> None:
    found = one_hot(["AC", "YA"]).toarray()
    assert found.shape == (2, 40)
    assert [list(np.flatnonzero(row)) for row in found] == [[0, 21], [19, 20]]


def test_ridge_learns_what_is_additive() -> None:
    model = fit_ridge(LANDSCAPE, alpha=0.1)
    assert model.spearman > 0.99
    assert model.n_held_out == pytest.approx(0.2 * len(LANDSCAPE), rel=0.2)
    (first,) = model(["ACDE"])
    assert first == pytest.approx(additive("ACDE"), abs=0.3)
    assert model(["ACD", "ACDX", "ACDE"]) == [None, None, first]


def test_ridge_solves_its_own_equation() -> None:
    """At the minimum the gradient of squared error plus alpha |w|^2 vanishes."""
    from tools.evaluation.fitness_evaluators import _place

    model = fit_ridge(LANDSCAPE, alpha=2.0)
    names = [name for name in sorted(LANDSCAPE) if _place(name) >= 0.2]
    assert len(names) == len(LANDSCAPE) - model.n_held_out
    features = one_hot(names)
    error = features @ model.weights + model.intercept - np.array([LANDSCAPE[name] for name in names])
    assert features.T @ error + 2.0 * model.weights == pytest.approx(np.zeros(80), abs=1e-7)


def test_ridge_on_noise_says_so() -> None:
    rng = random.Random(3)
    model = fit_ridge({name: rng.random() for name in LANDSCAPE})
    assert abs(model.spearman) < 0.2


def test_ridge_needs_one_length_and_enough() -> None:
    with pytest.raises(InputError, match="one length"):
        fit_ridge({"AC": 1.0, "ACD": 2.0})
    with pytest.raises(InputError, match="too few"):
        fit_ridge({"AC": 1.0, "AD": 2.0})


def test_annealing_climbs_and_repeats() -> None:
    letters = AMINO_ACIDS[:6]
    hill = {
        "".join(three): float(sum(letter == "F" for letter in three)) for three in itertools.product(letters, repeat=3)
    }
    starts = ["AAA", "CDE", "GGG"]
    best = anneal(hill, starts, (0, 1, 2), n_steps=400, seed=1)
    assert best[:2] == ["FFF", "FFF"]
    assert anneal(hill, ["AAA"], (0,), n_steps=400, seed=1) == ["FAA"], "only the free sites move"
    assert anneal(hill, starts, (0, 1, 2), n_steps=400, seed=1) == best
    assert anneal(hill, ["AAA"], (0, 1, 2), n_steps=0, seed=1) == ["AAA"]
