"""How much a served language model can read at once, where its server tells (vLLM, SGLang, llama.cpp, LM Studio)."""

from __future__ import annotations

from typing import Any

import httpx

_KEYS = ("max_model_len", "context_length", "max_context_length", "context_window", "n_ctx")


def served_context_tokens(
    base_url: str, model: str, api_key: str | None = None, timeout_seconds: float = 5.0
) -> int | None:
    """What the server's list of models says about this one; None where it says nothing, or does not answer."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        answer = httpx.get(f"{base_url.rstrip('/')}/models", headers=headers, timeout=timeout_seconds)
        answer.raise_for_status()
        listed = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    models = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(models, list):
        return None
    entries = [entry for entry in models if isinstance(entry, dict)]
    named = [entry for entry in entries if entry.get("id") == model] or (entries if len(models) == 1 else [])
    return next((tokens for entry in named if (tokens := _context(entry)) is not None), None)


def _context(entry: dict[str, Any]) -> int | None:
    places = [entry, *(value for value in (entry.get("meta"), entry.get("details")) if isinstance(value, dict))]
    for place in places:
        for key in _KEYS:
            if isinstance(place.get(key), int) and place[key] > 0:
                return int(place[key])
    return None
