"""plan_synthesis: routes to a molecule, from the model's disconnections, searched, checked and drawn.

Each molecule is asked backwards in several spellings (one executed call); a proposal is dropped where atoms come from
nowhere or where too many bonds change at once, and costs more where the model's forward prediction does not lead back.
A route ends at molecules that the user lists as building blocks, or that are small and plain by a rule: never "in
stock". The search stops at the number of routes, molecules opened, or seconds; only the last can differ between runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import detail, hard_failures, report, run_check, run_checks
from agent.actions.model_calls import ModelCall, ask_model
from agent.actions.reactions import SPELLINGS, beam_options, molecule_item
from agent.interface.schemas import ActionCost, ActionResult, Citation, Item, Quantity
from agent.plural import plural
from models.errors import ModelInputError
from models.inference import SamplingOptions
from models.reactions.voting import candidate_of
from models.worker import ModelWorker
from tools.domain import Call
from tools.errors import InputError
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles
from tools.reaction.check_starting_material import MAXIMUM_HEAVY_ATOMS
from tools.reaction.draw_route import draw_route
from tools.reaction.route import RouteNode, render_route, route_to_json
from tools.reaction.search import Proposal, RouteSearch, SearchResult
from tools.types import CheckResult

PROPOSALS = 10
"""Answers asked of each spelling, and distinct voted ones looked at."""
MAX_OPENED = 40
MAX_SECONDS = 120.0
"""What one call may take: molecules opened and wall time of the search."""
ROUND_TRIP_PENALTY = math.log(10.0)
"""Added to the cost of a step that does not lead back: it is gone for only where it has ten times the votes."""
COST_AN_ATOM = 0.15
"""Of each heavy atom above the rule's: about one step of vote share 0.4 for six atoms."""
GREEDY = SamplingOptions(temperature=0.0, top_p=1.0, repetition_penalty=1.0, max_new_tokens=256)
"""Forward prediction for the round trip, as the card's round-trip figure is measured."""
NOT_CHECKED = [
    "conditions, reagents, solvents",
    "yields and selectivity; protecting groups beyond what the model writes",
    "availability and price: a starting material is listed by you, or small and plain by a rule",
    "literature precedent; whether any step works in the flask",
]


class PlanSynthesisArguments(Arguments):
    """What is to be made."""

    molecule: str = Field(description="The target: SMILES, a molecule's handle (M1) or a bundled drug's name")
    n_routes: int = Field(
        default=3, ge=1, le=10, description="Routes wanted, with different first steps where possible"
    )
    max_steps: int = Field(default=5, ge=1, le=10, description="Reactions in the longest line of a route at most")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of the spellings the model is asked in")


def size_estimate(smiles: str) -> float:
    """What a molecule too big for the rule will still cost, in the units of a step's cost (natural log): so that
    splitting it is gone for before swapping its ester."""
    return COST_AN_ATOM * max(0, parse_smiles(smiles).GetNumHeavyAtoms() - MAXIMUM_HEAVY_ATOMS)


@dataclass
class _Planner:
    """What one search asks of model and checks; remembers what was said of each molecule."""

    context: ActionContext
    model: ModelWorker
    seed: int
    building_blocks: str
    started: float = field(default_factory=time.monotonic)
    timed_out: bool = False
    refused: dict[str, str] = field(default_factory=dict)
    ends: dict[str, CheckResult] = field(default_factory=dict)

    def is_end(self, smiles: str) -> bool:
        if smiles not in self.ends:
            listed = {"building_blocks": self.building_blocks} if self.building_blocks else {}
            self.ends[smiles] = run_check(self.context, "starting_material", {"smiles": smiles, **listed})
        return self.ends[smiles].passed

    def may_go_on(self, opened: int, found: int) -> bool:
        self.timed_out = opened > 0 and time.monotonic() - self.started > MAX_SECONDS
        if opened and not self.timed_out:
            self.context.tell(f"{plural(opened, 'molecule')} opened, {plural(found, 'complete route')}")
        return not self.timed_out

    def expand(self, smiles: str) -> list[Proposal]:
        """The ways to make a molecule: voted, checked, sent forward again."""
        try:
            asked = self._ask("retrosynthesis", [{"product": smiles}], SPELLINGS)[0]
        except ModelInputError as fault:
            self.refused[smiles] = str(fault)
            return []
        proposed = [(answer, found) for answer in asked.valid if (found := candidate_of(answer["reactants"]))]
        checked = self._check([found for _, found in proposed], smiles)
        kept = [
            (answer, found, checks)
            for (answer, found), checks in zip(proposed, checked, strict=True)
            if not hard_failures(checks)
        ]
        back = self._round_trips([found for _, found, _ in kept], smiles)
        return [
            _proposal(answer, found, asked, [*checks, verdict])
            for (answer, found, checks), verdict in zip(kept, back, strict=True)
        ]

    def _ask(self, task: str, inputs: Sequence[Mapping[str, Any]], augment: int) -> list[ModelCall]:
        back = task == "retrosynthesis"
        return ask_model(
            self.context,
            self.model,
            task,
            inputs,
            n=PROPOSALS if back else 1,
            seed=self.seed,
            options=beam_options(PROPOSALS) if back else GREEDY,
            augment=augment,
        )

    def _check(self, proposed: Sequence[tuple[str, ...]], product: str) -> list[list[CheckResult]]:
        """Balance and reaction centre of each set of reactants."""
        calls = []
        for reactants in proposed:
            args = {"reactants": list(reactants), "product": product}
            calls += [Call("atom_balance", args), Call("reaction_centre", args)]
        results = run_checks(self.context, calls)
        return [results[at : at + 2] for at in range(0, len(results), 2)]

    def _round_trips(self, proposed: Sequence[tuple[str, ...]], product: str) -> list[CheckResult]:
        """For each set of reactants whether the greedy forward prediction is the product."""
        calls = []
        for reactants in proposed:
            try:
                forward = self._ask("reaction", [{"reactants": list(reactants)}], 1)[0]
                predicted = [answer["smiles"] for answer in forward.valid]
            except ModelInputError:
                predicted = []
            calls.append(Call("round_trip", {"product": product, "predicted": predicted}, hard=False))
        return run_checks(self.context, calls)


def _proposal(
    answer: Mapping[str, Any], reactants: tuple[str, ...], asked: ModelCall, checks: Sequence[CheckResult]
) -> Proposal:
    share = answer["vote_share"]
    back = next(check for check in checks if check.name == "round_trip")
    evidence = {
        "call_id": asked.call_id,
        "votes": answer["votes"],
        "spellings": asked.n_spellings,
        "log_prob": answer["log_prob"],
        "round_trip": str(back.verdict),
        "checks": [
            {"name": check.name, "verdict": str(check.verdict), "reason": check.reason, "call_id": check.call_id}
            for check in checks
        ],
    }
    cost = -math.log(share) + (0.0 if back.passed else ROUND_TRIP_PENALTY)
    return Proposal(reactants, cost, share, evidence)


def plan_synthesis(args: PlanSynthesisArguments, context: ActionContext) -> ActionResult:
    given = molecule_item(args.molecule, context)
    parsed = parse_smiles(given.value)
    target = canonical_smiles(neutral_parent(parsed, largest_fragment=True))
    with context.session.resources.borrow() as engines:
        planner = _Planner(context, engines.model, args.seed, _building_blocks(context))
        context.tell(f"routes to {target}")
        search = RouteSearch(target, planner.expand, planner.is_end, args.max_steps, size_estimate)
        found = search.run(args.n_routes, MAX_OPENED, planner.may_go_on)
        names = ["retrosynthesis_top_1", "retrosynthesis_top_10", "retrosynthesis_round_trip"]
        said, citations = card_statement(engines.checkpoint, names)
    if target in planner.refused:
        raise InputError(f"the model cannot be asked about {target}: {planner.refused[target]}")
    judged = [_judge(context, route, args.max_steps) for route in found.routes]
    made_from = [given.handle] if given.handle else []
    items = [_item(r, c, context, made_from, planner) for r, c in zip(found.routes, judged, strict=True)]
    warnings = [said, *_warnings(planner, found, target, canonical_smiles(parsed))]
    return _result(context, target, judged, items, warnings, citations)


def _building_blocks(context: ActionContext) -> str:
    """The artifact id of the user's list, "" without one."""
    path = context.session.settings.building_blocks
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"building_blocks {path} cannot be read as text: {fault}") from None
    return context.session.artifacts.put(text, ".smi")


def _judge(context: ActionContext, route: RouteNode, max_steps: int) -> CheckResult:
    return run_check(context, "route", {"route": route_to_json(route), "maximum_steps": max_steps})


def _item(
    route: RouteNode, judged: CheckResult, context: ActionContext, made_from: list[str], planner: _Planner
) -> Item:
    leaves = {leaf.smiles: leaf for leaf in route.leaves()}
    ends = [planner.ends[smiles] for smiles in leaves if smiles in planner.ends]
    steps = [{"reactants": [one.smiles for one in s.reactants], **s.evidence} for s in route.steps()]
    numbers = {
        "vote_share": Quantity(value=judged.value, unit="product over steps", call_id=judged.call_id)
        if isinstance(judged.value, float)
        else Quantity(value=None, call_id=judged.call_id),
        "steps": detail(judged, "steps", "steps"),
        "longest_line": detail(judged, "longest_line", "steps"),
        "weakest_step": detail(judged, "weakest_step", "vote share"),
        "steps_that_lead_back": detail(judged, "steps_that_lead_back", "steps"),
    }
    return Item(
        kind="route",
        value=render_route(route),
        name=f"route to {route.smiles}",
        numbers=numbers,
        checks=[report(judged), *map(report, ends)],
        links={"drawing": context.session.artifacts.put(draw_route(route), ".svg")},
        made_from=made_from,
        details={
            "target": route.smiles,
            "complete": not judged.details["open_leaves"],
            "starting_materials": {one: planner.ends[one].value for one in judged.details["starting_materials"]},
            "open_ends": judged.details["open_leaves"],
            "steps": steps,
        },
    )


def _warnings(planner: _Planner, found: SearchResult, target: str, given: str) -> list[str]:
    said = []
    if given != target:
        said.append(f"planned for the neutral parent {target} of what was given")
    if planner.is_end(target):
        said.append(f"the target itself is {planner.ends[target].value}")
    if planner.timed_out:
        said.append(f"the search ended at its {MAX_SECONDS:g} s; the same call again goes on from the kept answers")
    elif found.n_opened >= MAX_OPENED:
        said.append(f"the search ended after opening {MAX_OPENED} molecules")
    if not planner.building_blocks:
        said.append("no list of building blocks is set (ORGANON_BUILDING_BLOCKS): ends are judged by the rule alone")
    return said


def _result(
    context: ActionContext,
    target: str,
    judged: Sequence[CheckResult],
    items: list[Item],
    warnings: list[str],
    citations: list[Citation],
) -> ActionResult:
    complete = [check for check in judged if not check.details["open_leaves"]]
    if not items:
        summary = f"No route to {target}: no proposal of the model for it passed the checks."
    elif not complete:
        n_open = len(judged[0].details["open_leaves"])
        summary = (
            f"No complete route to {target}; the nearest of {len(items)} has {plural(n_open, 'end')} without a "
            "starting material."
        )
    else:
        first = judged[0]
        n_steps, back = first.details["steps"], first.details["steps_that_lead_back"]
        summary = (
            f"{plural(len(complete), 'complete route')} to {target}. The first has {plural(n_steps, 'step')}; by the "
            f"model's own forward prediction {back} of {n_steps} led back to the product. Product of vote "
            f"shares {first.value:.3g}."
        )
    return ActionResult(
        action="plan_synthesis",
        call_id=context.call_id,
        summary=summary,
        items=items,
        citations=citations,
        not_checked=NOT_CHECKED,
        warnings=warnings,
    )


PLAN_SYNTHESIS = Action(
    name="plan_synthesis",
    about="Plan routes to make a molecule from simple starting materials (multi-step retrosynthesis), each step "
    "checked. For the product of given reactants use predict_reaction.",
    args=PlanSynthesisArguments,
    run=plan_synthesis,
    cost=lambda _args, _context: ActionCost(seconds=MAX_SECONDS),
)
