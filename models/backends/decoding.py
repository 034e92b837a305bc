"""The engine behind the contract of `Decoding`: requests in, samples out, each under its ticket."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import count

from models.backends.base import Request, Sample, validate_request
from models.backends.engine import Engine, PromptTooLargeError
from models.backends.prompts import Prompt, encode_request
from models.backends.rows import Finished
from models.backends.samples import Score, build_samples
from models.backends.text_codec import TextCodec

_HELD_AT_MOST = 16
"""Finished rows kept back so that their texts are read and, if need be, re-scored several at a time."""


class EngineDecoding:
    """See `models.backends.base.Decoding`."""

    def __init__(self, engine: Engine, codec: TextCodec, context: int, n_vocab: int, score: Score) -> None:
        self._engine, self._codec, self._context, self._n_vocab = engine, codec, context, n_vocab
        self._score = score
        self._tickets: dict[Prompt, int] = {}
        self._samples_left: dict[int, int] = {}
        self._held: list[Finished] = []
        self._numbers = count()

    @property
    def idle(self) -> bool:
        return self._engine.idle and not self._held

    def add(self, request: Request, owner: Hashable = None) -> int:
        validate_request(request)
        ticket = next(self._numbers)
        prompt = encode_request(
            request,
            self._codec,
            self._context,
            self._n_vocab,
            owner=ticket if owner is None else owner,
            can_share=self._engine.shares_prompts,
        )
        self._engine.add(prompt)
        self._tickets[prompt], self._samples_left[ticket] = ticket, request.n
        return ticket

    def cancel(self, ticket: int) -> None:
        if self._samples_left.pop(ticket, None) is None:
            return
        self._engine.remove(lambda prompt: self._tickets.get(prompt) == ticket)
        self._held = [row for row in self._held if self._tickets[row.row.prompt] != ticket]
        self._tickets = {prompt: kept for prompt, kept in self._tickets.items() if kept != ticket}

    def step(self) -> list[tuple[int, Sample | Exception]]:
        try:
            self._held += self._engine.step()
        except PromptTooLargeError as fault:
            ticket = self._tickets[fault.prompt]
            self.cancel(ticket)
            return [(ticket, fault)]
        if len(self._held) < _HELD_AT_MOST and not self._someone_waits_for_the_last():
            return []
        rows, self._held = self._held, []
        samples = build_samples(rows, self._codec, self._context, self._score)
        return [(self._count(row), sample) for row, sample in zip(rows, samples, strict=True)]

    def _someone_waits_for_the_last(self) -> bool:
        """Whether a held row is the last of its request, or nothing else is in work."""
        held: dict[int, int] = {}
        for row in self._held:
            ticket = self._tickets[row.row.prompt]
            held[ticket] = held.get(ticket, 0) + 1
        return self._engine.idle or any(n == self._samples_left[ticket] for ticket, n in held.items())

    def _count(self, row: Finished) -> int:
        ticket = self._tickets[row.row.prompt]
        self._samples_left[ticket] -= 1
        if not self._samples_left[ticket]:
            del self._samples_left[ticket], self._tickets[row.row.prompt]
        return ticket
