"""Ligand figures against RDKit and by hand, docking through an injected tool, a run on the shipped checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import QED

from tools.errors import InputError, UnavailableError
from tools.evaluation.ligand import EVALUATOR, window
from tools.evaluation.ligand_docking import dock_molecules
from tools.evaluation.ligand_figures import docking_figures, molecule_properties, property_figures
from tools.evaluation.protocol import Setup
from tools.evaluation.run import run_evaluation, settings_for

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CHEM = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem"


def setup(model: Any, data: Path, given: dict[str, Any] | None = None, **options: Any) -> Setup:
    return Setup(model, settings_for(EVALUATOR, {"n": 3, **(given or {})}, options), data)


def record(n_samples: int, smiles: list[str], reference: str | None = None) -> dict[str, Any]:
    molecules = [{"smiles": one, **molecule_properties(one)} for one in smiles]
    known = {"smiles": reference, **molecule_properties(reference)} if reference else None
    return {"n_samples": n_samples, "molecules": molecules, "reference": known}


def test_properties_of_aspirin() -> None:
    found = molecule_properties(ASPIRIN)
    assert found["qed"] == pytest.approx(QED.qed(Chem.MolFromSmiles(ASPIRIN)))  # type: ignore[no-untyped-call]
    assert found["sa"] == pytest.approx(1.58, abs=0.01), "Ertl's scorer as RDKit ships it"
    assert found["sa_normalised"] == pytest.approx((10 - found["sa"]) / 9)
    assert found["heavy_atoms"] == 13
    assert found["lipinski"] == 1.0
    assert molecule_properties("C" * 40)["lipinski"] == 0.0, "too heavy and too greasy"


def test_means_over_molecules_and_over_pockets() -> None:
    records = [record(4, ["CCO", "CCO", "CCCCCC"], ASPIRIN), record(4, ["C"])]
    figures = {figure.name: figure.value for figure in property_figures(records, seed=0)}
    assert figures["valid"] == 0.5
    assert figures["unique"] == pytest.approx(3 / 4)
    assert figures["heavy_atoms"] == pytest.approx((3 + 3 + 6 + 1) / 4)
    assert figures["heavy_atoms_pocket_mean"] == pytest.approx((4 + 1) / 2)
    assert figures["reference_heavy_atoms"] == 13
    empty = {figure.name: figure.value for figure in property_figures([record(4, [])], seed=0)}
    assert empty["valid"] == 0.0
    assert empty["qed"] is None, "no molecule: not computed, not 0"
    assert empty["int_div"] is None


def test_docking_figures_by_hand() -> None:
    docked = [
        {"reference": -7.0, "molecules": [-8.0, -7.0, -6.0, None]},
        {"reference": None, "molecules": [-5.0]},
        {"reference": -9.0, "molecules": [None]},
    ]
    figures = {figure.name: figure for figure in docking_figures(docked, "exhaustiveness 8", seed=0)}
    assert figures["vina_dock_mean"].value == pytest.approx(-6.5)
    assert figures["vina_dock_median"].value == pytest.approx(-6.5)
    assert figures["vina_dock_reference"].value == pytest.approx(-8.0)
    assert figures["high_affinity"].value == pytest.approx(2 / 3)
    assert figures["high_affinity"].n == 1, "a pocket without a docked reference or molecule is not compared"
    assert figures["docked"].value == pytest.approx(4 / 6)
    assert "exhaustiveness 8" in figures["vina_dock_mean"].definition


def test_window_holds_the_pocket() -> None:
    sequence = "".join(chr(65 + at % 26) for at in range(100))
    cut = window(sequence, [60, 50], 20)
    assert len(cut["sequence"]) == 20
    assert [cut["sequence"][at] for at in cut["pocket"]] == [sequence[50], sequence[60]]
    assert window(sequence, [0, 50, 51, 52], 10)["pocket"] != [], "where it cannot hold all, it holds most"
    assert len(window(sequence, [0, 50, 51, 52], 10)["pocket"]) == 3
    assert window(sequence, [5], 0) == {"sequence": sequence, "pocket": [5]}
    assert window(sequence, [99], 10)["pocket"] == [9]


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_run_on_the_shipped_checkpoint(shipped_model: Any, tmp_path: Path) -> None:
    data = write_rows(
        tmp_path / "rows.jsonl",
        {"sequence": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "pocket": [3, 4, 9], "smiles": "CC(=O)[O-]"},
        {"sequence": "GSHMLEDPVDAFKQWLNNRTPPCYWE", "pocket": [2, 7], "smiles": "NCC(=O)O"},
        {"sequence": "MKT", "pocket": [3], "smiles": ASPIRIN},
        {"sequence": "MKTA", "pocket": [1], "smiles": "C1CC"},
    )
    report = run_evaluation(EVALUATOR, setup(shipped_model, data), out=tmp_path / "out")
    assert report["n_failed"] == 2
    figures = report["figures"]
    assert 0 < figures["valid"]["value"] <= 1
    assert figures["reference_heavy_atoms"]["value"] == pytest.approx((4 + 5) / 2)
    assert figures["pocket_steers_auroc"]["n"] == 2
    assert "vina_dock_mean" not in figures
    again = run_evaluation(EVALUATOR, setup(shipped_model, data), out=tmp_path / "out")
    assert {**again, "seconds": report["seconds"]} == report


def test_docking_needs_a_tool_and_structures(random_model: Any, tmp_path: Path) -> None:
    asked = setup(random_model, tmp_path / "rows.jsonl", dock=True)
    with pytest.raises(UnavailableError, match="no docking tool"):
        EVALUATOR.open(asked)
    with pytest.raises(InputError, match="--structures"):
        EVALUATOR.open(Setup(random_model, asked.settings, asked.data, tools={"dock": dock_molecules}))


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not CHEM.is_dir(), reason="needs ../shared/data/chem")
def test_docking_of_the_cognate_ligand() -> None:
    imatinib = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
    files = (CHEM / "structures" / "1iep_receptorH.pdb", CHEM / "structures" / "1iep_ligand.sdf")
    best, ethanol, untyped = dock_molecules([imatinib, "CCO", "C[Pt]C"], *files, exhaustiveness=2)
    assert best is not None
    assert ethanol is not None
    assert best < -9.0 < ethanol
    assert untyped is None, "not computed, not 0"
