"""Checks of one reaction step and of a route: good ones pass, broken ones fail with a reason, the rest is unknown."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputError
from tools.memory.artifacts import Artifacts
from tools.reaction.building_blocks import is_listed
from tools.reaction.check_balance import check_balance
from tools.reaction.check_reaction_centre import check_reaction_centre
from tools.reaction.check_round_trip import check_round_trip
from tools.reaction.check_route import check_route, has_cycle
from tools.reaction.check_usual_reactants import check_usual_reactants
from tools.reaction.parse import element_counts, mass_of
from tools.reaction.route import RouteNode, Step, route_to_json
from tools.registry import TOOLS, call
from tools.types import CheckResult, Verdict

PARACETAMOL, AMINOPHENOL, ACETYL_CHLORIDE = "CC(=O)Nc1ccc(O)cc1", "Nc1ccc(O)cc1", "CC(=O)Cl"
STEP = {"reactants": [ACETYL_CHLORIDE, AMINOPHENOL], "product": PARACETAMOL}


def leaf(smiles: str, is_end: bool = True) -> RouteNode:
    return RouteNode(smiles, is_end)


def route(round_trip: str = "pass", open_end: bool = False) -> dict[str, Any]:
    made = Step((leaf(ACETYL_CHLORIDE), leaf(AMINOPHENOL, not open_end)), 0.5, {"round_trip": round_trip})
    return route_to_json(RouteNode(PARACETAMOL, step=made))


# name: (check, arguments that pass, arguments that fail, a word of the reason)
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    "atom_balance": (check_balance, STEP, {**STEP, "reactants": [ACETYL_CHLORIDE, "CCO"]}, "no reactant has"),
    "reaction_centre": (check_reaction_centre, STEP, {**STEP, "reactants": [PARACETAMOL, "CO"]}, "nothing changes"),
    "round_trip": (
        check_round_trip,
        {"product": PARACETAMOL, "predicted": ["Oc1ccc(NC(C)=O)cc1"]},
        {"product": PARACETAMOL, "predicted": ["CC(=O)Oc1ccc(N)cc1", PARACETAMOL]},
        "CC(=O)Oc1ccc(N)cc1 instead",
    ),
    "usual_reactants": (
        check_usual_reactants,
        {"reactants": [ACETYL_CHLORIDE, AMINOPHENOL]},
        {"reactants": ["C[Hg]C", "CCO", "CCO"]},
        "Hg",
    ),
    "route": (check_route, {"route": route()}, {"route": route(open_end=True)}, "no starting materials"),
}


def test_every_check_file_is_in_the_table() -> None:
    folder = Path(__file__).resolve().parents[3] / "tools" / "reaction"
    written = {f"tools.reaction.{path.stem}" for path in folder.glob("check_*.py")}
    assert written == {tool.function.partition(":")[0] for tool in TOOLS.values() if "tools.reaction" in tool.function}


@pytest.mark.parametrize("name", CASES)
def test_good_passes_bad_fails_and_nothing_is_changed(name: str) -> None:
    check, good, bad, words = CASES[name]
    kept = copy.deepcopy((good, bad))
    passed: CheckResult = check(**good)
    failed: CheckResult = check(**bad)
    assert (passed.name, passed.verdict, passed.reason) == (name, Verdict.PASS, "")
    assert failed.verdict is Verdict.FAIL
    assert words in failed.reason
    assert passed.threshold == failed.threshold
    assert check(**bad) == failed
    assert (good, bad) == kept


def test_what_leaves_is_counted_and_weighed() -> None:
    details = check_balance(**STEP).details
    assert details["leaving"] == {"Cl": 1}
    assert details["mass_leaving_g_mol"] == pytest.approx(36.461, abs=0.001)  # HCl, IUPAC atomic masses
    assert (details["reactants_formula"], details["product_formula"]) == ("C8H10ClNO2", "C8H9NO2")


@pytest.mark.parametrize(
    ("reactants", "product", "words"),
    [
        (["OCc1ccccc1"], "O=C(O)c1ccccc1", "reagent"),  # an oxidation: the oxidant is not written
        (["c1ccccc1"], "Brc1ccccc1", "reagent"),
        (["O=C(O)c1ccccc1"], "O=C(OC(=O)c1ccccc1)c1ccccc1", "second equivalent"),  # an anhydride of two acids
    ],
)
def test_a_shortage_that_chemistry_can_explain_is_unknown(reactants: list[str], product: str, words: str) -> None:
    result = check_balance(reactants, product)
    assert result.verdict is Verdict.UNKNOWN
    assert words in result.reason


def test_hydrogen_and_deuterium_are_no_heavy_atoms() -> None:
    added = check_balance(["C=C", "[H][H]"], "CC")
    assert (added.verdict, added.value, added.details["leaving"]) == (Verdict.PASS, 0.0, {})
    assert check_balance(["CC(C)=O"], "[2H]C(C)(C)O").verdict is Verdict.PASS  # from a deuteride that is not written


def test_changed_bonds_of_an_amide_coupling() -> None:
    """One C-N bond is made, and the bond to chlorine, which leaves, is broken."""
    result = check_reaction_centre(**STEP)
    assert (result.value, len(result.details["made"]), result.details["broken"]) == (2.0, 1, [])
    assert check_reaction_centre(**STEP, maximum_changes=1).verdict is Verdict.FAIL


def test_a_reactant_that_gives_no_atom_fails() -> None:
    result = check_reaction_centre([*STEP["reactants"], "BrBr"], PARACETAMOL)
    assert (result.verdict, result.details["idle_reactants"]) == (Verdict.FAIL, ["BrBr"])
    assert "gives the product no atom" in result.reason


def test_unrelated_molecules_cannot_be_paired() -> None:
    assert check_reaction_centre(["BrBr"], "CC(C)(C)OC(C)(C)C").verdict is Verdict.UNKNOWN
    with pytest.raises(InputError, match="mixture"):
        check_reaction_centre(["CCO"], "CC.O")


def test_nothing_predicted_is_unknown() -> None:
    assert check_round_trip(PARACETAMOL, []).verdict is Verdict.UNKNOWN
    assert check_round_trip(PARACETAMOL, ["C("]).verdict is Verdict.UNKNOWN
    late = check_round_trip(PARACETAMOL, ["CCO", PARACETAMOL], within=2)
    assert (late.verdict, late.value) == (Verdict.PASS, 2.0)


def test_a_route_may_end_at_simple_or_listed_molecules(tmp_path: Path) -> None:
    store = Artifacts(tmp_path)
    imatinib = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
    listed = store.put(f"smiles name\n{imatinib}.CS(=O)(=O)O imatinib mesylate\nnot a smiles\n", ".smi")
    assert "rule" in str(call("starting_material", {"smiles": AMINOPHENOL}, store).value)
    refused = call("starting_material", {"smiles": imatinib}, store)
    assert (refused.verdict, refused.reason) == (Verdict.FAIL, "not simple: 37 heavy atoms, 5 rings")
    found = call("starting_material", {"smiles": imatinib, "building_blocks": listed}, store)
    assert (found.verdict, found.value) == (Verdict.PASS, "in your list of building blocks")
    assert "stock" not in str(found.value)


def test_a_list_without_a_molecule_is_refused() -> None:
    with pytest.raises(InputError, match="one SMILES a line"):
        is_listed("CCO", "name\n???\n")


def test_a_listed_molecule_is_found_in_any_state_of_charge_and_salt() -> None:
    text = "smiles,name\nCC(=O)[O-].[Na+],sodium acetate\nC[NH2+]C.[Cl-];dimethylamine\n# note\nOCC\n"
    for smiles in ("CC(=O)O", "CNC", "CCO", "[NH2+](C)C"):
        assert is_listed(smiles, text), smiles
    assert is_listed("[K+].CC(=O)[O-]", text)
    for smiles in ("CC(=O)OC", "CCN", "Cl", "COC"):  # COC has the outline of ethanol
        assert not is_listed(smiles, text), smiles


def test_a_route_says_everything_that_is_wrong_with_it() -> None:
    whole = check_route(route())
    assert (whole.value, whole.details["steps"], whole.details["steps_that_lead_back"]) == (0.5, 1, 1)
    assert "do not lead back" in check_route(route("fail")).reason
    unsure = check_route(route("unknown"))
    assert (unsure.verdict, unsure.value) == (Verdict.UNKNOWN, 0.5)
    assert "not known" in unsure.reason
    looped = RouteNode("CCO", step=Step((RouteNode("CC=O", step=Step((leaf("CCO"),), 1.0)),), 1.0))
    assert has_cycle(looped)
    assert "made from itself" in check_route(route_to_json(looped)).reason
    assert check_route(route_to_json(looped), maximum_steps=1).reason.endswith("2 steps in a line")
    assert check_route(route_to_json(leaf("CCO"))).reason == "no step was found"
    with pytest.raises(InputError, match="no route"):
        check_route({"smiles": "CCO"})


def test_counting_and_weighing() -> None:
    assert element_counts([ACETYL_CHLORIDE, "O"]) == {"C": 2, "O": 2, "Cl": 1}
    assert mass_of([PARACETAMOL]) == pytest.approx(151.165, abs=0.002)  # PubChem CID 1983
