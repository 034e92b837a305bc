"""One model server over HTTP: where it is, how often and how long it is tried, what its refusals mean.

A call is tried again after a connection that failed or broke off and after 429, 502, 503 and 504, the waits
doubling (a Retry-After is obeyed); never after any other answer, because the same call would fail the same
way. Generation is repeated whole: a sample is keyed by its seed, so that a repeated call draws it again. The
server is reached directly: proxies named in the environment are not used. The key appears in no message.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from models.errors import ModelInputError, ServerError

RETRIED = frozenset({429, 502, 503, 504})
MAX_TIMEOUTS = 2
"""Answers that did not come in time before a call is given up: each has already cost `read_seconds`."""


class RefusedError(ModelInputError):
    """The server says that a call is wrong (HTTP 4xx other than a key it does not know)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's base address and the patience with it. Times in seconds.

    `backoff_seconds` doubles with every retry up to `longest_wait_seconds`; a server that asks for a longer
    wait than that is given up. `read_seconds` is what one whole completion may take.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    connect_seconds: float = 10.0
    read_seconds: float = 300.0
    retries: int = 5
    backoff_seconds: float = 0.5
    longest_wait_seconds: float = 60.0

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"


def parse_url(url: str) -> str:
    """`url` as a base address ending in /v1 where it names no path; ModelInputError if it is no http address."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole:
        raise ModelInputError(f"server address {url!r} is not one; expected e.g. http://localhost:8000/v1")
    path = parts.path.rstrip("/").removesuffix("/completions").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"


class CompletionsClient:
    """Calls of one server inside an event loop; made by `open_client`."""

    def __init__(self, endpoint: Endpoint, http: httpx.AsyncClient) -> None:
        self._endpoint = endpoint
        self._http = http

    async def models(self) -> list[dict[str, Any]]:
        """What GET /models lists."""
        answer = await self._call("GET", "/models")
        listed = answer.get("data")
        if not isinstance(listed, list) or not all(isinstance(one, dict) and "id" in one for one in listed):
            raise self._fault("answered GET /models with no list of models: it is not an OpenAI-style server")
        return listed

    async def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to POST /completions."""
        return await self._call("POST", "/completions", body)

    async def tokenize(self, model: str, text: str) -> list[int] | None:
        """The server's ids of `text`, by the /tokenize that vLLM and SGLang have beside /v1; None where there is
        none."""
        try:
            answer = await self._call("POST", "/tokenize", {"model": model, "prompt": text}, beside=True)
        except ModelInputError:
            return None
        ids = answer.get("tokens")
        return [int(at) for at in ids] if isinstance(ids, list) else None

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, beside: bool = False
    ) -> dict[str, Any]:
        """One call with its retries; `beside`: its path is not under /v1 but next to it."""
        base = self._endpoint.url.removesuffix("/v1") if beside else self._endpoint.url
        content = None if body is None else json.dumps(body).encode()
        began, timeouts, patience = time.monotonic(), 0, self._endpoint
        for attempt in range(patience.retries + 1):
            asked = None
            try:
                answer = await self._http.request(method, base + path, content=content)
            except httpx.TransportError as fault:
                reason = _words(fault, patience)
                timeouts += isinstance(fault, httpx.ReadTimeout)
            else:
                if answer.status_code not in RETRIED:
                    return self._read(answer, f"{method} {path}")
                reason = f"HTTP {answer.status_code}{_told(answer)}"
                asked = retry_after(answer.headers.get("Retry-After"))
            wait = asked if asked is not None else self._backoff(content or b"", attempt)
            hopeless = timeouts >= MAX_TIMEOUTS or wait > patience.longest_wait_seconds
            if attempt == patience.retries or hopeless:
                raise self._given_up(f"{method} {path}", attempt + 1, time.monotonic() - began, reason, asked)
            await asyncio.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _backoff(self, content: bytes, attempt: int) -> float:
        """Seconds to the next attempt: between half and the whole of the doubled wait, drawn from the call's
        own content, so that calls spread and a repeated run waits the same."""
        full = min(self._endpoint.backoff_seconds * 2.0**attempt, self._endpoint.longest_wait_seconds)
        return full * (0.5 + 0.5 * random.Random(zlib.crc32(content) + attempt).random())

    def _read(self, answer: httpx.Response, call: str) -> dict[str, Any]:
        status = answer.status_code
        if status in (401, 403):
            raise ModelInputError(
                f"the model server at {self._endpoint.shown} refuses the API key (HTTP {status}); "
                "set ORGANON_SERVER_API_KEY to the key it was started with"
            )
        if 400 <= status < 500:
            raise RefusedError(
                f"the model server at {self._endpoint.shown} refuses {call}: HTTP {status}{_told(answer)}"
            )
        if status != 200:
            raise self._fault(f"failed on {call}: HTTP {status}{_told(answer)}")
        try:
            found = answer.json()
        except ValueError as fault:
            raise self._fault(f"answered {call} with something that is not JSON") from fault
        if not isinstance(found, dict):
            raise self._fault(f"answered {call} with JSON that is not an object")
        return found

    def _fault(self, what: str) -> ServerError:
        return ServerError(self._endpoint.shown, what)

    def _given_up(self, call: str, attempts: int, seconds: float, reason: str, asked: float | None) -> ServerError:
        times = "once" if attempts == 1 else f"{attempts} times"
        wait = f", which asks to wait {asked:.0f} s" if asked is not None else ""
        return self._fault(f"gave no answer to {call}, tried {times} in {seconds:.1f} s (last: {reason}{wait})")


@asynccontextmanager
async def open_client(endpoint: Endpoint) -> AsyncIterator[CompletionsClient]:
    """Connections to `endpoint`, as many as its caller keeps in flight."""
    headers = {"Content-Type": "application/json"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    timeout = httpx.Timeout(endpoint.read_seconds, connect=endpoint.connect_seconds, pool=None)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=headers, timeout=timeout, limits=limits, trust_env=False) as http:
        yield CompletionsClient(endpoint, http)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks to wait: a number or a date (RFC 9110, 10.2.3); None if it says
    neither."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _words(fault: httpx.TransportError, patience: Endpoint) -> str:
    if isinstance(fault, httpx.ConnectTimeout):
        return f"no connection within {patience.connect_seconds:g} s"
    if isinstance(fault, httpx.TimeoutException):
        return f"no answer within {patience.read_seconds:g} s"
    said = " ".join(str(fault).split())
    return f"{type(fault).__name__}: {said}"[:200] if said else type(fault).__name__


def _told(answer: httpx.Response) -> str:
    """The server's own words in an error answer, on one line."""
    try:
        found = answer.json()
    except ValueError:
        return ""
    inner = found.get("error", found) if isinstance(found, dict) else found
    said = inner.get("message") or inner.get("detail") if isinstance(inner, dict) else inner
    return f": {' '.join(str(said).split())[:300]}" if said else ""
