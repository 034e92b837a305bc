"""Things for workers to do in test_executor.py: a module of its own, because spawned workers import it by
name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

_prepared: list[str] = []


def prepare(word: str) -> None:
    _prepared.append(word)


def prepare_badly() -> None:
    raise ValueError("no maps here")


def prepare_and_die() -> None:
    os._exit(5)


def prepared() -> tuple[list[str], int]:
    return _prepared, os.getpid()


def nothing() -> None:
    return None


def square(number: int) -> int:
    return number * number


def slow_square(number: int, seconds: float) -> int:
    time.sleep(seconds)
    return number * number


def stamp(directory: str, number: int, seconds: float) -> int:
    Path(directory, str(number)).write_text(str(os.getpid()))
    time.sleep(seconds)
    return number


def meet(directory: str, number: int) -> str:
    """Comes back only once the other one has begun too."""
    Path(directory, str(number)).touch()
    until = time.monotonic() + 60
    while len(list(Path(directory).iterdir())) < 2:
        if time.monotonic() > until:
            return "alone"
        time.sleep(0.01)
    return "met"


def act(deed: str) -> str:
    """What a worker may live through, by name."""
    if deed == "exit":
        os._exit(3)
    if deed == "segfault":
        ctypes.string_at(0)
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "system_exit":
        sys.exit(4)
    if deed == "raise":
        raise KeyError("no such atom\nsecond line")
    if deed == "memory_error":
        raise MemoryError("no room for the grid")
    if deed == "unpicklable":
        return lambda: "x"  # type: ignore[return-value]
    if deed == "hang":
        threading.Event().wait()
    if deed == "hang_in_c":
        ctypes.PyDLL(None).sleep(3600)
    if deed == "hunger":
        hoard = []
        while True:
            hoard.append(b"x" * 2**24)
            time.sleep(0.005)
    if deed == "noise":
        os.write(1, b"written to standard output by C code\n")
    return deed


def sleeper_parent() -> None:
    """A program that is killed while its workers are busy: prints their pids as they start."""
    from agent.executor import Executor, Task

    with Executor(workers=2, memory_mb=0) as executor:
        for _index, _outcome in executor.map_ordered(_tell_and_hang, [Task((sys.argv[1], n)) for n in range(2)]):
            pass


def _tell_and_hang(directory: str, number: int) -> None:
    Path(directory, f"pid-{number}").write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(120)


if __name__ == "__main__":
    # A shell that starts a job in the background hands down "ignore the interrupt"; Ctrl-C is what is tested here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from tests.agent import executor_tasks

    executor_tasks.sleeper_parent()
