"""What the runs of one process share: worker processes for checks, and the resident scientific model.

Each is opened at its own first use, so that docking does not wait for a model that it does not ask, and closed when the
last borrower has left: a command closes them at its end, a server keeps them for its whole life. One model serves all
runs through its queue; it is never loaded twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.config import Settings
from agent.executor import Executor
from models.checkpoint import locate_checkpoint
from models.registry import is_server_address, load_generator
from models.worker import ModelWorker


class Engines:
    """Borrowed: valid inside the `with` block that gave them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._model: ModelWorker | None = None
        self.executor = Executor(settings.workers, settings.memory_mb)
        self.executor.__enter__()

    @property
    def model(self) -> ModelWorker:
        """The model, loaded by the first who asks. CheckpointError for one that cannot be read; then it is tried again
        by the next."""
        with self._lock:
            if self._model is None:
                settings, name = self._settings, self._settings.checkpoint
                self._model = ModelWorker(load_generator(name, settings.device, **settings.model_options(name)))
            return self._model

    @property
    def loaded_model(self) -> ModelWorker | None:
        """The model if somebody has asked for it; never loads it."""
        return self._model

    @property
    def checkpoint(self) -> Path | None:
        """Directory of the model's weights; None where a server has them."""
        name = self._settings.checkpoint
        return None if is_server_address(name) else locate_checkpoint(name)

    def close(self) -> None:
        if self._model is not None:
            self._model.close()
        self.executor.close()


class Resources:
    """`with resources.borrow() as engines: ...`, from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._borrowers = 0
        self._kept = False
        self._engines: Engines | None = None

    @contextmanager
    def borrow(self) -> Iterator[Engines]:
        """The engines that others have open, or new ones."""
        with self._lock:
            engines = self._engines = self._engines or Engines(self._settings)
            self._borrowers += 1
        try:
            yield engines
        finally:
            with self._lock:
                self._borrowers -= 1
                if self._borrowers == 0 and not self._kept:
                    self._close()

    def keep(self) -> None:
        """From now on engines that have been opened stay open until `release`: what a server wants."""
        self._kept = True

    def release(self) -> None:
        """Close the engines as soon as nobody has borrowed them."""
        with self._lock:
            self._kept = False
            if self._borrowers == 0:
                self._close()

    @property
    def loaded_model(self) -> ModelWorker | None:
        """The model if it is loaded, to look at its load; never loads it."""
        engines = self._engines
        return None if engines is None else engines.loaded_model

    def _close(self) -> None:
        engines, self._engines = self._engines, None
        if engines is not None:
            engines.close()
