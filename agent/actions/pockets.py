"""find_pockets: where a ligand could bind. On a structure by geometry; on a bare sequence by the model, weakly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import report
from agent.actions.given import given_item
from agent.actions.model_votes import MARK_THRESHOLD, vote_for_residues
from agent.actions.structures import StructureFile, structure_suffix, survey
from agent.actions.targets import box_of, given_structure, names_item, section_of
from agent.interface.schemas import ActionCost, ActionResult, Citation, Item, Quantity
from agent.plural import plural
from tools.docking.residues import STANDARD
from tools.errors import InputError
from tools.protein.pockets import HIT_RATES
from tools.types import CheckResult

LETTERS = frozenset("ACDEFGHIKLMNPQRSTVWYX")
FEWEST_RESIDUES = 20
"""Below that a text of capital letters is taken for a misspelt name rather than for a sequence."""
SEQUENCE_FIGURES = ("pocket_mcc",)
CODE_OF = {letter: name for name, letter in STANDARD.items()}
FINDER = Citation(
    number=1, kind="passage", source="benchmarks/pockets.py", title="The pocket finder on known sites", quote=HIT_RATES
)


class FindPockets(Arguments):
    protein: str = Field(
        description="Handle of a file, protein or receptor, name of an attached PDB or mmCIF file, bundled target "
        "(ABL1), or a one-letter sequence where there is no structure"
    )
    chain: str | None = Field(default=None, description="Chains to look at, such as A or A,B; all without it")
    n: int = Field(default=3, ge=1, le=20, description="How many pockets, best first")


def find_pockets(args: FindPockets, context: ActionContext) -> ActionResult:
    sequence, made_from = _sequence_of(args.protein, context)
    if sequence:
        return _on_sequence(sequence, made_from, args, context)
    return _on_structure(given_structure(args.protein, context), args, context)


def cost(args: FindPockets, context: ActionContext) -> ActionCost:
    sequence, _ = _sequence_of(args.protein, context)
    return ActionCost(seconds=5.0 + 0.2 * len(sequence))


def _sequence_of(text: str, context: ActionContext) -> tuple[str, list[str]]:
    """The sequence to ask the model about, where there is no structure; else an empty string."""
    text = text.strip()
    if names_item(text, context):
        item = given_item(text, ("protein", "file", "receptor", "pocket"), context)
        bare = item.kind == "protein" and not (item.links.get("structure") or item.details.get("structure_file"))
        return ("".join(item.value.upper().split()), [item.handle]) if bare else ("", [])
    letters = "".join(text.upper().split())
    if structure_suffix(text) or len(letters) < FEWEST_RESIDUES or not set(letters) <= LETTERS:
        return "", []
    return letters, []


def _on_structure(file: StructureFile, args: FindPockets, context: ActionContext) -> ActionResult:
    found = survey(file, args.chain, context, args.n)
    items = [_pocket_item(pocket, found, file, args.chain, context) for pocket in found.details["pockets"]]
    if not items:
        summary = f"No enclosed space was found in {file.name}: its surface is open everywhere."
        return ActionResult(action="find_pockets", call_id=context.call_id, summary=summary)
    bound = [label for one in found.details["ligands"] for label in one["labels"]]
    held = [label for item in items for label in item.details["ligands"]]
    first = items[0]
    summary = (
        f"{plural(len(items), 'pocket')} of {file.name} by shape; the first has {first.numbers['volume'].value:g} Å³, "
        f"lined by {', '.join(first.details['residues'][:5])} and others."
    )
    if bound:
        inside = f"{', '.join(held)} inside a pocket" if held else "none inside these pockets"
        summary += f" Bound in the file: {', '.join(bound[:6])}; {inside}."
    return ActionResult(
        action="find_pockets",
        call_id=context.call_id,
        summary=summary,
        items=items,
        warnings=list(found.details["notes"]),
        citations=[FINDER],
        not_checked=[
            f"whether the first is the right one: {HIT_RATES} [1]",
            "whether a ligand binds there, and how strongly",
            "pockets that open only when a ligand comes",
            "ligands, cofactors, waters and ions of the file did not take part in the search",
        ],
    )


def _pocket_item(
    pocket: Mapping[str, Any], found: CheckResult, file: StructureFile, chain: str | None, context: ActionContext
) -> Item:
    call_id, box = found.call_id, box_of(pocket)
    section = {**section_of(file, chain, context), "box": box}
    holds = f", holds {', '.join(pocket['ligands'])}" if pocket["ligands"] else ""
    return Item(
        kind="pocket",
        value=" ".join(pocket["residues"]),
        name=f"pocket {pocket['rank']} of {file.stem}{holds}",
        numbers={
            "volume": Quantity(value=pocket["volume"], unit="Å³", call_id=call_id),
            "score": Quantity(value=pocket["score"], unit="", call_id=call_id),
            "buried": Quantity(value=pocket["buried"], unit="share of directions", call_id=call_id),
        },
        checks=[report(found).model_copy(update={"details": {}})],
        links={"structure": file.artifact},
        made_from=list(file.made_from),
        details={
            "method": "shape: buried space on a grid",
            "residues": list(pocket["residues"]),
            "centre_angstrom": list(pocket["centre"]),
            "ligands": list(pocket["ligands"]),
            "rank": pocket["rank"],
            "box": box,
            "target": section,
            "structure_file": {"artifact": file.artifact, "name": file.name, "bundled": file.bundled},
        },
    )


def _on_sequence(sequence: str, made_from: list[str], args: FindPockets, context: ActionContext) -> ActionResult:
    if args.chain is not None:
        raise InputError("`chain` belongs to a structure; a sequence has none")
    with context.session.resources.borrow() as engines:
        votes = vote_for_residues(context, engines.model, sequence)
        statement, citations = card_statement(engines.checkpoint, SEQUENCE_FIGURES)
    shares = votes.details.get("votes") or []
    marked = [at for at, share in enumerate(shares) if share >= MARK_THRESHOLD]
    labels = [f"A:{CODE_OF.get(sequence[at], 'UNK')}{at + 1}" for at in marked]
    if not shares or not labels:
        why = votes.reason or f"no residue gets at least {MARK_THRESHOLD:g} of the model's probability"
        summary = f"The model marks no binding site in this sequence of {len(sequence)} residues: {why}."
        return ActionResult(
            action="find_pockets", call_id=context.call_id, summary=f"{summary} {statement}.", citations=citations
        )
    best = Quantity(value=max(shares), unit="share of probability", call_id=votes.call_id)
    item = Item(
        kind="pocket",
        value=" ".join(labels),
        name=f"residues marked by the model, {len(labels)} of {len(sequence)}",
        numbers={"highest_vote": best},
        checks=[report(votes).model_copy(update={"details": {}})],
        made_from=made_from,
        details={
            "method": "votes of the scientific model on the sequence",
            "residues": labels,
            "threshold": MARK_THRESHOLD,
        },
    )
    summary = (
        f"Without a structure only the model's marks can be given: {len(labels)} of {len(sequence)} residues. They are "
        f"weak evidence ({statement}): one set of residues, not a cavity. With a structure file pockets are found by "
        "shape."
    )
    return ActionResult(
        action="find_pockets",
        call_id=context.call_id,
        summary=summary,
        items=[item],
        citations=citations,
        warnings=["numbered from 1 along the sequence as given, chain A by convention"],
        not_checked=["any geometry: nothing can be docked into residues without a structure"],
    )


FIND_POCKETS = Action(
    name="find_pockets",
    about="Find binding pockets of a protein: cavities of a structure, ranked, with residues, volume and docking box. "
    "From a bare sequence only weak marks of the model are given.",
    args=FindPockets,
    run=find_pockets,
    cost=cost,
)
