"""Executes runs for the browser tests: real runs under real leases in a real ledger, whose work is written down here.

What a chat turn does is chosen by a word of its message, so that a test has every event of the page's contract within
seconds, in a known order: a plan, steps, molecules with all three verdicts, a hostile name, citations, an approval, a
long step to pause and stop. Chemistry that is cheap (drawings, properties) is computed, not invented.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from rdkit import Chem
from rdkit.Chem import AllChem

from agent.config import Settings
from agent.interface.api.application import build_api
from agent.interface.schemas import (
    ActionCost,
    ActionResult,
    CandidateReport,
    CheckReport,
    Citation,
    Item,
    Quantity,
    RoundSummary,
    RunResult,
    ScoreReport,
    TargetReport,
)
from agent.kinds import KINDS, work_of
from agent.runs import RunControl
from agent.service import RunService
from agent.session import Session
from tools.errors import StopError
from tools.memory.ledger import RunRecord

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
SMILES = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "CC(=O)Nc1ccc(O)cc1",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
)
NAMES = ("aspirin", "ibuprofen", "caffeine", HOSTILE, "imatinib")
QED = (0.55, 0.82, 0.54, 0.60, 0.39)
LOG_P = (1.31, 3.07, -1.03, 1.35, 4.59)


STRUCTURES = {"pose": "", "receptor": ""}
"""Artifacts for a 3D view, put here by who makes the server."""
PACE = 0.05
"""Seconds a scripted step takes."""


@contextmanager
def installed(session: Session) -> Iterator[FastAPI]:
    """The application over this session, with scripted turns and a pose and a receptor to show."""
    STRUCTURES["pose"] = session.artifacts.put(Chem.MolToMolBlock(_posed("CC(=O)Oc1ccccc1C(=O)O")) + "$$$$\n", ".sdf")
    STRUCTURES["receptor"] = session.artifacts.put(Chem.MolToPDBBlock(_peptide_beside("GAVLSTFY")), ".pdb")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("chat", "action"):
            patch.setitem(KINDS, kind, "tests.browser.scripted:drive_scripted")
        work_of.cache_clear()
        yield build_api(session, RunService(session), session.settings)
    work_of.cache_clear()


def _posed(smiles: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    return mol


def _peptide_beside(sequence: str) -> Chem.Mol:
    """A peptide 8 Å beside the origin, where the pose is."""
    mol = Chem.AddHs(Chem.MolFromSequence(sequence))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    conformer = mol.GetConformer()
    for at in range(mol.GetNumAtoms()):
        place = conformer.GetAtomPosition(at)
        conformer.SetAtomPosition(at, (place.x, place.y + 8.0, place.z))
    return mol


def drive_scripted(session: Session, record: RunRecord, control: RunControl) -> dict[str, Any]:
    """Work of a run, in place of the assistant's: see `agent.kinds`."""
    asked = record.campaign
    thread_id = str(asked.get("thread_id") or record.run_id)
    session.ledger.put_thread(thread_id, record.name)
    session.ledger.add_to_thread(thread_id, record.run_id)
    message = str(asked.get("message") or asked.get("action") or "")
    control.emit("message", {"role": "user", "text": message, "citations": []}, once="user")
    turn = Turn(session, control, thread_id)
    script = next((script for word, script in SCRIPTS.items() if word in message.lower()), None)
    if script is None:
        turn.say("I can show molecules, a table, a campaign, literature.")
    else:
        script(turn)
    return {"answer": "see the log"}


class Turn:
    """The pen that writes a turn's log."""

    def __init__(self, session: Session, control: RunControl, thread_id: str) -> None:
        self.session, self.control, self.thread_id = session, control, thread_id
        self.n = 0

    def pause(self, seconds: float | None = None) -> None:
        until = time.monotonic() + (PACE if seconds is None else seconds)
        while time.monotonic() < until:
            self.control.wait_while_paused()
            if self.control.should_stop():
                raise StopError("stopped as asked")
            time.sleep(0.02)

    def plan(self, *steps: tuple[str, dict[str, Any], str]) -> None:
        told = [{"action": action, "args": args, "why": why} for action, args, why in steps]
        self.control.emit("plan", {"steps": told}, once="plan")

    def begin(self, action: str, args: dict[str, Any], cost: ActionCost | None = None) -> str:
        self.n += 1
        call_id = f"{self.control.run_id}.{self.n}"
        told = {"call_id": call_id, "action": action, "args": args, "cost": cost and cost.model_dump(mode="json")}
        self.control.emit("tool_call", told, once=f"call {call_id}")
        return call_id

    def tell(self, call_id: str, text: str, run_id: str = "") -> None:
        told = {"step": text, "call_id": call_id, **({"run_id": run_id} if run_id else {})}
        self.control.emit("step_started", told, once=f"tell {call_id} {text}")

    def end(self, call_id: str, action: str, summary: str, **more: Any) -> ActionResult:
        items = more.pop("items", [])
        documents = [item.model_dump(mode="json") for item in items]
        held = self.session.ledger.put_items(self.thread_id, call_id, documents)
        result = ActionResult(
            action=action,
            call_id=call_id,
            summary=summary,
            items=[Item.model_validate(document) for document in held],
            **{"seconds": 0.2, **more},
        )
        told = {"call_id": call_id, "result": result.model_dump(mode="json")}
        self.control.emit("tool_result", told, once=f"result {call_id}")
        return result

    def say(self, text: str, citations: Sequence[Citation] = ()) -> None:
        words = text.split(" ")
        for at in range(0, len(words), 4):
            self.control.emit(
                "message_delta", {"text": " ".join(words[at : at + 4]) + " ", "part": 1}, once=f"delta {at}"
            )
            self.pause(PACE / 4)
        told = {"role": "assistant", "text": text, "citations": [one.model_dump(mode="json") for one in citations]}
        self.control.emit("message", told, once="answer")


def molecules(n: int, call_id: str, pose_on: int = -1) -> list[Item]:
    made = []
    for at in range(n):
        smiles = SMILES[at % len(SMILES)]
        checks = [
            CheckReport(name="sanitise", verdict="pass", call_id=call_id),
            CheckReport(name="pains", verdict="pass", reason="", call_id=call_id),
            CheckReport(name="solubility", verdict="unknown", reason="outside the training range of the model"),
            CheckReport(
                name="reactive",
                verdict="fail" if at == 0 else "pass",
                reason="ester of a phenol: acylates proteins" if at == 0 else "",
                threshold="none",
                call_id=call_id,
            ),
        ]
        numbers = {
            "qed": Quantity(value=QED[at % 5], call_id=call_id),
            "logp": Quantity(value=LOG_P[at % 5], call_id=call_id),
            "mol_weight": Quantity(value=180.16 + 31.7 * at, unit="daltons", call_id=call_id),
            "vina": Quantity(value=-6.1 - 0.37 * at, unit="kcal/mol", call_id=call_id),
            "ligand_efficiency": Quantity(value=0.3, unit="kcal/mol/heavy_atom", call_id=call_id),
            "strain": Quantity(value=None if at == 2 else 1.4 + at, unit="kcal/mol", call_id=call_id),
        }
        posed = at == pose_on and bool(STRUCTURES["pose"])
        links = dict(STRUCTURES) if posed else {}
        made.append(
            Item(kind="molecule", value=smiles, name=NAMES[at % 5], numbers=numbers, checks=checks, links=links)
        )
    return made


def show_molecules(turn: Turn) -> None:
    turn.plan(
        ("molecule_properties", {"molecules": list(SMILES[:2])}, "to see what they are"),
        ("dock", {"molecules": ["$1.1"], "target": "ABL1"}, "to see how they bind"),
    )
    turn.pause()
    call = turn.begin("molecule_properties", {"molecules": list(SMILES[:2])})
    turn.pause()
    turn.end(call, "molecule_properties", "Two molecules; one has a reactive ester.", items=molecules(2, call))
    call = turn.begin("dock", {"molecules": ["M1"], "target": "ABL1", "exhaustiveness": 1})
    turn.tell(call, "preparing the receptor")
    turn.pause()
    turn.tell(call, "docking M1")
    turn.pause()
    turn.end(
        call,
        "dock",
        "Docked at -9.52 kcal/mol.",
        items=molecules(1, call, pose_on=0),
        not_checked=["whether the pose is stable in dynamics", "affinity: a docking score is no affinity"],
        warnings=["exhaustiveness 1 is for a first look"],
    )
    turn.say(
        "**Aspirin** has an ester that reacts with proteins; the docked pose scores **-9.52 kcal/mol** [1].", [CALL]
    )


CALL = Citation(number=1, kind="call", source="dock", title="Docking of M1", locator="score -9.52 kcal/mol")
PASSAGE = Citation(
    number=1,
    kind="passage",
    source="zimmermann-2005.pdf",
    title=f"Resistance in ABL1 {HOSTILE}",
    locator="page 3, characters 120 to 310",
    quote=f"The T315I substitution removes a hydrogen bond to the threonine side chain. {HOSTILE}",
    url="https://doi.org/10.1000/example",
)


def show_table(turn: Turn) -> None:
    call = turn.begin("generate_molecules", {"n": 12, "qed": [0.5, 1.0]})
    turn.pause()
    turn.end(call, "generate_molecules", "12 molecules.", items=molecules(12, call, pose_on=4))
    turn.say("Twelve molecules, ranked by QED.")


def show_literature(turn: Turn) -> None:
    call = turn.begin("search_literature", {"query": "ABL1 resistance"})
    turn.pause()
    passage = Item(kind="passage", value=PASSAGE.quote, name=PASSAGE.title, details={"page": 3})
    turn.end(call, "search_literature", "One passage fits.", items=[passage], citations=[PASSAGE])
    turn.say(f"T315I removes a hydrogen bond [1]. The title reads {HOSTILE}", [PASSAGE])


def ask_approval(turn: Turn) -> None:
    args = {"target": "ABL1", "rounds": 2, "must": ["hbond A:MET318"]}
    cost = ActionCost(seconds=1800, docking_calls=96)
    call = turn.begin("design_ligands", args, cost)
    question = {"action": "design_ligands", "args": args, "cost": cost.model_dump(), "reason": "it takes about 30 min"}
    with_answer = turn.control.wait_for_approval(call, question)
    if with_answer is None:
        raise StopError("stopped while waiting for approval")
    if not with_answer["approved"]:
        turn.end(call, "design_ligands", "refused by the user; nothing was run", fault="refused")
        turn.say("Nothing was run.")
        return
    rounds = (with_answer.get("args") or args)["rounds"]
    for tick in range(600):
        turn.tell(call, f"round {1 + tick // 200} of {rounds}: docked {tick}")
        turn.pause(0.25)
    turn.end(call, "design_ligands", "Done.", items=molecules(4, call))
    turn.say("Four ligands.")


def fail(turn: Turn) -> None:
    call = turn.begin("dock", {"molecules": ["M9"]})
    turn.pause()
    turn.end(call, "dock", "'M9' is nothing in this conversation; there is M1, M2", fault="input")
    turn.say("There is no M9 here. Say which molecule is meant.")


def show_kinds(turn: Turn) -> None:
    call = turn.begin("find_pockets", {"protein": "P1"})
    route = (
        '{"smiles":"CC(=O)Nc1ccc(O)cc1","starting_material":false,"step":{"reactants":[{"smiles":"CC(=O)OC(C)=O",'
        '"starting_material":true},{"smiles":"Nc1ccc(O)cc1","starting_material":false,"step":{"reactants":[{"smiles":'
        '"O=[N+]([O-])c1ccc(O)cc1","starting_material":true}],"vote_share":0.7,"evidence":{}}}],"vote_share":0.9,'
        '"evidence":{}}}'
    )
    items = [
        Item(
            kind="protein",
            value="MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTLSYGVQCFSRYPDHMK",
            name="GFP",
        ),
        Item(
            kind="pocket",
            value="A:VAL3 A:LEU4 A:PHE7",
            name="ATP site",
            links={"structure": STRUCTURES["receptor"]},
            numbers={"volume": Quantity(value=512.0, unit="Å3")},
        ),
        Item(kind="reaction", value="CC(=O)OC(C)=O.Nc1ccc(O)cc1>>CC(=O)Nc1ccc(O)cc1", name="acylation"),
        Item(kind="route", value=route, name="route to paracetamol"),
        Item(kind="material", value="<mof>[O-]C(=O)c1ccc(C(=O)[O-])cc1.[Zn+2] pcu</mof>", name="MOF"),
        Item(
            kind="file", value="0" * 24 + ".pdb", name=f"{HOSTILE}.pdb", details={"type": "structure", "bytes": 120400}
        ),
    ]
    turn.end(call, "find_pockets", "Things of many kinds.", items=items)
    turn.say("One of each kind.\n\n- a protein\n- a **pocket**\n\n| kind | n |\n|---|---|\n| route | 1 |\n")


def show_campaign(turn: Turn) -> None:
    """A short campaign as a run of its own, told with the events of a real one."""
    call = turn.begin("design_ligands", {"target": "ABL1", "rounds": 3})
    manager, ledger = turn.session.manager, turn.session.ledger
    child = turn.session.manager.start(CAMPAIGN, "campaign", f"{turn.control.run_id[:6]}aaaaaa")
    ledger.add_to_thread(turn.thread_id, child)
    turn.tell(call, f"run {child}: {CAMPAIGN['name']}", child)
    if ledger.get_run(child).state != "done":
        manager.execute(child, lambda control: tell_campaign(control, turn))
    turn.end(
        call,
        "design_ligands",
        "Three ligands passed every stage.",
        items=molecules(3, call),
        runs=[child],
    )
    turn.say("Three ligands passed every stage; the best scores -9.8 kcal/mol.")


CAMPAIGN: dict[str, Any] = {
    "name": "abl1 hinge",
    "rounds": 3,
    "per_round": 20,
    "seed": 1,
    "budget": {"minutes": 10.0, "docking_calls": 15},
    "objective": [{"score": "vina", "goal": "minimize"}, {"score": "qed", "goal": "maximize"}],
}
STAGES = ("chemistry", "conformer", "docking", "pose")
REASONS = {
    "chemistry": "heavy_atoms: too large: 31 heavy atoms",
    "conformer": "no conformer",
    "docking": "outside",
    "pose": "clash",
}


def tell_campaign(control: RunControl, turn: Turn) -> dict[str, Any]:
    control.emit("step_started", {"step": "prepare the target"}, once="prepare")
    target = {"name": "ABL1", "source": "scripted", "receptor": STRUCTURES["receptor"]}
    control.emit("run_started", {"campaign": CAMPAIGN, "target": target, "memory": []}, once="run_started")
    panel = {"trust": "weak", "summary": "the bound ligand was docked back at 2.4 Å", "controls": []}
    control.emit("step_finished", {"step": "controls", "panel": panel}, once="controls done")
    rounds = []
    for round_ in (1, 2, 3):
        for at in range(20):
            name = f"r{round_}-{at:04d}"
            told = {
                "candidate_id": name,
                "text": SMILES[at % 5],
                "round": round_,
                "index": at,
                "origin": "sample",
                "parents": [],
            }
            control.emit("candidate_added", told, once=f"candidate {name}")
        for at in range(20):
            turn.pause(PACE / 2)
            reached = 4 if at % 4 == 0 else at % 3 + 1
            for number, stage in enumerate(STAGES[:reached], 1):
                verdict = "pass" if number < reached or reached == 4 else "fail"
                told = {
                    "candidate_id": f"r{round_}-{at:04d}",
                    "text": SMILES[at % 5],
                    "stage": stage,
                    "verdict": verdict,
                    "reason": "" if verdict == "pass" else REASONS[stage],
                    "values": {"dock": -7.0 - 0.1 * at - 0.4 * round_} if stage == "docking" else {},
                    "calls": [],
                }
                control.emit("check_finished", told, once=f"check {round_} {at} {stage}")
        best = {"vina": -8.0 - 0.6 * round_, "qed": 0.5 + 0.1 * round_}
        told = {
            "round": round_,
            "generated": 20,
            "docked": 5,
            "passed": 5,
            "best": best,
            "seconds": 3.0 * round_,
            "origins": {},
        }
        control.emit("round_finished", told, once=f"round {round_}")
        rounds.append(RoundSummary.model_validate(told))
    candidates = [
        CandidateReport(
            rank=rank,
            smiles=SMILES[rank % 5],
            scores={"vina": ScoreReport(value=-9.8 + 0.1 * rank, unit="kcal/mol", goal="minimize", call_id="c1")},
            checks=[CheckReport(name="dock", verdict="pass")],
            round=3,
            candidate_id=f"r3-{rank:04d}",
            origin="sample",
            pose=STRUCTURES["pose"] or None,
        )
        for rank in (1, 2, 3)
    ]
    made = RunResult(
        run_id=control.run_id,
        name=CAMPAIGN["name"],
        state="done",
        target=TargetReport(name="ABL1", source="scripted", receptor=STRUCTURES["receptor"]),
        rounds=rounds,
        candidates=candidates,
        seconds=9.0,
    )
    return made.model_dump(mode="json", by_alias=True)


SCRIPTS: dict[str, Callable[[Turn], None]] = {
    "molecule": show_molecules,
    "table": show_table,
    "literature": show_literature,
    "long": ask_approval,
    "fail": fail,
    "kinds": show_kinds,
    "campaign": show_campaign,
    "explain": show_literature,
}


def main() -> None:
    """Serve on a port until killed: `python -m tests.browser.scripted HOME PORT`."""
    import uvicorn

    session = Session.open(Settings(home=Path(sys.argv[1]), workers=1, lease_seconds=2.0))
    with installed(session) as app:
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")


if __name__ == "__main__":
    main()
