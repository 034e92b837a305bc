"""The executor against workers that crash, hang, eat memory, raise, and die with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.executor import Executor, Fault, Task
from tests.agent import executor_tasks as tasks
from tools.errors import InputError, StopError, TransientError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with Executor(workers=2, memory_mb=300) as running:
        yield running


def run(executor: Executor, function: Callable[..., Any], *args: tuple[Any, ...], timeout: float = 20.0) -> list[Any]:
    outcomes = list(executor.map_ordered(function, [Task(a, timeout) for a in args]))
    assert [index for index, _ in outcomes] == list(range(len(args)))
    return [outcome for _, outcome in outcomes]


def test_results_come_in_submission_order(executor: Executor) -> None:
    waits = [0.3, 0.0, 0.15, 0.0, 0.05]
    assert run(executor, tasks.slow_square, *((n, s) for n, s in enumerate(waits))) == [0, 1, 4, 9, 16]
    assert run(executor, tasks.nothing, (), ()) == [None, None]
    assert run(executor, tasks.square) == []


def test_tasks_run_at_the_same_time_and_workers_live_on(executor: Executor, tmp_path: Path) -> None:
    assert run(executor, tasks.meet, (str(tmp_path), 0), (str(tmp_path), 1)) == ["met", "met"]
    pids = {pid for _, pid in run(executor, tasks.prepared, *[()] * 10)}
    assert len(pids) <= 2
    assert os.getpid() not in pids


@pytest.mark.parametrize(
    ("deed", "kind", "words"),
    [
        ("exit", "crash", "exit code 3"),
        ("segfault", "crash", "SIGSEGV"),
        ("kill", "crash", "SIGKILL"),
        ("raise", "error", "no such atom"),
        ("system_exit", "error", "4"),
        ("memory_error", "memory", "no room for the grid"),
        ("unpicklable", "error", "pickle"),
        ("hunger", "memory", "300 are allowed"),
    ],
)
def test_a_bad_task_costs_only_itself(executor: Executor, deed: str, kind: str, words: str) -> None:
    before, fault, after = run(executor, tasks.act, ("fine",), (deed,), ("fine",))
    assert (before, after) == ("fine", "fine")
    assert isinstance(fault, Fault)
    assert (fault.kind, words in fault.message) == (kind, True), fault
    assert "\n" not in fault.message
    assert isinstance(fault.to_error(), TransientError)
    assert kind in str(fault.to_error())


@pytest.mark.parametrize("deed", ["hang", "hang_in_c"])
def test_a_hang_ends_at_its_time_limit(executor: Executor, deed: str) -> None:
    run(executor, tasks.square, (1,), (1,))
    fine = Task(("fine",), 60.0)
    outcomes = list(executor.map_ordered(tasks.act, [Task((deed,), 0.5), fine, fine]))
    fault = outcomes[0][1]
    assert (fault.kind, fault.message) == ("timeout", "no result within 0.5 s")
    assert fault.seconds > 0.4
    assert [o for _, o in outcomes[1:]] == ["fine", "fine"]


def test_many_crashes_in_a_row_neither_block_nor_lose_anything(executor: Executor) -> None:
    deeds = [("exit",), ("fine",), ("segfault",)] * 5
    outcomes = run(executor, tasks.act, *deeds)
    assert [o if isinstance(o, str) else o.kind for o in outcomes] == ["crash", "fine", "crash"] * 5


def test_idle_workers_may_die_between_batches(executor: Executor) -> None:
    for _ in range(2):
        for pid in {pid for _, pid in run(executor, tasks.prepared, *[()] * 6)}:
            os.kill(pid, signal.SIGKILL)
        assert run(executor, tasks.square, (3,), (4,), (5,)) == [9, 16, 25]
        time.sleep(0.3)


def test_what_cannot_be_sent_is_a_fault(executor: Executor) -> None:
    fault, fine = run(executor, tasks.square, (threading.Lock(),), (2,))
    assert (fault.kind, fine) == ("error", 4)
    assert "cannot be sent" in fault.message
    (fault,) = run(executor, lambda: 1, ())
    assert fault.kind == "error"


def test_stop_is_asked_before_each_start_and_running_tasks_finish(executor: Executor, tmp_path: Path) -> None:
    def should_stop() -> bool:
        return len(list(tmp_path.iterdir())) >= 2

    jobs = [Task((str(tmp_path), n, 0.3), 60.0) for n in range(8)]
    outcomes = [outcome for _, outcome in executor.map_ordered(tasks.stamp, jobs, should_stop=should_stop)]
    done = [o for o in outcomes if not isinstance(o, Fault)]
    assert done == list(range(len(done)))
    assert 2 <= len(done) <= 3
    assert {o.kind for o in outcomes[len(done) :]} == {"not_dispatched"}
    assert len(list(tmp_path.iterdir())) == len(done)


def test_nothing_starts_after_the_deadline(executor: Executor, tmp_path: Path) -> None:
    run(executor, tasks.square, (1,), (1,))
    jobs = [Task((str(tmp_path), n, 0.3), 60.0) for n in range(30)]
    deadline = time.monotonic() + 1.5
    outcomes = [outcome for _, outcome in executor.map_ordered(tasks.stamp, jobs, deadline=deadline)]
    done = [o for o in outcomes if not isinstance(o, Fault)]
    assert 2 <= len(done) <= 12
    assert len(outcomes) == 30
    assert outcomes[-1] == Fault("not_dispatched", "the time was used up", 0.0)
    assert len(list(tmp_path.iterdir())) == len(done)


def test_error_of_should_stop_reaches_the_caller(executor: Executor) -> None:
    def should_stop() -> bool:
        raise StopError("run r1 is no longer this process's to execute")

    with pytest.raises(StopError, match="no longer"):
        list(executor.map_ordered(tasks.square, [Task((1,))], should_stop=should_stop))
    assert run(executor, tasks.square, (2,)) == [4]


def test_leaving_the_loop_early_frees_the_workers(executor: Executor) -> None:
    jobs = [Task((1, 0.0)), *[Task((n, 3600.0)) for n in range(6)]]
    for _index, outcome in executor.map_ordered(tasks.slow_square, jobs):
        assert outcome == 1
        break
    assert run(executor, tasks.square, (2,), (3,)) == [4, 9]


def test_two_threads_share_the_workers(executor: Executor) -> None:
    gathered: dict[int, list[Any]] = {}

    def work(offset: int) -> None:
        gathered[offset] = run(executor, tasks.slow_square, *((offset + n, 0.02) for n in range(6)))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert gathered == {offset: [(offset + n) ** 2 for n in range(6)] for offset in (0, 100)}


def test_workers_never_write_to_our_standard_output(executor: Executor, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(executor, tasks.act, ("noise",)) == ["noise"]
    assert capfd.readouterr().out == ""


def test_initializer_runs_once_in_each_worker_also_in_a_replaced_one() -> None:
    with Executor(1, 0, initializer=tasks.prepare, initargs=("maps",)) as executor:
        (first, pid), (second, same) = run(executor, tasks.prepared, (), ())
        assert (first, second, pid == same) == (["maps"], ["maps"], True)
        run(executor, tasks.act, ("exit",))
        ((third, other),) = run(executor, tasks.prepared, ())
        assert (third, other != pid) == (["maps"], True)


@pytest.mark.parametrize(
    ("initializer", "kind", "words"),
    [(tasks.prepare_badly, "error", "ValueError: no maps here"), (tasks.prepare_and_die, "crash", "twice")],
)
def test_failing_initializer_is_told_and_does_not_spin(initializer: Callable[[], None], kind: str, words: str) -> None:
    with Executor(1, 0, initializer=initializer) as executor:
        for outcome in run(executor, tasks.square, (1,), (2,)):
            assert outcome.kind == kind
            assert words in outcome.message


def test_close_ends_the_children_also_after_an_interrupt() -> None:
    executor = Executor(2, 0)
    jobs = [Task((1, 0.0)), *[Task((n, 3600.0)) for n in range(4)]]
    pids: list[int] = []

    def interrupted() -> None:
        with executor:
            pids.extend(pid for _, pid in run(executor, tasks.prepared, *[()] * 6))
            for _index, _outcome in executor.map_ordered(tasks.slow_square, jobs):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    executor.close()
    with pytest.raises(StopError, match="not running"):
        next(executor.map_ordered(tasks.square, [Task((1,))]))


def test_workers_die_with_a_killed_parent_even_inside_c_code(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-m", "tests.agent.executor_tasks", str(tmp_path)], cwd=ROOT)
    files = [tmp_path / "pid-0", tmp_path / "pid-1"]
    _until(lambda: all(f.exists() and f.read_text() for f in files), 60.0)
    workers = [psutil.Process(int(f.read_text())) for f in files]
    assert all(worker.is_running() for worker in workers)
    parent.kill()
    parent.wait()
    _until(lambda: not any(_alive(worker) for worker in workers), 60.0)


@pytest.mark.parametrize("seconds_until_the_interrupt", [1.0, 3.0])
def test_ctrl_c_reaches_only_the_parent(tmp_path: Path, seconds_until_the_interrupt: float) -> None:
    command = [sys.executable, "-m", "tests.agent.executor_tasks", str(tmp_path)]
    parent = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds_until_the_interrupt)
    workers = [p for p in psutil.Process(parent.pid).children() if "spawn_main" in " ".join(p.cmdline())]
    os.killpg(parent.pid, signal.SIGINT)
    _, said = parent.communicate(timeout=90)
    assert "spawn_main" not in said
    assert not any(_alive(worker) for worker in workers)


def test_nonsense_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        Executor(0, 100)
    with pytest.raises(InputError, match="memory_mb is -1"):
        Executor(1, -1)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
