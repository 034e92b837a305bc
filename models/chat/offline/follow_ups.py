"""Requests that lean on the turn before: "do the same for EGFR", "now the second one", "ten more", "but no PAINS".

What was done last is done again with what is new put in its place. Where the new thing fits nothing of it, or nothing
was done before, a question comes back.
"""

from __future__ import annotations

import re
from typing import Any

from models.chat.offline.conversation import Call
from models.chat.offline.goals import read_goals
from models.chat.offline.plans import AskError, Draft
from models.chat.offline.request import Clause, Making, item
from models.chat.offline.requirements import render_bounds
from models.chat.offline.steps_molecules import read_must
from models.chat.offline.subjects import named_target, read_chain, subject_molecules

_SAME = re.compile(
    r"\b(?:the )?same(?: thing| again| request| procedure| way| analysis| calculation)?\b|"
    r"\bagain\b|\brepeat\b|\bonce more\b|\b(?:what|how) about\b|\binstead\b|\bonce again\b|"
    r"\blikewise\b|\bditto\b|\bredo\b|\brerun\b|\balso (?:for|with|on|against|in)\b|\bas well\b|"
    r"\btoo$"
)
_MORE = re.compile(
    r"^(?:(?:give me|make|generate|show|get|can i have|i want|need|some|please|and) "
    r")*(?:(?P<n>\d+) more|another (?P<m>\d+)|more(?: of (?:them|these|those|the same))?|a few "
    r"more|some more|another(?: one| batch| round| set)?)(?: (?:molecules|compounds|of them|of "
    r"those|please|variants|mofs|like (?:these|those|that)|ligands|designs|candidates|routes|"
    r"ones))*$"
)
_LEADS = re.compile(
    r"^(?:and |now |then |but |next |okay |also |with |for |on |against |in |into |to |only |"
    r"use |using |at |just |the |ok |so |try |take |this time |without |no |qed|logp|mw|§|¦|"
    r"\d)"
)
MOLECULE_KEYS = ("molecule", "pose", "candidate")
SEEDED = {
    "generate_molecules": 0,
    "optimize_molecule": 0,
    "design_ligands": 7,
    "generate_materials": 0,
    "edit_protein": 0,
    "design_antibody_cdr": 0,
    "plan_synthesis": 0,
}
"""Actions that draw at random, with their default seed. For more, the next seed is used, or the same comes again."""


def is_follow_up(clause: Clause) -> bool:
    """Whether a clause without a verb of its own leans on what was done before."""
    text = clause.text
    if _SAME.search(text) or _MORE.match(text):
        return True
    has_news = bool(
        clause.of("tmhfnp")
        or clause.reference()
        or clause.requirements
        or clause.amounts.settings
        or clause.amounts.n
        or clause.amounts.minutes
        or read_chain(text)
    )
    return has_news and len(text.split()) <= 12 and bool(_LEADS.match(text) or clause.reference())


def repeats(clause: Clause) -> bool:
    """Whether a clause asks for something once more."""
    return bool(re.search(r"\b(?:same|again|repeat|redo|rerun)\b", clause.text) or _MORE.match(clause.text))


def build_follow_up(clause: Clause, making: Making) -> list[Draft]:
    """The last turn's steps again, with what is new."""
    calls = _last_turn(making)
    if not calls:
        raise AskError("The same as what? Nothing has been done in this conversation yet: what should I do?")
    if more := _MORE.match(clause.text):
        return [_more(calls, int(more["n"] or more["m"] or 0) or clause.amounts.n)]
    drafts = [_again(position, calls) for position in range(len(calls))]
    if len(drafts) == 1 and (copies := _for_each(drafts[0], clause, making)):
        return copies
    changed = _put_in(drafts, clause, making)
    if not changed and not _SAME.search(clause.text):
        raise AskError(f"What should I do with “{_shown(clause)}”?")
    return drafts


def _last_turn(making: Making) -> list[Call]:
    """The calls of the last turn that had any, without those that ask how things stand."""
    calls = [call for call in making.history.calls if call.action != "run_status"]
    found: list[Call] = []
    for call in reversed(calls):
        if found and call.step >= found[0].step:
            break
        found.insert(0, call)
    return found


def _again(position: int, calls: list[Call]) -> Draft:
    """A call as a draft: handles that an earlier call of the turn gave become references to its step."""
    made = {
        thing.handle: item(step, at)
        for step, call in enumerate(calls[:position], 1)
        for at, thing in enumerate(call.things, 1)
    }

    def refer(value: Any) -> Any:
        if isinstance(value, list):
            return [refer(one) for one in value]
        return made.get(value, value) if isinstance(value, str) else value

    call = calls[position]
    return Draft(call.action, {key: refer(value) for key, value in call.args.items()}, "as before, with what is new")


def _more(calls: list[Call], n: int | None) -> Draft:
    call = next((call for call in reversed(calls) if call.action in SEEDED), None)
    if call is None:
        raise AskError("More of what? The last step draws nothing that there could be more of: what should I make?")
    args = dict(call.args)
    args["seed"] = int(args.get("seed", SEEDED[call.action])) + 1
    if n:
        args["n_routes" if call.action == "plan_synthesis" else "n"] = n
    if call.action == "design_ligands":
        args.pop("n", None)
    return Draft(call.action, args, "more of the same, drawn with the next seed", count=n)


def _put_in(drafts: list[Draft], clause: Clause, making: Making) -> bool:
    """Change the drafts by what the clause brings; False where it brings nothing that fits."""
    changed = _put_target(drafts, clause, making)
    changed = _put_molecules(drafts, clause, making) or changed
    changed = _put_conditions(drafts, clause) or changed
    changed = _put_interactions(drafts, clause, making) or changed
    chain = read_chain(clause.text)
    for draft in drafts:
        if chain and ("chain" in draft.args or draft.action in ("find_pockets", "design_ligands", "dock")):
            draft.args["chain"] = chain
            changed = True
        for key, value in clause.amounts.settings:
            if _takes(draft.action, key):
                draft.args[key] = value
                changed = True
        if clause.amounts.minutes is not None and draft.action == "design_ligands":
            draft.args["minutes"] = clause.amounts.minutes
            changed = True
        if (
            clause.amounts.n is not None
            and draft.action not in ("dock", "minimize", "molecule_properties", "design_ligands")
            and not clause.says(r"\b(?:top|best) \d")
        ):
            draft.args["n_routes" if draft.action == "plan_synthesis" else "n"] = clause.amounts.n
            changed = True
        for sequence in clause.of("pn"):
            if draft.action == "edit_protein":
                draft.args["sequence"] = sequence.value
                changed = True
    return changed


def _for_each(draft: Draft, clause: Clause, making: Making) -> list[Draft]:
    """One step that takes one molecule, wanted for several; empty where it is not so."""
    key = next((key for key in MOLECULE_KEYS if key in draft.args), None)
    reference = clause.reference()
    several = len(clause.of("m") + [one for one in clause.of("h") if one.value[0] == "M"]) > 1
    if key is None or not (
        several or (reference is not None and (reference.kind in ("all", "top") or len(reference.numbers) > 1))
    ):
        return []
    found = subject_molecules(clause, making, "is meant")
    return [Draft(draft.action, {**draft.args, key: one}, draft.why, subjects=[one]) for one in found]


_TAKEN = {
    "design_ligands": ("rounds", "per_round", "docking_calls", "seed"),
    "dock": ("exhaustiveness", "seed"),
    "plan_synthesis": ("n_routes", "max_steps", "seed"),
    "optimize_molecule": ("rounds", "seed"),
    "edit_protein": ("max_mutations", "seed"),
}


def _takes(action: str, key: str) -> bool:
    return key in _TAKEN.get(action, ("seed",))


def _put_target(drafts: list[Draft], clause: Clause, making: Making) -> bool:
    target = named_target(clause, making)
    if target is None:
        return False
    changed = False
    for draft in drafts:
        if draft.action == "start_campaign" and isinstance(draft.args.get("campaign"), dict):
            draft.args["campaign"] = {**draft.args["campaign"], "target": target}
            changed = True
        for key in ("target", "protein"):
            if key in draft.args and not str(draft.args[key]).startswith("$"):
                draft.args[key] = target
                changed = True
        for key in ("chain", "pocket", "must"):
            if changed and key in draft.args and not str(draft.args[key]).startswith("$"):
                draft.args.pop(key)
    if not changed:
        raise AskError(f"The last step has no target. What should I do with {target}?")
    return changed


def _put_molecules(drafts: list[Draft], clause: Clause, making: Making) -> bool:
    named = [one for one in clause.of("mh") if one.letter == "m" or one.value[0] == "M"]
    reference = clause.reference()
    if not named and (reference is None or reference.kind == "it"):
        return False
    fitting = [draft for draft in drafts if {*MOLECULE_KEYS, "molecules"} & draft.args.keys()]
    if not fitting:
        if named or reference is not None:
            raise AskError(f"What should I do with {_shown(clause)}?")
        return False
    found = subject_molecules(clause, making, "is meant")
    first = fitting[0]
    for key in MOLECULE_KEYS:
        if key in first.args:
            first.args[key] = found[0]
    if "molecules" in first.args:
        first.args["molecules"] = found
    return True


def _put_conditions(drafts: list[Draft], clause: Clause) -> bool:
    if not clause.requirements and not read_goals(clause.text, clause.requirements):
        return False
    changed = False
    for draft in drafts:
        if draft.action == "generate_molecules":
            names = {"logp": "log_p", "mol_weight": "molecular_weight", "qed": "qed"}
            others = dict(clause.requirements.flags)
            for key, bounds in clause.requirements.ranges.items():
                if key in names:
                    draft.args[names[key]] = list(bounds)
                else:
                    others[key] = render_bounds(*bounds)
            if others:
                draft.args["constraints"] = {**draft.args.get("constraints", {}), **others}
            changed = True
        elif draft.action == "design_ligands" and clause.requirements:
            draft.args["constraints"] = {**draft.args.get("constraints", {}), **clause.requirements.constraints()}
            changed = True
        elif draft.action == "optimize_molecule" and (goals := read_goals(clause.text, clause.requirements)):
            kept = [
                goal for goal in draft.args.get("goals", []) if goal.split()[0] not in {new.split()[0] for new in goals}
            ]
            draft.args["goals"] = [*kept, *goals] if clause.says(r"\b(?:also|too|and|as well)\b") else goals
            changed = True
    return changed


def _put_interactions(drafts: list[Draft], clause: Clause, making: Making) -> bool:
    designs = [draft for draft in drafts if draft.action == "design_ligands"]
    must = read_must(clause, making) if designs else []
    for draft in designs if must else []:
        draft.args["must"] = must
    return bool(must)


def _shown(clause: Clause) -> str:
    text = clause.text
    for one in clause.reading.found:
        text = text.replace(clause.place(one), one.name or one.value)
    return text
