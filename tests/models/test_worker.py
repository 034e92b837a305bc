"""The resident worker, on a real small model; slow or failing jobs are made by hooks on that model's forward
pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.backends.base import Request
from models.errors import ModelInputError, QueueFullError, WorkerClosedError
from models.worker import ModelWorker


@pytest.fixture(scope="module")
def model(our_checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(our_checkpoint, device="cpu")


@pytest.fixture
def worker(model: Any) -> Iterator[ModelWorker]:
    with ModelWorker(model, max_queue=3) as made:
        yield made


class Gate:
    """A hook that holds every forward pass until opened."""

    def __init__(self, model: Any) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self.hook = model._model.register_forward_pre_hook(self)

    def __call__(self, *_: Any) -> None:
        self.reached.set()
        assert self.open.wait(30)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self.hook.remove()


def request(name: str = "a", **changes: Any) -> Request:
    return Request("<MoleculeS>", request_id=name, **{"n": 3, "max_new_tokens": 6, **changes})


def test_samples_equal_those_of_the_model_itself(worker: ModelWorker, model: Any) -> None:
    given = [request("b"), request("a")]
    samples = worker.generate(given)
    assert [(s.request_id, s.index) for s in samples] == [(name, at) for name in "ba" for at in range(3)]
    assert {s.token_ids for s in samples} == {s.token_ids for s in model.generate(given)}


def test_score_and_embed_pass_through(worker: ModelWorker, model: Any) -> None:
    texts = ["<MoleculeS>CCO<MoleculeE>", "<MoleculeS>C"]
    assert worker.score(texts) == model.score(texts)
    assert np.array_equal(worker.embed(texts), model.embed(texts))


def test_many_threads_each_get_their_own_results(model: Any) -> None:
    found: dict[str, Any] = {}
    with ModelWorker(model, max_queue=50) as worker:
        names = [f"run{at}" for at in range(12)]
        work = lambda name: found.__setitem__(name, worker.generate([request(name)]))  # noqa: E731
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        status = worker.status()
    assert {name: {s.request_id for s in samples} for name, samples in found.items()} == {n: {n} for n in names}
    assert (status.jobs_done, status.jobs_failed, status.queue_length) == (12, 0, 0)


def test_a_full_queue_refuses_at_once_with_the_wait(worker: ModelWorker, model: Any) -> None:
    with Gate(model) as gate:
        first = worker.submit([request("first")])
        assert gate.reached.wait(10)
        jobs = [first, *(worker.submit([request(f"r{at}")]) for at in range(3))]
        status = worker.status()
        assert (status.busy, status.queue_length, status.wait_seconds) == (True, 3, None)
        started = time.monotonic()
        with pytest.raises(QueueFullError, match="no estimate yet") as refused:
            worker.submit([request("late")])
        assert time.monotonic() - started < 1
        assert refused.value.n_waiting == 3
    assert [len(list(job)) for job in jobs] == [3, 3, 3, 3]
    assert worker.status().wait_seconds == 0.0


def test_the_wait_is_estimated_from_measured_work(worker: ModelWorker, model: Any) -> None:
    started = time.monotonic()
    worker.generate([request("measured", n=8)])
    spent = time.monotonic() - started
    with Gate(model) as gate:
        worker.submit([request("first", n=8)])
        assert gate.reached.wait(10)
        for at in range(3):
            worker.submit([request(f"r{at}", n=8)])
        with pytest.raises(QueueFullError, match=r"less than 1 s|about") as refused:
            worker.submit([request("late")])
        assert refused.value.wait_seconds is not None
        assert 0 < refused.value.wait_seconds <= 4 * spent


def test_a_fault_goes_to_its_caller_and_the_worker_lives(worker: ModelWorker, model: Any) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("broken kernel")

    hook = model._model.register_forward_pre_hook(fail)
    job = worker.submit([request()])
    with pytest.raises(RuntimeError, match="broken kernel"):
        list(job)
    hook.remove()
    assert list(job) == []
    assert len(worker.generate([request()])) == 3
    assert (worker.status().jobs_done, worker.status().jobs_failed) == (1, 1)


def test_not_even_an_exit_request_ends_the_worker(worker: ModelWorker, model: Any) -> None:
    def leave(*_: Any) -> None:
        raise SystemExit(3)

    hook = model._model.register_forward_pre_hook(leave)
    with pytest.raises(SystemExit):
        worker.score(["<MoleculeS>C"])
    hook.remove()
    assert len(worker.generate([request()])) == 3


def test_bad_requests_are_refused_at_the_door_or_by_their_job(worker: ModelWorker) -> None:
    with pytest.raises(ModelInputError, match="top_p"):
        worker.submit([request(top_p=2)])
    job = worker.submit([request(stop=("<Nothing>",))])
    with pytest.raises(ModelInputError, match="<Nothing>"):
        next(job)
    with pytest.raises(ModelInputError, match="max_queue"):
        ModelWorker(worker._generator, max_queue=0)


def test_a_cancelled_job_stops_and_frees_its_place(worker: ModelWorker, model: Any) -> None:
    with Gate(model) as gate:
        running = worker.submit([request("running", n=20, max_new_tokens=80)])
        assert gate.reached.wait(10)
        waiting = [worker.submit([request(f"w{at}")]) for at in range(3)]
        running.cancel()
        waiting[1].cancel()
        extra = worker.submit([request("extra")])
    assert len(list(running)) < 20
    assert [len(list(job)) for job in (*waiting, extra)] == [3, 0, 3, 3]


def test_closing_ends_waiting_and_running_jobs(model: Any) -> None:
    worker = ModelWorker(model)
    with Gate(model) as gate:
        running = worker.submit([request("running", n=20, max_new_tokens=80)])
        assert gate.reached.wait(10)
        waiting = worker.submit([request("waiting")])
        closer = threading.Thread(target=worker.close)
        closer.start()
        with pytest.raises(WorkerClosedError, match="before this job started"):
            list(waiting)
    closer.join(30)
    with pytest.raises(WorkerClosedError, match="while this job ran"):
        list(running)
    with pytest.raises(WorkerClosedError):
        worker.submit([request()])


def test_status_names_the_model(worker: ModelWorker, model: Any) -> None:
    status = worker.status()
    assert (status.device, status.checkpoint_hash) == ("cpu", model.checkpoint_hash)
    assert len(status.checkpoint_hash) == 64
    assert status.memory_bytes > 1_000_000
    assert (status.busy, status.max_queue) == (False, 3)
