"""How long until the first token: in a loaded model, and from a fresh process, its start and imports included."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from generation_parts.arms import stopwatch
from generation_parts.prompts import ask
from models.backends.base import Generator

_FRESH = """
import json, sys, time
from pathlib import Path
spawned, checkpoint, device, threads = float(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
import torch
torch.set_num_threads(threads)
from models.backends.base import Request
from models.registry import load_generator
generator = load_generator(Path(checkpoint) if checkpoint else None, device)
loaded, processor = time.time(), time.process_time()
list(generator.generate([Request("<MoleculeS>", max_new_tokens=1)]))
print(json.dumps([loaded - spawned, processor, time.time() - loaded]))
"""


def measure_first_token(generator: Generator, *, repeats: int = 20) -> dict[str, float]:
    """Milliseconds of one request of one token: the median of `repeats`, and the slowest; one call warms up."""
    walls = []
    for at in range(repeats + 1):
        request = ask("<MoleculeS>", 1, seed=at, ignore_eos=True)
        walls.append(stopwatch(lambda request=request: list(generator.generate([request])))[0])  # type: ignore[misc]
    return {"median_ms": 1000 * statistics.median(walls[1:]), "slowest_ms": 1000 * max(walls[1:])}


def measure_load(checkpoint: Path | None, device: str, threads: int, *, repeats: int = 3) -> dict[str, Any]:
    """Seconds from starting a Python process to a loaded model, and from there to its first token: medians."""
    rows = [_fresh_process(checkpoint, device, threads) for _ in range(repeats)]
    return {
        "load_with_imports_s": statistics.median(loaded for loaded, _, _ in rows),
        "load_with_imports_cpu_s": statistics.median(processor for _, processor, _ in rows),
        "first_token_of_a_process_s": statistics.median(first for _, _, first in rows),
        "all_s": rows,
    }


def _fresh_process(checkpoint: Path | None, device: str, threads: int) -> tuple[float, float, float]:
    name = "" if checkpoint is None else str(checkpoint.resolve())
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", _FRESH, repr(time.time()), name, device, str(threads)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    loaded, processor, first = json.loads(found.stdout.strip().splitlines()[-1])
    return float(loaded), float(processor), float(first)
