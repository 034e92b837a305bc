"""The same seed, the same token ids? 1,000 samples drawn in other company, compared with one batch of all.

Company: alone (one call each), in narrow batches, shuffled among other requests with other prompts and lengths,
and in a new process. Also whether asking for fewer samples of a request gives the same first ones. Log-probabilities
are compared where the ids are equal.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from generation_parts.prompts import DHFR, ask, short_prompts
from models.backends.base import Generator, Request, Sample
from models.grammar.tasks import prompt_for
from models.registry import load_generator

Found = dict[tuple[str, int], tuple[tuple[int, ...], float]]
"""Token ids and log-probability by (request id, index)."""

NARROW = 48


def measure_reproducibility(
    checkpoint: Path | None, device: str, threads: int, *, samples: int, tokens: int
) -> dict[str, Any]:
    """For each kind of company: samples compared, share with identical ids, largest difference of log_prob."""
    generator = load_generator(checkpoint, device)
    requests = _requests(samples, tokens)
    together = _collect(generator.generate(requests))
    alone: Found = {}
    for request in requests:
        alone.update(_collect(generator.generate([request])))
    beside = _beside_others(generator, requests, tokens)
    narrow = _collect(load_generator(checkpoint, device, max_batch=NARROW).generate(requests))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        restarted = pool.apply(_in_new_process, (checkpoint, device, threads, requests))
    one, fewer = _counts(generator, tokens, samples)
    return {
        "samples": len(together),
        "mean_tokens": sum(len(ids) for ids, _ in together.values()) / len(together),
        "alone": _compare(together, alone),
        f"batches of {NARROW}": _compare(together, narrow),
        "others beside": _compare(together, beside),
        "new process": _compare(together, restarted),
        "fewer samples": _compare(fewer, one),
    }


def _requests(samples: int, tokens: int) -> list[Request]:
    prompts = short_prompts(min(samples, 500))
    return [
        ask(prompts[at % len(prompts)], tokens, stop=("<MoleculeE>",), seed=17, request_id=f"sample {at}")
        for at in range(samples)
    ]


def _beside_others(generator: Generator, requests: Sequence[Request], tokens: int) -> Found:
    pocket = ask(prompt_for("pocket", protein=DHFR), tokens, n=60, seed=5, request_id="other, long")
    others = [pocket] + [
        ask(prompt, 1 + 2 * at % tokens, n=3, seed=at, request_id=f"other {at}")
        for at, prompt in enumerate(short_prompts(100))
    ]
    mixed = [*requests, *others]
    random.Random(0).shuffle(mixed)
    found = _collect(generator.generate(mixed))
    wanted = {request.request_id for request in requests}
    return {key: value for key, value in found.items() if key[0] in wanted}


def _counts(generator: Generator, tokens: int, samples: int) -> tuple[Found, Found]:
    """One request for `samples` samples, and the same request for a quarter of them."""
    many = ask(short_prompts(1)[0], tokens, n=samples, seed=17, request_id="n")
    few = replace(many, n=max(1, samples // 4))
    return _collect(generator.generate([many])), _collect(generator.generate([few]))


def _in_new_process(checkpoint: Path | None, device: str, threads: int, requests: Sequence[Request]) -> Found:
    import torch

    torch.set_num_threads(threads)
    return _collect(load_generator(checkpoint, device).generate(requests))


def _collect(samples: Iterable[Sample]) -> Found:
    return {(sample.request_id, sample.index): (sample.token_ids, sample.log_prob) for sample in samples}


def _compare(expected: Found, found: Found) -> dict[str, float]:
    """Over the samples of `expected`, all of which must be in `found`."""
    same = [key for key in expected if found[key][0] == expected[key][0]]
    apart = [abs(found[key][1] - expected[key][1]) for key in same]
    return {
        "compared": len(expected),
        "identical": len(same),
        "share": len(same) / len(expected),
        "max_log_prob_difference": max(apart, default=0.0),
    }
