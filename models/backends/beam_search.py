"""Beam search for a group of requests at a time, with transformers' rules.

Every step the best continuations of a request's beams compete; those that end become answers if they are among
the best `beams` of the step, the best others go on. An answer's score is the mean log-probability of its ids
(length penalty 1). A request ends when its worst answer beats what the best running beam has by now
(transformers' `early_stopping=False`), or at its token limit. Nothing is drawn, so that an answer's two
log-probabilities are the same; only a repetition penalty or a constraint makes the search rank by other
numbers than those reported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from models.backends.base import FinishReason
from models.backends.constraint import Constraint
from models.backends.network import Network, Prompts
from models.backends.prompts import Prompt, Row
from models.backends.rows import Finished
from models.backends.sampling import penalise_repetition
from models.backends.slots import Places, SharedPrompt, SlotCache


@dataclass(slots=True)
class _Beam:
    """One running sequence: its summed score for the search, and the ids with their plain log-probabilities."""

    score: float
    ids: tuple[int, ...] = ()
    log_probs: tuple[float, ...] = ()


_Step = tuple[int, int, _Beam]
"""One continuation: the row of the beam it came from, its new id, and the beam it makes."""


@dataclass(slots=True)
class _Answer:
    score: float
    beam: _Beam
    finish_reason: FinishReason


@dataclass(slots=True)
class _Group:
    """One request: `beams` running sequences (rows `first` to `first + beams`) and the answers so far."""

    prompt: Prompt
    prompt_log_probs: tuple[float, ...]
    beams: list[_Beam]
    shared: SharedPrompt | None = None
    answers: list[_Answer] = field(default_factory=list)


class BeamSearch:
    """The requests searched together now; see `ActiveRows` for the same with sampling."""

    def __init__(self, network: Network, build_constraint: Callable[[], Constraint]) -> None:
        self._network = network
        self._build_constraint = build_constraint
        self._cache = SlotCache(network.pool)
        self.clear()

    def __len__(self) -> int:
        return sum(len(group.beams) for group in self._groups)

    @property
    def prompts(self) -> list[Prompt]:
        return [group.prompt for group in self._groups]

    def clear(self) -> None:
        self._cache.release()
        self._groups: list[_Group] = []
        self._logits: torch.Tensor | None = None
        self._constraint: Constraint | None = None

    @torch.inference_mode()
    def start(self, prompts: Sequence[Prompt], read: Prompts) -> None:
        """Begin with `prompts`, the rows of `read`, all constrained or none; nothing may be in work."""
        sizes = [prompt.request.beams for prompt in prompts]
        pick = torch.repeat_interleave(torch.tensor(sizes)).to(self._network.device)
        length = max(len(prompt.ids) - prompt.offset for prompt in prompts)
        self._cache.reserve(read.keys[0], len(read.keys), len(pick), max(length, 1))
        if length:
            self._cache.write_prompts(0, read.keys, read.values, pick, length)
        self._logits = read.last_logits.index_select(0, pick)
        for number, (prompt, log_probs) in enumerate(zip(prompts, read.token_log_probs, strict=True)):
            beams = [_Beam(0.0 if at == 0 else -np.inf) for at in range(prompt.request.beams)]
            shared = read.shared(number, len(prompt.ids)) if prompt.shared else None
            self._groups.append(_Group(prompt, tuple(log_probs), beams, shared))
            if prompt.request.constrained:
                self._constraint = self._constraint or self._build_constraint()
                for _ in beams:
                    self._constraint.add(prompt.ids, prompt.request.stop, prompt.limit)

    @torch.inference_mode()
    def step(self) -> list[Finished]:
        """One token for every beam; the answers of the requests that are done."""
        assert self._logits is not None
        log_probs = self._logits.log_softmax(-1)
        scores = self._search_scores(log_probs)
        sources: list[int] = []
        tokens: list[int] = []
        finished: list[Finished] = []
        left: list[_Group] = []
        first = 0
        for group in self._groups:
            size = len(group.beams)
            rows = slice(first, first + size)
            origins, chosen = _extend(group, scores[rows], log_probs[rows])
            if origins:
                sources += [first + origin for origin in origins]
                tokens += chosen
                left.append(group)
            else:
                finished += _answers(group)
            first += size
        self._groups = left
        if left:
            self._advance(sources, tokens)
        else:
            self.clear()
        return finished

    @torch.inference_mode()
    def drop(self, unwanted: Callable[[Prompt], bool]) -> None:
        """Requests nobody waits for any more leave, between two steps."""
        rows: list[int] = []
        first = 0
        for group in self._groups:
            if not unwanted(group.prompt):
                rows += range(first, first + len(group.beams))
            first += len(group.beams)
        if len(rows) == first:
            return
        self._groups = [group for group in self._groups if not unwanted(group.prompt)]
        if not rows:
            self.clear()
            return
        assert self._logits is not None
        self._logits = self._logits[rows]
        self._move(rows)

    def _search_scores(self, log_probs: torch.Tensor) -> torch.Tensor:
        """(B, V) what the search ranks by: penalised as transformers does, and only what the grammar allows."""
        scores = log_probs
        penalties = [group.prompt.request.repetition_penalty for group in self._groups for _ in group.beams]
        if any(penalty != 1 for penalty in penalties):
            factor = torch.ones_like(log_probs)
            rows = (beam for group in self._groups for beam in group.beams)
            prompts = (group.prompt for group in self._groups for _ in group.beams)
            for at, (beam, prompt) in enumerate(zip(rows, prompts, strict=True)):
                seen = torch.tensor((*prompt.ids, *beam.ids), device=factor.device)
                factor[at, seen] = penalties[at]
            scores = penalise_repetition(log_probs, factor)
        if self._constraint is not None:
            allowed = torch.from_numpy(self._constraint.allowed()).to(scores.device)
            scores = self._without_refused(scores.masked_fill(~allowed, -torch.inf), self._constraint)
        return scores

    def _without_refused(self, scores: torch.Tensor, constraint: Constraint) -> torch.Tensor:
        """-inf also for the best ids of a row that the constraint refuses, until enough good ones stand first."""
        wanted = min(2 * max(len(group.beams) for group in self._groups), scores.shape[1])
        while True:
            refused_any = False
            for rank in scores.topk(wanted, dim=-1).indices.t():
                refused = (
                    constraint.refused(rank.cpu().numpy())
                    & (scores.gather(1, rank[:, None])[:, 0] > -torch.inf).cpu().numpy()
                )
                if refused.any():
                    at = torch.from_numpy(np.flatnonzero(refused)).to(scores.device)
                    scores[at, rank[at]] = -torch.inf
                    refused_any = True
            if not refused_any:
                return scores

    def _advance(self, sources: list[int], tokens: list[int]) -> None:
        self._move(sources)
        if self._constraint is not None:
            self._constraint.advance(np.array(tokens, dtype=np.int64))
        beams = [(group.prompt, beam) for group in self._groups for beam in group.beams]
        positions = np.array([len(prompt.ids) + len(beam.ids) - 1 for prompt, beam in beams])
        offsets = np.array([prompt.offset for prompt, _ in beams])
        n_slots = int((positions - offsets).max()) + 1
        self._cache.reserve(self._cache.keys[0], len(self._cache.keys), len(tokens), n_slots)
        device = self._network.device
        places = Places(positions, self._cache.n_places, device, offsets, self._place_shared())
        self._logits = self._network.step(torch.tensor(tokens, device=device), places, self._cache)

    def _place_shared(self) -> list[SharedPrompt]:
        found, first = [], 0
        for group in self._groups:
            if group.shared is not None:
                alone = len(self._groups) == 1
                rows = torch.arange(first, first + len(group.beams), device=self._network.device)
                group.shared.rows = None if alone else rows
                found.append(group.shared)
            first += len(group.beams)
        return found

    def _move(self, sources: list[int]) -> None:
        """Row i becomes what row `sources[i]` was."""
        changed = [(source, target) for target, source in enumerate(sources) if source != target]
        prompts = [(len(group.prompt.ids) - group.prompt.offset, group) for group in self._groups]
        written = max(kept + len(group.beams[0].ids) for kept, group in prompts)
        self._cache.copy_rows([source for source, _ in changed], [target for _, target in changed], 0, written)
        if self._constraint is not None:
            self._constraint.keep(sources)


def _extend(group: _Group, scores: torch.Tensor, log_probs: torch.Tensor) -> tuple[list[int], list[int]]:
    """Move `group` on by one token, in place. Returns for each beam that runs on the beam it came from and its
    new id; nothing where the request is done."""
    size, n_vocab = scores.shape
    running = torch.tensor([beam.score for beam in group.beams], device=scores.device)
    totals = (running[:, None] + scores).flatten()
    n_candidates = min(max(2, 1 + len(group.prompt.stop_ids)) * size, len(totals))
    best = totals.topk(n_candidates)
    values, places = best.values.tolist(), best.indices
    plain = log_probs.flatten()[places].tolist()
    going: list[_Step] = []
    length = len(group.beams[0].ids) + 1
    at_limit = length >= group.prompt.limit
    for rank, (value, place) in enumerate(zip(values, places.tolist(), strict=True)):
        origin, token = divmod(place, n_vocab)
        if value == -np.inf:
            break
        before = group.beams[origin]
        beam = _Beam(value, (*before.ids, token), (*before.log_probs, plain[rank]))
        stopped = token in group.prompt.stop_ids
        if (stopped or at_limit) and rank < size:
            group.answers.append(_Answer(value / length, beam, "stop" if stopped else "length"))
        if not (stopped or at_limit) and len(going) < size:
            going.append((origin, token, beam))
    group.answers = sorted(group.answers, key=lambda answer: -answer.score)[:size]
    full = len(group.answers) == size
    if not going or (full and group.answers[-1].score >= going[0][2].score / length):
        return [], []
    while len(going) < size:  # fewer ways to go on than beams: the rest can never win
        origin, token, beam = going[0]
        going.append((origin, token, _Beam(-np.inf, beam.ids, beam.log_probs)))
    placed = _in_place(going)
    group.beams = [beam for _, _, beam in placed]
    return [origin for origin, _, _ in placed], [token for _, token, _ in placed]


def _in_place(going: Sequence[_Step]) -> list[_Step]:
    """The continuations by row: the best of each beam stays in its beam's row, so that little has to be copied; the
    others, best first, take the rows of beams that ended."""
    stays: dict[int, _Step] = {}
    moves: deque[_Step] = deque()
    for step in going:
        if step[0] in stays:
            moves.append(step)
        else:
            stays[step[0]] = step
    return [stays[row] if row in stays else moves.popleft() for row in range(len(going))]


def _answers(group: _Group) -> list[Finished]:
    return [
        Finished(
            row=Row(group.prompt, index),
            ids=answer.beam.ids,
            log_probs=answer.beam.log_probs,
            sample_log_probs=answer.beam.log_probs,
            prompt_log_probs=group.prompt_log_probs,
            finish_reason=answer.finish_reason,
        )
        for index, answer in enumerate(group.answers[: group.prompt.request.n])
    ]
