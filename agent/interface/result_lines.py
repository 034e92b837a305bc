"""JSON lines as they come, on stdout or into a file: each is whole and flushed before the next is begun.

When the disk is full, the file is cut back to its last whole line: what is written stays readable.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import typer

from tools.errors import InputError, StopError


class ResultLines:
    """Writes to `file` (None: stdout); `n_written` counts lines. A context manager."""

    def __init__(self, file: Path | None = None) -> None:
        self._path = file
        self._file: BinaryIO | None = None
        self.n_written = 0
        if file is not None:
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._file = file.open("wb", buffering=0)
            except OSError as error:
                raise InputError(f"cannot write to {file}: {error.strerror}") from None

    def __enter__(self) -> ResultLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """One line. StopError where it cannot be written whole; a reader that went away ends the command."""
        line = json.dumps(row) + "\n"
        try:
            if self._file is None:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                _append(self._file, line.encode())
        except BrokenPipeError:
            _drop_stdout()
            raise typer.Exit(1) from None
        except OSError as error:
            if self._file is None:
                _drop_stdout()
            place = self._path or "standard output"
            raise StopError(
                f"cannot write to {place}: {error.strerror}; the {self.n_written} lines before are whole"
            ) from None
        self.n_written += 1


def _append(file: BinaryIO, line: bytes) -> None:
    """All of `line` or, as far as the file can be cut, nothing of it."""
    start = file.tell()
    left = memoryview(line)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(start)
        raise


def _drop_stdout() -> None:
    """Stdout takes no more: what is still in its buffer goes nowhere, so that the exit does not fail again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
