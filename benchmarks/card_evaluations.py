"""Runs every evaluation behind the model card, on several processes, resumable.

    python benchmarks/card_evaluations.py --data ../shared/data --out RESULTS [--weights DIR] [--processes 4]
        [--only NAME ...] [--share 1.0] [--part-seconds 60]

Results land in RESULTS/<name>/ as `organon model eval NAME ... --out` would write them; `organon model card --eval
RESULTS` makes the card from them. The same command goes on from what is there: a killed run loses at most the batch
each process was at, and what is complete is not computed again. Each process computes with one thread. Long evaluations
are cut into parts (every n-th batch), whose records are joined before the figures are computed, once.

`--share` takes that part of every size, for a quick look; figures of a share say their own n. What each evaluation took
is printed and kept in RESULTS/seconds.json (processor seconds of all its parts, opening the data included).
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from models.backends.base import Generator
from models.checkpoint import SHIPPED_CHECKPOINT, hash_weights
from models.registry import load_generator
from tools.errors import InputError
from tools.evaluation.card_plan import PLAN, CardEvaluation, card_evaluation
from tools.evaluation.protocol import Evaluator, Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import Selection, answer_part, run_evaluation, settings_for

PART_SECONDS = 60.0
"""Longest part of an evaluation aimed at (by its planned seconds): short parts fill processes evenly, but each opens
the data anew. A run goes on from an earlier one of the same parts only."""
ROWS = 500
"""Rows that a share is taken of where an evaluation takes all rows of its file."""


@dataclass(frozen=True)
class Job:
    """One evaluation in one place: part `part` of `n_parts`, or, with `part` None, joining and figures."""

    name: str
    evaluation: CardEvaluation
    data: Path
    out: Path
    weights: Path
    part: int | None
    n_parts: int


def scaled(evaluation: CardEvaluation, share: float) -> CardEvaluation:
    """With `share` of its rows or samples, at least two."""
    if share == 1.0:
        return evaluation
    if load_evaluator(evaluation.evaluator).samples_are_rows:
        n = max(2, round(evaluation.given["n"] * share))
        return replace(evaluation, given={**evaluation.given, "n": n}, seconds=evaluation.seconds * share)
    limit = max(2, round((evaluation.limit or ROWS) * share))
    return replace(evaluation, limit=limit, seconds=evaluation.seconds * share)


@cache
def loaded(weights: Path) -> Generator:
    """The model of this process, with one thread."""
    import torch

    torch.set_num_threads(1)
    return load_generator(weights, "cpu")


def opened(job: Job) -> tuple[Evaluator, Setup, Selection]:
    evaluation = job.evaluation
    evaluator = load_evaluator(evaluation.evaluator)
    if evaluation.rows_at_once:
        evaluator = replace(evaluator, rows_at_once=evaluation.rows_at_once)
    settings = settings_for(evaluator, evaluation.given, evaluation.options)
    references = tuple(job.data / name for name in evaluation.references)
    setup = Setup(loaded(job.weights), settings, job.data / evaluation.data, references)
    return evaluator, setup, Selection(dict(evaluation.where), evaluation.limit)


def part_file(job: Job, part: int) -> Path:
    return job.out / job.name / "parts" / f"{part}-of-{job.n_parts}.records.jsonl"


def work(job: Job) -> float:
    """Do one job; its processor seconds."""
    started = time.process_time()
    evaluator, setup, selection = opened(job)
    if job.part is None:
        parts = [part_file(job, part) for part in range(job.n_parts)]
        run_evaluation(evaluator, setup, selection=selection, out=job.out / job.name, parts=parts)
    else:
        records = part_file(job, job.part)
        answer_part(evaluator, setup, selection=selection, records=records, part=job.part, n_parts=job.n_parts)
    return time.process_time() - started


def with_threshold(evaluation: CardEvaluation, out: Path) -> CardEvaluation:
    """The vote threshold that was best on the rows of `threshold_from`."""
    source = PLAN[evaluation.threshold_from]
    path = out / evaluation.threshold_from / f"{source.evaluator}.json"
    if not path.is_file():
        raise InputError(f"{path} is not there: run {evaluation.threshold_from} first, it chooses the threshold")
    report = json.loads(path.read_text(encoding="utf-8"))
    best = report["figures"]["best_threshold"]["value"]
    if best is None:
        raise InputError(f"{evaluation.threshold_from} gave no threshold: no chain could be computed")
    return replace(evaluation, options={**evaluation.options, "vote_threshold": round(best, 4)})


class Schedule:
    """Which jobs may run, and what has been done: parts of an evaluation, then its figures, then what hangs on it."""

    def __init__(
        self, names: Iterable[str], data: Path, out: Path, weights: Path, share: float, part_seconds: float
    ) -> None:
        self._data, self._out, self._weights, self._part_seconds = data, out, weights, part_seconds
        self._plan = {name: scaled(card_evaluation(name), share) for name in names}
        self._hash = hash_weights(weights)
        self._parts_left: dict[str, int] = {}
        self.seconds: dict[str, float] = dict.fromkeys(self._plan, 0.0)

    def first(self) -> list[Job]:
        """Those that wait for nothing, the longest first, but what others wait for before all."""
        waited_for = {one.threshold_from for one in self._plan.values()}
        ready = [name for name, one in self._plan.items() if one.threshold_from not in self._plan]
        ready.sort(key=lambda name: (name not in waited_for, -self._plan[name].seconds))
        return [job for name in ready for job in self._start(name)]

    def after(self, job: Job, seconds: float) -> list[Job]:
        self.seconds[job.name] += seconds
        if job.part is not None:
            self._parts_left[job.name] -= 1
            return [] if self._parts_left[job.name] else [replace(job, part=None)]
        self._mark(job)
        waiting = [name for name, one in self._plan.items() if one.threshold_from == job.name]
        return [found for name in waiting for found in self._start(name)]

    def _start(self, name: str) -> list[Job]:
        evaluation = self._plan[name]
        if evaluation.threshold_from:
            evaluation = with_threshold(evaluation, self._out)
        n_parts = max(1, math.ceil(evaluation.seconds / self._part_seconds))
        job = Job(name, evaluation, self._data, self._out, self._weights, None, n_parts)
        if self._is_done(job):
            say(f"{name}: done before")
            waiting = [other for other, one in self._plan.items() if one.threshold_from == name]
            return [found for other in waiting for found in self._start(other)]
        self._parts_left[name] = n_parts
        return [replace(job, part=part) for part in range(n_parts)]

    def _stamp(self, job: Job) -> dict[str, Any]:
        return {"checkpoint_sha256": self._hash, **json.loads(json.dumps(asdict(job.evaluation)))}

    def _mark(self, job: Job) -> None:
        (self._out / job.name / "plan.json").write_text(json.dumps(self._stamp(job), indent=1) + "\n", encoding="utf-8")

    def _is_done(self, job: Job) -> bool:
        path = self._out / job.name / "plan.json"
        return path.is_file() and json.loads(path.read_text(encoding="utf-8")) == self._stamp(job)


def leave_with_parent(parent: int) -> None:
    """For a worker: end it when the process that started it is gone, which a kill of that process does not do."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_all(schedule: Schedule, processes: int) -> list[str]:
    """Run everything; one line for each job that failed. An evaluation that fails costs the others nothing."""
    failed = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, leave_with_parent, (os.getpid(),)) as pool:
        running: dict[Future[float], Job] = {pool.submit(work, job): job for job in schedule.first()}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                fault = future.exception()
                if fault is not None:
                    failed.append(f"{job.name}: {fault}")
                    say(failed[-1])
                    continue
                what = "figures" if job.part is None else f"part {job.part + 1} of {job.n_parts}"
                say(f"{job.name}: {what} after {future.result():.0f} s")
                try:
                    following = schedule.after(job, future.result())
                except InputError as refused:
                    failed.append(f"what hangs on {job.name}: {refused}")
                    continue
                running.update({pool.submit(work, one): one for one in following})
    return failed


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def keep_seconds(path: Path, seconds: dict[str, float]) -> None:
    """Seconds by evaluation, those of earlier runs kept where this one had nothing to do."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    now = {name: round(value, 1) for name, value in seconds.items() if value}
    path.write_text(json.dumps({**before, **now}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=SHIPPED_CHECKPOINT)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--only", nargs="+", default=list(PLAN), metavar="NAME")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--part-seconds", type=float, default=PART_SECONDS)
    given = parser.parse_args()
    if not 0 < given.share <= 1 or given.processes < 1 or given.part_seconds <= 0:
        parser.error("--share must be above 0 and at most 1, --processes at least 1, --part-seconds above 0")
    started = time.monotonic()
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        schedule = Schedule(given.only, given.data, given.out, given.weights, given.share, given.part_seconds)
        failed = run_all(schedule, given.processes)
    except InputError as fault:
        parser.error(str(fault))
    keep_seconds(given.out / "seconds.json", schedule.seconds)
    say(f"{time.monotonic() - started:.0f} s on {given.processes} processes; processor seconds by evaluation:")
    for name, seconds in schedule.seconds.items():
        say(f"  {name:16} {seconds:8.0f}")
    if failed:
        raise SystemExit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
