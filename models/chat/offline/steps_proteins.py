"""Steps about proteins, antibodies, pockets and materials: one function an action, `build(clause, making)`."""

from __future__ import annotations

import re
from typing import Any

from models.chat.offline.mentions import Mention
from models.chat.offline.names import ANTIBODIES, PROTEINS
from models.chat.offline.plans import AskError, Draft
from models.chat.offline.request import Clause, Making, item
from models.chat.offline.structures import antibody_chain
from models.chat.offline.subjects import STRUCTURE_SUFFIXES, named_target, pick, read_chain

METALS = {
    **dict.fromkeys(("zn", "zinc", "zink"), "Zn"),
    **dict.fromkeys(("cu", "copper", "kupfer"), "Cu"),
    **dict.fromkeys(("co", "cobalt"), "Co"),
    **dict.fromkeys(("ni", "nickel"), "Ni"),
    **dict.fromkeys(("zr", "zirconium"), "Zr"),
    **dict.fromkeys(("fe", "iron"), "Fe"),
    **dict.fromkeys(("al", "aluminium", "aluminum"), "Al"),
    **dict.fromkeys(("mg", "magnesium"), "Mg"),
    **dict.fromkeys(("mn", "manganese"), "Mn"),
    **dict.fromkeys(("cr", "chromium"), "Cr"),
    **dict.fromkeys(("cd", "cadmium"), "Cd"),
    **dict.fromkeys(("ti", "titanium"), "Ti"),
    **dict.fromkeys(("hf", "hafnium"), "Hf"),
    **dict.fromkeys(("ag", "silver"), "Ag"),
    **dict.fromkeys(("v", "vanadium"), "V"),
    **dict.fromkeys(("ca", "calcium"), "Ca"),
    **dict.fromkeys(("eu", "europium"), "Eu"),
    **dict.fromkeys(("tb", "terbium"), "Tb"),
    **dict.fromkeys(("la", "lanthanum"), "La"),
    **dict.fromkeys(("pb",), "Pb"),
    **dict.fromkeys(("li", "lithium"), "Li"),
    **dict.fromkeys(("ba", "barium"), "Ba"),
    **dict.fromkeys(("gd", "gadolinium"), "Gd"),
}
_SYMBOL = r"(?:zn|cu|co|ni|zr|fe|al|mg|mn|cr|cd|ti|hf|ag|ca|eu|tb|gd)"
_SYMBOLS = rf"({_SYMBOL}(?:(?:,? (?:and|or|&) |, ?|/){_SYMBOL})*)"
_SHORT_METALS = re.compile(
    rf"\b{_SYMBOLS}\b(?:[ (-]*(?:ii|iii|iv|2\+|3\+)?\)?)?[ -]*(?:based |containing )?"
    r"(?:mofs?|frameworks?|metal|nodes?|clusters?|ions?)|"
    rf"(?:with|of|from|containing|metal:?|using|on) {_SYMBOLS}\b"
)
LOOPS = ("H1", "H2", "H3", "L1", "L2", "L3")
_LOOP = re.compile(
    r"\b(?:cdr)?[- ]?([hl])[- ]?(?:cdr[- ]?)?([123])s?\b|\bcdr[- ]?([hl])([123])s?\b|\bcdr "
    r"?([123]) (?:of|in) the (heavy|light)\b|\b(heavy|light)[- ]chain cdr[- ]?([123])"
)
_GOAL = re.compile(
    r"\b(brighter|stabili[sz]\w*|robust\w*|bright(?:ness)?|more stable|stability|stable|"
    r"thermostab\w+|more thermostable|"
    r"heat|more fluorescent|fluorescence|fluoresc\w+|solub\w+|active|activity|affinity|binds? "
    r"\w+|expression|express\w*|red.shifted|blue.shifted|glows? \w+|glow|aggregat\w+|ph|less "
    r"immunogenic|faster|fold\w*)\b"
)


def build_find_pockets(clause: Clause, making: Making) -> Draft:
    protein = _protein_with_structure(clause, making)
    args: dict[str, Any] = {"protein": protein}
    if chain := read_chain(clause.text):
        args["chain"] = chain
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    return Draft("find_pockets", args, "find where a ligand could bind", kind="pocket")


def _protein_with_structure(clause: Clause, making: Making) -> str:
    target = named_target(clause, making)
    if target is not None:
        return target
    for one in clause.of("p"):
        return one.value
    for one in clause.of("n"):
        raise AskError(
            f"No structure of {one.name} is bundled. Attach one (PDB or mmCIF file), or give the sequence: which?"
        )
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        if draft.action in ("edit_protein", "design_antibody_cdr"):
            return item(number, 1)
        if draft.args.get("target") or draft.args.get("protein"):
            return str(draft.args.get("target") or draft.args["protein"])
    return _earlier_protein(clause, making)


def _earlier_protein(clause: Clause, making: Making) -> str:
    """What the conversation holds, where only one thing can be meant."""
    attached = [h for h, name in making.history.files.items() if name.lower().endswith(STRUCTURE_SUFFIXES)]
    used = list(
        dict.fromkeys(
            str(call.args.get("protein") or call.args.get("target"))
            for call in making.history.calls
            if (call.args.get("protein") or call.args.get("target")) and not call.fault
        )
    )
    pointed = clause.says(
        r"\b(?:it|this|that|the (?:protein|structure|file|target|receptor)|there|attached|uploaded|same)\b"
    )
    choices = attached if len(attached) == 1 or not used else used[-1:] if pointed else used
    if len(choices) == 1:
        return choices[0]
    if choices:
        raise AskError(f"In which protein: {', '.join(choices)}?")
    raise AskError(
        "Which protein? Attach a structure (PDB or mmCIF file), name a bundled target such as ABL1, or give a sequence."
    )


def build_edit_protein(clause: Clause, making: Making) -> Draft:
    args: dict[str, Any] = {"sequence": _sequence(clause, making)}
    goals = list(dict.fromkeys(found[0] for found in _GOAL.finditer(clause.text)))
    if goals:
        args["goal"] = _goal_words(clause)
    if made := [one.value for one in clause.of("v") if one.value.lower() not in str(args.get("goal", "")).lower()]:
        args["goal"] = " ".join([*made, *filter(None, [args.get("goal")])])
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    if (most := clause.amounts.get("max_mutations")) is not None:
        args["max_mutations"] = most
    elif clause.says(r"\b(?:single|point) (?:mutations?|mutants?|substitutions?)\b|\bone mutation\b"):
        args["max_mutations"] = 1
    args.update(clause.seed())
    return Draft(
        "edit_protein", args, "propose mutations with the scientific model", kind="protein", count=clause.amounts.n
    )


def _goal_words(clause: Clause) -> str:
    """The goal in the user's words: what stands around the first word of a goal."""
    found = _GOAL.search(clause.text)
    if found is None:
        return ""
    before = re.search(
        (
            r"(?:(?:more|less|higher|better|increased?|improved?|lower|thermal|heat|at|"
            r"greater|improve|increase|enhance|raise) (?:the |its )?)+$"
        ),
        clause.text[: found.start()],
    )
    start = before.start() if before else found.start()
    text = re.split(
        r"¦|[,.;:]|\b(?:with|by|using|in|and then|keeping|at most|up to|give|for|of|please)\b| - ", clause.text[start:]
    )[0]
    return re.sub(r"\s+", " ", re.sub(r"§\w+§", "", text)).strip()


def _sequence(clause: Clause, making: Making) -> str:
    """The protein to change: written, named, in a file, made before, or asked for."""
    given = [one.value for one in clause.of("p")] + [PROTEINS[one.name.lower()] for one in clause.of("n")]
    given += [making.require_known(handle) for handle in clause.handles("P", "F")]
    for one in clause.of("tu"):
        raise AskError(f"I do not have the sequence of {one.name}. Paste it in one-letter code: what is it?", one.name)
    suffixes = (".fasta", ".fa", *STRUCTURE_SUFFIXES)
    given += [handle for handle, name in making.new_files.items() if name.lower().endswith(suffixes)]
    edits = [number for number, draft in enumerate(making.drafts, 1) if draft.action == "edit_protein"]
    given += [item(number, 1) for number in edits[-1:]] or _earlier_sequence(clause, making)
    if given:
        return given[0]
    raise AskError(
        "Which protein? Paste its sequence in one-letter code (or FASTA), or name a bundled one such as GFP."
    )


def _earlier_sequence(clause: Clause, making: Making) -> list[str]:
    """The protein of the conversation that the words point at."""
    call, reference = making.history.last_with("protein"), clause.reference()
    if call is None or reference is None:
        return []
    found = call.of_kind("protein")
    if reference.kind in ("nth", "best"):
        return pick(reference, found)
    if len(found) == 1:
        return [found[0].handle]
    raise AskError(f"Which one: {', '.join(thing.handle for thing in found)}?")


def build_design_antibody_cdr(clause: Clause, making: Making) -> Draft:
    args: dict[str, Any] = _chains(clause) or _earlier_chains(clause, making)
    loops = read_loops(clause.text)
    if loops:
        args["loops"] = loops
    elif "heavy" not in args:
        raise AskError("Which loop of the light chain: L1, L2 or L3?")
    missing = [loop for loop in loops if _CHAIN_OF[loop[0]] not in args]
    if missing:
        raise AskError(f"{', '.join(missing)} needs the {_CHAIN_OF[missing[0][0]]} chain. What is its sequence?")
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    args.update(clause.seed())
    return Draft(
        "design_antibody_cdr",
        args,
        "write new loops with the scientific model",
        kind="antibody",
        count=clause.amounts.n,
    )


_CHAIN_OF = {"H": "heavy", "L": "light"}


def _chains(clause: Clause) -> dict[str, Any]:
    """Chains that are named or written; asks which one a sequence is where nothing tells."""
    args: dict[str, Any] = {}
    for one in clause.of("a"):
        args["heavy"], args["light"] = ANTIBODIES[one.name.lower()]
    sequences = clause.of("p")
    for position, one in enumerate(sequences):
        role = _chain_role(clause, one) or antibody_chain(one.value)
        if role is None and len(sequences) > 1 and position == 0:
            role = "heavy"
        if role is None:
            words = re.findall(r"\b(?:(heavy|vh|vhh|nanobod\w+|h[123])|(light|vl|l[123]))\b", clause.text)
            roles = {"heavy" if heavy else "light" for heavy, _ in words}
            role = roles.pop() if len(roles) == 1 else None
        if role is None:
            raise AskError("Is this the heavy or the light chain?")
        args[role if role not in args else ("light" if role == "heavy" else "heavy")] = one.value
    return args


def _earlier_chains(clause: Clause, making: Making) -> dict[str, Any]:
    """The antibody of a handle, of the conversation, or of an attached file."""
    held = clause.handles("A", "P")
    if held:
        return {"heavy": making.require_known(held[0])}
    call = making.history.last_with("antibody", "protein")
    if call is not None and clause.reference() is not None:
        return {"heavy": call.of_kind("antibody", "protein")[0].handle}
    files = [handle for handle, name in making.new_files.items() if name.lower().endswith((".fasta", ".fa"))]
    if files:
        return {"heavy": files[0]}
    raise AskError(
        "For which antibody? Paste the sequence of its heavy chain (and of its light chain, if there is one)."
    )


def _chain_role(clause: Clause, one: Mention) -> str | None:
    """What the words before a sequence, or the header of its FASTA record, call it."""
    place = clause.place(one)
    before = clause.text[: clause.text.index(place)][-40:]
    words = f"{one.name.lower()} {before}"
    found = re.findall(r"\b(heavy|light|vh|vl|vhh|hc|lc)\b", words)
    return {"heavy": "heavy", "vh": "heavy", "vhh": "heavy", "hc": "heavy"}.get(found[-1], "light") if found else None


def read_loops(text: str) -> list[str]:
    """Loops named: "H3", "CDR-L1", "all heavy chain loops"; empty where none is."""
    if re.search(
        r"\b(?:all|every|6|both chains)\b.{0,12}\b(?:loops|cdrs?)\b(?!.{0,16}\b(?:heavy|light)\b)", text
    ) and not re.search(r"(?:heavy|light)", text):
        return list(LOOPS)
    text = re.sub(r"\b([hl])1 ?(?:-|to|through) ?(?:\1)?3\b", r"\g<1>1, \g<1>2, \g<1>3", text)
    found = []
    for match in _LOOP.finditer(text):
        groups = match.groups()
        if groups[0]:
            found.append(f"{groups[0].upper()}{groups[1]}")
        elif groups[2]:
            found.append(f"{groups[2].upper()}{groups[3]}")
        elif groups[4]:
            found.append(f"{groups[5][0].upper()}{groups[4]}")
        else:
            found.append(f"{groups[6][0].upper()}{groups[7]}")
    if not found and re.search(r"\b(?:all|three|3)\b.{0,20}\b(?:loops|cdrs)\b", text):
        letter = "L" if re.search(r"\blight\b", text) and not re.search(r"\bheavy\b", text) else "H"
        return [f"{letter}{n}" for n in (1, 2, 3)]
    return list(dict.fromkeys(found))


def build_generate_materials(clause: Clause, making: Making) -> list[Draft]:
    """Frameworks, for each metal that is named."""
    del making
    args: dict[str, Any] = {}
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    elif clause.says(r"\b(?:a|an) (?:\w+ ){0,3}(?:mof|framework|material)\b"):
        args["n"] = 1
    args.update(clause.seed())
    metals = read_metals(clause.text)
    if len(metals) > 1 and clause.says(r"\bor\b"):
        raise AskError(f"Which metal: {', '.join(metals)}?")
    why = "write frameworks with the scientific model and check them"
    each = [{**args, "metal": metal} for metal in metals] or [args]
    return [Draft("generate_materials", one, why, kind="material", count=args.get("n")) for one in each]


def read_metals(text: str) -> list[str]:
    """Symbols of the metals a clause names."""
    named = [METALS[word] for word in re.findall(r"[a-z]+", text) if len(word) > 2 and word in METALS]
    symbols = [word for found in _SHORT_METALS.finditer(text) for word in re.findall(r"[a-z]+", found[1] or found[2])]
    return list(dict.fromkeys([*named, *(METALS[word] for word in symbols if word in METALS)]))
