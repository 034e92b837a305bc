"""The server's composition: stores, run service and routes become one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from agent.config import Settings
from agent.interface import mcp_server, openai_chat
from agent.interface.api import login
from agent.interface.api.access import Access, split_hosts, token_of
from agent.interface.api.described import model_of
from agent.interface.api.documentation import add_documentation
from agent.interface.api.guard import Guard
from agent.interface.api.limits import RateLimit
from agent.interface.api.metrics import Gauges, Metrics
from agent.interface.api.problems import ProblemDocument, add_handlers
from agent.interface.api.routes import compute, drawings, events, kept, runs, system, threads
from agent.interface.api.served import Served
from agent.interface.api.service import Service
from agent.interface.api.watcher import Watcher
from agent.interface.web import mount_page
from agent.session import Session

ROUTERS = (
    runs.router,
    events.router,
    threads.router,
    kept.router,
    drawings.router,
    compute.router,
    system.router,
    login.router,
    openai_chat.router,
)
FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDocument, "description": what}
    for status, what in {
        400: "The body cannot be read.",
        401: "No or a wrong token.",
        403: "Another site's page, or another machine without a token.",
        404: "There is no such thing.",
        409: "Not in the state for this.",
        413: "Too large.",
        415: "Of a type that is not read.",
        422: "The input is wrong: `detail` names it and the fix.",
        429: "Too many requests; see Retry-After.",
        503: "Something needed is missing or busy; `detail` says what.",
    }.items()
}
ABOUT = (
    "Runs of Organon: chat turns, campaigns, workflows and single actions. A run is started by POST /api/v1/runs and "
    "told by its events; whatever leaves here names the call or the passage it rests on. Faults are problem documents."
)

_log = logging.getLogger(__name__)


def build_api(session: Session, service: Service, settings: Settings) -> FastAPI:
    """The application. Its lifespan starts `service` and the event reader, and closes both."""
    watcher = Watcher(session.ledger, lambda run_id: run_id in service.active())
    metrics = Metrics(lambda: _gauges(session, service, watcher))
    access = Access(token_of(settings), split_hosts(settings.allowed_hosts))
    served = Served(session, service, settings, watcher, access, metrics, version("organon"))
    app = FastAPI(
        title="Organon",
        version=served.version,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        responses=FAULTS,
        redirect_slashes=False,
    )
    app.state.served = served
    app.state.login_tries = RateLimit(login.TRIES_A_MINUTE)
    add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route(mcp_server.PATH, _McpEndpoint(), include_in_schema=False))
    add_documentation(app)
    mount_page(app)
    app.add_middleware(
        Guard,
        access=access,
        rate=RateLimit(settings.rate_limit),
        max_upload_bytes=settings.max_upload_mb * 2**20,
        observe=metrics.observe,
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    served: Served = app.state.served
    async with AsyncExitStack() as stack:
        served.service.start()
        stack.callback(served.service.close)
        served.watcher.start()
        stack.callback(served.watcher.close)
        app.state.mcp = mcp_server.http_manager(served.session, served.service, served.watcher)
        await stack.enter_async_context(app.state.mcp.run())
        yield


class _McpEndpoint:
    """An ASGI application of its own behind one path: the protocol streams both ways."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].state.mcp.handle_request(scope, receive, send)


def _gauges(session: Session, service: Service, watcher: Watcher) -> Gauges:
    model = model_of(session.resources)
    return Gauges(
        runs=session.ledger.count_states(),
        active_runs=len(service.active()),
        streams=watcher.n_streams,
        model_queue=int(model["queue_length"]) if model else None,
    )
