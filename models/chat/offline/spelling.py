"""Words as people type them: typing errors, German words, numbers written out, all brought to one spelling.

Only words that mean something to the assistant are corrected, and only where one is near and the word typed is none
that people use: a correction is never made between two words that both exist.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_ABBREVIATED = re.compile(r"\b(mol|max|min|approx|ca|vs|wt|incl|excl|resp|avg|temp|conc|e\.g|i\.e|fig|eq)\.(?=\s)")
"""Words whose full stop ends no sentence."""
_ENDINGS = (
    "s",
    "es",
    "d",
    "ed",
    "ing",
    "er",
    "ers",
    "or",
    "ors",
    "ly",
    "al",
    "ive",
    "able",
    "ion",
    "ions",
    "ment",
    "y",
)
PLACE = re.compile(r"§[a-z]\d+§")
"""What stands for a thing found before (a structure, a name): `§m0§` the first molecule."""
_SMALL = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_UNITS = {word: number for number, word in enumerate(_SMALL.split())}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_NUMBER_WORDS = "|".join([*_TENS, *sorted(_UNITS, key=len, reverse=True), "hundred", "thousand", "dozen"])
_WRITTEN = re.compile(rf"\b(?:{_NUMBER_WORDS})(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and )(?:{_NUMBER_WORDS}))*\b")
_COUNTED = (
    r"(?:more |new |other |good |possible |different |small )*(?:molecule|compound|ligand|"
    r"inhibitor|binder|candidate|design|route|variant"
    r"|mutant|mutation|analog|paper|round|minute|hour|pocket|site|mof|framework|loop|step|"
    r"second|pose|structure|sequence|hit)"
)


def normalise(text: str) -> str:
    """Lower case, plain quotes and signs, German words in English, numbers as digits, typing errors corrected."""
    text = text.lower().replace("’", "'").replace("`", "'").replace("≥", ">=").replace("≤", "<=").replace("–", "-")
    text = _ABBREVIATED.sub(r"\1", text)
    text = re.sub(r"=>(?=\s*\d)", ">=", re.sub(r"=<(?=\s*\d)", "<=", text))
    text = re.sub(r"\[\s*(-?[\d.]+)\s*[,;]\s*(-?[\d.]+)\s*\]", r"\1 to \2", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    text = re.sub(r"(?<![\w.])\.(?=\d)", "0.", text)
    text = re.sub(r"[a-zäöüß]+(?:'[a-z]+)?", lambda found: _german().get(found[0], found[0]), text)
    text = _correct_all(text)
    return re.sub(r"[ \t]+", " ", _digits(text)).strip()


def known_words() -> frozenset[str]:
    """Words that are left as they are typed."""
    return _keywords() | _common()


def distance(first: str, second: str, limit: int) -> int:
    """Letters to change, add, leave out or swap with the next (restricted Damerau-Levenshtein); `limit` + 1 if more."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        older, before, row = before, row, [i] + [0] * len(second)
        for j, other in enumerate(second, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                row[j] = min(row[j], older[j - 2] + 1)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _correct_all(text: str) -> str:
    parts = re.split(r"(§[a-z]\d+§)", text)
    return "".join(
        part if PLACE.fullmatch(part) else re.sub(r"[a-z]{3,}", lambda found: correct(found[0]), part) for part in parts
    )


@cache
def correct(word: str) -> str:
    """The keyword that `word` is a typing error of, or `word`."""
    if _is_word(word):
        return word
    if short := _without_vowels().get(word) or _beginning(word):
        return short
    limit = 1 if len(word) < 9 else 2
    near: dict[int, list[str]] = {}
    for keyword in _keywords():
        if (len(keyword) >= 4 and keyword[0] == word[0]) or (len(keyword) >= 6 and keyword[1:2] == word[0:1]):
            how_far = distance(word, keyword, limit)
            if how_far <= limit:
                near.setdefault(how_far, []).append(keyword)
    if not near:
        return word
    best = sorted(near[min(near)], key=lambda keyword: (-_shared_start(word, keyword), keyword))
    return best[0]


@cache
def _without_vowels() -> dict[str, str]:
    """ "rnds" -> "rounds": keywords as people shorten them, where only one is shortened so."""
    short: dict[str, set[str]] = {}
    for word in _keywords():
        short.setdefault(word[0] + re.sub("[aeiou]", "", word[1:]), set()).add(word)
    return {key: next(iter(words)) for key, words in short.items() if len(words) == 1}


def _beginning(word: str) -> str:
    """ "retro" -> "retrosynthetic": the shortest keyword that begins so, from five letters on."""
    whole = [keyword for keyword in _keywords() if keyword.startswith(word)] if len(word) >= 5 else []
    return min(whole, key=lambda keyword: (len(keyword), keyword), default="")


def _is_word(word: str) -> bool:
    """Whether people use this word, in this form or a plainer one."""
    known = known_words()
    if word in known:
        return True
    stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
    return any(len(stem) >= 4 and (stem in known or stem + "e" in known) for stem in stems)


def _shared_start(first: str, second: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _digits(text: str) -> str:
    text = re.sub(r"\ba dozen\b", "12", re.sub(r"\bhalf a dozen\b", "6", text))
    text = re.sub(r"\b(?:a )?half (?:a |an )(hour|day)\b", r"0.5 \1", text)
    text = re.sub(r"\b(an?|one) hour and a half\b", "1.5 hours", text)
    text = re.sub(r"\ban? (hour|minute)\b(?! of)", r"1 \1", text)
    text = re.sub(r"\b(?:a couple(?: of)?|couple of)\b", "2", text)
    text = re.sub(r"\b(\d+)k\b", lambda found: str(int(found[1]) * 1000), text)
    text = re.sub(rf"\b(?:one|an?|a single|single) (?={_COUNTED}\b)(?!ligand (?:for|against)\b)", _one, text)
    return _WRITTEN.sub(_value, text)


def _one(found: re.Match[str]) -> str:
    """ "one molecule" counts; "a molecule" is an article and stays."""
    return "1 " if found[0].startswith(("one", "single", "a single")) else found[0]


def _value(found: re.Match[str]) -> str:
    words = re.split(r"[ -]", found[0].strip())
    if words in (["one"], ["zero"]):
        return found[0]
    total, part = 0, 0
    for word in words:
        if word == "hundred":
            part = max(part, 1) * 100
        elif word == "thousand":
            total, part = total + max(part, 1) * 1000, 0
        elif word == "dozen":
            part = max(part, 1) * 12
        else:
            part += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return f"{total + part}"


@cache
def _words_of(name: str) -> frozenset[str]:
    text = (files("models.chat.offline") / name).read_text(encoding="utf-8")
    return frozenset(re.findall(r"[a-z']+", text.lower()))


@cache
def _keywords() -> frozenset[str]:
    return _words_of("keywords.txt")


@cache
def _common() -> frozenset[str]:
    return _words_of("common_words.txt") | _words_of("examples.txt")


@cache
def _german() -> dict[str, str]:
    text = (files("models.chat.offline") / "german.txt").read_text(encoding="utf-8")
    return {word: english for line in text.splitlines() if line for word, _, english in [line.partition(" ")]}
