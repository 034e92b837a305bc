"""The chat API that OpenAI's clients speak: /v1/chat/completions, streaming and not, and /v1/models.

Such clients keep the conversation themselves and send all of it each time. It is recognised by a digest of what was
said up to the last answer, and goes on in the conversation that said it; a history that is not known (edited, or of
another server) begins a new conversation in which only the last message counts. Steps in work come as
`reasoning_content`, the answer as `content` with its sources. A run that waits for approval ends the answer with the
question; "yes" or "no" then answers it. Closing the connection ends nothing: the run goes on.

Ignored: temperature, tools, system messages and other settings of the one model that answers. Not given: token counts,
which the built-in front end does not have.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from agent.chat.conversation import UnderWayError
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import Served, Use
from agent.interface.openai_tasks import answer_task
from agent.interface.schemas import Event

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

MODEL = "organon"
YES = frozenset({"yes", "y", "ok", "okay", "approve", "approved", "accept", "go", "go ahead", "do it", "ja"})
NO = frozenset({"no", "n", "refuse", "refused", "reject", "cancel", "stop", "don't", "nein"})


class ChatMessage(BaseModel):
    """One message; `content` is a text or a list of parts, of which texts are read."""

    model_config = ConfigDict(extra="ignore")
    role: str = Field(max_length=40, examples=["user"])
    content: str | list[dict[str, Any]] | None = Field(default=None, examples=["What is the logP of aspirin?"])

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            parts = [part for part in self.content if part.get("type") in ("text", "input_text", "output_text")]
            return "\n".join(str(part.get("text", "")) for part in parts)
        return self.content or ""


class ChatRequest(BaseModel):
    """As OpenAI's chat completions; settings that mean nothing here are accepted and ignored."""

    model_config = ConfigDict(extra="ignore")
    model: str = Field(default=MODEL, max_length=200, examples=[MODEL])
    messages: list[ChatMessage] = Field(min_length=1, max_length=2000)
    stream: bool = False
    n: Literal[1] | None = None


@dataclass
class _Reply:
    """What has been said so far, and the history it will be recognised by."""

    run_id: str
    after: int
    thread_id: str
    prior: list[tuple[str, str]]
    said: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.said)


@router.get("/models")
async def models() -> dict[str, Any]:
    """The one model there is."""
    return {"object": "list", "data": [_model()]}


@router.get("/models/{name}")
async def model(name: str) -> dict[str, Any]:
    """What is said about it."""
    _need_model(name)
    return _model()


@router.post("/chat/completions", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def chat_completions(asked: ChatRequest, use: Use) -> Response:
    """Answer the last message of a conversation."""
    _need_model(asked.model)
    prior, text = split_history(asked.messages)
    task = answer_task(text)
    if task is not None:
        return _stream(_one_piece(task)) if asked.stream else JSONResponse(_completion("task", task))
    reply = await run_in_threadpool(_begin, prior, text, use)
    if asked.stream:
        return _stream(_chunks(reply, use))
    async for kind, piece in pieces(reply, use):
        if kind == "content":
            reply.said.append(piece)
    await run_in_threadpool(_remember, reply, use)
    return JSONResponse(_completion(reply.run_id, reply.text))


def split_history(messages: Sequence[ChatMessage]) -> tuple[list[tuple[str, str]], str]:
    """What was said before, by user and assistant, and the message to answer."""
    spoken = [message for message in messages if message.role in ("user", "assistant")]
    if not spoken or spoken[-1].role != "user":
        raise ProblemError(422, "messages: the last one has to be the user's")
    text = spoken[-1].text.strip()
    if not text:
        raise ProblemError(422, "messages: the last one holds no text; pictures and sound are not read")
    return [(message.role, message.text) for message in spoken[:-1]], text


def history_digest(said: Sequence[tuple[str, str]]) -> str:
    """The same for the same words, however clients treat white space."""
    plain = [[role, " ".join(text.split())] for role, text in said]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()


def _begin(prior: list[tuple[str, str]], text: str, use: Served) -> _Reply:
    """Say it in its conversation; or answer with it the question that a run there waits with."""
    ledger = use.session.ledger
    thread_id = ledger.thread_of_history(history_digest(prior)) if prior else None
    said = [*prior, ("user", text)]
    waiting = None if thread_id is None else _waiting_run(thread_id, use)
    word = text.strip(" .!").lower()
    if thread_id is not None and waiting is not None and word in YES | NO:
        run_id, key, seq = waiting
        use.session.manager.approve(run_id, key, {"approved": word in YES})
        return _Reply(run_id, seq, thread_id, said)
    try:
        thread_id, run_id = use.service.start_turn(thread_id, text, ())
    except UnderWayError as error:
        raise ProblemError(409, str(error)) from None
    return _Reply(run_id, 0, thread_id, said)


def _waiting_run(thread_id: str, use: Served) -> tuple[str, str, int] | None:
    """(run, key of its question, its place in the log) of the run of a conversation that waits for approval."""
    for run in use.session.ledger.summarise_runs(state="waiting_approval", thread_id=thread_id, limit=1):
        asked = use.session.ledger.events_of_types(run.run_id, ("approval_requested",))
        if asked:
            return run.run_id, str(asked[-1].payload["key"]), asked[-1].seq
    return None


async def pieces(reply: _Reply, use: Served) -> AsyncIterator[tuple[Literal["content", "step", "beat"], str]]:
    """The run's log as what a chat shows, up to its end or the question it waits with."""
    shown = _Shown()
    async for event in use.watcher.follow(reply.run_id, reply.after):
        if event is None:
            yield "beat", ""
            continue
        step, content = shown.of(event)
        if step:
            yield "step", step + "\n"
        if content:
            yield "content", content
        if event.type == "approval_requested":
            return


@dataclass
class _Shown:
    """What of the message in the making has been shown."""

    part: object = None
    streamed: str = ""

    def of(self, event: Event) -> tuple[str, str]:
        """(step, content) that an event adds."""
        payload = event.payload
        if event.type == "message_delta":
            return "", self._delta(payload)
        if event.type == "message" and payload.get("role") == "assistant":
            text = str(payload.get("text", ""))
            return "", self._rest(text) + ("" if "Sources:" in text else sources(payload.get("citations") or ()))
        if event.type == "run_finished" and payload.get("state") != "done":
            return "", f"\n\nThe run {payload.get('state')}: {payload.get('message') or 'no reason is known'}"
        if event.type == "approval_requested":
            return "", _question(payload)
        return _step(event), ""

    def _delta(self, payload: Mapping[str, Any]) -> str:
        text, gap = str(payload.get("text", "")), ""
        if payload.get("part") != self.part:
            gap = "\n\n" if self.streamed else ""
            self.part, self.streamed = payload.get("part"), ""
        self.streamed += text
        return gap + text

    def _rest(self, text: str) -> str:
        """What the finished message adds to its streamed pieces; all of it where it came out different."""
        streamed, self.streamed, self.part = self.streamed.strip(), "", None
        if text.strip().startswith(streamed):
            return text.strip()[len(streamed) :]
        return f"\n\nAs checked:\n\n{text.strip()}"


def sources(citations: Sequence[Mapping[str, Any]]) -> str:
    """Numbered lines under an answer."""
    lines = []
    for citation in citations:
        parts = [citation.get("title") or citation.get("source"), citation.get("locator"), citation.get("url")]
        lines.append(f"[{citation.get('number')}] " + ", ".join(str(part) for part in parts if part))
    return "\n\nSources:\n" + "\n".join(lines) if lines else ""


def _step(event: Event) -> str:
    payload = event.payload
    if event.type == "plan":
        return "Plan: " + " → ".join(str(step.get("action", "")) for step in payload.get("steps", ()))
    if event.type == "tool_call":
        return f"{payload.get('action')} …"
    if event.type == "tool_result":
        return str(payload.get("result", {}).get("summary", ""))
    return str(payload.get("step", "")) if event.type == "step_started" else ""


def _question(payload: Mapping[str, Any]) -> str:
    reason = payload.get("reason") or "it takes long or leaves this machine"
    args = json.dumps(payload.get("args", {}), ensure_ascii=False)
    return f"\n\nBefore {payload.get('action', 'this step')} {args} is run: {reason}. Answer yes or no."


def _remember(reply: _Reply, use: Served) -> None:
    said = [*reply.prior, ("assistant", reply.text)]
    use.session.ledger.put_history(history_digest(said), reply.thread_id)


async def _chunks(reply: _Reply, use: Served) -> AsyncIterator[bytes]:
    """The answer as it comes, in OpenAI's chunks."""
    yield _chunk(reply.run_id, {"role": "assistant", "content": ""})
    async for kind, piece in pieces(reply, use):
        if kind == "beat":
            yield b": still here\n\n"
        elif kind == "step":
            yield _chunk(reply.run_id, {"reasoning_content": piece})
        else:
            reply.said.append(piece)
            yield _chunk(reply.run_id, {"content": piece})
    await run_in_threadpool(_remember, reply, use)
    yield _chunk(reply.run_id, {}, "stop")
    yield b"data: [DONE]\n\n"


async def _one_piece(text: str) -> AsyncIterator[bytes]:
    yield _chunk("task", {"role": "assistant", "content": text})
    yield _chunk("task", {}, "stop")
    yield b"data: [DONE]\n\n"


def _stream(chunks: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(chunks, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _chunk(run_id: str, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    body = {**_head(run_id, "chat.completion.chunk"), "choices": [choice]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def _completion(run_id: str, text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text.strip(), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**_head(run_id, "chat.completion"), "choices": [choice]}


def _head(run_id: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{run_id}", "object": kind, "created": int(time.time()), "model": MODEL}


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "organon"}


def _need_model(name: str) -> None:
    if name != MODEL:
        raise ProblemError(404, f"there is no model {name[:80]!r}; there is {MODEL!r}")
