"""The language front end that the settings name, opened once a process. The same one in every role."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from models.chat.context import served_context_tokens
from models.chat.front_end import OFFLINE, load_chat_model

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from agent.config import Settings
    from models.chat.offline.similarity import Embed

DEFAULT_CONTEXT_TOKENS = 24_000
OFFLINE_CONTEXT_TOKENS = 1_000_000
"""The offline front end reads a whole conversation in milliseconds."""
_lock = threading.Lock()
_open: dict[tuple[str, str | None, str | None], BaseChatModel] = {}
_told: dict[tuple[str, str], int] = {}


def open_front_end(settings: Settings) -> BaseChatModel:
    """The chat model of these settings; a second call gives the same one."""
    key = None if settings.llm_api_key is None else settings.llm_api_key.get_secret_value()
    named = (settings.llm, settings.llm_base_url, key)
    with _lock:
        if named not in _open:
            _open[named] = load_chat_model(*named, embed=sentence_embedding(settings))
        return _open[named]


def sentence_embedding(settings: Settings) -> Embed | None:
    """The library's sentence embedding where it is installed and wanted, None else: the built-in hashing adds nothing
    to the front end's own comparison of letters. Nothing is loaded before the first text is embedded."""
    from tools.memory.text_embedding import SentenceModel, load_text_embedding

    embedding = load_text_embedding(settings.embeddings)
    return embedding.embed if isinstance(embedding, SentenceModel) else None


def context_tokens(model: BaseChatModel, settings: Settings) -> int:
    """What the model can read at once, in tokens: the setting, else what is known of it, else a cautious guess."""
    return settings.llm_context_tokens or told_context_tokens(model, settings) or DEFAULT_CONTEXT_TOKENS


def told_context_tokens(model: BaseChatModel, settings: Settings) -> int | None:
    """What the model's server says of its context, or its profile; None where nobody tells. A server
    is asked until it tells: one that is still loading its model is not kept as one that says nothing."""
    if settings.llm == OFFLINE:
        return OFFLINE_CONTEXT_TOKENS
    if settings.llm_base_url is None:
        told = (model.profile or {}).get("max_input_tokens")
        return int(told) if told else None
    key = None if settings.llm_api_key is None else settings.llm_api_key.get_secret_value()
    served = (settings.llm_base_url, settings.llm.partition(":")[2] or settings.llm)
    if served not in _told and (tokens := served_context_tokens(*served, key)) is not None:
        _told[served] = tokens
    return _told.get(served)
