"""Polite HTTP: one request at a time and service, not more often than it asks for, answers kept on disk for a while.

Both hold over all processes of a home directory: the time of a service's last request and the answers lie in files.
Where there is no network the error says so. Not promised: that a service's terms allow more than occasional searches.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from tools.errors import InputError, TransientError, UnavailableError

WEEK = 7 * 24 * 3600.0
MAX_BYTES = 20 * 2**20
MAX_WAIT_SECONDS = 20.0
_TOO_MANY, _SERVER = 429, 500


@dataclass(frozen=True, slots=True)
class Web:
    """`cache`: folder of kept answers. `contact`: an address that services ask for, sent where it is given.
    `max_age_seconds`: age beyond which a kept answer is asked for again (0: always). `queue_seconds`: how long to wait
    while others ask the same service."""

    cache: Path
    contact: str | None = None
    max_age_seconds: float = WEEK
    timeout_seconds: float = 15.0
    queue_seconds: float = 60.0

    def get(
        self, service: str, url: str, params: Mapping[str, str | int], seconds_between: float, none_at: int = 0
    ) -> bytes:
        """The answer's body, from the cache where it is young enough. `seconds_between`: at least so long after the
        last request to this service. A status of `none_at` is an answer without content. UnavailableError where the
        service cannot be reached, TransientError where it is busy, InputError where it refuses the request."""
        address = str(httpx.URL(url, params=dict(params)))
        kept = self.cache / f"{hashlib.sha256(address.encode()).hexdigest()[:32]}.answer"
        held = self._kept(kept)
        if held is not None:
            return held
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with FileLock(self.cache / f"{service}.lock", timeout=self.queue_seconds):
                self._wait(service, seconds_between)
                body = self._ask(service, address, none_at)
                part = kept.with_suffix(".part")
                part.write_bytes(body)
                part.replace(kept)
        except Timeout as error:
            raise TransientError(f"{service} is being asked by others: try again later") from error
        except OSError as error:
            raise InputError(f"answers cannot be kept in {self.cache}: {error.strerror}") from error
        return body

    def _kept(self, path: Path) -> bytes | None:
        try:
            if time.time() - path.stat().st_mtime <= self.max_age_seconds:
                return path.read_bytes()
        except OSError:
            return None
        return None

    def _wait(self, service: str, seconds_between: float) -> None:
        """Sleep until the service may be asked again, and note that it is asked now."""
        mark = self.cache / f"{service}.asked"
        try:
            left = mark.stat().st_mtime + seconds_between - time.time()
        except FileNotFoundError:
            left = 0.0
        if left > 0.0:
            time.sleep(min(left, seconds_between))
        mark.touch()

    def _ask(self, service: str, address: str, none_at: int) -> bytes:
        status, headers, body = self._request(service, address)
        if status == _TOO_MANY:
            time.sleep(_seconds(headers.get("retry-after", "")))
            status, headers, body = self._request(service, address)
        if status == httpx.codes.OK:
            return body
        if none_at and status == none_at:
            return b""
        if status == _TOO_MANY or status >= _SERVER:
            raise TransientError(f"{service} is busy (HTTP {status}): try again later")
        raise InputError(f"{service} refused the search (HTTP {status}): use plain words")

    def _request(self, service: str, address: str) -> tuple[int, httpx.Headers, bytes]:
        contact = f" (mailto:{self.contact})" if self.contact else ""
        headers = {"user-agent": f"organon/{version('organon')}{contact}"}
        try:
            with (
                httpx.Client(timeout=self.timeout_seconds, follow_redirects=True, max_redirects=3) as client,
                client.stream("GET", address, headers=headers) as answer,
            ):
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > MAX_BYTES:
                        raise TransientError(f"{service} answered with more than {MAX_BYTES // 2**20} MiB")
                return answer.status_code, answer.headers, bytes(body)
        except httpx.TimeoutException as error:
            raise UnavailableError(f"{service} did not answer within {self.timeout_seconds:g} s") from error
        except httpx.TransportError as error:
            raise UnavailableError(f"{service} cannot be reached: is this machine offline? ({error})") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransientError(f"{service} answered something that is no HTTP: {error}") from error


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for, within reason."""
    return min(float(retry_after), MAX_WAIT_SECONDS) if retry_after.isdecimal() else 2.0
