"""MOF figures by hand: what is valid, novel, distinct, and what is a new building block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.evaluation.material import EVALUATOR, load_library, material_record
from tools.evaluation.protocol import Setup
from tools.evaluation.run import settings_for
from tools.material.charge_balance import framework_balances, has_metal, node_charges
from tools.material.framework import framework_of

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
    assert framework_of(["[OH]", "O"], [BTC]) is None
    assert framework_of(["[OH]", "[Zn]"], [BTC]) == (("[OH]", "[Zn]"), (BTC,))
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
    assert (figures["charge_balance"].value, figures["charge_balance"].n) == (1.0, 2)


@pytest.mark.parametrize(
    ("node", "charges"),
    [
        ("[Zn]", (2, 2)),
        ("[Zn][O]([Zn])([Zn])[Zn]", (6, 6)),  # the node of MOF-5
        ("[OH2]->[Co]<-[OH2]", (2, 3)),
        ("[O][U][O]", (0, 2)),  # uranyl, from U(IV) to U(VI)
        ("[Cl][Cd]", (1, 1)),
        ("[OH]", (-1, -1)),
        ("O", (0, 0)),
        ("[Cu][Cu]", (2, 4)),
        ("[Zn]OC", None),
        ("[Po]", None),
    ],
)
def test_charges_of_nodes(node: str, charges: tuple[int, int] | None) -> None:
    assert node_charges(node) == charges
    assert has_metal(node) == (node not in ("[OH]", "O"))


def test_charges_balance_where_signs_can() -> None:
    assert framework_balances(["[Zn]"], [BDC]) is True
    assert framework_balances(["[Ag]"], [BIPY]) is False  # needs a counter-ion in its pores
    assert framework_balances(["[Ag]", "[OH]"], [BIPY]) is True
    assert framework_balances(["[O][U][O]"], [BIPY]) is True
    assert framework_balances(["[Po]"], [BDC]) is None
    assert framework_balances(["[Po]", "[Zn]"], [BDC]) is True
    assert framework_balances(["[Zn]"], ["O=C(O)c1ccc(C(=O)O)cc1"]) is False


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
