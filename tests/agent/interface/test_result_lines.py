"""What is written stays readable: on a full disk, into a closed pipe, after a kill."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.interface.result_lines import ResultLines
from tools.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
MANY = "from agent.interface.result_lines import ResultLines\nfrom tools.errors import StopError\nimport sys\n" + (
    "from pathlib import Path\nfile = Path(sys.argv[1]) if len(sys.argv) > 1 else None\n"
    "with ResultLines(file) as lines:\n"
    "    try:\n        for at in range(100000):\n            lines.write({'row': at, 'text': 'C' * 90})\n"
    "    except StopError as error:\n        sys.exit(f'error: {error}')\n"
)


def python(code: str, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    settings = {"capture_output": True, "text": True, "cwd": ROOT, **options}
    return subprocess.run([sys.executable, "-c", code, *args], check=False, **settings)


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


def test_a_line_that_does_not_fit_leaves_only_whole_ones(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    done = python(MANY, str(file), preexec_fn=limit_file_size)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert file.read_text().endswith("\n")
    assert [row["row"] for row in rows] == list(range(len(rows)))
    assert 50 < len(rows) < 120
    assert (
        done.stderr.strip() == f"error: cannot write to {file}: File too large; the {len(rows)} lines before are whole"
    )
    assert done.returncode == 1


def test_a_full_disk_behind_stdout_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = python(MANY, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: cannot write to standard output: No space left on device; the 0 lines before are whole"
    )


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    done = subprocess.run(
        [
            "bash",
            "-c",
            f'"{sys.executable}" -c "$0" | head -n 2; exit "${{PIPESTATUS[0]}}"',
            MANY,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert [json.loads(line)["row"] for line in done.stdout.splitlines()] == [0, 1]
    assert "StopError" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_lines_are_there_while_the_command_runs_and_after_it_is_killed(our_shape: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "ORGANON_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    command = ["import app; app.main()", "model", "generate", "--task", "material", "--format", "logos"]
    process = subprocess.Popen(
        [sys.executable, "-c", *command, "--checkpoint", str(our_shape), "--out", str(tmp_path / "out")],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    file = tmp_path / "out" / "results.jsonl"
    wait_until(lambda: file.exists() and file.read_text().count("\n") > 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert 3 < len(rows) < 10_000
    assert all(row["text"].startswith("<MaterialS>") and row["ppl"] > 1 for row in rows)


def wait_until(happened: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        ResultLines(tmp_path / "file" / "results.jsonl")
