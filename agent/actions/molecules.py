"""generate_molecules: new molecules from the scientific model, asked for properties, judged by cheap checks, ranked.

The model is asked in batches until enough distinct molecules pass or the limit of samples is reached; what was drawn,
what was no molecule, what came twice and what failed which check is counted and said. A property range is asked of the
model in bins and then checked on every answer, since bins are wider than ranges and the model can miss them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import descriptors, measured, report, run_checks
from agent.actions.model_calls import ask_model
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from models.conditions import read_ranges
from models.grammar.objects import Molecule
from models.inference import PLAIN_OPTIONS, SamplingOptions
from models.worker import ModelWorker
from tools.domain import Call
from tools.errors import InputError
from tools.molecule.constraints import HardCheck, flag_checks, parse_constraints
from tools.molecule.objectives import parse_objectives
from tools.molecule.parse import canonical_parent
from tools.molecule.similarity import similarity_matrix
from tools.rank import overall_desirability, select_diverse
from tools.types import CheckResult

OPTIONS = SamplingOptions(
    temperature=0.8,
    top_p=PLAIN_OPTIONS.top_p,
    repetition_penalty=PLAIN_OPTIONS.repetition_penalty,
    max_new_tokens=128,
    constrained=True,
)
"""Temperature 0.8: 97 % of the shipped checkpoint's molecules are valid, at 1.0 90 %, equally novel (its card)."""
BATCH, MOST_SAMPLES = 64, 2048
SURPLUS = 3
"""Passing molecules wanted for each one asked for, to choose distinct good ones from."""
TOO_ALIKE = 0.7
SAMPLE_SECONDS = 0.05
SIZE_WITHOUT_LIMIT = ">=6"
"""Heavy atoms where the user bounds nothing: less is a solvent or a gas."""
RANGES = {"log_p": "logp", "molecular_weight": "mol_weight", "qed": "qed"}
"""Argument -> the descriptor it bounds."""
RANKING = ({"score": "qed"}, {"score": "sa"})
FIGURES = ("molecule_cool_valid",)
RANGE_FIGURES = {"log_p": "property_logp", "molecular_weight": "property_weight", "qed": "property_qed"}
Range = tuple[float | None, float | None]


class GenerateMolecules(Arguments):
    n: int = Field(default=10, ge=1, le=200, description="How many molecules")
    log_p: Range | None = Field(default=None, description="Crippen logP from [low, high]; null for an open end")
    molecular_weight: Range | None = Field(default=None, description="Average molecular weight [low, high], g/mol")
    qed: Range | None = Field(default=None, description="Drug-likeness QED [low, high], 0 to 1")
    constraints: dict[str, str | int | float] | None = Field(
        default=None,
        description="Further hard limits, such as {pains: none, tpsa: '<=120', heavy_atoms: '15..30', reactive: any}",
    )
    smiles_prefix: str | None = Field(default=None, max_length=500, description="Beginning of a SMILES to go on from")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of what is drawn")


@dataclass(slots=True)
class Drawn:
    """What became of the samples; `passed` maps the molecule's identity to its results, in the order drawn."""

    n: int = 0
    invalid: int = 0
    repeated: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    passed: dict[str, list[CheckResult]] = field(default_factory=dict)
    numbers: dict[str, Quantity] = field(default_factory=dict)


def generate_molecules(args: GenerateMolecules, context: ActionContext) -> ActionResult:
    checks, asked = _checks(args), _asked(args)
    drawn = Drawn()
    with context.session.resources.borrow() as engines:
        for answers, call_id in _batches(asked, args.seed, context, engines.model):
            _judge(answers, call_id, checks, drawn, context)
            if len(drawn.passed) >= SURPLUS * args.n:
                break
        figures = [*FIGURES, *(RANGE_FIGURES[name] for name in RANGES if getattr(args, name) is not None)]
        statement, citations = card_statement(engines.checkpoint, figures)
    chosen = _choose(drawn.passed, args.n)
    items = [_item(smiles, drawn) for smiles in chosen]
    return ActionResult(
        action="generate_molecules",
        call_id=context.call_id,
        summary=f"{_summary(items, drawn, args)} {statement[0].upper()}{statement[1:]}.",
        items=items,
        citations=citations,
        warnings=_warnings(len(items), args),
        not_checked=[
            "activity against any target (dock, design_ligands)",
            "whether they can be made: SA is an estimate (plan_synthesis)",
            "whether they are known already",
        ],
    )


def _asked(args: GenerateMolecules) -> dict[str, Any]:
    """What is asked of the model. InputError for a range or a prefix that cannot be."""
    asked: dict[str, Any] = {name: list(value) for name in RANGES if (value := getattr(args, name)) is not None}
    prefix = (args.smiles_prefix or "").strip()
    try:
        read_ranges(asked)
        if prefix:
            Molecule(prefix)
    except ValueError as error:
        shown = (
            f"smiles_prefix {prefix!r} is not the beginning of a SMILES" if prefix and "SMILES" in str(error) else ""
        )
        raise InputError(shown or str(error)) from None
    return {**asked, **({"smiles_prefix": prefix} if prefix else {})}


def _batches(
    asked: Mapping[str, Any], seed: int, context: ActionContext, model: ModelWorker
) -> Iterator[tuple[Sequence[Mapping[str, Any]], str]]:
    """The model's answers, batch by batch, with the call that made them."""
    for batch in range(MOST_SAMPLES // BATCH):
        (call,) = ask_model(
            context, model, "molecule", [asked], n=BATCH, seed=seed + batch * 1_000_003, options=OPTIONS
        )
        yield call.answers, call.call_id


def _judge(
    answers: Sequence[Mapping[str, Any]],
    call_id: str,
    checks: Sequence[HardCheck],
    drawn: Drawn,
    context: ActionContext,
) -> None:
    for answer in answers:
        copies = int(answer.get("copies") or 1)
        drawn.n += copies
        if not answer["valid"]:
            drawn.invalid += copies
            drawn.reasons[str(answer["reason"]).split(":")[0]] += copies
            continue
        try:
            smiles = canonical_parent(answer["smiles"])
        except InputError:
            drawn.invalid += copies
            drawn.reasons["more than one molecule"] += copies
            continue
        drawn.repeated += copies - 1
        if smiles in drawn.numbers:
            drawn.repeated += 1
            continue
        drawn.numbers[smiles] = Quantity(value=answer["log_prob"], unit="ln P", call_id=call_id)
        results, failed = judged(smiles, checks, context)
        if failed is None:
            drawn.passed[smiles] = results
        else:
            drawn.rejected[failed.name] += 1


def judged(
    smiles: str, checks: Sequence[HardCheck], context: ActionContext
) -> tuple[list[CheckResult], CheckResult | None]:
    """All results of one molecule and the first hard check it did not pass, at which the rest was left undone."""
    done: list[CheckResult] = []
    for check in checks:
        (result,) = run_checks(context, [_call(check, smiles)])
        done.append(result)
        if not result.passed:
            return done, result
    flags = [_call(flag, smiles, hard=False) for flag in flag_checks(checks)]
    records = [Call(name, {"smiles": smiles}, hard=False) for name in ("descriptors", "solubility")]
    return [*done, *run_checks(context, [*flags, *records])], None


def _checks(args: GenerateMolecules) -> list[HardCheck]:
    """The user's limits as hard checks; a range given both as an argument and as a constraint is a contradiction."""
    limits = {str(key): str(value) for key, value in (args.constraints or {}).items()}
    for name, descriptor in RANGES.items():
        bounds = getattr(args, name)
        if bounds is None:
            continue
        if descriptor in limits:
            raise InputError(f"{name} is given twice: as `{name}` and as constraint `{descriptor}`; give it once")
        low, high = bounds
        if low is None and high is None:
            continue
        if low is not None and high is not None and low > high:
            raise InputError(f"{name} [{low:g}, {high:g}] is empty: the lower end comes first")
        limits[descriptor] = (
            f"{low:g}..{high:g}" if None not in bounds else f"<={high:g}" if low is None else f">={low:g}"
        )
    return parse_constraints({"heavy_atoms": SIZE_WITHOUT_LIMIT, **limits})


def _call(check: HardCheck, smiles: str, hard: bool = True) -> Call:
    tool = check.function.__name__.removeprefix("check_")
    args = {key: list(value) if isinstance(value, tuple) else value for key, value in check.arguments}
    return Call(tool, {"smiles": smiles, **args}, hard, check.name)


def _choose(passed: Mapping[str, Sequence[CheckResult]], n: int) -> list[str]:
    """The best by QED and SA, distinct ones first."""
    texts = list(passed)
    if not texts:
        return []
    objectives = parse_objectives(RANKING)
    worth = [overall_desirability(_values(passed[text]), objectives) for text in texts]
    likeness = similarity_matrix(texts)
    places = range(len(texts))
    chosen = select_diverse(places, worth, n, lambda a, b: float(likeness[a, b]), TOO_ALIKE, fill=True)
    return [texts[at] for at in sorted(chosen, key=lambda at: -(worth[at] or 0.0))]


def _values(results: Sequence[CheckResult]) -> dict[str, float | None]:
    return dict(next(result for result in results if result.name == "descriptors").details["values"])


def _item(smiles: str, drawn: Drawn) -> Item:
    results = {result.name: result for result in drawn.passed[smiles]}
    numbers = {
        **descriptors(results["descriptors"]),
        "solubility": measured(results["solubility"]),
        "log_prob": drawn.numbers[smiles],
    }
    checks = [report(result) for name, result in results.items() if name not in ("descriptors", "solubility")]
    return Item(kind="molecule", value=smiles, numbers=numbers, checks=checks, details={"origin": "model"})


def _summary(items: Sequence[Item], drawn: Drawn, args: GenerateMolecules) -> str:
    asked = " ".join(f"{name} {_shown(getattr(args, name))}," for name in RANGES if getattr(args, name) is not None)
    failed = sum(drawn.rejected.values())
    said = (
        f"{plural(len(items), 'molecule')}{f' with {asked[:-1]}' if asked else ''}, best by QED and SA first, of "
        f"{drawn.n} samples: {drawn.invalid} were no molecule, {drawn.repeated} came again, {failed} failed a check"
    )
    if drawn.rejected:
        said += f" ({', '.join(f'{name} {count}' for name, count in drawn.rejected.most_common(4))})"
    if drawn.reasons:
        said += f"; not molecules: {', '.join(f'{reason} {count}' for reason, count in drawn.reasons.most_common(2))}"
    return said + "."


def _warnings(found: int, args: GenerateMolecules) -> list[str]:
    if found >= args.n:
        return []
    return [
        f"{found} of {args.n} asked for: no more passed within {MOST_SAMPLES} samples; widen the limits or the prefix"
    ]


def _shown(bounds: Range) -> str:
    low, high = bounds
    return f"{'' if low is None else f'{low:g}'}..{'' if high is None else f'{high:g}'}"


def cost(args: GenerateMolecules, context: ActionContext) -> ActionCost:  # noqa: ARG001 - a cost is given it
    return ActionCost(seconds=5.0 + SAMPLE_SECONDS * max(BATCH, 2 * SURPLUS * args.n))


GENERATE_MOLECULES = Action(
    name="generate_molecules",
    about="Generate new drug-like molecules without a target, in ranges of logP, molecular weight and QED or from the "
    "beginning of a SMILES. For a protein target use design_ligands, to change a given molecule optimize_molecule.",
    args=GenerateMolecules,
    run=generate_molecules,
    cost=cost,
)
