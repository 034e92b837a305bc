"""Checks of frameworks as building blocks, on published ones by name."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.errors import InputError
from tools.material.check_charge_balance import check_charge_balance
from tools.material.check_known_framework import check_known_framework
from tools.material.check_linkers import check_linkers, donor_groups
from tools.material.check_metal_node import check_metal_node
from tools.material.draw_framework import composition, draw_framework
from tools.material.framework import metals_of, node_elements
from tools.material.known_frameworks import parse_known
from tools.material.known_nodes import KNOWN_NODES, named_node, nodes_of_metal
from tools.memory.artifacts import Artifacts
from tools.registry import TOOLS, call
from tools.types import Verdict

ZN4O, PADDLEWHEEL, ZR6 = KNOWN_NODES[0].smiles, KNOWN_NODES[1].smiles, KNOWN_NODES[3].smiles
BDC = "O=C([O-])c1ccc(C(=O)[O-])cc1"
BTC = "O=C([O-])c1cc(C(=O)[O-])cc(C(=O)[O-])c1"
IMIDAZOLATE = "c1c[n-]cn1"
MOF5, HKUST1, UIO66, ZIF8 = (
    {"nodes": [ZN4O], "linkers": [BDC]},
    {"nodes": [PADDLEWHEEL], "linkers": [BTC]},
    {"nodes": [ZR6], "linkers": [BDC]},
    {"nodes": ["[Zn]"], "linkers": [IMIDAZOLATE]},
)
KNOWN = f"nodes,linkers\n{ZN4O},{BDC}\n[Fe],C(\n"
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    "metal_node": (check_metal_node, MOF5, {"nodes": ["[Po]"], "linkers": [BDC]}, "Po"),
    "linkers": (check_linkers, HKUST1, {"nodes": [ZN4O], "linkers": ["CC(=O)[O-]"]}, "none can bridge"),
    "charge_balance": (check_charge_balance, UIO66, {"nodes": ["[Ag]"], "linkers": ["c1cc(-c2ccncc2)ccn1"]}, "ions"),
    "known_framework": (
        check_known_framework,
        {**HKUST1, "known_materials": KNOWN},
        {**MOF5, "known_materials": KNOWN},
        "in the list",
    ),
}


def test_every_check_file_is_in_the_table_and_tested() -> None:
    folder = Path(__file__).resolve().parents[3] / "tools" / "material"
    written = {f"tools.material.{path.stem}" for path in folder.glob("check_*.py")}
    tools = {name: tool for name, tool in TOOLS.items() if tool.function.startswith("tools.material")}
    assert written == {tool.function.partition(":")[0] for tool in tools.values()}
    assert set(tools) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_good_passes_bad_fails_and_nothing_is_changed(name: str) -> None:
    check, good, bad, words = CASES[name]
    kept = copy.deepcopy((good, bad))
    passed, failed = check(**good), check(**bad)
    assert (passed.name, passed.verdict, passed.reason) == (name, Verdict.PASS, "")
    assert failed.verdict is Verdict.FAIL
    assert words in failed.reason
    assert check(**bad) == failed
    assert (good, bad) == kept
    with pytest.raises(InputError, match="no framework"):
        check(nodes=["O"], linkers=[BDC])


@pytest.mark.parametrize("framework", [MOF5, HKUST1, UIO66, ZIF8], ids=["MOF-5", "HKUST-1", "UiO-66", "ZIF-8"])
def test_famous_frameworks_pass(framework: dict[str, Any]) -> None:
    for check in (check_metal_node, check_linkers, check_charge_balance):
        assert check(**framework).verdict is Verdict.PASS


def test_osmium_and_technetium_are_metals_with_compounds() -> None:
    for node in ("[Os]", "[Tc]"):
        assert check_metal_node([node], [BDC]).verdict is Verdict.PASS


def test_what_no_list_holds_is_unknown() -> None:
    assert check_known_framework(**MOF5).verdict is Verdict.UNKNOWN
    assert check_metal_node(["[Zn]O[Zn]N[Zn]"], [BDC]).verdict is Verdict.UNKNOWN
    assert check_charge_balance(["[Zn]OC"], ["c1cc(-c2ccncc2)ccn1"]).verdict is Verdict.UNKNOWN


def test_new_linkers_are_told_apart_from_new_combinations() -> None:
    assert check_known_framework(**HKUST1, known_materials=KNOWN).details["new_linkers"] == [BTC]
    assert check_known_framework(["[Co]"], [BDC], KNOWN).details["new_linkers"] == []


def test_the_list_of_known_frameworks_comes_by_id(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    listed = store.put(KNOWN, ".csv")
    assert call("known_framework", {**MOF5, "known_materials": listed}, store).verdict is Verdict.FAIL
    with pytest.raises(InputError, match="columns"):
        parse_known("a,b\n1,2\n")
    with pytest.raises(InputError, match="no row"):
        parse_known("nodes,linkers\n,\n")
    known = parse_known(KNOWN)
    assert known.knows_node("[Zn][O]([Zn])([Zn])[Zn]")
    assert not known.knows_node("[Zn][Zn]")
    assert known.knows_linker("[O-]C(=O)c1ccc(cc1)C([O-])=O")
    assert not known.knows_linker("O=C([O-])c1cccc(C(=O)[O-])c1")  # the isomer with the same atoms


@pytest.mark.parametrize(
    ("smiles", "groups"),
    [
        (BTC, {"carboxylate": 3}),
        ("c1cc(-c2ccncc2)ccn1", {"aromatic nitrogen": 2}),
        (IMIDAZOLATE, {"aromatic nitrogen": 2}),
        ("[O]P([O])(=O)c1ccc(P([O])([O])=O)cc1", {"phosphonate": 2}),  # MOFid's open valences
        ("N#Cc1ccc(C#N)cc1", {"nitrile or cyanide nitrogen": 2}),
        ("C1CN2CCN1CC2", {"amine nitrogen": 2}),  # dabco
        ("[O-]c1cc(C(=O)[O-])c([O-])cc1C(=O)[O-]", {"carboxylate": 2, "oxygen anion": 2}),  # of MOF-74
        ("CCNC(C)=O", {}),
        ("C[N+](C)(C)C", {}),
    ],
)
def test_donor_groups(smiles: str, groups: dict[str, int]) -> None:
    assert donor_groups(smiles) == groups


def test_named_nodes_are_recognised_in_any_spelling() -> None:
    assert named_node("O([Zn])([Zn])([Zn])[Zn]") is KNOWN_NODES[0]
    assert named_node("[Zn][Zn][Zn]") is None
    assert named_node("[Cu][Cu]") is KNOWN_NODES[1]
    assert all(named_node(known.smiles) is known for known in KNOWN_NODES)
    assert all(known.doi.startswith("10.") for known in KNOWN_NODES)
    assert nodes_of_metal("Zr") == [ZR6, "[Zr]"]
    assert metals_of([ZR6, "[OH]"]) == {"Zr"}
    assert composition(ZN4O) == "Zn4O"
    assert node_elements(ZR6) == {"Zr": 6, "O": 8}


def test_the_drawing_shows_every_block() -> None:
    root = ElementTree.fromstring(draw_framework([ZN4O, "[OH]"], [BDC, BTC]))
    assert len(root.findall("{http://www.w3.org/2000/svg}svg")) == 2
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Zn4O" in texts
    assert "Zn4O tetrahedron" in texts
