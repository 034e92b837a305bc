"""Run discovery runs on this machine: open the stores, start workers and the model, drive the graph under a lease."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver

from agent.campaign import Campaign
from agent.config import Settings
from agent.deps import Clock, Deps
from agent.discovery import build_graph
from agent.executor import Executor
from agent.interface.schemas import Event, RunResult
from agent.runs import RunControl, RunManager
from agent.state import DiscoveryState
from models.checkpoint import locate_checkpoint
from models.registry import is_server_address, load_generator
from models.worker import ModelWorker
from tools.errors import InputError
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors
from tools.registry import load_domain

STEPS_A_ROUND = 4
Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Session:
    """The stores of one home directory, and what can be done with runs in it."""

    settings: Settings
    ledger: Ledger
    artifacts: Artifacts
    manager: RunManager

    @classmethod
    def open(cls, settings: Settings) -> Session:
        ledger = Ledger(settings.ledger_path)
        artifacts = Artifacts(settings.artifacts_path)
        manager = RunManager(ledger, artifacts, settings.home, settings.lease_seconds)
        return cls(settings, ledger, artifacts, manager)

    def run(self, campaign: Campaign, kind: str, listen: Listener) -> RunResult:
        asked = campaign.model_dump(mode="json")
        load_domain(campaign.task).examine(asked)
        run_id = self.manager.start(asked, kind)
        return self._watched(run_id, campaign, listen)

    def resume(self, run_id: str, listen: Listener) -> RunResult:
        """Go on where the run stood; a finished run gives its stored result again."""
        record = self.ledger.get_run(run_id)
        if record.state == "done" and record.result:
            return RunResult.model_validate(record.result)
        if not self.manager.resumable(run_id):
            raise InputError(f"run {run_id} is {record.state} and cannot be resumed")
        return self._watched(run_id, Campaign.model_validate(record.campaign), listen)

    def result(self, run_id: str) -> RunResult:
        record = self.ledger.get_run(run_id)
        if record.result is None:
            raise InputError(f"run {run_id} is {record.state} and has no result yet; see `organon campaign list`")
        return RunResult.model_validate(record.result)

    def _watched(self, run_id: str, campaign: Campaign, listen: Listener) -> RunResult:
        """Execute here while a thread hands new events of the log to `listen`, as any other client would read them."""
        events = self.ledger.events(run_id)
        after = events[-1].seq if events else 0
        left = threading.Event()

        def follow() -> None:
            for event in self.manager.tail(run_id, after, should_leave=left.is_set):
                listen(event)

        follower = threading.Thread(target=follow, name=f"follow-{run_id}", daemon=True)
        follower.start()
        try:
            self.manager.execute(run_id, lambda control: self._drive(campaign, control))
        finally:
            left.set()
            follower.join()
        return self.result(run_id)

    def _drive(self, campaign: Campaign, control: RunControl) -> None:
        """Drive the graph to its end. A kill or Ctrl-C at any moment leaves the run resumable."""
        settings, run_id = self.settings, control.run_id
        model_name = settings.checkpoint
        with (
            Executor(settings.workers, settings.memory_mb) as executor,
            ModelWorker(load_generator(model_name, settings.device, **settings.model_options(model_name))) as model,
            closing(sqlite3.connect(settings.checkpoints_path, check_same_thread=False)) as connection,
        ):
            graph = build_graph(SqliteSaver(connection))
            config: Any = {
                "configurable": {"thread_id": run_id},
                "recursion_limit": STEPS_A_ROUND * campaign.rounds + 10,
            }
            saved = graph.get_state(config)
            deps = Deps(
                run_id=run_id,
                run_dir=control.run_dir,
                settings=settings,
                campaign=campaign,
                domain=load_domain(campaign.task),
                ledger=self.ledger,
                artifacts=self.artifacts,
                vectors=Vectors(settings.vectors_path, self.ledger),
                executor=executor,
                model=model,
                checkpoint=None if is_server_address(model_name) else locate_checkpoint(model_name),
                control=control,
                clock=Clock(float(saved.values.get("seconds", 0.0))),
            )
            start = None if saved.next else DiscoveryState(seconds=0.0)
            graph.invoke(start, config, context=deps, durability="sync")
