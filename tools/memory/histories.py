"""Which conversation a history of messages belongs to, for clients that send the whole history each time."""

from __future__ import annotations

import time

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.memory.database import Database
from tools.memory.tables import HistoryRow


class Histories(Database):
    """Digests of histories. The same history may be had twice (two clients, same words): the later one counts."""

    def put_history(self, digest: str, thread_id: str) -> None:
        row = {"digest": digest, "thread_id": thread_id, "time": time.time()}
        held = insert_sqlite(HistoryRow)
        statement = held.on_conflict_do_update(
            index_elements=[HistoryRow.digest], set_={"thread_id": held.excluded.thread_id, "time": held.excluded.time}
        )
        with self._writing() as connection:
            connection.execute(statement, [row])

    def thread_of_history(self, digest: str) -> str | None:
        """The conversation in which exactly this was said last."""
        with self._reading() as connection:
            statement = select(HistoryRow.thread_id).where(HistoryRow.digest == digest)
            return connection.execute(statement).scalar_one_or_none()
