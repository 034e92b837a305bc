"""predict_reaction: the products of given reactants, voted over several spellings, each with checks.

The first items are the products as molecules, best first, so that a later step can take them up; after them the
reactions with drawing. Not looked at: reagents, solvents, temperature, yields, selectivity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import detail, report, run_check, run_checks
from agent.actions.given import given_item
from agent.actions.model_calls import ModelCall, ask_model
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from models.inference import SamplingOptions
from tools.domain import Call
from tools.molecule.approved_drugs import load_approved_drugs
from tools.reaction.draw_route import draw_reaction
from tools.reaction.parse import read_molecules
from tools.types import CheckResult

SPELLINGS = 10
"""Of the reactants; the model's card measures reactions so."""
BEAMS = 10
NOT_CHECKED = [
    "conditions: reagents, solvent, temperature",
    "yield and selectivity; side products beyond those listed",
    "whether the reaction runs at all: votes rank, they are no probability",
]


class PredictReactionArguments(Arguments):
    """What goes into the flask."""

    reactants: list[str] = Field(
        min_length=1, max_length=8, description="Reactants: SMILES or handles of molecules (M1); reagents left out"
    )
    n: int = Field(default=3, ge=1, le=10, description="Products to list at most, best first")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed; the same seed gives the same answer")


def beam_options(beams: int = BEAMS) -> SamplingOptions:
    """Plain beam search, as the card's reaction figures are measured."""
    return SamplingOptions(temperature=1.0, top_p=1.0, repetition_penalty=1.0, max_new_tokens=256, beams=beams)


def predict_reaction(args: PredictReactionArguments, context: ActionContext) -> ActionResult:
    given = [molecule_item(text, context) for text in args.reactants]
    reactants = read_molecules([item.value for item in given], "reactants")
    handles = [item.handle for item in given if item.handle]
    usual = run_check(context, "usual_reactants", {"reactants": list(reactants)}, hard=False)
    with context.session.resources.borrow() as engines:
        (asked,) = ask_model(
            context,
            engines.model,
            "reaction",
            [{"reactants": list(reactants)}],
            n=max(args.n, BEAMS),
            seed=args.seed,
            options=beam_options(max(args.n, BEAMS)),
            augment=SPELLINGS,
        )
        said, citations = card_statement(engines.checkpoint, ["reaction_top_1", "reaction_top_5"])
    products = asked.valid[: args.n]
    checked = [_checks(context, reactants, product["smiles"], usual) for product in products]
    items = [_molecule(p, asked, c, reactants, handles) for p, c in zip(products, checked, strict=True)]
    items += [_reaction(p, asked, c, reactants, handles, context) for p, c in zip(products, checked, strict=True)]
    warnings = [said]
    if usual.verdict == "fail":
        warnings.insert(0, f"these reactants are unusual for the model ({usual.reason}): its answer is a guess")
    return ActionResult(
        action="predict_reaction",
        call_id=context.call_id,
        summary=_summary(reactants, products, checked, asked),
        items=items,
        citations=citations,
        not_checked=NOT_CHECKED,
        warnings=warnings,
    )


def molecule_item(text: str, context: ActionContext) -> Item:
    """As `given_item`, and the names of bundled drugs; salts and mixtures stay as they are."""
    name = text.strip().lower()
    drug = next((drug for drug in load_approved_drugs() if drug.name == name), None)
    return Item(kind="molecule", value=drug.smiles, name=name) if drug else given_item(text, ("molecule",), context)


def _checks(context: ActionContext, reactants: Sequence[str], product: str, usual: CheckResult) -> list[CheckResult]:
    args = {"reactants": list(reactants), "product": product}
    calls = [Call("atom_balance", args, hard=False)]
    if "." not in product:
        calls.append(Call("reaction_centre", args, hard=False))
    return [*run_checks(context, calls), usual]


def vote_numbers(answer: Mapping[str, Any], asked: ModelCall) -> dict[str, Quantity]:
    """What the model says of an answer: its votes over the spellings as a share, and the best log-probability."""
    return {
        "vote_share": Quantity(
            value=answer["vote_share"], unit=f"of {asked.n_spellings} spellings", call_id=asked.call_id
        ),
        "log_prob": Quantity(value=answer["log_prob"], unit="ln P", call_id=asked.call_id),
    }


def _numbers(answer: Mapping[str, Any], asked: ModelCall, checks: Sequence[CheckResult]) -> dict[str, Quantity]:
    leaving = next(check for check in checks if check.name == "atom_balance")
    return {**vote_numbers(answer, asked), "mass_leaving": detail(leaving, "mass_leaving_g_mol", "g/mol")}


def _molecule(
    answer: Mapping[str, Any],
    asked: ModelCall,
    checks: Sequence[CheckResult],
    reactants: Sequence[str],
    handles: list[str],
) -> Item:
    return Item(
        kind="molecule",
        value=answer["smiles"],
        name=f"predicted product, place {answer['rank']}",
        numbers=_numbers(answer, asked, checks),
        checks=[report(check) for check in checks],
        made_from=handles,
        details={"reaction": f"{'.'.join(reactants)}>>{answer['smiles']}"},
    )


def _reaction(
    answer: Mapping[str, Any],
    asked: ModelCall,
    checks: Sequence[CheckResult],
    reactants: Sequence[str],
    handles: list[str],
    context: ActionContext,
) -> Item:
    changed = next((list(check.details.get("atoms", ())) for check in checks if check.name == "reaction_centre"), [])
    drawing = context.session.artifacts.put(draw_reaction(reactants, answer["smiles"], changed), ".svg")
    return Item(
        kind="reaction",
        value=f"{'.'.join(reactants)}>>{answer['smiles']}",
        name=f"prediction, place {answer['rank']}",
        numbers=_numbers(answer, asked, checks),
        checks=[report(check) for check in checks],
        links={"drawing": drawing},
        made_from=handles,
    )


def _summary(
    reactants: Sequence[str],
    products: Sequence[Mapping[str, Any]],
    checked: Sequence[Sequence[CheckResult]],
    asked: ModelCall,
) -> str:
    shown = ".".join(reactants)
    if not products:
        return f"The model gave no readable product for {shown} in {asked.n_spellings} spellings of the reactants."
    share = products[0]["vote_share"]
    failed = [check for check in checked[0] if check.verdict == "fail" and check.name != "usual_reactants"]
    doubt = f" It fails a check: {failed[0].reason}." if failed else ""
    others = f" {plural(len(products) - 1, 'further product')} listed." if len(products) > 1 else ""
    return (
        f"Most voted product of {shown}: {products[0]['smiles']}, vote share {share:.2f} over {asked.n_spellings} "
        f"spellings.{doubt}{others}"
    )


PREDICT_REACTION = Action(
    name="predict_reaction",
    about="Predict what given reactants form, ranked by votes of the model, with atom balance. For going backwards "
    "from a product use plan_synthesis.",
    args=PredictReactionArguments,
    run=predict_reaction,
    cost=lambda _args, _context: ActionCost(seconds=20.0),
)
