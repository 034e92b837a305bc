"""What each kind of run needs to be started over HTTP: the service checks it before anything is written down.

A campaign sent over the network names its files by artifact id or, in a conversation, by handle (F1): a path would let
who may only ask read this machine's files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from agent.actions.given import is_handle
from agent.interface.api.documents import StartAction, StartCampaign, StartChat, Started, StartWorkflow, plain_json
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served
from tools.errors import InputError

FILES_OF_TARGET = ("pdb", "ligand")
FILES_OF_CAMPAIGN = ("actives", "decoys")
FILE_ENDINGS = (".sdf", ".mol", ".smi")
"""A reference with such an ending is read from a file (see `agent.campaign`)."""


def start_run(asked: StartChat | StartCampaign | StartWorkflow | StartAction, use: Served) -> Started:
    """Write it down and have it executed."""
    if asked.thread_id is not None:
        use.need_thread(asked.thread_id)
    if isinstance(asked, StartChat):
        for handle in asked.attachments:
            _need_file(handle, asked.thread_id, use)
        thread_id, run_id = use.service.start_turn(asked.thread_id, asked.message, asked.attachments)
        return Started(run_id=run_id, thread_id=thread_id)
    document: dict[str, Any]
    if isinstance(asked, StartAction):
        document = {"action": asked.action, "args": asked.args}
    elif isinstance(asked, StartCampaign):
        document = with_files(asked.campaign or read_yaml(asked.yaml or ""), asked.thread_id, use)
    else:
        document = _workflow_document(asked.workflow or read_yaml(asked.yaml or ""))
    run_id = use.service.submit(asked.kind, document, thread_id=asked.thread_id)
    return Started(run_id=run_id, thread_id=use.session.ledger.thread_of(run_id) or asked.thread_id)


def read_yaml(text: str) -> dict[str, Any]:
    """The mapping in a YAML text."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"this is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise InputError(f"a mapping of keys to values is expected, not {type(data).__name__}")
    try:
        plain_json(data)
    except (TypeError, ValueError) as error:
        raise InputError(f"this cannot be stored as JSON: {error}") from None
    return data


def _workflow_document(data: Mapping[str, Any]) -> dict[str, Any]:
    return dict(data)


def with_files(data: Mapping[str, Any], thread_id: str | None, use: Served) -> dict[str, Any]:
    """The same campaign with artifact ids and handles turned into the paths where they lie."""
    found = dict(data)
    for key in FILES_OF_CAMPAIGN:
        if found.get(key) is not None:
            found[key] = _path_of(key, found[key], thread_id, use)
    reference = found.get("reference")
    if isinstance(reference, str) and (is_handle(reference) or reference.lower().endswith(FILE_ENDINGS)):
        found["reference"] = _path_of("reference", reference, thread_id, use)
    if isinstance(found.get("target"), Mapping):
        target = dict(found["target"])
        for key in FILES_OF_TARGET:
            if target.get(key) is not None:
                target[key] = _path_of(f"target.{key}", target[key], thread_id, use)
        found["target"] = target
    return found


def _path_of(key: str, value: object, thread_id: str | None, use: Served) -> str:
    text = str(value).strip()
    if is_handle(text) and thread_id is not None:
        text = _need_file(text, thread_id, use)
    if text not in use.session.artifacts:
        raise InputError(
            f"{key}: {text!r} is no file kept here; upload it (POST /api/v1/files) and name it by its artifact id, "
            "or with a thread_id by its handle"
        )
    return str(use.session.artifacts.path(text))


def _need_file(handle: str, thread_id: str | None, use: Served) -> str:
    """The artifact id of a file of the conversation."""
    if thread_id is None:
        raise ProblemError(422, f"{handle} names a file of a conversation: give its thread_id")
    item = use.session.ledger.get_item(thread_id, handle)
    if item["kind"] not in ("file", "receptor"):
        raise InputError(f"{handle} is a {item['kind']}, not a file")
    return str(item["value"])
