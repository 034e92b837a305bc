"""The rows being decoded now: they enter with their prompt read, take a token a step, and leave when they end.

Row b of every array is the same sequence. A row that ends is replaced by one from the tail, so that rows stay
dense and little is copied. What a row draws depends on its own stream and logits only, not on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.base import FinishReason
from models.backends.constraint import Constraint
from models.backends.network import Network, Prompts
from models.backends.prompts import Prompt, Row
from models.backends.sampling import next_tokens, stream_key, uniforms
from models.backends.slots import Places, SharedPrompt, SlotCache

_REDRAW = 1 << 40
"""Distance in the random stream between a token's first draw and the next one after a refusal."""


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
    """What the host knows of one row."""

    row: Row
    prompt_log_probs: tuple[float, ...]
    ids: list[int]
    log_probs: list[float]
    sample_log_probs: list[float]


class ActiveRows:
    """The moving state of the rows in work. Settings are kept per row, so that any requests share a step."""

    def __init__(self, network: Network, build_constraint: Callable[[], Constraint]) -> None:
        self._network = network
        self._build_constraint = build_constraint
        self._cache = SlotCache(network.pool)
        self.clear()

    def __len__(self) -> int:
        return len(self._tracks)

    @property
    def rows(self) -> list[Row]:
        return [track.row for track in self._tracks]

    @property
    def width(self) -> int:
        """Tokens the longest row may come to."""
        return max((track.row.prompt.width for track in self._tracks), default=0)

    def clear(self) -> None:
        """Give up all rows and the memory they took."""
        self._cache.release()
        self._tracks: list[_Track] = []
        self._keys = np.empty(0, dtype=np.uint64)
        self._positions = np.empty(0, dtype=np.int64)
        self._offsets = np.empty(0, dtype=np.int64)
        self._shared: dict[Prompt, SharedPrompt] = {}
        self._settings = torch.empty((0, 3), device=self._network.device)
        self._logits: torch.Tensor | None = None
        self._drawn: torch.Tensor | None = None
        self._factor: torch.Tensor | None = None
        self._constraint: Constraint | None = None
        self._in_constraint = np.empty(0, dtype=np.int64)

    @torch.inference_mode()
    def admit(self, rows: Sequence[Row], read: Prompts, pick: Sequence[int], capacity: int) -> None:
        """Take in `rows`, row i with prompt `pick[i]` of `read`, all of shared prompts or none; the cache is made
        for `capacity` rows in all."""
        first, device = len(self), self._network.device
        length = max(len(row.prompt.ids) - row.prompt.offset for row in rows)
        self._cache.reserve(read.keys[0], len(read.keys), max(capacity, first + len(rows)), max(length, 1))
        places = torch.tensor(pick, device=device)
        if length:
            self._cache.write_prompts(first, read.keys, read.values, places, length)
        for row, source in zip(rows, pick, strict=True):
            if row.prompt.shared and row.prompt not in self._shared:
                self._shared[row.prompt] = read.shared(source, len(row.prompt.ids))
        logits = read.last_logits.index_select(0, places)
        self._logits = logits if self._logits is None else torch.cat([self._logits, logits])
        self._admit_settings(rows)
        for row, source in zip(rows, pick, strict=True):
            self._tracks.append(_Track(row, tuple(read.token_log_probs[source]), [], [], []))
        keys = [stream_key(row.prompt.request.seed, row.prompt.request.request_id, row.index) for row in rows]
        self._keys = np.concatenate([self._keys, np.array(keys, dtype=np.uint64)])
        self._positions = np.concatenate([self._positions, [len(row.prompt.ids) for row in rows]])
        self._offsets = np.concatenate([self._offsets, [row.prompt.offset for row in rows]])
        self._place_shared()
        self._admit_constrained(rows)

    def _admit_settings(self, rows: Sequence[Row]) -> None:
        requests = [row.prompt.request for row in rows]
        greedy = [request.temperature == 0 for request in requests]
        table = [
            [1.0 if now else asked.temperature, 0.0 if now else asked.top_p, asked.repetition_penalty]
            for now, asked in zip(greedy, requests, strict=True)
        ]
        new = torch.tensor(table, device=self._settings.device)
        n_before = len(self._settings)
        self._settings = torch.cat([self._settings, new])
        if self._factor is None and not bool((self._settings[:, 2] != 1).any()):
            return
        assert self._logits is not None
        factor = torch.ones((len(rows), self._logits.shape[1]), device=new.device)
        for at, row in enumerate(rows):
            factor[at, torch.tensor(row.prompt.ids, device=new.device)] = row.prompt.request.repetition_penalty
        before = factor.new_ones((n_before, factor.shape[1])) if self._factor is None else self._factor
        self._factor = torch.cat([before, factor])

    def _admit_constrained(self, rows: Sequence[Row]) -> None:
        joined = self._in_constraint.max(initial=-1) + 1
        places = []
        for row in rows:
            asked = row.prompt.request
            places.append(joined if asked.constrained else -1)
            if asked.constrained:
                self._constraint = self._constraint or self._build_constraint()
                self._constraint.add(row.prompt.ids, asked.stop, row.prompt.limit)
                joined += 1
        self._in_constraint = np.concatenate([self._in_constraint, np.array(places, dtype=np.int64)])

    @torch.inference_mode()
    def step(self) -> list[Finished]:
        """One token for every row. The rows that end leave; for the others the next logits are computed."""
        ids, log_probs, sample_log_probs = self._draw()
        finished, alive = [], []
        for at, track in enumerate(self._tracks):
            token = ids[at]
            track.ids.append(token)
            track.log_probs.append(log_probs[at])
            track.sample_log_probs.append(sample_log_probs[at])
            stopped = token in track.row.prompt.stop_ids
            if stopped or len(track.ids) >= track.row.prompt.limit:
                finished.append(_finish(track, "stop" if stopped else "length"))
            else:
                alive.append(at)
        if len(alive) < len(self):
            self._keep(alive)
        if alive:
            self._advance()
        else:
            self._logits = None
        return finished

    @torch.inference_mode()
    def drop(self, unwanted: Callable[[Row], bool]) -> None:
        """Rows nobody waits for any more leave, between two steps."""
        alive = [at for at, track in enumerate(self._tracks) if not unwanted(track.row)]
        if len(alive) < len(self):
            assert self._logits is not None
            order = torch.tensor(self._keep(alive), dtype=torch.long, device=self._logits.device)
            self._logits = self._logits.index_select(0, order)

    def _draw(self) -> tuple[list[int], list[float], list[float]]:
        """The next id of every row, with its two log-probabilities."""
        n_made = np.array([len(track.ids) for track in self._tracks], dtype=np.uint64)
        allowed = self._allowed()
        drawn = self._sample(np.arange(len(self)), n_made, allowed)
        if self._constraint is not None and allowed is not None:
            drawn = self._redraw_refused(drawn, n_made, allowed, self._constraint)
            self._constraint.advance(drawn[0].cpu().numpy()[self._in_constraint >= 0])
        self._drawn = drawn[0].long()
        if self._factor is not None:
            self._factor.scatter_(1, self._drawn[:, None], self._settings[:, 2:])
        host = drawn.cpu()
        return host[0].long().tolist(), host[1].tolist(), host[2].tolist()

    def _sample(
        self, rows: NDArray[np.int64], counters: NDArray[np.uint64], allowed: torch.Tensor | None
    ) -> torch.Tensor:
        """(3, len(rows)) fp64: ids, log-probabilities under the model, and under what was drawn from."""
        assert self._logits is not None
        logits, settings, factor = self._logits, self._settings, self._factor
        if len(rows) < len(self):
            pick = torch.from_numpy(rows).to(logits.device)
            logits, settings = logits.index_select(0, pick), settings.index_select(0, pick)
            factor = None if factor is None else factor.index_select(0, pick)
            allowed = None if allowed is None else allowed.index_select(0, pick)
        top_p = settings[:, 1:2]
        drawn = next_tokens(
            logits,
            uniform=torch.from_numpy(uniforms(self._keys[rows], counters)).to(logits.device),
            temperature=settings[:, :1],
            top_p=top_p if bool((top_p < 1).any()) else None,
            penalty_factor=factor,
            allowed=allowed,
        )
        return torch.stack([part.double() for part in drawn])

    def _allowed(self) -> torch.Tensor | None:
        """(B, V), all True for rows without a constraint; None where no row has one."""
        if self._constraint is None:
            return None
        assert self._logits is not None
        mask = torch.from_numpy(self._constraint.allowed()).to(self._logits.device)
        bound = np.flatnonzero(self._in_constraint >= 0)
        if len(bound) == len(self):
            return mask
        whole = torch.ones_like(self._logits, dtype=torch.bool)
        whole[torch.from_numpy(bound).to(mask.device)] = mask
        return whole

    def _redraw_refused(
        self, drawn: torch.Tensor, n_made: NDArray[np.uint64], allowed: torch.Tensor, constraint: Constraint
    ) -> torch.Tensor:
        """`drawn` with every id the constraint refuses replaced by the next draw of its row without that id."""
        bound = np.flatnonzero(self._in_constraint >= 0)
        attempt = 0
        while True:
            rows = bound[constraint.refused(drawn[0].long().cpu().numpy()[bound])]
            if not len(rows):
                return drawn
            if not attempt:
                allowed = allowed.clone()  # the constraint's own buffer must stay as it is
            attempt += 1
            pick = torch.from_numpy(rows).to(drawn.device)
            allowed[pick, drawn[0, pick].long()] = False
            drawn[:, pick] = self._sample(rows, n_made[rows] + np.uint64(attempt * _REDRAW), allowed)

    def _advance(self) -> None:
        n_slots = int((self._positions - self._offsets).max()) + 1
        self._cache.reserve(self._cache.keys[0], len(self._cache.keys), len(self), n_slots)
        shared = list(self._shared.values())
        places = Places(self._positions, self._cache.n_places, self._network.device, self._offsets, shared)
        assert self._drawn is not None
        self._logits = self._network.step(self._drawn, places, self._cache)
        self._drawn = None
        self._positions += 1

    def _place_shared(self) -> None:
        """Tell every shared prompt its rows; those without any are forgotten."""
        rows: dict[Prompt, list[int]] = {}
        for at, track in enumerate(self._tracks):
            if track.row.prompt.shared:
                rows.setdefault(track.row.prompt, []).append(at)
        self._shared = {prompt: self._shared[prompt] for prompt in rows}
        for prompt, shared in self._shared.items():
            every = len(rows[prompt]) == len(self)
            shared.rows = None if every else torch.tensor(rows[prompt], device=self._network.device)

    def _keep(self, alive: list[int]) -> list[int]:
        """Only the rows at `alive` stay; returns the old place of each new row. The logits are not moved."""
        n_left = len(alive)
        holes = sorted(set(range(n_left)) - set(alive))
        tail = [at for at in alive if at >= n_left]
        order = list(range(n_left))
        for hole, source in zip(holes, tail, strict=True):
            order[hole] = source
        written = int((self._positions - self._offsets)[tail].max(initial=0))
        self._cache.copy_rows(tail, holes, 0, written)
        self._tracks = [self._tracks[at] for at in order]
        self._keys = self._keys[order]
        self._positions, self._offsets = self._positions[order], self._offsets[order]
        self._place_shared()
        pick = torch.tensor(order, dtype=torch.long, device=self._settings.device)
        self._settings = self._settings.index_select(0, pick)
        if self._drawn is not None:
            self._drawn = self._drawn.index_select(0, pick)
        if self._factor is not None:
            self._factor = self._factor.index_select(0, pick)
        if self._constraint is not None:
            kept = self._in_constraint[order]
            self._constraint.keep([int(place) for place in kept if place >= 0])
            self._in_constraint = np.where(kept >= 0, np.cumsum(kept >= 0) - 1, -1)
        return order


def _finish(track: _Track, reason: FinishReason) -> Finished:
    return Finished(
        row=track.row,
        ids=tuple(track.ids),
        log_probs=tuple(track.log_probs),
        sample_log_probs=tuple(track.sample_log_probs),
        prompt_log_probs=track.prompt_log_probs,
        finish_reason=reason,
    )
