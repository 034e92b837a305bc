"""A model behind an OpenAI-style completions server (vLLM, SGLang): the same contract as a local one, several
GPUs and tensor parallelism being the server's business.

What a sample's figures mean is the same here; how they are got from a server is told in `server_calls`.

Not promised: `embed`, beams and the grammar constraint (refused by name); a hash of the weights (""); equal
samples for equal seeds where the server batches differently; a repetition penalty that counts prompt tokens
(vLLM's does, SGLang's does not); without the checkpoint's tokenizer, the spelling of bytes that are no UTF-8.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.backends.base import Request, Sample, TextScore, validate_request, validate_requests
from models.backends.completions_format import Scored
from models.backends.completions_http import CompletionsClient, Endpoint, open_client, parse_url
from models.backends.in_flight import InFlight
from models.backends.server_calls import PreparedPrompt, Served, ServerCalls, perplexity_of
from models.backends.server_decoding import ServerDecoding
from models.backends.text_codec import load_codec
from models.errors import ModelInputError

T = TypeVar("T")

_FIRST_CONTACT_RETRIES = 2
"""A wrong address should be told in a second or two; a server that was there before is waited for longer."""


class CompletionsServer:
    """Made by `load_server`. Safe to call from several threads: each call has its own connections."""

    def __init__(self, endpoint: Endpoint, calls: ServerCalls, *, max_batch: int, samples_per_call: int) -> None:
        self._endpoint = endpoint
        self._calls = calls
        self._per_call = samples_per_call if calls.served.seeds_each else 1
        self._n_calls = max(1, max_batch // self._per_call)

    @property
    def device(self) -> str:
        return f"{self._endpoint.shown} ({self._calls.served.model})"

    @property
    def memory_bytes(self) -> int:
        """0: the server's memory is not this process's."""
        return 0

    @property
    def checkpoint_hash(self) -> str:
        """The empty string: a server does not tell which weights it holds."""
        return ""

    def decoding(self) -> ServerDecoding:
        """Requests drawn together, joined by others at any time."""
        return ServerDecoding(
            self._calls, self._in_flight(), check_served, n_calls=self._n_calls, samples_per_call=self._per_call
        )

    def generate(self, requests: Sequence[Request]) -> Iterator[Sample]:
        """Samples as calls finish. Raises ModelInputError at once for what the server would refuse: every
        prompt is scored before this returns. Leaving the iteration cancels the calls in flight."""
        validate_requests(requests)
        for request in requests:
            check_served(request)
        return self._stream(self._run([partial(self._calls.prepare, request=request) for request in requests]))

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Log-probability and perplexity of each text, a leading begin-of-text being context only."""
        if any(not text for text in texts):
            raise ModelInputError("the text is empty")
        scored = self._run([partial(self._score_text, text=text) for text in texts])
        return [
            TextScore(text, one.ids, one.log_probs, math.fsum(one.log_probs), perplexity_of(one.log_probs))
            for text, one in zip(texts, scored, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise ModelInputError(
            f"embed ({len(texts)} texts) is not served by {self.device}: a completions server gives no hidden "
            "states; name a local checkpoint directory instead"
        )

    def _stream(self, prompts: Sequence[PreparedPrompt]) -> Iterator[Sample]:
        decoding = self.decoding()
        try:
            for prompt in prompts:
                decoding.add_prepared(prompt)
            while not decoding.idle:
                for _, result in decoding.step():
                    if isinstance(result, Exception):
                        raise result
                    yield result
        finally:
            decoding.close()

    async def _score_text(self, client: CompletionsClient, text: str) -> Scored:
        try:
            scored = await self._calls.score(client, text)
        except ModelInputError as fault:
            raise ModelInputError(f"text {text[:60]!r}: {fault}") from fault
        if not scored.log_probs:
            raise ModelInputError(f"text {text!r} has no token with a context to score it in; it is too short")
        return scored

    def _in_flight(self) -> InFlight[CompletionsClient]:
        return InFlight(partial(open_client, self._endpoint))

    def _run(self, jobs: Sequence[Callable[[CompletionsClient], Awaitable[T]]]) -> list[T]:
        """The results of all jobs in their order; the first fault ends the rest."""
        with self._in_flight() as pool:
            return run_all(pool, jobs, self._n_calls)


def run_all(
    pool: InFlight[CompletionsClient], jobs: Sequence[Callable[[CompletionsClient], Awaitable[T]]], limit: int
) -> list[T]:
    """The results of `jobs`, at most `limit` at once, in their order. Raises the first fault."""
    found: dict[int, T] = {}
    started = 0
    while len(found) < len(jobs):
        while started < len(jobs) and started - len(found) < limit:
            pool.submit(started, jobs[started])
            started += 1
        for at, result, fault in pool.take():
            if fault is not None:
                raise fault
            found[int(str(at))] = result
    return [found[at] for at in range(len(jobs))]


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
    read_seconds: float = 300.0,
    retries: int = 5,
) -> CompletionsServer:
    """The model that the server at `url` (or `checkpoint`, where that is an address) serves.

    `model`: which, of several; else the first it lists. `tokenizer`: the checkpoint's directory, which saves
    a call for each sample and spells every byte. `max_batch`: samples in flight at most, `samples_per_call` of them in
    one call (one, where the server would give them all the same seed). `device` is the server's own affair.
    Raises ModelInputError, CheckpointError (the tokenizer) or ServerError.
    """
    del device
    if max_batch < 1 or samples_per_call < 1 or retries < 0:
        raise ModelInputError("max_batch and samples_per_call must be at least 1, retries at least 0")
    address = parse_url(url or ("" if checkpoint is None else str(checkpoint)))
    endpoint = Endpoint(address, api_key, connect_seconds, read_seconds, retries)
    codec = None if tokenizer is None else load_codec(Path(tokenizer))
    first_contact = replace(endpoint, retries=min(retries, _FIRST_CONTACT_RETRIES))
    with InFlight(partial(open_client, first_contact)) as pool:
        (listed,) = run_all(pool, [CompletionsClient.models], 1)
        calls = ServerCalls(_choose_model(endpoint.shown, listed, model), codec)
        run_all(pool, [calls.find_habits], 1)
    return CompletionsServer(endpoint, calls, max_batch=max_batch, samples_per_call=samples_per_call)


def _choose_model(url: str, listed: Sequence[dict[str, object]], name: str | None) -> Served:
    names = [str(one["id"]) for one in listed]
    if not names or (name is not None and name not in names):
        raise ModelInputError(f"the server at {url} serves {', '.join(names) or 'no model'}, not {name!r}")
    found = listed[0 if name is None else names.index(name)]
    length = found.get("max_model_len")
    context = length - 1 if isinstance(length, int) else None
    return Served(url, str(found["id"]), context, seeds_each=found.get("owned_by") == "vllm")


def check_served(request: Request) -> None:
    """ModelInputError for a wrong request and for a setting that no completions server has."""
    validate_request(request)
    for name, asked in (("beams", request.beams > 0), ("constrained", request.constrained)):
        if asked:
            raise ModelInputError(
                f"{name} is not served by a completions server (request {request.request_id!r}); "
                "name a local checkpoint directory for it"
            )
