"""Who executes runs in the background of this process, if anybody does: a server's run service says so here.

An action that starts a long run asks: where nobody is there (a command that ends with its work), it executes the run
itself. The key is the home directory, since a process may serve several.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

TakeUp = Callable[[str], None]
"""Called with the id of a run that is written down; has it executed, and returns at once."""

_services: dict[Path, TakeUp] = {}
_lock = threading.Lock()


def offer(home: Path, take_up: TakeUp) -> None:
    """From now on runs of this home are executed by `take_up`."""
    with _lock:
        _services[home] = take_up


def withdraw(home: Path) -> None:
    """Nobody executes runs of this home in the background any more."""
    with _lock:
        _services.pop(home, None)


def background_of(home: Path) -> TakeUp | None:
    """Who takes up runs of this home; None where nobody does."""
    with _lock:
        return _services.get(home)
