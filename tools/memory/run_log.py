"""Runs, their append-only events, the lease of whoever executes them, and what people ask of them.

A lease is a row: token, host, pid, the process's start time, last heartbeat. It is dead when its heartbeat is
older than `expires_seconds`, or at once when it names this host and that process is gone. Writing an event
with a lease's token checks, in the same transaction, that the lease still stands: an executor that slept
through its expiry cannot write into a run that another has taken over. Which states may follow which is not
decided here (see agent/runs.py).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tools.errors import InputError, StopError
from tools.memory.canonical import dump_json
from tools.memory.database import Database
from tools.memory.tables import EventRow, RequestRow, RunRow

LEASE_SECONDS = 30.0
_START_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to execute a run, as long as it is renewed."""

    run_id: str
    token: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as stored. `campaign` and `result` are JSON documents; times are Unix seconds."""

    run_id: str
    name: str
    kind: str
    campaign: Mapping[str, Any]
    seed: int
    state: str
    created: float
    updated: float
    result: Mapping[str, Any] | None
    lease_host: str | None
    lease_pid: int | None
    lease_heartbeat: float | None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of a run's log."""

    run_id: str
    seq: int
    time: float
    type: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One thing a person asked of a run."""

    request_id: int
    run_id: str
    action: str
    payload: Mapping[str, Any]
    time: float


class RunLog(Database):
    """Runs, leases, requests and events."""

    def create_run(self, run_id: str, name: str, kind: str, campaign: Mapping[str, Any], seed: int) -> RunRecord:
        """A new run in state "queued". InputError if the id is taken."""
        now = time.time()
        row = {
            "run_id": run_id,
            "name": name,
            "kind": kind,
            "campaign": dump_json(dict(campaign), f"campaign {name}"),
            "seed": seed,
            "state": "queued",
            "created": now,
            "updated": now,
        }
        with self._writing() as connection:
            try:
                connection.execute(insert(RunRow), [row])
            except IntegrityError as error:
                raise InputError(f"run id {run_id!r} is already taken") from error
        return self.get_run(run_id)

    def get_run(self, run_id: str) -> RunRecord:
        with self._reading() as connection:
            return _run_record(_run_row(connection, run_id))

    def has_run(self, run_id: str) -> bool:
        with self._reading() as connection:
            return connection.execute(select(RunRow.run_id).where(RunRow.run_id == run_id)).first() is not None

    def list_runs(self, state: str | None = None, limit: int | None = None) -> list[RunRecord]:
        """Runs, newest first, of one state or all."""
        statement = select(RunRow.__table__).order_by(RunRow.created.desc(), RunRow.run_id.desc()).limit(limit)
        if state is not None:
            statement = statement.where(RunRow.state == state)
        with self._reading() as connection:
            return [_run_record(row) for row in connection.execute(statement)]

    def set_state(self, run_id: str, state: str, allowed_from: Sequence[str] | None = None) -> None:
        """Change a run's state, if it is now in one of `allowed_from` (else InputError that names both)."""
        with self._writing() as connection:
            held = _run_row(connection, run_id).state
            if allowed_from is not None and held not in allowed_from:
                raise InputError(
                    f"run {run_id} is {held}: it cannot become {state} (only from {', '.join(allowed_from)})"
                )
            _update_run(connection, run_id, state=state, updated=time.time())

    def put_result(self, run_id: str, result: Mapping[str, Any]) -> None:
        """Store the run's final document."""
        text = dump_json(dict(result), f"result of run {run_id}")
        with self._writing() as connection:
            _run_row(connection, run_id)
            _update_run(connection, run_id, result=text, updated=time.time())

    def acquire_lease(self, run_id: str, expires_seconds: float = LEASE_SECONDS) -> Lease:
        """Take the right to execute `run_id`. StopError if somebody alive has it."""
        lease = Lease(run_id, secrets.token_hex(8), socket.gethostname(), os.getpid())
        with self._writing() as connection:
            row = _run_row(connection, run_id)
            if _lease_lives(row, expires_seconds):
                raise StopError(
                    f"run {run_id} is being executed by process {row.lease_pid} on {row.lease_host}: "
                    "stop it there first"
                )
            _update_run(
                connection,
                run_id,
                lease_token=lease.token,
                lease_host=lease.host,
                lease_pid=lease.pid,
                lease_process_start=psutil.Process(lease.pid).create_time(),
                lease_heartbeat=time.time(),
            )
        return lease

    def heartbeat(self, lease: Lease) -> None:
        """Renew the lease. StopError if it has been taken over."""
        with self._writing() as connection:
            _require_lease(connection, lease.run_id, lease.token)
            _update_run(connection, lease.run_id, lease_heartbeat=time.time())

    def release_lease(self, lease: Lease) -> None:
        """Give the lease back; nothing happens if it is another's by now."""
        with self._writing() as connection:
            if _run_row(connection, lease.run_id).lease_token == lease.token:
                empty = dict.fromkeys(
                    ("lease_token", "lease_host", "lease_pid", "lease_process_start", "lease_heartbeat")
                )
                _update_run(connection, lease.run_id, **empty)

    def lease_lives(self, run_id: str, expires_seconds: float = LEASE_SECONDS) -> bool:
        """Whether somebody executes the run now, as far as can be told."""
        with self._reading() as connection:
            return _lease_lives(_run_row(connection, run_id), expires_seconds)

    def put_request(self, run_id: str, action: str, payload: Mapping[str, Any] | None = None) -> int:
        """Ask something of a run; gives back the request's id."""
        row = {
            "run_id": run_id,
            "action": action,
            "payload": dump_json(dict(payload or {}), f"request {action}"),
            "time": time.time(),
        }
        with self._writing() as connection:
            _run_row(connection, run_id)
            return connection.execute(insert(RequestRow).values(row).returning(RequestRow.request_id)).scalar_one()

    def open_requests(self, run_id: str) -> list[RequestRecord]:
        """What has been asked and not been dealt with, oldest first."""
        statement = (
            select(RequestRow.__table__)
            .where(RequestRow.run_id == run_id, RequestRow.handled.is_(None))
            .order_by(RequestRow.request_id)
        )
        with self._reading() as connection:
            rows = connection.execute(statement).all()
        return [RequestRecord(r.request_id, r.run_id, r.action, json.loads(r.payload), r.time) for r in rows]

    def close_requests(self, request_ids: Iterable[int]) -> None:
        """Mark requests as dealt with."""
        ids = list(request_ids)
        if ids:
            with self._writing() as connection:
                connection.execute(update(RequestRow).where(RequestRow.request_id.in_(ids)).values(handled=time.time()))

    def append_event(
        self,
        run_id: str,
        event_type: str,
        payload: Mapping[str, Any],
        once: str | None = None,
        lease: Lease | None = None,
    ) -> EventRecord:
        """Add a line to the run's log and give it back. With `once`, a line already written under that key is
        given back instead, so that a step run again after a crash says nothing twice. With `lease`, see the
        module's text."""
        text = dump_json(dict(payload), f"payload of event {event_type}")
        with self._writing() as connection:
            if lease is None:
                _run_row(connection, run_id)
            else:
                _require_lease(connection, run_id, lease.token)
            if once is not None:
                held = connection.execute(_event_statement(run_id).where(EventRow.once == once)).one_or_none()
                if held is not None:
                    return _event_record(held)
            last = select(func.coalesce(func.max(EventRow.seq), 0)).where(EventRow.run_id == run_id)
            seq, now = connection.execute(last).scalar_one() + 1, time.time()
            row = {
                "run_id": run_id,
                "seq": seq,
                "time": now,
                "type": event_type,
                "payload": text,
                "once": once,
            }
            connection.execute(insert(EventRow), [row])
        return EventRecord(run_id, seq, now, event_type, json.loads(text))

    def events(self, run_id: str, after: int = 0) -> list[EventRecord]:
        """The run's events with `seq` greater than `after`, in order."""
        with self._reading() as connection:
            _run_row(connection, run_id)
            rows = connection.execute(_event_statement(run_id).where(EventRow.seq > after).order_by(EventRow.seq))
            return [_event_record(row) for row in rows]


def _event_statement(run_id: str) -> Select[Any]:
    return select(EventRow.__table__).where(EventRow.run_id == run_id)


def _event_record(row: Row[Any]) -> EventRecord:
    return EventRecord(row.run_id, row.seq, row.time, row.type, json.loads(row.payload))


def _run_row(connection: Connection, run_id: str) -> Row[Any]:
    row = connection.execute(select(RunRow.__table__).where(RunRow.run_id == run_id)).one_or_none()
    if row is None:
        raise InputError(f"there is no run {run_id!r}; `organon campaign list` shows those there are")
    return row


def _run_record(row: Row[Any]) -> RunRecord:
    return RunRecord(
        run_id=row.run_id,
        name=row.name,
        kind=row.kind,
        campaign=json.loads(row.campaign),
        seed=row.seed,
        state=row.state,
        created=row.created,
        updated=row.updated,
        result=None if row.result is None else json.loads(row.result),
        lease_host=row.lease_host,
        lease_pid=row.lease_pid,
        lease_heartbeat=row.lease_heartbeat,
    )


def _update_run(connection: Connection, run_id: str, **values: str | float | None) -> None:
    connection.execute(update(RunRow).where(RunRow.run_id == run_id).values(**values))


def _require_lease(connection: Connection, run_id: str, token: str) -> None:
    statement = select(RunRow.lease_token, RunRow.lease_pid).where(RunRow.run_id == run_id)
    row = connection.execute(statement).one_or_none() or _run_row(connection, run_id)
    if row.lease_token != token:
        raise StopError(f"run {run_id} is no longer this process's to execute (lease now with process {row.lease_pid})")


def _lease_lives(row: Row[Any], expires_seconds: float) -> bool:
    if row.lease_token is None or time.time() - row.lease_heartbeat > expires_seconds:
        return False
    return row.lease_host != socket.gethostname() or _process_lives(row.lease_pid, row.lease_process_start)


def _process_lives(pid: int, started: float) -> bool:
    """Whether that very process is alive: a pid given to another process since does not count, nor does a
    zombie."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < _START_TOLERANCE_SECONDS
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
