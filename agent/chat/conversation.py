"""Conversations: beginning a turn. One turn of a conversation runs at a time; a second one is refused, not queued, so
that nobody's words wait unseen behind a step of hours."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.runs import ENDED, new_run_id
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.session import Session

MAX_MESSAGE = 50_000
_lock = threading.Lock()


class UnderWayError(InputError):
    """The conversation's last turn has not ended."""


def open_turn(
    session: Session, thread_id: str | None, message: str, attachments: Sequence[str] = (), seed: int = 0
) -> tuple[str, str]:
    """Write down what a person says as a queued run: (thread id, run id). None begins a conversation. InputError where
    there is nothing to answer, an attachment is no file of the conversation, or its last turn still runs."""
    text = message.strip()
    if not text:
        raise InputError("the message is empty: say what you want to know or to have done")
    if len(text) > MAX_MESSAGE:
        raise InputError(
            f"the message has {len(text):,} characters, at most {MAX_MESSAGE:,}: attach long text as a file"
        )
    if thread_id is None and attachments:
        raise InputError("files are attached to a conversation: give the thread_id they were uploaded to")
    with _lock:
        if thread_id is None:
            thread_id = new_run_id()
            session.ledger.put_thread(thread_id, _title(text))
        _require_files(session, thread_id, attachments)
        _end_abandoned(session, thread_id)
        document = {
            "name": _title(text),
            "thread_id": thread_id,
            "message": text,
            "attachments": list(attachments),
            "seed": seed,
        }
        run_id = session.manager.start(document, "chat")
        session.ledger.add_to_thread(thread_id, run_id)
    return thread_id, run_id


def running_turn(session: Session, thread_id: str) -> str | None:
    """The turn of a conversation that has not ended, if there is one."""
    for run_id in reversed(session.ledger.get_thread(thread_id).runs):
        record = session.ledger.get_run(run_id)
        if record.kind == "chat" and record.state not in ENDED:
            return run_id
    return None


def require_last(session: Session, run_id: str) -> None:
    """InputError for a turn after which the conversation has gone on: taken up again, it would go on with the later
    turn's words. Any other run may be executed again."""
    thread_id = session.ledger.thread_of(run_id)
    if thread_id is None or session.ledger.get_run(run_id).kind != "chat":
        return
    for later in session.ledger.get_thread(thread_id).runs:
        if later > run_id and session.ledger.get_run(later).kind == "chat":
            raise InputError(f"the conversation has gone on since (run {later}): say it again")


def _end_abandoned(session: Session, thread_id: str) -> None:
    """A turn whose process died ends here: the person has gone on. One that lives, or waits to begin, is left alone."""
    held = running_turn(session, thread_id)
    if held is None:
        return
    state = session.ledger.get_run(held).state
    if state == "queued" or not session.manager.resumable(held):
        raise UnderWayError(
            f"a turn of this conversation (run {held}) is still {state.replace('_', ' ')}: wait for it, or stop it"
        )
    session.manager.request_stop(held)


def _require_files(session: Session, thread_id: str, attachments: Sequence[str]) -> None:
    session.ledger.get_thread(thread_id)
    for handle in attachments:
        kind = session.ledger.get_item(thread_id, handle)["kind"]
        if kind != "file":
            raise InputError(f"{handle} is a {kind}: only files (F1, F2, ...) are attached")


def _title(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 80 else words[:79] + "…"
