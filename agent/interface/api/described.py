"""What the server says about itself: which front end reads the sentences, which embedding finds the passages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agent.config import Settings
from agent.resources import Resources
from tools.memory.text_embedding import load_text_embedding

OFFLINE_STATEMENT = (
    "The built-in front end: it recognises requests by rules and examples. It is not a language model; "
    "ORGANON_LLM names one to use instead."
)


def front_end_of(settings: Settings) -> dict[str, str]:
    """Name, and a sentence that never makes a small or offline one look like more."""
    if settings.llm == "offline":
        return {"name": "offline", "statement": OFFLINE_STATEMENT}
    where = f" at {settings.llm_base_url}" if settings.llm_base_url else ""
    return {"name": settings.llm, "statement": f"Sentences are read and written by {settings.llm}{where}."}


def model_of(resources: Resources) -> dict[str, Any]:
    """How the scientific model stands; empty until its first use has loaded it."""
    model = resources.loaded_model
    return {} if model is None else asdict(model.status())


def embedding_of(settings: Settings) -> str:
    return load_text_embedding(settings.embeddings).statement
