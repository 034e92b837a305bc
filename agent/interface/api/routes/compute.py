"""Answers at once, without a run to follow: generate with the scientific model, check molecules, search.

At most a few of these compute at the same time; further ones wait, and the rest of the server stays quick. What takes
longer than a request should (docking, campaigns) is a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

import anyio
from fastapi import APIRouter
from pydantic import BaseModel, Field, StrictBool

from agent.interface.api.documents import JsonObject, Request
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served, Use
from agent.interface.schemas import ActionResult, CheckReport
from models.errors import ModelInputError
from models.grammar.tasks import Task
from models.inference import PLAIN_OPTIONS, check_settings, generate_for_task
from models.registry import is_server_address
from models.task_inputs import TASK_KEYS
from tools.domain import Call
from tools.funnel import call_id_of, executing

router = APIRouter(prefix="/api/v1", tags=["at once"])

SEARCH_SECONDS = 60.0
MoleculeCheck = Literal["sanitise", "elements", "reactive", "size", "alerts", "lipinski", "descriptors", "solubility"]
MOLECULE_CHECKS: tuple[MoleculeCheck, ...] = get_args(MoleculeCheck)
Smiles = Annotated[str, Field(min_length=1, max_length=2000)]


class Generate(Request):
    """Inputs of one task for the scientific model, keys as in `organon model generate`."""

    task: Task = Field(examples=["molecule"])
    inputs: list[JsonObject] = Field(default=[{}], min_length=1, max_length=16, examples=[[{"log_p": [1, 3]}]])
    n: int = Field(default=4, ge=1, le=64, description="Samples of each input.", examples=[2])
    seed: int = Field(default=0, ge=0, lt=2**31)
    temperature: float = Field(default=1.0, ge=0, le=5)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_new_tokens: int = Field(default=400, ge=1, le=1000)
    distinct: StrictBool = True


class Generated(BaseModel):
    """Answers, best first for each input. `model`: hash of the weights that wrote them."""

    task: Task
    model: str
    answers: list[dict[str, Any]]


class Validate(Request):
    """Molecules and the checks they are to meet."""

    molecules: list[Smiles] = Field(min_length=1, max_length=100, examples=[["CC(=O)Oc1ccccc1C(=O)O"]])
    checks: list[MoleculeCheck] = Field(default=list(MOLECULE_CHECKS), min_length=1, max_length=20)


class Validated(BaseModel):
    """One molecule's checks. Each is an executed call; GET /api/v1/calls/{call_id} tells its arguments."""

    smiles: str
    checks: list[CheckReport]


class Search(Request):
    """A question to the library of documents, or to the results of earlier runs."""

    query: str = Field(min_length=1, max_length=1000, examples=["imatinib resistance T315I"])
    kind: Literal["literature", "results"] = "literature"
    n: int = Field(default=5, ge=1, le=50)
    online: StrictBool = Field(default=False, description="Literature: also ask public services; needs the network.")


@router.post("/generate")
async def generate(asked: Generate, use: Use) -> Generated:
    """Let the scientific model write; the first call loads it."""
    for given in asked.inputs:
        takes = TASK_KEYS[asked.task]
        unknown = [key for key in given if key not in ("id", *takes)]
        if unknown:
            known = ", ".join(takes) or "nothing"
            raise ModelInputError(f"task {asked.task} does not take {unknown[0][:80]!r}; it takes {known}")
    return await anyio.to_thread.run_sync(_generated, asked, use, limiter=use.slow)


@router.post("/validate")
async def validate(asked: Validate, use: Use) -> list[Validated]:
    """Check molecules: verdict, value with unit, reason, and the call's id, for each check."""
    return await anyio.to_thread.run_sync(_validated, asked, use, limiter=use.slow)


@router.post("/search")
async def search(asked: Search, use: Use) -> ActionResult:
    """Numbered passages with page and offset, or results of earlier runs. Runs as an action of its own."""
    args: dict[str, Any] = {"query": asked.query, "n": asked.n}
    if asked.kind == "literature":
        args["online"] = asked.online
    document = {"action": f"search_{asked.kind}", "args": args}
    run_id = await anyio.to_thread.run_sync(use.service.submit, "action", document)
    with anyio.move_on_after(SEARCH_SECONDS) as limit:
        async for event in use.watcher.follow(run_id):
            if event is not None and event.type == "tool_result":
                return ActionResult.model_validate(event.payload["result"])
    how = f"did not end within {SEARCH_SECONDS:.0f} s" if limit.cancelled_caught else "ended without an answer"
    raise ProblemError(503, f"the search {how}; see run {run_id}")


def _generated(asked: Generate, use: Served) -> Generated:
    options = replace(
        PLAIN_OPTIONS,
        temperature=asked.temperature,
        top_p=asked.top_p,
        max_new_tokens=asked.max_new_tokens,
        constrained=not is_server_address(use.settings.checkpoint),
    )
    check_settings(asked.n, asked.seed, options)
    with use.session.resources.borrow() as engines:
        answers = list(
            generate_for_task(
                engines.model.submit,
                asked.task,
                asked.inputs,
                n=asked.n,
                seed=asked.seed,
                options=options,
                distinct=asked.distinct,
            )
        )
        codec = engines.model.codec
        if codec is not None:
            use.metrics.tokens.inc(sum(len(codec.encode(str(answer["text"]))) for answer in answers))
        return Generated(task=asked.task, model=engines.model.status().checkpoint_hash, answers=answers)


def _validated(asked: Validate, use: Served) -> list[Validated]:
    return [
        Validated(
            smiles=smiles, checks=[_checked(name, {"smiles": smiles}, use) for name in dict.fromkeys(asked.checks)]
        )
        for smiles in asked.molecules
    ]


def _checked(name: str, args: Mapping[str, Any], use: Served) -> CheckReport:
    """A verdict known from any run is read back; a fault is written down and never kept as an answer."""
    asked = Call(name, args)
    result = executing(use.session.ledger, use.session.artifacts)(call_id_of(asked), asked)
    return CheckReport.model_validate(result.to_json())
