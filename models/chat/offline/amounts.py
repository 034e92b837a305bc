"""Counts, times and settings of a request: "five", "a dozen", "for ten minutes", "3 rounds", "seed 7".

Read from normalised text in which conditions on properties were taken out before. A bare number counts only where the
word after it is something that can be counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_N = r"(\d+)"
_COUNTED = (
    r"molecules?|compounds?|ligands?|inhibitors?|binders?|candidates?|designs?|structures?|"
    r"analog(?:ue)?s?|derivatives?|mols?|hits?"
    r"|drugs?|smiles|variants?|mutants?|sequences?|proteins?|mofs?|frameworks?|materials?|"
    r"pockets?|sites?|binding sites?|cavities|papers?"
    r"|articles?|publications?|ref(?:erence)?s?|studies|results?|passages?|loops?|cdrs?|(?:cdr-?)?[hl][123]s?|"
    r"products?|outcomes?|options?|suggestions?|ideas?|examples?|samples?"
    r"|antagonists?|agonists?|blockers?|of (?:them|each)|pieces|ones|alternatives?|versions?|proposals?|"
    r"guesses|metal-organic frameworks?|metal organic frameworks?|predictions?|linkers?|"
    r"cavity|clefts?|grooves?|congeners?|quotes?|quotations?|excerpts?|citations?|preprints?|"
    r"fragments?|leads?|scaffolds?|antibod(?:y|ies)|nanobod(?:y|ies)|heavy chains?"
)
_BETWEEN = (
    r"(?:(?:(?!(?:and|to|the|a|an|each|every|or|for|in|is|are|that|which|rounds?|steps?|with|by|per|at|on|from|than)\b)"
    r"[a-z][a-z0-9-]*|¦|§\w+§)[ -]){0,4}"
)
"""Words between a number and what it counts: any but those that begin another part of the sentence."""
_MOST = (
    r"(?:at most|at the most|up to|max(?:imum|imal)?(?: of)?|(?:no|not|never) (?:more|longer|deeper|larger|"
    r"greater) than|"
    r"not exceeding|not to exceed|limited to|a limit of|capped at|a cap of|fewer than or|under|within|<=?)"
)
_STEPS = r"(?:reaction |synthetic |synthesis |linear |chemical )?(?:steps?|reactions|transformations|stages)"
_CHANGES = (
    r"(?:mutations?|substitutions?|changes|edits|exchanges|positions|replacements?|mutated (?:residues|positions)|"
    r"amino[- ]acid (?:changes|swaps))"
)
_COUNT = re.compile(
    rf"(?<![\w.§-])(?<!\brule of )(?<!\ball )(?<!\bthese )(?<!\bthose ){_N}(?!\.\d|st\b|nd\b|rd\b|th\b)[ -]?(?:x )?"
    rf"{_BETWEEN}(?:{_COUNTED})\b"
)
_TIMES = re.compile(
    r"(?:(?:for|in|within|take|takes|spend|use|using|about|max|at most|up to|no more than|not "
    r"more than|budget(?: of)?:?|limit(?: of)?|run(?: it)?(?: for)?|only) )*(?:a |an "
    r")?(?<![\w.§])(\d+(?:\.\d+)?)[ -]?(seconds?|secs?|s|minutes?|mins?|min|m|hours?|hrs?|hr|h|"
    r"days?)\b(?: (?:long|max|at most|tops|of compute|budget))?"
)
_SETTINGS: tuple[tuple[str, str], ...] = (
    (
        "per_round",
        (
            rf"{_N} (?:{_BETWEEN})(?:molecules?|compounds?|candidates?|designs?|ligands?|samples?)? "
            r"?(?:per|each|a|every|in each|in every|/) ?round"
        ),
    ),
    ("per_round", rf"per[_ -]round ?(?:of|is|=|:)? ?{_N}"),
    (
        "per_round",
        rf"(?:batch(?:es)?(?: size)?|rounds) (?:of|is|=|:) ?{_N}(?= (?:{_BETWEEN})(?:{_COUNTED})| each|\W*$|,)",
    ),
    ("per_round", rf"(?:each|every|a) round (?:with|of|makes?|making|has|gives?) {_N}"),
    ("docking_calls", rf"{_N} (?:docking calls?|dockings?|docking runs?|dock calls?|docks)\b"),
    ("docking_calls", rf"(?:docking calls?|docking budget|dockings) ?(?:of|is|=|:)? ?{_N}"),
    ("docking_calls", rf"dock(?:ing)? (?:{_MOST}|more than) {_N}"),
    ("rounds", rf"{_N} (?:more |full |design |discovery )?(?:rounds?|iterations?|cycles?|generations?)\b"),
    ("rounds", rf"rounds? ?(?:of|is|=|:) ?{_N}"),
    ("exhaustiveness", rf"exhaustiv\w* ?(?:of|is|=|:|to|set to|at)? ?{_N}"),
    ("exhaustiveness", rf"{_N} exhaustiv\w*"),
    ("seed", rf"(?:random )?seed ?(?:of|is|=|:|number)? ?{_N}\b"),
    (
        "max_steps",
        (
            rf"(?:in |within |using |with )?{_MOST} ?{_N} {_STEPS}\b|(?:route |synthesis )?(?:depth|length) (?:is |"
            rf"of )?(?:at most |max |up to |no more than |not more than )?"
            r"(?:of |= ?|<= ?|: ?)?(\d+)\b"
        ),
    ),
    (
        "max_steps",
        (
            rf"{_N} {_STEPS} (?:at (?:the )?most|max(?:imum)?|or (?:less|"
            rf"fewer|shorter)|tops)|max(?:imum)?[_ ]steps? ?(?:of|is|=|:)? ?(\d+)|(?:in|within) {_N} "
            r"(?:reaction |synthetic )?steps?"
        ),
    ),
    ("max_steps", rf"(?:just |only |exactly |about )?{_N}[ -](?:reaction |synthetic |linear )?steps?\b"),
    (
        "n_routes",
        (
            rf"{_N} (?:{_BETWEEN})(?:synthetic |synthesis |retrosynthetic )?(?:routes?|pathways?|"
            r"ways|plans|(?:retro)?synthes[ei]s)\b"
        ),
    ),
    (
        "max_mutations",
        (
            rf"(?:{_MOST}|with|only|using)? ?(?:of )?{_N} (?:point |amino acid |single )?{_CHANGES}"
            r"(?: (?:at most|max|each|or fewer|or less))?\b"
        ),
    ),
    (
        "max_mutations",
        (
            rf"(?:mutat|chang|substitut|alter|replac|exchang|vary)\w* (?:only |just |{_MOST} )?{_N} "
            r"(?:residues?|positions?|amino acids?|sites?)\b"
        ),
    ),
    ("max_mutations", rf"max(?:imum)?[_ ]mutations ?(?:of|is|=|:)? ?{_N}"),
)


_ROUNDS_OF = re.compile(
    r"\b(\d+) (?:design |discovery )?(?:rounds?|iterations?|cycles?|generations?) (?:of|with|x|times|having|"
    r"making) (\d+)\b"
    r"(?: (?:molecules?|compounds?|candidates?|designs?|ligands?|samples?|each|mols?))*"
)
_ROUNDS_EACH = re.compile(
    r"\b(\d+) (?:design )?(?:rounds?|iterations?|cycles?|generations?),? (?:and |with )?(\d+) "
    r"(?:(?:molecules?|compounds?|candidates?|designs?|ligands?|samples?) )?each\b"
)
_STRICT = re.compile(
    rf"(?:(?:in |with |using )?(?:fewer|less|shorter) than|under|below|(?<!<)<(?!=)) ?([1-9]\d*)(?= {_STEPS}| "
    rf"{_CHANGES}| rounds?\b)"
)
"""Bounds on counts that leave the number itself out."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """`n`: how many of what is asked for; `minutes`: wall time; the others as the actions' arguments are called."""

    n: int | None = None
    minutes: float | None = None
    settings: tuple[tuple[str, int], ...] = ()

    def get(self, name: str) -> int | None:
        return dict(self.settings).get(name)


def read_amounts(text: str) -> tuple[Amounts, str]:
    """The amounts in a normalised text, and the text without them (a counted word stays)."""
    settings: dict[str, int] = {}
    text = _ROUNDS_OF.sub(r"\1 rounds , \2 per round , ", text)
    text = _ROUNDS_EACH.sub(r"\1 rounds , \2 per round", text)
    text = _STRICT.sub(lambda found: f"at most {int(found[1]) - 1}", text)
    for name, pattern in _SETTINGS:
        match = re.search(rf"(?<![\w.§-])(?:{pattern})", text)
        if match and name not in settings:
            settings[name] = int(next(group for group in match.groups() if group is not None))
            text = f"{text[: match.start()]} ¦ {text[match.end() :]}"
    minutes = None
    if match := _TIMES.search(text):
        minutes = _minutes(float(match[1]), match[2])
        text = f"{text[: match.start()]} ¦ {text[match.end() :]}"
    n = None
    if match := _COUNT.search(text):
        n = int(match[1])
        text = text[: match.start()] + " " + text[match.end(1) :].lstrip(" x") if match[1] else text
    elif match := re.search(
        (
            r"(?<![\w.])(?:n ?= ?|number ?(?:of|=|:) ?(?:[a-z]+ ?[:=] ?)?|how many ?[:=] ?)(\d+)\b|(?:top|best|first) "
            rf"(\d+)\b|\b(?:{_COUNTED}) ?(?:[:=x] ?|\(n ?= ?|\()(\d+)\b(?!\.\d)"
        ),
        text,
    ):
        n = int(match[1] or match[2] or match[3])
        start = match.start(3) if match[3] else match.start()
        text = f"{text[:start]} {text[match.end() :]}"
    elif match := re.search(
        (
            r"(?:^|[,:;-] *|\b(?:give me|only|just|make it|maybe|say) )(\d{1,3})(?: of them| in total| please| "
            r"(?:would|will|should|is|are)(?: be)? (?:enough|fine|sufficient|ok|okay|plenty|good|do|suffice))?\W*$"
        ),
        text,
    ):
        n = int(match[1])
    return Amounts(n, minutes, tuple(settings.items())), re.sub(r"\s+", " ", text).strip()


def _minutes(value: float, unit: str) -> float:
    factor = {"s": 1 / 60, "m": 1.0, "h": 60.0, "d": 1440.0}[unit[0]]
    minutes = round(value * factor, 4)
    return int(minutes) if minutes == int(minutes) else minutes
