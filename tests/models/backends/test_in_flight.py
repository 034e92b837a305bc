"""Coroutines beside ordinary code: outcomes, cancelling, and that nothing is left running."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from models.backends.in_flight import InFlight, Outcome

LOG: list[str] = []


@asynccontextmanager
async def open_client() -> AsyncIterator[str]:
    LOG.append("open")
    yield "client"
    LOG.append("closed")


async def tell(client: str) -> str:
    return client.upper()


async def fail(client: str) -> str:
    raise ZeroDivisionError(client)


async def hang(client: str) -> str:
    try:
        await asyncio.sleep(60)
    finally:
        LOG.append("let go")
    return client


@pytest.fixture(autouse=True)
def clean_log() -> None:
    LOG.clear()


def collect(pool: InFlight[str], n: int) -> dict[Any, Outcome]:
    found: list[Outcome] = []
    while len(found) < n:
        found += pool.take(5)
    return {outcome[0]: outcome for outcome in found}


def n_threads() -> int:
    return sum(thread.name == "organon-in-flight" for thread in threading.enumerate())


def test_results_and_faults_come_with_their_tags() -> None:
    with InFlight(open_client) as pool:
        pool.submit("told", tell)
        pool.submit("failed", fail)
        found = collect(pool, 2)
        assert found["told"][1:] == ("CLIENT", None)
        assert isinstance(found["failed"][2], ZeroDivisionError)
        assert pool.take(0.05) == []
    assert LOG == ["open", "closed"]
    assert n_threads() == 0


def test_cancelled_jobs_are_handed_out_as_such_and_others_go_on() -> None:
    with InFlight(open_client) as pool:
        pool.submit("long", hang)
        pool.submit("long", hang)
        pool.submit("short", tell)
        assert collect(pool, 1).keys() == {"short"}
        pool.cancel("long")
        faults = [outcome[2] for outcome in (*pool.take(5), *pool.take(0.2))]
    assert [type(fault) for fault in faults] == [asyncio.CancelledError] * 2
    assert LOG == ["open", "let go", "let go", "closed"]


def test_closing_and_losing_it_let_go_of_everything() -> None:
    for lose in (False, True):
        pool = InFlight(open_client)
        pool.submit("long", hang)
        pool.submit("short", tell)
        collect(pool, 1)
        if not lose:
            pool.close()
        del pool
        gc.collect()
        end = time.monotonic() + 60
        while n_threads() and time.monotonic() < end:
            time.sleep(0.01)
        assert n_threads() == 0
    assert LOG == ["open", "let go", "closed"] * 2


def test_it_works_under_a_running_loop_and_without_any_job() -> None:
    async def inside() -> Any:
        with InFlight(open_client) as pool:
            pool.submit("told", tell)
            return collect(pool, 1)["told"][1]

    assert asyncio.run(inside()) == "CLIENT"
    with InFlight(open_client) as idle:
        assert idle.take() == []
    assert n_threads() == 0
