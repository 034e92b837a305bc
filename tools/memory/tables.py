"""The ledger's tables, and nothing else. JSON documents are stored as text, times as Unix seconds (UTC).

Column names are part of what people query with `sqlite3`; add columns, do not rename them.
"""

from __future__ import annotations

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 4


class Table(DeclarativeBase):
    """Parent of every table."""


class CallRow(Table):
    """One executed call with a scientific verdict: the cache. Never holds a fault."""

    __tablename__ = "calls"
    call_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tool: Mapped[str] = mapped_column(String(80), index=True)
    version: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    verdict: Mapped[str] = mapped_column(String(8))
    args: Mapped[str] = mapped_column(Text)
    result: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Float)
    time: Mapped[float] = mapped_column(Float)


class FaultRow(Table):
    """One call that did not finish. The same call may appear many times; none of them is an answer."""

    __tablename__ = "faults"
    fault_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    args: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float] = mapped_column(Float)
    time: Mapped[float] = mapped_column(Float)


class RunRow(Table):
    """One run and who executes it (the lease; `lease_token` is NULL when nobody does)."""

    __tablename__ = "runs"
    run_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    campaign: Mapped[str] = mapped_column(Text)
    seed: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20), index=True)
    created: Mapped[float] = mapped_column(Float)
    updated: Mapped[float] = mapped_column(Float)
    result: Mapped[str | None] = mapped_column(Text, default=None)
    lease_token: Mapped[str | None] = mapped_column(String(40), default=None)
    lease_host: Mapped[str | None] = mapped_column(String(255), default=None)
    lease_pid: Mapped[int | None] = mapped_column(Integer, default=None)
    lease_process_start: Mapped[float | None] = mapped_column(Float, default=None)
    lease_heartbeat: Mapped[float | None] = mapped_column(Float, default=None)


class RequestRow(Table):
    """Something a person asked of a run (stop, pause, resume, approve); the executing process polls these."""

    __tablename__ = "requests"
    request_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    payload: Mapped[str] = mapped_column(Text)
    time: Mapped[float] = mapped_column(Float)
    handled: Mapped[float | None] = mapped_column(Float, default=None)


class EventRow(Table):
    """One line of a run's log. `once` is the idempotency key of a step that may be run again after a crash."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("run_id", "once"),)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    time: Mapped[float] = mapped_column(Float)
    type: Mapped[str] = mapped_column(String(40))
    payload: Mapped[str] = mapped_column(Text)
    once: Mapped[str | None] = mapped_column(String(200), default=None)


class CandidateRow(Table):
    """One proposal of one run. `text` is the identity under which it is recognised in other runs."""

    __tablename__ = "candidates"
    __table_args__ = (UniqueConstraint("run_id", "round", "position"),)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    candidate_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    round: Mapped[int] = mapped_column(Integer)
    position: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text, index=True)
    document: Mapped[str] = mapped_column(Text)


class ResultRow(Table):
    """One check of one candidate in one run, in the order it was executed."""

    __tablename__ = "results"
    __table_args__ = (Index("results_by_check", "name", "verdict"),)
    run_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    candidate_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    verdict: Mapped[str] = mapped_column(String(8))
    value: Mapped[float | None] = mapped_column(Float, default=None)
    call_id: Mapped[str] = mapped_column(String(32))
    document: Mapped[str] = mapped_column(Text)


class FindingRow(Table):
    """What a finished run leaves to later ones about one candidate; the vector index is made from these."""

    __tablename__ = "findings"
    finding_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(40), index=True)
    receptor: Mapped[str] = mapped_column(String(120), index=True)
    text: Mapped[str] = mapped_column(Text, index=True)
    document: Mapped[str] = mapped_column(Text)
    time: Mapped[float] = mapped_column(Float)


class ThreadRow(Table):
    """One conversation."""

    __tablename__ = "threads"
    thread_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    created: Mapped[float] = mapped_column(Float)
    updated: Mapped[float] = mapped_column(Float)


class ThreadRunRow(Table):
    """A run that belongs to a conversation: a turn of it, or work that a turn started."""

    __tablename__ = "thread_runs"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.thread_id"), index=True)


class ItemRow(Table):
    """Something an action of a conversation made or found, under the handle by which later steps name it."""

    __tablename__ = "items"
    __table_args__ = (UniqueConstraint("thread_id", "call_id", "position"),)
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.thread_id"), primary_key=True)
    handle: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    call_id: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(Integer)
    document: Mapped[str] = mapped_column(Text)
    time: Mapped[float] = mapped_column(Float)


class DocumentRow(Table):
    """One document of the library: a file, an entry of a bibliography, or the abstract a service gave."""

    __tablename__ = "documents"
    document_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), index=True)
    source: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    authors: Mapped[str] = mapped_column(Text)
    year: Mapped[int | None] = mapped_column(Integer, default=None)
    doi: Mapped[str] = mapped_column(String(200), index=True)
    url: Mapped[str] = mapped_column(Text)
    licence: Mapped[str] = mapped_column(Text)
    warnings: Mapped[str] = mapped_column(Text)
    n_passages: Mapped[int] = mapped_column(Integer)
    time: Mapped[float] = mapped_column(Float)


class FileRow(Table):
    """A file that has been read, by its hash: the same bytes are not read again by the same reader."""

    __tablename__ = "files"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    reader: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    documents: Mapped[str] = mapped_column(Text)
    time: Mapped[float] = mapped_column(Float)


class PassageRow(Table):
    """One passage of a document: an exact slice of page `page` from character `start_at` to `end_at`."""

    __tablename__ = "passages"
    passage_id: Mapped[str] = mapped_column(String(48), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    page: Mapped[int | None] = mapped_column(Integer, default=None)
    start_at: Mapped[int] = mapped_column(Integer)
    end_at: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    smiles: Mapped[str] = mapped_column(Text, index=True)
    values: Mapped[str] = mapped_column("row_values", Text)
    suspicious: Mapped[str] = mapped_column(Text)


class HistoryRow(Table):
    """What has been said in a conversation up to an answer, as a digest, for clients that send the whole history."""

    __tablename__ = "histories"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.thread_id"))
    time: Mapped[float] = mapped_column(Float)
