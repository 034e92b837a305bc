"""The assistant: one turn of a conversation as a run of kind "chat".

LangChain's `create_agent` over all actions, with middleware for what is ours: a log that is the truth, approval,
budget, repair, long histories, evidence. The graph's state is checkpointed under the conversation's id, and the message
that begins a turn has the run's id, so a turn that was killed goes on where it stood.

The document of a turn: {name, thread_id, message, attachments: handles of files, seed}.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langsmith import tracing_context

from agent.chat.conversation import require_last
from agent.chat.front_end import context_tokens, open_front_end
from agent.chat.instructions import action_tools, attachment_line, closed, schema_tokens, system_prompt
from agent.chat.middleware.approval import Approval
from agent.chat.middleware.budget import Budget
from agent.chat.middleware.calls import Execute, Record
from agent.chat.middleware.evidence import Evidence
from agent.chat.middleware.history import History
from agent.chat.middleware.repair import Repair
from agent.chat.middleware.speaking import Speaking
from agent.chat.observation import cited
from agent.chat.turn import Turn
from tools.errors import StopError

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

    from agent.runs import RunControl
    from agent.session import Session
    from tools.memory.ledger import RunRecord

ANSWER_TOKENS = 1024
SMALLEST_ROOM_TOKENS = 2048
"""Of a conversation, however small the model's context is."""
_SILENT = "The language model gave no answer. What the steps found stands above."


def drive_turn(session: Session, record: RunRecord, control: RunControl) -> dict[str, Any]:
    """Work of a run of kind "chat"; see `agent.kinds`."""
    asked = record.campaign
    thread_id = str(asked.get("thread_id") or record.run_id)
    session.ledger.put_thread(thread_id, str(asked.get("name") or asked["message"])[:80])
    session.ledger.add_to_thread(thread_id, record.run_id)
    require_last(session, record.run_id)
    turn = Turn(session, control, thread_id, session.settings.llm)
    control.emit("message", {"role": "user", "text": str(asked["message"]), "citations": []}, once="user")
    model = open_front_end(session.settings)
    database = sqlite3.connect(session.settings.checkpoints_path, check_same_thread=False, timeout=30)
    with closing(database) as connection, tracing_context(enabled=False):
        saver = SqliteSaver(connection)
        agent = build_agent(turn, model, saver)
        try:
            answer = _finish(agent, turn, asked)
            _forget_steps(saver, thread_id)
        except StopError:
            if not control.should_stop():
                raise
            return _result(turn, "Stopped as asked.", "")
    text = answer.text.strip() or _SILENT
    citations = cited(text, turn.citations())
    said = {"role": "assistant", "text": text, "citations": [c.model_dump(mode="json") for c in citations]}
    control.emit("message", said, once="answer")
    return _result(turn, text, str(answer.additional_kwargs.get("question") or ""))


def build_agent(turn: Turn, model: BaseChatModel, checkpointer: SqliteSaver) -> Any:
    """The graph of a turn. Middleware: the first is the outermost."""
    settings = turn.session.settings
    tools = action_tools(schemas=not turn.offline)
    room = context_tokens(model, settings) - schema_tokens(tools) - ANSWER_TOKENS
    middleware: list[AgentMiddleware[Any, Any, Any]] = [
        Record(turn),
        Budget(turn, settings.turn_tool_calls, settings.turn_minutes),
        Approval(turn, settings.approval_seconds),
        Evidence(turn),
        Repair(turn),
        History(turn, max(room, SMALLEST_ROOM_TOKENS)),
        Speaking(turn),
        Execute(turn),
    ]
    system = system_prompt(turn.session.ledger.items(turn.thread_id))
    return create_agent(model, tools, system_prompt=system, middleware=middleware, checkpointer=checkpointer)


def human_message(turn: Turn, asked: Mapping[str, Any]) -> HumanMessage:
    """What the user said, with a line for each attached file."""
    lines = [str(asked["message"])]
    for handle in asked.get("attachments") or []:
        lines.append(attachment_line(str(handle), turn.context("").item(str(handle)).name))
    return HumanMessage("\n".join(lines), id=turn.run_id)


def _finish(agent: Any, turn: Turn, asked: Mapping[str, Any]) -> AIMessage:
    """Run the graph to the turn's end from wherever it stands; its last message."""
    config = {"configurable": {"thread_id": turn.thread_id}, "max_concurrency": 1}
    state = agent.get_state(config)
    messages = list(state.values.get("messages", []))
    if not any(message.id == turn.run_id for message in messages):
        begin = {"messages": [*closed(messages), human_message(turn, asked)]}
        messages = agent.invoke(begin, config, durability="sync")["messages"]
    elif state.next:
        messages = agent.invoke(None, config, durability="sync")["messages"]
    own = [message for message in turn.own(messages) if isinstance(message, AIMessage)]
    return own[-1] if own else AIMessage("")


def _forget_steps(saver: SqliteSaver, thread_id: str) -> None:
    """Keep a conversation's last state only: every step's holds all messages again, and none but the last is read."""
    with saver.cursor() as cursor:
        for table in ("writes", "checkpoints"):
            older = "checkpoint_id < (SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
            cursor.execute(f"DELETE FROM {table} WHERE thread_id = ? AND {older}", (thread_id, thread_id))


def _result(turn: Turn, answer: str, question: str) -> dict[str, Any]:
    """The turn's final document."""
    calls = turn.calls()
    asked_back = [call["result"].question for call in calls if call["result"] is not None and call["result"].question]
    return {
        "thread_id": turn.thread_id,
        "answer": answer,
        "citations": [citation.model_dump(mode="json") for citation in cited(answer, turn.citations())],
        "tool_calls": [
            {
                "call_id": call["call_id"],
                "action": call["action"],
                "args": call["args"],
                "fault": "stop" if call["result"] is None else call["result"].fault,
            }
            for call in calls
        ],
        "question": question or (asked_back[-1] if asked_back else None),
    }
