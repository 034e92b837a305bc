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

_HEAD = 64
"""Tokens tried as the whole of a nucleus before the vocabulary is sorted."""
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


def penalise_repetition(logits: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Divide positive and multiply negative logits (B, V) by `factor` (B, V), 1 for ids not seen yet."""
    return torch.where(logits < 0, logits * factor, logits / factor)


def keep_top_p(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Zero every entry of `probabilities` (B, V) outside the smallest set of best tokens that reaches `top_p`
    (B, 1)."""
    cut = _least_kept(probabilities, top_p)
    return probabilities.masked_fill(probabilities < cut.masked_fill(top_p >= 1, 0.0), 0.0)


def _least_kept(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """The smallest probability of the kept set (B, 1); found among the best `_HEAD` of a vocabulary where those
    reach `top_p`, which spares sorting the rest."""
    head = min(_HEAD, probabilities.shape[-1])
    cut, reached = _cut(_falling(probabilities, head), top_p)
    rest = torch.nonzero(~reached & (top_p[:, 0] < 1))[:, 0]
    if head < probabilities.shape[-1] and len(rest):
        cut[rest] = _cut(_falling(probabilities[rest], probabilities.shape[-1]), top_p[rest])[0]
    return cut


def _cut(falling: torch.Tensor, top_p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The last probability needed to reach `top_p` (B, 1), and whether the numbers given do reach it (B,)."""
    sums = falling.cumsum(-1)
    n_before = (sums - falling < top_p).sum(-1, keepdim=True).clamp(min=1)
    return falling.gather(-1, n_before - 1), sums[:, -1] >= top_p[:, 0]


def _falling(probabilities: torch.Tensor, n: int) -> torch.Tensor:
    """The best `n` of each row, best first. On the CPU by NumPy, which was seen to be several times faster."""
    if probabilities.device.type != "cpu":
        return probabilities.topk(n, dim=-1).values
    n_vocab = probabilities.shape[-1]
    best = probabilities.numpy()
    if n < n_vocab:
        best = np.partition(best, n_vocab - n, axis=-1)[:, n_vocab - n :]
    return torch.from_numpy(np.sort(best, axis=-1)[:, ::-1].copy())


def draw(weights: torch.Tensor, uniform: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids (B,) whose slice of the running sum of `weights` (B, V) holds `uniform` (B,) in [0, 1), and the sums
    of the weights (B,). An id of weight 0 is never drawn."""
    running = weights.cumsum(-1)
    total = running[:, -1:]
    below_total = total * (1 - torch.finfo(torch.float32).eps)
    target = torch.minimum(uniform[:, None].float() * total, below_total)
    ids = torch.searchsorted(running, target, right=True).squeeze(-1)
    return ids.clamp_(max=weights.shape[-1] - 1), total.squeeze(-1)


def next_tokens(
    logits: torch.Tensor,
    *,
    uniform: torch.Tensor,
    temperature: torch.Tensor | None = None,
    top_p: torch.Tensor | None = None,
    penalty_factor: torch.Tensor | None = None,
    allowed: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw one id per row from fp32 `logits` (B, V); `allowed` (B, V) is applied before all else. None switches
    a setting off; `temperature` and `top_p` are (B, 1), `penalty_factor` as in `penalise_repetition`.

    Returns ids (B,), their log-probability under the unmodified model (B,), and under the distribution drawn
    from (B,).
    """
    scores = logits if penalty_factor is None else penalise_repetition(logits, penalty_factor)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    if temperature is not None:
        scores = scores / temperature
    probabilities = scores.softmax(-1)
    if top_p is not None:
        probabilities = keep_top_p(probabilities, top_p)
    ids, total = draw(probabilities, uniform)
    chosen = ids[:, None]
    log_prob = logits.gather(-1, chosen).squeeze(-1) - logits.logsumexp(-1)
    sample_log_prob = (probabilities.gather(-1, chosen).squeeze(-1) / total).log()
    return ids, log_prob, sample_log_prob
