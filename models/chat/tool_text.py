"""Tool calls written in a model's own text, as open chat models are trained to write them.

    <tool_call>{"name": ..., "arguments": {...}}</tool_call>      Hermes, Qwen, and many after them
    [TOOL_CALLS][{"name": ..., "arguments": {...}}, ...]          Mistral
    <|python_tag|>{"name": ..., "parameters": {...}}              Llama 3, also without the tag as the whole text

Only what the model itself has generated is read so, never a prompt. Arguments that are no JSON are given on as they
stand: who runs the tools says what is wrong with them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

OPENINGS = ("<tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<think>")
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|\Z)", re.DOTALL)
_NAME = re.compile(r'"name"\s*:\s*"([^"]*)"')
_ARGUMENTS = re.compile(r'"(?:arguments|parameters)"\s*:\s*(.*?)\s*\}?\s*\Z', re.DOTALL)


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """`arguments`: JSON text, or what stood in its place."""

    name: str
    arguments: str


def read_tool_calls(text: str) -> tuple[str, list[WrittenCall]]:
    """What is said, and the calls that are written in it. Thoughts between <think> tags are left out."""
    text = _THOUGHT.sub("", text)
    if "<tool_call>" in text:
        calls = [_written(body) for body in _TAGGED.findall(text)]
        return _TAGGED.sub("", text).strip(), calls
    for mark in ("[TOOL_CALLS]", "<|python_tag|>"):
        if mark in text:
            said, _, body = text.partition(mark)
            return said.strip(), _listed(body)
    body = text.strip().removeprefix("```json").removesuffix("```").strip()
    if body.startswith("{") and _NAME.search(body) and re.search(r'"(?:arguments|parameters)"\s*:', body):
        return "", _listed(body)
    return text.strip(), []


def shown_part(text: str) -> str:
    """The beginning of a text in the making that can be shown already: nothing that is, or may become, a call or a
    thought."""
    thoughts_out = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL)
    if thoughts_out.lstrip().startswith(("{", "`")):
        return ""
    ends = [thoughts_out.find(mark) for mark in OPENINGS if mark in thoughts_out]
    shown = thoughts_out[: min(ends)] if ends else thoughts_out
    for mark in OPENINGS:
        for length in range(len(mark) - 1, 0, -1):
            if shown.endswith(mark[:length]):
                return shown[:-length]
    return shown


def _listed(body: str) -> list[WrittenCall]:
    """One call, or a JSON list of them."""
    try:
        found, _ = json.JSONDecoder().raw_decode(body.strip())
    except json.JSONDecodeError:
        return [_written(body)]
    return [_written(json.dumps(one, ensure_ascii=False)) for one in (found if isinstance(found, list) else [found])]


def _written(body: str) -> WrittenCall:
    try:
        call = json.loads(body)
    except json.JSONDecodeError:
        name, arguments = _NAME.search(body), _ARGUMENTS.search(body)
        return WrittenCall(name.group(1) if name else "", arguments.group(1) if arguments else body)
    if not isinstance(call, dict):
        return WrittenCall("", body)
    arguments = call.get("arguments", call.get("parameters", {}))
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return WrittenCall(str(call.get("name", "")), text)
