"""What every request passes before a route sees it: host, token, rate, origin, size, type; and what every answer gets.

Written as plain ASGI, so that event streams pass through without a task or a buffer of their own. Routes may set their
own Content-Security-Policy or Cache-Control; the guard fills in only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.interface.api.access import Access, Proof, client_key, is_own_page
from agent.interface.api.limits import RateLimit
from agent.interface.api.problems import problem_response, unexpected_response

PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' data: blob:; "
    "style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self' data:; connect-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
"""For the page: scripts of its own only; WebAssembly and blob workers are what a 3D viewer needs."""
ANSWER_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
OPEN_PATHS = frozenset({"/healthz", "/login"})
"""Answered without a token: life sign, and the form that takes the token."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
UPLOAD_PATH = "/api/v1/files"
MAX_JSON_BYTES = 2 * 1024 * 1024
FORM_OVERHEAD_BYTES = 64 * 1024
REFUSED_A_MINUTE = 20
"""Wrong or missing tokens from one address; more have to wait (a token cannot be guessed at the rate of requests)."""

Observe = Callable[[Scope, int, float], None]


@dataclass
class Guard:
    """ASGI middleware. `observe(scope, status, seconds)` is told of every answer (seconds to its first byte)."""

    app: ASGIApp
    access: Access
    rate: RateLimit
    max_upload_bytes: int
    observe: Observe
    refused: RateLimit = field(default_factory=lambda: RateLimit(REFUSED_A_MINUTE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "no web sockets here"})
            return
        answer = _Answer(scope, send, self.observe)
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal is not None:
            await refusal(scope, receive, answer.send)
            return
        try:
            await self.app(scope, self._counted(scope, receive), answer.send)
        except HTTPException as fault:
            if answer.started:
                raise
            await problem_response(fault.status_code, fault.detail, scope["path"])(scope, receive, answer.send)
        except Exception:
            if answer.started:
                raise
            await unexpected_response(scope["path"])(scope, receive, answer.send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer where the request goes no further."""
        path, client = str(scope["path"]), scope.get("client")
        if not self.access.knows_host(headers):
            named = headers.get("host", "")[:100]
            return problem_response(421, f"this server is not called {named!r}; see ORGANON_ALLOWED_HOSTS", path)
        if not self.access.serves_address(client[0] if client else None):
            return problem_response(403, "without a token (ORGANON_TOKEN) only this machine is served", path)
        proof = self.access.proof(headers)
        if proof is None and path not in OPEN_PATHS:
            return self._unauthorised(scope, headers)
        wait = self.rate.take(client_key(proof or "none", client)) if path != "/healthz" else 0.0
        if wait:
            return _too_many(wait, f"more than {self.rate.per_minute} requests a minute", path)
        return None if scope["method"] in SAFE_METHODS else self._change_refusal(proof, path, headers)

    def _change_refusal(self, proof: Proof | None, path: str, headers: Headers) -> Response | None:
        if proof != "bearer" and not is_own_page(headers):
            return problem_response(403, "another site's page may not ask this of the server", path)
        return self._body_refusal(path, headers)

    def _unauthorised(self, scope: Scope, headers: Headers) -> Response:
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        client = scope.get("client")
        wait = self.refused.take(str(client[0] if client else "local"))
        if wait:
            return _too_many(wait, "too many requests without the right token", scope["path"])
        challenge = {"WWW-Authenticate": 'Bearer realm="organon"'}
        return problem_response(
            401, "send the server's token as `Authorization: Bearer ...` or log in at /login", scope["path"], challenge
        )

    def _most(self, path: str) -> int:
        return self.max_upload_bytes + FORM_OVERHEAD_BYTES if path == UPLOAD_PATH else MAX_JSON_BYTES

    def _body_refusal(self, path: str, headers: Headers) -> Response | None:
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._most(path):
            return problem_response(413, _too_large(self._most(path)), path)
        has_body = declared != "0" or "transfer-encoding" in headers
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        wanted = {UPLOAD_PATH: "multipart/form-data", "/login": "application/x-www-form-urlencoded"}
        expected = wanted.get(path, "application/json")
        if has_body and kind != expected:
            return problem_response(
                415, f"the body has to be {expected}, not {kind[:100] or 'of no stated type'}", path
            )
        return None

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """A body without a stated length is measured as it comes."""
        most, seen = self._most(str(scope["path"])), 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, _too_large(most))
            return message

        return counted


class _Answer:
    """Fills in headers, and measures."""

    def __init__(self, scope: Scope, send: Send, observe: Observe) -> None:
        self._scope, self._send, self._observe = scope, send, observe
        self._begun = time.perf_counter()
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in ANSWER_HEADERS.items():
                headers.setdefault(name, value)
            self._observe(self._scope, int(message["status"]), time.perf_counter() - self._begun)
        await self._send(message)


def _too_many(wait: float, what: str, path: str) -> Response:
    seconds = max(1, round(wait))
    return problem_response(429, f"{what}; try again in {seconds} s", path, {"Retry-After": str(seconds)})


def _too_large(most: int) -> str:
    return f"the body is larger than {most / 2**20:.0f} MiB"
