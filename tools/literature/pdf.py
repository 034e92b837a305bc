"""PDF: the text layer, page by page, with title, authors, year and DOI where the file says them. By pypdf.

Not promised: columns in reading order, tables, formulas, scans. Words hyphenated at the end of a line are joined where
both halves are lower case; "UiO-66" broken at its hyphen stays broken.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Mapping

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

from tools.errors import InputError
from tools.literature.documents import Document, Page, clean, find_doi, find_year, one_line

MAX_PAGES = 3000
MAX_CHARACTERS = 20_000_000
FEWEST_CHARACTERS = 20
"""A document with fewer letters than this per file is taken for a scan."""
_HYPHENATED = re.compile(r"(?<=[a-zäöüß])-\n(?=[a-zäöüß])")
_NAMES_PROGRAM = re.compile(r"^(microsoft word|untitled|powerpoint|.*\.(docx?|tex|dvi|indd|qxd|pdf))\b", re.IGNORECASE)

_PAGE_FAULTS = (
    *(PyPdfError, zlib.error, struct.error, RuntimeError),
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError),
)
"""What pypdf raises on a page that is damaged: the other pages are read."""

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def read_pdf(name: str, digest: str, data: bytes, max_pages: int = MAX_PAGES) -> Document:
    """`digest`: SHA-256 of `data`, the document's identity. InputError for what has no text to read."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{name} is encrypted: save a copy without its password")
        n_pages = len(reader.pages)
        pages, faults = _pages(reader, min(n_pages, max_pages))
        described = _described(reader)
    except (FileNotDecryptedError, DependencyError) as error:
        raise InputError(f"{name} is encrypted: save a copy without its password") from error
    except InputError:
        raise
    except RecursionError as error:
        raise InputError(f"{name} is damaged: its parts refer to each other without end") from error
    except Exception as error:
        raise InputError(f"{name} is damaged ({one_line(str(error), 80) or type(error).__name__})") from error
    if n_pages == 0:
        raise InputError(f"{name} has no pages")
    if sum(len(page.text.strip()) for page in pages) < FEWEST_CHARACTERS:
        hint = "; its pages cannot be read" if len(faults) == n_pages else ": recognise it with OCR software first"
        raise InputError(f"{name} has no text layer on its {n_pages} page{'s' if n_pages > 1 else ''}{hint}")
    warnings = (
        [f"page{'s' if len(faults) > 1 else ''} {', '.join(map(str, faults))} could not be read"] if faults else []
    )
    if n_pages > max_pages:
        warnings.append(f"only the first {max_pages} of {n_pages} pages were read")
    return _document(name, digest, pages, described, warnings)


def _pages(reader: PdfReader, n: int) -> tuple[list[Page], list[int]]:
    """Texts of the first `n` pages, and the numbers of those that could not be read."""
    pages, faults, total = [], [], 0
    for number in range(1, n + 1):
        try:
            text = reader.pages[number - 1].extract_text()
        except FileNotDecryptedError:
            raise
        except _PAGE_FAULTS:
            text = ""
            faults.append(number)
        total += len(text)
        if total > MAX_CHARACTERS:
            raise InputError(f"more than {MAX_CHARACTERS // 10**6} million characters of text: split the file")
        pages.append(Page(_HYPHENATED.sub("", clean(text)), number))
    return pages, faults


def _described(reader: PdfReader) -> dict[str, str]:
    """What the file says about itself; pypdf raises many things on odd metadata, which is no reason to refuse it."""
    try:
        held: Mapping[str, object] = reader.metadata or {}
        return {key: clean(str(held.get(f"/{key}") or "")) for key in ("Title", "Author", "Subject", "Keywords")}
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return {}


def _document(name: str, digest: str, pages: list[Page], described: dict[str, str], warnings: list[str]) -> Document:
    opening = "\n".join(page.text for page in pages[:2])
    title = one_line(described.get("Title", ""))
    if len(title) < 8 or _NAMES_PROGRAM.match(title):
        title = _first_line(opening)
    authors = [one_line(part, 80) for part in re.split(r"\s*(?:;|,| and )\s*", described.get("Author", "")) if part]
    about = " ".join(described.values())
    return Document(
        kind="pdf",
        identity=f"file {digest}",
        source=name,
        title=title or name,
        authors=tuple(author for author in authors if author),
        year=find_year(opening),
        doi=find_doi(about) or find_doi(opening),
        pages=tuple(page for page in _title_apart(pages, title) if page.text.strip()),
        warnings=tuple(warnings),
    )


def _title_apart(pages: list[Page], title: str) -> list[Page]:
    """The pages with a blank line behind the title, where the first page opens with it: it is no part of a sentence."""
    if not pages or not title:
        return pages
    words = r"\s+".join(re.escape(word) for word in title.split())
    opened = re.match(rf"(\s*{words}[ \t]*)\n(?!\n)", pages[0].text)
    if opened is None:
        return pages
    return [Page(opened.group(1) + "\n\n" + pages[0].text[opened.end() :], pages[0].number), *pages[1:]]


def _first_line(text: str) -> str:
    """The first line that reads like a title: some words, mostly letters."""
    for line in text.splitlines()[:15]:
        letters = sum(c.isalpha() for c in line)
        if len(line.split()) >= 2 and letters > 0.6 * len(line.strip()):
            return one_line(line, 200)
    return ""
