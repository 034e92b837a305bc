"""Words that point at things made before: "the second one", "these", "the best three", "it"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

ORDINALS = {
    w: n
    for n, words in enumerate(
        (
            "first 1st",
            "second 2nd runner-up",
            "third 3rd",
            "fourth 4th",
            "fifth 5th",
            "sixth 6th",
            "seventh 7th",
            "eighth 8th",
            "ninth 9th",
            "tenth 10th",
        ),
        1,
    )
    for w in words.split()
}
_ORDINAL = "|".join(ORDINALS)
_NOUN = (
    r"(?:one|molecule|compound|candidate|hit|design|ligand|result|pose|structure|inhibitor|binder|"
    r"pocket|site|route|product|variant|sequence|material|mof|run|campaign|analog(?:ue)?|option|"
    r"drug|protein|antibody|mutant|lead|paper|passage)"
)
_NTH = re.compile(
    rf"\b(?:the |this |that |number |no\.? ?|candidate |my |its )?(?P<nth>{_ORDINAL}|last|"
    rf"final)(?: (?:best|ranked))? (?P<noun>{_NOUN})\b|\b(?:the|number|candidate) "
    rf"(?P<bare>{_ORDINAL}|last)\b(?! (?:§|\d|\w+ing\b|two|three|few|round))|(?:\bnumber|"
    rf"\bno\.?|#|\bcandidate|\brank) ?(?P<digits>\d{{1,3}})\b"
)
_NTH_PAIR = re.compile(
    rf"\b(?:the )?(?P<a>{_ORDINAL}) and (?:the )?(?P<b>{_ORDINAL})(?: (?:one|ones|molecules?|"
    r"compounds?|candidates?))?\b"
)
_TOP = re.compile(
    r"\b(?:the )?(?:top|best|first) (?P<n>\d+)\b|\b(?:the )?(?P<m>\d+) (?:best|top|first|highest.ranked)\b"
)
_BEST = re.compile(
    r"\b(?:the |our |my |your )?(?:very )?(?:best|top(?:[- ](?:ranked|scoring))?|winner|"
    rf"winning|highest[- ]ranked|most promising|top-ranked)(?: (?P<noun>{_NOUN}))?\b(?! \d)|"
    r"\bthe lead\b"
)
_ALL = re.compile(
    r"\b(?:these|those|them|their|both|all(?: of (?:them|these|those))?|each(?: of them| one)?|"
    r"every(?: one)?|everything|(?:the |those |these |all |your |my |our |resulting |new "
    r")+(?:molecules|compounds|ligands|designs|candidates|hits|results|poses|structures|"
    r"inhibitors|binders|analog(?:ue)?s|products|ones|routes|pockets|variants|sequences|"
    r"materials|mofs|survivors|others))\b"
)
_IT = re.compile(
    r"\b(?:it|its|this|that)\b(?! (?:bind|inhibit|block|fit|hit|are|is a|can|would|could|have|"
    r"has|target|contain|look))|\bthe (?:docked |designed |same |resulting |above |new |"
    rf"predicted )*(?P<noun>{_NOUN})(?! (?:of|for|where|with|\d))\b|"
    r"(?<=\bof )what (?:comes out|forms|is (?:formed|made|obtained)|results|(?:you|i|we) get)\b"
)
WHICH = rf"(?:{_ORDINAL}|last|best|top|winner|most promising)"
Kind = Literal["nth", "top", "all", "it", "best"]


@dataclass(frozen=True, slots=True)
class Reference:
    """`numbers`: positions from 1 (-1: the last) for "nth"; how many for "top". `noun`: what it was called."""

    kind: Kind
    numbers: tuple[int, ...] = ()
    noun: str = ""
    words: str = ""


_BY_WORDS: tuple[tuple[Kind, re.Pattern[str], tuple[int, ...]], ...] = (
    ("best", _BEST, (1,)),
    ("all", _ALL, ()),
    ("it", _IT, ()),
)


def read_reference(text: str) -> Reference | None:
    """What a normalised clause points at; the most definite reading first."""
    if found := _NTH_PAIR.search(text):
        return Reference("nth", (ORDINALS[found["a"]], ORDINALS[found["b"]]), words=found[0])
    if found := _TOP.search(text):
        return Reference("top", (int(found["n"] or found["m"]),), words=found[0])
    if found := _NTH.search(text):
        word = found["nth"] or found["bare"]
        number = int(found["digits"]) if found["digits"] else ORDINALS.get(word, -1)
        return Reference("nth", (number,), found["noun"] or "", found[0])
    for kind, pattern, numbers in _BY_WORDS:
        if found := pattern.search(text):
            return Reference(kind, numbers, found.groupdict().get("noun") or "", found[0])
    return None
