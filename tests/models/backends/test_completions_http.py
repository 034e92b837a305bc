"""A server that is busy, hangs, breaks off, answers nonsense or is gone: what is tried again, for how long, and
what is said. The server is a real process on a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from models.backends.base import Request
from models.backends.completions_http import Endpoint, open_client, parse_url, retry_after
from models.backends.in_flight import InFlight
from models.backends.server import CompletionsServer, load_server
from models.errors import ModelInputError, ServerError

REQUEST = Request("<MoleculeS>", n=2, max_new_tokens=6)


@pytest.fixture(scope="module")
def process(processes: dict[str, tuple[Any, Path]]) -> Any:
    return processes["processed"][0]


@pytest.fixture
def backend(process: Any) -> Iterator[CompletionsServer]:
    backend = load_server(process.url, read_seconds=0.7, retries=3)
    backend._endpoint = replace(backend._endpoint, backoff_seconds=0.02)
    yield backend
    process.behave()


def calls_of(process: Any, work: Callable[[], Any]) -> int:
    before = len(process.seen()["bodies"])
    work()
    return len(process.seen()["bodies"]) - before


@pytest.mark.parametrize("how", ["busy", "break", 429, 502, 504])
def test_a_passing_fault_is_tried_again_and_changes_nothing(process: Any, backend: CompletionsServer, how: Any) -> None:
    expected = {sample.index: sample.token_ids for sample in backend.generate([REQUEST])}
    process.misbehave(how, times=3)
    found = {sample.index: sample.token_ids for sample in backend.generate([REQUEST])}
    assert found == expected


@pytest.mark.parametrize(("how", "fault"), [(400, ModelInputError), (404, ModelInputError), (500, ServerError)])
def test_what_would_fail_the_same_way_is_not_tried_again(
    process: Any, backend: CompletionsServer, how: int, fault: type[Exception]
) -> None:
    def call() -> None:
        process.misbehave(how, times=1)
        with pytest.raises(fault, match=f"HTTP {how}: told to fail"):
            backend.score(["<MoleculeS>C"])

    assert calls_of(process, call) == 1


def test_a_server_that_stays_busy_is_given_up_with_the_count_and_the_time(
    process: Any, backend: CompletionsServer
) -> None:
    process.misbehave("busy", times=99)
    with pytest.raises(
        ServerError, match=rf"{process.url} gave no answer to POST /completions, tried 4 times in \d+\.\d s"
    ):
        backend.score(["<MoleculeS>C"])


def test_the_wait_a_server_asks_for_is_kept_or_is_the_end(process: Any, backend: CompletionsServer) -> None:
    process.misbehave("busy", times=1, retry_after=1)
    began = time.monotonic()
    backend.score(["<MoleculeS>C"])
    assert time.monotonic() - began >= 1
    process.misbehave("busy", times=1, retry_after=3600)
    with pytest.raises(ServerError, match=r"tried once.*HTTP 503.*asks to wait 3600 s"):
        backend.score(["<MoleculeS>C"])


def test_a_server_that_hangs_is_given_up_after_two_timeouts(process: Any, backend: CompletionsServer) -> None:
    process.misbehave("hang", times=99)
    began = time.monotonic()
    with pytest.raises(ServerError, match=r"tried 2 times .*no answer within 0.7 s"):
        backend.score(["<MoleculeS>C"])
    assert time.monotonic() - began >= 1.4


def test_an_answer_that_is_not_json_is_a_fault_of_the_server(process: Any, backend: CompletionsServer) -> None:
    process.misbehave("nonsense")
    with pytest.raises(ServerError, match="not JSON"):
        backend.score(["<MoleculeS>C"])


def test_a_server_that_dies_while_drawing_and_is_back(process: Any, backend: CompletionsServer) -> None:
    expected = {sample.index: sample.token_ids for sample in backend.generate([replace(REQUEST, n=40)])}
    process.misbehave("die", after=3)
    with pytest.raises(ServerError, match=f"{process.url} gave no answer .* tried 4 times"):
        list(backend.generate([replace(REQUEST, n=40)]))
    assert not [thread for thread in threading.enumerate() if thread.name == "organon-in-flight"]
    process.stop()
    process.start()
    assert process.url
    again = {sample.index: sample.token_ids for sample in backend.generate([replace(REQUEST, n=40)])}
    assert again == expected


def test_nobody_there_is_told_within_seconds() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ServerError, match=rf"{url}/v1 gave no answer to GET /models, tried 3 times") as caught:
            load_server(url)
    assert "\n" not in str(caught.value)


def test_another_kind_of_server_is_named_as_such(process: Any) -> None:
    with pytest.raises(ModelInputError, match="HTTP 404"):
        load_server(process.url.replace("/v1", "/elsewhere"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1"),
        ("http://localhost:8000/", "http://localhost:8000/v1"),
        ("https://gpu.example.org/models/v1/", "https://gpu.example.org/models/v1"),
        ("http://localhost:8000/v1/completions", "http://localhost:8000/v1"),
    ],
)
def test_addresses_are_read_generously(given: str, meant: str) -> None:
    assert parse_url(given) == meant


@pytest.mark.parametrize("wrong", ["", "localhost:8000", "ftp://host", "http://", "http://host:port", "http://h:99999"])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(ModelInputError, match=r"expected e\.g\. http://localhost:8000/v1"):
        parse_url(wrong)


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after(None) is None
    assert retry_after("7") == 7
    assert retry_after("soon") is None
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after(date) == pytest.approx(30, abs=2)
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_the_waits_double_and_are_the_same_in_a_repeated_run(process: Any) -> None:
    async def waits(client: Any) -> list[float]:
        return [client._backoff(b"call", attempt) for attempt in range(9)]

    endpoint = Endpoint(process.url)
    with InFlight(partial(open_client, endpoint)) as pool:
        pool.submit("first", waits)
        pool.submit("again", waits)
        found: list[Any] = []
        while len(found) < 2:
            found += pool.take()
    (_, first, _), (_, again, _) = found
    assert first == again
    for attempt, wait in enumerate(first):
        full = min(0.5 * 2**attempt, 60)
        assert full / 2 <= wait <= full
