"""The OpenAI-style completions format as vLLM and SGLang speak it: questions as JSON, answers read and checked.

Every sampling setting is spelled out, because a server fills what is left out from the checkpoint's own
generation settings. The fields both servers share carry the meaning; what only one knows the other ignores.
Stop tags go as token ids and the servers cut the token that stopped a sample from its text, so that the
caller, who knows which tag it was, puts it back.

Ids are taken from `token_ids` (vLLM 0.10.2 and later, SGLang where it knows return_token_ids), else from tokens
spelled "token_id:7" (earlier vLLM). A server that gives neither is refused, for the spelling of a token does
not tell its id (many tokens of a byte-level tokenizer are spelled alike); so is one without log-probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.backends.base import Request
from models.errors import ServerError

_ID_SPELLING = "token_id:"
_LARGEST_LOG_PROB = 1e-3
"""Rounding may put a log-probability this far above 0; a larger number is a logit."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One continuation as the server gave it; `log_probs` are natural logs, one for each id, in whatever
    convention the server has."""

    text: str
    ids: tuple[int, ...]
    log_probs: tuple[float, ...]
    stopped: bool


@dataclass(frozen=True, slots=True)
class Scored:
    """A text's ids and the log-probabilities of all but the first."""

    ids: tuple[int, ...]
    log_probs: tuple[float, ...]


def generation_body(
    model: str, ids: Sequence[int], request: Request, *, n: int, seed: int, stop_ids: Sequence[int], limit: int
) -> dict[str, Any]:
    """Ask for `n` continuations of at most `limit` tokens."""
    return {
        **_shared(model, list(ids), limit),
        "n": n,
        "temperature": float(request.temperature),
        "top_p": float(request.top_p),
        "repetition_penalty": float(request.repetition_penalty),
        "seed": seed,
        "stop_token_ids": list(stop_ids),
        "ignore_eos": request.ignore_eos,
    }


def scoring_body(model: str, prompt: str | Sequence[int]) -> dict[str, Any]:
    """Ask for the log-probabilities of a text (tokenised by the server) or of ids. A server must generate, so
    it is asked for one token, which is thrown away."""
    given = prompt if isinstance(prompt, str) else list(prompt)
    return {**_shared(model, given, 1), "temperature": 0.0, "top_p": 1.0, "repetition_penalty": 1.0, "echo": True}


def _shared(model: str, prompt: str | list[int], limit: int) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": prompt,
        "max_tokens": limit,
        "top_k": -1,
        "min_p": 0.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "logprobs": 1,
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,
    }


class AnswerReader:
    """Reads answers of the server at `url`; ServerError for one that is not as it should be."""

    def __init__(self, url: str) -> None:
        self._url = url

    def choices(self, answer: dict[str, Any], n: int) -> list[Choice]:
        """The `n` continuations in the server's order."""
        given = self._given(answer)
        if len(given) != n:
            raise self._fault(f"gave {len(given)} samples where {n} were asked for")
        return [self._choice(one) for one in sorted(given, key=lambda one: int(one.get("index", 0)))]

    def scored(self, answer: dict[str, Any]) -> Scored:
        """The echoed part of an answer to `scoring_body`."""
        (one,) = self._given(answer)[:1]
        tokens, log_probs = self._log_probs(one)
        ids = one.get("prompt_token_ids")
        if ids is None:
            usage = answer.get("usage") or {}
            ids = self._ids_of(tokens[: int(usage.get("prompt_tokens", len(tokens) - 1))])
        if not ids or len(log_probs) < len(ids) or log_probs[0] is not None:
            raise self._fault("does not give the log-probabilities of a prompt (echo with logprobs)")
        return Scored(tuple(map(int, ids)), self._numbers(log_probs[1 : len(ids)]))

    def _given(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        given = answer.get("choices")
        if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
            raise self._fault("gave an answer without choices")
        return given

    def _choice(self, one: dict[str, Any]) -> Choice:
        reason = one.get("finish_reason")
        if reason not in ("stop", "length"):
            raise self._fault(f"broke off a sample (finish_reason {reason!r})")
        tokens, log_probs = self._log_probs(one)
        ids = one.get("token_ids")
        ids = self._ids_of(tokens) if ids is None else [int(at) for at in ids]
        if not ids or len(ids) != len(log_probs):
            raise self._fault(f"gave {len(log_probs)} log-probabilities for {len(ids)} tokens")
        return Choice(str(one.get("text", "")), tuple(ids), self._numbers(log_probs), reason == "stop")

    def _log_probs(self, one: dict[str, Any]) -> tuple[list[str], list[Any]]:
        found = one.get("logprobs")
        if not isinstance(found, dict) or not isinstance(found.get("token_logprobs"), list):
            raise self._fault("gives no log-probabilities; Organon needs a server that does (vLLM, SGLang)")
        return list(found.get("tokens") or []), found["token_logprobs"]

    def _numbers(self, log_probs: Sequence[Any]) -> tuple[float, ...]:
        if any(not isinstance(value, int | float) for value in log_probs):
            raise self._fault("left out the log-probability of a token")
        if any(value > _LARGEST_LOG_PROB for value in log_probs):
            raise self._fault("gives logits for log-probabilities; start it without --logprobs-mode raw_logits")
        return tuple(float(value) for value in log_probs)

    def _ids_of(self, tokens: Sequence[str]) -> list[int]:
        if all(token.startswith(_ID_SPELLING) for token in tokens):
            return [int(token.removeprefix(_ID_SPELLING)) for token in tokens]
        raise self._fault("returns no token ids (return_token_ids): upgrade it to vLLM 0.10.2 or a recent SGLang")

    def _fault(self, what: str) -> ServerError:
        return ServerError(self._url, what)
