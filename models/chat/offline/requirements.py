"""Conditions on molecules as people write them: "QED above 0.4 and no PAINS", "mw 300-450", "at most 5 rot bonds".

Read from normalised text; what was read is taken out of it, so that its numbers are not counted as anything else. A
condition on something that is not computed comes back as a note. Where a word stands for a number, the number and its
source stand in `WORDS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NUMBER = r"-?\d+(?:\.\d+)?"
PROPERTIES: dict[str, str] = {
    "qed": r"(?:drug-?\s?likeness \()?qed(?: scores?| values?)?|drug-?\s?likeness(?: scores?)?",
    "logp": r"[ca]?log[ _-]?p(?: values?)?|lipophilicity|octanol.water (?:partition )?coefficient",
    "mol_weight": r"mws?|m\.w\.|mol(?:ecular)?[ ._-]?(?:weights?|wt|mass(?:es)?)|weights?|weigh(?:s|ing)?|mass(?:es)?",
    "tpsa": r"t?psa|(?:topological )?polar surface(?: area)?",
    "fsp3": r"fsp3|fraction (?:of )?sp3(?: carbons?)?",
    "rotatable_bonds": r"rotatable bonds?|rot(?:\.|able)? ?bonds?|rotb|rotors?",
    "heavy_atoms": r"heavy atoms?|non-?hydrogen atoms?|heavies",
    "synthesizability": r"sa[ _-]?scores?|synthetic accessibility(?: scores?)?|synthesi[sz]ability|sascore",
}
"""Key of a campaign's constraints -> how people write it."""
UNSUPPORTED: dict[str, str] = {
    r"h(?:ydrogen)?[ -]?bond(?:ing)? donors?|hbd": "the number of hydrogen-bond donors",
    r"h(?:ydrogen)?[ -]?bond(?:ing)? acceptors?|hba": "the number of hydrogen-bond acceptors",
    r"(?:aromatic )?rings?(?: count)?": "the number of rings",
    r"ic50|ec50|ki|kd|pic50|potency": "measured potency",
    r"half-?life|clearance|bioavailability|permeability|caco-?2|ppb|pka|herg|toxicity|selectivity": "this property",
    r"log[ _]?s|solubility": "a limit on solubility",
    r"docking scores?|vina(?: scores?)?|affinit(?:y|ies)|binding energ(?:y|ies)": "a docking score",
}
DEFAULT_WIDTH = {
    "qed": 0.05,
    "logp": 0.5,
    "mol_weight": 25.0,
    "tpsa": 10.0,
    "fsp3": 0.05,
    "rotatable_bonds": 1.0,
    "heavy_atoms": 2.0,
    "synthesizability": 0.5,
}
"""How far "around 2" reaches on each side, in the property's unit: a convention of this project, told in the answer."""
_ABOVE = (
    r">=?|above|over|greater(?: than)?(?: or equal to)?|more(?: than)?|higher(?: than)?|at "
    r"least|min(?:imum|imal)?\.?(?: of)?|exceeding"
    r"|(?:a )?(?:floor|lower limit|lower bound)(?: of| at)?|(?:no|not) worse than|upwards of|starting at"
    r"|bigger than|larger than|heavier than|not (?:below|under|less than|lower than|smaller "
    r"than)|no (?:less|lower|smaller) than|better than|beyond"
)
_BELOW = (
    r"<=?|below|under|less(?: than)?|lower(?: than)?|at most|max(?:imum|imal)?\.?(?: of)?|up "
    r"to|smaller(?: than)?|fewer(?: than)?|lighter than"
    r"|(?:a )?(?:ceiling|cap|upper limit|upper bound|limit)(?: of| at)?|capped (?:at|to)|limited to|(?:no|not) "
    r"longer than"
    r"|never (?:above|over)|down to|not (?:above|over|more than|greater than|higher than|heavier than|exceed(?:ing)?)|"
    r"no (?:more|higher|greater|heavier|larger|bigger) than|within|beneath"
)
_ABOUT = r"around|about|approx(?:imately|\.)?|roughly|near|close to|~|ca\.?|circa"
_OPERATOR = (
    rf"(?:(?P<above>{_ABOVE})|(?P<below>{_BELOW})|(?P<about>{_ABOUT})|(?P<between>between|from|in "
    r"the range(?: of)?|range|ranging from|in))"
)
_FILLER = (
    r"(?:\s|:|[()]|=(?!=)|\b(?:score|value|values|should|must|has|have|to|be|is|are|of|that|stays?|kept|"
    r"keep|with|a|the|it|its|lie|lies|lying|go|goes|going|come|land|somewhere|anywhere|at|into|range|window|this|"
    r"that|molecule)\b|§\w+§)*"
)
_UNIT = r"\s*(?:g\s?/\s?mol|g mol-1|kda|da(?:ltons?)?|å\^?2|å²|angstroms?(?: squared)?|a\^2|kcal/mol|units?|%)?"
_RIGHT = re.compile(
    rf"^{_FILLER}(?:{_OPERATOR})?{_FILLER}(?P<first>{NUMBER}){_UNIT}(?:\s*(?:-|to|\.\.+|through|"
    rf"(?(between)and|(?!)))\s*(?P<second>{NUMBER}){_UNIT})?"
    r"(?:\s*(?P<after_above>\+|or (?:more|above|higher|better|greater|larger|heavier)|and (?:above|up|higher)|"
    r"minimum|min\b|upwards)|\s*(?P<after_below>or (?:less|below|lower|fewer|under|smaller|lighter)|and below|"
    r"maximum|max\b|at most|tops))?"
)
_MORE = re.compile(
    rf"^\s*(?:,|and|but|&)+\s*{_FILLER}(?:(?P<above>{_ABOVE})|"
    rf"(?P<below>{_BELOW}))\s*(?P<first>{NUMBER})(?!\.?\d)(?!\s*(?:da\b|g\b|g/|mol|comp|lig|round|min|route|"
    rf"%|[a-z]{{3,}}))"
)
_LEFT = re.compile(
    rf"(?:{_OPERATOR}\s*)?(?P<first>{NUMBER})(?:\s*(?:-|to|\.\.+|(?(between)and|"
    rf"(?!)))\s*(?P<second>{NUMBER}))?\s*(?P<plus>\+|or (?:more|fewer|less))?\s*(?:g/mol|"
    r"da)?\s*(?:of )?$"
)
_DALTONS = re.compile(
    rf"(?:{_OPERATOR}\s*)?(?P<first>{NUMBER})(?:\s*(?:-|to|\.\.+|(?(between)and|"
    rf"(?!)))\s*(?P<second>{NUMBER}))?\s*(?P<unit>g\s?/\s?mol|"
    r"da(?:ltons?)?\b)(?:\s*(?P<after_above>or more|\+|minimum)|"
    r"\s*(?P<after_below>max(?:imum)?|or less|at most))?"
)
_WEIGHED = re.compile(r"(?:lighter|heavier) than [1-9]\d{2,3}\b(?!\s*(?:da|g|heavy))")
_NAMES = re.compile(
    "|".join(rf"(?P<{key}>(?<![\w§])(?:{pattern})(?![\w§]))" for key, pattern in PROPERTIES.items()).replace(
        "(?![\\w§]))|", "(?![a-z§]))|"
    )
)
_NONE = (
    r"(?:no|without|free of|exclud(?:e|ing)|avoid(?:ing)?|zero|0|not? any|filter(?: out)?|"
    r"reject(?:ing)?|remove|lacking|w/o)"
)
FLAGS: tuple[tuple[str, str, str], ...] = (
    (
        "pains",
        "none",
        (
            rf"{_NONE} (?:any )?pains(?: alerts?| hits?| matches| motifs?)?|pains[- ]?free|"
            r"(?:pass(?:es|ing)?|clean of|clean in) (?:the )?pains(?: filters?)?"
        ),
    ),
    ("brenk", "none", rf"{_NONE} (?:any )?brenk(?: alerts?)?|brenk[- ]?free"),
    (
        "reactive",
        "none",
        (
            rf"{_NONE} (?:any )?(?:reactive|electrophilic)(?: groups?| warheads?| functional "
            r"groups?| moieties)?|no warheads?|non-?reactive|non-?covalent"
        ),
    ),
    (
        "alerts",
        "none",
        (
            rf"{_NONE} (?:any )?(?:structural |medchem |tox(?:icity)? )?alerts?|alert[- ]?free|"
            rf"{_NONE} (?:any )?(?:structural )?red flags"
        ),
    ),
    ("lipinski", "none", r"(?:no|0|without|zero) (?:any )?(?:lipinski|ro5|rule of (?:five|5)) violations?"),
    (
        "lipinski",
        "<=1",
        (
            r"lipinski(?:[- ]?(?:like|compliant|rule|rules|ok|conform))?|rule[- ]of[- ](?:five|5)|"
            r"ro5|drug-?\s?like(?!-?ness)|orally available|oral drugs?"
        ),
    ),
    (
        "synthesizability",
        "<=4.5",
        (
            r"eas(?:y|ily) to (?:make|synthesi[sz]e|prepare)|easily (?:made|synthesi[sz]able)|"
            r"(?:readily |easily )?synthesi[sz]able|synthetically (?:accessible|feasible|tractable|"
            r"easy)|makeable"
        ),
    ),
)
"""Constraint, its value, and the words for it. Lipinski 1997 (10.1016/S0169-409X(96)00423-1) tolerates one violation;
SA score 4.5 is where the project's campaigns draw the line for easy to make (Ertl 2009, 10.1186/1758-2946-1-8)."""
ASSUMED = {
    ("lipinski", "<=1"): (
        "Lipinski's rule of five with at most one violation (Lipinski 1997, doi:10.1016/S0169-409X(96)00423-1)"
    ),
    ("synthesizability", "<=4.5"): (
        "an SA score of at most 4.5 (score: Ertl 2009, doi:10.1186/1758-2946-1-8; the limit is Organon's own)"
    ),
}
"""What a word was taken for where it could mean more than one thing: told in the answer."""
_UNWANTED = re.compile(
    r"\b(pains|brenk|alerts|reactive groups?)(?: alerts?| hits?| matches)? "
    r"(?:(?:must|should|may|can|are|is)(?:n't| not| never)|"
    r"(?:is|are|to be) (?:excluded|avoided|forbidden|unwanted|undesired))(?: (?:to )?(?:be )?(?:appear|occur|there|"
    r"present|allowed|included|wanted|contained|tolerated))?"
)
_ELEMENTS = re.compile(
    r"only (?:the elements? )?((?:(?:c|n|o|f|s|p|cl|br|i|h|b)(?:\s*(?:,|and|/)?\s+|\s*,\s*|$|\b)){2,})(?:atoms?)?"
)


@dataclass(slots=True)
class Requirements:
    """`ranges`: constraint key -> (low, high), an open end None, in logP units, g/mol, Å², counts or score units;
    `flags`: key -> value of a campaign's constraints. `notes` say what was assumed or cannot be asked for."""

    ranges: dict[str, tuple[float | None, float | None]] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ranges or self.flags)

    def constraints(self) -> dict[str, str]:
        """As in a campaign file: {"qed": ">=0.4", "mol_weight": "300..450", "pains": "none"}."""
        return {**{key: render_bounds(*bounds) for key, bounds in self.ranges.items()}, **self.flags}

    def bound(self, key: str, low: float | None, high: float | None) -> None:
        old_low, old_high = self.ranges.get(key, (None, None))
        self.ranges[key] = (low if low is not None else old_low, high if high is not None else old_high)


def render_bounds(low: float | None, high: float | None) -> str:
    """ "<=4", ">=0.4" or "2..3"."""
    if low is None:
        return f"<={high:g}"
    return f">={low:g}" if high is None else f"{low:g}..{high:g}"


def read_requirements(text: str) -> tuple[Requirements, str]:
    """The conditions in a normalised text, and the text without them."""
    found = Requirements()
    text = _in_own_units(text)
    text = _read_unsupported(text, found)
    text = _read_flags(text, found)
    position = 0
    while (name := _NAMES.search(text, position)) is not None:
        key = str(name.lastgroup)
        span = _read_bounds(text, name, key, found)
        if span is None:
            position = name.end()
        else:
            text = f"{text[: span[0]]} ¦ {text[span[1] :]}"
            position = span[0]
    text = _WEIGHED.sub(r"\g<0> da", text)
    text = _DALTONS.sub(lambda match: _daltons(match, found), text)
    return found, re.sub(r"\s+", " ", text).strip()


_NEAR = 120
"""Characters on each side of a property's name in which its numbers are looked for."""
_AUXILIARY = (
    r"\b(?:(?:nothing|none|no (?:molecules?|compounds?|one|ones))(?: of them| that)?(?: is| are| goes| may be)?|"
    r"(?:should|must|may|can|could|shall|do|does|would|will|is|are)(?:n't| ?not| never)(?: to| be| go| get| have)*)"
)
_NOT_OVER = re.compile(
    rf"{_AUXILIARY} (?:exceed|surpass|above|over|beyond|(?:more|greater|higher|heavier|larger|bigger) than)|can't "
    rf"exceed"
)
_NOT_UNDER = re.compile(
    rf"{_AUXILIARY} (?:(?:fall|drop|sink|come) )?(?:below|under|beneath|(?:less|lower|smaller|fewer) than)"
)
_COUNTED_AFTER = re.compile(
    r"\s*(?:x )?(?:design |full |more )?(?:rounds?|iterations?|cycles?|generations?|molecules?|compounds?|"
    r"analog(?:ue)?s?|"
    r"variants?|routes?|steps?|minutes?|mins?|hours?|candidates?|ligands?|designs?|versions?)\b"
)


def _in_own_units(text: str) -> str:
    """kDa as Da, nm² as Å², and per cent of a score that goes from 0 to 1 as a share."""
    text = _NOT_OVER.sub("at most", _NOT_UNDER.sub("at least", text))
    text = re.sub(r"(\d+(?:\.\d+)?)\s*kda\b", lambda found: f"{float(found[1]) * 1000:g} da", text)
    text = re.sub(r"(\d+(?:\.\d+)?)\s*nm(?:\^?2|²)", lambda found: f"{float(found[1]) * 100:g} å²", text)
    if re.search(r"\b(?:qed|fsp3|drug-?likeness)\b", text):
        text = re.sub(r"(\d+(?:\.\d+)?)\s*(?:%|per ?cent\b)", lambda found: f"{float(found[1]) / 100:g}", text)
    return text


def _read_bounds(text: str, name: re.Match[str], key: str, found: Requirements) -> tuple[int, int] | None:
    """Read the numbers beside a property's name; the span that was read."""
    before = max(0, name.start() - _NEAR)
    left = _LEFT.search(text[before : name.start()])
    right = _RIGHT.match(text[name.end() : name.end() + _NEAR])
    counted = key in ("rotatable_bonds", "heavy_atoms")
    if right is not None and _COUNTED_AFTER.match(text[name.end() + right.end() :]):
        right = None
    if right is not None and not (counted and left is not None):
        low, high = _bounds_of(right, key, found)
        end = name.end() + right.end()
        while (more := _MORE.match(text[end : end + _NEAR])) is not None:
            value = float(more["first"])
            low, high = (value, high) if more["above"] else (low, value)
            end += more.end()
        found.bound(key, low, high)
        return name.start(), end
    if left is not None and (counted or left["above"] or left["below"] or left["between"] or left["second"]):
        found.bound(key, *_bounds_of(left, key, found))
        return before + left.start(), name.end()
    return None


def _bounds_of(match: re.Match[str], key: str, found: Requirements) -> tuple[float | None, float | None]:
    groups = match.groupdict()
    first, second = float(match["first"]), match["second"]
    if second is not None:
        low, high = sorted((first, abs(float(second)) if first >= 0 else float(second)))
        return low, high
    if groups.get("above") or groups.get("after_above") or groups.get("plus") in ("+", "or more"):
        return first, None
    if groups.get("below") or groups.get("after_below") or groups.get("plus") in ("or fewer", "or less"):
        return None, first
    if key in ("rotatable_bonds", "heavy_atoms") and not groups.get("about"):
        return first, first
    width = DEFAULT_WIDTH[key]
    low, high = round(first - width, 4), round(first + width, 4)
    if key != "logp":
        low = max(low, 0.0)
    found.notes.append(f"I read {key.replace('_', ' ')} around {first:g} as {low:g} to {high:g}.")
    return low, high


def _daltons(match: re.Match[str], found: Requirements) -> str:
    found.bound("mol_weight", *_bounds_of(match, "mol_weight", found))
    return " ¦ "


def _read_unsupported(text: str, found: Requirements) -> str:
    for pattern, what in UNSUPPORTED.items():
        limit = (
            rf"(?:(?:{_ABOVE}|{_BELOW}|{_ABOUT}|exactly)\s*{NUMBER}\s*(?:nm|um|µm)?\s*(?:{pattern})\b|"
            rf"\b(?:{pattern}){_FILLER}(?:{_ABOVE}|{_BELOW}|{_ABOUT}|=)\s*{NUMBER}\s*(?:nm\b|um\b|"
            r"µm|kcal/mol)?)"
        )
        text, times = re.subn(limit, " ¦ ", text)
        if times:
            found.notes.append(f"I cannot ask for {what}: it is left out.")
    return text


def _read_flags(text: str, found: Requirements) -> str:
    text = _UNWANTED.sub(r"no \1", text)
    for key, value, pattern in FLAGS:
        named = re.search(rf"(?<![\w§])(?:{pattern})(?![\w§])", text)
        if named is None:
            continue
        text = re.sub(rf"(?<![\w§])(?:{pattern})(?![\w§])", " ¦ ", text)
        if key not in found.flags and (key, value) in ASSUMED:
            found.notes.append(f"I read “{named[0]}” as {ASSUMED[key, value]}.")
        found.flags.setdefault(key, value)
    if "¦" in text:
        text = re.sub(r"\s+", " ", text)
        text = re.sub(r"¦ (?:and|or) (?:brenk|pains)(?: alerts?)?\b", lambda match: _second_flag(match[0], found), text)
    if match := _ELEMENTS.search(text):
        found.flags["elements"] = " ".join(
            part.capitalize() for part in re.findall(r"[a-z]+", match[1]) if part != "and"
        )
        text = text.replace(match[0], " ¦ ")
    return text


def _second_flag(text: str, found: Requirements) -> str:
    found.flags.setdefault("brenk" if "brenk" in text else "pains", "none")
    return "¦"
