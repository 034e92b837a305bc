"""Bundled targets in actions: another pocket than their own, names that look like handles, residues numbered from 1."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.actions.targets import given_structure, given_target, prepare
from agent.config import Settings
from agent.session import Session
from tools.docking.dockstring_targets import load_target
from tools.errors import InputError

THREAD = "thread"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionContext]:
    session = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    session.ledger.put_thread(THREAD, "test")
    run_id = session.manager.start({"name": "test"}, "action")
    with session.manager.lease(run_id) as control, session.resources.borrow():
        yield ActionContext(session, control, THREAD, f"{run_id}.1")


def test_a_found_pocket_of_a_bundled_target_is_docked_into_with_the_bundled_receptor(context: ActionContext) -> None:
    found = execute(load_action("find_pockets"), {"protein": "ABL1", "n": 2}, context)
    assert found.fault == ""
    pocket = found.items[1]
    assert pocket.details["target"] == {"name": "ABL1", "box": pocket.details["box"]}
    by_handle = given_target(pocket.handle, context)
    assert given_target("ABL1", context, pocket=pocket.handle).section == by_handle.section
    prepared = prepare(by_handle, context)
    receptor = json.loads(context.session.artifacts.read_text(prepared.receptor))
    assert receptor["pdbqt"] == load_target("ABL1").pdbqt
    assert receptor["box"]["center_angstrom"] == pytest.approx(pocket.details["centre_angstrom"], abs=1e-3)
    assert set(pocket.details["residues"]) & set(prepared.pocket_residues)


def test_names_that_look_like_handles_are_targets_where_there_is_no_such_handle(context: ActionContext) -> None:
    assert given_target("F10", context).section == {"name": "F10"}
    assert given_structure("F2", context).bundled == "F2"
    files = [{"kind": "file", "value": "none.txt", "name": f"{n}.txt"} for n in (1, 2)]
    context.session.ledger.put_items(THREAD, "uploads", files)
    with pytest.raises(InputError, match=r"F2 \(2\.txt\) is no structure file"):
        given_target("F2", context)
    assert given_target("F10", context).section == {"name": "F10"}


@pytest.mark.parametrize("pocket", ["from_ligand STI", "STI"])
def test_a_bundled_target_holds_no_ligand_and_says_so(context: ActionContext, pocket: str) -> None:
    with pytest.raises(InputError, match="the bundled ABL1 holds no ligand STI"):
        given_target("ABL1", context, pocket=pocket)


def test_residues_in_the_numbering_of_papers_are_answered_with_those_of_the_structure(context: ActionContext) -> None:
    with pytest.raises(InputError, match=r"With numbers 232 lower, .* A:THR83, A:MET86"):
        given_target("ABL1", context, pocket="A:THR315 A:MET318")
    asked = {"target": "ABL1", "must": ["hbond A:MET318"]}
    single = execute(load_action("design_ligands"), asked, context)
    assert single.fault == "input"
    assert "in the pocket A:MET86 may be meant" in single.summary
