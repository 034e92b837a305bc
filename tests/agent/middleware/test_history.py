"""Long conversations: summarised by the same model, remembered over turns, never changed; calls keep their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.chat.middleware.history import n_tokens, safe_cut
from agent.session import Session
from tests.agent.openai_protocol import Reply, Scripted
from tests.agent.test_assistant import say

Open = Callable[..., Session]
LONG = "It is a long story about kinases, which nobody will read to the end. " * 40


def test_a_long_conversation_is_summarized_once_and_the_summary_is_kept(
    open_assistant: Open, language_model: Scripted
) -> None:
    session = open_assistant(llm_context_tokens=4000)

    def answer(request: dict[str, Any]) -> Reply:
        said = str(request["messages"][-1]["content"])
        return Reply("M1 is aspirin." if said.startswith("Summarize") else LONG)

    language_model.scripts[""] = answer
    thread_id = say(session, "first: remember aspirin")["thread_id"]
    for number in range(2, 7):
        say(session, f"question {number}", thread_id)
    summaries = [r for r in language_model.asked if str(r["messages"][-1]["content"]).startswith("Summarize")]
    assert 1 <= len(summaries) <= 4
    assert "first: remember aspirin" in str(summaries[0]["messages"][0]["content"])
    if len(summaries) > 1:
        assert "M1 is aspirin." in str(summaries[1]["messages"][0]["content"])
    last = language_model.asked[-1]["messages"]
    assert last[1]["content"] == "[Summary of the conversation so far]\nM1 is aspirin."
    assert last[-1]["content"] == "question 6"
    shown = sum(len(str(message["content"])) for message in last) / 4
    assert shown < 4000
    assert all("tools" not in request for request in summaries)


def test_cutting_never_parts_a_call_from_its_result() -> None:
    def turn(number: int) -> list[BaseMessage]:
        call = {"name": "weigh", "args": {}, "id": f"c{number}"}
        return [
            HumanMessage("weigh " + "x" * 100),
            AIMessage("", tool_calls=[call]),
            ToolMessage("y" * 400, tool_call_id=f"c{number}"),
            AIMessage("Done."),
        ]

    messages = [message for number in range(8) for message in turn(number)]
    for keep in (1, 100, 300, 500, 10_000):
        cut = safe_cut(messages, keep)
        assert isinstance(messages[cut], HumanMessage)
        if cut < 28:
            assert n_tokens(messages[cut:]) <= keep
    assert safe_cut(messages, 1) == 28


def test_one_turn_too_long_puts_its_oldest_results_away(open_assistant: Open, language_model: Scripted) -> None:
    session = open_assistant(llm_context_tokens=6000)
    many = ["C" * n for n in range(1, 41)]
    language_model.scripts["weigh"] = [
        *[Reply("", (("weigh", {"molecules": many}),)) for _ in range(9)],
        Reply("Done."),
    ]
    assert say(session, "weigh many alkanes")["answer"] == "Done."
    told = language_model.tool_messages()
    assert "put away" in told[0]
    assert '"handle":"M321"' in told[-1]
