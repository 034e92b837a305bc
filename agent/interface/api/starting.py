"""What each kind of run needs to be started over HTTP. The service checks its document before anything is stored.

Files are named by artifact id or, in a conversation, by handle (F1): a path would let who may only ask read this
machine's files (`agent.campaign_file.stored`).
"""

from __future__ import annotations

from typing import Any

from agent.campaign_file import parse_request, parse_yaml, stored
from agent.chat.conversation import UnderWayError
from agent.interface.api.documents import StartAction, StartCampaign, StartChat, Started, StartWorkflow, plain_json
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served
from tools.errors import InputError


def start_run(asked: StartChat | StartCampaign | StartWorkflow | StartAction, use: Served) -> Started:
    """Write it down and have it executed. A campaign of another task than ligand, or with a sweep, is a workflow."""
    if asked.thread_id is not None:
        use.need_thread(asked.thread_id)
    if isinstance(asked, StartChat):
        return _start_turn(asked, use)
    if isinstance(asked, StartAction):
        document: dict[str, Any] = {"action": asked.action, "args": asked.args}
        run_id = use.service.submit("action", document, thread_id=asked.thread_id)
    else:
        given = asked.campaign if isinstance(asked, StartCampaign) else asked.workflow
        data = given if given is not None else _plain(parse_yaml(asked.yaml or ""))
        request = parse_request(data, stored(use.session, asked.thread_id or ""))
        run_id = use.service.submit(request.kind, request.document(use.session), thread_id=asked.thread_id)
    return Started(run_id=run_id, thread_id=use.session.ledger.thread_of(run_id) or asked.thread_id)


def _start_turn(asked: StartChat, use: Served) -> Started:
    try:
        thread_id, run_id = use.service.start_turn(asked.thread_id, asked.message, asked.attachments)
    except UnderWayError as error:
        raise ProblemError(409, str(error)) from None
    return Started(run_id=run_id, thread_id=thread_id)


def _plain(data: object) -> object:
    """YAML knows dates and more: only what JSON can say is kept."""
    try:
        return plain_json(data)
    except (TypeError, ValueError) as error:
        raise InputError(f"this cannot be stored as JSON: {error}") from None
