"""design_antibody_cdr: loops of an antibody written anew by the model and checked as sequences.

Loops are found by conserved residues. Several of a chain are designed one after the other, each seeing those before it;
heavy and light loops apart. What reads like a loop of another kind is dropped (`tools.antibody.check_loop_kind`). How
well the model recovers natural loops stands beside every answer, from its card, with what counting residues recovers.
No target enters: nothing here designs for an antigen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import detail, hard_failures, measured, report, run_checks
from agent.actions.given import given_item
from agent.actions.model_calls import ask_model, log_odds
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from models.grammar import tags
from models.inference import SamplingOptions
from models.loop_design import LoopPlan, plan_loops
from models.worker import ModelWorker
from tools.antibody.draw_domains import draw_domains
from tools.antibody.variable_domain import VariableDomains, need_loop, parse_domains, render_domains
from tools.domain import Call
from tools.errors import InputError
from tools.types import CheckResult

TEMPERATURES = (0.2, 0.5, 0.8)
"""Tried in turn: the first recovers most on the card, the others write more that is different."""
DRAWN = 24
NOT_CHECKED = [
    "binding: no antigen enters, and nothing here predicts affinity",
    "structure of the loops, expression, aggregation, immunogenicity",
    "liabilities are motifs in the sequence; whether a site is exposed is not known",
]


class DesignAntibodyArguments(Arguments):
    """Which antibody, which loops."""

    heavy: str | None = Field(
        default=None, description="Heavy-chain variable domain, one-letter residues, or the handle of an antibody (A1)"
    )
    light: str | None = Field(default=None, description="Light-chain variable domain, one-letter residues, or a handle")
    loops: list[str] = Field(
        default=["H3"], min_length=1, max_length=6, description="Loops to write anew: H1, H2, H3, L1, L2, L3"
    )
    n: int = Field(default=5, ge=1, le=50, description="Designs wanted")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed; the same seed gives the same designs")


@dataclass(frozen=True, slots=True)
class _Part:
    """New loops of one chain, by one answer of the model, and what was checked of each."""

    loops: Mapping[str, str]
    perplexity: float
    call_id: str
    checks: tuple[CheckResult, ...]

    def order(self) -> tuple[int, float]:
        """Fewest failed flags first, then the model's own order."""
        return sum(check.verdict == "fail" for check in self.checks), self.perplexity


@dataclass(frozen=True, slots=True)
class _Design:
    """Parts of both chains together; `odds` of each loop beside the original one."""

    parts: tuple[_Part, ...]
    anchors: CheckResult
    odds: Mapping[str, CheckResult]

    @property
    def loops(self) -> dict[str, str]:
        return {name: residues for part in self.parts for name, residues in part.loops.items()}

    @property
    def checks(self) -> list[CheckResult]:
        return [self.anchors, *(check for part in self.parts for check in part.checks)]


def design_antibody_cdr(args: DesignAntibodyArguments, context: ActionContext) -> ActionResult:
    domains, handles = _read_domains(args, context)
    loops = list(dict.fromkeys(need_loop(name) for name in args.loops))
    _plan(domains, loops)
    with context.session.resources.borrow() as engines:
        groups = [
            _parts(context, engines.model, domains, mine, args)
            for letter in "HL"
            if (mine := [name for name in loops if name.startswith(letter)])
        ]
        designs = _joined(context, engines.model, domains, groups, args.n)
        names = ["cdr_h3_aar", "cdr_h3_cool_aar", "cdr_h3_framework"] if "H3" in loops else ["cdr_h3_framework"]
        said, citations = card_statement(engines.checkpoint, names)
    warnings = [said]
    if loops != ["H3"]:
        warnings.append("the card measures H3 only")
    if len(designs) < args.n:
        warnings.append(f"only {len(designs)} of {args.n} designs: what else the model wrote failed or was a repeat")
    return ActionResult(
        action="design_antibody_cdr",
        call_id=context.call_id,
        summary=_summary(designs, domains, loops),
        items=[_item(design, domains, context, handles) for design in designs],
        citations=citations,
        not_checked=NOT_CHECKED,
        warnings=warnings,
    )


def _read_domains(args: DesignAntibodyArguments, context: ActionContext) -> tuple[VariableDomains, list[str]]:
    """The chains given; a handle gives the chain of its side, and the other one where none was given."""
    items = {
        side: given_item(text, ("antibody", "protein"), context)
        for side, text in (("heavy", args.heavy), ("light", args.light))
        if text
    }
    if not items:
        raise InputError("give heavy or light, the sequence of a variable domain, or the handle of an antibody")
    chains: dict[str, str] = {}
    for side, item in items.items():
        parsed = parse_domains(item.value)
        if parsed.heavy and parsed.light:
            chains = {"heavy": parsed.heavy, "light": parsed.light, **chains}
        else:
            chains[side] = parsed.heavy or parsed.light
    handles = list(dict.fromkeys(item.handle for item in items.values() if item.handle))
    return VariableDomains(chains.get("heavy", ""), chains.get("light", "")), handles


def _plan(domains: VariableDomains, loops: Sequence[str]) -> LoopPlan:
    chains = {letter: chain for letter, chain in (("L", domains.light), ("H", domains.heavy)) if chain}
    try:
        return plan_loops(chains, list(loops))
    except ValueError as fault:
        raise InputError(f"{str(fault).partition('; give')[0]}; a whole variable domain is needed") from None


def _context_of(domains: VariableDomains, loops: Sequence[str]) -> VariableDomains:
    """The chains that the model is shown: as in its training a heavy loop after the light chain where that is known, a
    light loop alone (with a heavy chain beside it, it writes heavy loops)."""
    return domains if loops[0].startswith("H") else VariableDomains("", domains.light)


def _parts(
    context: ActionContext,
    model: ModelWorker,
    domains: VariableDomains,
    loops: Sequence[str],
    args: DesignAntibodyArguments,
) -> list[_Part]:
    """Distinct new loops of one chain that fail no hard check, best first, until there are enough."""
    shown = _context_of(domains, loops)
    chains = {side: chain for side, chain in (("heavy", shown.heavy), ("light", shown.light)) if chain}
    original = _loops_of(domains, loops)
    found: dict[str, _Part] = {}
    for temperature in TEMPERATURES:
        if len(found) >= args.n:
            break
        context.tell(f"designing {', '.join(loops)} at temperature {temperature:g}")
        options = SamplingOptions(temperature, 1.0, 1.0, max_new_tokens=64)
        given = {**chains, "loops": list(loops)}
        n = max(DRAWN, 2 * args.n)
        (asked,) = ask_model(context, model, "antibody_cdr", [given], n=n, seed=args.seed, options=options)
        for answer in asked.valid:
            designed = {name: str(answer["loops"][name]) for name in loops}
            key = " ".join(designed.values())
            if designed == original or key in found or not all(designed.values()):
                continue
            checks = run_checks(context, _calls(domains, designed, original))
            if not hard_failures(checks):
                perplexity = answer["perplexity"] or float("inf")
                found[key] = _Part(designed, perplexity, asked.call_id, tuple(checks))
    return sorted(found.values(), key=_Part.order)


def _joined(
    context: ActionContext,
    model: ModelWorker,
    domains: VariableDomains,
    groups: Sequence[Sequence[_Part]],
    n: int,
) -> list[_Design]:
    """The best of each chain together, then the second best, the shorter list beginning again; none where a chain has
    none. Designs in which a loop would not be found again are left out."""
    if not all(groups):
        return []
    found: list[_Design] = []
    for at in range(max(map(len, groups))):
        if len(found) == n:
            break
        parts = tuple(group[at % len(group)] for group in groups)
        loops = {name: residues for part in parts for name, residues in part.loops.items()}
        (anchors,) = run_checks(context, [Call("loop_anchors", {"antibody": render_domains(domains), "loops": loops})])
        if anchors.passed:
            odds: dict[str, CheckResult] = {}
            for part in parts:
                odds |= _odds(context, model, domains, part)
            found.append(_Design(parts, anchors, odds))
    return found


def _loops_of(domains: VariableDomains, loops: Sequence[str]) -> dict[str, str]:
    spans = domains.spans()
    return {name: domains.chain_of(name)[slice(*spans[name])] for name in loops}


def _calls(domains: VariableDomains, designed: Mapping[str, str], original: Mapping[str, str]) -> list[Call]:
    spans = domains.spans()
    calls = []
    for name, residues in designed.items():
        chain, (start, end) = domains.chain_of(name), spans[name]
        context = {"before": chain[max(0, start - 3) : start], "after": chain[end : end + 3]}
        numbers = {"residues": residues, "original": original[name]}
        calls += [
            Call("loop_kind", {"loop": name, "residues": residues}, True, f"loop_kind {name}"),
            Call("loop_length", {"loop": name, "residues": residues}, False, f"loop_length {name}"),
            Call("liabilities", {**numbers, **context}, False, f"liabilities {name}"),
            Call("loop_numbers", numbers, False, f"loop_numbers {name}"),
        ]
    return calls


def _odds(context: ActionContext, model: ModelWorker, domains: VariableDomains, part: _Part) -> dict[str, CheckResult]:
    """For each loop how likely the model finds it beside the original one, in the chains as they were shown to it."""
    names = list(part.loops)
    original = _loops_of(domains, names)
    plan = _plan(_context_of(domains, names), names)
    found, filled = {}, dict[str, str]()
    for name, residues in part.loops.items():
        texts = [residues + tags.CDR.close]
        (found[name],) = log_odds(context, model, plan.prompt(name, filled), texts, original[name] + tags.CDR.close)
        filled[name] = residues
    return found


def _item(design: _Design, domains: VariableDomains, context: ActionContext, handles: list[str]) -> Item:
    changed = domains.with_loops(design.loops)
    by_name = {check.name: check for check in design.checks}
    numbers: dict[str, Quantity] = {}
    for name in design.loops:
        record, motifs = by_name[f"loop_numbers {name}"], by_name[f"liabilities {name}"]
        numbers |= {
            f"{name}_identity": detail(record, "identity", "to the original"),
            f"{name}_charge": detail(record, "charge_e", "e at pH 7.4"),
            f"{name}_hydropathy": detail(record, "hydropathy", "Kyte-Doolittle mean"),
            f"{name}_liabilities": measured(motifs),
            f"{name}_log_odds": measured(design.odds[name]),
        }
    title = ", ".join(f"{name} {residues}" for name, residues in design.loops.items())
    drawing = draw_domains(changed, design.loops, title)
    return Item(
        kind="antibody",
        value=render_domains(changed),
        name=title[:120],
        numbers=numbers,
        checks=[report(check) for check in design.checks],
        links={"drawing": context.session.artifacts.put(drawing, ".svg")},
        made_from=handles,
        details={
            "loops": design.loops,
            "original_loops": _loops_of(domains, list(design.loops)),
            "heavy": changed.heavy,
            "light": changed.light,
            "model_call_ids": [part.call_id for part in design.parts],
        },
    )


def _summary(chosen: Sequence[_Design], domains: VariableDomains, loops: Sequence[str]) -> str:
    original = ", ".join(f"{name} {residues}" for name, residues in _loops_of(domains, loops).items())
    if not chosen:
        return f"No design of {', '.join(loops)} passed the checks (original: {original})."
    first = ", ".join(f"{name} {residues}" for name, residues in chosen[0].loops.items())
    clean = sum(all(check.passed for check in design.checks) for design in chosen)
    return (
        f"{plural(len(chosen), 'design')}; the original is {original}, the first design {first}. Of usual "
        f"length without a new severe liability: {clean}. Binding is not predicted."
    )


DESIGN_ANTIBODY_CDR = Action(
    name="design_antibody_cdr",
    about="Write loops (CDRs) of an antibody anew and check them for liabilities. Give the heavy or light variable "
    "domain; no antigen is taken into account.",
    args=DesignAntibodyArguments,
    run=design_antibody_cdr,
    cost=lambda args, _context: ActionCost(seconds=10.0 + args.n * len(args.loops)),
)
