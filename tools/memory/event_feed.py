"""What a server asks of the run log: every new event of any run in one query, and short descriptions of many runs.

The place in the feed is SQLite's row number of the events table. One process writes at a time and events are never
deleted, so a row number never comes after a larger one was read. Not promised: that on another database.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal_column, select

from tools.memory.database import Database
from tools.memory.run_log import EventRecord
from tools.memory.tables import EventRow, RunRow, ThreadRow, ThreadRunRow

_IN_CHUNK = 500
_PLACE: Any = literal_column("events.rowid")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run without its documents; times are Unix seconds."""

    run_id: str
    name: str
    kind: str
    state: str
    created: float
    updated: float
    thread_id: str | None
    has_result: bool


class EventFeed(Database):
    """Reading for many watchers at once."""

    def feed_end(self) -> int:
        """The place after the last event written so far, in any run."""
        with self._reading() as connection:
            last = select(_PLACE).select_from(EventRow.__table__).order_by(_PLACE.desc()).limit(1)
            return connection.execute(last).scalar_one_or_none() or 0

    def feed(self, place: int, run_ids: Collection[str], limit: int = 2000) -> tuple[int, list[EventRecord]]:
        """The next place, and the events after `place` that belong to `run_ids`, in the order they were written. At
        most `limit` events are looked at: call again while the place moves on."""
        statement = select(_PLACE.label("place"), EventRow.__table__).where(place < _PLACE)
        with self._reading() as connection:
            rows = connection.execute(statement.order_by(_PLACE).limit(limit)).all()
        found = [
            EventRecord(row.run_id, row.seq, row.time, row.type, json.loads(row.payload))
            for row in rows
            if row.run_id in run_ids
        ]
        return (rows[-1].place if rows else place), found

    def events_of_types(self, run_id: str, types: Sequence[str]) -> list[EventRecord]:
        """The run's events of these types, in order: the whole log of a long run is not read for its few questions."""
        statement = select(EventRow.__table__).where(EventRow.run_id == run_id, EventRow.type.in_(types))
        with self._reading() as connection:
            rows = connection.execute(statement.order_by(EventRow.seq)).all()
        return [EventRecord(row.run_id, row.seq, row.time, row.type, json.loads(row.payload)) for row in rows]

    def count_events(self, run_id: str) -> int:
        """The number of the run's last event, 0 before the first."""
        last = select(EventRow.seq).where(EventRow.run_id == run_id).order_by(EventRow.seq.desc()).limit(1)
        with self._reading() as connection:
            return connection.execute(last).scalar_one_or_none() or 0

    def run_states(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Run id -> state, of those that are there."""
        found: dict[str, str] = {}
        with self._reading() as connection:
            for start in range(0, len(run_ids), _IN_CHUNK):
                chunk = run_ids[start : start + _IN_CHUNK]
                rows = connection.execute(select(RunRow.run_id, RunRow.state).where(RunRow.run_id.in_(chunk)))
                found.update((row.run_id, row.state) for row in rows)
        return found

    def check_writable(self) -> None:
        """Take the write lock and give it back. TransientError or InputError where that is not possible."""
        with self._writing() as connection:
            connection.exec_driver_sql("PRAGMA user_version").scalar_one()

    def has_thread(self, thread_id: str) -> bool:
        with self._reading() as connection:
            statement = select(ThreadRow.thread_id).where(ThreadRow.thread_id == thread_id)
            return connection.execute(statement).first() is not None

    def count_states(self) -> dict[str, int]:
        """State -> number of runs."""
        statement = select(RunRow.state, func.count().label("n")).group_by(RunRow.state)
        with self._reading() as connection:
            return {row.state: row.n for row in connection.execute(statement)}

    def summarise_runs(
        self,
        kind: str | None = None,
        state: str | None = None,
        thread_id: str | None = None,
        limit: int | None = None,
    ) -> list[RunSummary]:
        """Runs, newest first, without their documents."""
        statement = (
            select(
                RunRow.run_id,
                RunRow.name,
                RunRow.kind,
                RunRow.state,
                RunRow.created,
                RunRow.updated,
                RunRow.result.is_not(None).label("has_result"),
                ThreadRunRow.thread_id,
            )
            .outerjoin(ThreadRunRow, ThreadRunRow.run_id == RunRow.run_id)
            .order_by(RunRow.created.desc(), RunRow.run_id.desc())
            .limit(limit)
        )
        for column, wanted in ((RunRow.kind, kind), (RunRow.state, state), (ThreadRunRow.thread_id, thread_id)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        with self._reading() as connection:
            return [RunSummary(**row._mapping) for row in connection.execute(statement)]
