"""Faults as application/problem+json (RFC 9457): what was wrong in one line, never a traceback.

Answers under /v1 carry the same fault in the member `error` as well, where OpenAI's clients look for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from models.errors import (
    CheckpointError,
    ModelInputError,
    ModelMemoryError,
    QueueFullError,
    ServerError,
    WorkerClosedError,
)
from tools.errors import InputError, OrganonError, TransientError, UnavailableError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
SHOWN_INPUT = 120

_log = logging.getLogger(__name__)


class ProblemDocument(BaseModel):
    """What every fault looks like; `detail` says what to do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "there is no run '1k2m3n4p5q6r'",
            }
        }
    )
    type: str = "about:blank"
    title: str
    status: int
    detail: str


class ProblemError(Exception):
    """Answer this instead."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem_response(status: int, detail: str, path: str = "", headers: Mapping[str, str] | None = None) -> Response:
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if path.startswith("/v1/"):
        body["error"] = {"message": detail, "type": _openai_type(status), "param": None, "code": None}
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Every fault that can leave a route becomes a problem document."""

    @app.exception_handler(ProblemError)
    async def _problem(request: Request, fault: ProblemError) -> Response:
        return problem_response(fault.status, fault.detail, request.url.path, fault.headers)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, fault: HTTPException) -> Response:
        detail = str(fault.detail)
        if fault.status_code == 404 and detail == HTTPStatus.NOT_FOUND.phrase:
            detail = f"there is nothing at {request.url.path[:200]}; see /api/docs"
        if fault.status_code == 405:
            possible = ", ".join(_possible_methods(request))
            detail = f"{request.method} is not possible here; possible: {possible}"
            return problem_response(405, detail, request.url.path, {"Allow": possible})
        return problem_response(fault.status_code, detail, request.url.path, fault.headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, fault: RequestValidationError) -> Response:
        return problem_response(422, "; ".join(_line(error) for error in fault.errors()[:5]), request.url.path)

    async def _fault(request: Request, fault: Exception) -> Response:
        status, headers = status_of(fault)
        return problem_response(status, str(fault) or type(fault).__name__, request.url.path, headers)

    for kind in (OrganonError, ModelInputError, CheckpointError, QueueFullError, ModelMemoryError, ServerError):
        app.add_exception_handler(kind, _fault)
    app.add_exception_handler(WorkerClosedError, _fault)


def status_of(fault: Exception) -> tuple[int, dict[str, str]]:
    """Status and headers of a fault of ours, by the remedy its class names."""
    if isinstance(fault, InputError | ModelInputError):
        return 422, {}
    if isinstance(fault, QueueFullError):
        wait = RETRY_SECONDS if fault.wait_seconds is None else max(1, round(fault.wait_seconds))
        return 503, {"Retry-After": str(wait)}
    if isinstance(fault, TransientError | ServerError | ModelMemoryError | WorkerClosedError):
        return 503, {"Retry-After": str(RETRY_SECONDS)}
    if isinstance(fault, UnavailableError | CheckpointError):
        return 503, {}
    return 500, {}


def unexpected_response(path: str) -> Response:
    """For a fault that nobody foresaw; what it was stands in the server's log."""
    _log.exception("a request to %s failed", path)
    return problem_response(500, "the server failed at this; its log says how", path)


def _possible_methods(request: Request) -> list[str]:
    """What this path answers to (a 405 has to say: RFC 9110, section 15.5.6); one path may stand in several routes."""
    routes = request.app.routes
    return [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]


def _line(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"] if part not in ("body", "query", "path"))
    message = str(error["msg"]).removeprefix("Value error, ")
    given = error.get("input")
    if isinstance(given, str | int | float) and error["type"] != "missing":
        message += f" (got {str(given).encode(errors='replace').decode()[:SHOWN_INPUT]!r})"
    return f"{where}: {message}" if where else message


def _openai_type(status: int) -> str:
    named = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    return named.get(status, "server_error" if status >= 500 else "invalid_request_error")
