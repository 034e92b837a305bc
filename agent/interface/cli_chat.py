"""`organon chat`: one turn, or a conversation at the terminal. Progress goes to stderr, answers to stdout.

The turn runs in the background of this process as it would in a server; the terminal reads its log. Ctrl-C stops the
turn, not the program; a second one while it is stopping ends the program, and the turn can be taken up again.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tools.errors import InputError, OrganonError

if TYPE_CHECKING:
    from agent.interface.schemas import Event
    from agent.service import RunService
    from agent.session import Session

SHOWN_OF_SUMMARY = 160
"""Characters of a step's summary while a turn goes on; the answer has the whole."""
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
_HELP = """Say what you want: "find pockets in 1iep.pdb", "design ligands for ABL1 with QED above 0.5", ...
  /file PATH    hand in a file (structure, molecules, table, document)
  /threads      earlier conversations      /thread ID   go on with one      /new   begin another
  /quit         leave (also Ctrl-D); Ctrl-C stops what is running"""


def chat_command(open_session: Callable[[], Session]) -> Callable[..., None]:
    def chat(
        message: Annotated[str | None, typer.Option("-m", "--message", help="Say this and leave.")] = None,
        as_json: Json = False,
        thread: Annotated[str | None, typer.Option("--thread", help="Go on with this conversation.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="With -m: show the plan, run nothing.")] = False,
        file: Annotated[list[Path] | None, typer.Option("--file", help="Hand in a file; may be repeated.")] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Approve every step that asks.")] = False,
    ) -> None:
        """Ask in plain words. Without -m: a conversation at the terminal."""
        if message is None and (as_json or dry_run):
            raise InputError("--json and --dry-run need a message: -m TEXT")
        from agent.chat.front_end import open_front_end

        session = open_session()
        if thread is not None:
            session.ledger.get_thread(thread)
        if dry_run:
            from agent.chat.planning import plan_only

            planned = plan_only(session, str(message), thread, [path.name for path in file or []])
            sys.stdout.write((json.dumps(planned, ensure_ascii=False) if as_json else _planned(planned)) + "\n")
            return
        open_front_end(session.settings)
        terminal = _Terminal(session, thread, as_json, yes)
        for path in file or []:
            terminal.hand_in(path)
        if message is None:
            terminal.converse()
        elif not terminal.turn(message):
            raise typer.Exit(1)

    return chat


class _Terminal:
    """One person at one terminal, in one conversation at a time."""

    def __init__(self, session: Session, thread_id: str | None, as_json: bool, yes: bool) -> None:
        from agent.service import RunService

        self._session = session
        self._service: RunService = RunService(session)
        self._thread_id = thread_id
        self._as_json = as_json
        self._yes = yes
        self._files: list[str] = []
        self._spoken = ""

    def converse(self) -> None:
        """Until /quit or the end of input."""
        self._session.resources.keep()
        self._service.warm_up()
        _tell(f"Organon, language front end {self._session.settings.llm}. /help says what can be done.")
        try:
            while (line := _asked("› ")) is not None:
                try:
                    if line.startswith("/"):
                        if line.split()[0] in ("/quit", "/exit", "/q"):
                            break
                        self._command(line)
                    elif line.strip():
                        self.turn(line)
                except OrganonError as error:
                    _tell(f"error: {error}")
        finally:
            self._service.close()

    def turn(self, message: str) -> bool:
        """Say something and wait for the answer; whether the turn came to its end."""
        self._thread_id, run_id = self._service.start_turn(self._thread_id, message, self._files)
        self._files, self._spoken = [], ""
        while True:
            try:
                self._follow(run_id)
                break
            except KeyboardInterrupt:
                self._stop(run_id)
        record = self._session.ledger.get_run(run_id)
        document = {"run_id": run_id, "thread_id": self._thread_id, "state": record.state, **(record.result or {})}
        if self._as_json:
            sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        return record.state == "done"

    def hand_in(self, path: Path) -> None:
        """Keep a file and attach it to what is said next."""
        from agent.interface.api.uploads import keep_upload

        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from None
        self._thread_id, item = keep_upload(self._session, data, path.name, self._thread_id)
        self._files.append(item.handle)
        _tell(f"{item.handle}: {item.name}")

    def _follow(self, run_id: str) -> None:
        seen = 0
        while True:
            for event in self._session.manager.tail(run_id, seen):
                seen = event.seq
                self._show(event)
            if run_id not in self._service.active():
                return
            time.sleep(0.02)

    def _stop(self, run_id: str) -> None:
        _tell("stopping (Ctrl-C again to leave it) …")
        try:
            self._session.manager.request_stop(run_id)
        except InputError as error:
            _tell(str(error))
        for _ in self._session.manager.tail(run_id):
            continue

    def _show(self, event: Event) -> None:
        payload = event.payload
        if event.type == "approval_requested":
            self._approve(event.run_id, payload)
        elif event.type == "message" and payload["role"] == "assistant":
            self._answer(payload)
        elif event.type == "message_delta":
            self._speak(str(payload["text"]))
        elif line := progress_line(event.type, payload):
            self._break()
            _tell(line)

    def _speak(self, text: str) -> None:
        """Pieces of an answer as they come, where a person watches."""
        self._spoken += text
        if sys.stdout.isatty() and not self._as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    def _break(self) -> None:
        if self._spoken and sys.stdout.isatty() and not self._as_json:
            sys.stdout.write("\n")
        self._spoken = ""

    def _answer(self, payload: dict[str, Any]) -> None:
        if self._as_json:
            return
        shown = sys.stdout.isatty() and self._spoken.strip() == str(payload["text"]).strip()
        self._break()
        if not shown:
            sys.stdout.write(f"{payload['text']}\n")
        for citation in payload["citations"]:
            place = ", ".join(part for part in (citation["title"], citation["locator"], citation["source"]) if part)
            sys.stdout.write(f"[{citation['number']}] {place}\n")
        sys.stdout.flush()

    def _approve(self, run_id: str, question: dict[str, Any]) -> None:
        from agent.runs import answer_of

        if answer_of(self._session.ledger, run_id, question["key"]) is not None:
            return
        self._break()
        _tell(f"approval needed: {question['reason']}")
        _tell(f"  {question['action']} {_short(question['args'])}")
        if self._yes:
            answer: dict[str, Any] = {"approved": True}
        elif not sys.stdin.isatty():
            _tell("refused: there is no terminal to ask (--yes approves)")
            answer = {"approved": False, "reason": "there was nobody to ask"}
        else:
            answer = _approval(question["args"])
        self._session.manager.approve(run_id, str(question["key"]), answer)

    def _command(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "/file" and rest.strip():
            self.hand_in(Path(rest.strip()).expanduser())
        elif word == "/threads":
            for thread in self._session.ledger.list_threads(20):
                _tell(f"{thread.thread_id}  {thread.title}  ({len(thread.runs)} runs)")
        elif word == "/thread" and rest.strip():
            self._thread_id = self._session.ledger.get_thread(rest.strip()).thread_id
        elif word == "/new":
            self._thread_id, self._files = None, []
        else:
            _tell(_HELP)


def _planned(planned: dict[str, Any]) -> str:
    """What `plan_only` gives, for a person."""
    steps = [f"{n}. {call['name']} {_short(call['args'])}" for n, call in enumerate(planned["tool_calls"], 1)]
    return "\n".join(steps) or planned["question"] or planned["answer"]


def progress_line(kind: str, payload: dict[str, Any]) -> str:
    """One line for what a person waits for; empty for the rest."""
    if kind == "plan":
        steps = [f"  {number}. {_step(step)}" for number, step in enumerate(payload["steps"], 1)]
        return "\n".join(["plan:", *steps])
    if kind == "tool_call":
        return f"→ {payload['action']} {_short(payload['args'])}"
    if kind == "tool_result":
        result = payload["result"]
        mark = f"✗ {result['fault']}" if result["fault"] else f"✓ {result['seconds']:.1f} s"
        summary = (
            result["summary"] if result["fault"] else shorten(result["summary"], SHOWN_OF_SUMMARY, placeholder=" …")
        )
        return f"  {mark}: {summary}"
    if kind == "step_started":
        return f"  {payload['step']}"
    if kind == "run_finished" and payload["state"] != "done":
        why = re.sub(r"^\w+Error: ", "", str(payload["message"]))
        return f"{payload['state']}: {why or 'as asked'}"
    return ""


def _step(step: dict[str, Any]) -> str:
    why = f" ({step['why']})" if step.get("why") else ""
    return f"{step['action']} {_short(step['args'])}{why}"


def _short(args: dict[str, Any]) -> str:
    text = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in args.items())
    return text if len(text) <= 160 else text[:159] + "…"


def _approval(args: dict[str, Any]) -> dict[str, Any]:
    """yes, no, or edited arguments from the terminal."""
    while True:
        said = (_asked("run it? [y]es / [n]o / [e]dit arguments: ") or "n").strip().lower()
        if said in ("y", "yes"):
            return {"approved": True}
        if said in ("n", "no"):
            return {"approved": False}
        if said in ("e", "edit"):
            text = _asked(f"arguments as JSON (now {json.dumps(args, ensure_ascii=False)}): ") or ""
            try:
                edited = json.loads(text)
            except json.JSONDecodeError as error:
                _tell(f"not JSON: {error.msg} at character {error.pos}")
                continue
            if isinstance(edited, dict):
                return {"approved": True, "args": edited}
            _tell("a JSON object is needed")


def _asked(prompt: str) -> str | None:
    """A line from the terminal; None at its end."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return ""
    return line.rstrip("\n") if line else None


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
