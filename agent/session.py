"""The stores of one home directory, and runs of any kind in it: start, execute here, resume, read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.interface.schemas import Event, RunResult
from agent.kinds import work_of
from agent.resources import Resources
from agent.runs import RunManager
from tools.errors import InputError
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger, RunRecord
from tools.registry import load_domain

if TYPE_CHECKING:
    from agent.campaign import Campaign

Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Session:
    settings: Settings
    ledger: Ledger
    artifacts: Artifacts
    manager: RunManager
    resources: Resources

    @classmethod
    def open(cls, settings: Settings) -> Session:
        ledger = Ledger(settings.ledger_path)
        artifacts = Artifacts(settings.artifacts_path)
        manager = RunManager(ledger, artifacts, settings.home, settings.lease_seconds)
        return cls(settings, ledger, artifacts, manager, Resources(settings))

    def guarded(self) -> Session:
        """The same home as a server offers it: where a token lets others in, files of this machine cannot be named by
        their path (attached ones can)."""
        if self.settings.token is None:
            return self
        return replace(self, settings=self.settings.model_copy(update={"local_files": False}))

    def start_campaign(self, campaign: Campaign, kind: str = "campaign", run_id: str | None = None) -> str:
        """Write down a campaign as a queued run. InputError for what its domain refuses, before anything is stored.
        With a `run_id` that is there already, nothing is started twice."""
        asked = campaign.model_dump(mode="json")
        load_domain(campaign.task).examine(asked)
        return self.manager.start(asked, kind, run_id)

    def run(self, campaign: Campaign, kind: str, listen: Listener) -> RunResult:
        """Start a campaign and execute it here."""
        run_id = self.start_campaign(campaign, kind)
        self.execute(run_id, listen)
        return self.result(run_id)

    def resume(self, run_id: str, listen: Listener) -> RunResult:
        """Go on where a campaign stood; a finished one gives its stored result again."""
        record = self.ledger.get_run(run_id)
        if record.state != "done" or not record.result:
            if not self.manager.resumable(run_id):
                raise InputError(f"run {run_id} is {record.state} and cannot be resumed")
            self.execute(run_id, listen)
        return self.result(run_id)

    def result(self, run_id: str) -> RunResult:
        """A campaign's final document. InputError where there is none yet, or the run is no campaign."""
        record = self.ledger.get_run(run_id)
        if record.result is None:
            raise InputError(f"run {run_id} is {record.state} and has no result yet; see `organon campaign list`")
        return RunResult.model_validate(record.result)

    def execute(self, run_id: str, listen: Listener | None = None) -> RunRecord:
        """Execute a run of any kind here, to its end, while a thread hands the new events of its log to `listen`, as
        any other client would read them."""
        record = self.ledger.get_run(run_id)
        work = work_of(record.kind)
        if listen is None:
            return self.manager.execute(run_id, lambda control: work(self, record, control))
        with self._followed(run_id, listen):
            return self.manager.execute(run_id, lambda control: work(self, record, control))

    def _followed(self, run_id: str, listen: Listener) -> _Follower:
        events = self.ledger.events(run_id)
        return _Follower(self.manager, run_id, events[-1].seq if events else 0, listen)


class _Follower:
    """A thread that reads a run's log while the block lasts, to its last event."""

    def __init__(self, manager: RunManager, run_id: str, after: int, listen: Listener) -> None:
        self._left = threading.Event()
        self._thread = threading.Thread(
            target=self._follow, args=(manager, run_id, after, listen), name=f"follow-{run_id}", daemon=True
        )

    def _follow(self, manager: RunManager, run_id: str, after: int, listen: Listener) -> None:
        for event in manager.tail(run_id, after, should_leave=self._left.is_set):
            listen(event)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
