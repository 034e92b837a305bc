"""Conversations: their runs, and the things in them that have a handle (M1 the first molecule, P2 the second protein).

Handles count up within a thread and kind and are never given twice; an action that is run again after a crash stores
its items under the handles they already have.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.errors import InputError
from tools.memory.canonical import dump_json
from tools.memory.database import Database
from tools.memory.tables import ItemRow, ThreadRow, ThreadRunRow

LETTERS = {
    "molecule": "M",
    "protein": "P",
    "pocket": "K",
    "receptor": "T",
    "reaction": "R",
    "route": "S",
    "material": "X",
    "antibody": "A",
    "passage": "C",
    "run": "D",
    "file": "F",
}
"""Kind of thing -> the letter its handles begin with."""


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """One conversation; times are Unix seconds, `runs` oldest first."""

    thread_id: str
    title: str
    created: float
    updated: float
    runs: tuple[str, ...]


class Threads(Database):
    """Threads and items."""

    def put_thread(self, thread_id: str, title: str) -> None:
        """A new conversation; one that is there already is left as it is."""
        now = time.time()
        row = {"thread_id": thread_id, "title": title[:200], "created": now, "updated": now}
        with self._writing() as connection:
            connection.execute(insert_sqlite(ThreadRow).on_conflict_do_nothing(), [row])

    def add_to_thread(self, thread_id: str, run_id: str) -> None:
        """Note that a run belongs to a conversation. InputError for a thread that is not there."""
        with self._writing() as connection:
            _thread_row(connection, thread_id)
            row = {"run_id": run_id, "thread_id": thread_id}
            connection.execute(insert_sqlite(ThreadRunRow).on_conflict_do_nothing(), [row])
            changed = update(ThreadRow).where(ThreadRow.thread_id == thread_id).values(updated=time.time())
            connection.execute(changed)

    def get_thread(self, thread_id: str) -> ThreadRecord:
        with self._reading() as connection:
            row = _thread_row(connection, thread_id)
            return ThreadRecord(row.thread_id, row.title, row.created, row.updated, _runs(connection, thread_id))

    def list_threads(self, limit: int | None = None) -> list[ThreadRecord]:
        """Conversations, the one last changed first."""
        statement = select(ThreadRow.__table__).order_by(ThreadRow.updated.desc()).limit(limit)
        with self._reading() as connection:
            rows = connection.execute(statement).all()
            return [
                ThreadRecord(row.thread_id, row.title, row.created, row.updated, _runs(connection, row.thread_id))
                for row in rows
            ]

    def thread_of(self, run_id: str) -> str | None:
        """The conversation a run belongs to."""
        with self._reading() as connection:
            statement = select(ThreadRunRow.thread_id).where(ThreadRunRow.run_id == run_id)
            return connection.execute(statement).scalar_one_or_none()

    def put_items(self, thread_id: str, call_id: str, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Store what one call made, each with `kind`, and give all back with their handles. The same call again is
        stored in the place of what it was: the n-th thing of a kind keeps the handle that the n-th had."""
        with self._writing() as connection:
            _thread_row(connection, thread_id)
            held, free = _handles_of_call(connection, thread_id, call_id)
            positions = count(free)
            named = []
            for item in items:
                kind = str(item["kind"])
                before = held.get(kind)
                handle = before.pop(0) if before else _next_handle(connection, thread_id, kind)
                document = {**item, "handle": handle}
                named.append(document)
                row = {
                    "thread_id": thread_id,
                    "handle": handle,
                    "kind": kind,
                    "call_id": call_id,
                    "position": next(positions),
                    "document": dump_json(document, f"item {handle}"),
                    "time": time.time(),
                }
                again = {"document": row["document"]}
                store = insert_sqlite(ItemRow).on_conflict_do_update(["thread_id", "handle"], set_=again)
                connection.execute(store, [row])
        return named

    def get_item(self, thread_id: str, handle: str) -> dict[str, Any]:
        """The thing under this handle. InputError names the handles of its kind that there are."""
        with self._reading() as connection:
            statement = select(ItemRow.document).where(
                ItemRow.thread_id == thread_id, ItemRow.handle == handle.strip().upper()
            )
            text = connection.execute(statement).scalar_one_or_none()
            if text is None:
                known = connection.execute(select(ItemRow.handle).where(ItemRow.thread_id == thread_id)).scalars()
                there = ", ".join(sorted(known)) or "nothing yet"
                raise InputError(f"{handle!r} is nothing in this conversation; there is {there}")
        return dict(json.loads(text))

    def items(self, thread_id: str, kind: str | None = None) -> list[dict[str, Any]]:
        """What a conversation holds, oldest first, of one kind or all."""
        statement = select(ItemRow.document).where(ItemRow.thread_id == thread_id)
        statement = statement.order_by(ItemRow.time, ItemRow.position)
        if kind is not None:
            statement = statement.where(ItemRow.kind == kind)
        with self._reading() as connection:
            return [json.loads(text) for text in connection.execute(statement).scalars()]


def _thread_row(connection: Connection, thread_id: str) -> Any:
    row = connection.execute(select(ThreadRow.__table__).where(ThreadRow.thread_id == thread_id)).one_or_none()
    if row is None:
        raise InputError(f"there is no conversation {thread_id!r}")
    return row


def _runs(connection: Connection, thread_id: str) -> tuple[str, ...]:
    statement = select(ThreadRunRow.run_id).where(ThreadRunRow.thread_id == thread_id).order_by(ThreadRunRow.run_id)
    return tuple(connection.execute(statement).scalars())


def _handles_of_call(connection: Connection, thread_id: str, call_id: str) -> tuple[dict[str, list[str]], int]:
    """Kind -> handles of what a call made so far, in their order; and the first position that is free."""
    of_call = (ItemRow.thread_id == thread_id, ItemRow.call_id == call_id)
    statement = select(ItemRow.kind, ItemRow.handle, ItemRow.position).where(*of_call).order_by(ItemRow.position)
    held: dict[str, list[str]] = {}
    free = 0
    for row in connection.execute(statement):
        held.setdefault(row.kind, []).append(row.handle)
        free = row.position + 1
    return held, free


def _next_handle(connection: Connection, thread_id: str, kind: str) -> str:
    if kind not in LETTERS:
        raise InputError(f"unknown kind of item {kind!r}; kinds are {', '.join(LETTERS)}")
    statement = select(func.count()).select_from(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.kind == kind)
    return f"{LETTERS[kind]}{connection.execute(statement).scalar_one() + 1}"
