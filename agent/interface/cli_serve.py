"""`organon serve`: page, API, OpenAI-compatible chat and MCP on one port; `organon mcp`: MCP over stdio."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tools.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.session import Session

OpenSession = Callable[[], "Session"]
DEFAULT_PORT = 8765


def serve_command(open_session: OpenSession, load_settings: Callable[[], Settings]) -> Callable[..., None]:
    def serve(
        host: Annotated[str, typer.Option("--host", help="Address; another than this machine's needs a token.")] = (
            "127.0.0.1"
        ),
        port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: a free one.")] = DEFAULT_PORT,
    ) -> None:
        """Serve the page at /, the API at /api/v1, OpenAI-compatible chat at /v1 and MCP at /mcp."""
        from agent.interface.listening import allow_many_connections, bind, needs_token

        settings = load_settings()
        if needs_token(host, settings.token.get_secret_value().strip() if settings.token else None):
            raise InputError(f"--host {host} can be reached by others: set ORGANON_TOKEN to a secret of your own first")
        try:
            listening = bind(host, port)
        except OSError as error:
            raise InputError(f"cannot listen on {host} port {port}: {error.strerror}; choose another --port") from None
        allow_many_connections()

        from agent.interface.api.application import build_api
        from agent.interface.server import build_server
        from agent.service import RunService

        session = open_session().guarded()
        app = build_api(session, RunService(session), settings)
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"Organon at http://{shown}:{listening.getsockname()[1]}/  (Ctrl-C ends it; runs are kept)\n")
        sys.stderr.flush()
        server = build_server(app, host, port, settings.log_level)
        with listening:
            server.run(sockets=[listening])
        if not server.started:
            raise UnavailableError("the server did not start; its log above says why")

    return serve


def mcp_command(open_session: OpenSession) -> Callable[..., None]:
    def mcp() -> None:
        """Serve the actions to one MCP client over stdin and stdout."""
        import anyio

        from agent.interface.mcp_server import serve_stdio
        from agent.service import RunService

        session = open_session()
        anyio.run(serve_stdio, session, RunService(session))

    return mcp
