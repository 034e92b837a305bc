"""What the runs of one process share: worker processes for checks, and the resident scientific model.

Both are opened at the first use and closed when the last borrower has left: a command closes them at its end, a
server keeps them for its whole life. One model serves all runs through its queue; it is never loaded twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.config import Settings
from agent.executor import Executor
from models.checkpoint import locate_checkpoint
from models.registry import is_server_address, load_generator
from models.worker import ModelWorker


@dataclass(frozen=True, slots=True)
class Engines:
    """Borrowed: valid inside the `with` block that gave them."""

    executor: Executor
    model: ModelWorker
    checkpoint: Path | None
    """Directory of the model's weights; None where a server has them."""


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
        """The engines, opened if nobody has them open. A fault in opening (a checkpoint that cannot be read) is
        raised here and leaves nothing open."""
        with self._lock:
            engines = self._engines or self._opened()
            self._engines = engines
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
    def open_engines(self) -> Engines | None:
        """The engines if somebody has them open, to look at their load; never opens them."""
        return self._engines

    def _close(self) -> None:
        engines, self._engines = self._engines, None
        if engines is not None:
            engines.model.close()
            engines.executor.close()

    def _opened(self) -> Engines:
        settings, name = self._settings, self._settings.checkpoint
        model = ModelWorker(load_generator(name, settings.device, **settings.model_options(name)))
        executor = Executor(settings.workers, settings.memory_mb)
        executor.__enter__()
        return Engines(executor, model, None if is_server_address(name) else locate_checkpoint(name))
