"""What the language front end would do with a message, without doing it: `organon chat --dry-run`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langsmith import tracing_context

from agent.chat.front_end import open_front_end
from agent.chat.instructions import action_tools, attachment_line, closed, system_prompt
from models.chat.front_end import OFFLINE

if TYPE_CHECKING:
    from agent.session import Session


def plan_only(
    session: Session, message: str, thread_id: str | None = None, files: Sequence[str] = ()
) -> dict[str, Any]:
    """{"tool_calls": [{"name", "args"}], "question": text or None}, and "answer" where it would only say something;
    nothing is run and nothing stored. `files`: names of files that would come with the message.

    The offline front end gives its whole plan, whose later steps name results of earlier ones as "$1.2" (second item of
    the first step). A language model gives the calls it would make first: it sees results before it goes on."""
    items = session.ledger.items(thread_id) if thread_id is not None else []
    earlier = _said(session, thread_id) if thread_id is not None else []
    held = sum(item["kind"] == "file" for item in items)
    text = "\n".join([message, *(attachment_line(f"F{n}", name) for n, name in enumerate(files, held + 1))])
    said = [SystemMessage(system_prompt(items)), *earlier, *closed(earlier), HumanMessage(text)]
    tools = action_tools(schemas=session.settings.llm != OFFLINE)
    with tracing_context(enabled=False):
        answer = open_front_end(session.settings).bind_tools(tools).invoke(said)
    steps = answer.additional_kwargs.get("plan")
    if steps:
        calls = [{"name": step["action"], "args": step["args"]} for step in steps]
    else:
        calls = [{"name": call["name"], "args": call["args"]} for call in answer.tool_calls]
    question = None if calls else _question(answer)
    planned: dict[str, Any] = {"tool_calls": calls, "question": question}
    return planned if calls or question else {**planned, "answer": str(answer.text).strip()}


def _question(answer: AIMessage) -> str | None:
    asked = answer.additional_kwargs.get("question")
    if asked:
        return str(asked)
    text = str(answer.text).strip()
    return text if text.endswith("?") else None


def _said(session: Session, thread_id: str) -> list[BaseMessage]:
    session.ledger.get_thread(thread_id)
    database = sqlite3.connect(session.settings.checkpoints_path, check_same_thread=False, timeout=30)
    with closing(database) as connection:
        saved = SqliteSaver(connection).get_tuple({"configurable": {"thread_id": thread_id}})
    return list(saved.checkpoint["channel_values"].get("messages", [])) if saved is not None else []
