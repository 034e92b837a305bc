"""Loop figures from records by hand, the H3 filter, ranking of variants, runs on small and shipped checkpoints."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.evaluation.antibody_cdr import EVALUATOR
from tools.evaluation.binder_ranking import HEAVY, LIGHT, PARENT, binder_figures, binder_prompt
from tools.evaluation.protocol import Setup
from tools.evaluation.run import run_evaluation, settings_for

OTHER = HEAVY.replace("SRWGGDGFYAMDY", "ARDPLTEVSGNQ").replace("GFNIKDTY", "GYTFTSYW")


def setup(model: Any, data: Path, references: tuple[Path, ...] = (), **options: Any) -> Setup:
    return Setup(model, settings_for(EVALUATOR, {"n": 2}, options), data, references)


def write_table(path: Path, *rows: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def loop(truth: str, designed: list[str], **more: Any) -> dict[str, Any]:
    return {
        "loop": "H3",
        "truth": truth,
        "n_samples": 2,
        "designed": designed,
        "majority": None,
        "majority_typical": None,
        **more,
    }


def test_figures_by_hand(random_model: Any) -> None:
    study = EVALUATOR.open(setup(random_model, Path("unused"), loops="H3"))
    records = [
        loop("ARDY", ["ARDW", "ARGDY"], majority="ARGY", majority_typical="AR"),
        loop("AR", ["WW"], majority=None, majority_typical="AR"),
        loop("ARW", []),
    ]
    figures = {figure.name: figure for figure in study.figures(records)}
    assert figures["H3_valid"].value == pytest.approx(3 / 6)
    assert figures["H3_aar"].value == pytest.approx(((0.75 + 0.4) / 2 + 0.0) / 2)
    assert figures["H3_aar"].n == 2, "without a valid answer there is no recovery"
    assert "drawn at temperature 1, 2 an antibody" in figures["H3_aar"].definition
    assert figures["H3_aar_top1"].value == pytest.approx((0.75 + 0) / 2)
    assert figures["H3_aar_same_length"].value == pytest.approx((0.75 + 0) / 2)
    assert figures["H3_same_length"].value == pytest.approx((0.5 + 1) / 2)
    assert figures["H3_majority_aar"].value == pytest.approx(0.75)
    assert figures["H3_majority_typical_aar"].value == pytest.approx((0.5 + 1) / 2)
    # lengths 4, 5, 2 against 4, 2: distributions on 2, 4, 5 are (1/3, 1/3, 1/3) and (1/2, 1/2, 0)
    assert figures["H3_length_distance"].value == pytest.approx(2 * (1 / 2 - 1 / 3) + 1 * (1 - 2 / 3))
    assert "H1_aar" not in figures


def test_rows_near_a_reference_are_not_computed(random_model: Any, tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", {"heavy": HEAVY, "light": ""}, {"heavy": OTHER, "light": ""})
    known = write_table(tmp_path / "known.csv", {"heavy": HEAVY.replace("SRWGGDGFYAMDY", "SRWGGEGFYAMDY")})
    report = run_evaluation(EVALUATOR, setup(random_model, data, (known,), loops="H3", steer_others=0))
    assert report["n_failed"] == 1
    assert "92% identical" in report["failed"][0]["reason"]
    assert report["figures"]["H3_valid"]["n"] == 1
    without = run_evaluation(EVALUATOR, setup(random_model, data, (known,), loops="H3", max_h3_identity=2.0))
    assert without["n_failed"] == 0
    assert without["figures"]["H3_majority_aar"]["value"] == pytest.approx(12 / 13, abs=1e-5), "12 of 13, one unknown"
    assert without["figures"]["H3_majority_aar"]["n"] == 1


def test_run_on_the_shipped_checkpoint(shipped_model: Any, tmp_path: Path) -> None:
    data = write_table(
        tmp_path / "data.csv",
        {"vh": HEAVY, "vl": LIGHT},
        {"vh": OTHER, "vl": "ND"},
        {"vh": "ND", "vl": "ND"},
    )
    report = run_evaluation(EVALUATOR, setup(shipped_model, data, loops="H1,H3,L3"), out=tmp_path / "out")
    assert report["n_rows"] == 2 * 2 + 1 + 1
    assert report["n_failed"] == 1
    figures = report["figures"]
    assert figures["H3_framework_auroc"]["n"] == 2
    assert figures["L3_framework_auroc"]["value"] is None, "one antibody has no other framework to swap in"
    assert figures["H1_valid"]["value"] > 0
    again = run_evaluation(EVALUATOR, setup(shipped_model, data, loops="H1,H3,L3"), out=tmp_path / "out")
    assert {**again, "seconds": report["seconds"]} == report


def test_variants_are_scored_in_trastuzumabs_framework(shipped_model: Any, tmp_path: Path) -> None:
    rows = [(PARENT, 1, 0), ("WWWWWWWWWW", 0, 0), ("WGGDGFYAMK", 1, 1), ("WGG", 1, 0)]
    data = write_table(
        tmp_path / "variants.csv",
        *({"cdrh3_variable10": v, "her2_binder": b, "ambiguous": a} for v, b, a in rows),
    )
    report = run_evaluation(EVALUATOR, setup(shipped_model, data))
    assert report["n_failed"] == 2
    assert report["figures"]["binder_auroc"]["value"] == 1.0, "tryptophans alone are less likely than the parent"
    assert report["figures"]["binder_parent_auroc"]["value"] == 1.0
    kept = run_evaluation(EVALUATOR, setup(shipped_model, data, keep_ambiguous=True))
    assert kept["n_failed"] == 1
    assert "SRW" not in binder_prompt(), "the loop is cut out of the prompt"


def test_binder_figures_by_hand() -> None:
    records = [
        {"binder": True, "log_prob": -10.0, "shared": 5},
        {"binder": False, "log_prob": -11.0, "shared": 5},
        {"binder": True, "log_prob": -12.0, "shared": 9},
        {"binder": False, "log_prob": -13.0, "shared": 1},
    ]
    figures = {figure.name: figure.value for figure in binder_figures(records, seed=0)}
    assert figures["binder_auroc"] == 0.75
    assert figures["binder_average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["binder_parent_auroc"] == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert figures["binder_share"] == 0.5


def test_unknown_loops_are_named(random_model: Any) -> None:
    with pytest.raises(InputError, match="H4"):
        EVALUATOR.open(setup(random_model, Path("unused"), loops="H4"))
