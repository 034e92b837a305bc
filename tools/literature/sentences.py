"""Where sentences begin and end, by rules: abbreviations, initials, decimals and names with dots do not end one.

Paragraph breaks, list items, table rows and headings end a sentence too. Not promised: languages without full stops,
or a sentence that begins with a lower-case letter (it stays joined to the one before).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "al approx ca cf ch co corp dept dr e.g ed eds eq eqs etc ex fig figs i.e inc jr ltd mol mr mrs ms no nos p pp "
        "prof ref refs resp sec st suppl tab temp vol vs wt",
    )
)
_END = re.compile(
    r"(?:\A|(?<=\n))#{1,6}[ \t][^\n]*(?=\n)|(?<![.!?])[.!?]+[\"'”’)\]]*(?=\s)"
    r"|\n\s*\n|\n(?=\s*(?:[-*•|#>]|\d{1,3}[.)]\s))"
)
_NEXT = re.compile(r"\s*[\"'“‘(\[]*[A-Z0-9À-ÞΑ-Ωα-ω\-*•|#>]")
_LONGEST_WORD = 40
"""Characters looked back for an abbreviation: a longer word is none."""
_CITED = re.compile(r"\s*(?:\[\d+(?:\s*[,;–-]\s*\d+)*\])+\.?(?=\s|$)")


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence, without the white space around it."""
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        if end < start:
            continue
        if match.group()[0] in ".!?":
            cited = _CITED.match(text, end)
            if cited:
                end = cited.end()
            if not _ends_here(text, start, match.start(), end):
                continue
        yield from _trimmed(text, start, end)
        start = end
    yield from _trimmed(text, start, len(text))


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each as it stands; citation marks behind the full stop ("… . [2]") belong to it."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _ends_here(text: str, start: int, stop: int, end: int) -> bool:
    """Whether the punctuation at `stop` ends the sentence that begins at `start`; the next would begin at `end`."""
    if text[stop] != ".":
        return True
    following = text[end : end + 40]
    if following.strip() and not _NEXT.match(following):
        return False
    word = re.search(r"(^|[\s(\[])([\w.]+)$", text[max(start, stop - _LONGEST_WORD) : stop])
    if word is None:
        return True
    last = word.group(2).lower()
    return last not in _ABBREVIATIONS and not re.fullmatch(r"[a-z]|([a-z]\.)+[a-z]", last)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    if start < end:
        yield start, end
