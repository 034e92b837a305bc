"""The library of a home directory: files taken in, questions asked of it, services asked when it does not know.

Files are read in worker processes with a limit in time and memory, because they come from anywhere; what is wrong
with one is one line and the others go on. Searching never leaves this machine; `search_services` does, and only when
the settings allow it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agent.config import Settings
from agent.executor import Executor, Fault, Task
from agent.session import Session
from tools.errors import InputError, UnavailableError
from tools.literature.documents import Document, one_line
from tools.literature.online import SERVICES, Answer, search_online
from tools.literature.online.web import Web
from tools.literature.read import MAX_BYTES, READER_VERSION, SUFFIXES, read_path, show_name
from tools.literature.search import Found, Hit, search_molecules, search_passages
from tools.literature.store import store_documents
from tools.memory.ledger import DocumentRecord
from tools.memory.passage_index import PassageIndex
from tools.memory.text_embedding import load_text_embedding

READ_SECONDS = 120.0
READ_MEMORY_MB = 1024
"""Limits of reading one file."""
MAX_FILES = 20_000
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one file. `state`: added, known (these bytes were read before) or refused; `reason` says why."""

    file: str
    state: Literal["added", "known", "refused"]
    document_ids: tuple[str, ...] = ()
    n_passages: int = 0
    reason: str = ""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Waiting:
    path: Path
    name: str
    shown: str


def open_index(session: Session) -> PassageIndex:
    """The index of passages, with the embedding that the settings name."""
    embedding = load_text_embedding(session.settings.embeddings)
    return PassageIndex(session.settings.vectors_path, session.ledger, embedding)


def embedding_status(settings: Settings) -> dict[str, str]:
    """{"name", "statement"} of the text embedding in use, for people."""
    embedding = load_text_embedding(settings.embeddings)
    return {"name": embedding.name, "statement": embedding.statement}


def ingest_paths(session: Session, paths: Sequence[Path], listen: Callable[[Taken], None] | None = None) -> list[Taken]:
    """Take files and folders (with what is in them) into the library; one `Taken` a file, in order. InputError only
    where a path does not exist."""
    waiting = [entry for path in paths for entry in _files(path)]
    if len(waiting) > MAX_FILES:
        raise InputError(f"there are {len(waiting):,} files: give at most {MAX_FILES:,} at a time")
    return _ingest(session, waiting, listen)


def ingest_artifacts(session: Session, files: Sequence[tuple[str, str]]) -> list[Taken]:
    """Take stored files in: (artifact id, the name it was uploaded under)."""
    waiting = [_Waiting(session.artifacts.path(artifact), name, show_name(name)) for artifact, name in files]
    return _ingest(session, waiting, None)


def _ingest(session: Session, waiting: Sequence[_Waiting], listen: Callable[[Taken], None] | None) -> list[Taken]:
    results: dict[int, Taken] = {}
    unread: list[int] = []
    for place, entry in enumerate(waiting):
        held = _held(session, entry)
        if held is None:
            unread.append(place)
        else:
            results[place] = held
            _tell(listen, held)
    for place, outcome in _read(session.settings, [waiting[place] for place in unread]):
        at = unread[place]
        results[at] = _kept(session, waiting[at], outcome)
        _tell(listen, results[at])
    return [results[place] for place in range(len(waiting))]


def _read(settings: Settings, waiting: Sequence[_Waiting]) -> Iterator[tuple[int, Any]]:
    """(place, what the worker made of the file or a Fault)."""
    if not waiting:
        return
    tasks = [Task((str(entry.path), entry.name), READ_SECONDS) for entry in waiting]
    with Executor(min(settings.workers, len(tasks)), READ_MEMORY_MB) as executor:
        yield from executor.map_ordered(read_path, tasks)


def _held(session: Session, entry: _Waiting) -> Taken | None:
    """A file that need not be read: known by its hash, or plainly unreadable."""
    try:
        if not entry.path.is_file():
            return Taken(entry.shown, "refused", reason=f"{entry.shown} is no regular file")
        size = entry.path.stat().st_size
        if size > MAX_BYTES:
            reason = f"{entry.shown} has {size / 2**20:,.0f} MiB, at most {MAX_BYTES / 2**20:g} MiB are read"
            return Taken(entry.shown, "refused", reason=reason)
        digest = hashlib.sha256()
        with entry.path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        return Taken(entry.shown, "refused", reason=f"{entry.shown} cannot be read: {error.strerror}")
    known = session.ledger.documents_of_file(digest.hexdigest(), READER_VERSION)
    return None if known is None else Taken(entry.shown, "known", tuple(known))


def _kept(session: Session, entry: _Waiting, outcome: Any) -> Taken:
    """Store what a worker read, or say in one line why there is nothing to store."""
    if isinstance(outcome, Fault):
        return Taken(entry.shown, "refused", reason=_reason(entry.shown, outcome))
    documents = [Document.from_json(data) for data in outcome["documents"]]
    session.ledger.forget_reading(outcome["sha256"], READER_VERSION)
    stored = store_documents(session.ledger, documents)
    names = list(dict.fromkeys(record.document_id for record, _ in stored))
    session.ledger.note_file(outcome["sha256"], READER_VERSION, entry.shown, names)
    return Taken(
        entry.shown,
        "added" if any(new for _, new in stored) else "known",
        tuple(names),
        sum(record.n_passages for record, new in stored if new),
        warnings=tuple(line for document in documents for line in document.warnings),
    )


def _reason(shown: str, fault: Fault) -> str:
    if fault.kind == "error" and fault.error_type == "InputError":
        return one_line(fault.message, 300)
    if fault.kind == "timeout":
        return f"{shown} could not be read within {READ_SECONDS:g} s: it is too large or made to be slow"
    if fault.kind == "memory":
        return f"{shown} takes more than {READ_MEMORY_MB} MiB of memory to read: split it"
    return f"{shown} could not be read ({fault.kind}: {one_line(fault.message, 120)})"


def _tell(listen: Callable[[Taken], None] | None, taken: Taken) -> None:
    if listen is not None:
        listen(taken)


def _files(path: Path) -> list[_Waiting]:
    """A file, or the files of a folder that are of a kind that is read, in order of their names. Hidden ones and links
    that lead out of the folder are left out."""
    if not path.exists():
        raise InputError(f"there is no file or folder {str(path)!r}")
    if not path.is_dir():
        return [_Waiting(path, path.name, show_name(path.name))]
    found = []
    for folder, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if not name.startswith(".") and file.suffix.lower() in SUFFIXES and not file.is_symlink():
                found.append(_Waiting(file, name, str(file.relative_to(path))))
    return found


def search(session: Session, query: str, n: int = 5) -> Found:
    """The `n` best passages of the library for a question in words."""
    return search_passages(session.ledger, open_index(session), query, n)


def similar_rows(session: Session, smiles: str, n: int = 5) -> list[Hit]:
    """Rows of own data whose molecules are most like this one."""
    return search_molecules(session.ledger, open_index(session), smiles, n)


def search_services(
    session: Session, query: str, n: int, services: Sequence[str] = ()
) -> tuple[Answer, list[DocumentRecord]]:
    """Ask literature services and keep what they answer in the library; the answer, and the records of its documents.
    UnavailableError where the settings keep the network closed, or none of the services could be reached."""
    settings = session.settings
    if settings.network == "off":
        raise UnavailableError("online search is off on this machine (ORGANON_NETWORK=off)")
    web = Web(settings.home / "services", settings.contact_email)
    asked = tuple(services) or tuple(SERVICES)
    answer = search_online(web, query, n, asked, settings.literature_urls)
    if len(answer.faults) == len(asked):
        raise UnavailableError("no service answered: " + "; ".join(answer.fault_lines()))
    return answer, [record for record, _ in store_documents(session.ledger, answer.documents)]
