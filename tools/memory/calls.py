"""The cache of executed calls: a scientific verdict is computed once, in any run; a fault is written down,
never reused.

What is read back equals what was stored except that tuples inside `details` come back as lists.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.memory.canonical import call_key, dump_json
from tools.memory.database import Database
from tools.memory.tables import CallRow, FaultRow
from tools.types import CheckResult

_IN_CHUNK = 500


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A call that did not finish: what it was, why, and after how many seconds."""

    call_id: str
    kind: str
    message: str
    seconds: float
    time: float
    args: Mapping[str, Any]


class Calls(Database):
    """Calls and faults."""

    @staticmethod
    def call_key(tool: str, version: str, args: Mapping[str, Any]) -> str:
        """See `tools.memory.canonical.call_key`."""
        return call_key(tool, version, args)

    def get_call(self, call_id: str) -> CheckResult | None:
        """The verdict this call came to in any run, or None if it never finished."""
        return self.get_calls([call_id]).get(call_id)

    def get_calls(self, call_ids: Sequence[str]) -> dict[str, CheckResult]:
        """Those of the calls that are known."""
        found: dict[str, CheckResult] = {}
        with self._reading() as connection:
            for start in range(0, len(call_ids), _IN_CHUNK):
                chunk = call_ids[start : start + _IN_CHUNK]
                rows = connection.execute(select(CallRow.call_id, CallRow.result).where(CallRow.call_id.in_(chunk)))
                found.update((row.call_id, CheckResult.from_json(json.loads(row.result))) for row in rows)
        return found

    def put_call(self, call_id: str, args: Mapping[str, Any], result: CheckResult) -> None:
        self.put_calls([(call_id, args, result)])

    def put_calls(self, calls: Iterable[tuple[str, Mapping[str, Any], CheckResult]]) -> None:
        """Store (call_id, args, result) triples in one transaction. The first verdict of a call stays; later
        ones are ignored, so that every run reads the same. `result.call_id` is set to the call's id."""
        now = time.time()
        rows = [_call_row(call_id, args, replace(result, call_id=call_id), now) for call_id, args, result in calls]
        if rows:
            with self._writing() as connection:
                connection.execute(insert_sqlite(CallRow).on_conflict_do_nothing(), rows)

    def get_args(self, call_id: str) -> dict[str, Any] | None:
        """What the call was given, for "show me where this number comes from"."""
        with self._reading() as connection:
            text = connection.execute(select(CallRow.args).where(CallRow.call_id == call_id)).scalar_one_or_none()
        return None if text is None else dict(json.loads(text))

    def call_time(self, call_id: str) -> float | None:
        """When the call finished, in Unix seconds (UTC)."""
        with self._reading() as connection:
            return connection.execute(select(CallRow.time).where(CallRow.call_id == call_id)).scalar_one_or_none()

    def count_calls(self, tool: str | None = None) -> int:
        statement = select(func.count()).select_from(CallRow)
        if tool is not None:
            statement = statement.where(CallRow.tool == tool)
        with self._reading() as connection:
            return connection.execute(statement).scalar_one()

    def put_fault(self, call_id: str, args: Mapping[str, Any], kind: str, message: str, seconds: float) -> None:
        """Write down that the call did not finish (`kind`: crash, timeout, memory, error). Never answers
        `get_call`."""
        row = {
            "call_id": call_id,
            "kind": kind,
            "message": message,
            "args": dump_json(dict(args), f"arguments of call {call_id}"),
            "seconds": seconds,
            "time": time.time(),
        }
        with self._writing() as connection:
            connection.execute(insert(FaultRow), [row])

    def faults(self, call_id: str | None = None) -> list[FaultRecord]:
        """Faults in the order they happened, of one call or of all."""
        statement = select(FaultRow.__table__).order_by(FaultRow.fault_id)
        if call_id is not None:
            statement = statement.where(FaultRow.call_id == call_id)
        with self._reading() as connection:
            rows = connection.execute(statement).all()
        return [FaultRecord(r.call_id, r.kind, r.message, r.seconds, r.time, json.loads(r.args)) for r in rows]


def _call_row(call_id: str, args: Mapping[str, Any], result: CheckResult, now: float) -> dict[str, Any]:
    return {
        "call_id": call_id,
        "tool": result.tool,
        "version": result.version,
        "name": result.name,
        "verdict": str(result.verdict),
        "args": dump_json(dict(args), f"arguments of {result.name}"),
        "result": dump_json(result.to_json(), f"result of {result.name}"),
        "seconds": result.seconds,
        "time": now,
    }
