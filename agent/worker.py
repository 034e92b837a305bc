"""One worker process: what it does before and during a task, and how its parent watches it.

The parent's side is `Slot`: a pebble pool with a single process, started when first needed and replaced when
broken. The worker's side is `_prepare` and `_execute`. Function, arguments and results cross as bytes pickled
here, so that what cannot be pickled is an answer ("error") and not a dead worker. A worker writes to stderr
what it prints to stdout: the parent's stdout may be a JSON document.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import pickle
import platform
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Literal

import psutil
from pebble import ProcessExpired, ProcessPool

from tools.errors import TransientError

FaultKind = Literal["crash", "timeout", "memory", "error", "not_dispatched"]
_SPAWN = multiprocessing.get_context("spawn")
_PR_SET_PDEATHSIG = 1
_RECYCLE_FRACTION = 0.8
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Task:
    """Arguments of one call and how long it may run (seconds; None: as long as it likes)."""

    args: tuple[Any, ...]
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A task without a result. `message` is one line for a person; `error_type` the exception's class name
    where the task raised one (kind "error" or "memory"); `seconds` how long it ran."""

    kind: FaultKind
    message: str
    seconds: float
    error_type: str = ""

    def to_error(self) -> TransientError:
        """The fault as an exception, for callers that want to raise it."""
        return TransientError(f"{self.kind}: {self.message}")


@dataclass(frozen=True, slots=True)
class Done:
    """What a slot's task came to: its return value, or a `Fault`."""

    outcome: Any


class Slot:
    """A place where one task at a time runs in a process of its own. Used from one thread."""

    def __init__(self, setup: bytes, memory_mb: int, start_timeout_seconds: float) -> None:
        """`setup`: `pack((initializer, initargs))` or empty; `memory_mb`: MiB of resident memory, 0 for no
        limit."""
        self._setup = setup
        self._limit_bytes = memory_mb * _MIB
        self._start_timeout = start_timeout_seconds
        self._pid = _SPAWN.RawValue("i", 0)
        self._pool: Any = None
        self._work = b""
        self._timeout: float | None = None
        self._future: Future[bytes] | None = None
        self._submitted = 0.0
        self._began: float | None = None
        self._excess_mb = 0
        self._retried = False

    @property
    def future(self) -> Future[bytes] | None:
        """To wait on; None while nothing runs here."""
        return self._future

    def start(self, work: bytes, timeout_seconds: float | None) -> None:
        """Begin `pack((function, args))`. Only when nothing runs here."""
        self._work, self._timeout, self._retried = work, timeout_seconds, False
        self._submit()

    def look(self) -> Done | None:
        """See how the task is doing; `Done` frees the slot. Call often: memory is looked at here."""
        if self._future is None:
            return None
        if self._future.done():
            return self._finish(self._future)
        if self._began is None and self._future.running():
            self._began = time.monotonic()
        if self._began is None and self._seconds() > self._start_timeout:
            self.stop()
            self.join()
            return Done(
                Fault("timeout", f"the worker did not start within {self._start_timeout:g} s", self._start_timeout)
            )
        if self._limit_bytes and not self._excess_mb and self._began is not None:
            resident = self._resident_bytes()
            if resident > self._limit_bytes:
                self._excess_mb = resident // _MIB
                os.kill(self._pid.value, signal.SIGKILL)
        return None

    def stop(self) -> None:
        """End the worker and forget its task, without waiting; `join` waits."""
        self._future = None
        if self._pool is not None:
            self._pool.stop()

    def join(self) -> None:
        if self._pool is not None:
            self._pool.join()
            self._pool = None
            self._pid.value = 0

    def _submit(self) -> None:
        self._began, self._excess_mb, self._submitted = None, 0, time.monotonic()
        if self._pool is not None and not self._pool.active:
            self._discard()
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=1,
                max_tasks=0,
                initializer=_prepare,
                initargs=(os.getpid(), self._pid, self._setup),
                context=_SPAWN,
            )
        self._future = self._pool.schedule(_execute, args=(self._work,), timeout=self._timeout)

    def _discard(self) -> None:
        self._pool.stop()
        self.join()

    def _finish(self, future: Future[bytes]) -> Done | None:
        error = future.exception()
        if isinstance(error, BrokenProcessPool) and not self._retried and not self._excess_mb:
            self._retried = True
            self._discard()
            self._submit()
            return None
        self._future = None
        if error is None:
            done = _unpack_reply(future.result())
            if self._limit_bytes and self._resident_bytes() > _RECYCLE_FRACTION * self._limit_bytes:
                self._discard()
            return done
        return Done(self._fault(error))

    def _fault(self, error: BaseException) -> Fault:
        seconds = self._seconds()
        if self._excess_mb:
            limit = self._limit_bytes // _MIB
            return Fault("memory", f"took {self._excess_mb} MB of memory, {limit} are allowed", seconds)
        if isinstance(error, ProcessExpired):
            return Fault("crash", f"the worker process {_exit_words(error.exitcode)}", seconds)
        if isinstance(error, TimeoutError):
            return Fault("timeout", f"no result within {self._timeout:g} s", seconds)
        if isinstance(error, BrokenProcessPool):
            return Fault("crash", "the worker process died while starting or at once, twice", seconds)
        return Fault("error", _one_line(error), seconds, type(error).__name__)

    def _seconds(self) -> float:
        return time.monotonic() - (self._began or self._submitted)

    def _resident_bytes(self) -> int:
        """Resident memory of this slot's process; 0 where it is gone."""
        try:
            process = psutil.Process(self._pid.value)
            return int(process.memory_info().rss) if process.ppid() == os.getpid() else 0
        except psutil.Error:
            return 0


def pack(function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
    """What a worker is to call. Raises what pickle raises for functions and arguments that cannot be sent."""
    return pickle.dumps((function, args), protocol=pickle.HIGHEST_PROTOCOL)


_setup_failure = ""


def _prepare(parent_pid: int, pid: Any, setup: bytes) -> None:
    """Runs first in a new worker. A failing `setup` is kept and told by every task, so that the pool does not
    spin."""
    global _setup_failure  # noqa: PLW0603  one value per process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with(parent_pid)
    os.dup2(2, 1)
    pid.value = os.getpid()
    if setup:
        try:
            function, args = pickle.loads(setup)
            function(*args)
        except Exception as error:  # noqa: BLE001  boundary: told by _execute
            _setup_failure = f"the worker could not be set up: {type(error).__name__}: {_one_line(error)}"


def _execute(work: bytes) -> bytes:
    """Runs one task in the worker. Every exception of the task becomes a `Fault` here."""
    began = time.perf_counter()
    if _setup_failure:
        return pickle.dumps(Done(Fault("error", _setup_failure, 0.0, "SetupError")))
    try:
        function, args = pickle.loads(work)
        return pickle.dumps(Done(function(*args)), protocol=pickle.HIGHEST_PROTOCOL)
    except MemoryError as error:
        fault = Fault("memory", _one_line(error), time.perf_counter() - began, "MemoryError")
    except Exception as error:  # noqa: BLE001  boundary: the worker
        fault = Fault("error", _one_line(error), time.perf_counter() - began, type(error).__name__)
    return pickle.dumps(Done(fault))


def _unpack_reply(reply: bytes) -> Done:
    try:
        done = pickle.loads(reply)
    except Exception as error:  # noqa: BLE001  boundary: a result whose class does not load here
        return Done(Fault("error", f"the result cannot be read: {_one_line(error)}", 0.0, type(error).__name__))
    return done if isinstance(done, Done) else Done(Fault("error", "the worker answered something else", 0.0))


def _die_with(parent_pid: int) -> None:
    """Make this process end when its parent does, however that happens. On Linux the kernel does it, also
    while C code holds the interpreter; elsewhere a thread looks every second."""
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)
        return
    threading.Thread(target=_watch_parent, args=(parent_pid,), daemon=True).start()


def _watch_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(1.0)
    os._exit(1)


def _exit_words(exit_code: int | None) -> str:
    if exit_code is None:
        return "died"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was ended by signal {-exit_code}"


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
