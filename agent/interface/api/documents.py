"""What is sent to and given back by the HTTP interface, besides the documents of `agent.interface.schemas`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator

from agent.chat.conversation import MAX_MESSAGE
from agent.interface.schemas import Item, RunState, ThreadSummary
from tools.memory.ledger import RunSummary

MAX_YAML = 200_000
MAX_ATTACHMENTS = 20


def plain_json(value: Any) -> Any:
    """What can be stored: no NaN, no infinity, no half characters. ValueError for others."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text in it holds half a character (a lone surrogate)") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(plain_json)]
ThreadRef = Annotated[str, Field(min_length=1, max_length=40, description="A conversation that is there.")]
Handle = Annotated[str, Field(pattern=r"^F[1-9]\d{0,4}$")]


class Request(BaseModel):
    """Parent of what is sent."""

    model_config = ConfigDict(extra="forbid")


class StartChat(Request):
    """One turn of a conversation; without `thread_id` a new one."""

    kind: Literal["chat"]
    message: str = Field(min_length=1, max_length=MAX_MESSAGE, examples=["Design three inhibitors of ABL1"])
    thread_id: ThreadRef | None = None
    attachments: list[Handle] = Field(default_factory=list, max_length=MAX_ATTACHMENTS)


class StartCampaign(Request):
    """A discovery campaign, as an object or as the text of a campaign file. Files it needs are named by artifact id
    (see POST /api/v1/files)."""

    kind: Literal["campaign"]
    campaign: JsonObject | None = Field(default=None, examples=[{"target": "ABL1", "rounds": 1, "per_round": 16}])
    yaml: str | None = Field(default=None, max_length=MAX_YAML)
    thread_id: ThreadRef | None = None

    @model_validator(mode="after")
    def _one(self) -> StartCampaign:
        if (self.campaign is None) == (self.yaml is None):
            raise ValueError("give the campaign once: as `campaign` or as `yaml`")
        return self


class StartWorkflow(Request):
    """Stages of actions, as an object or as the text of a workflow file."""

    kind: Literal["workflow"]
    workflow: JsonObject | None = None
    yaml: str | None = Field(default=None, max_length=MAX_YAML)
    thread_id: ThreadRef | None = None

    @model_validator(mode="after")
    def _one(self) -> StartWorkflow:
        if (self.workflow is None) == (self.yaml is None):
            raise ValueError("give the workflow once: as `workflow` or as `yaml`")
        return self


class StartAction(Request):
    """One action with its arguments; GET /api/v1/actions lists them. In a conversation its handles can be used."""

    kind: Literal["action"]
    action: str = Field(max_length=80, examples=["molecule_properties"])
    args: JsonObject = Field(default_factory=dict, examples=[{"molecules": ["CC(=O)Oc1ccccc1C(=O)O"]}])
    thread_id: ThreadRef | None = None


Start = Annotated[StartChat | StartCampaign | StartWorkflow | StartAction, Field(discriminator="kind")]


class Started(BaseModel):
    """A run was written down and will be executed. `thread_id`: its conversation, where it has one."""

    run_id: str
    thread_id: str | None


class RunLine(BaseModel):
    """A run in a list."""

    run_id: str
    name: str
    kind: str
    state: RunState
    created: datetime
    updated: datetime
    thread_id: str | None = None
    has_result: bool = False
    active: bool = Field(default=False, description="This server executes it or is about to.")


class RunDetail(RunLine):
    """A run with its documents. `files`: name -> address. `approval`: the question it waits for, if it waits."""

    document: dict[str, Any]
    seed: int
    result: dict[str, Any] | None
    files: dict[str, str] = Field(default_factory=dict)
    approval: dict[str, Any] | None = None
    message: str = Field(default="", description="How it ended, in one line, where something is to be said.")
    n_events: int


class Approval(Request):
    """The answer to an `approval_requested` event: accept, refuse, or accept with other arguments."""

    key: str = Field(min_length=1, max_length=200)
    approved: StrictBool
    args: JsonObject | None = None


class Accepted(BaseModel):
    """What was asked is noted; the run's log shows when it takes effect."""

    run_id: str
    state: RunState


class ThreadDetail(BaseModel):
    """A conversation, what it holds, and its runs, oldest first."""

    summary: ThreadSummary
    items: list[Item]
    runs: list[RunLine]


class LibraryEntry(BaseModel):
    """What the library made of a document or table: added, known (read before), or refused with the reason."""

    state: Literal["added", "known", "refused"]
    n_passages: int
    reason: str = ""
    warnings: list[str] = Field(default_factory=list)


class Uploaded(BaseModel):
    """A file is kept: `item` has its handle in the conversation (F1) and its artifact id as value. `library`: only for
    what can be searched in words."""

    thread_id: str
    item: Item
    library: LibraryEntry | None = None


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def run_line(run: RunSummary, active: bool) -> RunLine:
    return RunLine(
        run_id=run.run_id,
        name=run.name,
        kind=run.kind,
        state=run.state,  # type: ignore[arg-type]
        created=moment(run.created),
        updated=moment(run.updated),
        thread_id=run.thread_id,
        has_result=run.has_result,
        active=active,
    )
