"""From a request to a plan: a pure function of the text, what was before, and the names of bundled targets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from models.chat.offline.clauses import split_clauses
from models.chat.offline.conversation import History
from models.chat.offline.follow_ups import build_follow_up, is_follow_up, repeats
from models.chat.offline.goals import read_goals
from models.chat.offline.intents import TALK, Intent, read_intent
from models.chat.offline.mentions import Reading, read_mentions
from models.chat.offline.names import target_table
from models.chat.offline.nouns import is_no_demand, read_noun, read_step_noun
from models.chat.offline.particulars import is_particular
from models.chat.offline.plans import AskError, Draft, Plan, Step
from models.chat.offline.references import WHICH, read_reference
from models.chat.offline.request import PRODUCES, Clause, Making, read_clause
from models.chat.offline.requirements import PROPERTIES, read_requirements
from models.chat.offline.similarity import Embed
from models.chat.offline.spelling import normalise
from models.chat.offline.steps_knowledge import (
    build_explain_candidate,
    build_run_status,
    build_search_literature,
    build_search_results,
    build_start_campaign,
)
from models.chat.offline.steps_molecules import (
    build_design_ligands,
    build_dock,
    build_generate_molecules,
    build_minimize,
    build_molecule_properties,
    build_optimize_molecule,
    build_plan_synthesis,
    build_predict_reaction,
)
from models.chat.offline.steps_proteins import (
    build_design_antibody_cdr,
    build_edit_protein,
    build_find_pockets,
    build_generate_materials,
)
from models.chat.offline.talk import is_off_topic, not_understood, read_talk, refused, say

Build = Callable[[Clause, Making], Draft | list[Draft]]
BUILDERS: dict[str, Build] = {
    "design_ligands": build_design_ligands,
    "find_pockets": build_find_pockets,
    "plan_synthesis": build_plan_synthesis,
    "predict_reaction": build_predict_reaction,
    "generate_molecules": build_generate_molecules,
    "optimize_molecule": build_optimize_molecule,
    "generate_materials": build_generate_materials,
    "edit_protein": build_edit_protein,
    "design_antibody_cdr": build_design_antibody_cdr,
    "molecule_properties": build_molecule_properties,
    "dock": build_dock,
    "minimize": build_minimize,
    "search_literature": build_search_literature,
    "search_results": build_search_results,
    "start_campaign": build_start_campaign,
    "run_status": build_run_status,
    "explain_candidate": build_explain_candidate,
}
_PER_TARGET = ("design_ligands", "dock", "start_campaign", "find_pockets")


SURE = 2.0
"""Least score at which a reply to a question is taken for a request of its own, of another kind."""
LONGEST_REPLY = 8
"""Words of a reply that names no thing."""
LONGEST_REQUEST = 6000
"""Characters of words: two pages, read in under a second."""
MOST_DIGITS = 15
"""Of a number: what a double holds exactly."""
SAID = 2
"""Least words beside names for which a sentence embedding is asked: a name alone asks for nothing."""


def plan_request(
    text: str, history: History | None = None, targets: Sequence[str] = (), embed: Embed | None = None
) -> Plan:
    """The steps a request asks for, or the question that has to be answered first. Deterministic."""
    history = history or History()
    table = target_table(targets)
    reading = read_mentions(text, table, history.handles())
    if too_much := _too_much(reading.text):
        return Plan(answer=too_much)
    if history.pending:
        joined = _completed(text, history, targets, embed)
        if joined is not None:
            return plan_request(joined, _without_pending(history), targets, embed)
    words = normalise(reading.text)
    files = {**history.files, **reading.attachments}
    making = Making(history, table, text, files, reading.attachments, notes=list(reading.notes))
    talk = read_talk(words) or refused(words)
    if talk:
        return Plan(answer=say(talk))
    try:
        _build(words, reading, making, embed)
    except AskError as ask:
        return Plan(question=ask.question, request=text, about=ask.about, notes=tuple(making.notes))
    except _NothingToDoError as nothing:
        return nothing.plan
    steps = tuple(
        Step(draft.action, draft.args, draft.why, next(iter(PRODUCES.get(draft.action, ())), ""))
        for draft in making.drafts
    )
    return Plan(steps, request=text, notes=tuple(making.notes))


def _too_much(words: str) -> str:
    """Why a request is not read at all, structures, sequences and pasted files aside; empty where it is."""
    if len(words) > LONGEST_REQUEST:
        return (
            f"This request has {len(words):,} characters of words; I read up to {LONGEST_REQUEST:,}. Attach a long "
            "text as a file, or ask for its parts one by one."
        )
    number = re.search(rf"\d{{{MOST_DIGITS + 1},}}", words)
    return f"“{number[0][:20]}…” has {len(number[0])} digits; I read up to {MOST_DIGITS}." if number else ""


class _NothingToDoError(Exception):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def _build(words: str, reading: Reading, making: Making, embed: Embed | None) -> None:
    """Drafts of all clauses, in order."""
    labelled = _labelled(words, reading, making, embed)
    for label, clause in labelled:
        for note in clause.requirements.notes:
            making.note(note)
        if label not in _OF_WORDS and (unread := [*_unread_numbers(clause), *_unread_limits(label, clause)]):
            making.note(f"I did not use {', '.join(f'“{one}”' for one in unread)}: say it another way if it matters.")
        if label == "again":
            for part in _one_target_each("dock", clause):
                for draft in build_follow_up(part, making):
                    making.add(draft)
            continue
        for part in _one_target_each(label, clause):
            built = BUILDERS[label](part, making)
            for draft in built if isinstance(built, list) else [built]:
                making.add(draft)


_OF_WORDS = ("search_literature", "search_results", "again", "run_status", "explain_candidate", "start_campaign")
"""Actions whose words are searched as they are, or that take no limits."""


def _unread_numbers(clause: Clause) -> list[str]:
    """Numbers that were read as no condition, amount or reference, each with the words around it."""
    pointed = clause.reference()
    words = re.sub(r"§\w+§|\b(?:all|these|those|of the) \d+\b", " ", clause.words)
    for known in (pointed.words if pointed else "", str(clause.amounts.n or "")):
        words = words.replace(known, " ", 1) if known else words
    return [
        " ".join(found[0].split()) for found in re.finditer(r"(?:[a-z-]+ ){0,2}(?<![\w.-])\d+(?:\.\d+)?(?![\w])", words)
    ]


def _unread_limits(label: str, clause: Clause) -> list[str]:
    """Properties spoken of as limits, it seems, and read as none; with the words around them."""
    if label not in ("design_ligands", "generate_molecules"):
        return []
    return [" ".join(found[0].split()) for found in _LIMITED.finditer(clause.words) if not re.search(r"\d", found[0])]


_LIMITED = re.compile(rf"(?:[a-z-]+ )?\b(?:{'|'.join(PROPERTIES.values())}|pains|brenk|alerts)\b(?: [a-z-]+){{0,2}}")


def _labelled(words: str, reading: Reading, making: Making, embed: Embed | None) -> list[tuple[str, Clause]]:
    """(action or "again", clause); what has no verb of its own belongs to the one before, or leads to the next."""
    pieces = [(piece, _by_noun(piece, read_intent(piece))) for piece in split_clauses(words)]
    pieces = _as_one_where_split_wrongly(words, pieces)
    found: list[tuple[str, str]] = []
    lead = ""
    for piece, intent in pieces:
        if intent.label in TALK:
            continue
        aside = found and intent.label in (found[-1][0], *_ASIDE.get(found[-1][0], ())) and not _is_whole(piece)
        aside = aside or (found and found[-1][0] == intent.label == "optimize_molecule" and _same_change(piece))
        if aside or (found and is_particular(piece, found[-1][1], found[-1][0], reading)):
            found[-1] = (found[-1][0], f"{found[-1][1]} , {piece}")
        elif intent.label:
            found.append((intent.label, f"{lead} , {piece}" if lead else piece))
            lead = ""
        elif found and not _CHOOSES.match(piece):
            found[-1] = (found[-1][0], f"{found[-1][1]} , {piece}")
        else:
            lead = f"{lead} , {piece}" if lead else piece
    if found and lead:
        found[-1] = (found[-1][0], f"{found[-1][1]} , {lead}")
    if not found:
        return [_with_limits_as_goals(*_unlabelled(lead, words, reading, making, pieces, embed))]
    return [_with_limits_as_goals(label, read_clause(text, reading, words)) for label, text in found]


_ASKS = re.compile(
    r"\?|\b(?:what|whats|what's|which|is|are|does|do|has|have|how|whether|if|check|test|see|tell|show|compute|calculate)\b"
)


def _with_limits_as_goals(label: str, clause: Clause) -> tuple[str, Clause]:
    """ "ketoconazole: logP at most 3" says what it should become, where it asks nothing."""
    wished = label == "molecule_properties" and clause.requirements.ranges and not _ASKS.search(clause.text)
    return ("optimize_molecule" if wished else label), clause


def _by_noun(piece: str, intent: Intent) -> Intent:
    """What was not understood by its words, by the thing it demands."""
    if intent.label in ("generate_molecules", "design_ligands", "generate_materials") and is_no_demand(piece):
        return Intent("", 0.0)
    noun = "" if intent.label else read_step_noun(piece)
    return Intent(noun, intent.score) if noun else intent


_CHOOSES = re.compile(rf"(?:take|use|pick|choose|select|keep|go (?:on )?with) (?:only |just )?the (?:\w+ )?{WHICH}\b")
"""What to go on with, of what an earlier step gives."""
_ASIDE = dict.fromkeys(
    ("find_pockets", "generate_materials", "edit_protein", "design_antibody_cdr", "search_literature"),
    ("molecule_properties", "optimize_molecule"),
)
"""After these, a clause that names nothing ("which is the biggest") is still about what they give."""


def _same_change(piece: str) -> bool:
    """Whether a change belongs to the one before: it points at no other molecule, or has no goal of its own."""
    if "§" in piece:
        return False
    return read_reference(piece) is None or not read_goals(piece, read_requirements(piece)[0])


def _is_whole(piece: str) -> bool:
    """Whether a clause names what it is about, so that it is a step of its own beside one of the same kind."""
    return bool(re.search(r"[§\d]", piece)) or read_reference(piece) is not None


def _as_one_where_split_wrongly(words: str, pieces: list[tuple[str, Intent]]) -> list[tuple[str, Intent]]:
    """A request is one clause where its parts say nothing and the whole does."""
    if len(pieces) > 1 and not any(intent.label and intent.label not in TALK for _, intent in pieces):
        flat = " ".join(words.split())
        whole = read_intent(flat)
        if whole.label and whole.label not in TALK:
            return [(flat, whole)]
    return pieces


def _unlabelled(
    lead: str,
    words: str,
    reading: Reading,
    making: Making,
    pieces: Sequence[tuple[str, Intent]],
    embed: Embed | None,
) -> tuple[str, Clause]:
    """A request in which nothing names an action: a follow-up, a thing alone, or not understood."""
    clause = read_clause(lead or words, reading, words)
    off_topic = is_off_topic(words) or any(intent.label == "off_topic" for _, intent in pieces)
    if off_topic and not reading.found:
        raise _NothingToDoError(Plan(answer=say("off_topic")))
    if making.history.calls and is_follow_up(clause):
        return "again", clause
    if clause.of("tu") and (clause.amounts.get("rounds") or clause.amounts.get("per_round")):
        return "design_ligands", clause
    talk = next((intent.label for _, intent in pieces if intent.label in TALK), "")
    if talk and not lead:
        raise _NothingToDoError(Plan(answer=say(talk)))
    if not repeats(clause) and (noun := read_noun(" ".join(clause.text.split()))):
        return noun, clause
    if embed is not None and len(re.findall(r"[a-z]{2,}", re.sub(r"§\w+§", "", clause.text))) >= SAID:
        meant = read_intent(" ".join(clause.text.split()), embed).label
        if meant in BUILDERS:
            return meant, clause
    for bad in clause.of("b"):
        raise AskError(
            f"“{bad.name}” is not a valid SMILES: {bad.value}. What should it be, and what should I do with it?",
            bad.name,
        )
    if not off_topic and _asks_for_a_fact(clause):
        return "search_literature", clause
    if reading.found and len(re.sub(r"§\w+§|\W", "", clause.text)) < 25:
        names = ", ".join(dict.fromkeys(one.name or one.value for one in reading.found))
        raise AskError(f"What should I do with {names}? {_ideas(clause)}")
    if reading.attachments and not words.strip(" ,."):
        raise AskError(f"What should I do with {', '.join(reading.attachments.values())}?")
    if repeats(clause):
        raise AskError("The same as what? Nothing has been done in this conversation yet: what should I do?")
    best = max((intent for _, intent in pieces), key=lambda intent: intent.score, default=None)
    near = best.label if best and best.score > 0.45 and best.label in BUILDERS else ""
    raise AskError(not_understood(making.raw.strip(), near))


_QUESTION = re.compile(r"(?:what|which|who|when|where|why|how)\b")
_PARTNERS = re.compile(r"\b(?:i|me|my|we|us|our|you|your|it|its|this|that|these|those|they|them|their|ones?)\b")
_EMPTY = re.compile(
    rf"{_QUESTION.pattern}|\b(?:does|have|were|about|with|from|than|into|much|many|good|best|there|mean)\b"
)


def _asks_for_a_fact(clause: Clause) -> bool:
    """Whether an otherwise not understood request is a question that names all it is about: two words or things at
    least, nothing pointed at, nobody addressed. The library is asked."""
    text = " ".join(clause.text.split())
    if not _QUESTION.match(text) or _PARTNERS.search(text) or clause.handles("MPKTRSXACDF"):
        return False
    return len(re.findall(r"§\w+§|[a-z][\w-]{3,}", _EMPTY.sub(" ", text))) >= 2


def _ideas(clause: Clause) -> str:
    if clause.of("m") or clause.handles("M"):
        return "For example its properties, a synthesis, docking into a target, or a more soluble analogue?"
    if clause.of("tf"):
        return "For example find its pockets, design ligands for it, or search the literature?"
    if clause.of("pn"):
        return "For example mutations towards a goal, or where a ligand could bind?"
    return "What is it for?"


def _one_target_each(label: str, clause: Clause) -> list[Clause]:
    """A clause about several targets is one step for each."""
    targets = list(dict.fromkeys(one.value for one in clause.of("t")))
    if label not in _PER_TARGET or len(targets) < 2:
        return [clause]
    if clause.says(r"\bselectiv\w*|\bover\b|\bbut not\b|\bwithout hitting\b|\bspare|\bavoid\b"):
        first, *rest = targets
        raise AskError(
            f"Selectivity is not computed here. Should I design for {first} and then dock the "
            f"best into {', '.join(rest)} for comparison?"
        )
    parts = []
    for target in targets:
        text = clause.text
        for one in clause.of("t"):
            if one.value != target:
                text = text.replace(clause.place(one), "")
        parts.append(read_clause(text, clause.reading, clause.whole))
    return parts


def _completed(text: str, history: History, targets: Sequence[str], embed: Embed | None) -> str | None:
    """The pending request with this reply in it; None where the words are a request of their own."""
    table = target_table(targets)
    reading = read_mentions(text, table, history.handles())
    words = normalise(reading.text)
    if read_talk(words) or not words.strip():
        return None
    asked = read_mentions(history.pending, table, history.handles())
    pending = {read_intent(piece).label for piece in split_clauses(normalise(asked.text))}
    intents = [read_intent(piece) for piece in split_clauses(words)]
    if any(one.label not in ("", *TALK, *pending) and one.score >= SURE for one in intents):
        return None
    if not reading.found and len(words.split()) > LONGEST_REPLY:
        return None
    before = plan_request(history.pending, _without_pending(history), targets, embed)
    if before.about and before.about in history.pending:
        return history.pending.replace(before.about, text.strip(), 1)
    return f"{history.pending.rstrip(' ?.!')} , {text.strip()}"


def _without_pending(history: History) -> History:
    return History(history.calls, history.files, "", history.held)
