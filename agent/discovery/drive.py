"""Drive one discovery campaign: open what it needs, and push its graph to the end from wherever it stood."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langsmith import tracing_context

from agent.campaign import Campaign
from agent.discovery.deps import Clock, Deps
from agent.discovery.graph import build_graph
from agent.discovery.state import DiscoveryState
from agent.runs import RunControl
from tools.memory.ledger import RunRecord
from tools.memory.vectors import Vectors
from tools.registry import load_domain

if TYPE_CHECKING:
    from agent.session import Session

STEPS_A_ROUND = 4


def drive_campaign(session: Session, record: RunRecord, control: RunControl) -> None:
    """Drive the graph to its end. A kill or Ctrl-C at any moment leaves the run resumable."""
    settings, run_id = session.settings, control.run_id
    campaign = Campaign.model_validate(record.campaign)
    with (
        session.resources.borrow() as engines,
        closing(sqlite3.connect(settings.checkpoints_path, check_same_thread=False)) as connection,
        tracing_context(enabled=False),
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
            ledger=session.ledger,
            artifacts=session.artifacts,
            vectors=Vectors(settings.vectors_path, session.ledger),
            executor=engines.executor,
            model=engines.model,
            checkpoint=engines.checkpoint,
            control=control,
            clock=Clock(float(saved.values.get("seconds", 0.0))),
        )
        start = None if saved.next else DiscoveryState(seconds=0.0)
        graph.invoke(start, config, context=deps, durability="sync")
