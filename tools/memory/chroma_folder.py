"""A folder that holds a Chroma database: opened by one process at a time, for the length of one call.

The file lock is freed by the kernel when its holder dies. Chroma's telemetry is off, and its own embedding (which
would download a model) is never used: collections are made without one and always get vectors.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from tools.errors import InputError, OrganonError, UnavailableError

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

Opened = TypeVar("Opened")


class ChromaFolder:
    """`with folder.open(prepare) as collections: ...`"""

    def __init__(self, root: Path, lock_timeout_seconds: float) -> None:
        """`lock_timeout_seconds`: how long to wait while another process has it open."""
        self.root = root
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"vector index {root} cannot be made: {error.strerror}") from error
        self._lock = FileLock(f"{root}.lock", timeout=lock_timeout_seconds)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else opens the folder meanwhile. May be entered again by the same object."""
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UnavailableError(f"vector index {self.root} is in use by another process: try again") from error
        except OSError as error:
            raise InputError(f"vector index {self.root} cannot be written: {error.strerror}") from error
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def open(self, prepare: Callable[[Any], Opened]) -> Iterator[Opened]:
        """What `prepare(client)` gives. UnavailableError where the database cannot be read: it is derived from the
        ledger and can be rebuilt."""
        try:
            import chromadb
            from chromadb.api.shared_system_client import SharedSystemClient
            from chromadb.config import Settings
        except ImportError as error:
            raise UnavailableError(f"chromadb cannot be imported ({error}): pip install 'chromadb>=1.3,<2'") from error
        with self.locked():
            try:
                client: Any = chromadb.PersistentClient(path=self.root, settings=Settings(anonymized_telemetry=False))
                opened = prepare(client)
            except OrganonError:
                raise
            except Exception as error:
                SharedSystemClient.clear_system_cache()
                line = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise UnavailableError(
                    f"vector index {self.root} cannot be read ({line}): delete that folder, it is made again by itself"
                ) from error
            try:
                yield opened
            finally:
                client.close()

    def remove(self) -> None:
        """Throw the database away."""
        shutil.rmtree(self.root, ignore_errors=True)


def collection_of(client: Any, name: str, metadata: dict[str, str] | None = None) -> Collection:
    """A collection compared by cosine, made if it is not there."""
    made: Collection = client.get_or_create_collection(
        name, embedding_function=None, metadata=metadata, configuration={"hnsw": {"space": "cosine"}}
    )
    return made
