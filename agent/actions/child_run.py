"""A campaign that an action starts: a run of its own, executed in place, that obeys what is asked of the parent run.

Its id follows from the parent's and the call's, so an action that is repeated after a crash takes up the run it had
started. Stop and pause of the parent are handed on while it is executed; a parent that is left (its lease lost) leaves
the child too, so that both go on where the parent is executed again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from agent.actions.action import ActionContext
from agent.actions.calls import stop_if_asked
from agent.campaign import Campaign
from agent.interface.schemas import Event, RunResult
from agent.runs import ENDED, run_id_for
from tools.errors import InputError, StopError

POLL_SECONDS = 0.3


def child_id(context: ActionContext) -> str:
    """The id of the run that this call starts."""
    return run_id_for(context.control.run_id, context.call_id)


def run_campaign(campaign: Campaign, context: ActionContext) -> RunResult:
    """Start the campaign (or find it started), execute it here to its end, and give its result.

    StopError where the parent was stopped; a run that was itself stopped gives what it has, or InputError if nothing.
    """
    run_id = child_id(context)
    context.session.start_campaign(campaign, "campaign", run_id)
    execute_child(run_id, campaign.name, context)
    return context.session.result(run_id)


def execute_child(run_id: str, name: str, context: ActionContext) -> None:
    """Execute a run of any kind that this call has started, here, to its end. StopError if the parent was stopped."""
    context.session.ledger.add_to_thread(context.thread_id, run_id)
    told = {"step": f"run {run_id}: {name}", "call_id": context.call_id, "run_id": run_id}
    context.control.emit("step_started", told, once=f"child {run_id}")
    with _handing_on(context, run_id):
        _execute(run_id, context)
    stop_if_asked(context)


def _execute(run_id: str, context: ActionContext) -> None:
    """Here, or by whoever has it in work already (a server that took up its runs again); where that process dies, here
    after all. Rounds that ended while the parent was not executed are told first."""
    session, should_stop = context.session, context.control.should_stop
    elsewhere = not session.manager.resumable(run_id)
    for event in session.manager.tail(run_id, should_leave=lambda: session.manager.resumable(run_id) or should_stop()):
        _tell(event, context)
    if elsewhere and (should_stop() or session.ledger.get_run(run_id).state in ENDED):
        return
    session.execute(run_id, lambda event: _tell(event, context))


def _tell(event: Event, context: ActionContext) -> None:
    """Rounds of the child in the parent's log; the rest stands in the child's own."""
    if event.type == "round_finished":
        counts = event.payload
        text = (
            f"round {counts['round']}: {counts['generated']} made, {counts['docked']} docked, {counts['passed']} passed"
        )
        told = {"step": text, "call_id": context.call_id, "run_id": event.run_id}
        context.control.emit("step_started", told, once=f"child {event.run_id} round {counts['round']}")


@contextmanager
def _handing_on(context: ActionContext, run_id: str) -> Iterator[None]:
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(context, run_id, done), name=f"hand-on-{run_id}", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(context: ActionContext, run_id: str, done: threading.Event) -> None:
    """Ask of the child what is asked of the parent; what comes too late is no fault."""
    manager, control = context.session.manager, context.control
    while not done.wait(POLL_SECONDS):
        try:
            if control.should_stop():
                manager.request_stop(run_id)
                return
            if control.should_pause():
                manager.request_pause(run_id)
                control.wait_while_paused()
                manager.request_resume(run_id)
        except InputError:
            continue
        except StopError:
            manager.leave(run_id)
            return
