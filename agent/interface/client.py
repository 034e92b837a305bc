"""Organon from Python, over HTTP:

    from agent.interface.client import Organon

    organon = Organon("http://127.0.0.1:8765")
    run = organon.start_campaign({"target": "ABL1", "rounds": 1})
    result = run.wait()
    print(result["candidates"][0]["smiles"])

Needs httpx and nothing else of Organon's. A run goes on when the program ends; `organon.run(run_id)` comes back to it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import httpx

ENDED = ("done", "failed", "stopped")
_RETRIES = 6
_FIRST_WAIT_SECONDS = 0.5
_LOOKS = 4


class OrganonClientError(Exception):
    """The server said no; `status` is HTTP's, the text is the problem's detail."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Organon:
    """A server of Organon. `timeout_seconds` holds for one answer, not for a run."""

    def __init__(self, url: str = "http://127.0.0.1:8765", token: str | None = None, timeout_seconds: float = 60.0):
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout_seconds)

    def __enter__(self) -> Organon:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def status(self) -> dict[str, Any]:
        return self._json("GET", "/api/v1/status")

    def actions(self) -> list[dict[str, Any]]:
        """What can be done, each with the schema of its arguments."""
        return self._list("GET", "/api/v1/actions")

    def chat(self, message: str, thread_id: str | None = None, attachments: Sequence[str] = ()) -> Run:
        """Say something; `run.thread_id` is the conversation to go on with."""
        return self._start(kind="chat", message=message, thread_id=thread_id, attachments=list(attachments))

    def start_campaign(self, campaign: Mapping[str, Any] | str | Path, thread_id: str | None = None) -> Run:
        """A campaign as a dict, as YAML text or as a file on this machine."""
        return self._start_document("campaign", campaign, thread_id)

    def start_workflow(self, workflow: Mapping[str, Any] | str | Path, thread_id: str | None = None) -> Run:
        """A workflow as a dict, as YAML text or as a file on this machine."""
        return self._start_document("workflow", workflow, thread_id)

    def act(self, action: str, thread_id: str | None = None, /, **args: Any) -> Run:
        """One action: `organon.act("molecule_properties", molecules=["CCO"]).wait()`."""
        return self._start(kind="action", action=action, args=args, thread_id=thread_id)

    def upload(self, path: str | Path, thread_id: str | None = None) -> dict[str, Any]:
        """{"thread_id", "item"}: the file's handle is item["handle"], its artifact id item["value"]."""
        file = Path(path)
        query = {} if thread_id is None else {"thread_id": thread_id}
        with file.open("rb") as content:
            return self._json("POST", "/api/v1/files", params=query, files={"file": (file.name, content)})

    def generate(self, task: str, inputs: Sequence[Mapping[str, Any]] = ({},), **options: Any) -> list[dict[str, Any]]:
        """The scientific model's answers, best first for each input."""
        body = {"task": task, "inputs": [dict(given) for given in inputs], **options}
        return list(self._json("POST", "/api/v1/generate", json=body)["answers"])

    def validate(self, molecules: Sequence[str], checks: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Each molecule with its checks."""
        body: dict[str, Any] = {"molecules": list(molecules)}
        return self._list("POST", "/api/v1/validate", json=body if checks is None else {**body, "checks": list(checks)})

    def search(self, query: str, kind: Literal["literature", "results"] = "literature", n: int = 5) -> dict[str, Any]:
        return self._json("POST", "/api/v1/search", json={"query": query, "kind": kind, "n": n})

    def run(self, run_id: str) -> Run:
        """A run that was started before."""
        return Run(self, run_id, self._json("GET", f"/api/v1/runs/{run_id}").get("thread_id"))

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Newest first; filters: kind, state, thread_id, limit."""
        return self._list("GET", "/api/v1/runs", params=filters)

    def thread(self, thread_id: str) -> dict[str, Any]:
        """{"summary", "items", "runs"} of a conversation."""
        return self._json("GET", f"/api/v1/threads/{thread_id}")

    def artifact(self, artifact_id: str) -> bytes:
        return self.ask("GET", f"/api/v1/artifacts/{artifact_id}").content

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any route of the API; OrganonClientError where the answer is a problem."""
        answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise OrganonClientError(answer.status_code, _detail(answer))
        return answer

    def _start_document(self, kind: str, document: Mapping[str, Any] | str | Path, thread_id: str | None) -> Run:
        if isinstance(document, Mapping):
            return self._start(kind=kind, thread_id=thread_id, **{kind: dict(document)})
        text = document.read_text(encoding="utf-8") if isinstance(document, Path) else document
        return self._start(kind=kind, thread_id=thread_id, yaml=text)

    def _start(self, **body: Any) -> Run:
        started = self._json("POST", "/api/v1/runs", json=body)
        return Run(self, started["run_id"], started["thread_id"])

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.ask(method, path, **options).json()
        return found

    def _list(self, method: str, path: str, **options: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(method, path, **options).json()
        return found

    def stream(self, path: str, after: int) -> Iterator[dict[str, Any] | None]:
        """Server-sent events as documents, of one connection; None for each sign of life."""
        no_end = httpx.Timeout(self._http.timeout.connect, read=60.0)
        with self._http.stream("GET", path, params={"after": after}, timeout=no_end) as answer:
            if answer.is_error:
                answer.read()
                raise OrganonClientError(answer.status_code, _detail(answer))
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
                elif line.startswith(":"):
                    yield None


class Run:
    """One run on the server. `thread_id`: its conversation, where it has one."""

    def __init__(self, organon: Organon, run_id: str, thread_id: str | None) -> None:
        self._organon = organon
        self._path = f"/api/v1/runs/{run_id}"
        self.run_id = run_id
        self.thread_id = thread_id
        self._answered: set[str] = set()

    def __repr__(self) -> str:
        return f"Run({self.run_id!r})"

    def details(self) -> dict[str, Any]:
        """State, request, result, files."""
        found: dict[str, Any] = self._organon.ask("GET", self._path).json()
        return found

    @property
    def state(self) -> str:
        return str(self.details()["state"])

    def events(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """Every event after `after` to the run's end, each once; a lost connection is taken up again."""
        yield from (event for event in self._heard(after) if event is not None)

    def _heard(self, after: int) -> Iterator[dict[str, Any] | None]:
        tries = 0
        while True:
            try:
                for event in self._organon.stream(f"{self._path}/events", after):
                    tries = 0
                    after = after if event is None else int(event["seq"])
                    yield event
                if self.state in ENDED:
                    return
            except httpx.TransportError:
                tries += 1
                if tries > _RETRIES:
                    raise
            time.sleep(_FIRST_WAIT_SECONDS * 2**tries)

    def wait(self, timeout_seconds: float | None = None) -> dict[str, Any]:
        """The run's result when it has ended. OrganonClientError where it failed or waits for an approval; TimeoutError
        after so many seconds, which does not stop the run."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        for event in self._heard(0):
            if event is not None and event["type"] == "approval_requested":
                key = str(event["payload"].get("key"))
                if key not in self._answered and self._is_waiting():
                    raise OrganonClientError(409, f"run {self.run_id} waits for approval of {key!r}")
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"run {self.run_id} has not ended after {timeout_seconds} s")
        found = self.details()
        if found["result"] is None:
            raise OrganonClientError(500, f"run {self.run_id} {found['state']}: {found['message']}")
        return dict(found["result"])

    def stop(self) -> None:
        self._organon.ask("POST", f"{self._path}/stop")

    def pause(self) -> None:
        self._organon.ask("POST", f"{self._path}/pause")

    def resume(self) -> None:
        self._organon.ask("POST", f"{self._path}/resume")

    def approve(self, key: str, approved: bool = True, args: Mapping[str, Any] | None = None) -> None:
        """Answer the question a run waits with."""
        body = {"key": key, "approved": approved, "args": None if args is None else dict(args)}
        self._organon.ask("POST", f"{self._path}/approve", json=body)
        self._answered.add(key)

    def _is_waiting(self) -> bool:
        """Whether it waits for a person now: it asks first and waits then, so the state may come a moment later."""
        for _ in range(_LOOKS):
            if (state := self.state) == "waiting_approval" or state in ENDED:
                return state not in ENDED
            time.sleep(_FIRST_WAIT_SECONDS / 2)
        return False

    def candidates(self, shape: Literal["csv", "sdf"] = "csv") -> str:
        """The ranked table for other programs."""
        return self._organon.ask("GET", f"{self._path}/candidates", params={"format": shape}).text

    def report(self) -> str:
        """The HTML report."""
        return self._organon.ask("GET", f"{self._path}/report").text


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
