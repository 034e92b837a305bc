"""What the interfaces need of whoever executes runs (`agent.service.RunService`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol


class Service(Protocol):
    """Executes runs of this home in the background. Every call returns at once."""

    def submit(
        self, kind: str, document: Mapping[str, Any], *, run_id: str | None = None, thread_id: str | None = None
    ) -> str:
        """Write down a run and have it executed; with the id of one that is there, have that go on."""

    def start_turn(self, thread_id: str | None, message: str, attachments: Sequence[str] = ()) -> tuple[str, str]:
        """Say something in a conversation (None: a new one). (thread id, run id)."""

    def resume(self, run_id: str) -> None:
        """Let a paused run go on, or one that ended early or was left go on where it stood."""

    def start(self) -> None:
        """Begin to execute; runs that a dead process left are taken up."""

    def close(self) -> None:
        """Leave: runs under way stay resumable."""

    def active(self) -> Collection[str]:
        """The runs that are executed here or wait for it."""
