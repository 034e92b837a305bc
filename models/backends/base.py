"""The Generator contract: what every backend takes and gives, whatever serves the weights.

Two log-probabilities are kept apart. `log_prob` is what the *unmodified* model thinks of the generated ids
(temperature 1, no penalty, no top-p), the stop token included. `sample_log_prob` is under the distribution
the ids were actually drawn from. `perplexity` is LOGOS's ranking figure: exp of the mean negative
log-likelihood of the full string (prompt + text), a begin-of-text token being context only and an end-of-text
token no part of the string.

Not promised: an order of samples across requests (they stream as they finish), and equal ids between devices
or number types. Promised: on one device in fp32, sample `index` of a request depends on its prompt, settings,
seed and `request_id` only, not on `n` or on what else is in the batch.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelInputError

FinishReason = Literal["stop", "length"]

MAX_SAMPLES_PER_REQUEST = 100_000
"""Guards against typing errors; not a limit of the method (LOGOS's largest published run has 10,000)."""

MAX_BEAMS = 1_000


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt and how to continue it `n` times.

    `temperature` 0 means greedy. `stop` names tags that end a sample (kept in its text); end-of-text always
    ends it. `repetition_penalty` counts prompt tokens too, as transformers does. `max_new_tokens` is cut to
    the model's context. `request_id` and `seed` key the random stream: two requests sharing both draw the
    same samples.
    """

    prompt: str
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int = 0
    request_id: str = "0"
    beams: int = 0
    constrained: bool = False
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One continuation. `text` is the generated part only; `token_ids` include the stop or end-of-text token.

    `log_prob` and `sample_log_prob` are natural logs summed over `token_ids`. `rescored` says that tokenising
    prompt + text gives other ids than were generated, so that `perplexity` was computed anew on those ids.
    """

    request_id: str
    index: int
    text: str
    token_ids: tuple[int, ...]
    log_prob: float
    sample_log_prob: float
    perplexity: float
    finish_reason: FinishReason
    rescored: bool = False


@dataclass(frozen=True, slots=True)
class TextScore:
    """How likely the unmodified model finds a text. `log_prob` sums `token_log_probs` (natural log), one for
    each id of `token_ids` but a leading begin-of-text, which is context only (without one, the first id has
    no score)."""

    text: str
    token_ids: tuple[int, ...]
    token_log_probs: tuple[float, ...]
    log_prob: float
    perplexity: float


class Decoding(Protocol):
    """Requests decoded together, joined by others at any time. Not safe to use from two threads at once."""

    @property
    def idle(self) -> bool:
        """Nothing is waiting or in work."""

    def add(self, request: Request, owner: Hashable = None) -> int:
        """Queue a request; its ticket. Owners are served in turn, however much each has asked for.

        Raises ModelInputError or CheckpointError where the request cannot be served; the others are untouched.
        """

    def cancel(self, ticket: int) -> None:
        """Forget a request; nothing of it is returned any more."""

    def step(self) -> list[tuple[int, Sample | Exception]]:
        """Go on a little: what was finished, by ticket. An exception is the end of its request, not of others."""


class Generator(Protocol):
    """What serves a checkpoint. `device`, `memory_bytes` and `checkpoint_hash` are what a status page shows."""

    @property
    def device(self) -> str: ...

    @property
    def memory_bytes(self) -> int: ...

    @property
    def checkpoint_hash(self) -> str: ...

    def decoding(self) -> Decoding:
        """A new set of requests to be decoded together, empty."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Sample]:
        """Stream samples as sequences finish. Raises ModelInputError before the first sample if a request is
        wrong."""

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Log-probability and perplexity of whole texts, in the given order."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean of the last hidden states over each text's tokens: (N, D)."""


def decode_all(decoding: Decoding, requests: Sequence[Request]) -> Iterator[Sample]:
    """What `Generator.generate` does: `requests` added to an empty `decoding` at once, their samples streamed.

    Raises ModelInputError at once where a request is wrong, and the fault of the first request that has one.
    """
    validate_requests(requests)
    for request in requests:
        decoding.add(request, owner="generate")
    return _drain(decoding)


def _drain(decoding: Decoding) -> Iterator[Sample]:
    while not decoding.idle:
        for _, result in decoding.step():
            if isinstance(result, Exception):
                raise result
            yield result


def validate_request(request: Request) -> None:
    """Raise ModelInputError naming the first bad setting of `request`, with what is accepted."""
    _need_whole("n", request.n, 1, MAX_SAMPLES_PER_REQUEST)
    _need_whole("max_new_tokens", request.max_new_tokens, 1, None)
    _need_whole("seed", request.seed, 0, 2**63 - 1)
    _need_whole("beams", request.beams, 0, MAX_BEAMS)
    if 0 < request.beams < request.n:
        raise ModelInputError(f"beams is {request.beams}, which cannot give n = {request.n}; raise beams or lower n")
    _need_number("temperature", request.temperature, "a finite number >= 0 (0 is greedy)", lambda x: x >= 0)
    _need_number("top_p", request.top_p, "a number > 0 and <= 1", lambda x: 0 < x <= 1)
    _need_number("repetition_penalty", request.repetition_penalty, "a finite number > 0", lambda x: x > 0)


def validate_requests(requests: Sequence[Request]) -> None:
    """Each request on its own, and that no two share a `request_id` (their samples could not be told apart)."""
    seen: set[str] = set()
    for request in requests:
        validate_request(request)
        if request.request_id in seen:
            raise ModelInputError(f"request_id {request.request_id!r} is used twice in one call; give each its own")
        seen.add(request.request_id)


def _need_whole(name: str, value: Any, low: int, high: int | None) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        span = f">= {low}" if high is None else f"from {low} to {high}"
        raise ModelInputError(f"{name} must be a whole number {span}, got {value!r}")


def _need_number(name: str, value: Any, expected: str, accept: Any) -> None:
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not accept(value):
        raise ModelInputError(f"{name} must be {expected}, got {value!r}")
