"""The final words of a turn, put together from results alone: their sentences, numbers with units, handles, citations.

No number and no claim stands in an answer that is not in a result. What failed is said first with its remedy; what was
not checked is said last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from models.chat.offline.conversation import Call, Thing
from models.chat.offline.plans import Plan, Step

SHOWN_THINGS = 5
SHOWN_NUMBERS = 8
FIGURES = 4
STRUCTURAL = ("molecule", "material", "reaction")
"""Kinds whose value is a chemist's line notation, which an answer shows."""
QUOTES = 4
SHORTEST_QUOTE, LONGEST_QUOTE = 25, 420
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9(\[“\"])")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]+")
_EVERYWHERE = """
the a an of in on for to and or is are was were with that this by from as at be it its we our not have has which their
these than can may been also such into using used but does do what how about say says paper papers literature known
"""
_COMMON = frozenset(_EVERYWHERE.split())
REMEDIES = {
    "input": "Change that and ask again.",
    "install": "Something has to be installed or set up first, as said.",
    "retry": "That may pass: ask again in a while.",
    "refused": "It was not approved, so it was not done.",
    "stop": "It was stopped.",
    "error": "That is a fault of the program: please report it with the run's id.",
}


def compose(plan: Plan, done: Mapping[int, Call], skipped: Mapping[int, str]) -> str:
    """The answer of a turn whose steps are done. `skipped`: steps that could not be done, and why."""
    parts: list[str] = []
    several = len(plan.steps) > 1
    for number, step in enumerate(plan.steps, 1):
        call = done.get(number)
        head = f"{number}. " if several else ""
        if call is None:
            parts.append(f"{head}Not done ({_title(step)}): {skipped.get(number, 'it was not reached.')}")
        elif call.fault:
            parts.append(f"{head}{_failure(step, call)}")
        else:
            parts.append(f"{head}{_result(call)}")
    parts.extend(_closing(plan, done))
    return "\n\n".join(part for part in parts if part.strip())


def _title(step: Step) -> str:
    return step.action.replace("_", " ")


def _failure(step: Step, call: Call) -> str:
    remedy = REMEDIES.get(call.fault, "")
    return f"{_title(step).capitalize()} failed: {_ended(call.summary)} {remedy}".strip()


def _result(call: Call) -> str:
    if call.action == "search_literature":
        return _quotes(str(call.args.get("query") or ""), call)
    lines = [_ended(call.summary)]
    lines.extend(_listed(call.things))
    left = len(call.things) - SHOWN_THINGS + call.more
    if left > 0 and len(call.things) > SHOWN_THINGS:
        lines.append(f"and {left} more.")
    return "\n".join(line for line in lines if line)


def _listed(things: Sequence[Thing]) -> Iterable[str]:
    for thing in things[:SHOWN_THINGS]:
        numbers = ", ".join(
            f"{_plain(name)} {_shown(name, value)}" for name, value in list(thing.numbers.items())[:SHOWN_NUMBERS]
        )
        name = f" ({thing.name})" if thing.name and thing.name != thing.value else ""
        formula = f" {thing.value}" if thing.kind in STRUCTURAL and thing.value else ""
        yield f"- {thing.handle}{name}{formula}{': ' + numbers if numbers else ''}"


def _shown(name: str, value: str) -> str:
    """A number with its unit, to four significant figures; a logP is a logarithm by name and needs no unit for it."""
    amount, _, unit = value.partition(" ")
    if re.fullmatch(r"-?\d+\.\d+(?:e[+-]?\d+)?", amount):
        amount = f"{float(amount):.{FIGURES}g}"
    if unit == "log10" and re.search(r"log_?[pds]", name.lower()):
        unit = ""
    return f"{amount} {unit}".strip()


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _quotes(query: str, call: Call) -> str:
    """Sentences of the passages that share most words with the question, each with the number of its passage."""
    asked = {word for word in _WORD.findall(query.lower()) if word not in _COMMON}
    scored: list[tuple[float, int, str, str]] = []
    for order, citation in enumerate(call.citations):
        for sentence in sentences(str(citation.get("quote") or "")):
            words = set(_WORD.findall(sentence.lower()))
            stems = {word[:6] for word in words}
            share = sum(word[:6] in stems for word in asked) / max(1, len(asked))
            scored.append((share - 0.02 * order, order, sentence, str(citation.get("number"))))
    best = sorted(sorted(scored, key=lambda one: -one[0])[:QUOTES], key=lambda one: one[1])
    chosen = [one for one in best if one[0] > 0] or best[:1]
    if not chosen:
        return _ended(call.summary)
    lines = ["What the passages say, in their own words:"]
    lines.extend(f"- “{sentence}” [{number}]" for _, _, sentence, number in chosen)
    return "\n".join(lines)


def sentences(text: str) -> list[str]:
    """Whole sentences of a passage; pieces cut off at its ends are left out where there are whole ones."""
    flat = " ".join(text.split())
    pieces = [piece.strip() for piece in _SENTENCE.split(flat) if len(piece.strip()) >= SHORTEST_QUOTE]
    whole = [
        piece
        for piece in pieces
        if piece[-1] in ".!?" and (piece[0].isupper() or piece[0].isdigit() or piece[0] in '(“"')
    ]
    return [
        piece if len(piece) <= LONGEST_QUOTE else piece[: LONGEST_QUOTE - 1].rsplit(" ", 1)[0] + " …"
        for piece in whole or pieces
    ]


def _closing(plan: Plan, done: Mapping[int, Call]) -> list[str]:
    """Runs, warnings, what was assumed, what was not checked, and a question a step asked back."""
    calls = [done[number] for number in sorted(done)]
    closing: list[str] = []
    runs = list(dict.fromkeys(run for call in calls for run in call.runs))
    if runs:
        closing.append(f"Run: {', '.join(runs)}")
    warnings = list(dict.fromkeys(warning for call in calls for warning in call.warnings))
    if warnings:
        closing.append("Mind: " + " ".join(_ended(warning) for warning in warnings))
    if plan.notes:
        closing.append("How I read it: " + " ".join(plan.notes))
    unchecked = list(dict.fromkeys(one.strip(" .") for call in calls for one in call.not_checked))
    if unchecked:
        closing.append("Not checked: " + "; ".join(unchecked) + ".")
    questions = [call.question for call in calls if call.question]
    return [*closing, *questions[-1:]]


def _ended(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?:" else text + "."
