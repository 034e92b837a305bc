"""dock, minimize, design_ligands and find_pockets on a real protein fragment, with the real Vina, OpenMM and model.

The protein is 90 residues of HSP90 with benzamide beside them: small, so that the whole way takes seconds.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.actions.calls import run_in_workers
from agent.actions.child_run import child_id
from agent.actions.ligands import _against
from agent.config import Settings
from agent.interface.schemas import ActionResult, CheckReport, Item, Quantity
from agent.runs import run_id_for
from agent.session import Session
from tests.tools.docking.conftest import ligand_beside, protein_fragment
from tools.docking.structure import Structure, render_pdb
from tools.domain import Call
from tools.errors import StopError
from tools.types import CheckResult, Verdict

THREAD = "thread"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """With model and workers open all the time, as in a server."""
    session = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=2))
    session.ledger.put_thread(THREAD, "test")
    with session.resources.borrow():
        yield session


@pytest.fixture(scope="module")
def structure_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    protein = protein_fragment()
    path = tmp_path_factory.mktemp("files") / "hsp90.pdb"
    path.write_text(render_pdb(Structure((*protein.residues, ligand_beside(protein)))))
    return path


@pytest.fixture(scope="module")
def attached(session: Session, structure_file: Path) -> str:
    """The handle of the structure file, attached to the conversation as the server does it."""
    artifact = session.artifacts.put(structure_file.read_bytes(), ".pdb")
    (item,) = session.ledger.put_items(THREAD, "upload", [{"kind": "file", "value": artifact, "name": "hsp90.pdb"}])
    return str(item["handle"])


def run(session: Session, name: str, args: dict[str, object], parent: str | None = None) -> ActionResult:
    """One call of an action, as a run of kind action makes it."""
    found: list[ActionResult] = []
    run_id = parent or session.manager.start({"action": name, "name": name}, "action")

    def work(control):
        context = ActionContext(session, control, THREAD, f"{run_id}.1")
        found.append(execute(load_action(name), args, context))

    session.manager.execute(run_id, work)
    return found[0]


def numbers_trace(session: Session, items: list[Item]) -> None:
    """Every number with a value names a call of the ledger."""
    for item in items:
        for name, quantity in item.numbers.items():
            if quantity.value is not None:
                assert quantity.call_id, f"{item.handle} {name}"
                assert session.ledger.get_call(quantity.call_id) is not None, f"{item.handle} {name}"


@pytest.fixture(scope="module")
def docked(session: Session, attached: str) -> ActionResult:
    return run(
        session,
        "dock",
        {"molecules": ["c1ccccc1C(N)=O", "CCO", "NC(=O)c1ccccc1"], "target": attached, "exhaustiveness": 1},
    )


def test_docking_ranks_distinct_molecules_with_poses_and_checks(session: Session, docked: ActionResult) -> None:
    assert docked.fault == ""
    molecules = [item for item in docked.items if item.kind == "molecule"]
    assert [item.value for item in molecules] == ["NC(=O)c1ccccc1", "CCO"]
    scores = [item.numbers["vina"].value or 0.0 for item in molecules]
    assert scores == sorted(scores)
    assert all(item.numbers["vina"].unit == "kcal/mol" for item in molecules)
    for item in molecules:
        assert {check.name for check in item.checks} == {"dock", "pose"}
        assert "M  END" in session.artifacts.read_text(item.links["pose"])
        assert session.artifacts.read_text(item.links["receptor"]).startswith(("ATOM", "HETATM"))
    numbers_trace(session, docked.items)
    assert f"{scores[0]:.1f} kcal/mol" in docked.summary


def test_the_bound_ligand_marks_the_pocket_and_that_is_said(docked: ActionResult) -> None:
    (receptor,) = [item for item in docked.items if item.kind == "receptor"]
    assert receptor.details["target"]["pocket"] == "from_ligand A:BZM900"
    assert receptor.name == "hsp90"
    assert any("A:BZM900 marks it" in warning for warning in docked.warnings)


def test_a_pose_is_minimised_and_stays_linked_to_what_it_was(session: Session, docked: ActionResult) -> None:
    before = docked.items[0]
    result = run(session, "minimize", {"pose": before.handle})
    (item,) = result.items
    assert item.made_from == [before.handle]
    assert item.links["docked_pose"] == before.links["pose"]
    assert item.links["pose"] != before.links["pose"]
    after, start = item.numbers["interaction"].value, item.numbers["interaction_before"].value
    assert after is not None
    assert start is not None
    assert after <= start
    numbers_trace(session, result.items)


def test_a_molecule_without_a_pose_cannot_be_minimised(session: Session) -> None:
    made = run(session, "molecule_properties", {"molecules": ["CCN"]})
    result = run(session, "minimize", {"pose": made.items[0].handle})
    assert result.fault == "input"
    assert "has no docked pose" in result.summary


def test_what_could_not_be_docked_is_told_beside_what_was_minimised(
    session: Session, attached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A molecule whose docking hangs is no wrong input, and keeps nothing from the others."""
    args = {"molecules": ["CCO", "CCCO"], "target": attached}

    def some_hang(context: ActionContext, calls: Sequence[Call]) -> list[CheckResult]:
        hang = [call for call in calls if call.args.get("smiles") == "CCCO"]
        done = iter(run_in_workers(context, [call for call in calls if call not in hang]))
        late = CheckResult("dock", Verdict.UNKNOWN, reason="timeout: 300 s", call_id="late")
        return [late if call in hang else next(done) for call in calls]

    monkeypatch.setattr("agent.actions.docking.run_in_workers", some_hang)
    result = run(session, "minimize", args)
    assert result.fault == ""
    assert result.summary.startswith("1 of 2 molecules minimised in the rigid pocket. CCO: MMFF")
    assert "CCCO could not be docked: timeout: 300 s" in result.summary
    assert "interaction" not in result.items[1].numbers


def test_pockets_of_a_file_can_be_docked_into(session: Session, attached: str) -> None:
    found = run(session, "find_pockets", {"protein": "hsp90", "n": 2})
    assert found.fault == ""
    first = found.items[0]
    assert first.kind == "pocket"
    assert first.made_from == [attached]
    assert first.value.split() == first.details["residues"]
    assert (first.numbers["volume"].value or 0.0) > 50.0
    numbers_trace(session, found.items)
    again = run(session, "dock", {"molecules": ["CCO"], "target": first.handle, "exhaustiveness": 1})
    assert again.fault == ""
    (receptor,) = [item for item in again.items if item.kind == "receptor"]
    assert receptor.details["box_center_angstrom"] == pytest.approx(first.details["centre_angstrom"])
    by_place = run(
        session, "dock", {"molecules": ["CCO"], "target": attached, "pocket": first.handle, "exhaustiveness": 1}
    )
    assert by_place.items[0].numbers["vina"].call_id == again.items[0].numbers["vina"].call_id


def test_a_receptor_can_be_docked_into_again_and_at_another_place(session: Session, docked: ActionResult) -> None:
    receptor = next(item for item in docked.items if item.kind == "receptor")
    again = run(session, "dock", {"molecules": ["CCO"], "target": receptor.handle, "exhaustiveness": 1})
    assert [item.kind for item in again.items] == ["molecule"]
    before = next(item for item in docked.items if item.value == "CCO")
    assert again.items[0].numbers["vina"] == before.numbers["vina"].model_copy(
        update={"call_id": again.items[0].numbers["vina"].call_id}
    )
    residue = receptor.details["pocket_residues"][0]
    args = {"molecules": ["CCO"], "target": receptor.handle, "pocket": residue, "exhaustiveness": 1}
    elsewhere = run(session, "dock", args)
    assert elsewhere.fault == ""
    assert elsewhere.items[-1].details["target"]["residues"] == [residue]


def test_a_sequence_gets_the_model_s_marks_and_hears_how_weak_they_are(session: Session) -> None:
    sequence = "".join(r for r in "MGSSHHHHHHSSGLVPRGSHMKVLITGAGSGIGKAIALALAKEGAKVVVTDRN")
    found = run(session, "find_pockets", {"protein": sequence})
    assert found.fault == ""
    assert "MCC" in found.summary
    assert [citation.source for citation in found.citations] == ["model card"]
    for item in found.items:
        assert all(residue.startswith("A:") for residue in item.value.split())
        wrong = run(session, "dock", {"molecules": ["CCO"], "target": item.handle})
        assert wrong.fault == "input"


@pytest.mark.parametrize(
    ("action", "args", "said"),
    [
        ("dock", {"molecules": ["CCO"], "target": "XYZ9"}, "unknown target 'XYZ9'"),
        ("dock", {"molecules": ["CC("], "target": "ABL1"}, "does not parse"),
        ("dock", {"molecules": ["wonderdrug"], "target": "ABL1"}, "nor a bundled drug"),
        ("dock", {"molecules": [], "target": "ABL1"}, "at least 1 item"),
        ("dock", {"molecules": ["M99"], "target": "ABL1"}, "nothing in this conversation"),
        ("dock", {"molecules": ["CCO"], "target": "hsp90.pdb", "pocket": "A:THR999"}, "A:THR999"),
        ("dock", {"molecules": ["CCO"], "target": "hsp90.pdb", "pocket": "from_ligand QQQ"}, "A:BZM900"),
        ("dock", {"molecules": ["CCO"], "target": "hsp90.pdb", "chain": "Z"}, "chains there: A"),
        ("dock", {"molecules": ["CCO"], "target": "missing.pdb"}, "attach it"),
        ("dock", {"molecules": ["CCO"], "target": "ABL1", "pocket": "A:MET318"}, "lined by A:LEU16"),
        ("find_pockets", {"protein": "hsp90.pdb", "n": 0}, "`n`"),
        ("find_pockets", {"protein": "x" * 400 + ".pdb"}, "there is no structure file"),
        ("find_pockets", {"protein": "NOPE"}, "unknown target 'NOPE'"),
        ("minimize", {}, "give `pose`"),
        ("minimize", {"molecules": ["CCO"]}, "need a `target`"),
        ("design_ligands", {"target": "hsp90.pdb", "must": ["hbond A:MET9999"]}, "not in this receptor"),
        ("design_ligands", {"target": "hsp90.pdb", "must": ["hbond hinge"]}, "name the residue"),
        ("design_ligands", {"target": "hsp90.pdb", "constraints": {"beauty": "high"}}, "'beauty' is unknown"),
        ("design_ligands", {"target": "hsp90.pdb", "seeds": ["CCO", "C("]}, "does not parse"),
        ("design_ligands", {"target": "ABL1", "rounds": 0}, "`rounds`"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    session: Session, attached: str, action: str, args: dict[str, object], said: str
) -> None:
    result = run(session, action, args)
    assert result.fault == "input"
    assert said in result.summary
    assert "\n" not in result.summary
    assert len(result.summary) < 700
    assert not result.items


TINY = {
    "rounds": 1,
    "per_round": 24,
    "docking_calls": 2,
    "reference": "NC(=O)c1ccccc1",
    "constraints": {"heavy_atoms": "8..16"},
    "seeds": ["NC(=O)c1cccc(O)c1"],
}


@pytest.fixture(scope="module")
def designed(session: Session, attached: str, docked: ActionResult) -> ActionResult:
    residue = next(item for item in docked.items if item.kind == "receptor").details["pocket_residues"][0]
    return run(session, "design_ligands", {"target": attached, "must": [f"contact {residue}"], **TINY})


def test_a_design_gives_candidates_reference_receptor_and_run(session: Session, designed: ActionResult) -> None:
    assert designed.fault == ""
    kinds = [item.kind for item in designed.items]
    assert kinds[-2:] == ["receptor", "run"]
    (run_id,) = designed.runs
    assert designed.items[-1].value == run_id
    assert run_id in session.ledger.get_thread(THREAD).runs
    assert session.ledger.get_run(run_id).state == "done"
    reference = next(item for item in designed.items if item.details.get("role") == "reference")
    assert reference.value == "NC(=O)c1ccccc1"
    assert "dock better than it" in designed.summary
    candidates = [item for item in designed.items if item.kind == "molecule" and item is not reference]
    for item in candidates:
        assert {"vina", "qed", "sa", "strain", "interaction", "ligand_efficiency"} <= set(item.numbers)
        assert {"pose", "receptor"} <= set(item.links)
        (asked,) = [check for check in item.checks if check.name.startswith("contact ")]
        assert asked.verdict in ("pass", "fail")
        assert not asked.hard
    numbers_trace(session, designed.items)
    assert "Docking on this target is" in designed.summary
    assert any("affinity" in text or "binding" in text for text in designed.not_checked)


def test_a_reference_docked_more_thoroughly_is_not_compared() -> None:
    def docked(value: float, exhaustiveness: int) -> Item:
        vina = Quantity(value=value, unit="kcal/mol", call_id="c")
        details = {"exhaustiveness": exhaustiveness}
        check = CheckReport(name="dock", verdict="pass", call_id="c", details=details)
        return Item(kind="molecule", value="C", numbers={"vina": vina}, checks=[check])

    assert _against(docked(-7.0, 2), [docked(-8.0, 2), docked(-6.0, 2)]).endswith("1 of the 2 dock better than it")
    assert "do not compare" in _against(docked(-7.0, 2), [docked(-8.0, 1)])


def test_seeds_are_candidates_of_the_first_round(session: Session, designed: ActionResult) -> None:
    made = session.ledger.candidates(designed.runs[0])
    assert (made[0].text, made[0].origin) == ("NC(=O)c1cccc(O)c1", "given")
    assert any(candidate.origin.startswith("evolve") for candidate in made)


def test_the_same_call_again_starts_nothing_twice(session: Session, designed: ActionResult) -> None:
    """The run that a call starts follows from the call's id: a repeated call finds it done."""
    before = len(session.ledger.list_runs())
    parent, call_id = designed.call_id.split(".")[0], designed.call_id
    assert designed.runs == [run_id_for(parent, call_id)]
    assert len(session.ledger.list_runs()) == before


def test_a_stop_of_the_parent_stops_the_run_it_started(session: Session, attached: str) -> None:
    run_id = session.manager.start({"action": "design_ligands", "name": "x"}, "action")
    child = run_id_for(run_id, f"{run_id}.1")
    args = {"target": attached, **TINY, "rounds": 20, "docking_calls": 400, "per_round": 64, "seeds": None}

    def stop_when_it_goes():
        while not (session.ledger.has_run(child) and session.ledger.get_run(child).state == "running"):
            time.sleep(0.1)
        session.manager.request_stop(run_id)

    asking = threading.Thread(target=stop_when_it_goes)
    asking.start()
    with pytest.raises(StopError, match="stopped by request"):
        run(session, "design_ligands", args, run_id)
    asking.join()
    assert session.ledger.get_run(child).state == session.result(child).state == "stopped"
    assert session.ledger.get_run(run_id).state == "stopped"


def test_costs_follow_what_is_asked(session: Session, attached: str) -> None:
    found = {}

    def work(control):
        context = ActionContext(session, control, THREAD, "cost.1")
        design = load_action("design_ligands")
        found["small"] = design.estimate({"target": attached}, context)
        found["large"] = design.estimate({"target": attached, "docking_calls": 400, "rounds": 5}, context)
        found["bounded"] = design.estimate({"target": attached, "docking_calls": 400, "minutes": 2}, context)
        found["wrong"] = design.estimate({"target": attached, "rounds": -1}, context)
        assert child_id(context) == run_id_for(control.run_id, "cost.1")

    session.manager.execute(session.manager.start({"name": "x"}, "action"), work)
    assert found["small"].docking_calls == 12
    assert 60.0 < found["small"].seconds < 300.0
    assert found["large"].seconds > 10 * found["small"].seconds
    assert found["bounded"].seconds == 120.0
    assert found["wrong"].seconds == 0.0


def test_files_by_path_can_be_switched_off(session: Session, structure_file: Path, tmp_path: Path) -> None:
    shutil.copy(structure_file, tmp_path / "other.pdb")
    closed = Session.open(Settings(home=tmp_path / "home", workers=1, local_files=False))
    closed.ledger.put_thread(THREAD, "test")
    result = run(closed, "find_pockets", {"protein": str(tmp_path / "other.pdb")})
    assert result.fault == "input"
    assert "attach it" in result.summary


def test_what_does_not_ask_the_model_does_not_wait_for_it(structure_file: Path, tmp_path: Path) -> None:
    """The checkpoint is not there: cavities are found all the same, and only who asks the model hears of it."""
    bare = Session.open(Settings(home=tmp_path / "home", workers=1, checkpoint=str(tmp_path / "no-model")))
    bare.ledger.put_thread(THREAD, "test")
    with bare.resources.borrow():
        assert run(bare, "find_pockets", {"protein": str(structure_file)}).fault == ""
        assert bare.resources.loaded_model is None
    asked = run(bare, "find_pockets", {"protein": "MGSSHHHHHHSSGLVPRGSHMKVLITGAGSG"})
    assert asked.fault == "input"
    assert "no-model" in asked.summary
