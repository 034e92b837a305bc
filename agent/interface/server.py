"""A uvicorn server over the API that ends its event streams when told to go, so that it can go at once."""

from __future__ import annotations

from types import FrameType

import uvicorn
from fastapi import FastAPI

GOODBYE_SECONDS = 5
"""For requests under way when the server is told to end."""


class Server(uvicorn.Server):
    """Runs of a server that ends stay resumable: their states are left as they are."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.served.watcher.close()
        super().handle_exit(sig, frame)


def build_server(app: FastAPI, host: str, port: int, log_level: str = "warning") -> Server:
    """Not started yet: `.run()`, or `.run(sockets=[...])` with a socket bound before."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level=log_level,
            access_log=False,
            server_header=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=GOODBYE_SECONDS,
            backlog=2048,
        )
    )
