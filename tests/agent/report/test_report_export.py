"""CSV and SDF, read back by pandas and RDKit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from agent.report import write_csv, write_sdf


def test_csv_has_one_row_a_candidate_and_units_in_the_headers(abl1_run: Any, tmp_path: Path) -> None:
    table = pd.read_csv(write_csv(abl1_run.result, tmp_path / "c.csv"))
    assert list(table["rank"]) == [1, 2, 3, 4, 5, 6]
    assert table["vina (kcal/mol)"].iloc[0] == -10.62
    assert table["heavy_atoms"].iloc[0] == 29
    assert table["size_residual (kcal/mol)"].isna().all()
    assert list(table["strain verdict"])[:3] == ["pass", "unknown", "pass"]
    assert np.isnan(table["strain value (kcal/mol)"].iloc[1])
    assert "parameters" in table["strain reason"].iloc[1]
    assert table["pose call"].iloc[2] == "dock-0003"


def test_csv_text_cannot_become_a_formula(abl1_run: Any, tmp_path: Path) -> None:
    first = abl1_run.result.candidates[0].model_copy(update={"origin": '=HYPERLINK("http://x")'})
    result = abl1_run.result.model_copy(update={"candidates": [first]})
    table = pd.read_csv(write_csv(result, tmp_path / "c.csv"))
    assert table["origin"].iloc[0].startswith("'=")


def test_sdf_holds_poses_in_the_receptor_frame_with_all_scores_and_verdicts(abl1_run: Any, tmp_path: Path) -> None:
    path = write_sdf(abl1_run.result, abl1_run.artifacts, tmp_path / "p.sdf")
    mols = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert len(mols) == 6
    for mol, candidate in zip(mols, abl1_run.result.candidates, strict=True):
        tags = mol.GetPropsAsDict(autoConvertStrings=False)
        assert tags["candidate_id"] == candidate.candidate_id
        assert float(tags["vina (kcal/mol)"]) == candidate.scores["vina"].value
        assert "size_residual (kcal/mol)" not in tags
        assert {f"{check.name} verdict" for check in candidate.checks} <= set(tags)
        assert Chem.CanonSmiles(Chem.MolToSmiles(Chem.RemoveHs(mol))) == Chem.CanonSmiles(candidate.smiles)
    original = Chem.MolFromMolBlock(abl1_run.artifacts("pose-1").split("$$$$")[0], removeHs=False)
    moved = mols[0].GetConformer().GetPositions() - original.GetConformer().GetPositions()
    assert np.abs(moved).max() < 1e-3
    assert mols[0].GetConformer().Is3D()
    assert mols[5].GetProp("pose").startswith("none: no pose recorded")
    assert not mols[5].GetConformer().Is3D()


def test_sdf_keeps_its_records_apart_whatever_a_reason_says(abl1_run: Any, tmp_path: Path) -> None:
    first = abl1_run.result.candidates[0]
    check = first.checks[0].model_copy(update={"reason": "one\n\n$$$$\n> <rank>\n99", "name": "a>b<c"})
    result = abl1_run.result.model_copy(
        update={"candidates": [first.model_copy(update={"checks": [check]}), abl1_run.result.candidates[1]]}
    )
    path = write_sdf(result, abl1_run.artifacts, tmp_path / "p.sdf")
    mols = list(Chem.SDMolSupplier(str(path)))
    assert len(mols) == 2
    assert mols[0].GetProp("rank") == "1"
    assert mols[0].GetProp("abc verdict") == "pass"


@pytest.mark.parametrize("text", ["", "not an SDF", "$$$$\n"])
def test_an_unreadable_pose_is_said_and_ends_nothing(abl1_run: Any, tmp_path: Path, text: str) -> None:
    path = write_sdf(abl1_run.result, lambda artifact_id: text, tmp_path / "p.sdf")
    mols = list(Chem.SDMolSupplier(str(path)))
    assert [mol.GetProp("pose").split(":")[0] for mol in mols] == ["none"] * 6
