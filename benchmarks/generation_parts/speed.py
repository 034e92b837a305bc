"""Speed on equal lengths: ours over LOGOS's way, over one transformers batch, and as a share of the bare products.

The bare products run at the same thread count as every other arm. Where fewer threads do them faster (small
products on a machine whose threads must be woken), that is measured as an arm of its own: the stricter limit. Where
sharing the prompt's keys between rows is the fastest, the products without that are an arm too: the laxer one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

from generation_parts.arms import Arm, Reference, Timing, Work, build_arms, stopwatch, time_interleaved
from generation_parts.matrix_products import BareProducts, Shape, build_bare, count_rows_of_experts
from generation_parts.product_forms import PROMPT_SHARED
from models.backends.base import Generator

BARE, BARE_BEST, BARE_OWN_KEYS = "bare products", "bare products, best threads", "bare products, own keys"


def measure_speed(generator: Generator, reference: Reference, work: Work, *, repeats: int) -> dict[str, Any]:
    """Seconds of all arms on `work`, and the ratios of their medians."""
    ids = reference.encode(work.prompt)
    shape = Shape(work.samples, ids.shape[1], work.tokens)
    sequences = None
    if any(hasattr(layer.mlp, "experts") for layer in reference.model.model.layers):
        new = reference.generate(ids, torch.ones_like(ids), work.samples, work.tokens)
        sequences = torch.cat([ids.expand(work.samples, -1), new], dim=1)
    experts = None if sequences is None else count_rows_of_experts(reference.model, sequences, shape.n_prompt)
    threads = torch.get_num_threads()
    bare = build_bare(reference.model, shape, experts)
    arms: dict[str, Arm] = {**build_arms(generator, reference, work), BARE: _at_threads(bare, threads)}
    fewer = None if reference.model.device.type == "cuda" else _with_fewer_threads(reference, shape, experts, bare)
    if fewer is not None:
        arms[BARE_BEST] = _at_threads(*fewer)
    if bare.forms["attention"] == PROMPT_SHARED:
        own = build_bare(reference.model, shape, experts, share_prompt=False)
        arms[BARE_OWN_KEYS] = _at_threads(own, threads)
    timings = time_interleaved(arms, repeats)
    return {
        "prompt_tokens": shape.n_prompt,
        "samples": work.samples,
        "tokens": work.tokens,
        "arms": {name: timing.as_seconds() for name, timing in timings.items()},
        "ratios": _ratios(timings),
        "load": os.getloadavg()[0],
        "bare_forms": bare.forms,
        "bare_best_threads": threads if fewer is None else fewer[1],
    }


def _at_threads(bare: BareProducts, threads: int) -> Arm:
    def run(_seed: int) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            bare.run()
        finally:
            torch.set_num_threads(before)

    return run


def _with_fewer_threads(
    reference: Reference, shape: Shape, experts: Any, bare: BareProducts
) -> tuple[BareProducts, int] | None:
    """The products and the thread count of the fastest run with fewer threads than now, if any beats `bare`."""
    most = torch.get_num_threads()
    best: tuple[BareProducts, int] | None = None
    seconds = _best_of(bare.run)
    threads = most // 2
    while threads:
        torch.set_num_threads(threads)
        try:
            other = build_bare(reference.model, shape, experts)
            wall = _best_of(other.run)
        finally:
            torch.set_num_threads(most)
        if wall < seconds:
            best, seconds = (other, threads), wall
        threads //= 2
    return best


def _best_of(run: Callable[[], object]) -> float:
    return min(stopwatch(run)[0] for _ in range(3))


def _ratios(timings: dict[str, Timing]) -> dict[str, dict[str, float]]:
    ours = timings["ours"]
    over = {"over LOGOS's way": "LOGOS's way", "over one batch": "transformers, one batch", "share of bare": BARE}
    others = {"share of bare, best threads": BARE_BEST, "share of bare, own keys": BARE_OWN_KEYS}
    over |= {name: arm for name, arm in others.items() if arm in timings}
    return {
        name: {
            "wall": timings[arm].wall / ours.wall,
            "cpu": timings[arm].cpu / ours.cpu,
            "wall_lowest": min(a / b for a, b in zip(timings[arm].walls, ours.walls, strict=True)),
            "wall_highest": max(a / b for a, b in zip(timings[arm].walls, ours.walls, strict=True)),
        }
        for name, arm in over.items()
    }
