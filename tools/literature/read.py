"""`read_file`: bytes of an untrusted file in, documents out, or one line that says what is wrong with it.

The kind is told by the bytes first and by the suffix second: a ".txt" that begins with "%PDF-" is a PDF. Pure and
meant to run in a worker process with a limit in time and memory (a parser can hang or eat memory on purpose). Not
read: images and scans (no text recognition), office files, archives; their error says what to do instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from tools.errors import InputError
from tools.literature.bibliography import read_bibliography
from tools.literature.documents import Document, clean
from tools.literature.pdf import read_pdf
from tools.literature.prose import read_markdown, read_text
from tools.literature.tables import read_delimited, read_sdf, read_smiles

MAX_BYTES = 200 * 2**20
READER_VERSION = "1"
"""Part of what is stored: a file read by another version is read again."""

_Reader = Callable[[str, str, str], list[Document]]
READERS: dict[str, _Reader] = {
    ".txt": read_text,
    ".text": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".bib": read_bibliography,
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".tab": read_delimited,
    ".sdf": read_sdf,
    ".sd": read_sdf,
    ".mol": read_sdf,
    ".smi": read_smiles,
    ".smiles": read_smiles,
}
SUFFIXES = (".pdf", *READERS)
"""What a folder is searched for."""

_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive (or an office file): unpack it, or save it as PDF or text"),
    (b"\x1f\x8b", "compressed with gzip: decompress it first"),
    (b"BZh", "compressed with bzip2: decompress it first"),
    (b"\xfd7zXZ", "compressed with xz: decompress it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"\x89PNG", "an image: only text is read, not pictures"),
    (b"\xff\xd8\xff", "an image: only text is read, not pictures"),
    (b"GIF8", "an image: only text is read, not pictures"),
    (b"\xd0\xcf\x11\xe0", "an old office file: save it as PDF or text"),
    (b"\x7fELF", "a program, not a document"),
    (b"{\\rtf", "rich text: save it as PDF or plain text"),
)


def read_file(name: str, data: bytes, max_bytes: int = MAX_BYTES) -> list[Document]:
    """The documents of one file (a bibliography holds many). `name` is shown and gives the suffix; it is never opened.

    InputError in one line for what cannot be read: too large (over `max_bytes`), empty, encrypted, scanned, binary.
    """
    shown = show_name(name)
    if not data.strip():
        raise InputError(f"{shown} is empty")
    if len(data) > max_bytes:
        raise InputError(f"{shown} has {len(data) / 2**20:.0f} MiB, at most {max_bytes / 2**20:g} MiB are read")
    digest = hashlib.sha256(data).hexdigest()
    if b"%PDF-" in data[:1024]:
        return [read_pdf(shown, digest, data)]
    for magic, what in _FOREIGN:
        if data.startswith(magic):
            raise InputError(f"{shown} is {what}")
    suffix = PurePath(shown).suffix.lower()
    if suffix == ".pdf":
        raise InputError(f"{shown} is named like a PDF but does not begin like one: it is damaged or something else")
    reader = READERS.get(suffix)
    if reader is None:
        raise InputError(f"{shown} is of a kind that is not read ({suffix or 'no suffix'}): {', '.join(SUFFIXES)} are")
    text, warnings = decode(shown, data)
    documents = reader(shown, digest, text)
    if not documents:
        raise InputError(f"{shown} holds nothing to keep")
    return [_warned(document, warnings) for document in documents]


def read_path(path: str, name: str, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """What runs in a worker: {"sha256", "documents": as JSON} of the file at `path`, shown as `name`."""
    try:
        size = Path(path).stat().st_size
        if size > max_bytes:
            raise InputError(
                f"{show_name(name)} has {size / 2**20:.0f} MiB, at most {max_bytes / 2**20:g} MiB are read"
            )
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{show_name(name)} cannot be read: {error.strerror}") from error
    documents = read_file(name, data, max_bytes)
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "documents": [document.to_json() for document in documents],
    }


def show_name(name: str) -> str:
    """A file's own name without folders, control characters and excess length."""
    bare = clean(str(name)).replace("\n", " ").replace("\\", "/").rstrip("/").rpartition("/")[2].strip()
    return (bare if len(bare) <= 120 else bare[:80] + "…" + bare[-39:]) or "unnamed file"


def decode(name: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Text of a file that claims to be one, and what had to be assumed. UTF-8 and UTF-16 (by its mark) are known;
    what else looks like text is read as Windows-1252, with a warning."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decoded(name, data, "utf-16"), ()
    if b"\x00" in data:
        raise InputError(f"{name} is binary (it holds NUL bytes), not text")
    try:
        return clean(data.decode("utf-8-sig")), ()
    except UnicodeDecodeError:
        text = _decoded(name, data, "cp1252")
    control = sum(ord(c) < 32 and c not in "\t\n\r\f" for c in text[:100_000])
    if control > 0.02 * min(len(text), 100_000):
        raise InputError(f"{name} is binary or in an encoding that is not known: save it as UTF-8 text")
    return clean(text), ("not UTF-8: read as Windows-1252, so that special characters may be wrong",)


def _decoded(name: str, data: bytes, encoding: str) -> str:
    try:
        return clean(data.decode(encoding))
    except UnicodeDecodeError:
        raise InputError(f"{name} is in an encoding that is not known: save it as UTF-8 text") from None


def _warned(document: Document, warnings: tuple[str, ...]) -> Document:
    if not warnings:
        return document
    return Document.from_json({**document.to_json(), "warnings": (*document.warnings, *warnings)})
