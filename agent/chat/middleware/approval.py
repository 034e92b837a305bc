"""A person's word before a step that takes long or leaves this machine. The answer survives a restart."""

from __future__ import annotations

from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from agent.actions import ACTIONS, load_action
from agent.actions.action import failed
from agent.chat.middleware.calls import Handler, carry
from agent.chat.turn import Turn, TurnStoppedError
from agent.interface.schemas import ActionCost


class Approval(AgentMiddleware):
    """Asks where an action's own estimate is above `threshold_seconds`, or it is outward. The answer is
    {approved, args}: arguments given there replace the model's. Refused: the model is told, and nothing is run."""

    def __init__(self, turn: Turn, threshold_seconds: float) -> None:
        super().__init__()
        self._turn = turn
        self._threshold_seconds = threshold_seconds

    def wrap_tool_call(self, request: ToolCallRequest, handler: Handler) -> ToolMessage | Command[Any]:
        turn, name, args = self._turn, str(request.tool_call["name"]), request.tool_call["args"]
        if name not in ACTIONS:
            return handler(request)
        call_id = turn.call_id(request.state["messages"], str(request.tool_call["id"]))
        cost = load_action(name).estimate(args, turn.context(call_id))
        reason = self._reason(cost)
        if not reason:
            return handler(request)
        question = {"action": name, "args": args, "cost": cost.model_dump(mode="json"), "reason": reason}
        with turn.waiting():
            said = turn.control.wait_for_approval(call_id, question)
        if said is None:
            raise TurnStoppedError("stopped while waiting for approval")
        if not said.get("approved"):
            note = str(said.get("reason") or "").strip()
            refusal = "refused by the user" + (f": {note}" if note else "") + "; nothing was run, go on without it"
            return carry(request, failed(name, turn.context(call_id), "refused", refusal))
        if isinstance(said.get("args"), dict):
            request = request.override(tool_call={**request.tool_call, "args": said["args"]})
        return handler(request)

    def _reason(self, cost: ActionCost) -> str:
        if cost.outward:
            return "it leaves this machine (network)"
        if cost.seconds > self._threshold_seconds:
            return f"it is estimated to take {_duration(cost.seconds)}"
        return ""


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
