"""Any attention-only causal language model of transformers, on the CPU (fp32) or a GPU (bf16), with our
decode loop.

The log-probabilities come from the generation pass itself. What is not promised: equal samples across
devices, number types or torch versions."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.base import Request, Sample, TextScore, validate_requests
from models.backends.batching import (
    Prompt,
    Row,
    RowCost,
    free_memory,
    is_out_of_memory,
    plan_batches,
    used_memory,
)
from models.backends.decoding import BatchDecoder, Finished
from models.backends.kv_cache import cache_bytes_per_token
from models.backends.prefill import pad_left, prefill
from models.backends.text_codec import TextCodec
from models.checkpoint import context_length, hash_weights
from models.errors import CheckpointError, ModelInputError, ModelMemoryError

_RESCORE_AT_ONCE = 32


class CausalLM:
    """A loaded model with its codec; see `models.backends.base.Generator` for what the methods promise.

    Not safe to call from two threads at once: share one through `models.worker.ModelWorker`.
    """

    def __init__(
        self, model: Any, codec: TextCodec, *, folder: Path | None = None, max_batch: int | None = None
    ) -> None:
        self._model = model
        self._folder = folder
        self.codec = codec
        self.context = context_length(model.config)
        self.n_vocab = int(model.config.get_text_config(decoder=True).vocab_size)
        self.max_batch = max_batch or (512 if model.device.type == "cuda" else 256)
        self._cost = RowCost(cache_bytes_per_token(model.config, model.dtype.itemsize), self.n_vocab)

    @property
    def device(self) -> str:
        return str(self._model.device)

    @property
    def memory_bytes(self) -> int:
        return used_memory(self._model.device)

    @cached_property
    def checkpoint_hash(self) -> str:
        """SHA-256 of the weight files; the empty string for a model that was not loaded from a directory."""
        return "" if self._folder is None else hash_weights(self._folder)

    def generate(self, requests: Sequence[Request]) -> Iterator[Sample]:
        """Samples of all `requests`, streamed as they finish. Raises ModelInputError at once, not at the
        first sample."""
        validate_requests(requests)
        prompts = [self._encode_prompt(request) for request in requests]
        return self._stream(prompts)

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Log-probability and perplexity of each text, a leading begin-of-text being context only."""
        ids = [self._encode_text(text) for text in texts]
        for text, sequence in zip(texts, ids, strict=True):
            if len(sequence) < 2:
                raise ModelInputError(f"text {text!r} has no token with a context to score it in; it is too short")
        log_probs = self._token_log_probs(ids)
        return [
            TextScore(text, tuple(seq), tuple(lps), math.fsum(lps), perplexity_of(lps))
            for text, seq, lps in zip(texts, ids, log_probs, strict=True)
        ]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean over a text's tokens (begin-of-text left out) of the last hidden states, not normalised: (N,
        D) fp32."""
        ids = [self._encode_text(text) for text in texts]
        width = int(self._model.config.get_text_config(decoder=True).hidden_size)
        vectors = np.zeros((len(ids), width), dtype=np.float32)
        for places in self._chunks(ids):
            vectors[places] = self._embed_batch([ids[at] for at in places])
        return vectors

    def _stream(self, prompts: Sequence[Prompt]) -> Iterator[Sample]:
        todo = plan_batches(prompts, self._cost, free_memory(self._model.device), self.max_batch)[::-1]
        while todo:
            rows = todo.pop()
            done: set[Row] = set()
            out_of_memory = False
            try:
                for sample, row in self._decode(rows):
                    done.add(row)
                    yield sample
            except (RuntimeError, MemoryError) as fault:
                if not is_out_of_memory(fault):
                    raise
                if len(rows) == 1:
                    n_tokens = len(rows[0].prompt.ids) + rows[0].prompt.limit
                    raise ModelMemoryError(f"one sequence of {n_tokens} tokens does not fit into memory") from fault
                out_of_memory = True
            if out_of_memory:
                self._release_memory()
                left = [row for row in rows if row not in done]
                half = max(1, min(len(left), len(rows) // 2))
                todo += [left[at : at + half] for at in range(0, len(left), half)][::-1]

    def _decode(self, rows: Sequence[Row]) -> Iterator[tuple[Sample, Row]]:
        """One batch. Samples whose text tokenises differently wait until several can be re-scored together."""
        waiting: list[tuple[Finished, list[int]]] = []
        for finished in BatchDecoder(self._model, rows, self.codec.pad_id, self.context).run():
            text, ids = self._as_text(finished)
            again = self.codec.encode(finished.row.prompt.request.prompt + text)
            if again == ids:
                yield self._sample(finished, text, None), finished.row
            else:
                waiting.append((finished, again))
            if len(waiting) >= _RESCORE_AT_ONCE:
                yield from self._rescored(waiting)
                waiting = []
        yield from self._rescored(waiting)

    def _as_text(self, finished: Finished) -> tuple[str, list[int]]:
        """The generated text, and the ids of the full string: a final end-of-text is in neither."""
        generated = list(finished.ids)
        if generated[-1] in self._pure_eos(finished.row.prompt):
            generated.pop()
        return self.codec.decode(generated), [*finished.row.prompt.ids, *generated]

    def _pure_eos(self, prompt: Prompt) -> frozenset[int]:
        """End-of-text ids that are not at the same time a stop tag asked for, which is part of the text."""
        return self.codec.eos_ids - {self.codec.id_of(tag) for tag in prompt.request.stop}

    def _rescored(self, waiting: Sequence[tuple[Finished, list[int]]]) -> Iterator[tuple[Sample, Row]]:
        fits = [ids if 2 <= len(ids) <= self.context else [] for _, ids in waiting]
        scored = iter(self._token_log_probs([ids for ids in fits if ids]))
        for (finished, _), ids in zip(waiting, fits, strict=True):
            text, _ = self._as_text(finished)
            perplexity = perplexity_of(next(scored)) if ids else math.inf
            yield self._sample(finished, text, perplexity), finished.row

    def _sample(self, finished: Finished, text: str, rescored: float | None) -> Sample:
        in_text = len(finished.ids) - (finished.ids[-1] in self._pure_eos(finished.row.prompt))
        own = perplexity_of([*finished.prompt_log_probs, *finished.log_probs[:in_text]])
        return Sample(
            request_id=finished.row.prompt.request.request_id,
            index=finished.row.index,
            text=text,
            token_ids=finished.ids,
            log_prob=math.fsum(finished.log_probs),
            sample_log_prob=math.fsum(finished.sample_log_probs),
            perplexity=own if rescored is None else rescored,
            finish_reason=finished.finish_reason,
            rescored=rescored is not None,
        )

    def _encode_prompt(self, request: Request) -> Prompt:
        ids = self.codec.encode(request.prompt)
        if not ids:
            raise ModelInputError(
                f"request {request.request_id!r}: the prompt is empty and this tokenizer has no begin-of-text"
            )
        if len(ids) >= self.context:
            raise ModelInputError(
                f"request {request.request_id!r}: the prompt has {len(ids)} tokens, the model's context is "
                f"{self.context} (at least one must be left to generate)"
            )
        self._need_known(ids)
        stops: set[int] = set(self.codec.eos_ids)
        for tag in request.stop:
            at = self.codec.id_of(tag)
            if at is None:
                known = ", ".join(self.codec.tags) or "none"
                raise ModelInputError(
                    f"stop tag {tag!r} is not one token of this checkpoint's tokenizer; its tags: {known}"
                )
            stops.add(at)
        limit = min(request.max_new_tokens, self.context - len(ids))
        return Prompt(request, tuple(ids), limit, frozenset(stops))

    def _encode_text(self, text: str) -> list[int]:
        ids = self.codec.encode(text)
        if not ids or ids == [self.codec.bos_id]:
            raise ModelInputError("the text is empty")
        if len(ids) > self.context:
            raise ModelInputError(f"the text has {len(ids)} tokens, the model's context is {self.context}")
        self._need_known(ids)
        return ids

    def _need_known(self, ids: Sequence[int]) -> None:
        if max(ids) >= self.n_vocab:
            raise CheckpointError(
                f"the tokenizer gives id {max(ids)}, the model knows {self.n_vocab}: they do not match"
            )

    def _chunks(self, ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Places in `ids`, shortest first, in groups that fit the free memory."""
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        budget = free_memory(self._model.device) / 2
        group: list[int] = []
        for at in order:
            if group and (len(group) >= 64 or (len(group) + 1) * self._cost.of(len(ids[at])) > budget):
                yield group
                group = []
            group.append(at)
        if group:
            yield group

    def _token_log_probs(self, ids: Sequence[Sequence[int]]) -> list[list[float]]:
        found: list[list[float]] = [[] for _ in ids]
        for places in self._chunks(ids):
            rows = prefill(self._model, [ids[at] for at in places], self.codec.pad_id).token_log_probs
            for at, row in zip(places, rows, strict=True):
                found[at] = row
        return found

    @torch.inference_mode()
    def _embed_batch(self, sequences: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids, mask = pad_left(sequences, self.codec.pad_id, self._model.device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        output = self._model.base_model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
        counted = mask if self.codec.bos_id is None else mask * (ids != self.codec.bos_id)
        weights = counted[..., None].float()
        states = output.last_hidden_state.float() * weights
        return np.asarray((states.sum(1) / weights.sum(1).clamp(min=1)).cpu().numpy(), dtype=np.float32)

    def _release_memory(self) -> None:
        gc.collect()
        if self._model.device.type == "cuda":
            torch.cuda.empty_cache()


def perplexity_of(log_probs: Sequence[float]) -> float:
    """exp of the mean negative log-likelihood; infinite where nothing was scored, so that it ranks last."""
    return math.exp(min(-math.fsum(log_probs) / len(log_probs), 700.0)) if log_probs else math.inf
