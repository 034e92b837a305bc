"""What an uploaded file is, seen from its content; its name only decides between kinds of text.

Nothing is parsed here beyond a few lines: the actions that use a file read it with their own checks. What is neither a
PDF nor text is refused, so that no archive or program is ever kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from agent.interface.schemas import Item
from agent.runs import new_run_id
from tools.errors import InputError
from tools.molecule.parse import parse_smiles

if TYPE_CHECKING:
    from agent.session import Session

LOOKED_AT = 200_000
"""Characters of a text from which its kind is told."""
MAX_NAME = 120
_PDB_ATOM = re.compile(r"^(?:ATOM  |HETATM).{24}(?: {0,7}-?\d{1,7}\.\d{1,6}){3}", re.MULTILINE)
_COUNTS_LINE = re.compile(r"^(?:[^\n]*\n){3}[ \d]{6}[^\n]*V[23]000", re.MULTILINE)
_FASTA = re.compile(r"\A(?:;[^\n]*\n)*>[^\n]+\n[A-Za-z*\-]+\s*(?:\n|\Z)")
_BIBTEX = re.compile(r"^[ \t]*@[A-Za-z]+\s*\{\s*[^,\s]+\s*,", re.MULTILINE)
_YAML_KEY = re.compile(r"^[A-Za-z_][\w-]*:(?:\s|$)", re.MULTILINE)


class UnreadFileError(InputError):
    """Neither a PDF nor text."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """`kind` as shown ("pdb"), `suffix` of its artifact, `name` cleaned of folders and odd characters."""

    kind: str
    suffix: str
    name: str


def keep_upload(session: Session, data: bytes, filename: str, thread_id: str | None) -> tuple[str, Item]:
    """Keep a file as an artifact, and as a thing of its conversation (None: a new one): the conversation's id and the
    thing with its handle."""
    found = examine_upload(data, filename)
    artifact_id = session.artifacts.put(data, found.suffix)
    if thread_id is None:
        thread_id = new_run_id()
        session.ledger.put_thread(thread_id, found.name)
    details = {"type": found.kind, "bytes": len(data)}
    item = Item(kind="file", value=artifact_id, name=found.name, details=details)
    held = session.ledger.put_items(thread_id, f"upload-{artifact_id[:24]}", [item.model_dump(mode="json")])
    return thread_id, Item.model_validate(held[0])


def examine_upload(data: bytes, filename: str) -> UploadedFile:
    """What this file is. UnreadFileError for what is not read, InputError where the name promises another kind."""
    name = clean_name(filename)
    if not data.strip():
        raise InputError(f"{name!r} is empty")
    if b"%PDF-" in data[:1024]:
        return UploadedFile("pdf", ".pdf", name)
    text = _text_of(data, name)[:LOOKED_AT]
    kind, suffix = next((found for looks, *found in _KINDS if looks(text, name)), ("text", ".txt"))
    promised = PurePath(name).suffix.lower()
    if promised in _PROMISES and kind not in _PROMISES[promised]:
        raise InputError(f"{name!r} is named like a {promised[1:]} file but reads like {kind}: {_EXPECTED[promised]}")
    return UploadedFile(kind, suffix, name)


def clean_name(filename: str) -> str:
    """The last part of a path, without control characters, at most so long."""
    last = re.split(r"[/\\]", filename)[-1]
    shown = "".join(letter for letter in last if letter.isprintable()).strip().lstrip(".")
    shown = shown.encode(errors="ignore").decode()
    return shown[-MAX_NAME:] or "file"


def _text_of(data: bytes, name: str) -> str:
    if b"\0" not in data[:LOOKED_AT]:
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            pass
    raise UnreadFileError(
        f"{name!r} is neither a PDF nor UTF-8 text: structures (PDB, mmCIF, SDF, MOL), tables (CSV), sequences "
        "(FASTA), documents (PDF, text, Markdown, BibTeX) and campaign files (YAML) are read; unpack archives first"
    )


def _is_mmcif(text: str, _name: str) -> bool:
    return text.lstrip().startswith(("data_", "#")) and "_atom_site." in text


def _is_cif(text: str, _name: str) -> bool:
    return bool(re.search(r"^data_", text, re.MULTILINE)) and "_cell_length_a" in text


def _is_pdb(text: str, _name: str) -> bool:
    return bool(_PDB_ATOM.search(text))


def _is_sdf(text: str, _name: str) -> bool:
    return bool(_COUNTS_LINE.search(text)) and "$$$$" in text


def _is_mol(text: str, _name: str) -> bool:
    return bool(_COUNTS_LINE.search(text)) and "M  END" in text


def _is_table(text: str, _name: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()][:20]
    return len(lines) > 1 and any(
        lines[0].count(mark) > 0 and all(line.count(mark) >= lines[0].count(mark) for line in lines)
        for mark in (",", ";", "\t")
    )


def _is_smiles_list(text: str, name: str) -> bool:
    if not name.lower().endswith((".smi", ".smiles")):
        return False
    first = next((line.split() for line in text.split("\n") if line.strip() and not line.startswith("#")), [])
    try:
        return bool(first) and parse_smiles(first[0]).GetNumAtoms() > 0
    except InputError:
        return False


def _is_yaml(text: str, name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml")) and bool(_YAML_KEY.search(text))


_KINDS: tuple[tuple[Callable[[str, str], bool], str, str], ...] = (
    (_is_mmcif, "mmcif", ".cif"),
    (_is_cif, "cif", ".cif"),
    (_is_pdb, "pdb", ".pdb"),
    (_is_sdf, "sdf", ".sdf"),
    (_is_mol, "mol", ".mol"),
    (lambda text, _: "@<TRIPOS>MOLECULE" in text, "mol2", ".mol2"),
    (lambda text, _: bool(_FASTA.search(text)), "fasta", ".fasta"),
    (lambda text, _: bool(_BIBTEX.search(text)), "bibtex", ".bib"),
    (_is_smiles_list, "smiles", ".smi"),
    (_is_yaml, "yaml", ".yaml"),
    (lambda text, name: name.lower().endswith((".csv", ".tsv")) and _is_table(text, name), "csv", ".csv"),
    (lambda _, name: name.lower().endswith((".md", ".markdown")), "markdown", ".md"),
    (lambda text, name: not name.lower().endswith(".txt") and _is_table(text, name), "csv", ".csv"),
)
"""Asked from top to bottom; the first that fits."""
_PROMISES = {
    ".pdb": ("pdb",),
    ".ent": ("pdb",),
    ".cif": ("mmcif", "cif"),
    ".sdf": ("sdf", "mol"),
    ".mol": ("mol", "sdf"),
    ".pdf": ("pdf",),
    ".fasta": ("fasta",),
    ".smi": ("smiles",),
    ".csv": ("csv",),
    ".bib": ("bibtex",),
}
_EXPECTED = {
    ".pdb": "it has no ATOM or HETATM line with coordinates",
    ".ent": "it has no ATOM or HETATM line with coordinates",
    ".cif": "it has neither _atom_site nor _cell_length_a",
    ".sdf": "it has no counts line (V2000 or V3000)",
    ".mol": "it has no counts line (V2000 or V3000)",
    ".pdf": "it does not begin with %PDF-",
    ".fasta": "it does not begin with a > line and residues",
    ".smi": "its first line does not begin with a SMILES that can be read",
    ".csv": "its lines do not have the same separators",
    ".bib": "it has no @entry{key, ...}",
}
