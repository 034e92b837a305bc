"""Every prompt is rendered; the loader is strict."""

from __future__ import annotations

import pytest

from prompts import PromptError, prompt_names, render

VARIABLES = {
    "assistant": {"date": "2026-01-31", "items": "molecule: M1"},
    "repair": {"problem": "weigh: `molecules` is missing"},
    "summarize": {"summary": "none", "messages": "human: hello"},
    "unsupported": {"sentences": "- It boils at 78 °C."},
}


def test_every_prompt_is_rendered_here() -> None:
    assert set(VARIABLES) == set(prompt_names())


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_rendering(name: str) -> None:
    text = render(name, **VARIABLES[name])
    assert "{{" not in text
    assert all(value in text for value in VARIABLES[name].values())


def test_what_is_put_in_is_not_read_again() -> None:
    assert "{{date}}" in render("repair", problem="{{date}}")


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("repair", {}, "problem not given"),
        ("repair", {"problem": "x", "tone": "kind"}, "tone given but not used"),
        ("sonnet", {}, "there is no prompt 'sonnet'; there are assistant"),
    ],
)
def test_the_loader_is_strict(name: str, variables: dict[str, str], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        render(name, **variables)
