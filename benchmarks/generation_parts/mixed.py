"""Speed on mixed lengths: continuous batching against static batches, by transformers and by our own engine.

Requests differ in prompt and length; every arm gives each request exactly its own number of tokens. A static
batch of transformers runs to its longest member. Our engine is fed static batches in two ways: rows leave when they are
done (what is lost is only that nobody takes their place), and all rows run to the longest (what a static batch costs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from generation_parts.arms import Arm, Reference, time_interleaved
from models.backends.base import Generator, Request

STATIC_BATCH = 64
OURS, OURS_NARROW = "ours", f"ours, at most {STATIC_BATCH} rows"
LEAVING, LONGEST, TRANSFORMERS = "ours, static, rows leave", "ours, static, to the longest", "transformers, static"


def measure_mixed(
    generator: Generator, narrow: Generator, reference: Reference, requests: Sequence[Request], *, repeats: int
) -> dict[str, Any]:
    """Seconds of all arms on `requests` (`narrow`: the same engine with at most 64 rows), and ratios of medians."""
    batches = list(_batches(requests))
    arms: dict[str, Arm] = {
        OURS: lambda _: _run(generator, requests),
        OURS_NARROW: lambda _: _run(narrow, requests),
        LEAVING: lambda _: _run_each(generator, batches),
        LONGEST: lambda _: _run_each(generator, map(_to_longest, batches)),
        TRANSFORMERS: lambda seed: _transformers(reference, batches, seed),
    }
    timings = time_interleaved(arms, repeats, warm_up=False)
    return {
        "requests": len(requests),
        "tokens": sum(request.max_new_tokens for request in requests),
        "tokens_of_static_batches": sum(_longest(batch) * len(batch) for batch in batches),
        "arms": {
            name: {"wall_s": t.wall, "cpu_s": t.cpu, "walls_s": t.walls, "cpus_s": t.cpus}
            for name, t in timings.items()
        },
        "ratios": {
            f"over {name}": {"wall": timing.wall / timings[OURS].wall, "cpu": timing.cpu / timings[OURS].cpu}
            for name, timing in timings.items()
            if name != OURS
        },
    }


def _batches(requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
    for start in range(0, len(requests), STATIC_BATCH):
        yield requests[start : start + STATIC_BATCH]


def _longest(batch: Sequence[Request]) -> int:
    return max(request.max_new_tokens for request in batch)


def _to_longest(batch: Sequence[Request]) -> list[Request]:
    return [replace(request, max_new_tokens=_longest(batch)) for request in batch]


def _run(generator: Generator, requests: Sequence[Request]) -> None:
    found = {sample.request_id: len(sample.token_ids) for sample in generator.generate(requests)}
    if found != {request.request_id: request.max_new_tokens for request in requests}:
        raise RuntimeError("our engine did not give every request its number of tokens")


def _run_each(generator: Generator, batches: Iterable[Sequence[Request]]) -> None:
    for batch in batches:
        _run(generator, batch)


def _transformers(reference: Reference, batches: Sequence[Sequence[Request]], seed: int) -> None:
    torch.manual_seed(seed)
    device = reference.model.device
    for batch in batches:
        ids = [reference.tokenizer(request.prompt)["input_ids"] for request in batch]
        width = max(map(len, ids))
        padded = torch.tensor([[reference.pad_id] * (width - len(row)) + row for row in ids], device=device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in ids], device=device)
        new = reference.generate(padded, mask, 1, _longest(batch))
        _ = [row[: request.max_new_tokens].tolist() for row, request in zip(new, batch, strict=True)]
