"""Markdown files, one per step that asks a language model, read by `agent` only. `{{name}}` stands for a variable.

The loader is strict: a variable that is missing, or given and not used, is an error. What is put in for a variable is
not looked at again: braces in it stand for themselves.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


class PromptError(Exception):
    """A prompt and the code that uses it do not fit: a mistake of the programmer."""


def render(name: str, **variables: str) -> str:
    """The prompt `name` (a file NAME.md beside this one) with its variables put in."""
    text = _text(name)
    wanted = set(_VARIABLE.findall(text))
    if missing := sorted(wanted - set(variables)):
        raise PromptError(f"prompt {name}: {', '.join(missing)} not given")
    if unused := sorted(set(variables) - wanted):
        raise PromptError(f"prompt {name}: {', '.join(unused)} given but not used")
    return _VARIABLE.sub(lambda found: variables[found.group(1)], text)


def prompt_names() -> list[str]:
    """Every prompt there is."""
    return sorted(path.name.removesuffix(".md") for path in files(__name__).iterdir() if path.name.endswith(".md"))


@cache
def _text(name: str) -> str:
    if name not in prompt_names():
        raise PromptError(f"there is no prompt {name!r}; there are {', '.join(prompt_names())}")
    return (files(__name__) / f"{name}.md").read_text(encoding="utf-8").strip()
