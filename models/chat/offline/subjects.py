"""Which molecules, and which target, a clause is about: named in it, pointed at, made by an earlier step, or missing.

What is pointed at but not clear is asked about with the choices there are; nothing is picked in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.chat.offline.conversation import Call, Thing
from models.chat.offline.cue_words import PROPERTY
from models.chat.offline.mentions import Mention
from models.chat.offline.names import components, molecules
from models.chat.offline.plans import AskError
from models.chat.offline.references import ORDINALS, Reference
from models.chat.offline.request import MAKES_NEW, PRODUCES, Clause, Making, item
from models.chat.offline.spelling import known_words

STRUCTURE_SUFFIXES = (".pdb", ".cif", ".mmcif", ".ent", ".pdb.gz", ".cif.gz", ".ent.gz")
_NAME_ENDINGS = re.compile(
    r"(?:nib|mab|vir|statin|pril|sartan|olol|azole|cillin|mycin|amide|azepam|oxacin|parib|"
    r"ciclib|lisib|rafenib|gliptin|gliflozin|prazole|tidine"
    r"|caine|azine|idone|onium|xaban|grel|setron|triptan|curium|formin|glitazone|fenac|profen|"
    r"barbital|phylline|terol|sone|olone|dipine"
    r"|idine|amine|anol|anone|oic|ester|ylate|opyrine|orphan|aldehyde|benzene|phenol|toin|"
    r"dronate|fovir|ciclovir|mustine|rubicin|taxel|platin|trexate|thiazide)$"
)
_BEFORE_NAME = (
    r"(?:dock|of|for|with|and|make|synthesi[sz]e|optimi[sz]e|react|relax|minimi[sz]e|about|is|does|"
    r"do|improve|mix|plus|to|like|than|beat|on|prepare|\+|,|around|modify|,)"
)
_POINTS = re.compile(
    r"\b(?:there|it|them|this|that|these|those|here|same|its|the (?:same )?(?:target|protein|"
    r"receptor|structure|pocket|binding site|site|file|enzyme|kinase|active site)|this "
    r"(?:target|protein)|attached|upload\w*)\b"
)


_CHOSEN_BY = re.compile(
    rf"\b(?:one|ones|molecules?|compounds?|candidates?|designs?) (?:with|of|having|that has) (?:the )?"
    rf"(?:best|highest|lowest|smallest|largest|greatest|least|most) {PROPERTY}"
)


def named_molecules(clause: Clause, making: Making, leave: Sequence[Mention] = ()) -> list[str]:
    """SMILES and handles the clause names, without those in `leave`. Asks about what is meant as a structure but is
    none, and about names that are not in the table."""
    for bad in clause.of("b"):
        raise AskError(f"“{bad.name}” is not a valid SMILES: {bad.value}. What should it be?", bad.name)
    named = [
        making.require_known(one.value) if one.letter == "h" else one.value
        for one in clause.of("mh")
        if one not in leave and (one.letter == "m" or one.value[0] == "M")
    ]
    unknown = unknown_name(clause)
    if unknown and (not named or _NAME_ENDINGS.search(unknown)):
        raise AskError(f"I do not know a molecule called “{unknown}”. What is its SMILES?", unknown)
    return list(dict.fromkeys(named))


def unknown_name(clause: Clause) -> str | None:
    """A word that stands where a molecule's name would and that is no word known here."""
    for found in re.finditer(
        rf"(?:^|\s){_BEFORE_NAME}\s+(?:the |drug |compound |molecule |some )*([a-z][a-z0-9-]{{4,}})\b", clause.words
    ):
        word = found[1]
        if (
            word in ORDINALS
            or word in known_words()
            or word.rstrip("s") in known_words()
            or word.replace("-", "") in known_words()
        ):
            continue
        if _NAME_ENDINGS.search(word):
            return word
        listed = found[0].split()[0] not in (",", "and", "with", "+", "plus") or "§" in clause.words[: found.start()]
        if listed and not re.search(r"(?:ly|ing|ed|ion|able|ness|ment|ive|ous|al|er|est)$", word):
            return word
    return None


def subject_molecules(
    clause: Clause, making: Making, what: str, leave: Sequence[Mention] = (), *, one: bool = False
) -> list[str]:
    """The molecules the clause is about. `what` says what they are for, in a question; `one`: each is a step of
    its own, so that "it" or "them" must not be many."""
    named = named_molecules(clause, making, leave)
    if named:
        return named
    if by_property := _CHOSEN_BY.search(clause.text):
        raise AskError(
            f"I choose by rank in a table, not by “{by_property[0]}”. Which one do you mean, by handle or rank?"
        )
    reference = clause.reference() or Reference("it")
    pointed = _from_plan(reference, making, one) or _from_history(reference, making, one, what)
    if pointed:
        return pointed
    files = [
        handle for handle, name in making.new_files.items() if name.lower().endswith((".sdf", ".smi", ".mol", ".csv"))
    ]
    if files:
        return files
    handle = ", a drug's name or a handle such as M1" if making.history.has("M") else " or a drug's name"
    raise AskError(f"Which molecule {what}? Give its SMILES{handle}.")


def _from_plan(reference: Reference, making: Making, one: bool) -> list[str]:
    """References to an earlier step of this request that gives molecules."""
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        if "molecule" not in PRODUCES.get(draft.action, ()) and not draft.subjects:
            continue
        new = draft.action in MAKES_NEW
        if not new and reference.kind in ("it", "all") and draft.subjects:
            return draft.subjects if not one or len(draft.subjects) == 1 else [item(number, 1)]
        if not new and draft.action != "dock":
            continue
        if reference.kind == "top":
            return [item(number, at) for at in range(1, reference.numbers[0] + 1)]
        if reference.kind in ("nth", "best"):
            if -1 in reference.numbers:
                raise AskError(
                    "Which one is the last is known only when they are there. Which rank do "
                    "you mean, for example the third?"
                )
            return [item(number, at) for at in reference.numbers]
        if one or (
            reference.kind == "it" and (draft.count == 1 or draft.action in ("design_ligands", "start_campaign"))
        ):
            return [item(number, 1)]
        return [item(number, "*")]
    return []


def _from_history(reference: Reference, making: Making, one: bool, what: str) -> list[str]:
    """Handles of the conversation that the reference means; asks where several could be meant."""
    history = making.history
    if reference.kind == "it" and not _pointing(reference, making):
        return []
    if reference.kind == "it":
        focus = _focus(making)
        if len(focus) > 1:
            raise AskError(f"Which one {what}: {', '.join(focus[:8])}{' ...' if len(focus) > 8 else ''}?")
        return focus
    wanted = max((1, *reference.numbers)) if reference.kind != "all" else 1
    call = _list_of(making, max(2, wanted)) or _list_of(making, wanted) or history.last_with("molecule")
    if reference.kind == "all":
        call = history.last_with("molecule")
    if call is None:
        return []
    found = call.of_kind("molecule")
    if reference.kind == "all":
        if one and len(found) > 1:
            raise AskError(f"Which one {what}: {', '.join(t.handle for t in found[:8])}?")
        return [thing.handle for thing in found]
    return pick(reference, found)


def pick(reference: Reference, found: Sequence[Thing]) -> list[str]:
    """Handles by rank; asks where there are not so many."""
    numbers = tuple(range(1, reference.numbers[0] + 1)) if reference.kind == "top" else reference.numbers
    too_far = [number for number in numbers if number > len(found)]
    if too_far:
        have = ", ".join(thing.handle for thing in found)
        raise AskError(f"There are only {len(found)} of them: {have}. Which one do you mean?")
    return [found[number - 1 if number > 0 else number].handle for number in numbers]


def _list_of(making: Making, at_least: int) -> Call | None:
    """The last call that gave so many molecules."""
    return next((call for call in reversed(making.history.calls) if len(call.of_kind("molecule")) >= at_least), None)


def _pointing(reference: Reference, making: Making) -> bool:
    return bool(reference.words) or bool(making.history.calls)


def _focus(making: Making) -> list[str]:
    """What "it" is: the one molecule the last call was about, or those it gave."""
    for call in reversed(making.history.calls):
        if call.fault:
            continue
        given = call.of_kind("molecule")
        if call.action in MAKES_NEW and given:
            return [thing.handle for thing in given]
        about = _about(call)
        if len(about) == 1:
            own = [thing.handle for thing in given if about[0] in (thing.handle, thing.value, *thing.made_from)]
            return own[:1] or ([given[0].handle] if len(given) == 1 else about)
        if about or given:
            return [thing.handle for thing in given] or about
    return []


def _about(call: Call) -> list[str]:
    """The molecules a call was asked about."""
    for key in ("molecule", "molecules", "pose", "candidate"):
        value = call.args.get(key)
        if isinstance(value, str) and value:
            return [value]
        if isinstance(value, list):
            return [str(one) for one in value]
    return []


@dataclass(frozen=True, slots=True)
class Place:
    """Where to bind: `target` as an action takes it; `notes` on how it was found."""

    target: str
    chain: str | None = None
    pocket: str | None = None
    kind: str = ""

    def args(self) -> dict[str, str]:
        given = {"target": self.target, "chain": self.chain, "pocket": self.pocket}
        return {key: value for key, value in given.items() if value}


def read_place(clause: Clause, making: Making, what: str, *, earlier: bool = True) -> Place:
    """The target of a clause with chain and pocket; asks where none is named or clear."""
    target = named_target(clause, making)
    chain = read_chain(clause.text)
    pocket = read_pocket(clause, making)
    if target in making.new_files and _pocket_found_before(making):
        target = None  # the pocket that an earlier step finds in it
    if target is None and earlier and (found := _numbered_pocket(clause, making)) is not None:
        return found
    if target is None and earlier:
        found = _earlier_place(clause, making)
        if found is not None:
            return Place(found.target, chain or found.chain, pocket or found.pocket, found.kind)
    if target is None:
        raise AskError(
            f"{what} Name a bundled target such as ABL1 or EGFR, or attach a structure (PDB or "
            "mmCIF file). Which target?"
        )
    return Place(target, None if target in making.targets.values() else chain, pocket)


def named_target(clause: Clause, making: Making) -> str | None:
    """The target a clause names, as an action takes it: a structure attached with the request before a bundled one.
    Asks about a protein that has no structure here."""
    structures = [h for h, name in making.new_files.items() if name.lower().endswith(STRUCTURE_SUFFIXES)]
    bundled = {one.value for one in clause.reading.found if one.letter == "t"}
    for one in clause.of("t"):
        if len(structures) == len(bundled) == 1:
            making.note(f"I use the attached {making.new_files[structures[0]]}, not the bundled {one.value}.")
            return structures[0]
        for mutation in clause.of("v"):
            raise AskError(
                f"The bundled {one.value} is not the {mutation.value} mutant. Attach a "
                "structure of the mutant, or leave the "
                "mutation out: which?",
                mutation.name,
            )
        return one.value
    for one in clause.of("f"):
        if one.value.lower().endswith(STRUCTURE_SUFFIXES):
            return file_argument(one.value, making)
    for handle in clause.handles("T", "K", "P", "F"):
        return making.require_known(handle)
    for one in clause.of("u"):
        raise AskError(
            (
                f"No structure of {one.name} is bundled here. Attach one (PDB or mmCIF file), or "
                "name a bundled target: which?"
            ),
            one.name,
        )
    if len(structures) > 1:
        raise AskError(f"Several structures are attached: {', '.join(structures)}. Which one?")
    return structures[0] if structures else None


def file_argument(name: str, making: Making) -> str:
    """The handle of an attached file of this name (or of its stem), else the name."""
    stem = name.lower().rsplit(".", 1)[0]
    for handle, known in reversed(list(making.files.items())):
        if known.lower() == name.lower() or known.lower().rsplit(".", 1)[0] == stem:
            return handle
    return name


def _pocket_found_before(making: Making) -> bool:
    return any(draft.action == "find_pockets" for draft in making.drafts)


def _earlier_place(clause: Clause, making: Making) -> Place | None:
    """The place an earlier step of the request used, or the conversation's, where only one was used."""
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        target = draft.args.get("target") or (draft.args.get("protein") if draft.action == "find_pockets" else None)
        if target:
            pocket = item(number, 1) if draft.action == "find_pockets" else draft.args.get("pocket")
            return Place(
                str(target), draft.args.get("chain"), pocket, "pocket" if draft.action == "find_pockets" else ""
            )
    used: list[Place] = []
    for call in making.history.calls:
        target = call.args.get("target") or (call.args.get("protein") if call.action == "find_pockets" else None)
        if target and not call.fault:
            pockets = call.of_kind("pocket")
            pocket = pockets[0].handle if len(pockets) == 1 else call.args.get("pocket")
            used.append(Place(str(target), call.args.get("chain"), str(pocket) if pocket else None))
    attached = [h for h, name in making.history.files.items() if name.lower().endswith(STRUCTURE_SUFFIXES)]
    if used and (len({place.target for place in used}) == 1 or _POINTS.search(clause.text)):
        return used[-1]
    if used:
        raise AskError(f"Which target: {', '.join(dict.fromkeys(place.target for place in used))}?")
    if len(attached) == 1:
        return Place(attached[0])
    if attached:
        raise AskError(f"Which structure: {', '.join(attached)}?")
    return None


def _numbered_pocket(clause: Clause, making: Making) -> Place | None:
    """ "the second pocket": of an earlier step, or of the conversation."""
    reference = clause.reference()
    if reference is None or reference.kind not in ("nth", "best"):
        return None
    if reference.noun not in ("pocket", "site") and not (making.drafts and making.drafts[-1].action == "find_pockets"):
        return None
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        if draft.action == "find_pockets":
            return Place(draft.args["protein"], draft.args.get("chain"), item(number, reference.numbers[0]), "pocket")
    call = making.history.last_with("pocket")
    if call is None:
        return None
    protein = str(call.args.get("protein") or "")
    return Place(protein, call.args.get("chain"), pick(reference, call.of_kind("pocket"))[0], "pocket")


def read_chain(text: str) -> str | None:
    """ "chain A", "chains A and B" -> "A", "A,B"."""
    found = re.search(r"\bchains? ([a-z0-9])\b(?:(?:,| and|,? &) (?:chain )?([a-z0-9])\b(?! \w))?", text)
    if found is None or (found[1] == "a" and re.match(r"\s+(?:protein|file|structure)", text[found.end() :])):
        return None
    return ",".join(one.upper() for one in found.groups() if one)


def read_pocket(clause: Clause, making: Making) -> str | None:
    """ "where STI is bound" -> "from_ligand STI"; residues -> "A:THR315 A:MET318"; a pocket's handle."""
    for handle in clause.handles("K"):
        if clause.of("tf") or clause.handles("T", "P", "F"):
            return making.require_known(handle)
    site = r"(?:binding |active )?(?:site|pocket|cavity)"
    if clause.says(
        rf"\bpredict(?:ed)? {site}|\b(?:most likely|likeliest|best|top|deepest|largest) {site}|\bfind the pocket yours"
    ):
        return "predict"
    for one in clause.of("m"):
        place = re.escape(clause.place(one))
        if re.search(
            (
                rf"where {place} (?:is|was|sits|binds|bound|lies)|{place}(?:'s)?[- ](?:bound "
                rf")?{site}|{site} (?:of|around|for) {place}|(?:bound|cognate|crystal) (?:ligand "
                rf")?{place}"
            ),
            clause.text,
        ):
            code = next((m.component_id for m in molecules().values() if m.smiles == one.value and m.component_id), "")
            if code and clause.of("f"):
                return f"from_ligand {code}"
    for code in re.findall(r"(?<![\w:§.])[A-Z0-9]{3}(?![\w:.-])", making.raw):
        low = re.escape(code.lower())
        if code.isdigit() and code not in components():
            continue
        if re.search(
            (
                rf"from[_ ]ligand {low}\b|(?:ligand|site|code|pocket) {low}\b|where {low} (?:is|was|sits|binds|bound)|"
                rf"\b{low} (?:ligand )?{site}|{site} (?:of|around) (?:ligand )?{low}\b|around {low}\b|"
                rf"bound {low}\b"
            ),
            clause.text,
        ):
            return f"from_ligand {code}"
    if clause.of("q") and not clause.says(INTERACTION):
        return " ".join(residue_label(one.value, clause, making) for one in clause.of("q"))
    return None


INTERACTION = r"\bh(?:ydrogen)?[ -]?bond\w*|\bhbond\w*|\bsalt[ -]?bridge|\bionic\b|\bstack(?:s|ing)\b"
HBOND = r"\bh(?:ydrogen)?[ -]?bond\w*|\bhbond\w*"


def residue_label(value: str, clause: Clause, making: Making) -> str:
    """ "MET318" -> "A:MET318": the chain named in the clause, else A, which is said."""
    if ":" in value:
        return value
    chain = read_chain(clause.text)
    if chain is None:
        making.note(f"I took {value} to be in chain A.")
    return f"{(chain or 'A')[0]}:{value}"
