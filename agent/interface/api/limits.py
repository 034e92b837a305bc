"""Token buckets: how often one client may ask. In memory and of one process; a restart forgets."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_CLIENTS = 10_000
"""Buckets kept; the one longest unused goes first."""


class RateLimit:
    """`per_minute` requests a minute for each client, as many at once after a quiet minute; 0: no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> float:
        """Use one request of this client's; 0.0 if there was one, else the seconds until there is."""
        if self.per_minute == 0:
            return 0.0
        now, rate = self._clock(), self.per_minute / 60.0
        held, seen = self._buckets.pop(client, (float(self.per_minute), now))
        held = min(float(self.per_minute), held + (now - seen) * rate)
        wait = 0.0 if held >= 1.0 else (1.0 - held) / rate
        self._buckets[client] = (held - 1.0 if wait == 0.0 else held, now)
        if len(self._buckets) > MOST_CLIENTS:
            del self._buckets[next(iter(self._buckets))]
        return wait
