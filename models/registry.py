"""The table of backends and the way in: `load_generator` for a model, `checkpoint_info` for facts without
loading one.

Backends are imported when asked for, so that listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.backends.base import Generator
from models.checkpoint import (
    count_parameters,
    hash_weights,
    locate_checkpoint,
    read_card_title,
    read_config,
)
from models.errors import CheckpointError, ModelInputError
from models.grammar.properties import PROPERTIES
from models.grammar.tags import ALL_TAGS, LOGOS_TAGS
from models.grammar.tasks import STOP, needed_tags


def _load_causal_lm(checkpoint: Path | str | None, **options: Any) -> Generator:
    from models.backends.loading import load_causal_lm

    return load_causal_lm(checkpoint, **options)


def _load_server(checkpoint: Path | str | None, **options: Any) -> Generator:
    from models.backends.server import load_server

    return load_server(checkpoint, **options)


BACKENDS: dict[str, Callable[..., Generator]] = {
    "causal_lm": _load_causal_lm,
    "server": _load_server,
}


def is_server_address(checkpoint: Path | str | None) -> bool:
    """Whether `checkpoint` names a model server (http://host:8000/v1) and not a directory."""
    return isinstance(checkpoint, str) and checkpoint.startswith(("http://", "https://"))


def load_generator(
    checkpoint: Path | str | None = None, device: str = "auto", *, backend: str | None = None, **options: Any
) -> Generator:
    """The model in `checkpoint` (None: the shipped one; an address: what that server serves) on `device` (auto,
    cpu, cuda[:N]), served by `backend` (None: server for an address, else causal_lm).

    Further `options` go to the backend (causal_lm: dtype, max_batch; server: url, model, api_key, tokenizer,
    max_batch and its patience, see `load_server`). Raises CheckpointError, ModelInputError or ServerError.
    """
    if backend is None:
        backend = "server" if is_server_address(checkpoint) else "causal_lm"
    if backend not in BACKENDS:
        raise ModelInputError(f"unknown backend {backend!r}; backends are {', '.join(BACKENDS)}")
    return BACKENDS[backend](checkpoint, device=device, **options)


def checkpoint_info(checkpoint: Path | str | None = None, *, with_hash: bool = True) -> dict[str, Any]:
    """Facts about a checkpoint directory or a hub id, the weights read only for their hash (about 1 s a GB;
    `with_hash` off: None).

    Keys: path, title (of the model card), architecture, model_type, parameters, dtype (the stored number
    types with their parameter counts), vocabulary (size in the config), tokenizer_ids, context (tokens), tags
    (single-token tags of its tokenizer), properties (those it can be asked for), missing_tags (LOGOS's sixteen it
    lacks), unknown_tags (tags the grammar does not know), tasks (those whose tags it has), sha256.
    """
    if is_server_address(checkpoint):
        raise ModelInputError(f"{checkpoint} is a server; what it serves can be looked at on its own machine only")
    folder = locate_checkpoint(checkpoint)
    plain = read_config(folder)

    from transformers import AutoConfig

    from models.backends.text_codec import load_codec
    from models.checkpoint import context_length

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as fault:
        reason = " ".join(str(fault).split())[:300]
        raise CheckpointError(f"config.json of {str(folder)!r} is not served: {reason}") from fault
    codec = load_codec(folder)
    n_parameters, by_type = count_parameters(folder)
    return {
        "path": str(folder),
        "title": read_card_title(folder),
        "architecture": (plain.get("architectures") or ["unknown"])[0],
        "model_type": str(config.model_type),
        "parameters": n_parameters,
        "dtype": by_type,
        "vocabulary": int(config.get_text_config(decoder=True).vocab_size),
        "tokenizer_ids": codec.n_ids,
        "context": context_length(config),
        "tags": list(codec.tags),
        "properties": [item.tag_name for item in PROPERTIES if set(item.tags) <= set(codec.property_tags)],
        "missing_tags": [tag for tag in LOGOS_TAGS if tag not in codec.tags],
        "unknown_tags": [tag for tag in codec.tags if tag not in ALL_TAGS],
        "tasks": [task for task in STOP if set(needed_tags(task)) <= set(codec.tags)],
        "sha256": hash_weights(folder) if with_hash else None,
    }
