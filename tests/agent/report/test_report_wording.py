from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.report.figures import nice_ticks
from agent.report.wording import duration, flatten, label, moment, number, plain, quantity, split_unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-9.0, "kcal/mol", "-9.00 kcal/mol"),
        (29.0, "atoms", "29 atoms"),
        (0, "alerts", "0 alerts"),
        (37.0, "", "37"),
        (0.0, "kcal/mol", "0.00 kcal/mol"),
        (0.0123, "", "0.0123"),
        (None, "kcal/mol", "not computed"),
        (math.nan, "kcal/mol", "not computed"),
        (1.5, "angstrom", "1.50 Å"),
    ],
)
def test_quantity_carries_unit_and_missing_is_never_zero(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_settings_are_not_rounded() -> None:
    assert plain({"top_p": 0.8571, "lr": 1e-05}) == "top_p: 0.8571, lr: 1e-05"
    assert plain({"chain": None}) == "chain: not set"


def test_moments_are_utc() -> None:
    assert [moment(t) for t in (0.0, "noon", None)] == ["1970-01-01T00:00:00+00:00", "noon", "not recorded"]


def test_labels_and_units_in_keys() -> None:
    assert label("ligand_efficiency") == "Ligand efficiency"
    assert label("roc_auc_of_heavy_atom_count") == "ROC AUC of heavy atom count"
    assert split_unit("rmsd_angstrom") == ("RMSD", "Å")
    assert split_unit("actives") == ("Actives", "")


def test_duration() -> None:
    assert [duration(x) for x in (4.24, 185, 7800, None)] == ["4.2 s", "3 min 05 s", "2 h 10 min", "not computed"]


def test_flatten_keeps_order_and_empty_parts() -> None:
    assert flatten({"b": {"y": 1, "x": {}}, "a": None}) == [("b.y", 1), ("b.x", {}), ("a", None)]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e5))
def test_ticks_enclose_the_data(low: float, span: float) -> None:
    ticks = nice_ticks(low, low + span)
    assert ticks[0] <= low + 1e-6 * max(1.0, span)
    assert ticks[-1] >= low + span - 1e-6 * max(1.0, span)
    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 8


def test_number_of_text_is_the_text() -> None:
    assert number("22 of 22") == "22 of 22"
