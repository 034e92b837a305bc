"""The resident worker, on a real small model; slow or failing jobs are made by hooks on that model's forward
pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pytest

from models.backends.base import Request
from models.errors import ModelInputError, ModelMemoryError, QueueFullError, WorkerClosedError
from models.worker import ModelWorker


@pytest.fixture(scope="module")
def model(our_checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(our_checkpoint, device="cpu")


@pytest.fixture
def worker(model: Any) -> Iterator[ModelWorker]:
    with ModelWorker(model, max_queue=3) as made:
        yield made


class Gate:
    """Holds every pass of the model until opened."""

    def __init__(self, model: Any) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self._patches = [patch.object(model._network, name, self._held(model, name)) for name in ("read", "step")]

    def _held(self, model: Any, name: str) -> Callable[..., Any]:
        real = getattr(model._network, name)

        def held(*given: Any) -> Any:
            self.reached.set()
            assert self.open.wait(30)
            return real(*given)

        return held

    def __enter__(self) -> Gate:
        for each in self._patches:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        for each in self._patches:
            each.stop()


def broken(model: Any, fault: BaseException) -> Any:
    return patch.object(model._network, "read", Mock(side_effect=fault))


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


def test_fifty_requests_of_several_runs_at_once_share_the_model(model: Any) -> None:
    """Every run gets what it would have got alone, and no more rows are in work than the model takes."""
    in_work: list[int] = []
    step = model._network.step

    def watched(ids: Any, *rest: Any) -> Any:
        in_work.append(len(ids))
        return step(ids, *rest)

    runs = {f"run{at}": [request(f"{at}-{n}", n=4, max_new_tokens=20) for n in range(10)] for at in range(5)}
    with patch.object(model._network, "step", watched), ModelWorker(model) as worker:
        jobs = {name: worker.submit(requests) for name, requests in runs.items()}
        found = {name: {(s.request_id, s.index): s.token_ids for s in job} for name, job in jobs.items()}
    assert max(in_work) <= model.max_batch
    assert max(in_work) > 40, "the runs were not decoded together"
    for name, requests in runs.items():
        assert found[name] == {(s.request_id, s.index): s.token_ids for s in model.generate(requests)}


def test_a_small_job_is_not_held_up_by_a_large_one(model: Any) -> None:
    ended: list[str] = []
    with patch.object(model, "max_batch", 8), ModelWorker(model) as worker, Gate(model) as gate:
        jobs = {"large": worker.submit([request("large", n=200, max_new_tokens=30)])}
        assert gate.reached.wait(60)
        jobs["small"] = worker.submit([request("small", n=4, max_new_tokens=30)])
        read = lambda name: (list(jobs[name]), ended.append(name))  # noqa: E731
        threads = [threading.Thread(target=read, args=(name,)) for name in jobs]
        for thread in threads:
            thread.start()
        gate.open.set()
        for thread in threads:
            thread.join(60)
    assert ended == ["small", "large"]


def test_a_full_queue_refuses_at_once_with_the_wait(worker: ModelWorker, model: Any) -> None:
    with Gate(model) as gate:
        first = worker.submit([request("first")])
        assert gate.reached.wait(60)
        jobs = [first, *(worker.submit([request(f"r{at}")]) for at in range(2))]
        status = worker.status()
        assert (status.busy, status.queue_length, status.wait_seconds) == (True, 3, None)
        with pytest.raises(QueueFullError, match="no estimate yet") as refused:
            worker.submit([request("late")])  # while the gate is shut: it does not wait
        assert refused.value.n_waiting == 3
    assert [len(list(job)) for job in jobs] == [3, 3, 3]
    assert worker.status().wait_seconds == 0.0


def test_the_wait_is_estimated_from_measured_work(worker: ModelWorker, model: Any) -> None:
    started = time.monotonic()
    worker.generate([request("measured", n=8)])
    spent = time.monotonic() - started
    with Gate(model) as gate:
        worker.submit([request("first", n=8)])
        assert gate.reached.wait(60)
        for at in range(2):
            worker.submit([request(f"r{at}", n=8)])
        with pytest.raises(QueueFullError, match=r"less than 1 s|about") as refused:
            worker.submit([request("late")])
        assert refused.value.wait_seconds is not None
        assert 0 < refused.value.wait_seconds <= 3 * spent


def test_a_fault_goes_to_its_caller_and_the_worker_lives(worker: ModelWorker, model: Any) -> None:
    with broken(model, RuntimeError("broken kernel")):
        job = worker.submit([request()])
        with pytest.raises(RuntimeError, match="broken kernel"):
            list(job)
    assert list(job) == []
    assert len(worker.generate([request()])) == 3
    assert (worker.status().jobs_done, worker.status().jobs_failed) == (1, 1)


def test_not_even_an_exit_request_ends_the_worker(worker: ModelWorker, model: Any) -> None:
    with broken(model, SystemExit(3)), pytest.raises(SystemExit):
        worker.score(["<MoleculeS>C"])
    assert len(worker.generate([request()])) == 3


def test_a_sequence_too_large_for_memory_fails_alone(worker: ModelWorker, model: Any) -> None:
    step = model._network.step

    def small_memory(ids: Any, places: Any, cache: Any) -> Any:
        if int(places.positions.max()) >= 20:
            raise MemoryError
        return step(ids, places, cache)

    with patch.object(model._network, "step", small_memory):
        long = worker.submit([request("long", n=1, max_new_tokens=60, ignore_eos=True)])
        short = worker.submit([request("short", n=3)])
        assert len(list(short)) == 3
        with pytest.raises(ModelMemoryError, match="one sequence of 62 tokens"):
            list(long)


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
        assert gate.reached.wait(60)
        waiting = [worker.submit([request(f"w{at}")]) for at in range(2)]
        running.cancel()
        waiting[1].cancel()
        extra = worker.submit([request("extra")])
    assert len(list(running)) < 20
    assert [len(list(job)) for job in (*waiting, extra)] == [3, 0, 3]


def test_closing_ends_waiting_and_running_jobs(model: Any) -> None:
    worker = ModelWorker(model)
    with Gate(model) as gate:
        running = worker.submit([request("running", n=20, max_new_tokens=80)])
        assert gate.reached.wait(60)
        waiting = worker.submit([request("waiting")])
        closer = threading.Thread(target=worker.close)
        closer.start()
    with pytest.raises(WorkerClosedError, match="before this job was done"):
        list(waiting)
    closer.join(60)
    with pytest.raises(WorkerClosedError, match="before this job was done"):
        list(running)
    with pytest.raises(WorkerClosedError):
        worker.submit([request()])


def test_status_names_the_model(worker: ModelWorker, model: Any) -> None:
    status = worker.status()
    assert (status.device, status.checkpoint_hash) == ("cpu", model.checkpoint_hash)
    assert len(status.checkpoint_hash) == 64
    assert status.memory_bytes > 1_000_000
    assert (status.busy, status.max_queue) == (False, 3)
