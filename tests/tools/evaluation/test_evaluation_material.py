"""MOF figures by hand: what is valid, novel, distinct, and what is a new building block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.evaluation.material import EVALUATOR, framework_of, load_library, material_record
from tools.evaluation.protocol import Setup
from tools.evaluation.run import settings_for

ROWS = """nodes,linkers,topology
[Zn],O=C([O-])c1ccc(C(=O)[O-])cc1,pcu
[Cu][Cu].[Zn],O=C([O-])c1cc(C(=O)[O-])cc(C(=O)[O-])c1.c1cc(-c2ccncc2)ccn1,tbo
[Fe],C(,UNKNOWN
"""
BDC, BTC, BIPY = "O=C([O-])c1ccc(C(=O)[O-])cc1", "O=C([O-])c1cc(C(=O)[O-])cc(C(=O)[O-])c1", "c1cc(-c2ccncc2)ccn1"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "mofs.csv"
    path.write_text(ROWS)
    return path


def answer(metals: list[str], linkers: list[str]) -> dict[str, Any]:
    return {"valid": True, "reason": "", "metals": metals, "linkers": linkers, "text": ""}


def test_the_library_holds_blocks_one_by_one(data: Path) -> None:
    library = load_library([data])
    assert library.nodes == {"[Zn]", "[Cu][Cu]"}  # the row with a broken linker is left out
    assert library.linkers == {BDC, BTC, BIPY}
    assert len(library.frameworks) == 2


def test_a_framework_is_its_sets_of_blocks() -> None:
    one = framework_of(["[Zn]", "[Cu][Cu]"], [BIPY, BTC, BTC])
    assert one == framework_of(["[Cu][Cu].[Zn]"], ["[O-]C(=O)c1cc(cc(c1)C([O-])=O)C([O-])=O", BIPY])
    assert framework_of([], [BTC]) is None
    assert framework_of(["[Zn]"], ["C("]) is None


def test_figures_by_hand(data: Path, random_model: Any) -> None:
    materials = EVALUATOR.open(Setup(random_model, settings_for(EVALUATOR, {}, {}), data))
    samples = [
        answer(["[Zn]"], [BDC]),  # known
        answer(["[Zn]"], [BTC]),  # new, known linker
        answer(["[Zn]"], [BTC, BTC]),  # the same framework again
        answer(["[Zn]"], ["O=C([O-])C(=O)[O-]"]),  # new, new linker
        answer(["[Fe]"], [BDC]),  # unknown node
        {"valid": False, "reason": "cut off at the token limit", "metals": None, "linkers": None, "text": "x"},
    ]
    records = [material_record(sample, load_library([data])) for sample in samples]
    assert records[4]["reason"] == "metal node '[Fe]' is not known"
    figures = {figure.name: figure for figure in materials.figures(records)}
    assert figures["valid"].value == 4 / 6
    assert figures["unique"].value == 3 / 4
    assert figures["novel"].value == 2 / 3
    assert figures["vnu"].value == 2 / 6
    assert figures["nbb"].value == 1 / 2
    assert figures["vnu_nbb"].value == 1 / 6


def test_a_file_without_frameworks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_text("nodes,linkers\n[Zn],C(\n")
    with pytest.raises(InputError, match="no row is a framework"):
        load_library([path])


def test_real_checkpoint_writes_frameworks(data: Path, shipped_model: Any) -> None:
    settings = settings_for(EVALUATOR, {"n": 8, "seed": 2}, {})
    materials = EVALUATOR.open(Setup(shipped_model, settings, data))
    records = materials.answer(list(materials.cases([])))
    assert len(records) == 8
    assert sum(record["nodes"] is not None for record in records) >= 4
