"""Records of one evaluation on disk: JSON lines, appended batch by batch, so that an interrupted run can go on.

The first line states what the records are of (settings, data, checkpoint). Records of anything else are refused, never
mixed. A last line that was cut off by a kill or a full disk is dropped; a broken line before it is a fault.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tools.errors import InputError, StopError
from tools.evaluation.protocol import Record


def identity_key(identity: Mapping[str, Any]) -> str:
    """SHA-256 of what a run is of, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True, allow_nan=False).encode()).hexdigest()


class RecordFile:
    """Open as a context manager: one process writes at a time. `finished` holds the records by case id."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = dict(identity)
        self.finished: dict[str, Record] = {}
        self._lock = FileLock(f"{path}.lock")

    def __enter__(self) -> RecordFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:  # an OSError itself
            raise InputError(f"another evaluation is writing {self.path}; wait for it or give another --out") from None
        except OSError as fault:
            raise InputError(f"cannot write to {self.path.parent}: {fault.strerror or fault}") from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def append(self, records: Sequence[Record]) -> None:
        """Write whole lines and force them to disk."""
        self._write("".join(_line({"key": self._key, **record}) for record in records))
        self.finished.update({str(record["case"]): record for record in records})

    @property
    def _key(self) -> str:
        return identity_key(self.identity)[:16]

    def _open(self) -> None:
        if not self.path.exists():
            self._write(_line({"identity": self.identity, "key": self._key}))
            return
        try:
            raw = self.path.read_bytes()
        except OSError as fault:
            raise InputError(f"{self.path} cannot be read: {fault.strerror or fault}") from None
        whole = raw.rfind(b"\n") + 1
        lines = [self._parsed(number, line) for number, line in enumerate(raw[:whole].splitlines(), 1)]
        if whole < len(raw):
            os.truncate(self.path, whole)
        if not lines:
            self._write(_line({"identity": self.identity, "key": self._key}))
            return
        self._need_same(lines[0])
        for number, record in enumerate(lines[1:], 2):
            if record.pop("key", None) != self._key or "case" not in record:
                raise InputError(f"{self.path} line {number} is no record of this run; move the file away")
            self.finished[record["case"]] = record

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InputError(f"{self.path} line {number} is damaged; move the file away to begin anew")
        return found

    def _need_same(self, header: Mapping[str, Any]) -> None:
        theirs = header.get("identity")
        if not isinstance(theirs, dict):
            raise InputError(f"{self.path} was not written by an evaluation; give another --out")
        if identity_key(theirs) == identity_key(self.identity):
            return
        mine, other = _flat(self.identity), _flat(theirs)
        differing = [name for name in sorted(mine | other) if mine.get(name) != other.get(name)]
        shown = "; ".join(f"{name} {_short(other.get(name))} there, {_short(mine.get(name))} now" for name in differing)
        raise InputError(f"{self.path} holds records of other settings ({shown}); give another --out or those settings")

    def _write(self, text: str) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise StopError(f"cannot write {self.path}: {fault.strerror or fault}; finished rows are kept") from None


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, allow_nan=False) + "\n"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {prefix: value}
    found: dict[str, Any] = {}
    for name, item in value.items():
        found.update(_flat(item, f"{prefix}.{name}" if prefix else str(name)))
    return found


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]}..."
