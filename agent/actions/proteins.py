"""edit_protein: variants of a protein, by the model where it writes variants of it, else by the substitution matrix.

The model was taught to edit avGFP and a stretch of the AAV2 capsid; given another protein it writes those. So what it
writes counts only where it is a variant of the given chain; what is missing is proposed by BLOSUM62 exchange odds and
says so. Ranked by what BLOSUM62 says the substitutions cost: over 47,220 variants of avGFP that goes with brightness
(Spearman 0.55, `tools.protein.substitution_matrix`), among variants with equally many substitutions the model's own
odds did not (0.0 over 400 variants). A ridge regression of brightness on the official start sets was tried: Spearman
0.26 at best on the other variants, below the 0.49 of counting mutations; so no brightness is predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.card_statement import card_statement
from agent.actions.checking import detail, hard_failures, measured, report, run_checks
from agent.actions.given import given_item
from agent.actions.model_calls import ask_model, log_odds
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from agent.plural import plural
from models.errors import ModelInputError
from models.grammar import tags
from models.inference import SamplingOptions
from models.worker import ModelWorker
from tools.domain import Call
from tools.errors import InputError
from tools.protein.draw_mutations import draw_mutations
from tools.protein.known_proteins import AVGFP, Recognised, known_protein, recognise
from tools.protein.mutations import find_mutations, list_mutations, make_mutations
from tools.protein.propose_substitutions import propose_substitutions
from tools.protein.sequence_numbers import need_residues
from tools.types import CheckResult

TEMPERATURES = (0.8, 0.9, 1.0)
"""Tried in turn until enough variants are found: higher ones change more, and break more."""
DRAWN = 24
BY_MODEL, BY_MATRIX = "written by the model", "proposed by BLOSUM62 exchange odds"
NOT_CHECKED = [
    "fold, stability, expression, activity: no predictor for them here has been validated",
    "brightness: not predicted; a regression on the official start sets did not beat counting mutations",
    "interactions between substitutions",
]
MOST_RESIDUES = 2000


class EditProteinArguments(Arguments):
    """What to edit, and how far."""

    sequence: str = Field(
        description="One-letter sequence, a handle (P1; F1 of a FASTA file), or a bundled name: GFP, GB1, ubiquitin, "
        "lysozyme, TEM-1"
    )
    goal: str = Field(
        default="",
        description="What for. Substitutions in standard notation (S65T) are made in every variant; the rest is noted, "
        "the model cannot be steered by it",
    )
    n: int = Field(default=5, ge=1, le=50, description="Variants wanted")
    max_mutations: int = Field(default=5, ge=1, le=50, description="Substitutions against the given sequence at most")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed; the same seed gives the same variants")


@dataclass(frozen=True, slots=True)
class _Parent:
    """The given chain, the one that variants start from (`wished` made), and its numbering."""

    given: str
    start: str
    name: str
    first_number: int
    known: Recognised | None

    @property
    def skipped(self) -> int:
        """Residues before those the model was taught: avGFP's first Met."""
        taught = self.known is not None and self.known.protein is AVGFP
        return max(0, 2 - self.first_number) if taught else 0

    @property
    def wished(self) -> set[int]:
        """0-based positions of the substitutions that every variant has."""
        return {at for at, (a, b) in enumerate(zip(self.given, self.start, strict=True)) if a != b}

    def with_wished(self, sequence: str) -> str:
        """A chain of the same length with those made in it."""
        wished = self.wished
        return "".join(self.start[at] if at in wished else letter for at, letter in enumerate(sequence))

    def protected(self) -> set[int]:
        """0-based positions that must stay: conserved ones, the first Met, and those that were wished."""
        conserved = {c.position - self.first_number for c in self.known.protein.conserved} if self.known else set()
        first = {0} if self.given.startswith("M") else set()
        return {at for at in conserved | self.wished | first if 0 <= at < len(self.given)}


@dataclass(frozen=True, slots=True)
class _Variant:
    sequence: str
    origin: str
    call_id: str
    checks: tuple[CheckResult, ...]
    odds: CheckResult | None = None

    def order(self) -> tuple[float, str]:
        cost = next(c for c in self.checks if c.name == "mutations").details["blosum62_change"]
        return -float(cost), self.sequence


def edit_protein(args: EditProteinArguments, context: ActionContext) -> ActionResult:
    handle, parent = _read_parent(args, context)
    with context.session.resources.borrow() as engines:
        found, refused = _written(context, engines.model, parent, args)
        if len(found) < args.n:
            found += _proposed(context, parent, args, {variant.sequence for variant in found})
        chosen = _with_odds(context, engines.model, parent, sorted(found, key=_Variant.order)[: args.n])
        said, citations = card_statement(engines.checkpoint, ["protein_edit_fitness", "protein_edit_valid"])
    warnings = [said, *_warnings(args, parent, chosen, refused)]
    return ActionResult(
        action="edit_protein",
        call_id=context.call_id,
        summary=_summary(chosen, parent),
        items=[_item(variant, parent, context, handle) for variant in chosen],
        citations=citations,
        not_checked=NOT_CHECKED,
        warnings=warnings,
    )


def _read_parent(args: EditProteinArguments, context: ActionContext) -> tuple[str, _Parent]:
    item = given_item(args.sequence, ("protein", "file"), context)
    bundled = known_protein(item.value)
    sequence = bundled.sequence if bundled else need_residues(_first_record(item, context))
    if len(sequence) > MOST_RESIDUES:
        raise InputError(f"the sequence has {len(sequence)} residues; at most {MOST_RESIDUES} are edited at once")
    known = recognise(sequence)
    first = known.first_number if known else 1
    wished = find_mutations(args.goal)
    if len(wished) > args.max_mutations:
        raise InputError(f"the goal names {len(wished)} substitutions, max_mutations is {args.max_mutations}")
    start = make_mutations(sequence, wished, first)
    name = item.name or (known.protein.names[0] if known else "protein")
    return item.handle, _Parent(sequence, start, name, first, known)


def _first_record(item: Item, context: ActionContext) -> str:
    """The residues of a sequence, of FASTA text, or of the first record of an attached FASTA file."""
    text = item.value
    if item.kind == "file":
        if not item.name.lower().endswith((".fasta", ".fa", ".faa", ".seq", ".txt")):
            raise InputError(f"{item.handle} ({item.name}) is no sequence file; attach FASTA, or give the residues")
        text = context.session.artifacts.read_text(text)
    record = text.strip().removeprefix(">").split("\n>")[0] if text.lstrip().startswith(">") else text
    return record.partition("\n")[2] if text.lstrip().startswith(">") else record


def _written(
    context: ActionContext, model: ModelWorker, parent: _Parent, args: EditProteinArguments
) -> tuple[list[_Variant], str]:
    """Variants that the model wrote and that pass, until there are enough, the temperatures are through, or it writes
    no chain of this length at all: another temperature will not teach it this protein. Beside them why the model could
    not be asked, if so."""
    lead, body = parent.start[: parent.skipped], parent.start[parent.skipped :]
    found: dict[str, _Variant] = {}
    for temperature in TEMPERATURES:
        if len(found) >= args.n:
            break
        context.tell(f"variants of {parent.name} at temperature {temperature:g}")
        options = SamplingOptions(temperature, 1.0, 1.0, max_new_tokens=len(body) + 4)
        n = max(DRAWN, 2 * args.n)
        try:
            (asked,) = ask_model(
                context, model, "protein_edit", [{"sequence": body}], n=n, seed=args.seed, options=options
            )
        except ModelInputError as fault:
            return [], str(fault)
        whole = [lead + answer["sequence"] for answer in asked.valid if len(answer["sequence"]) == len(body)]
        if not whole:
            break
        children = [parent.with_wished(child) for child in whole]
        new = [child for child in children if child != parent.given and child not in found]
        for variant in _checked(context, new, parent, args, BY_MODEL, asked.call_id):
            found[variant.sequence] = variant
    return list(found.values()), ""


def _proposed(context: ActionContext, parent: _Parent, args: EditProteinArguments, earlier: set[str]) -> list[_Variant]:
    room = args.max_mutations - len(parent.wished)
    if room < 1:
        sequences = [parent.start]
    else:
        wanted = 4 * args.n
        sequences = propose_substitutions(parent.start, wanted, room, args.seed, parent.protected())
    new = [sequence for sequence in sequences if sequence not in earlier]
    return sorted(_checked(context, new, parent, args, BY_MATRIX, ""), key=_Variant.order)[: args.n - len(earlier)]


def _checked(
    context: ActionContext,
    sequences: Sequence[str],
    parent: _Parent,
    args: EditProteinArguments,
    origin: str,
    call_id: str,
) -> list[_Variant]:
    """Those that fail no check."""
    kept = []
    protein = parent.known.protein.names[0] if parent.known else ""
    for sequence in dict.fromkeys(sequences):
        calls = [
            Call("residues", {"sequence": sequence}),
            Call(
                "mutations",
                {
                    "sequence": sequence,
                    "wild_type": parent.given,
                    "maximum_mutations": args.max_mutations,
                    "first_number": parent.first_number,
                },
            ),
            Call("motifs", {"sequence": sequence, **({"protein": protein} if protein else {})}),
        ]
        checks = run_checks(context, calls)
        if not hard_failures(checks):
            kept.append(_Variant(sequence, origin, call_id, tuple(checks)))
    return kept


def _with_odds(
    context: ActionContext, model: ModelWorker, parent: _Parent, variants: Sequence[_Variant]
) -> list[_Variant]:
    """With how likely the model finds each chain beside the given one, both read as plain proteins."""
    texts = [variant.sequence[parent.skipped :] + tags.PROTEIN.close for variant in variants]
    given = parent.given[parent.skipped :] + tags.PROTEIN.close
    odds = log_odds(context, model, tags.PROTEIN.open, texts, given)
    return [replace(variant, odds=one) for variant, one in zip(variants, odds, strict=True)]


def _item(variant: _Variant, parent: _Parent, context: ActionContext, handle: str) -> Item:
    checks = {check.name: check for check in variant.checks}
    mutations = list_mutations(parent.given, variant.sequence, parent.first_number)
    numbers = {
        "mutations": detail(checks["mutations"], "n_mutations", "substitutions"),
        "blosum62_change": detail(checks["mutations"], "blosum62_change", "half-bits"),
        "identity": detail(checks["mutations"], "identity", ""),
        "mass": detail(checks["residues"], "mass_da", "Da"),
        "charge": detail(checks["residues"], "charge_e", "e at pH 7.4"),
        "log_odds": measured(variant.odds) if variant.odds else Quantity(value=None),
    }
    title = f"{parent.name} {' '.join(map(str, mutations))}"
    drawing = draw_mutations(len(parent.given), mutations, parent.first_number, title)
    return Item(
        kind="protein",
        value=variant.sequence,
        name=title[:120],
        numbers=numbers,
        checks=[report(check) for check in variant.checks],
        links={"drawing": context.session.artifacts.put(drawing, ".svg")},
        made_from=[handle] if handle else [],
        details={
            "origin": variant.origin,
            "model_call_id": variant.call_id,
            "mutations": [str(mutation) for mutation in mutations],
            "first_number": parent.first_number,
            "known_as": parent.known.protein.accession if parent.known else "",
        },
    )


def _warnings(args: EditProteinArguments, parent: _Parent, chosen: Sequence[_Variant], refused: str) -> list[str]:
    said = [f"the model could not be asked: {refused}"] if refused else []
    by_matrix = sum(variant.origin == BY_MATRIX for variant in chosen)
    if by_matrix:
        said.append(
            f"{by_matrix} of {len(chosen)} variants are {BY_MATRIX}, not by the model"
            + ("" if refused else ": it wrote too few variants of this protein that pass")
        )
    if args.goal.strip():
        said.append("the goal does not steer the model or the ranking; substitutions it names are in every variant")
    if parent.known is None:
        said.append("this protein is not in the bundled list: no conserved residue is known here, none is protected")
    if len(chosen) < args.n:
        said.append(f"only {len(chosen)} of {args.n} variants asked for passed the checks")
    return said


def _summary(chosen: Sequence[_Variant], parent: _Parent) -> str:
    known = f" (UniProt {parent.known.protein.accession}, numbered as there)" if parent.known else ""
    if not chosen:
        return f"No variant of {parent.name}{known} passed the checks."
    first = next(check for check in chosen[0].checks if check.name == "mutations")
    n_model = sum(variant.origin == BY_MODEL for variant in chosen)
    return (
        f"{plural(len(chosen), 'variant')} of {parent.name}{known}, {n_model} written by the model; most conservative "
        f"first: {first.value}. Whether they work is not predicted."
    )


EDIT_PROTEIN = Action(
    name="edit_protein",
    about="Propose variants of a protein (a sequence, or GFP and other bundled ones) with a limit on substitutions, "
    "conserved residues kept. Nothing here predicts brightness, stability or activity.",
    args=EditProteinArguments,
    run=edit_protein,
    cost=lambda args, _context: ActionCost(seconds=20.0 + args.n),
)
