"""One decoding step as pure tensor functions: repetition penalty, temperature, top-p, inverse-CDF draw.

The settings are per row, so that requests with different ones share a batch. Penalty, temperature and top-p
have transformers' semantics and order, with one deliberate difference: tokens whose logit ties with the last
one kept by top-p are kept too, which makes the kept set independent of how a sort breaks ties (ties are
common in bf16).

Random numbers are counter-based: a number is a function of (seed, request id, sample index, position),
nothing is carried from one draw to the next, so batch composition cannot matter. The draw walks the
vocabulary in id order, so that rounding noise in the logits moves the outcome only when the number falls
within that noise of a boundary.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def stream_key(seed: int, request_id: str, index: int) -> int:
    """The 64-bit key of one sample's random stream."""
    text = f"{seed}\x1f{index}\x1f{request_id}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def uniforms(keys: NDArray[np.uint64], positions: NDArray[np.uint64] | np.uint64) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) with 53 random bits for each (key, position); the arguments broadcast.

    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2714064.2660195): its state after k steps is
    key + k * golden ratio, so any position is reached directly.
    """
    with np.errstate(over="ignore"):
        z = keys + (positions + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        z = z ^ (z >> np.uint64(31))
    return np.asarray((z >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def penalise_repetition(logits: torch.Tensor, seen: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
    """Divide positive and multiply negative logits (B, V) of `seen` (B, V, bool) ids by `penalty` (B, 1)."""
    changed = torch.where(logits < 0, logits * penalty, logits / penalty)
    return torch.where(seen, changed, logits)


def keep_top_p(scores: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Set to -inf every score (B, V) outside the smallest set of best tokens whose probability reaches
    `top_p` (B, 1)."""
    rising = _sorted(scores)
    dropped = rising.softmax(-1).cumsum(-1) <= 1 - top_p
    n_dropped = dropped.sum(-1, keepdim=True).clamp(max=scores.shape[-1] - 1)
    cut = rising.gather(-1, n_dropped).masked_fill(top_p >= 1, -torch.inf)
    return scores.masked_fill(scores < cut, -torch.inf)


def _sorted(scores: torch.Tensor) -> torch.Tensor:
    """`scores` (B, V) in rising order. On the CPU by NumPy, which was seen to be ten times faster than torch
    there."""
    if scores.device.type == "cpu":
        return torch.from_numpy(np.sort(scores.numpy(), axis=-1))
    return scores.sort(dim=-1).values


def draw(scores: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Ids (B,) whose slice of the cumulative distribution of softmax(`scores`) (B, V) holds `uniform` (B,) in
    [0, 1)."""
    cumulative = scores.softmax(-1).cumsum(-1, dtype=torch.float64)
    target = uniform[:, None].to(torch.float64) * cumulative[:, -1:]
    ids = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    return ids.clamp(max=scores.shape[-1] - 1)


def next_tokens(
    logits: torch.Tensor,
    *,
    seen: torch.Tensor | None,
    temperature: torch.Tensor,
    top_p: torch.Tensor | None,
    penalty: torch.Tensor | None,
    uniform: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw one id per row from fp32 `logits` (B, V); None for `penalty` (with `seen`) or `top_p` switches it
    off.

    Returns ids (B,), their log-probability under the unmodified model (B,), and under the distribution drawn
    from (B,).
    """
    scores = logits if penalty is None or seen is None else penalise_repetition(logits, seen, penalty)
    scores = scores / temperature
    if top_p is not None:
        scores = keep_top_p(scores, top_p)
    ids = draw(scores, uniform)
    chosen = ids[:, None]
    log_prob = logits.gather(-1, chosen).squeeze(-1) - logits.logsumexp(-1)
    sample_log_prob = scores.gather(-1, chosen).squeeze(-1) - scores.logsumexp(-1)
    return ids, log_prob, sample_log_prob
