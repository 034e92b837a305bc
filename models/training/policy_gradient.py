"""The loss of reinforcement learning on samples of the policy itself: group-relative advantages, and a divergence
held small.

As GRPO (Shao et al. 2024, arXiv 2402.03300): the advantage of a sample is its reward less the mean of the samples of
the same prompt, and the divergence from the frozen start is a penalty a token. Two of GRPO's divisions are left out,
as Liu et al. 2025 (arXiv 2503.20783) found them to be biases: by the group's standard deviation, which gives prompts
that are nearly all right or all wrong the most weight, and by each sample's own length, which makes long failures
cheap. Each batch is used once, right after it was drawn, so there is no ratio of policies to clip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Rollout:
    """A sample as token ids: prompt with begin-of-text, then what was generated, stop token included."""

    prompt_ids: tuple[int, ...]
    sampled_ids: tuple[int, ...]
    advantage: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one prompt. `prefix` (1, P) is the prompt without its last token, which begins every row of `inputs`
    (R, S); `targets` (R, S) are what was generated, padded on the right where `sampled` is not; `advantages` (R,)."""

    prefix: torch.Tensor
    inputs: torch.Tensor
    targets: torch.Tensor
    sampled: torch.Tensor
    advantages: torch.Tensor


def group_advantages(rewards: Sequence[float]) -> list[float]:
    """Each reward less the mean of the group; the samples of one prompt are the group."""
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]


def build_batches(
    rollouts: Sequence[Rollout], micro_batch_tokens: int, pad_id: int, device: torch.device
) -> list[Batch]:
    """Batches of rollouts with the same prompt, alike in length, each of at most `micro_batch_tokens` tokens, padding
    counted (a single row may be more)."""
    by_prompt = defaultdict(list)
    for rollout in rollouts:
        by_prompt[rollout.prompt_ids].append(rollout)
    batches = []
    for prompt_ids, members in by_prompt.items():
        groups: list[list[Rollout]] = []
        for rollout in sorted(members, key=lambda rollout: len(rollout.sampled_ids)):
            wanted = len(prompt_ids) + (len(groups[-1]) + 1) * len(rollout.sampled_ids) if groups else 0
            if not groups or wanted > micro_batch_tokens:
                groups.append([])
            groups[-1].append(rollout)
        batches += [_batch(prompt_ids, group, pad_id, device) for group in groups]
    return batches


def _batch(prompt_ids: tuple[int, ...], rollouts: Sequence[Rollout], pad_id: int, device: torch.device) -> Batch:
    longest = max(len(rollout.sampled_ids) for rollout in rollouts)
    rows = [[*rollout.sampled_ids, *[pad_id] * (longest - len(rollout.sampled_ids))] for rollout in rollouts]
    targets = torch.tensor(rows, device=device)
    inputs = torch.cat([torch.full_like(targets[:, :1], prompt_ids[-1]), targets[:, :-1]], dim=1)
    lengths = torch.tensor([len(rollout.sampled_ids) for rollout in rollouts], device=device)
    sampled = torch.arange(longest, device=device) < lengths[:, None]
    advantages = torch.tensor([rollout.advantage for rollout in rollouts], device=device)
    return Batch(torch.tensor([prompt_ids[:-1]], device=device), inputs, targets, sampled, advantages)


def sampled_log_probs(model: Any, batch: Batch) -> torch.Tensor:
    """Log-probability of every generated token, (N,) row by row.

    The prompt is read once for all its samples, and gradients flow back through it all the same: with pocket prompts
    that is nearly all of a step. Padding stands on the right and is no context.
    """
    from transformers import DynamicCache

    cache = None
    if batch.prefix.shape[1]:
        cache = DynamicCache()
        model.base_model(input_ids=batch.prefix, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(len(batch.inputs))
    states = model.base_model(input_ids=batch.inputs, past_key_values=cache, use_cache=cache is not None)
    logits = model.get_output_embeddings()(states.last_hidden_state[batch.sampled]).float()
    return -functional.cross_entropy(logits, batch.targets[batch.sampled], reduction="none")


def penalties(log_probs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Schulman's k3 estimate of KL(policy || reference) for tokens drawn from the policy: r - 1 - log r with r =
    reference / policy (http://joschu.net/blog/kl-approx.html); never negative, (N,).

    Its gradient on such tokens is, on average, that of KL(reference || policy): it calls the policy back to all that
    the reference writes, which is what a guard against collapse should do.
    """
    log_ratio = reference - log_probs
    return log_ratio.exp() - 1 - log_ratio


def policy_loss(
    log_probs: torch.Tensor, reference: torch.Tensor, batch: Batch, kl: float, n_tokens: int
) -> tuple[torch.Tensor, float]:
    """(loss, summed penalties) of a batch: sum(-advantage * log_prob + kl * k3) / `n_tokens`, the generated tokens of
    the whole step."""
    advantages = batch.advantages[:, None].expand_as(batch.sampled)[batch.sampled]
    penalty = penalties(log_probs, reference)
    loss = (kl * penalty - advantages * log_probs).sum() / n_tokens
    return loss, float(penalty.detach().sum())
