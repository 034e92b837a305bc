"""design_ligands: a small discovery campaign for a target, run to its end, and its ranked candidates.

The defaults are the demo's settings cut to about three minutes on two cores; every number the user gives replaces one.
Interactions asked for (`must`) are judged on each docked pose, steer the run as an objective, and order the answer:
candidates whose pose lacks one stay, marked, behind those that have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.child_run import child_id, run_campaign
from agent.actions.docking import DOCK_SECONDS, DOCKING_LIMITS, POCKET_WORDS, PREPARE_SECONDS, TARGET_WORDS
from agent.actions.molecule_arguments import MOLECULE_WORDS, given_molecule
from agent.actions.run_items import candidate_item, run_item
from agent.actions.targets import PreparedTarget, given_target, prepare, receptor_item
from agent.campaign import Campaign, default_objectives, parse_campaign
from agent.interface.schemas import ActionCost, ActionResult, Citation, Item, Quantity, RunResult
from agent.plural import plural
from tools.docking.check_contact import find_residue, parse_requirement, residue_labels
from tools.docking.hinge import hinge_residues
from tools.docking.numbering import suggest
from tools.errors import InputError
from tools.molecule.constraints import parse_constraints

ROUNDS, PER_ROUND, DOCKING_CALLS = 2, 32, 12
CONSTRAINTS = {"reactive": "none", "heavy_atoms": "18..26", "synthesizability": "<=4.5"}
DOCKING = {
    "exhaustiveness": 1,
    "final_exhaustiveness": 2,
    "finalists": 4,
    "max_states": 1,
    "max_stereoisomers": 1,
    "n_ring_conformers": 1,
}
FINALISTS_WITH_MUST = 8
"""More poses are confirmed where an interaction is asked for, so that one of them has it."""
SAMPLE_SECONDS, LATER_CHECKS_SECONDS = 0.25, 6.0


class DesignLigands(Arguments):
    target: str = Field(description=TARGET_WORDS)
    chain: str | None = Field(default=None, description="Chains of a structure file to keep, such as A or A,B")
    pocket: str | None = Field(default=None, description=POCKET_WORDS)
    reference: str | None = Field(
        default=None, description="Compound to compare with, SMILES, handle or bundled drug; default: the bound ligand"
    )
    rounds: int = Field(default=ROUNDS, ge=1, le=100, description="Rounds of design, each learning from those before")
    per_round: int = Field(default=PER_ROUND, ge=1, le=10_000, description="Molecules made in each round")
    docking_calls: int = Field(default=DOCKING_CALLS, ge=1, le=100_000, description="Molecules docked in all rounds")
    minutes: float | None = Field(default=None, gt=0, description="Wall time of the whole run, minutes")
    constraints: dict[str, str | int | float] | None = Field(
        default=None,
        description="Hard limits, such as {heavy_atoms: '20..30', logp: '<=4', qed: '>=0.5', pains: none}; keys: "
        "elements, heavy_atoms, reactive, qed, logp, mol_weight (Da), tpsa (Å²), fsp3, rotatable_bonds, "
        "synthesizability (SA score), lipinski, alerts, pains, brenk",
    )
    seeds: list[str] | None = Field(
        default=None, max_length=100, description=f"Molecules to start from, each {MOLECULE_WORDS}"
    )
    must: list[str] | None = Field(
        default=None,
        max_length=8,
        description="Interactions wanted of the pose, such as 'hbond A:MET318', 'salt_bridge A:ASP93', 'hbond hinge'",
    )
    seed: int = Field(default=7, ge=0, lt=2**31, description="Seed of everything that is drawn")


def design_ligands(args: DesignLigands, context: ActionContext) -> ActionResult:
    seeds = [given_molecule(text, context).smiles for text in args.seeds or []]
    parse_constraints({**CONSTRAINTS, **_texts(args.constraints or {})})
    target = given_target(args.target, context, args.chain, args.pocket)
    prepared = prepare(target, context)
    must = _requirements(args.must or [], prepared, context)
    campaign = _campaign(args, prepared, seeds, must, context)
    result = run_campaign(campaign, context)
    return _answer(result, prepared, must, context)


def _campaign(
    args: DesignLigands, prepared: PreparedTarget, seeds: list[str], must: Sequence[str], context: ActionContext
) -> Campaign:
    objectives = [one.model_dump(exclude_none=True) for one in default_objectives()]
    if must:
        objectives.append({"score": "interactions_met", "goal": "maximize", "weight": 1.0})
    docking = {**DOCKING, "finalists": FINALISTS_WITH_MUST} if must else DOCKING
    asked = {
        "name": f"ligands for {_plain(prepared.document['target']['name'])}"[:80],
        "task": "ligand",
        "target": dict(prepared.given.section),
        "objective": objectives,
        "constraints": {**CONSTRAINTS, **_texts(args.constraints or {})},
        "reference": _reference_text(args.reference, context),
        "rounds": args.rounds,
        "per_round": args.per_round,
        "docking": docking,
        "budget": {"minutes": args.minutes, "docking_calls": args.docking_calls},
        "controls": "quick",
        "seeds": seeds,
        "must": list(must),
        "seed": args.seed,
    }
    return parse_campaign(asked, context.session.settings.home)


def _reference_text(text: str | None, context: ActionContext) -> str | None:
    """As a campaign names it: a bundled drug by its name, another molecule by its SMILES."""
    if not text:
        return None
    molecule = given_molecule(text, context)
    return molecule.name if molecule.item is None and molecule.name else molecule.smiles


def _requirements(wanted: Sequence[str], prepared: PreparedTarget, context: ActionContext) -> list[str]:
    """Each requirement with its residue's full label in this receptor. InputError where the residue is not there."""
    if not wanted:
        return []
    receptor_pdb = context.session.artifacts.read_text(prepared.receptor_pdb)
    found = []
    for text in wanted:
        if "hinge" in text.lower().split():
            residues = hinge_residues(receptor_pdb)
            requirement = parse_requirement(text.lower().replace("hinge", residues[-1]))
            found.append(f"{requirement.kind} {'|'.join(residues)}")
            continue
        requirement = parse_requirement(text)
        try:
            found.append(f"{requirement.kind} {find_residue(receptor_pdb, requirement.residue)}")
        except InputError as error:
            meant = suggest(_residues_of(wanted), residue_labels(receptor_pdb), prepared.pocket_residues)
            raise InputError(f"{error}. {meant}") from None
    return list(dict.fromkeys(found))


def _residues_of(wanted: Sequence[str]) -> list[str]:
    """The residues that requirements name."""
    return [one for text in wanted if "hinge" not in text.lower() for one in parse_requirement(text).residue.split("|")]


def _answer(result: RunResult, prepared: PreparedTarget, must: Sequence[str], context: ActionContext) -> ActionResult:
    ordered = sorted(result.candidates, key=lambda one: -(_score(one.scores, "interactions_met") or 0.0))
    candidates = [_with_origin(candidate_item(candidate, result), prepared, must) for candidate in ordered]
    reference = [_reference_item(result, prepared)] if result.reference is not None else []
    receptor = [] if prepared.given.receptor else [receptor_item(prepared)]
    run = run_item(context.session.ledger.get_run(result.run_id), _control_numbers(result))
    cited = Citation(
        number=1,
        kind="run",
        source=result.run_id,
        title=result.name,
        locator="controls and ranked table",
        quote=result.controls.summary if result.controls else "",
    )
    return ActionResult(
        action="design_ligands",
        call_id=context.call_id,
        summary=_summary(result, candidates, reference, must),
        items=[*candidates, *reference, *receptor, run],
        citations=[cited],
        runs=[child_id(context)],
        files=dict(result.files),
        warnings=[*prepared.given.notes, *_warnings(result)],
        not_checked=[
            DOCKING_LIMITS,
            "selectivity, toxicity, metabolism",
            "a synthesis route: SA is an estimate from fragments (plan_synthesis looks for a route)",
            *(["interactions are judged on one rigid pose each"] if must else []),
        ],
    )


def _summary(result: RunResult, candidates: Sequence[Item], reference: Sequence[Item], must: Sequence[str]) -> str:
    docked = sum(one.docked for one in result.rounds)
    name = result.target.name if result.target else "the target"
    made = plural(sum(one.generated for one in result.rounds), "molecule")
    made += f" made in {plural(len(result.rounds), 'round')}, {docked} docked"
    if not candidates:
        lost = _losses(result)
        return f"No candidate for {name} passed every stage ({made}). Most were lost to: {lost}. [1]"
    best = candidates[0]
    said = (
        f"{plural(len(candidates), 'candidate')} for {name} passed every stage ({made}). The first has {_numbers(best)}"
    )
    if reference:
        said += f"; {reference[0].name} has {_numbers(reference[0])}: {_against(reference[0], candidates)}"
    if must:
        n = sum(all(_met(item, one) for one in must) for item in candidates)
        rest = "none of them makes" if n == 0 else f"{n} of them make"
        said += f". Of what was asked for ({', '.join(must)}): {rest} it in full"
        said += "; the others are kept, marked, behind them" if 0 < n < len(candidates) else ""
    trust = result.controls.trust if result.controls else "untested"
    return f"{said}. Docking on this target is {trust}. [1]"


def _against(reference: Item, candidates: Sequence[Item]) -> str:
    """How many candidates have a better (lower) Vina score than the reference, where it was docked as they were: it is
    with the finalists, of whom a stopped run may have none."""
    asked = reference.numbers.get("vina")
    if asked is None or asked.value is None:
        return "without a Vina score to compare with"
    if len({_exhaustiveness(item) for item in (reference, *candidates)}) > 1:
        return "it was docked more thoroughly than they were, so their scores do not compare"
    scores = [item.numbers["vina"].value for item in candidates if "vina" in item.numbers]
    better = sum(score is not None and score < asked.value for score in scores)
    return f"docked alike, {better or 'none'} of the {len(candidates)} dock better than it"


def _exhaustiveness(item: Item) -> object:
    return next((check.details.get("exhaustiveness") for check in item.checks if check.name == "dock"), None)


def _losses(result: RunResult) -> str:
    counts = [(count, f"{stage.stage}: {reason}") for stage in result.funnel for reason, count in stage.reasons.items()]
    return "; ".join(f"{reason} ({count})" for count, reason in sorted(counts, reverse=True)[:3]) or "no reason given"


def _warnings(result: RunResult) -> list[str]:
    said = []
    if result.controls is not None and result.controls.trust != "trusted":
        said.append(f"docking is {result.controls.trust} on this target: {result.controls.summary}")
    use = result.settings.get("pocket_use")
    if use and not use["steers"]:
        said.append(str(use["sentence"]))
    if result.settings.get("ending") == "stopped by request":
        said.append("the run was stopped: what it had found by then is shown")
    if result.candidates and not result.enough:
        said.append("few candidates: more rounds, molecules or docking calls give a wider choice")
    return said


def _with_origin(item: Item, prepared: PreparedTarget, must: Sequence[str]) -> Item:
    """The candidate with the handles it was made from, the receptor it is docked in, and what it lacks."""
    lacking = [one for one in must if not _met(item, one)]
    details = {**item.details, "receptor": prepared.receptor, "target_section": dict(prepared.given.section)}
    if must:
        details["interactions_lacking"] = lacking
    return item.model_copy(update={"made_from": list(prepared.given.made_from), "details": details})


def _reference_item(result: RunResult, prepared: PreparedTarget) -> Item:
    reference = result.reference
    assert reference is not None
    links = {"pose": reference.pose, "receptor": prepared.receptor_pdb} if reference.pose else {}
    dock = reference.scores.get("vina")
    numbers = {
        name: Quantity(value=score.value, unit=score.unit, call_id=score.call_id or (dock.call_id if dock else ""))
        for name, score in reference.scores.items()
    }
    return Item(
        kind="molecule",
        value=reference.smiles,
        name=f"{reference.name} (reference)",
        numbers=numbers,
        checks=reference.checks,
        links=links,
        details={"role": "reference", "run_id": result.run_id, "receptor": prepared.receptor},
    )


def _control_numbers(result: RunResult) -> dict[str, Quantity]:
    """How far redocking the bound ligand came from the crystal pose, where that control was run."""
    for control in result.controls.controls if result.controls else []:
        if control.name == "redock":
            known = zip(control.evidence["rmsd_angstrom"], control.evidence["calls"], strict=True)
            return {
                f"redocking RMSD {at}": Quantity(value=value, unit="Å", call_id=call_id)
                for at, (value, call_id) in enumerate(known, 1)
            }
    return {}


def _numbers(item: Item) -> str:
    shown = []
    for name, label in (("vina", "Vina"), ("qed", "QED"), ("strain", "strain")):
        quantity = item.numbers.get(name)
        if quantity is not None and quantity.value is not None:
            digits = 2 if name == "qed" else 1
            shown.append(f"{label} {quantity.value:.{digits}f}{f' {quantity.unit}' if quantity.unit else ''}")
    return ", ".join(shown) or "no score"


def _met(item: Item, requirement: str) -> bool:
    return any(check.name == requirement and check.verdict == "pass" for check in item.checks)


def _score(scores: Mapping[str, Any], name: str) -> float | None:
    return scores[name].value if name in scores else None


def _texts(constraints: Mapping[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in constraints.items()}


def _plain(name: str) -> str:
    """A target's name with the letters that a campaign's name may have."""
    return "".join(letter if letter.isalnum() or letter in " .+-_" else "-" for letter in name)


def cost(args: DesignLigands, context: ActionContext) -> ActionCost:
    """Dockings shared over the workers, the rest in turn; a limit in minutes bounds it."""
    finalists = FINALISTS_WITH_MUST if args.must else DOCKING["finalists"]
    workers = context.session.settings.workers
    rounds = args.docking_calls * (DOCK_SECONDS + LATER_CHECKS_SECONDS)
    final = (finalists + 1) * (DOCK_SECONDS * DOCKING["final_exhaustiveness"] + LATER_CHECKS_SECONDS)
    made = args.rounds * args.per_round * SAMPLE_SECONDS
    seconds = 2 * PREPARE_SECONDS + made + (rounds + final) / workers
    if args.minutes is not None:
        seconds = min(seconds, args.minutes * 60.0)
    return ActionCost(seconds=round(seconds, 1), docking_calls=args.docking_calls)


DESIGN_LIGANDS = Action(
    name="design_ligands",
    about="Design new small molecules for a protein pocket: generate, check, dock, refine over rounds, and rank them "
    "beside a reference. Use it whenever new ligands for a target are wanted.",
    args=DesignLigands,
    run=design_ligands,
    cost=cost,
)
