"""generate_materials: metal-organic frameworks as building blocks, written by the model, each checked.

With a metal asked for, frameworks that the model wrote of its own accord with that metal come first; the rest is
written with a node of that metal given to the model, and says so. Sequence level: a framework is its nodes and linkers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from rdkit import Chem

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import hard_failures, measured, report, run_checks
from agent.actions.model_calls import ModelCall, ask_model
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from models.grammar import tags
from models.grammar.objects import Material, Metal, Molecule
from models.grammar.render import render
from models.inference import SamplingOptions
from models.worker import ModelWorker
from tools.domain import Call
from tools.errors import InputError
from tools.material.charge_balance import OXIDATION_STATES
from tools.material.draw_framework import draw_framework
from tools.material.framework import Framework, framework_of, metals_of
from tools.material.known_nodes import nodes_of_metal
from tools.types import CheckResult

OVERSAMPLED, LEAST_DRAWN, MOST_DRAWN = 6, 24, 240
"""Samples for each framework wanted, and their bounds: about half of them are valid and pass."""
OPTIONS = SamplingOptions(temperature=1.0, top_p=0.95, repetition_penalty=1.0, max_new_tokens=240)
NOT_CHECKED = [
    "structure: topology, pore size, surface area; nothing here places an atom",
    "stability (thermal, in water, on activation) and whether it can be made",
    "adsorption, band gap or any other property",
    "counter-ions and solvent in the pores",
]


class GenerateMaterialsArguments(Arguments):
    """Which frameworks."""

    n: int = Field(default=5, ge=1, le=40, description="Frameworks wanted")
    metal: str | None = Field(default=None, description="A metal that the node has to hold: Zn, zinc, Zr, copper, ...")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed; the same seed gives the same frameworks")


@dataclass(frozen=True, slots=True)
class _Design:
    framework: Framework
    answer: Mapping[str, Any]
    call_id: str
    given_node: str
    checks: tuple[CheckResult, ...]

    def order(self) -> tuple[int, int, float]:
        """Fewest flags first, then fewest undecided, then the model's own order."""
        flags = sum(check.verdict == "fail" for check in self.checks)
        undecided = sum(check.verdict == "unknown" for check in self.checks)
        return flags, undecided, self.answer["perplexity"] or float("inf")


def generate_materials(args: GenerateMaterialsArguments, context: ActionContext) -> ActionResult:
    metal = need_metal(args.metal) if args.metal else ""
    n_drawn = min(MOST_DRAWN, max(LEAST_DRAWN, OVERSAMPLED * args.n))
    known = _known_materials(context)
    with context.session.resources.borrow() as engines:
        context.tell(f"writing {n_drawn} frameworks")
        asked = [(_ask(context, engines.model, n_drawn, args.seed, ""), "")]
        designs = _judge(context, asked, metal, known)
        n_own = len(designs)
        if metal and n_own < args.n:
            nodes = nodes_of_metal(metal)
            share = max(LEAST_DRAWN, n_drawn // len(nodes))
            asked = [(_ask(context, engines.model, share, args.seed, node), node) for node in nodes]
            designs += _judge(context, asked, metal, known, {one.framework for one in designs})
        said, citations = card_statement(engines.checkpoint, ["material_vnu", "material_balance"])
    chosen = designs[: args.n]
    warnings = [said]
    if len(chosen) < args.n:
        warnings.append(
            f"only {len(chosen)} of {args.n} frameworks asked for: what else was written failed a check or came twice"
        )
    return ActionResult(
        action="generate_materials",
        call_id=context.call_id,
        summary=_summary(chosen, metal),
        items=[_item(design, context) for design in chosen],
        citations=citations,
        not_checked=NOT_CHECKED,
        warnings=warnings,
    )


def need_metal(text: str) -> str:
    """The element symbol of a metal by symbol or English name; InputError names those that are known."""
    table = Chem.GetPeriodicTable()
    wanted = text.strip().lower()
    for symbol in OXIDATION_STATES:
        if wanted in (symbol.lower(), table.GetElementName(table.GetAtomicNumber(symbol)).lower()):
            return symbol
    raise InputError(f"{text!r} is not a metal known here; known are {', '.join(sorted(OXIDATION_STATES))}")


def _ask(context: ActionContext, model: ModelWorker, n: int, seed: int, node: str) -> ModelCall:
    begun = f"{tags.METAL.open}{node}{tags.METAL.close}" if node else ""
    (asked,) = ask_model(context, model, "material", [{}], n=n, seed=seed, options=OPTIONS, begun_with=begun)
    return asked


def _judge(
    context: ActionContext,
    asked: Sequence[tuple[ModelCall, str]],
    metal: str,
    known: str,
    earlier: set[Framework] | None = None,
) -> list[_Design]:
    """Distinct frameworks with the metal that fail no hard check, best first."""
    seen = set(earlier or ())
    found: list[_Design] = []
    for one, node in asked:
        for answer in one.valid:
            framework = framework_of(answer["metals"], answer["linkers"])
            if framework is None or framework in seen or (metal and metal not in metals_of(framework[0])):
                continue
            seen.add(framework)
            checks = run_checks(context, _calls(framework, known))
            if not hard_failures(checks):
                found.append(_Design(framework, answer, one.call_id, node, tuple(checks)))
    return sorted(found, key=_Design.order)


def _calls(framework: Framework, known: str) -> list[Call]:
    blocks: dict[str, Any] = {"nodes": list(framework[0]), "linkers": list(framework[1])}
    listed = {**blocks, "known_materials": known} if known else blocks
    return [
        Call("metal_node", listed),
        Call("linkers", blocks),
        Call("charge_balance", blocks, hard=False),
        Call("known_framework", listed, hard=False),
    ]


def _known_materials(context: ActionContext) -> str:
    """The artifact id of the user's list of frameworks, "" without one."""
    path = context.session.settings.known_materials
    if path is None:
        return ""
    try:
        return context.session.artifacts.put(path.read_text(encoding="utf-8"), ".csv")
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"known_materials {path} cannot be read as text: {fault}") from None


def _item(design: _Design, context: ActionContext) -> Item:
    nodes, linkers = design.framework
    by_name = {check.name: check for check in design.checks}
    return Item(
        kind="material",
        value=render(Material((*map(Metal, nodes), *map(Molecule, linkers)))),
        name=f"{', '.join(sorted(metals_of(nodes)))} framework with {plural(len(linkers), 'linker')}",
        numbers={
            "log_prob": Quantity(value=design.answer["log_prob"], unit="ln P", call_id=design.call_id),
            "copies": Quantity(value=float(design.answer["copies"]), unit="samples", call_id=design.call_id),
            "donor_groups": measured(by_name["linkers"]),
        },
        checks=[report(check) for check in design.checks],
        links={"drawing": context.session.artifacts.put(draw_framework(nodes, linkers), ".svg")},
        details={"nodes": list(nodes), "linkers": list(linkers), "node_given_to_the_model": design.given_node},
    )


def _summary(chosen: Sequence[_Design], metal: str) -> str:
    wish = f" with {metal}" if metal else ""
    if not chosen:
        return f"No framework{wish} passed the checks."
    known, balanced = (
        sum(any(c.name == name and c.passed for c in one.checks) for one in chosen)
        for name in ("metal_node", "charge_balance")
    )
    given = sum(bool(one.given_node) for one in chosen)
    told = f" {given} of them were written with a node of {metal} given to the model." if given else ""
    return (
        f"{plural(len(chosen), 'framework')}{wish} as building blocks, each with a linker that can bridge; with nodes "
        f"that are known here {known}, with charges that can balance {balanced}.{told}"
    )


GENERATE_MATERIALS = Action(
    name="generate_materials",
    about="Write new metal-organic frameworks (MOFs) as metal nodes and linkers, optionally with a given metal, and "
    "check them. Sequence level: no structure, no adsorption.",
    args=GenerateMaterialsArguments,
    run=generate_materials,
    cost=lambda args, _context: ActionCost(seconds=5.0 + args.n),
)
