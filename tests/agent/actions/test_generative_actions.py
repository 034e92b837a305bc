"""predict_reaction, plan_synthesis, generate_materials, edit_protein, design_antibody_cdr with the shipped model.

No test knows what the model writes: only that what is shown is checked, traceable, drawn, repeatable and honest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.actions.card_statement import card_statement
from agent.actions.materials import need_metal
from agent.actions.model_calls import TOOL, ask_model, log_odds
from agent.config import Settings
from agent.interface.schemas import ActionResult, Item
from agent.session import Session
from models.checkpoint import locate_checkpoint
from models.inference import SamplingOptions
from tests.tools.antibody.test_antibody_checks import HEAVY, LIGHT
from tools.antibody.variable_domain import parse_domains
from tools.errors import InputError, StopError
from tools.material.framework import metals_of
from tools.molecule.parse import canonical_parent
from tools.protein.known_proteins import AVGFP, UBIQUITIN
from tools.protein.mutations import list_mutations
from tools.reaction.route import parse_route

THREAD = "thread"
PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """With the model open all the time, as in a server."""
    opened = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    opened.ledger.put_thread(THREAD, "test")
    with opened.resources.borrow():
        yield opened


def run(session: Session, name: str, **args: Any) -> ActionResult:
    """One call, as a run of kind action makes it."""
    found: list[ActionResult] = []
    run_id = session.manager.start({"action": name, "name": name}, "action")

    def work(control: Any) -> None:
        found.append(execute(load_action(name), args, ActionContext(session, control, THREAD, f"{run_id}.1")))

    session.manager.execute(run_id, work)
    return found[0]


def worked(session: Session, name: str, **args: Any) -> ActionResult:
    """The result of a call without a fault: its numbers trace, its checks were executed, its items are drawn."""
    result = run(session, name, **args)
    assert result.fault == "", result.summary
    assert result.summary
    assert result.not_checked
    for item in result.items:
        assert_traces(session, item)
    assert [citation.number for citation in result.citations] == list(range(1, len(result.citations) + 1))
    return result


def assert_traces(session: Session, item: Item) -> None:
    assert item.handle
    assert item.numbers
    assert item.checks
    for name, number in item.numbers.items():
        call = session.ledger.get_call(number.call_id)
        assert call is not None, f"{name} of {item.handle} names no executed call"
        if number.value is not None:
            assert number.value in list(numbers_in(call.to_json())), f"{name} is not what its call measured"
    for check in item.checks:
        known = session.ledger.get_call(check.call_id)
        assert known is not None
        assert (known.verdict, known.reason) == (check.verdict, check.reason)
    if item.kind != "molecule":
        drawing = ElementTree.fromstring(session.artifacts.read_text(item.links["drawing"]))
        assert drawing.tag.endswith("svg")


def numbers_in(value: Any) -> Iterator[float]:
    """Every number anywhere in a document."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, dict):
        for one in value.values():
            yield from numbers_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers_in(one)


def same_but_handles(first: ActionResult, second: ActionResult) -> bool:
    dropped = {"items": {"__all__": {"handle"}}, "call_id": True, "seconds": True}
    return first.model_dump(exclude=dropped) == second.model_dump(exclude=dropped)


def test_products_are_ranked_and_a_second_call_reads_them_back(session: Session) -> None:
    args = {"reactants": ["CC(=O)Cl", "Nc1ccc(O)cc1"], "n": 2, "seed": 3}
    first = worked(session, "predict_reaction", **args)
    molecules = [item for item in first.items if item.kind == "molecule"]
    reactions = [item for item in first.items if item.kind == "reaction"]
    assert 1 <= len(molecules) == len(reactions) <= 2
    assert first.items[0].kind == "molecule"
    shares = [item.numbers["vote_share"].value for item in molecules]
    assert all(0 < share <= 1 for share in shares if share is not None)
    for molecule, reaction in zip(molecules, reactions, strict=True):
        assert sorted(reaction.value.partition(">>")[2].split(".")) == sorted(molecule.value.split("."))
    asked = session.ledger.count_calls(TOOL)
    assert same_but_handles(first, worked(session, "predict_reaction", **args))
    assert session.ledger.count_calls(TOOL) == asked


def test_unusual_reactants_are_called_so(session: Session) -> None:
    result = worked(session, "predict_reaction", reactants=["C[Hg]C", "CCO"], n=1)
    assert any("unusual" in warning and "Hg" in warning for warning in result.warnings)


def test_reactants_may_be_handles(session: Session) -> None:
    product = worked(session, "predict_reaction", reactants=["CC(=O)Cl", "Nc1ccc(O)cc1"], n=1).items[0]
    following = worked(session, "predict_reaction", reactants=[product.handle, "CI"], n=1)
    assert all(item.made_from == [product.handle] for item in following.items)


def test_routes_end_where_they_may_and_lead_back_step_by_step(session: Session) -> None:
    result = worked(session, "plan_synthesis", molecule=PARACETAMOL, n_routes=2, max_steps=3)
    assert result.items
    for item in result.items:
        route = parse_route(item.value)
        assert canonical_parent(route.smiles) == canonical_parent(PARACETAMOL)
        assert route.depth() <= 3
        assert item.details["complete"] == all(leaf.starting_material for leaf in route.leaves())
        assert "stock" not in json.dumps(item.model_dump())
        for step in route.steps():
            checks = {check["name"]: check for check in step.evidence["checks"]}
            assert set(checks) == {"atom_balance", "reaction_centre", "round_trip"}
            assert all(session.ledger.get_call(check["call_id"]) for check in checks.values())
            assert "fail" not in (checks["atom_balance"]["verdict"], checks["reaction_centre"]["verdict"])
            assert session.ledger.get_call(step.evidence["call_id"]) is not None
    if len(result.items) > 1:
        firsts = [parse_route(item.value).first_step() for item in result.items]
        assert firsts[0] != firsts[1]
    assert any("ORGANON_BUILDING_BLOCKS" in warning for warning in result.warnings)


def test_a_list_of_building_blocks_is_believed(session: Session, tmp_path: Path) -> None:
    """With a list that holds a molecule too big for the rule, routes may end there: by the list, not by the rule."""
    listed = tmp_path / "blocks.smi"
    block = "CCOC(=O)c1ccccc1C#N"
    listed.write_text(f"{block} cyanobenzoate\n")
    settings = session.settings.model_copy(update={"building_blocks": listed})
    with_list = Session(settings, session.ledger, session.artifacts, session.manager, session.resources)
    result = worked(with_list, "plan_synthesis", molecule=block, n_routes=1, max_steps=1)
    assert any("in your list of building blocks" in warning for warning in result.warnings)


def test_the_time_limit_ends_a_search_and_says_so(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.actions.synthesis.MAX_SECONDS", 0.0)
    result = worked(session, "plan_synthesis", molecule=PARACETAMOL, n_routes=10, max_steps=3)
    assert any("ended at its 0 s" in warning for warning in result.warnings)


def test_what_the_model_cannot_read_is_an_input_fault(session: Session) -> None:
    assert run(session, "plan_synthesis", molecule="C1CC").fault == "input"
    assert run(session, "predict_reaction", reactants=["CCO", "Nc1ccc("]).fault == "input"
    long = run(session, "plan_synthesis", molecule="C" * 900, n_routes=1)
    assert (long.fault, long.items) == ("input", [])
    assert run(session, "edit_protein", sequence="not a protein").fault == "input"
    assert run(session, "design_antibody_cdr").fault == "input"
    assert run(session, "design_antibody_cdr", heavy=HEAVY, loops=["L3"]).fault == "input"
    assert run(session, "generate_materials", metal="unobtainium").fault == "input"


def test_frameworks_hold_the_metal_that_was_asked_for(session: Session) -> None:
    result = worked(session, "generate_materials", n=3, metal="zinc", seed=5)
    assert result.items
    frameworks = set()
    for item in result.items:
        assert metals_of(item.details["nodes"]) >= {"Zn"}
        verdicts = {check.name: check.verdict for check in item.checks}
        assert verdicts["linkers"] == "pass"
        assert verdicts["metal_node"] != "fail"
        assert verdicts["known_framework"] == "unknown"  # nothing here knows what has been made
        frameworks.add((tuple(item.details["nodes"]), tuple(item.details["linkers"])))
    assert len(frameworks) == len(result.items)
    assert any("structure" in line for line in result.not_checked)


def test_a_rare_metal_is_given_to_the_model_and_said(session: Session) -> None:
    result = worked(session, "generate_materials", n=2, metal="Er", seed=1)
    for item in result.items:
        assert metals_of(item.details["nodes"]) >= {"Er"}
    assert ("given to the model" in result.summary) == any(i.details["node_given_to_the_model"] for i in result.items)
    assert [need_metal(text) for text in ("Zn", "zinc", " ZINC ")] == ["Zn"] * 3


def test_a_list_of_known_frameworks_decides_novelty(session: Session, tmp_path: Path) -> None:
    known = tmp_path / "known.csv"
    known.write_text("nodes,linkers\n[Zn],O=C([O-])c1ccc(C(=O)[O-])cc1\n")
    settings = session.settings.model_copy(update={"known_materials": known})
    with_list = Session(settings, session.ledger, session.artifacts, session.manager, session.resources)
    result = worked(with_list, "generate_materials", n=2, seed=5)
    verdicts = [check.verdict for item in result.items for check in item.checks if check.name == "known_framework"]
    assert verdicts
    assert "unknown" not in verdicts


def test_variants_of_gfp_keep_the_chromophore_and_what_was_wished(session: Session) -> None:
    result = worked(session, "edit_protein", sequence="GFP", goal="brighter, with S65T", n=3, max_mutations=4)
    assert len(result.items) == 3
    for item in result.items:
        found = list(map(str, list_mutations(AVGFP.sequence, item.value)))
        assert found == item.details["mutations"]
        assert "S65T" in found
        assert len(found) <= 4
        assert [item.value[at - 1] for at in (66, 67, 96, 222)] == list("YGRE")
        assert {check.name: check.verdict for check in item.checks}["motifs"] == "pass"
    costs = [item.numbers["blosum62_change"].value or 0.0 for item in result.items]
    assert costs == sorted(costs, reverse=True)
    assert any("goal does not steer" in warning for warning in result.warnings)
    assert any("brightness: not predicted" in line for line in result.not_checked)


def test_another_protein_is_varied_and_the_way_is_told(session: Session) -> None:
    result = worked(session, "edit_protein", sequence="ubiquitin", n=3, max_mutations=2)
    by_model = [item.details["origin"] == "written by the model" for item in result.items]
    assert all(item.value.endswith("GG") and len(item.value) == len(UBIQUITIN.sequence) for item in result.items)
    assert any("BLOSUM62" in warning for warning in result.warnings) == (not all(by_model))
    first = result.items[0].handle
    again = worked(session, "edit_protein", sequence=first, n=1, max_mutations=1)
    assert again.items[0].made_from == [first]


def test_a_chain_that_the_model_cannot_take_is_not_said_to_be_written_badly(session: Session) -> None:
    result = worked(session, "edit_protein", sequence="MKTAYIAKQR" * 120, n=1)
    assert any("the model could not be asked: " in warning for warning in result.warnings)
    assert not any("it wrote too few" in warning for warning in result.warnings)


def test_a_sequence_may_come_as_a_file_or_fasta_text(session: Session) -> None:
    text = f">first\n{UBIQUITIN.sequence[:40]}\n{UBIQUITIN.sequence[40:]}\n>second\nAAAA\n"
    file = {"kind": "file", "value": session.artifacts.put(text, ".fasta"), "name": "two.fasta"}
    other = {**file, "name": "two.docx"}
    first, second = session.ledger.put_items(THREAD, "uploads", [file, other])
    result = worked(session, "edit_protein", sequence=first["handle"], n=1, max_mutations=1)
    assert result.items[0].details["known_as"] == UBIQUITIN.accession
    assert run(session, "edit_protein", sequence=second["handle"]).fault == "input"
    pasted = worked(session, "edit_protein", sequence=text, n=1, max_mutations=1)
    assert pasted.items[0].value == result.items[0].value


def test_a_stop_ends_the_search_and_keeps_what_was_answered(session: Session) -> None:
    run_id = session.manager.start({"action": "plan_synthesis", "name": "stopped"}, "action")
    asked = session.ledger.count_calls(TOOL)

    def work(control: Any) -> None:
        session.ledger.put_request(run_id, "stop")
        args = {"molecule": "CCOC(=O)c1ccc(N)cc1"}
        execute(load_action("plan_synthesis"), args, ActionContext(session, control, THREAD, f"{run_id}.1"))

    with pytest.raises(StopError):
        session.manager.execute(run_id, work)
    assert session.ledger.get_run(run_id).state == "stopped"
    assert session.ledger.count_calls(TOOL) == asked


def test_a_wish_that_does_not_fit_is_refused(session: Session) -> None:
    assert "residue 65 is S" in run(session, "edit_protein", sequence="GFP", goal="A65T").summary
    assert "max_mutations" in run(session, "edit_protein", sequence="GFP", goal="S65T F64L", max_mutations=1).summary


def test_loops_are_replaced_and_nothing_else(session: Session) -> None:
    result = worked(session, "design_antibody_cdr", heavy=HEAVY, light=LIGHT, loops=["CDR-H3", "H1"], n=2)
    before = parse_domains(f"{HEAVY}:{LIGHT}")
    assert result.items
    for item in result.items:
        assert parse_domains(item.value) == before.with_loops(item.details["loops"])
        assert item.details["loops"] != item.details["original_loops"]
        assert {check.name for check in item.checks} >= {"loop_anchors", "liabilities H3", "loop_length H1"}
        assert item.checks[0].verdict == "pass"
    following = worked(session, "design_antibody_cdr", heavy=result.items[0].handle, n=1)
    assert following.items[0].details["light"] == LIGHT
    assert following.items[0].made_from == [result.items[0].handle]


def test_the_card_speaks_and_not_the_code(session: Session) -> None:
    said, cited = card_statement(locate_checkpoint(None), ["cdr_h3_aar", "no_such_figure"])
    figures = json.loads((locate_checkpoint(None) / "figures.json").read_text())["figures"]
    assert cited[0].locator == "figures.json: cdr_h3_aar"
    assert f"{100 * figures['cdr_h3_aar']['value']:.1f} %" in said
    assert card_statement(None, ["cdr_h3_aar"])[1] == []
    assert "no figure" in card_statement(locate_checkpoint(None), ["no_such_figure"])[0]
    result = worked(session, "design_antibody_cdr", heavy=HEAVY, n=1)
    assert any(said.partition(": ")[2].partition(" [")[0] in warning for warning in result.warnings)


def test_a_call_of_the_model_holds_what_it_depends_on(session: Session) -> None:
    def work(control: Any) -> None:
        context = ActionContext(session, control, THREAD, "call")
        with session.resources.borrow() as engines:
            options = SamplingOptions(temperature=0.0, top_p=1.0, repetition_penalty=1.0, max_new_tokens=64)
            inputs = [{"product": PARACETAMOL}, {"product": "CCOC(C)=O"}, {"product": PARACETAMOL}]
            first, second, third = ask_model(
                context, engines.model, "retrosynthesis", inputs, n=1, seed=0, options=options, augment=2
            )
            assert (first, first != second) == (third, True)
            asked = session.ledger.get_args(first.call_id)
            assert asked is not None
            assert (asked["input"], asked["seed"], asked["augment"]) == ({"product": PARACETAMOL}, 0, 2)
            result = session.ledger.get_call(first.call_id)
            assert result is not None
            assert result.version.endswith(f"weights {engines.model.status().checkpoint_hash}")
            alone = ask_model(context, engines.model, "retrosynthesis", inputs[1:2], n=1, seed=0, options=options)[0]
            assert alone.call_id != second.call_id  # asked in one spelling it is another question
            same, other = log_odds(
                context, engines.model, "<ProteinS>", ["ACD<ProteinE>", "WWW<ProteinE>"], "ACD<ProteinE>"
            )
            assert same.value == 0.0
            assert other.value != 0.0
            assert other.details["against_log_prob"] == same.details["log_prob"]
            too_long = "A" * 5000 + "<ProteinE>"
            (unknown,) = log_odds(context, engines.model, "<ProteinS>", [too_long], "ACD<ProteinE>")
            assert (unknown.verdict, unknown.value) == ("unknown", None)

    session.manager.execute(session.manager.start({"name": "calls"}, "action"), work)


def test_the_arguments_are_those_of_the_contract() -> None:
    expected = {
        "plan_synthesis": ["molecule", "n_routes", "max_steps", "seed"],
        "predict_reaction": ["reactants", "n", "seed"],
        "generate_materials": ["n", "metal", "seed"],
        "edit_protein": ["sequence", "goal", "n", "max_mutations", "seed"],
        "design_antibody_cdr": ["heavy", "light", "loops", "n", "seed"],
    }
    for name, arguments in expected.items():
        schema = load_action(name).schema()["parameters"]
        assert list(schema["properties"]) == arguments
        assert all(one.get("description") for one in schema["properties"].values())
    with pytest.raises(InputError, match="max_steps"):
        load_action("plan_synthesis").parse({"molecule": "CCO", "max_steps": 0})
