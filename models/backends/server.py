"""A model behind an OpenAI-style completions server (vLLM, SGLang): the same contract as a local one, several
GPUs and tensor parallelism being the server's business.

What `log_prob` means is the same here, by these steps. Every prompt is scored once (echo with log-probs), a
server scoring given tokens with the unmodified model. How it reports generated tokens differs (vLLM: raw, or
processed by --logprobs-mode; SGLang: after the temperature, before top-p) and is found out once, by drawing a
few tokens and scoring them. Raw ones are `log_prob`; otherwise each sample is scored again. `sample_log_prob`
is NaN where the server does not report it: never guessed. With the checkpoint's tokenizer at hand only samples
that tokenise differently are scored again for `perplexity`; without it each one is, by the server's tokenizer.

Not promised: `embed`, beams and the grammar constraint (refused by name); a hash of the weights (""); equal
samples for equal seeds where the server batches differently; a repetition penalty that counts prompt tokens
(vLLM's does, SGLang's does not); texts up to the last token of the context, as scoring costs one token.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.backends.base import Request, Sample, TextScore, validate_requests
from models.backends.completions_format import AnswerReader, Choice, Scored, generation_body, scoring_body
from models.backends.completions_http import CompletionsClient, Endpoint, RefusedError, open_client, parse_url
from models.backends.in_flight import as_they_finish
from models.backends.text_codec import TextCodec, load_codec
from models.errors import ModelInputError

T = TypeVar("T")

_PROBE_TOKENS = 16
_SAME_LOG_PROB = 0.1
"""Mean difference a token (nats) below which reported and scored log-probabilities are the same up to bf16
rounding; one round of temperature 2 moves the mean by more than that for any model that is unsure at all."""


@dataclass(frozen=True, slots=True)
class Served:
    """What GET /models told: `context` in tokens (None: not told); `seeds_each`, whether the n samples of one
    call get a seed each (vLLM: seed + index), else one call is made for each sample."""

    model: str
    context: int | None
    seeds_each: bool


@dataclass(frozen=True, slots=True)
class Convention:
    """What the log-probabilities of generated tokens have been through."""

    temperature: bool
    top_p: bool


@dataclass(frozen=True, slots=True)
class _Prompt:
    request: Request
    scored: Scored
    limit: int
    stops: dict[int, str]


class CompletionsServer:
    """Made by `load_server`. Safe to call from several threads: each call has its own connections."""

    def __init__(
        self, endpoint: Endpoint, served: Served, codec: TextCodec | None, *, max_batch: int, samples_per_call: int
    ) -> None:
        self._endpoint = endpoint
        self._served = served
        self.codec = codec
        self._reader = AnswerReader(endpoint.shown, codec)
        self._per_call = samples_per_call if served.seeds_each else 1
        self._n_calls = max(1, max_batch // self._per_call)
        self._tags: dict[str, int] = {}
        self._convention: Convention | None = None

    @property
    def device(self) -> str:
        return f"{self._endpoint.shown} ({self._served.model})"

    @property
    def memory_bytes(self) -> int:
        """0: the server's memory is not this process's."""
        return 0

    @property
    def checkpoint_hash(self) -> str:
        """The empty string: a server does not tell which weights it holds."""
        return ""

    def generate(self, requests: Sequence[Request]) -> Iterator[Sample]:
        """Samples as calls finish. Raises ModelInputError at once for what the server would refuse: every
        prompt is scored before this returns. Leaving the iteration cancels the calls in flight."""
        validate_requests(requests)
        for request in requests:
            _refuse_unserved(request)
        prompts = self._prepare(requests)
        if self._convention is None and prompts:
            self._convention = self._run([partial(self._find_convention, prompts[0].scored.ids)])[0]
        return self._stream(prompts)

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Log-probability and perplexity of each text, a leading begin-of-text being context only."""
        if any(not text for text in texts):
            raise ModelInputError("the text is empty")
        scored = self._score_each([(f"text {text[:60]!r}", text) for text in texts])
        for text, one in zip(texts, scored, strict=True):
            if not one.log_probs:
                raise ModelInputError(f"text {text!r} has no token with a context to score it in; it is too short")
        return [
            TextScore(text, one.ids, one.log_probs, math.fsum(one.log_probs), _perplexity(one.log_probs))
            for text, one in zip(texts, scored, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise ModelInputError(
            f"embed ({len(texts)} texts) is not served by {self.device}: a completions server gives no hidden "
            "states; name a local checkpoint directory instead"
        )

    def _prepare(self, requests: Sequence[Request]) -> list[_Prompt]:
        stops = self._stop_ids({tag for request in requests for tag in request.stop})
        prompts = list(dict.fromkeys(request.prompt for request in requests))
        name = {request.prompt: f"request {request.request_id!r}" for request in reversed(requests)}
        scored = dict(zip(prompts, self._score_each([(name[text], text) for text in prompts]), strict=True))
        return [self._prompt(request, scored[request.prompt], stops) for request in requests]

    def _prompt(self, request: Request, scored: Scored, stops: dict[str, int]) -> _Prompt:
        limit = request.max_new_tokens
        if self._served.context is not None:
            limit = min(limit, self._served.context - len(scored.ids))
        if limit < 1:
            raise ModelInputError(
                f"request {request.request_id!r}: the prompt has {len(scored.ids)} tokens, the model's context is "
                f"{self._served.context} (at least one must be left to generate)"
            )
        return _Prompt(request, scored, limit, {stops[tag]: tag for tag in request.stop})

    def _stop_ids(self, tags: set[str]) -> dict[str, int]:
        """The id of each tag: from the tokenizer, else by having the server tokenise the tag twice over, which
        gives a single token twice, after begin-of-text or not."""
        new = sorted(tags - self._tags.keys())
        for tag, ids in zip(new, self._ids_of_tags(new), strict=True):
            if len(ids) not in (2, 3) or ids[-1] != ids[-2]:
                known = "" if self.codec is None else f"; its tags: {', '.join(self.codec.tags) or 'none'}"
                raise ModelInputError(f"stop tag {tag!r} is not one token of this checkpoint's tokenizer{known}")
            self._tags[tag] = ids[-1]
        return self._tags

    def _ids_of_tags(self, tags: Sequence[str]) -> list[Sequence[int]]:
        if self.codec is not None:
            return [self.codec.encode(tag * 2) for tag in tags]
        return [one.ids for one in self._score_each([(f"stop tag {tag!r}", tag * 2) for tag in tags])]

    def _score_each(self, named: Sequence[tuple[str, str]]) -> list[Scored]:
        """Texts in their order; what the server refuses is raised with the name of the text."""

        async def score_one(at: int, client: CompletionsClient) -> tuple[int, Scored]:
            name, text = named[at]
            try:
                return at, await self._score(client, self._as_prompt(text))
            except ModelInputError as fault:
                raise ModelInputError(f"{name}: {fault}") from fault

        found = self._run([partial(score_one, at) for at in range(len(named))])
        return [scored for _, scored in sorted(found, key=lambda item: item[0])]

    def _as_prompt(self, text: str) -> str | list[int]:
        """Ids where there is a tokenizer, so that begin-of-text is as the checkpoint's tokenizer wants it."""
        if self.codec is None:
            return text
        ids = self.codec.encode(text)
        if not ids:
            raise ModelInputError("it is empty and this tokenizer has no begin-of-text")
        if self._served.context is not None and len(ids) > self._served.context:
            raise ModelInputError(f"it has {len(ids)} tokens, the model's context is {self._served.context}")
        return ids

    def _stream(self, prompts: Sequence[_Prompt]) -> Iterator[Sample]:
        jobs = (
            partial(self._draw, prompt, first, min(self._per_call, n - first))
            for prompt in prompts
            for n in [1 if prompt.request.temperature == 0 else prompt.request.n]
            for first in range(0, n, self._per_call)
        )
        for samples in as_they_finish(partial(open_client, self._endpoint), jobs, self._n_calls):
            yield from samples

    def _run(self, jobs: Sequence[Callable[[CompletionsClient], Awaitable[T]]]) -> list[T]:
        return list(as_they_finish(partial(open_client, self._endpoint), jobs, self._n_calls)) if jobs else []

    async def _draw(self, prompt: _Prompt, first: int, n: int, client: CompletionsClient) -> list[Sample]:
        """Samples `first` to `first + n` of a request. Greedy ones are all the same: drawn once, given n
        times."""
        request = prompt.request
        seed = _base_seed(request) + first
        ids, stop_ids = prompt.scored.ids, tuple(prompt.stops)
        try:
            choices = await self._generate(client, ids, request, n, seed, stop_ids, prompt.limit)
        except RefusedError as fault:
            raise RefusedError(f"request {request.request_id!r}: {fault}") from fault
        samples = [await self._sample(client, prompt, first + at, choice) for at, choice in enumerate(choices)]
        if request.temperature == 0:
            return [replace(samples[0], index=at) for at in range(request.n)]
        return samples

    async def _sample(self, client: CompletionsClient, prompt: _Prompt, index: int, choice: Choice) -> Sample:
        """One choice with what has to be scored again. The token that stopped it is a tag asked for, which is
        part of the text, or end-of-text, which is not."""
        tag = prompt.stops.get(choice.ids[-1]) if choice.stopped else None
        n_text = len(choice.ids) - (choice.stopped and tag is None)
        ids = (*prompt.scored.ids, *choice.ids[:n_text])
        text = choice.text + (tag or "") if self.codec is None else self.codec.decode(choice.ids[:n_text])
        plain = await self._plain_log_probs(client, prompt, choice)
        again = await self._scored_text(client, prompt.request.prompt + text, ids)
        kept = (*prompt.scored.log_probs, *plain[:n_text]) if again is None else again.log_probs
        log_prob = math.fsum(plain)
        return Sample(
            request_id=prompt.request.request_id,
            index=index,
            text=text,
            token_ids=choice.ids,
            log_prob=log_prob,
            sample_log_prob=self._sample_log_prob(prompt.request, choice, log_prob),
            perplexity=_perplexity(kept),
            finish_reason="stop" if choice.stopped else "length",
            rescored=again is not None and again.ids != ids,
        )

    async def _plain_log_probs(self, client: CompletionsClient, prompt: _Prompt, choice: Choice) -> Sequence[float]:
        """What the unmodified model thinks of the generated ids."""
        if self._convention == Convention(temperature=False, top_p=False):
            return choice.log_probs
        scored = await self._score(client, [*prompt.scored.ids, *choice.ids])
        return scored.log_probs[-len(choice.ids) :]

    async def _scored_text(self, client: CompletionsClient, text: str, ids: Sequence[int]) -> Scored | None:
        """`text` scored as its own tokens; None where those are known to be `ids`, whose log-probabilities are
        at hand. A text that its own tokens make longer than the context (which the server refuses) has none and
        ranks last."""
        if self.codec is None:
            try:
                return await self._score(client, text)
            except RefusedError:
                return Scored((), ())
        again = self.codec.encode(text)
        if again == list(ids):
            return None
        too_long = self._served.context is not None and len(again) > self._served.context
        return Scored(tuple(again), ()) if too_long or len(again) < 2 else await self._score(client, again)

    def _sample_log_prob(self, request: Request, choice: Choice, log_prob: float) -> float:
        """Under the distribution drawn from; NaN where this server's reports do not tell."""
        if request.temperature == 0:
            return 0.0
        if request.temperature == 1 and request.top_p == 1 and request.repetition_penalty == 1:
            return log_prob
        assert self._convention is not None
        tells_penalty_and_temperature = self._convention.temperature
        tells_top_p = self._convention.top_p or request.top_p == 1
        return math.fsum(choice.log_probs) if tells_penalty_and_temperature and tells_top_p else math.nan

    async def _find_convention(self, ids: Sequence[int], client: CompletionsClient) -> Convention:
        """Draw with one setting at a time and see whether the reported log-probabilities are the scored ones."""
        return Convention(
            temperature=await self._reports_differ(client, ids, Request("", temperature=2.0, ignore_eos=True)),
            top_p=await self._reports_differ(client, ids, Request("", top_p=0.5, ignore_eos=True)),
        )

    async def _reports_differ(self, client: CompletionsClient, ids: Sequence[int], setting: Request) -> bool:
        limit = _PROBE_TOKENS
        if self._served.context is not None:
            limit = min(limit, self._served.context - len(ids))
        (choice,) = await self._generate(client, ids, setting, 1, 0, (), limit)
        scored = (await self._score(client, [*ids, *choice.ids])).log_probs[-len(choice.ids) :]
        gaps = [abs(told - true) for told, true in zip(choice.log_probs, scored, strict=True)]
        return math.fsum(gaps) / len(gaps) > _SAME_LOG_PROB

    async def _generate(
        self,
        client: CompletionsClient,
        ids: Sequence[int],
        request: Request,
        n: int,
        seed: int,
        stop_ids: Sequence[int],
        limit: int,
    ) -> list[Choice]:
        body = generation_body(self._served.model, ids, request, n=n, seed=seed, stop_ids=stop_ids, limit=limit)
        return self._reader.choices(await client.complete(body), n)

    async def _score(self, client: CompletionsClient, prompt: str | Sequence[int]) -> Scored:
        return self._reader.scored(await client.complete(scoring_body(self._served.model, prompt)))


def load_server(
    checkpoint: Path | str | None = None,
    *,
    device: str = "auto",
    url: str | None = None,
    model: str | None = None,
    api_key: str | None = None,
    tokenizer: Path | str | None = None,
    max_batch: int = 256,
    samples_per_call: int = 8,
    connect_seconds: float = 10.0,
    read_seconds: float = 600.0,
    retries: int = 5,
) -> CompletionsServer:
    """The model that the server at `url` (or `checkpoint`, where that is an address) serves.

    `model`: which, of several; else the first it lists. `tokenizer`: the checkpoint's directory, which saves
    the server a scoring of most samples. `max_batch`: samples in flight at most, `samples_per_call` of them in
    one call (one, where the server would give them all the same seed). `device` is the server's own affair.
    Raises ModelInputError, CheckpointError (the tokenizer) or ServerError.
    """
    del device
    address = url or (str(checkpoint) if checkpoint is not None else "")
    if max_batch < 1 or samples_per_call < 1 or retries < 0:
        raise ModelInputError("max_batch and samples_per_call must be at least 1, retries at least 0")
    endpoint = Endpoint(parse_url(address), api_key, connect_seconds, read_seconds, retries)
    codec = None if tokenizer is None else load_codec(Path(tokenizer))
    served = _choose_model(endpoint, model)
    return CompletionsServer(endpoint, served, codec, max_batch=max_batch, samples_per_call=samples_per_call)


def _choose_model(endpoint: Endpoint, name: str | None) -> Served:
    (listed,) = as_they_finish(partial(open_client, endpoint), [CompletionsClient.models], 1)
    names = [str(one["id"]) for one in listed]
    if not names or (name is not None and name not in names):
        raise ModelInputError(f"the server at {endpoint.shown} serves {', '.join(names) or 'no model'}, not {name!r}")
    found = listed[0 if name is None else names.index(name)]
    length = found.get("max_model_len")
    context = length - 1 if isinstance(length, int) else None
    return Served(str(found["id"]), context, seeds_each=found.get("owned_by") == "vllm")


def _refuse_unserved(request: Request) -> None:
    for name, asked in (("beams", request.beams > 0), ("constrained", request.constrained)):
        if asked:
            raise ModelInputError(
                f"{name} is not served by a completions server (request {request.request_id!r}); "
                "name a local checkpoint directory for it"
            )


def _base_seed(request: Request) -> int:
    """Sample `index` draws with this + index (48 bits, so that no server's limit is met), whatever n is."""
    key = f"{request.seed}/{request.request_id}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:6], "big")


def _perplexity(log_probs: Sequence[float]) -> float:
    """exp of the mean negative log-likelihood; infinite where nothing was scored, so that it ranks last."""
    return math.exp(min(-math.fsum(log_probs) / len(log_probs), 700.0)) if log_probs else math.inf
