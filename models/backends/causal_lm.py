"""Any attention-only causal language model of transformers, on the CPU (fp32) or a GPU (bf16), with our engine.

The log-probabilities come from the generation pass itself. What is not promised: equal samples across
devices, number types or torch versions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.backends.base import Decoding, Request, Sample, TextScore, decode_all
from models.backends.constraint import Constraint
from models.backends.decoding import EngineDecoding
from models.backends.engine import Engine
from models.backends.memory import used_memory
from models.backends.network import build_network, pad_right
from models.backends.prompts import need_known
from models.backends.samples import perplexity_of
from models.backends.text_codec import TextCodec
from models.checkpoint import context_length, hash_weights
from models.errors import ModelInputError

_TOKENS_AT_ONCE = 8 * 1024
"""Tokens, padding counted, read in one pass by `score` and `embed`."""


class CausalLM:
    """A loaded model with its codec; see `models.backends.base.Generator` for what the methods promise.

    Not safe to call from two threads at once: share one through `models.worker.ModelWorker`.
    """

    def __init__(
        self, model: Any, codec: TextCodec, *, folder: Path | None = None, max_batch: int | None = None
    ) -> None:
        self._model = model
        self._folder = folder
        self._network = build_network(model)
        self.codec = codec
        self.context = context_length(model.config)
        self.n_vocab = int(model.config.get_text_config(decoder=True).vocab_size)
        self.max_batch = max_batch or (512 if model.device.type == "cuda" else 256)

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

    def decoding(self) -> Decoding:
        engine = Engine(self._network, self.n_vocab, self.max_batch, self._new_constraint)
        return EngineDecoding(engine, self.codec, self.context, self.n_vocab, self._token_log_probs)

    def generate(self, requests: Sequence[Request]) -> Iterator[Sample]:
        """Samples of all `requests`, streamed as they finish. Raises ModelInputError at once, not at the
        first sample."""
        return decode_all(self.decoding(), requests)

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        """Log-probability and perplexity of each text, a leading begin-of-text being context only."""
        ids = self._encode_texts(texts)
        for text, sequence in zip(texts, ids, strict=True):
            if len(sequence) < 2:
                raise ModelInputError(f"text {text!r} has no token with a context to score it in; it is too short")
        log_probs = self._token_log_probs(ids)
        return [
            TextScore(text, tuple(seq), tuple(lps), math.fsum(lps), perplexity_of(lps))
            for text, seq, lps in zip(texts, ids, log_probs, strict=True)
        ]

    @torch.inference_mode()
    def alternative_log_probs(self, text: str, tag: str) -> NDArray[np.float32]:
        """log P(`tag`) after each token of `text`, (T,): the tag read in place of what stands there, in one pass.

        Beyond the Generator contract. Raises ModelInputError as `score` does, and for a tag that is not one token.
        """
        (ids,) = self._encode_texts([text])
        at = self.codec.id_of(tag)
        if at is None:
            raise ModelInputError(f"{tag!r} is not one token of this checkpoint's tokenizer")
        logits = self._model(input_ids=pad_right([ids], self._model.device), use_cache=False).logits[0].float()
        return np.asarray((logits[:, at] - logits.logsumexp(-1)).cpu().numpy(), dtype=np.float32)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Mean over a text's tokens (begin-of-text left out) of the last hidden states, not normalised: (N,
        D) fp32."""
        ids = self._encode_texts(texts)
        width = int(self._model.config.get_text_config(decoder=True).hidden_size)
        vectors = np.zeros((len(ids), width), dtype=np.float32)
        for places in _chunks(ids):
            vectors[places] = self._embed_batch([ids[at] for at in places])
        return vectors

    def _new_constraint(self) -> Constraint:
        return self._constraint_maker()

    @cached_property
    def _constraint_maker(self) -> Callable[[], Constraint]:
        from models.backends.grammar_mask import build_constraint

        return build_constraint(self.codec, self.n_vocab)

    def _encode_texts(self, texts: Sequence[str]) -> list[list[int]]:
        encoded = self.codec.encode_many(texts)
        for ids in encoded:
            if not ids or ids == [self.codec.bos_id]:
                raise ModelInputError("the text is empty")
            if len(ids) > self.context:
                raise ModelInputError(f"the text has {len(ids)} tokens, the model's context is {self.context}")
            need_known(ids, self.n_vocab)
        return encoded

    def _token_log_probs(self, ids: Sequence[Sequence[int]]) -> list[list[float]]:
        """Log-probability of every id but the first, for each sequence."""
        found: list[list[float]] = [[] for _ in ids]
        for places in _chunks(ids):
            rows = self._network.read([ids[at] for at in places]).token_log_probs
            for at, row in zip(places, rows, strict=True):
                found[at] = row
        return found

    @torch.inference_mode()
    def _embed_batch(self, sequences: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        ids = pad_right(sequences, self._model.device)
        states = self._model.base_model(input_ids=ids, use_cache=False).last_hidden_state.float()
        lengths = torch.tensor([len(sequence) for sequence in sequences], device=ids.device)
        counted = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        if self.codec.bos_id is not None:
            counted &= ids != self.codec.bos_id
        weights = counted[..., None].float()
        return np.asarray(((states * weights).sum(1) / weights.sum(1).clamp(min=1)).cpu().numpy(), dtype=np.float32)


def _chunks(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of sequences to read together: alike in length, at most `_TOKENS_AT_ONCE` tokens."""
    chunk: list[int] = []
    for at in sorted(range(len(ids)), key=lambda at: len(ids[at])):
        if chunk and (len(chunk) + 1) * len(ids[at]) > _TOKENS_AT_ONCE:
            yield chunk
            chunk = []
        chunk.append(at)
    if chunk:
        yield chunk
