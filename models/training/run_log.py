"""`log.jsonl` of a run and the line on stderr: loss, losses by modality, speed, expert load, time left."""

import json
import math
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch

from models.training.throughput import flops_per_token

NAME = "log.jsonl"


class RunLog:
    """One row a call. Only rank 0 writes."""

    def __init__(self, out: Path, writes: bool) -> None:
        self._path, self._writes = out / NAME, writes

    def write(self, step: int, n_tokens: int, seconds: float, progress: float, entry: dict[str, Any]) -> None:
        """Append `entry` and show it; `progress` (0..1) tells the minutes left."""
        if not self._writes:
            return
        left = round(max(0.0, seconds / 60 * (1 - progress) / progress), 1) if progress else None
        row = {"step": step, "tokens": n_tokens, "minutes": round(seconds / 60, 2), **entry, "minutes_left": left}
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        shown = ", ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        self.say(f"step {step:,}, {n_tokens:,} tokens, {shown}, {math.inf if left is None else left} min left")

    def go_back_to(self, step: int) -> None:
        """Drop rows of later steps, which will be taken again; also a row cut off by a kill."""
        if not self._writes or not self._path.is_file():
            return
        kept = []
        for line in self._path.read_text().splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if row["step"] <= step:
                kept.append(line + "\n")
        self._path.write_text("".join(kept))

    def say(self, message: str) -> None:
        """A line on stderr."""
        if self._writes:
            print(f"training: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


class Window:
    """Sums over the steps since the last row. Losses by modality, expert load and times are this rank's own."""

    def __init__(self) -> None:
        self.load: list[torch.Tensor] = []
        self.modalities: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.loss, self.n_targets, self.n_tokens = 0.0, 0, 0
        self.seconds: dict[str, float] = defaultdict(float)
        self._mark = time.perf_counter()

    def start_step(self) -> None:
        """Time before this is not the step's."""
        self._mark = time.perf_counter()

    def lap(self, part: str) -> None:
        """Time since the last lap was spent on `part`."""
        now = time.perf_counter()
        self.seconds[part] += now - self._mark
        self._mark = now

    def add_batch(self, by_modality: dict[str, tuple[float, int]], load: torch.Tensor | None) -> None:
        """A micro-batch's losses (nats, targets) and expert shares (layers, E)."""
        for name, (total, count) in by_modality.items():
            self.modalities[name][0] += total
            self.modalities[name][1] += count
        if load is not None:
            self.load.append(load.detach().cpu())

    def add_step(self, loss: float, n_targets: int, n_tokens: int) -> None:
        """A step's loss (nats), over all ranks."""
        self.loss, self.n_targets, self.n_tokens = (
            self.loss + loss,
            self.n_targets + n_targets,
            self.n_tokens + n_tokens,
        )

    def row(self, model: Any, peak: float, mean_length: float) -> dict[str, Any]:
        """For the log. `peak`: operations a second of all ranks together, 0 where unknown."""
        whole = sum(self.seconds.values())
        speed = self.n_tokens / whole
        found: dict[str, Any] = {"loss": self.loss / self.n_targets, "tokens_per_second": round(speed)}
        if peak:
            found["share_of_peak"] = round(speed * flops_per_token(model, mean_length) / peak, 3)
        found["time"] = {part: round(seconds / whole, 3) for part, seconds in self.seconds.items()}
        found["losses"] = {n: round(total / count, 3) for n, (total, count) in sorted(self.modalities.items()) if count}
        if self.load:
            load = torch.stack(self.load).mean(0) * self.load[0].shape[1]
            found["expert_load_max"] = [round(float(x), 2) for x in load.amax(1)]  # 1 is even, by layer
        return found
