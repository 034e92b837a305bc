"""BibTeX: every entry a document of its own, so that it is cited by its own authors, year and DOI.

An entry's text is its title and its abstract, keywords and note where it has them. An entry that does not parse is
counted in a warning, the others stand. LaTeX accents and braces are taken off.
"""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata

from bibtexparser.entrypoint import parse_string
from bibtexparser.model import Entry

from tools.errors import InputError
from tools.literature.documents import Document, Page, find_doi, one_line, year_of

MAX_ENTRIES = 20_000
_ACCENT = re.compile(r"\\(?:(['`^\"~=.])\s*\{?\\?([a-zA-Z])\}?|([cuvHkr])(?:\s+|\s*\{)\\?([a-zA-Z])\}?)")
_COMBINING = {
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "c": "\u0327",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "k": "\u0328",
    "r": "\u030a",
}
_LETTERS = {"ss": "ß", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "l": "ł", "L": "Ł", "aa": "å", "AA": "Å"}
_LETTER = re.compile(r"\\(ss|ae|AE|aa|AA|o|O|l|L)(?![a-zA-Z])\s?")
_COMMAND = re.compile(r"\\([a-zA-Z]+)\s?")

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)


def read_bibliography(name: str, _digest: str, text: str) -> list[Document]:
    try:
        library = parse_string(text)
    except RecursionError as error:
        raise InputError(f"{name}: its braces are nested too deeply") from error
    except Exception as error:
        raise InputError(f"{name} is not BibTeX ({one_line(str(error), 80) or type(error).__name__})") from error
    documents = [document for entry in library.entries[:MAX_ENTRIES] if (document := _document(name, entry))]
    if not documents:
        raise InputError(f"{name} holds no BibTeX entry with a title")
    lost = len(library.failed_blocks) + len(library.entries) - len(documents)
    if lost:
        first = documents[0].to_json()
        warning = f"{lost} of the file's entries could not be read or have no title"
        documents[0] = Document.from_json({**first, "warnings": (*first["warnings"], warning)})
    return documents


def _document(name: str, entry: Entry) -> Document | None:
    said = {str(field.key).lower(): plain_text(str(field.value)) for field in entry.fields}
    title = one_line(said.get("title", ""))
    if not title:
        return None
    journal = said.get("journal") or said.get("booktitle") or said.get("publisher") or ""
    doi = find_doi(said.get("doi", "")) or find_doi(said.get("url", ""))
    parts = [title + ("" if title.endswith((".", "?", "!")) else ".")]
    parts += [said[key] for key in ("abstract", "keywords", "note", "annote") if said.get(key)]
    body = "\n".join(parts)
    identity = hashlib.sha256(f"{doi}\n{title}\n{body}".encode()).hexdigest()
    return Document(
        kind="bibliography",
        identity=f"entry {identity}",
        source=f"{name}, {one_line(entry.key, 60)}" + (f", {one_line(journal, 120)}" if journal else ""),
        title=title,
        authors=tuple(one_line(part, 80) for part in re.split(r"\s+and\s+", said.get("author", "")) if part.strip()),
        year=year_of(said.get("year") or said.get("date") or ""),
        doi=doi,
        url=one_line(said.get("url", "")),
        pages=(Page(body),),
    )


def plain_text(tex: str) -> str:
    """LaTeX of a field as plain text: accents composed, Greek letters written, other commands and braces dropped."""
    text = _ACCENT.sub(_composed, tex)
    text = _LETTER.sub(lambda m: _LETTERS[m.group(1)], text)
    text = _COMMAND.sub(_greek, re.sub(r"\\[,;:!]", " ", text)).replace("~", " ").replace("--", "–")
    text = re.sub(r"(?<!\\)[${}]", "", text)
    return re.sub(r"\\([%&$#_{}])", r"\1", text).strip()


def _greek(command: re.Match[str]) -> str:
    """\\beta as β, \\Delta as Δ; "" for any other command."""
    name = command.group(1)
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.removeprefix('var').replace('ambda', 'amda')}")
    except KeyError:
        return ""


def _composed(match: re.Match[str]) -> str:
    accent, letter = (match.group(1), match.group(2)) if match.group(1) else (match.group(3), match.group(4))
    return unicodedata.normalize("NFC", letter + _COMBINING[accent])
