"""`load_chat_model`: the one language front end of a process, by name.

    offline                       the built-in one, which is no language model
    openai:MODEL, ollama:MODEL    any provider that LangChain's `init_chat_model` knows; with a base URL also
                                  every server that speaks OpenAI's protocol (vLLM, SGLang, llama.cpp, ...)
    local:DIRECTORY               a transformers chat checkpoint, run in this process

Nothing but this model is ever called: no fallback to another provider, no other model for summaries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from models.errors import ModelInputError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from models.chat.offline.similarity import Embed

OFFLINE = "offline"
LOCAL = "local"
_NO_KEY_NEEDED = "none"
_TIMEOUT_SECONDS = 600.0
_PACKAGES = {
    "openai": "langchain-openai",
    "anthropic": "langchain-anthropic",
    "ollama": "langchain-ollama",
    "google_genai": "langchain-google-genai",
    "mistralai": "langchain-mistralai",
    "groq": "langchain-groq",
    "deepseek": "langchain-deepseek",
    "huggingface": "langchain-huggingface",
    "bedrock": "langchain-aws",
    "azure_openai": "langchain-openai",
}


def load_chat_model(
    name: str,
    base_url: str | None = None,
    api_key: str | None = None,
    *,
    embed: Embed | None = None,
) -> BaseChatModel:
    """The chat model of this name. `embed`: a sentence embedding, which the offline front end asks where words do not
    decide. ModelInputError in one line that names the package to install or the variable to set."""
    provider, _, model = name.partition(":")
    if name == OFFLINE:
        from models.chat.offline import OfflineChatModel

        return OfflineChatModel(embed=embed)
    if provider == LOCAL:
        from models.chat.local import load_local_chat_model

        return load_local_chat_model(model)
    if not name.strip():
        raise ModelInputError(f"ORGANON_LLM={name} names no language model{_form(name)}")
    return _of_provider(name, provider if model else "", base_url, api_key)


def _of_provider(name: str, provider: str, base_url: str | None, api_key: str | None) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {}
    if base_url is not None:
        options["base_url"] = base_url
    if base_url is not None or provider == "ollama":
        options["temperature"] = 0.0  # hosted reasoning models refuse any value but their own
    if api_key is not None or (base_url is not None and provider in ("openai", "anthropic")):
        options["api_key"] = api_key or _NO_KEY_NEEDED
    if provider in ("openai", "anthropic"):
        options["timeout"] = _TIMEOUT_SECONDS
    if provider == "openai" and base_url is not None:
        options["use_responses_api"] = False
    try:
        loaded: BaseChatModel = init_chat_model(name, **options)
    except ImportError as error:
        package = _PACKAGES.get(provider)
        hint = f"pip install {package}" if package else str(error)
        raise ModelInputError(f"ORGANON_LLM={name} needs a package that is not installed: {hint}") from error
    except ValueError as error:
        raise ModelInputError(f"ORGANON_LLM={name}: {_line(error)}{_form(name)}") from error
    except Exception as error:
        raise ModelInputError(f"ORGANON_LLM={name} cannot be used: {_line(error)}{_key_hint(provider)}") from error
    if base_url is None and _lacks_key(loaded):
        raise ModelInputError(f"ORGANON_LLM={name} has no key{_key_hint(provider)}")
    return loaded


def _lacks_key(model: BaseChatModel) -> bool:
    """Whether the model has a place for a key and it is empty: some providers' classes say so only when called."""
    keys = [getattr(model, name) for name in type(model).model_fields if name.endswith("api_key")]
    return bool(keys) and not any(key.get_secret_value() for key in keys if isinstance(key, SecretStr))


def _form(name: str) -> str:
    return "" if ":" in name else " (expected offline, PROVIDER:MODEL such as openai:gpt-5, or local:DIRECTORY)"


def _key_hint(provider: str) -> str:
    return f"; set ORGANON_LLM_API_KEY or {provider.upper()}_API_KEY" if provider else ""


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 240 else text[:239] + "…"
