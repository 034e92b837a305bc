"""A run's log as server-sent events (the WHATWG HTML standard, section 9.2) or as a JSON list.

`id` is the event's number in its run, `event` its type, `data` the event as JSON. A browser that lost the connection
sends the last id it saw and misses nothing. A comment line every 15 s keeps proxies from closing a quiet stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from agent.interface.api.problems import ProblemError
from agent.interface.api.served import RunId, Served, Use
from agent.interface.schemas import Event
from agent.runs import event_of

router = APIRouter(prefix="/api/v1", tags=["runs"])

RECONNECT_MS = 2000
MOST_STREAMS = 4000
"""Open at the same time; one takes about 0.1 MB."""
_EXAMPLE = 'id: 1\nevent: run_started\ndata: {"run_id":"1k2m3n4p5q6r","seq":1,"type":"run_started",...}\n\n'
_SENT = {
    "type": "object",
    "description": "One server-sent event; `data` is an Event as JSON.",
    "properties": {"id": {"type": "string"}, "event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The stream; with `follow=false` the events so far as a list.",
        "content": {
            "text/event-stream": {"schema": _SENT, "example": _EXAMPLE},
            "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}},
        },
    }
}


@router.get("/runs/{run_id}/events", response_class=Response, responses=_ANSWER)
async def events(
    run_id: RunId,
    use: Use,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only events after this number.")] = 0,
    follow: Annotated[bool, Query(description="Stay and give new events until the run ends.")] = True,
    last_event_id: Annotated[str | None, Header(max_length=40, description="As `after`, sent by browsers.")] = None,
) -> Response:
    """The run's events so far, then new ones as they come, to its end."""
    await run_in_threadpool(use.need_run, run_id)
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        after = max(after, min(int(last_event_id), 2**53))
    if not follow:
        listed = await run_in_threadpool(use.session.ledger.events, run_id, after)
        body = b",".join(event_of(record).model_dump_json().encode() for record in listed)
        return Response(b"[" + body + b"]", media_type="application/json")
    if use.watcher.n_streams >= MOST_STREAMS:
        raise ProblemError(503, f"{MOST_STREAMS} event streams are open; close some", {"Retry-After": "10"})
    return StreamingResponse(
        _stream(run_id, after, use), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _stream(run_id: str, after: int, use: Served) -> AsyncIterator[bytes]:
    yield f"retry: {RECONNECT_MS}\n\n".encode()
    async for event in use.watcher.follow(run_id, after):
        yield b": still here\n\n" if event is None else server_sent(event)


def server_sent(event: Event) -> bytes:
    """One event as it stands in the stream; JSON holds no line ends."""
    return f"id: {event.seq}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n".encode()
