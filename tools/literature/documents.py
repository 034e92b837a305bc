"""What reading a file gives: documents with pages, and later passages. JSON-able, so that they cross process borders.

Offsets count characters of a page's text as it stands here (line ends made "\\n", words that were hyphenated at the
end of a PDF's line joined again), which is the text that is stored and quoted. Not promised: that they are offsets in
the file's bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

DOI = re.compile(r"\b10\.\d{4,9}/(?:\(SICI\)[^\s\"{}|\\^`]+|[^\s\"<>{}|\\^`]+)", re.IGNORECASE)
"""Angle brackets end one, but for those of the journals' SICI codes."""
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_DATED = tuple(
    re.compile(rf"(?:{words})[^;]{{0,30}}?\b((?:19|20)\d\d)\b", re.IGNORECASE)
    for words in ("published", r"copyright|©|\(c\)", "accepted", "received")
)


@dataclass(frozen=True, slots=True)
class Page:
    """`number` is the page's number in the file (from 1); None where the format has no pages."""

    text: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of own data. `values` are as written, under their columns' names as written (units too);
    `smiles` is the canonical neutral parent, "" where the row has no molecule that parses."""

    text: str
    number: int
    smiles: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """`kind`: pdf, text, markdown, bibliography, table, abstract or compound. `source`: where it came from (file name,
    or the service that answered). Empty text or None where a thing is not known; nothing is guessed. `identity` is
    what makes two documents the same one."""

    kind: str
    identity: str
    source: str
    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str = ""
    url: str = ""
    licence: str = ""
    pages: tuple[Page, ...] = ()
    rows: tuple[Row, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def document_id(self) -> str:
        return hashlib.sha256(self.identity.encode("utf-8", "surrogatepass")).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Document:
        return cls(
            **{
                **data,
                "authors": tuple(data["authors"]),
                "warnings": tuple(data["warnings"]),
                "pages": tuple(Page(**page) for page in data["pages"]),
                "rows": tuple(Row(**row) for row in data["rows"]),
            }
        )


def find_doi(text: str) -> str:
    """The first DOI in `text`, lower case, without the punctuation of the sentence around it; "" if there is none."""
    match = DOI.search(text)
    if match is None:
        return ""
    doi = match.group().rstrip(".,;:'’”)]")
    if doi.count("(") > doi.count(")"):
        doi += ")"
    return doi.lower()


def find_year(text: str) -> int | None:
    """The year behind "published", "©", "accepted" or "received", in this order; None rather than another number."""
    matches = (pattern.search(text) for pattern in _DATED)
    return next((int(match.group(1)) for match in matches if match), None)


def year_of(text: str) -> int | None:
    """The first year in a field that holds a date."""
    match = _YEAR.search(text)
    return int(match.group()) if match else None


def clean(text: str) -> str:
    """One spelling of line ends; control characters (NUL, escapes) and lone surrogates become blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return "".join(c if c in "\n\t" or (ord(c) >= 32 and not 0x7F <= ord(c) <= 0x9F) else " " for c in _encodable(text))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, limit: int = 300) -> str:
    """White space runs made one blank, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
