"""Earlier work by name rather than by likeness: findings on a target, what actions of conversations made.

Part of the ledger; reads only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from tools.memory.database import Database
from tools.memory.tables import FindingRow, ItemRow


class Recollection(Database):
    """Findings and items of all runs and conversations."""

    def findings_on_target(self, name: str, limit: int = 5000) -> list[dict[str, Any]]:
        """Findings whose target goes by this name (case does not matter), newest first."""
        statement = (
            select(FindingRow.document)
            .where(func.lower(func.json_extract(FindingRow.document, "$.target")) == name.strip().lower())
            .order_by(FindingRow.time.desc(), FindingRow.finding_id)
            .limit(limit)
        )
        with self._reading() as connection:
            return [json.loads(text) for text in connection.execute(statement).scalars()]

    def target_names(self) -> list[str]:
        """The names of all targets that runs left findings on."""
        name = func.json_extract(FindingRow.document, "$.target")
        with self._reading() as connection:
            return [str(row) for row in connection.execute(select(name).distinct().order_by(name)).scalars() if row]

    def findings_of_run(self, run_id: str) -> list[dict[str, Any]]:
        statement = select(FindingRow.document).where(FindingRow.run_id == run_id).order_by(FindingRow.finding_id)
        with self._reading() as connection:
            return [json.loads(text) for text in connection.execute(statement).scalars()]

    def recent_items(
        self, kinds: Sequence[str], limit: int = 2000, not_in_thread: str | None = None
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """(thread id, call id, item) of what actions of any conversation made, newest first."""
        statement = select(ItemRow.thread_id, ItemRow.call_id, ItemRow.document).where(ItemRow.kind.in_(list(kinds)))
        if not_in_thread is not None:
            statement = statement.where(ItemRow.thread_id != not_in_thread)
        statement = statement.order_by(ItemRow.time.desc(), ItemRow.position).limit(limit)
        with self._reading() as connection:
            return [(row.thread_id, row.call_id, json.loads(row.document)) for row in connection.execute(statement)]
