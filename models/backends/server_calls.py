"""What is asked of a completions server and what its answers mean: prompts and texts scored, samples drawn.

How a server reports the log-probabilities of generated tokens differs: vLLM's are raw, or processed where it
was started with --logprobs-mode; SGLang's come after penalty and temperature and before top-p (before the
temperature too where SGLANG_RETURN_ORIGINAL_LOGPROB is set). It is found out once, by drawing a few tokens and
scoring them, since given tokens are scored with the unmodified model by both. Raw reports are `log_prob`; other
ones are `sample_log_prob` where they cover what was set, and every sample is then scored again for `log_prob`.
A `sample_log_prob` that is not told is NaN, never guessed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.backends.base import Request, Sample
from models.backends.completions_format import AnswerReader, Choice, Scored, generation_body, scoring_body
from models.backends.completions_http import CompletionsClient, RefusedError
from models.backends.text_codec import TextCodec
from models.errors import ModelInputError

_PROBE_PROMPT = "<MoleculeS>"
_PROBE_TOKENS = 24
_SAME_LOG_PROB = 0.1
"""Mean difference a token (nats) below which reported and scored log-probabilities are the same up to bf16
rounding; temperature 2, or a repetition penalty that invites repetition, moves the mean by more than that for
any model that is unsure at all."""


@dataclass(frozen=True, slots=True)
class Served:
    """What GET /models told. `context`: longest text in tokens (None: not told), one less than the server's,
    because scoring generates a token. `seeds_each`: whether the n samples of one call get a seed each (vLLM:
    seed + index); else one call is made for each sample."""

    url: str
    model: str
    context: int | None
    seeds_each: bool


@dataclass(frozen=True, slots=True)
class Convention:
    """What the log-probabilities of generated tokens have been through. Nothing: they are the model's own."""

    penalty: bool = False
    temperature: bool = False
    top_p: bool = False

    @property
    def plain(self) -> bool:
        return not (self.penalty or self.temperature or self.top_p)

    def covers(self, request: Request) -> bool:
        """Whether the distribution a sample of `request` is drawn from is the one reported."""
        return (
            (self.penalty or request.repetition_penalty == 1)
            and (self.temperature or request.temperature == 1)
            and (self.top_p or request.top_p == 1)
        )


@dataclass(frozen=True, slots=True)
class PreparedPrompt:
    """A request with its scored prompt, the most tokens it may generate, and its stop tags by id."""

    request: Request
    scored: Scored
    limit: int
    stops: dict[int, str]


class ServerCalls:
    """All calls for one model. With the `codec` of its checkpoint texts go as ids; without it the server
    tokenises. Samples that tokenise differently are scored again, and all of them where a server without codec
    cannot be asked for a text's ids either."""

    def __init__(self, served: Served, codec: TextCodec | None) -> None:
        self.served = served
        self.codec = codec
        self.convention = Convention()
        self.tells_ids = False
        self._reader = AnswerReader(served.url)
        self._tags: dict[str, int] = {}

    async def find_habits(self, client: CompletionsClient) -> None:
        """How this server reports and whether it tells a text's ids: draw with one setting at a time and see
        whether the reported log-probabilities are the scored ones."""
        ids = (await self.score(client, _PROBE_PROMPT)).ids
        if self.codec is None:
            self.tells_ids = await client.tokenize(self.served.model, _PROBE_PROMPT) == list(ids)
        self.convention = Convention(
            penalty=await self._reports_differ(client, ids, Request("", repetition_penalty=0.2, ignore_eos=True)),
            temperature=await self._reports_differ(client, ids, Request("", temperature=2.0, ignore_eos=True)),
            top_p=await self._reports_differ(client, ids, Request("", top_p=0.5, ignore_eos=True)),
        )

    async def score(self, client: CompletionsClient, text: str) -> Scored:
        """The log-probabilities of a text's tokens, the first one's excepted."""
        return await self._score(client, text if self.codec is None else self._encode(text))

    async def prepare(self, client: CompletionsClient, request: Request) -> PreparedPrompt:
        """Score the prompt and look up the stop tags; ModelInputError, naming the request, for what the server
        refuses."""
        try:
            scored = await self.score(client, request.prompt)
            stops = {await self._stop_id(client, tag): tag for tag in request.stop}
            return PreparedPrompt(request, scored, self._limit(request, len(scored.ids)), stops)
        except ModelInputError as fault:
            raise ModelInputError(f"request {request.request_id!r}: {fault}") from fault

    async def draw(self, client: CompletionsClient, prompt: PreparedPrompt, first: int, n: int) -> list[Sample]:
        """Samples `first` to `first + n` of a request. Greedy ones are all the same: drawn once, given as often
        as the request asks."""
        request, greedy = prompt.request, prompt.request.temperature == 0
        body = generation_body(
            self.served.model,
            prompt.scored.ids,
            request,
            n=1 if greedy else n,
            seed=_base_seed(request) + first,
            stop_ids=tuple(prompt.stops),
            limit=prompt.limit,
        )
        try:
            choices = self._reader.choices(await client.complete(body), int(body["n"]))
        except RefusedError as fault:
            raise RefusedError(f"request {request.request_id!r}: {fault}") from fault
        samples = [await self._sample(client, prompt, first + at, choice) for at, choice in enumerate(choices)]
        return [replace(samples[0], index=at) for at in range(request.n)] if greedy else samples

    def _encode(self, text: str) -> list[int]:
        """Ids, so that begin-of-text is as the checkpoint's tokenizer wants it."""
        assert self.codec is not None
        ids = self.codec.encode(text)
        if not ids:
            raise ModelInputError("the text is empty and this tokenizer has no begin-of-text")
        if self.served.context is not None and len(ids) > self.served.context:
            raise ModelInputError(f"the text has {len(ids)} tokens, the model's context is {self.served.context}")
        return ids

    def _limit(self, request: Request, n_prompt: int) -> int:
        if self.served.context is None:
            return request.max_new_tokens
        if n_prompt >= self.served.context:
            raise ModelInputError(
                f"the prompt has {n_prompt} tokens, the model's context is {self.served.context} (at least one "
                "must be left to generate)"
            )
        return min(request.max_new_tokens, self.served.context - n_prompt)

    async def _stop_id(self, client: CompletionsClient, tag: str) -> int:
        """The id of a tag: from the tokenizer, else by having the server tokenise the tag twice over, which
        gives a single token twice, after begin-of-text or not."""
        if tag not in self._tags:
            ids = (await self.score(client, tag * 2)).ids
            if len(ids) not in (2, 3) or ids[-1] != ids[-2]:
                known = "" if self.codec is None else f"; its tags: {', '.join(self.codec.tags) or 'none'}"
                raise ModelInputError(f"stop tag {tag!r} is not one token of this checkpoint's tokenizer{known}")
            self._tags[tag] = ids[-1]
        return self._tags[tag]

    async def _sample(self, client: CompletionsClient, prompt: PreparedPrompt, index: int, choice: Choice) -> Sample:
        """One choice with what has to be scored again. The token that stopped it is a tag asked for, which is
        part of the text, or end-of-text, which is not."""
        tag = prompt.stops.get(choice.ids[-1]) if choice.stopped else None
        n_text = len(choice.ids) - (choice.stopped and tag is None)
        ids = (*prompt.scored.ids, *choice.ids[:n_text])
        text = choice.text + (tag or "") if self.codec is None else self.codec.decode(choice.ids[:n_text])
        plain = await self._plain_log_probs(client, prompt, choice)
        again = await self._scored_text(client, prompt.request.prompt + text, ids)
        log_prob = math.fsum(plain)
        return Sample(
            request_id=prompt.request.request_id,
            index=index,
            text=text,
            token_ids=choice.ids,
            log_prob=log_prob,
            sample_log_prob=self._sample_log_prob(prompt.request, choice, log_prob),
            perplexity=perplexity_of((*prompt.scored.log_probs, *plain[:n_text]) if again is None else again.log_probs),
            finish_reason="stop" if choice.stopped else "length",
            rescored=again is not None and again.ids != ids,
        )

    async def _plain_log_probs(
        self, client: CompletionsClient, prompt: PreparedPrompt, choice: Choice
    ) -> Sequence[float]:
        """What the unmodified model thinks of the generated ids."""
        if self.convention.plain:
            return choice.log_probs
        scored = await self._score(client, [*prompt.scored.ids, *choice.ids])
        return scored.log_probs[-len(choice.ids) :]

    async def _scored_text(self, client: CompletionsClient, text: str, ids: Sequence[int]) -> Scored | None:
        """`text` scored as its own tokens; None where those are known to be `ids`, whose log-probabilities are
        at hand. A text that its own tokens make longer than the context (which the server refuses) has none and
        ranks last."""
        again = await self._ids_of(client, text)
        if again is None:
            try:
                return await self._score(client, text)
            except RefusedError:
                return Scored((), ())
        if again == list(ids):
            return None
        too_long = self.served.context is not None and len(again) > self.served.context
        return Scored(tuple(again), ()) if too_long or len(again) < 2 else await self._score(client, again)

    async def _ids_of(self, client: CompletionsClient, text: str) -> list[int] | None:
        """A text's own ids; None where only scoring it would tell."""
        if self.codec is not None:
            return self.codec.encode(text)
        return await client.tokenize(self.served.model, text) if self.tells_ids else None

    def _sample_log_prob(self, request: Request, choice: Choice, log_prob: float) -> float:
        """Under the distribution drawn from; NaN where this server's reports do not tell."""
        if request.temperature == 0:
            return 0.0
        if request.temperature == 1 and request.top_p == 1 and request.repetition_penalty == 1:
            return log_prob
        return math.fsum(choice.log_probs) if self.convention.covers(request) else math.nan

    async def _reports_differ(self, client: CompletionsClient, ids: Sequence[int], setting: Request) -> bool:
        body = generation_body(self.served.model, ids, setting, n=1, seed=0, stop_ids=(), limit=_PROBE_TOKENS)
        (choice,) = self._reader.choices(await client.complete(body), 1)
        scored = (await self._score(client, [*ids, *choice.ids])).log_probs[-len(choice.ids) :]
        gaps = [abs(told - true) for told, true in zip(choice.log_probs, scored, strict=True)]
        return math.fsum(gaps) / len(gaps) > _SAME_LOG_PROB

    async def _score(self, client: CompletionsClient, prompt: str | Sequence[int]) -> Scored:
        return self._reader.scored(await client.complete(scoring_body(self.served.model, prompt)))


def perplexity_of(log_probs: Sequence[float]) -> float:
    """exp of the mean negative log-likelihood; infinite where nothing was scored, so that it ranks last."""
    return math.exp(min(-math.fsum(log_probs) / len(log_probs), 700.0)) if log_probs else math.inf


def _base_seed(request: Request) -> int:
    """Sample `index` is drawn with this + index, whatever n is. 48 bits, within every server's limit."""
    key = f"{request.seed}/{request.request_id}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:6], "big")
