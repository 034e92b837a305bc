"""One spelling for JSON values, so that equal calls have equal ids and what is read back equals what was
stored.

Keys are sorted, tuples are lists, and a whole number is the same number whether it came as 20 or 20.0. Not
promised: anything for NaN and infinities; they are refused, because a result that is not a number is a
verdict "unknown".
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from tools.errors import InputError

_EXACT_INTEGERS = 2**53


def dump_json(value: Any, what: str) -> str:
    """JSON text of a stored document; `what` names it in the error where it holds something JSON cannot say."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} cannot be stored as JSON: {error}") from error


def canonical_json(value: Any, what: str) -> str:
    """The one spelling of `value` that `call_key` hashes."""
    return json.dumps(_normal(value, what), ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def call_key(tool: str, version: str, args: Mapping[str, Any]) -> str:
    """Id of a call: 24 hex digits of SHA-256 over tool, version and arguments. Equal in every run and
    process.

    Everything a result depends on belongs in `args`: inputs (files by their hash), settings, seeds, versions
    of what is called in turn.
    """
    text = canonical_json({"tool": tool, "version": version, "args": args}, f"arguments of {tool}")
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _normal(value: Any, what: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{what}: {value} is not a finite number")
        return int(value) if value.is_integer() and abs(value) < _EXACT_INTEGERS else float(value)
    if isinstance(value, list | tuple):
        return [_normal(item, what) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise InputError(f"{what}: keys must be text, found {sorted(map(repr, value))}")
        return {str(key): _normal(item, what) for key, item in value.items()}
    raise InputError(f"{what}: a {type(value).__name__} is not a JSON value; give numbers, text, lists or mappings")
