"""What finished runs leave to later ones: one document per judged candidate, from which the vector index is
made.

A finding is a JSON mapping with at least `id`, `text` and `run_id`; `receptor` and `passed` are understood
where they stand. Handing in the same id again replaces the document, so that a resumed run may correct
itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.errors import InputError
from tools.memory.canonical import dump_json
from tools.memory.database import Database
from tools.memory.tables import FindingRow

_IN_CHUNK = 500


class Findings(Database):
    """Findings."""

    def put_findings(self, findings: Iterable[Mapping[str, Any]]) -> list[str]:
        """Store findings in one transaction; gives back the ids that held another document before."""
        rows = [_finding_row(finding) for finding in findings]
        if not rows:
            return []
        given = {str(row["finding_id"]): row["document"] for row in rows}
        statement = insert_sqlite(FindingRow)
        replaced = {name: statement.excluded[name] for name in ("run_id", "receptor", "text", "document", "time")}
        with self._writing() as connection:
            held = _documents(connection, list(given))
            connection.execute(statement.on_conflict_do_update(index_elements=["finding_id"], set_=replaced), rows)
        return [name for name, document in held.items() if document != given[name]]

    def findings(self, receptor: str | None = None) -> list[dict[str, Any]]:
        """Findings in the order of their ids, on one receptor or all."""
        statement = select(FindingRow.document).order_by(FindingRow.finding_id)
        if receptor is not None:
            statement = statement.where(FindingRow.receptor == receptor)
        with self._reading() as connection:
            return [json.loads(text) for text in connection.execute(statement).scalars()]

    def findings_by_id(self, finding_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the findings that are known, in the order asked for."""
        with self._reading() as connection:
            found = _documents(connection, finding_ids)
        return [json.loads(found[name]) for name in finding_ids if name in found]

    def finding_ids(self) -> list[str]:
        with self._reading() as connection:
            return list(connection.execute(select(FindingRow.finding_id).order_by(FindingRow.finding_id)).scalars())

    def count_findings(self) -> int:
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(FindingRow)).scalar_one()


def _documents(connection: Connection, finding_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(finding_ids), _IN_CHUNK):
        statement = select(FindingRow.finding_id, FindingRow.document)
        chunk = statement.where(FindingRow.finding_id.in_(finding_ids[start : start + _IN_CHUNK]))
        found.update((row.finding_id, row.document) for row in connection.execute(chunk))
    return found


def _finding_row(finding: Mapping[str, Any]) -> dict[str, str | float]:
    missing = [key for key in ("id", "text", "run_id") if not isinstance(finding.get(key), str) or not finding[key]]
    if missing:
        raise InputError(f"a finding needs text under {', '.join(missing)}: {dict(finding)!r:.200}")
    return {
        "finding_id": finding["id"],
        "run_id": finding["run_id"],
        "receptor": str(finding.get("receptor") or ""),
        "text": finding["text"],
        "document": dump_json(dict(finding), f"finding {finding['id']}"),
        "time": time.time(),
    }
