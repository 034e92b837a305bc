"""The loss of reinforcement learning on samples of the policy itself: group-relative advantages, and a divergence
held small.

As GRPO (Shao et al. 2024, arXiv 2402.03300): the advantage of a sample is its reward less the mean of the samples of
the same prompt, and the divergence from the frozen start is a penalty a token. Two of GRPO's divisions are left out,
as Liu et al. 2025 (arXiv 2503.20783) found them to be biases: by the group's standard deviation, which gives prompts
that are nearly all right or all wrong the most weight, and by each sample's own length, which makes long failures
cheap. Each batch is used once, right after it was drawn, so there is no ratio of policies to clip.
"""

from __future__ import annotations

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

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.sampled_ids)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rollouts side by side: `ids` (B, L), padded on the right; `sampled` (B, L - 1) marks the targets that were
    generated; `advantages` (B,)."""

    ids: torch.Tensor
    sampled: torch.Tensor
    advantages: torch.Tensor


def group_advantages(rewards: Sequence[float]) -> list[float]:
    """Each reward less the mean of the group; the samples of one prompt are the group."""
    mean = sum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]


def build_batches(
    rollouts: Sequence[Rollout], micro_batch_tokens: int, pad_id: int, device: torch.device
) -> list[Batch]:
    """Batches of rollouts alike in length, each at most `micro_batch_tokens` large (a single row may be more)."""
    groups: list[list[Rollout]] = []
    for rollout in sorted(rollouts, key=len):
        if not groups or (len(groups[-1]) + 1) * len(rollout) > micro_batch_tokens:
            groups.append([])
        groups[-1].append(rollout)
    return [_batch(group, pad_id, device) for group in groups]


def _batch(rollouts: Sequence[Rollout], pad_id: int, device: torch.device) -> Batch:
    longest = max(map(len, rollouts))
    ids = torch.full((len(rollouts), longest), pad_id)
    sampled = torch.zeros((len(rollouts), longest - 1), dtype=torch.bool)
    for row, rollout in enumerate(rollouts):
        ids[row, : len(rollout)] = torch.tensor([*rollout.prompt_ids, *rollout.sampled_ids])
        sampled[row, len(rollout.prompt_ids) - 1 : len(rollout) - 1] = True
    advantages = torch.tensor([rollout.advantage for rollout in rollouts])
    return Batch(ids.to(device), sampled.to(device), advantages.to(device))


def sampled_log_probs(model: Any, batch: Batch) -> torch.Tensor:
    """Log-probability of every generated token, (N,) row by row; padding stands on the right and is no context."""
    hidden = model.base_model(input_ids=batch.ids[:, :-1], use_cache=False).last_hidden_state[batch.sampled]
    logits = model.get_output_embeddings()(hidden).float()
    return -functional.cross_entropy(logits, batch.ids[:, 1:][batch.sampled], reduction="none")


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
