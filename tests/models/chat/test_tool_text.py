"""Tool calls as open chat models write them."""

from __future__ import annotations

import pytest

from models.chat.tool_text import WrittenCall, read_tool_calls, shown_part

DOCK = WrittenCall("dock", '{"target": "ABL1"}')


@pytest.mark.parametrize(
    ("text", "said", "calls"),
    [
        ("Hello.", "Hello.", []),
        ('<tool_call>\n{"name": "dock", "arguments": {"target": "ABL1"}}\n</tool_call>', "", [DOCK]),
        ('Now. <tool_call>{"name": "dock", "arguments": {"target": "ABL1"}}', "Now.", [DOCK]),
        ('[TOOL_CALLS][{"name": "dock", "arguments": {"target": "ABL1"}}]', "", [DOCK]),
        ('<|python_tag|>{"name": "dock", "parameters": {"target": "ABL1"}}', "", [DOCK]),
        ('{"name": "dock", "parameters": {"target": "ABL1"}}', "", [DOCK]),
        ('```json\n{"name": "dock", "arguments": {"target": "ABL1"}}\n```', "", [DOCK]),
        ('{"name": "aspirin", "formula": "C9H8O4"}', '{"name": "aspirin", "formula": "C9H8O4"}', []),
        ("<think>I could <tool_call> it</think>No.", "No.", []),
        ("<think>never ends", "", []),
        (
            '<tool_call>{"name": "dock", "arguments": {"target": "ABL1"</tool_call>',
            "",
            [WrittenCall("dock", '{"target": "ABL1"')],
        ),
        ("<tool_call>dock ABL1</tool_call>", "", [WrittenCall("", "dock ABL1")]),
    ],
)
def test_reading(text: str, said: str, calls: list[WrittenCall]) -> None:
    assert read_tool_calls(text) == (said, calls)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello <", "Hello "),
        ("Hello <tool_ca", "Hello "),
        ("Hello <tool_call>{", "Hello "),
        ("a < b", "a < b"),
        ("<think>mm", ""),
        ("<think>mm</think>Yes", "Yes"),
        ('{"name"', ""),
    ],
)
def test_what_can_be_shown_already(text: str, shown: str) -> None:
    assert shown_part(text) == shown
