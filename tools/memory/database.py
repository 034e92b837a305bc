"""One SQLite file in write-ahead mode, opened so that many processes may read while one writes.

A commit survives the death of the process at any moment; a power cut may lose the last commits but not the
file (`synchronous=NORMAL`). Not promised: network file systems, where SQLite's locks do not hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from tools.errors import InputError, OrganonError, StopError, TransientError
from tools.memory.tables import SCHEMA_VERSION, Table

_CORRUPT = ("not a database", "malformed", "disk image")
_UNWRITABLE = ("unable to open", "readonly", "read-only")


class Database:
    """Parent of the ledger's parts: `with self._reading() as connection` and `with self._writing() as
    connection`."""

    def __init__(self, path: Path, busy_timeout_seconds: float = 30.0) -> None:
        """Open or create the file at `path`. `busy_timeout_seconds`: how long a write waits for another's
        commit."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"ledger directory {path.parent} cannot be made: {error.strerror}") from error
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": busy_timeout_seconds})
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(organon_write=True)
        self._create_tables()

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._faults_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction that holds the write lock from its first statement, so that it never has to be
        retried."""
        with self._faults_named(), self._writer.begin() as connection:
            yield connection

    def _create_tables(self) -> None:
        try:
            with self._reading() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > SCHEMA_VERSION:
                raise InputError(
                    f"{self.path} was written by a newer Organon (schema {version}, this one knows "
                    f"{SCHEMA_VERSION}): update the program or choose another ORGANON_HOME"
                )
            if version < SCHEMA_VERSION:
                with self._writing() as connection:
                    Table.metadata.create_all(connection)
                    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except OrganonError:
            self.close()
            raise

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except DatabaseError as error:
            raise _named(error, self.path) from error
        except SQLAlchemyError as error:
            raise StopError(f"ledger {self.path}: {error}") from error


def _named(error: DatabaseError, path: Path) -> OrganonError:
    """One line and the class that says what to do about it."""
    text = str(error.orig).lower()
    if any(sign in text for sign in _CORRUPT):
        return InputError(f"{path} is not a readable ledger ({error.orig}): move it away or restore a copy of it")
    if any(sign in text for sign in _UNWRITABLE):
        return InputError(f"{path} cannot be written ({error.orig}): free its directory or set ORGANON_HOME to another")
    if "locked" in text or "busy" in text:
        return TransientError(f"{path} stayed locked by another process; try again")
    return StopError(f"ledger {path} refused: {error.orig}")


def _configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Take transactions into our own hands (the driver's default begins them late and deadlocks writers)."""
    if not isinstance(connection, sqlite3.Connection):
        raise StopError(f"the ledger needs the sqlite3 driver, found {type(connection).__name__}")
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("organon_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
