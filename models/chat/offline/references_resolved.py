"""Arguments that wait for earlier steps ("$1.2", "$1.*"), with the handles those steps gave put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from models.chat.offline.conversation import Call, Thing
from models.chat.offline.plans import Step
from models.chat.offline.request import PRODUCES

REFERENCE = re.compile(r"\$(\d+)\.(\*|\d+)")
_KIND_OF_KEY = {"pocket": "pocket", "sequence": "protein", "heavy": "antibody"}


class WaitsForNothingError(Exception):
    """What a step waits for is not there; the text says why, plainly."""


def resolve(step: Step, done: Mapping[int, Call]) -> dict[str, Any]:
    """The step's arguments with handles. WaitsForNothingError where an earlier step failed or gave too little."""
    return {key: _resolved(key, value, done) for key, value in step.args.items()}


def _resolved(key: str, value: Any, done: Mapping[int, Call]) -> Any:
    if isinstance(value, list):
        found = [one for text in value for one in _handles(key, text, done)]
        return list(dict.fromkeys(found)) if any(REFERENCE.fullmatch(str(text)) for text in value) else value
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        return _handles(key, value, done)[0]
    return value


def _handles(key: str, text: Any, done: Mapping[int, Call]) -> list[Any]:
    found = REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return [text]
    number = int(found[1])
    call = done.get(number)
    if call is None:
        raise WaitsForNothingError(f"it needs the result of step {number}, which was not done.")
    if call.fault:
        raise WaitsForNothingError(f"it needs the result of step {number}, which failed.")
    things = _fitting(key, call)
    if not things:
        raise WaitsForNothingError(f"step {number} gave nothing it could use.")
    if found[2] == "*":
        return [thing.handle for thing in things]
    if int(found[2]) > len(things):
        raise WaitsForNothingError(f"step {number} gave only {len(things)}: {', '.join(t.handle for t in things)}.")
    return [things[int(found[2]) - 1].handle]


def _fitting(key: str, call: Call) -> list[Thing]:
    """The items of the kind that the argument takes, or of the kinds the action is asked for."""
    kind = _KIND_OF_KEY.get(key)
    return (
        call.of_kind(kind)
        if kind
        else call.of_kind(*PRODUCES.get(call.action, ("molecule",))[-1:]) or list(call.things)
    )
