"""Conversations, and the files that are handed in to them."""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import APIRouter, Query, UploadFile
from starlette.concurrency import run_in_threadpool

from agent.interface.api.documents import LibraryEntry, RunLine, ThreadDetail, Uploaded, moment, run_line
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served, ThreadId, Use
from agent.interface.api.uploads import UnreadFileError, keep_upload
from agent.interface.schemas import Item, ThreadSummary
from agent.library import ingest_artifacts
from tools.memory.ledger import ThreadRecord

router = APIRouter(prefix="/api/v1", tags=["conversations"])

MOST_LISTED = 500
SEARCHED = ("pdf", "csv", "text", "markdown", "bibtex")
"""Kinds of files that are also taken into the library."""


@router.get("/threads")
def list_threads(use: Use, limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50) -> list[ThreadSummary]:
    """Conversations, the one last changed first."""
    return [_summary(record) for record in use.session.ledger.list_threads(limit)]


@router.get("/threads/{thread_id}")
def get_thread(thread_id: ThreadId, use: Use) -> ThreadDetail:
    """A conversation: what it holds under which handle, and its runs, oldest first."""
    use.need_thread(thread_id)
    ledger = use.session.ledger
    return ThreadDetail(
        summary=_summary(ledger.get_thread(thread_id)),
        items=[Item.model_validate(document) for document in ledger.items(thread_id)],
        runs=_runs(thread_id, use),
    )


@router.post("/files", status_code=201)
async def upload(
    file: UploadFile,
    use: Use,
    thread_id: Annotated[str | None, Query(max_length=40, description="Its conversation; none: a new one.")] = None,
    library: Annotated[bool, Query(description="Also take documents and tables into the library.")] = True,
) -> Uploaded:
    """Hand in a structure (PDB, mmCIF), molecules (SDF, MOL, SMILES), a table (CSV), sequences (FASTA) or a document
    (PDF, text, Markdown, BibTeX). What it is, is seen from its content. Documents and tables can be searched when the
    answer comes; they are read in a process of their own."""
    data = await file.read()
    kept = await run_in_threadpool(_keep, data, file.filename or "file", thread_id, use)
    if not library or kept.item.details["type"] not in SEARCHED:
        return kept
    entry = await anyio.to_thread.run_sync(_into_library, kept.item, use, limiter=use.slow)
    return kept.model_copy(update={"library": entry})


def _keep(data: bytes, filename: str, thread_id: str | None, use: Served) -> Uploaded:
    if thread_id is not None:
        use.need_thread(thread_id)
    most = use.settings.max_upload_mb * 2**20
    if len(data) > most:
        raise ProblemError(413, f"{filename[:80]!r} is larger than {use.settings.max_upload_mb} MiB")
    try:
        thread_id, item = keep_upload(use.session, data, filename, thread_id)
    except UnreadFileError as error:
        raise ProblemError(415, str(error)) from None
    return Uploaded(thread_id=thread_id, item=item)


def _into_library(item: Item, use: Served) -> LibraryEntry:
    (taken,) = ingest_artifacts(use.session, [(item.value, item.name)])
    return LibraryEntry(
        state=taken.state, n_passages=taken.n_passages, reason=taken.reason, warnings=list(taken.warnings)
    )


def _runs(thread_id: str, use: Served) -> list[RunLine]:
    active = set(use.service.active())
    runs = use.session.ledger.summarise_runs(thread_id=thread_id)
    return [run_line(run, run.run_id in active) for run in reversed(runs)]


def _summary(record: ThreadRecord) -> ThreadSummary:
    return ThreadSummary(
        thread_id=record.thread_id,
        title=record.title,
        created=moment(record.created),
        updated=moment(record.updated),
        runs=list(record.runs),
    )
