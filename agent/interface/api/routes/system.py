"""Whether the server lives and is ready, what it can do, and what it measures."""

from __future__ import annotations

import shutil
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from agent.actions import ACTIONS, load_action
from agent.interface.api.described import embedding_of, front_end_of, model_of
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served, Use
from tools.errors import OrganonError

router = APIRouter()

LEAST_FREE_BYTES = 64 * 2**20
"""Below this the stores cannot be relied on: not ready."""


class Health(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class FrontEnd(BaseModel):
    """Who reads the sentences: name, and what it says about itself."""

    name: str
    statement: str


class Status(BaseModel):
    """What the page shows about the server. `model` is empty until the scientific model is loaded at its first use."""

    version: str
    llm: FrontEnd
    model: dict[str, Any]
    queue: int
    active_runs: list[str]
    embeddings: str
    home_free_bytes: int
    max_upload_mb: int


class ActionDescription(BaseModel):
    """One action; `parameters` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]


@router.get("/healthz", tags=["system"])
async def healthz() -> Health:
    """A life sign; needs no token and says nothing else."""
    return Health(status="ok")


@router.get("/readyz", tags=["system"], responses={503: {"description": "Not ready: `detail` says why."}})
def readyz(use: Use) -> Health:
    """Whether runs can be started: the stores can be written and have room. The model is loaded at its first use."""
    problem = _store_problem(use)
    if problem:
        raise ProblemError(503, problem, {"Retry-After": "10"})
    return Health(status="ready")


@router.get("/metrics", tags=["system"], response_class=Response)
async def metrics(use: Use) -> Response:
    """For Prometheus, in its text format."""
    body = await run_in_threadpool(use.metrics.render)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/api/v1/status", tags=["system"])
def status(use: Use) -> Status:
    """Which front end and model are in use, what waits, and how much room there is."""
    model = model_of(use.session.resources)
    active = sorted(use.service.active())
    return Status(
        version=use.version,
        llm=FrontEnd(**front_end_of(use.settings)),
        model=model,
        queue=int(model.get("queue_length", 0)),
        active_runs=active,
        embeddings=embedding_of(use.settings),
        home_free_bytes=shutil.disk_usage(use.settings.home).free,
        max_upload_mb=use.settings.max_upload_mb,
    )


@router.get("/api/v1/actions", tags=["runs"])
def actions() -> list[ActionDescription]:
    """What can be done, each with the schema of its arguments: for a run of kind `action`, a workflow, or MCP."""
    return [ActionDescription(**load_action(name).schema()) for name in ACTIONS]


def _store_problem(use: Served) -> str:
    free = shutil.disk_usage(use.settings.home).free
    if free < LEAST_FREE_BYTES:
        return f"{use.settings.home} has only {free // 2**20} MiB left"
    try:
        use.session.ledger.check_writable()
        use.session.artifacts.put(b"ready\n", ".txt")
    except OrganonError as error:
        return str(error)
    return ""
