"""What counts as supported, sentence by sentence."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from agent.chat.middleware.evidence import MARK, marked, unsupported

SAID = [
    HumanMessage("logP below 4.5, please; not 1e999"),
    ToolMessage(
        '{"summary":"docked"}',
        artifact={
            "items": [{"numbers": {"vina": {"value": -9.347, "unit": "kcal/mol"}, "n": {"value": 1234}}}],
            "version": "2026.9.1",
        },
        tool_call_id="1",
    ),
]


@pytest.mark.parametrize(
    "sentence",
    [
        "It docks at -9.3 kcal/mol.",
        "It docks at −9.35 kcal/mol.",
        "Its logP is below 4.5.",
        "I took 3 steps.",
        "ABL1 and M12 are fine.",
        "There are 1,234 of them.",
        "1. It docks well.",
        "It binds [1].",
        "No number here.",
        "RDKit 2026.9.1 was used.",
        "Der logP liegt unter 4,5.",
    ],
)
def test_supported(sentence: str) -> None:
    assert unsupported(sentence, SAID, {1}) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "It docks at -9.4 kcal/mol.",
        "Its IC50 is 37 nM.",
        "It binds [2].",
        "There are 1,235 of them.",
        "Kd 1e-9 M.",
        "Its Kd is 1e998 M.",
        "RDKit 2026.9.2 was used.",
    ],
)
def test_unsupported(sentence: str) -> None:
    assert unsupported(f"All is well. {sentence}", SAID, {1}) == [sentence]


def test_marks_stand_at_the_end_of_their_sentences() -> None:
    text = "It docks. Its IC50 is 37 nM. Done!"
    assert marked(text, ["Its IC50 is 37 nM.", "Done!"]) == f"It docks. Its IC50 is 37 nM{MARK}. Done{MARK}!"
