"""Who may ask: the bearer token, the page's cookie, and whether a browser was sent here by somebody else's page.

Without a token only this machine is served, under its own names (another name for the same address is what DNS
rebinding looks like). The cookie holds no token: it is an expiry time with a keyed hash (RFC 2104) under the token, so
that it outlives a restart and dies with a new token.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from agent.config import Settings
from agent.interface.listening import is_loopback

COOKIE = "organon_session"
COOKIE_SECONDS = 30 * 24 * 3600
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

Proof = Literal["bearer", "cookie", "none"]


@dataclass(frozen=True, slots=True)
class Access:
    """`token` None: no proof is needed, but only this machine is served. `hosts`: further names of the server."""

    token: str | None
    hosts: tuple[str, ...] = ()

    def proof(self, headers: Headers) -> Proof | None:
        """How the request shows that it may ask; None where it does not."""
        if self.token is None:
            return "none"
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.is_token(given.strip()):
            return "bearer"
        held = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return "cookie" if self._is_cookie(held) else None

    def is_token(self, given: str) -> bool:
        return self.token is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def make_cookie(self) -> str:
        expires = str(int(time.time()) + COOKIE_SECONDS)
        return f"{expires}.{self._signature(expires)}"

    def knows_host(self, headers: Headers) -> bool:
        """Whether the server is addressed by a name of its own. With a token any name will do unless some are set: a
        foreign page holds neither the token nor a cookie for its own name."""
        if self.token is not None and not self.hosts:
            return True
        return host_name(headers.get("host", "")) in (*LOOPBACK_NAMES, *self.hosts)

    def serves_address(self, address: str | None) -> bool:
        """Without a token: only clients on this machine (None: a local socket)."""
        return self.token is not None or address is None or is_loopback(address)

    def _is_cookie(self, value: str) -> bool:
        expires, _, signature = value.partition(".")
        if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
            return False
        good = hmac.compare_digest(signature.encode(), self._signature(expires).encode())
        return good and int(expires) > time.time()

    def _signature(self, expires: str) -> str:
        return hmac.new((self.token or "").encode(), f"organon page {expires}".encode(), hashlib.sha256).hexdigest()


def is_own_page(headers: Headers) -> bool:
    """Whether a request that changes something comes from our own page or from no page at all (a program). What a
    browser says about its origin cannot be set by the page that made it ask (fetch standard, forbidden headers)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or (origin != "null" and urlsplit(origin).netloc == headers.get("host", ""))


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets, lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def token_of(settings: Settings) -> str | None:
    """The server's token; an empty one is none."""
    return (settings.token.get_secret_value().strip() if settings.token is not None else "") or None


def split_hosts(text: str) -> tuple[str, ...]:
    """ "a.example, b.example" as names."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def client_key(proof: Proof, client: Sequence[object] | None) -> str:
    """Whose requests count together for the rate limit: each address, and apart from it each kind of proof."""
    return f"{proof} {client[0] if client else 'local'}"
