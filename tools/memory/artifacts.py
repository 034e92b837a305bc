"""Files by hash: poses, receptors, reports. The name of a file is made from its bytes, so that storing the
same thing twice is storing it once, and an id found in a report leads to exactly the bytes it was written
about.

Ids are `<24 hex digits of SHA-256><suffix>`. Not promised: secrecy, expiry, or directories.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from tools.errors import InputError, StopError

_HEX = 24
_ID = re.compile(rf"[0-9a-f]{{{_HEX}}}(\.[a-z0-9]+){{0,3}}")
_SUFFIX = re.compile(r"(\.[a-z0-9]+){0,3}")


class Artifacts:
    """A directory of content-addressed files. Safe for several processes: files appear whole."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"artifact directory {root} cannot be made: {error.strerror}") from error

    def put(self, data: bytes | str, suffix: str) -> str:
        """Store `data` (text as UTF-8) under its hash and give back the id. `suffix` like ".sdf" or
        ".pdbqt.gz"."""
        if not _SUFFIX.fullmatch(suffix):
            raise InputError(f"artifact suffix {suffix!r} is not like '.sdf' (lower-case letters and digits)")
        content = data.encode() if isinstance(data, str) else data
        artifact_id = hashlib.sha256(content).hexdigest()[:_HEX] + suffix
        target = self._location(artifact_id)
        try:
            if not (target.is_file() and target.stat().st_size == len(content)):
                _write_atomically(target, content)
        except OSError as error:
            raise StopError(f"artifact {artifact_id} cannot be written below {self.root}: {error.strerror}") from error
        return artifact_id

    def path(self, artifact_id: str) -> Path:
        """Where the file lies. InputError for an id that is malformed or not stored here."""
        target = self._location(artifact_id)
        if not target.is_file():
            raise InputError(f"artifact {artifact_id!r} is not stored below {self.root}")
        return target

    def read_bytes(self, artifact_id: str) -> bytes:
        """The stored bytes, checked against the hash in the id: StopError where the file has been changed."""
        content = self.path(artifact_id).read_bytes()
        if hashlib.sha256(content).hexdigest()[:_HEX] != artifact_id[:_HEX]:
            raise StopError(f"artifact {artifact_id} below {self.root} no longer has the content its id names")
        return content

    def read_text(self, artifact_id: str) -> str:
        try:
            return self.read_bytes(artifact_id).decode()
        except UnicodeDecodeError as error:
            raise InputError(f"artifact {artifact_id} is not text") from error

    def __contains__(self, artifact_id: object) -> bool:
        return (
            isinstance(artifact_id, str) and bool(_ID.fullmatch(artifact_id)) and self._location(artifact_id).is_file()
        )

    def _location(self, artifact_id: str) -> Path:
        if not _ID.fullmatch(artifact_id):
            raise InputError(f"artifact id {artifact_id!r} is not like '0123456789abcdef01234567.sdf'")
        return self.root / artifact_id[:2] / artifact_id


def _write_atomically(target: Path, content: bytes) -> None:
    """Write beside the target and rename: readers and crashes see the old state or the new, no part."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
