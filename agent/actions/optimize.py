"""optimize_molecule: analogues of a given molecule that come nearer to goals, and how near they stayed to it.

Graph edits and crossovers, and openings of a parent completed by the scientific model, under a search that keeps
likeness to the parent and a pattern to be kept. Found analogues are then measured by executed calls beside the parent;
only those are shown. What did not reach its goal says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.calls import stop_if_asked
from agent.actions.checking import measured, report, run_checks
from agent.actions.molecule_arguments import MOLECULE_WORDS, GivenMolecule, given_molecule
from agent.actions.properties import CHECKS, ESOL_ERROR, property_calls, property_numbers
from agent.discovery.refine.sample import sampling
from agent.discovery.refine.strategy import derived_seed
from agent.interface.schemas import ActionCost, ActionResult, Item
from agent.plural import plural
from models.worker import ModelWorker
from tools.domain import Call
from tools.errors import InputError
from tools.ligand_prompts import reprompt
from tools.molecule.analogues import Analogue, Search, find_analogues
from tools.molecule.check_substructure import parse_smarts
from tools.molecule.goals import Goal, parse_goals
from tools.molecule.parse import canonical_parent, parse_smiles
from tools.molecule.similarity import similarity_matrix
from tools.rank import select_diverse
from tools.types import CheckResult

TOO_ALIKE = 0.85
"""Analogues shown differ by more than this Tanimoto similarity while there are others."""
SAMPLES_PER_OPENING = 4
HARD = ("sanitise", "elements", "reactive")
SECONDS_A_ROUND = 1.5
SHOWN = {"logp": "logP", "mol_weight": "molecular weight", "qed": "QED", "sa": "SA", "tpsa": "TPSA"}


class OptimizeMolecule(Arguments):
    molecule: str = Field(description=f"The molecule to start from: {MOLECULE_WORDS}")
    goals: list[str] = Field(
        min_length=1,
        max_length=8,
        description="What is wanted, each like `qed up`, `log_p down`, `log_p 2..3`, `solubility up`, "
        "`mol_weight <= 400`; properties: qed, sa, log_p, mol_weight (Da), tpsa (Å²), fsp3, rotatable_bonds, "
        "heavy_atoms, solubility (log10 mol/L)",
    )
    keep: str | None = Field(default=None, description="SMARTS of a part that has to stay, such as c1ccncc1")
    n: int = Field(default=5, ge=1, le=50, description="How many analogues")
    rounds: int = Field(default=12, ge=1, le=100, description="Rounds of the search")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of the search")


def optimize_molecule(args: OptimizeMolecule, context: ActionContext) -> ActionResult:
    molecule = given_molecule(args.molecule, context)
    mol = parse_smiles(molecule.smiles)
    goals = parse_goals(args.goals, mol)
    keep = parse_smarts(args.keep) if args.keep else None
    if keep is not None and not mol.HasSubstructMatch(keep):
        raise InputError(f"`keep` {args.keep!r} does not occur in {molecule.smiles}: there is nothing to keep")
    search = Search(rounds=args.rounds)
    with context.session.resources.borrow() as engines:
        found = find_analogues(
            molecule.smiles,
            goals,
            keep=keep,
            search=search,
            seed=args.seed,
            model=_proposer(engines.model),
            should_stop=context.control.should_stop,
        )
    stop_if_asked(context)
    parent = _parent_item(molecule, context)
    items = _distinct(found, molecule, args, goals, context)
    return ActionResult(
        action="optimize_molecule",
        call_id=context.call_id,
        summary=_summary(items, parent, goals, len(found)),
        items=[*items, parent],
        warnings=_warnings(items, goals, args.n),
        not_checked=[
            "activity: an analogue may have lost what its parent binds by (dock compares them)",
            "whether it can be made: SA is an estimate (plan_synthesis)",
            *([ESOL_ERROR] if any(goal.score == "solubility" for goal in goals) else []),
        ],
    )


def _proposer(model: ModelWorker) -> Callable[[Sequence[str], int, int], Iterable[str]]:
    """Completions of openings of the parents by the resident model, those that are molecules."""

    def propose(parents: Sequence[str], n: int, seed: int) -> Iterable[str]:
        requests, kept = [], {}
        for at in range(-(-n // SAMPLES_PER_OPENING)):
            own = derived_seed(seed, "opening", at)
            prompt, opening = reprompt(parents[at % len(parents)], own)
            name = f"opening-{at:03d}"
            kept[name] = (opening, prompt.stop)
            requests.append(sampling(prompt.text, prompt.stop, SAMPLES_PER_OPENING, own, name))
        for sample in model.generate(requests):
            opening, stop = kept[sample.request_id]
            try:
                yield canonical_parent(opening + sample.text.removesuffix(stop))
            except InputError:
                continue

    return propose


def _parent_item(molecule: GivenMolecule, context: ActionContext) -> Item:
    results = run_checks(context, property_calls(molecule.smiles))
    return Item(
        kind="molecule",
        value=molecule.smiles,
        name=f"{molecule.name or 'parent'} (start)",
        numbers=property_numbers(results),
        checks=[report(result) for result in results if result.name in CHECKS],
        made_from=molecule.made_from,
        details={"role": "parent"},
    )


def _distinct(
    found: Sequence[Analogue],
    molecule: GivenMolecule,
    args: OptimizeMolecule,
    goals: Sequence[Goal],
    context: ActionContext,
) -> list[Item]:
    """The best distinct analogues that pass the hard checks, measured by calls."""
    likeness = similarity_matrix([one.smiles for one in found[: 20 * args.n]])
    places = range(len(likeness))
    order = select_diverse(
        places,
        [found[at].worth for at in places],
        len(likeness),
        lambda a, b: float(likeness[a, b]),
        TOO_ALIKE,
        fill=True,
    )
    items: list[Item] = []
    for at in order:
        stop_if_asked(context)
        item = _item(found[at], molecule, args, goals, context)
        if item is not None:
            items.append(item)
        if len(items) == args.n:
            break
    return sorted(items, key=lambda item: -float(item.details["worth"]))


def _item(
    one: Analogue, molecule: GivenMolecule, args: OptimizeMolecule, goals: Sequence[Goal], context: ActionContext
) -> Item | None:
    calls = property_calls(one.smiles)
    calls.append(Call("similarity", {"smiles": one.smiles, "reference": molecule.smiles}, hard=False))
    if args.keep:
        calls.append(Call("substructure", {"smiles": one.smiles, "smarts": args.keep}, label="keep"))
    results = run_checks(context, calls)
    by_name: dict[str, CheckResult] = {result.name: result for result in results}
    if not all(by_name[name].passed for name in HARD):
        return None
    numbers = {**property_numbers(results), "similarity": measured(by_name["similarity"])}
    reached = {goal.text: goal.reached(numbers[goal.score].value) for goal in goals}
    return Item(
        kind="molecule",
        value=one.smiles,
        name=f"analogue of {molecule.name or 'the start'}",
        numbers=numbers,
        checks=[report(result) for result in results if result.name in (*CHECKS, "keep")],
        made_from=molecule.made_from,
        details={
            "origin": one.origin,
            "worth": round(one.worth, 4),
            "goals_reached": reached,
            "parent": molecule.smiles,
        },
    )


def _summary(items: Sequence[Item], parent: Item, goals: Sequence[Goal], met: int) -> str:
    if not items:
        return f"No analogue of {parent.value} passed the checks ({met} were looked at)."
    best = items[0]
    changes = []
    for goal in goals:
        before, after = parent.numbers[goal.score].value, best.numbers[goal.score].value
        if before is not None and after is not None:
            changes.append(f"{SHOWN.get(goal.score, goal.score)} {before:.2f} -> {after:.2f}")
    full = sum(all(item.details["goals_reached"].values()) for item in items)
    return (
        f"{plural(len(items), 'analogue')} of {met} looked at; {full} reach every goal. The first: "
        f"{', '.join(changes)}, similarity {best.numbers['similarity'].value:.2f} to the start (Tanimoto)."
    )


def _warnings(items: Sequence[Item], goals: Sequence[Goal], n: int) -> list[str]:
    said = [f"{len(items)} of {n} asked for were found; try more rounds"] if len(items) < n else []
    for goal in goals:
        reached = [item.details["goals_reached"][goal.text] for item in items]
        missed, unknown = reached.count(False), reached.count(None)
        if missed:
            said.append(f"{missed} of {len(items)} do not reach the goal `{goal.text}`")
        if unknown:
            said.append(f"whether {unknown} of {len(items)} reach the goal `{goal.text}` could not be measured")
    return said


def cost(args: OptimizeMolecule, context: ActionContext) -> ActionCost:  # noqa: ARG001 - a cost is given it
    return ActionCost(seconds=5.0 + SECONDS_A_ROUND * args.rounds + 0.5 * args.n)


OPTIMIZE_MOLECULE = Action(
    name="optimize_molecule",
    about="Change a given molecule towards goals (QED, logP, solubility, weight, ...) while it stays an analogue, and "
    "say how far each came. It does not dock: for better binding use design_ligands with `seeds`.",
    args=OptimizeMolecule,
    run=optimize_molecule,
    cost=cost,
)
