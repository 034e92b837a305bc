"""dock and minimize: molecules into a target with Vina, and a docked pose relaxed in its pocket with OpenMM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field, model_validator

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.calls import run_in_workers
from agent.actions.checking import descriptors, detail, measured, report, run_checks
from agent.actions.molecule_arguments import FILE_WORDS, MOLECULE_WORDS, MOST_MOLECULES, GivenMolecule, given_molecules
from agent.actions.targets import PreparedTarget, given_target, prepare, receptor_item
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from tools.domain import Call
from tools.errors import InputError
from tools.types import CheckResult

DOCK_SECONDS = 9.0
"""One molecule of drug size at exhaustiveness 1 on one core, all its states; Vina's time grows in proportion."""
MINIMISE_SECONDS, PREPARE_SECONDS = 5.0, 8.0
EXHAUSTIVENESS, SEED = 4, 1
TARGET_WORDS = (
    "Bundled target (ABL1), handle of a receptor, pocket, protein or structure file, or name of a structure file"
)
POCKET_WORDS = (
    "Where to dock: `from_ligand STI`, residues such as A:THR315 A:MET318, a pocket's handle, or `predict`; a bundled "
    "target has its own"
)
DOCKING_LIMITS = "binding itself: a docking score is a ranking aid with an error of about 2 kcal/mol"


class Dock(Arguments):
    molecules: list[str] = Field(
        min_length=1, max_length=MOST_MOLECULES, description=f"Each {MOLECULE_WORDS}, {FILE_WORDS}"
    )
    target: str = Field(description=TARGET_WORDS)
    chain: str | None = Field(default=None, description="Chains of a structure file to keep, such as A or A,B")
    pocket: str | None = Field(default=None, description=POCKET_WORDS)
    exhaustiveness: int = Field(
        default=EXHAUSTIVENESS, ge=1, le=64, description="Vina's exhaustiveness: thoroughness, and time"
    )
    seed: int = Field(default=SEED, ge=0, lt=2**31, description="Seed of conformers and of Vina")


class Minimize(Arguments):
    pose: str | None = Field(default=None, description="Handle of a docked molecule")
    molecules: list[str] | None = Field(
        default=None, max_length=50, description="To be docked first, where no pose is given"
    )
    target: str | None = Field(default=None, description=TARGET_WORDS + "; with `molecules`")
    chain: str | None = Field(default=None, description="Chains of a structure file to keep")
    pocket: str | None = Field(default=None, description=POCKET_WORDS)

    @model_validator(mode="after")
    def _one_way(self) -> Minimize:
        if (self.pose is None) == (self.molecules is None):
            raise ValueError("give `pose` (the handle of a docked molecule), or `molecules` and `target`")
        if self.molecules is not None and self.target is None:
            raise ValueError("`molecules` need a `target` to be docked into")
        return self


@dataclass(frozen=True, slots=True)
class Docked:
    """One molecule with its docking call and the checks of its pose."""

    molecule: GivenMolecule
    dock: CheckResult
    pose: CheckResult | None
    described: CheckResult

    @property
    def affinity(self) -> float:
        return float(self.dock.value) if isinstance(self.dock.value, int | float) else float("inf")


def dock(args: Dock, context: ActionContext) -> ActionResult:
    molecules = given_molecules(args.molecules, context)
    prepared = prepare(given_target(args.target, context, args.chain, args.pocket), context)
    context.tell(f"dock {plural(len(molecules), 'molecule')} into {prepared.document['target']['name']}")
    ranked = sorted(
        dock_all(molecules, prepared, args.exhaustiveness, args.seed, context), key=lambda one: one.affinity
    )
    items = [_docked_item(one, prepared) for one in ranked]
    receptor = [] if prepared.given.receptor else [receptor_item(prepared)]
    return ActionResult(
        action="dock",
        call_id=context.call_id,
        summary=_dock_summary(ranked, prepared),
        items=[*items, *receptor],
        warnings=list(prepared.given.notes),
        not_checked=[
            DOCKING_LIMITS,
            "whether docking finds crystal poses on this target (design_ligands runs that control)",
            "strain and the relaxed interaction energy (minimize)",
        ],
    )


def dock_all(
    molecules: Sequence[GivenMolecule], prepared: PreparedTarget, exhaustiveness: int, seed: int, context: ActionContext
) -> list[Docked]:
    """Dock each in worker processes, then check each pose found with PoseBusters."""
    settings = {"receptor": prepared.receptor, "exhaustiveness": exhaustiveness, "seed": seed}
    docked = run_in_workers(context, [Call("dock", {"smiles": one.smiles, **settings}) for one in molecules])
    posed = [result for result in docked if result.details.get("pose")]
    calls = [Call("pose", {"pose": result.details["pose"], "receptor": prepared.receptor}) for result in posed]
    poses = dict(zip((result.call_id for result in posed), run_in_workers(context, calls), strict=True))
    described = run_checks(context, [Call("descriptors", {"smiles": one.smiles}, hard=False) for one in molecules])
    return [
        Docked(molecule, result, poses.get(result.call_id), numbers)
        for molecule, result, numbers in zip(molecules, docked, described, strict=True)
    ]


def minimize(args: Minimize, context: ActionContext) -> ActionResult:
    if args.pose is not None:
        given, notes = [context.item(args.pose)], []
        if not given[0].links.get("pose") or not given[0].links.get("receptor"):
            raise InputError(f"{args.pose} has no docked pose: dock it first, or give `molecules` and `target`")
    else:
        prepared = prepare(given_target(str(args.target), context, args.chain, args.pocket), context)
        docked = dock_all(given_molecules(args.molecules or [], context), prepared, EXHAUSTIVENESS, SEED, context)
        given, notes = [_docked_item(one, prepared) for one in docked], list(prepared.given.notes)
    relaxed = [_relaxed_item(item, context) if item.links.get("pose") else item for item in given]
    return ActionResult(
        action="minimize",
        call_id=context.call_id,
        summary=_minimize_summary(relaxed),
        items=relaxed,
        warnings=notes,
        not_checked=[
            "binding free energy: the interaction energy leaves out water, entropy and the protein's own movement",
            "the protein was held rigid",
        ],
    )


def _docked_item(one: Docked, prepared: PreparedTarget) -> Item:
    numbers = {"vina": measured(one.dock)}
    if one.dock.details.get("efficiency_kcal_mol_per_heavy_atom") is not None:
        efficiency = -float(one.dock.details["efficiency_kcal_mol_per_heavy_atom"])
        unit = "kcal/mol per heavy atom"
        numbers["ligand_efficiency"] = Quantity(value=efficiency, unit=unit, call_id=one.dock.call_id)
    numbers |= descriptors(one.described, ("heavy_atoms", "qed", "logp", "mol_weight"))
    pose = one.dock.details.get("pose")
    return Item(
        kind="molecule",
        value=one.molecule.smiles,
        name=one.molecule.name,
        numbers=numbers,
        checks=[report(result) for result in (one.dock, one.pose) if result is not None],
        links={"pose": pose, "receptor": prepared.receptor_pdb} if pose else {},
        made_from=[*one.molecule.made_from, *prepared.given.made_from],
        details={
            "docked_state": one.dock.details.get("smiles", ""),
            "target": prepared.document["target"]["name"],
            "target_section": dict(prepared.given.section),
            "receptor": prepared.receptor,
        },
    )


def _relaxed_item(item: Item, context: ActionContext) -> Item:
    pose, receptor = item.links["pose"], item.links["receptor"]
    interaction, strain = run_in_workers(
        context, [Call("interaction", {"pose": pose, "receptor_pdb": receptor}), Call("strain", {"pose": pose})]
    )
    numbers = {
        "interaction": measured(interaction),
        "interaction_before": detail(interaction, "interaction_before_kcal_mol", "kcal/mol"),
        "moved": detail(interaction, "moved_angstrom", "Å"),
        "strain": measured(strain),
    }
    numbers |= {name: item.numbers[name] for name in ("vina",) if name in item.numbers}
    relaxed = interaction.details.get("relaxed_pose")
    return Item(
        kind="molecule",
        value=item.value,
        name=item.name,
        numbers=numbers,
        checks=[report(interaction), report(strain)],
        links={**item.links, **({"pose": relaxed, "docked_pose": pose} if relaxed else {})},
        made_from=[item.handle] if item.handle else item.made_from,
        details=item.details,
    )


def _dock_summary(ranked: Sequence[Docked], prepared: PreparedTarget) -> str:
    name = prepared.document["target"]["name"]
    done = [one for one in ranked if one.affinity != float("inf")]
    if not done:
        return f"None of {plural(len(ranked), 'molecule')} could be docked into {name}: {ranked[0].dock.reason}."
    best = done[0]
    plausible = sum(one.pose is not None and one.pose.passed for one in done)
    lost = f" {len(ranked) - len(done)} could not be docked." if len(done) < len(ranked) else ""
    what = best.molecule.name or best.molecule.smiles
    return (
        f"{len(done)} of {plural(len(ranked), 'molecule')} docked into {name}, best first: {what} with Vina "
        f"{best.affinity:.1f} kcal/mol. {plausible} of {plural(len(done), 'pose')} passed every PoseBusters test.{lost}"
    )


def _minimize_summary(items: Sequence[Item]) -> str:
    said, done = [], 0
    for item in items:
        energy, moved = (
            item.numbers[name].value if name in item.numbers else None for name in ("interaction", "moved")
        )
        what = item.name or item.value
        if energy is None or moved is None:
            reason = next((check.reason for check in item.checks if check.reason), "no reason given")
            said.append(f"{what} could not be {'minimised' if item.links.get('pose') else 'docked'}: {reason}")
        else:
            done += 1
            said.append(f"{what}: MMFF interaction energy {energy:.1f} kcal/mol, moved {moved:.2f} Å")
    others = "; and others" if len(said) > 3 else ""
    return f"{done} of {plural(len(items), 'molecule')} minimised in the rigid pocket. {'; '.join(said[:3])}{others}."


def dock_cost(args: Dock, context: ActionContext) -> ActionCost:
    return docking_cost(len(given_molecules(args.molecules, context)), args.exhaustiveness, context)


def docking_cost(n: int, exhaustiveness: int, context: ActionContext) -> ActionCost:
    waves = -(-n // context.session.settings.workers)
    return ActionCost(seconds=PREPARE_SECONDS + waves * DOCK_SECONDS * exhaustiveness, docking_calls=n)


def minimize_cost(args: Minimize, context: ActionContext) -> ActionCost:
    n = len(given_molecules(args.molecules, context)) if args.molecules else 0
    docked = docking_cost(n, EXHAUSTIVENESS, context) if n else ActionCost()
    return docked.model_copy(update={"seconds": docked.seconds + MINIMISE_SECONDS * max(1, n)})


DOCK = Action(
    name="dock",
    about="Dock molecules into a protein pocket with AutoDock Vina and check each pose. Use it to compare given "
    "molecules; to find new ones use design_ligands.",
    args=Dock,
    run=dock,
    cost=dock_cost,
)
MINIMIZE = Action(
    name="minimize",
    about="Minimise a docked pose in its rigid pocket (OpenMM, MMFF94) and give its interaction energy and strain.",
    args=Minimize,
    run=minimize,
    cost=minimize_cost,
)
