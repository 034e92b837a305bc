"""Decode one batch of sequences to their end, with finished ones leaving on the way.

A prompt is read once however many samples continue it. Rows that finish are dropped from the batch (cache
included) once they are an eighth of it: dropping copies the cache, so doing it for each row would cost more
than it saves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.backends.base import FinishReason
from models.backends.batching import Prompt, Row
from models.backends.prefill import Prefilled, prefill
from models.backends.sampling import next_tokens, stream_key, uniforms

_DROP_SHARE = 1 / 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A decoded row: ids with the stop token, both log-probabilities per id, and those of the prompt (all but
    its first)."""

    row: Row
    ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    sample_log_probs: tuple[float, ...]
    prompt_log_probs: tuple[float, ...]
    finish_reason: FinishReason


@dataclass(slots=True)
class _Track:
    """What is collected on the host for one row."""

    row: Row
    prompt_log_probs: tuple[float, ...]
    ids: list[int]
    log_probs: list[float]
    sample_log_probs: list[float]
    done: bool = False


class BatchDecoder:
    """The moving state of one batch of `rows`; `run` yields rows in the order they finish."""

    def __init__(self, model: Any, rows: Sequence[Row], pad_id: int, context: int) -> None:
        self._model = model
        self._last_position = context - 1
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        filled = prefill(model, [prompt.ids for prompt in prompts], pad_id)
        source = {prompt: at for at, prompt in enumerate(prompts)}
        self._tracks = [_Track(row, tuple(filled.token_log_probs[source[row.prompt]]), [], [], []) for row in rows]
        self._keys = np.array(
            [stream_key(row.prompt.request.seed, row.prompt.request.request_id, row.index) for row in rows],
            dtype=np.uint64,
        )
        self._build_state(filled, prompts, [source[row.prompt] for row in rows])

    @torch.inference_mode()
    def _build_state(self, filled: Prefilled, prompts: Sequence[Prompt], sources: list[int]) -> None:
        """Tensors per row: cache, logits (B, V), attention mask (B, P + limit), positions (B,), settings (B,
        1)."""
        device = self._model.device
        pick = torch.tensor(sources, device=device)
        self._cache = filled.cache
        self._cache.batch_select_indices(pick)
        self._logits = filled.last_logits.index_select(0, pick)
        requests = [track.row.prompt.request for track in self._tracks]
        self._positions = torch.tensor([len(track.row.prompt.ids) for track in self._tracks], device=device)
        self._width = max(len(prompt.ids) for prompt in prompts)
        self._mask: torch.Tensor | None = None
        if filled.mask is not None:
            room = filled.mask.new_ones((len(prompts), max(prompt.limit for prompt in prompts)))
            self._mask = torch.cat([filled.mask, room], dim=1).index_select(0, pick)
        greedy = [request.temperature == 0 for request in requests]
        temperature = [1.0 if g else r.temperature for g, r in zip(greedy, requests, strict=True)]
        self._temperature = _column(temperature, device)
        top_p = [0.0 if g else r.top_p for g, r in zip(greedy, requests, strict=True)]
        self._top_p = _column(top_p, device) if any(p < 1 for p in top_p) else None
        penalties = [request.repetition_penalty for request in requests]
        self._penalty = _column(penalties, device) if any(p != 1 for p in penalties) else None
        self._seen: torch.Tensor | None = None
        if self._penalty is not None:
            seen = torch.zeros((len(prompts), self._logits.shape[1]), dtype=torch.bool, device=device)
            for at, prompt in enumerate(prompts):
                seen[at, torch.tensor(sorted(set(prompt.ids)), device=device)] = True
            self._seen = seen.index_select(0, pick)

    def run(self) -> Iterator[Finished]:
        step = 0
        while True:
            drawn = self._draw(step)
            yield from self._record(drawn)
            alive = [at for at, track in enumerate(self._tracks) if not track.done]
            if not alive:
                return
            self._advance(alive)
            step += 1

    @torch.inference_mode()
    def _draw(self, step: int) -> tuple[list[int], list[float], list[float]]:
        """The next id of every row, with its two log-probabilities."""
        numbers = torch.from_numpy(uniforms(self._keys, np.uint64(step))).to(self._logits.device)
        ids, log_probs, sample_log_probs = next_tokens(
            self._logits,
            seen=self._seen,
            temperature=self._temperature,
            top_p=self._top_p,
            penalty=self._penalty,
            uniform=numbers,
        )
        self._drawn = ids
        if self._seen is not None:
            self._seen.scatter_(1, ids[:, None], True)
        host = torch.stack([ids.double(), log_probs.double(), sample_log_probs.double()]).cpu()
        return host[0].long().tolist(), host[1].tolist(), host[2].tolist()

    def _record(self, drawn: tuple[list[int], list[float], list[float]]) -> Iterator[Finished]:
        for track, token, log_prob, sample_log_prob in zip(self._tracks, *drawn, strict=True):
            if track.done:
                continue
            track.ids.append(token)
            track.log_probs.append(log_prob)
            track.sample_log_probs.append(sample_log_prob)
            stopped = token in track.row.prompt.stop_ids
            if stopped or len(track.ids) >= track.row.prompt.limit:
                track.done = True
                yield _finish(track, "stop" if stopped else "length")

    @torch.inference_mode()
    def _advance(self, alive: list[int]) -> None:
        """Read the drawn ids into the cache and compute the next logits, dropping finished rows where it
        pays."""
        if len(self._tracks) - len(alive) >= _DROP_SHARE * len(self._tracks):
            self._keep(alive)
        self._width += 1
        output = self._model(
            input_ids=self._drawn[:, None],
            attention_mask=None if self._mask is None else self._mask[:, : self._width],
            position_ids=self._positions[:, None],
            past_key_values=self._cache,
            use_cache=True,
        )
        self._positions = (self._positions + 1).clamp(max=self._last_position)
        self._logits = output.logits[:, -1].float()

    def _keep(self, alive: list[int]) -> None:
        self._tracks = [self._tracks[at] for at in alive]
        self._keys = self._keys[alive]
        pick = torch.tensor(alive, device=self._logits.device)
        self._cache.batch_select_indices(pick)
        self._drawn = self._drawn.index_select(0, pick)
        self._positions = self._positions.index_select(0, pick)
        self._temperature = self._temperature.index_select(0, pick)
        for name in ("_mask", "_top_p", "_penalty", "_seen"):
            tensor = getattr(self, name)
            if tensor is not None:
                setattr(self, name, tensor.index_select(0, pick))


def _column(values: Sequence[float], device: torch.device) -> torch.Tensor:
    return torch.tensor(values, device=device, dtype=torch.float32)[:, None]


def _finish(track: _Track, reason: FinishReason) -> Finished:
    return Finished(
        row=track.row,
        ids=tuple(track.ids),
        log_probs=tuple(track.log_probs),
        sample_log_probs=tuple(track.sample_log_probs),
        prompt_log_probs=track.prompt_log_probs,
        finish_reason=reason,
    )
