"""An action: one thing the assistant can do, with typed arguments. What chat, API, MCP and workflows all call.

`ACTIONS` (in `agent.actions`) is the table. An action is a function `run(args, context) -> ActionResult` over a model
of its arguments, whose field descriptions (terms of the field, with units) are what a language model reads.
`execute` is the one boundary where a fault becomes an answer that says how to fix it. Whatever an action starts or
stores, it does under ids derived from its call's id, so that a call repeated after a crash does nothing twice.

Arguments that take a molecule, protein, pocket, ... take its text (SMILES, sequence) or its handle in the conversation
(M3): see `agent.actions.given`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.interface.schemas import ActionCost, ActionResult, Item
from agent.runs import RunControl
from models.errors import (
    CheckpointError,
    ModelInputError,
    ModelMemoryError,
    QueueFullError,
    ServerError,
    WorkerClosedError,
)
from tools.errors import InputError, OrganonError, StopError, TransientError, UnavailableError

if TYPE_CHECKING:
    from agent.session import Session
    from tools.memory.ledger import RunRecord

_FREE = ActionCost()


class Arguments(BaseModel):
    """Parent of every action's arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What an action may use. `thread_id` names the conversation (or workflow) whose handles it reads and writes;
    `call_id` this very call, the same when it is repeated after a crash; `control` the run it is part of."""

    session: Session
    control: RunControl
    thread_id: str
    call_id: str

    def item(self, handle: str) -> Item:
        """The thing under a handle of this conversation; InputError names those there are."""
        return Item.model_validate(self.session.ledger.get_item(self.thread_id, handle))

    def tell(self, text: str) -> None:
        """A word on how it goes, for who watches: one short line."""
        self.control.emit("step_started", {"step": text, "call_id": self.call_id})


@dataclass(frozen=True, slots=True)
class Action:
    """`about`: what it does and when to use it, two sentences at most. `cost` estimates before anything runs; actions
    above the settings' threshold, or outward ones, wait for approval in a conversation."""

    name: str
    about: str
    args: type[Arguments]
    run: Callable[[Any, ActionContext], ActionResult]
    cost: Callable[[Any, ActionContext], ActionCost] | None = None

    def schema(self) -> dict[str, Any]:
        """Name, purpose and the JSON schema of the arguments."""
        return {"name": self.name, "description": self.about, "parameters": self.args.model_json_schema()}

    def parse(self, args: Mapping[str, Any]) -> Arguments:
        """The arguments, checked; InputError in one line: the key, the value, what was expected."""
        try:
            return self.args.model_validate(dict(args))
        except ValidationError as error:
            raise InputError(f"{self.name}: {'; '.join(self._problem(detail) for detail in error.errors())}") from None

    def estimate(self, args: Mapping[str, Any], context: ActionContext) -> ActionCost:
        """What it will take. Arguments that are wrong, or a campaign that starts itself, cost nothing: they fail."""
        try:
            return self.cost(self.parse(args), context) if self.cost is not None else _FREE
        except (OrganonError, RecursionError):
            return _FREE

    def _problem(self, detail: Mapping[str, Any]) -> str:
        where = ".".join(str(part) for part in detail["loc"]) or "arguments"
        if detail["type"] == "extra_forbidden":
            return f"there is no argument `{where}`; it takes {', '.join(self.args.model_fields)}"
        if detail["type"] == "missing":
            return f"`{where}` is missing"
        return f"`{where}`: {str(detail['msg']).removeprefix('Value error, ')} (got {detail['input']!r:.80})"


def execute(action: Action, args: Mapping[str, Any], context: ActionContext) -> ActionResult:
    """Run an action. Always returns, except where the run has to stop: then StopError goes on up. Items get their
    handles here, so an action need not know the conversation's others."""
    started = time.perf_counter()
    try:
        result = action.run(action.parse(args), context)
    except StopError:
        raise
    except (InputError, ModelInputError, CheckpointError) as error:
        result = failed(action.name, context, "input", str(error))
    except UnavailableError as error:
        result = failed(action.name, context, "install", str(error))
    except (TransientError, QueueFullError, ServerError, ModelMemoryError, WorkerClosedError, MemoryError) as error:
        result = failed(action.name, context, "retry", str(error) or "out of memory")
    except OrganonError as error:
        result = failed(action.name, context, "stop", str(error))
    except Exception as error:  # noqa: BLE001 - the one boundary where any fault becomes an answer
        result = failed(action.name, context, "error", f"{type(error).__name__}: {error}")
    documents = [item.model_dump(mode="json") for item in result.items]
    held = context.session.ledger.put_items(context.thread_id, context.call_id, documents)
    items = [Item.model_validate(document) for document in held]
    return result.model_copy(update={"items": items, "seconds": round(time.perf_counter() - started, 3)})


def failed(name: str, context: ActionContext, fault: Any, reason: str) -> ActionResult:
    """An answer that says what went wrong and what to do about it; never mistaken for a result."""
    return ActionResult(action=name, call_id=context.call_id, fault=fault, summary=reason)


def drive_action(session: Session, record: RunRecord, control: RunControl) -> dict[str, Any]:
    """A run of kind "action": one call, started over the API or MCP. Its document: {action, args, thread_id}."""
    from agent.actions import load_action

    asked = record.campaign
    thread_id = str(asked.get("thread_id") or record.run_id)
    session.ledger.put_thread(thread_id, str(asked["action"]))
    session.ledger.add_to_thread(thread_id, record.run_id)
    context = ActionContext(session, control, thread_id, f"{record.run_id}.1")
    call = {"call_id": context.call_id, "action": asked["action"], "args": asked["args"]}
    control.emit("tool_call", call, once="call")
    result = execute(load_action(asked["action"]), asked["args"], context).model_dump(mode="json")
    control.emit("tool_result", {"call_id": context.call_id, "result": result}, once="result")
    return result
