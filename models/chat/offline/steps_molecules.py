"""Steps about molecules: what each action's arguments are in a clause. One function an action, `build(clause, making)`.

A function gives a draft or raises `AskError` with the question that is missing its answer.
"""

from __future__ import annotations

import re
from typing import Any

from models.chat.offline.goals import read_goals
from models.chat.offline.mentions import Mention
from models.chat.offline.names import APPROVED, molecules
from models.chat.offline.plans import AskError, Draft
from models.chat.offline.references import Reference
from models.chat.offline.request import Clause, Making, item
from models.chat.offline.requirements import render_bounds
from models.chat.offline.subjects import (
    HBOND,
    named_molecules,
    read_chain,
    read_place,
    residue_label,
    subject_molecules,
)

_REFERENCE = (
    r"(?:than|beats?|beating|outperforms?|outperforming|versus|vs\.?|compared? (?:to|with|against)|"
    r"reference(?: is| compound| ligand| drug)?:?|against|over|surpass(?:es)?|rival(?:s)?|improve "
    r"(?:on|upon)|superior to|stronger than|benchmark(?:ed)? against|relative to|control)"
)
_SEEDS = (
    r"(?:from|on|like|similar to|analog(?:ue)?s? (?:of|to)|derivatives? of|variants? of|related to|"
    r"resembling|around|seeds?:?|seeded (?:with|by)|optimi[sz]e|optimi[sz]ation of|improve|"
    r"starting (?:point|molecule|compound)s?:?|inspired by)"
)
_NOT_COMPUTED = re.compile(
    r"\b(?:less toxic|toxicity|toxic|metabolic(?:ally)?|half-?life|clearance|herg|selectiv\w+|"
    r"bioavailab\w+|more stable|stability|safer|cheaper|side effects?|tast\w+)\b"
)
_POTENCY = re.compile(
    r"\b(?:more potent|potency|bind(?:s|ing)? (?:better|tighter|stronger|more)|stronger binder|"
    r"better binder|higher affinity|more affine|affinity|tighter|activity|more active)\b"
)


def build_design_ligands(clause: Clause, making: Making) -> Draft:
    place = read_place(clause, making, "Designing ligands needs a target.")
    args: dict[str, Any] = place.args()
    reference, seeds = read_roles(clause, making)
    if reference:
        args["reference"] = reference
    if seeds:
        args["seeds"] = seeds
    for key in ("rounds", "per_round", "docking_calls"):
        if (value := clause.amounts.get(key)) is not None:
            args[key] = value
    if clause.amounts.minutes is not None:
        args["minutes"] = clause.amounts.minutes
    if clause.requirements:
        args["constraints"] = clause.requirements.constraints()
    if must := read_must(clause, making):
        args["must"] = must
    if found := _VAGUE.search(clause.words):
        making.note(
            f"“{found[0]}” is no limit I can hold designs to; give a number, for example logP below 3 or QED above 0.6."
        )
    args.update(clause.seed())
    if clause.amounts.n is not None:
        making.note(
            f"All designs are ranked; you asked for {clause.amounts.n}: the first {clause.amounts.n} of the table."
        )
    return Draft(
        "design_ligands", args, f"design ligands for {place.target} and judge them by docking", count=clause.amounts.n
    )


def read_roles(clause: Clause, making: Making) -> tuple[str | None, list[str]]:
    """(the compound to compare with, the molecules to start from)."""
    reference: str | None = None
    seeds: list[str] = []
    pocket_of = [one for one in clause.of("m") if _marks_pocket(clause, one)]
    named = [one for one in clause.of("mh") if one not in pocket_of and (one.letter == "m" or one.value[0] == "M")]
    named_molecules(clause, making, leave=clause.of("mh"))
    for one in named:
        place = re.escape(clause.place(one))
        value = making.require_known(one.value) if one.letter == "h" else one.value
        if _to_build_on(clause, place) and not re.search(rf"{_REFERENCE} (?:the )?{place}", clause.text):
            seeds.append(value)
        elif reference is None:
            reference = one.name if one.name.lower() in APPROVED else value
        else:
            seeds.append(value)
    if clause.says(_AS_START) and not seeds:
        seeds = subject_molecules(clause, making, "to start from")
    pointed = re.search(
        (
            rf"{_SEEDS} (?:it|this|that|them|these|those|the (?:best|first|second|third|top|last|"
            r"hits?)\b)|\b(?:analog(?:ue)?s|more) like (?:it|this|that|these)"
        ),
        clause.text,
    )
    if pointed and not named:
        seeds = subject_molecules(clause, making, "to start from")
    beaten = re.search(rf"{_REFERENCE} (?:it|this|that|the (?:best|first|second|third|last|previous)\b)", clause.text)
    if beaten and not named and not seeds:
        reference = subject_molecules(clause, making, "to compare with", one=True)[0]
    return reference, seeds


def _to_build_on(clause: Clause, place: str) -> bool:
    """Whether a molecule is what the designs grow from, by the verb or the noun before it or the words after it."""
    verbs = (
        r"(?:elaborat|grow|expand|extend|evolv|build|deriv|decorat|morph|vary|merg|link|diversif|develop|turn|convert|"
        r"transform|take|use|using)\w*"
    )
    nouns = (
        r"(?:fragment|hit|scaffold|core|lead|chemotype|template|seed|"
        r"starting (?:point|molecule|compound|material)|start)s?"
    )
    return bool(
        re.search(
            rf"{_SEEDS} (?:the |molecules? |compounds? |fragment |hit |lead )*(?:§[mh]\d+§(?:,| and|, and) )*{place}",
            clause.text,
        )
        or re.search(
            rf"\b{verbs} (?:on |from |out |up |upon |into )?(?:the |this |my |our |of )*(?:\w+ )?{place}", clause.text
        )
        or re.search(rf"\b{nouns}(?: is| are|:|,)? {place}", clause.text)
        or re.search(rf"{place}(?: is| being)? (?:as|for) (?:a |the |our |my )?{nouns}", clause.text)
    )


def _marks_pocket(clause: Clause, one: Mention) -> bool:
    place = re.escape(clause.place(one))
    return bool(clause.of("f")) and bool(
        re.search(
            rf"where {place}|{place}(?:'s)? (?:binding )?(?:site|pocket)|(?:site|pocket) of {place}|bound {place}",
            clause.text,
        )
    )


def read_must(clause: Clause, making: Making) -> list[str]:
    """Interactions that are asked for: "hbond A:MET318", "hbond hinge", "salt_bridge A:ASP93"."""
    kinds = [
        ("hbond", HBOND),
        ("salt_bridge", r"\bsalt[ -]?bridges?\b|\bionic\b"),
        ("stacking", r"\b(?:pi[ -])?stack(?:s|ing)?\b"),
    ]
    asked = [kind for kind, pattern in kinds if clause.says(pattern)]
    if not asked:
        return (
            ["hbond hinge"]
            if clause.says(
                r"\b(?:bind|contact|touch|engage|reach|interact)\w*\b.{0,14}\bhinge\b|"
                r"\bhinge[- ](?:binder|binding|contact|interaction)s?"
            )
            else []
        )
    residues = [residue_label(one.value, clause, making) for one in clause.of("q")]
    if residues:
        return [f"{asked[0]} {residue}" for residue in residues]
    if clause.says(r"\bhinge\b"):
        return ["hbond hinge"]
    raise AskError("A hydrogen bond to which residue? Write it like Met318 (chain A), or say “hinge” for a kinase.")


def build_generate_molecules(clause: Clause, making: Making) -> Draft:
    """Molecules for nothing in particular; those for a target are designed."""
    if clause.of("tu") or clause.handles("T", "K") or clause.says(_FOR_TARGET):
        return build_design_ligands(clause, making)
    args: dict[str, Any] = {}
    n = clause.amounts.n
    if n is None and clause.says(r"\b(?:a|an|one) (?:\w+ ){0,3}(?:molecule|compound|structure|smiles)\b"):
        n = 1
    if n is not None:
        args["n"] = n
    names = {"logp": "log_p", "mol_weight": "molecular_weight", "qed": "qed"}
    others: dict[str, str] = dict(clause.requirements.flags)
    for key, (low, high) in clause.requirements.ranges.items():
        if key in names:
            args[names[key]] = [low, high]
        else:
            others[key] = render_bounds(low, high)
    if others:
        args["constraints"] = others
    vague = re.search(
        r"\b(high|low|good|small|big|large)(?:er)? (qed|logp|log p|tpsa|molecular weight|mw|weight|solubility)\b",
        clause.words,
    )
    if vague:
        raise AskError(
            f"How {vague[1]} should the {vague[2]} be? Give a number or a range, for example "
            f"“{_EXAMPLES.get(vague[2], 'logP below 3')}”."
        )
    if found := re.search(r"\b(?:lead|fragment|natural[- ]product|cns|beyond rule of 5)-?like\b", clause.text):
        making.note(f"I set no limits for “{found[0]}”: give ranges, for example MW 250 to 350 and logP 1 to 3.")
    if prefix := re.search(
        (
            r"(?:start(?:ing|s)?|begin(?:ning|s)?|prefix(?:ed)?)(?: with| from| by| is|:| =)? (?:the )?(?:smiles |"
            r"fragment |"
            r"prefix |string )*(§m\d+§)|(§m\d+§) as (?:the |a |an )?(?:smiles )?(?:prefix|beginning|start)"
        ),
        clause.text,
    ):
        args["smiles_prefix"] = clause.reading.found[int((prefix[1] or prefix[2])[2:-1])].value
    args.update(clause.seed())
    return Draft("generate_molecules", args, "write new molecules with the scientific model and check them", count=n)


_FOR_TARGET = (
    r"\b(?:against|targeting|inhibit\w*|block(?:s|ing)?|that bind|which bind|binding to|for the "
    r"(?:pocket|target|protein|receptor))\b"
)
_AS_START = r"\bas (?:a |the |our )?(?:starting (?:point|structure|molecule|compound)|start|seeds?|template|basis)\b"
_VAGUE = re.compile(
    r"\b(?:good|high|low|better|great|decent|reasonable|acceptable|improved|optimal) "
    r"(?:aqueous )?(?:solubility|permeability|bioavailability|oral bioavailability|logp|qed|"
    r"stability|selectivity|toxicity|potency|adme|admet|weight)\b"
)
_EXAMPLES = {
    "qed": "QED above 0.6",
    "logp": "logP below 3",
    "log p": "logP below 3",
    "tpsa": "TPSA below 90",
    "weight": "MW below 400",
}


def build_optimize_molecule(clause: Clause, making: Making) -> list[Draft]:
    goals = read_goals(clause.text, clause.requirements)
    kept = _kept_part(clause)
    found = subject_molecules(clause, making, "should be changed", leave=kept, one=True)
    if not goals:
        if _POTENCY.search(clause.text):
            raise AskError(
                "Binding is judged by docking: for which target should it bind better? Then I "
                "design from it with design_ligands."
            )
        if other := _NOT_COMPUTED.search(clause.text):
            raise AskError(
                f"“{other[0]}” is not computed here. Which of logP, solubility, QED, weight, "
                "TPSA or synthesizability should change?"
            )
        raise AskError(
            "Towards what: more soluble, lower logP, higher QED, lighter, easier to make, or "
            "a range such as logP 2 to 3?"
        )
    args: dict[str, Any] = {"goals": goals}
    if kept:
        args["keep"] = kept[0].value
    elif clause.says(
        r"\bkeep(?:ing)? (?:the |its |this )?(?:core|scaffold|ring|amide|hinge binder|part|warhead|group)"
    ):
        raise AskError("Which part should stay? Give it as SMILES or SMARTS.")
    if clause.requirements.flags:
        making.note(f"Not goals of a change, so left out here: {', '.join(clause.requirements.flags)}.")
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    if (rounds := clause.amounts.get("rounds")) is not None:
        args["rounds"] = rounds
    args.update(clause.seed())
    why = f"change it towards {', '.join(goals)}"
    return [Draft("optimize_molecule", {"molecule": one, **args}, why, count=clause.amounts.n) for one in found]


def _kept_part(clause: Clause) -> list[Mention]:
    """The substructure that must stay."""
    if found := re.search(
        (
            r"\bkeep(?:ing)?\b.{0,30}?(§m\d+§)|(§m\d+§) (?:core |part |ring |scaffold )*(?:should|"
            r"must|has to) (?:stay|remain|be kept)|\b(?:preserv|retain|without touching|without "
            r"changing|maintain)\w*\b.{0,40}?(§m\d+§)"
        ),
        clause.text,
    ):
        place = next(group for group in found.groups() if group)
        return [clause.reading.found[int(place[2:-1])]]
    return []


def build_molecule_properties(clause: Clause, making: Making) -> Draft:
    every = clause.says(r"\bwhich\b") and clause.says(r"\b(?:most|best|least|more|less|highest|lowest|\w+est)\b")
    found = subject_molecules(_all_of(clause) if every else clause, making, "should be looked at")
    return Draft("molecule_properties", {"molecules": found}, "compute its properties and alerts", subjects=found)


def _all_of(clause: Clause) -> Clause:
    """A clause that compares ("which one is lightest"): it is about all of them."""
    text = re.sub(r"\bone\b", " ", clause.text)
    return Clause(f"{text} of these", text, clause.requirements, clause.amounts, clause.reading, clause.whole)


def build_dock(clause: Clause, making: Making) -> Draft:
    leave = [one for one in clause.of("m") if _marks_pocket(clause, one)]
    found = subject_molecules(clause, making, "should be docked", leave)
    place = read_place(clause, making, "Docking needs a target.")
    args: dict[str, Any] = {"molecules": found, **place.args()}
    if (value := clause.amounts.get("exhaustiveness")) is not None:
        args["exhaustiveness"] = value
    args.update(clause.seed())
    return Draft("dock", args, f"dock into {place.target}", subjects=found)


def build_minimize(clause: Clause, making: Making) -> Draft | list[Draft]:
    """A pose that is there, or molecules and a target to dock first."""
    if named_molecules(clause, making) and clause.of("tfu"):
        found = named_molecules(clause, making)
        place = read_place(clause, making, "Minimising needs a target.", earlier=False)
        return Draft(
            "minimize",
            {"molecules": found, **place.args()},
            "dock, then relax the pose with a force field",
            subjects=found,
        )
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        if draft.action in ("dock", "design_ligands"):
            positions = _positions(clause.reference(), len(draft.subjects))
            why = "relax the pose with a force field"
            return [Draft("minimize", {"pose": item(number, position)}, why) for position in positions]
    named = [one for one in clause.of("m") if one.letter == "m"]
    if named:
        place = read_place(clause, making, "Minimising needs a pose: a docked molecule, or a target to dock into.")
        return Draft(
            "minimize", {"molecules": [one.value for one in named], **place.args()}, "dock, then relax the pose"
        )
    poses = subject_molecules(clause, making, "has the pose to relax (a docked molecule)", one=True)
    return [Draft("minimize", {"pose": pose}, "relax the pose with a force field", subjects=[pose]) for pose in poses]


def _positions(reference: Reference | None, n_docked: int) -> list[int]:
    """Which of the docked molecules, by rank."""
    if reference is None or reference.kind == "it":
        return [1]
    if reference.kind == "top":
        return list(range(1, reference.numbers[0] + 1))
    return list(reference.numbers) if reference.numbers else list(range(1, max(1, n_docked) + 1))


_ROUTES = r"\b(?:routes|pathways|ways|alternatives|options|versions|suggestions|proposals|ideas|plans|different|ones)\b"


def build_plan_synthesis(clause: Clause, making: Making) -> list[Draft]:
    found = subject_molecules(clause, making, "should be made")
    if len(found) == 1 and found[0].endswith(".*"):
        raise AskError(
            "A synthesis is planned for one molecule at a time. For which of them: the best, or say which ranks?"
        )
    options: dict[str, Any] = {}
    n = clause.amounts.get("n_routes") or (
        clause.amounts.n if clause.says(_ROUTES) and not clause.says(r"\b(?:top|best) \d") else None
    )
    for key, value in (("n_routes", n), ("max_steps", clause.amounts.get("max_steps"))):
        if value is not None:
            options[key] = value
    options.update(clause.seed())
    return [
        Draft(
            "plan_synthesis",
            {"molecule": one, **options},
            "search routes back to simple starting materials",
            subjects=[one],
        )
        for one in found
    ]


def build_predict_reaction(clause: Clause, making: Making) -> Draft:
    for reaction in clause.of("x"):
        left = [part for part in reaction.value.split(">")[0].split(".") if part]
        return Draft("predict_reaction", {"reactants": left, **_n(clause)}, "predict the product")
    found = named_molecules(clause, making)
    parts = [part for smiles in found for part in (smiles.split(".") if "." in smiles else [smiles])]
    if (
        len(parts) < 2
        and clause.reference() is not None
        and clause.says(r"\b(?:it|this|that|them|these|the (?:first|second|best|product|last|third)\b)")
    ):
        pointed = [one for one in subject_molecules(_without_named(clause), making, "should react") if one not in parts]
        parts = [*pointed, *parts]
    if len(parts) < 2:
        have = f" with {_called(parts[0])}" if parts else ""
        raise AskError(
            f"What should react{have}? Give "
            f"{'the other reactant' if parts else 'the reactants'} as SMILES, names or "
            "handles."
        )
    args: dict[str, Any] = {"reactants": parts, **_n(clause)}
    args.update(clause.seed())
    return Draft("predict_reaction", args, "predict the product", count=1)


def _n(clause: Clause) -> dict[str, int]:
    return {"n": clause.amounts.n} if clause.amounts.n is not None else {}


def _without_named(clause: Clause) -> Clause:
    text = re.sub(r"§[mhb]\d+§", " ", clause.text)
    return Clause(text, text, clause.requirements, clause.amounts, clause.reading, clause.whole)


def _called(smiles: str) -> str:
    return next((entry.name for entry in molecules().values() if entry.smiles == smiles), smiles)


def target_document(clause: Clause, making: Making) -> Any:
    """The `target` of a campaign: a bundled name, or {pdb, chain, pocket}."""
    place = read_place(clause, making, "A campaign needs a target.")
    if place.target in making.targets.values() and place.target not in making.files and place.pocket is None:
        return place.target
    if (
        place.chain is None
        and place.pocket is None
        and not place.target.lower().endswith((".pdb", ".cif"))
        and not re.fullmatch(r"[A-Z]\d+", place.target)
    ):
        return place.target
    if re.fullmatch(r"F\d+", place.target):
        document: dict[str, Any] = {"pdb": making.files.get(place.target, place.target)}
    else:
        document = (
            {"pdb": place.target}
            if place.target.lower().endswith((".pdb", ".cif", ".ent", ".mmcif"))
            else {"name": place.target}
        )
    chain = read_chain(clause.text) or place.chain
    if chain and "pdb" in document:
        document["chain"] = chain
    if place.pocket and place.pocket.startswith("from_ligand"):
        document["pocket"] = place.pocket
    elif place.pocket and ":" in place.pocket:
        document["residues"] = place.pocket.split()
    if "pdb" in document and len(document) == 1 + ("chain" in document):
        raise AskError(
            "Where on the structure is the pocket? Name the bound ligand (“pocket from ligand "
            "STI”) or residues such as A:THR315."
        )
    return document
