"""How a run shows in a terminal: progress lines on stderr, the ranked table and the JSON document on stdout."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.errors import InputError

if TYPE_CHECKING:
    from agent.interface.schemas import Event, RunResult

progress = Console(stderr=True, highlight=False, markup=False, emoji=False)
output = Console(highlight=False, markup=False, emoji=False)
"""Neither reads markup: the brackets of a SMILES ([nH]) or of a name somebody chose stand as they are."""
SHOWN_SCORES = {
    "vina": "Vina",
    "ligand_efficiency": "LE",
    "size_residual": "resid.",
    "qed": "QED",
    "sa": "SA",
    "strain": "strain",
    "interaction": "MMFF",
    "desirability": "D",
}
LEGEND = (
    "Vina, resid. (Vina less its trend with size), strain and MMFF (interaction) in kcal/mol; LE: Vina per heavy atom; "
    "D: desirability"
)


def print_event(event: Event) -> None:
    """One line for the events a person waits for; the others are counted by the report."""
    print_progress(event, _line(event.type, event.payload))


def print_progress(event: Event, line: str) -> None:
    """A line on stderr with the event's time; nothing for an event that has none."""
    if line:
        progress.print(Text.assemble((f"{event.time:%H:%M:%S}", "dim"), " ", line), soft_wrap=True)


def _line(kind: str, payload: dict[str, Any]) -> str:  # noqa: PLR0911 - one line a kind of event
    if kind == "run_started":
        remembered = len(payload["memory"])
        seen = f", {remembered} earlier results on this receptor" if remembered else ""
        return f"target {payload['target']['name']} prepared{seen}"
    if kind == "step_started":
        return str(payload["step"])
    if kind == "step_finished" and payload["step"] == "controls":
        panel = payload["panel"]
        return f"docking {panel['trust']} on this target: {panel['summary']}"
    if kind == "check_finished" and payload["stage"] == "docking":
        score = payload["values"].get("dock")
        said = f"{score:.1f} kcal/mol" if isinstance(score, float) else payload["reason"]
        return f"docked {payload['candidate_id']} {payload['text']}: {said}"
    if kind == "round_finished":
        best = payload["best"].get("vina")
        best_so_far = f", best {best:.1f} kcal/mol" if best is not None else ""
        return (
            f"round {payload['round']}: {payload['generated']} generated, {payload['docked']} docked, "
            f"{payload['passed']} passed every stage{best_so_far}"
        )
    if kind == "run_finished" and payload["state"] == "stopped":
        return f"run stopped: {payload['message'] or 'as asked'}"
    return ""


def print_result(result: RunResult) -> None:
    """The ranked table with the reference first, then where the files are."""
    title = f"{result.name}: {result.target.name if result.target else ''}"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("rank", justify="right")
    table.add_column("SMILES", overflow="fold", min_width=24)
    known = {name for candidate in result.candidates for name in candidate.scores}
    known |= set(result.reference.scores) if result.reference else set()
    names = [name for name in SHOWN_SCORES if name in known]
    for name in names:
        table.add_column(SHOWN_SCORES[name], justify="right", no_wrap=True)
    if result.reference is not None:
        row = [_number(result.reference.scores.get(name)) for name in names]
        table.add_row("ref", f"{result.reference.name} {result.reference.smiles}", *row, style="dim")
    for candidate in result.candidates:
        row = [_number(candidate.scores.get(name)) for name in names]
        table.add_row(str(candidate.rank), candidate.smiles, *row)
    output.print(table)
    output.print(LEGEND, style="dim")
    if result.controls is not None:
        output.print(f"docking {result.controls.trust} on this target: {result.controls.summary}")
    output.print(result.message)
    for path in result.files.values():
        output.print(path, soft_wrap=True)


def _number(score: Any) -> str:
    if score is None or score.value is None:
        return "–"
    return f"{score.value:.2f}"


def print_runs(records: list[Any], as_json: bool) -> None:
    """Runs, newest first: a table, or one JSON list."""
    rows = [
        {"run_id": r.run_id, "name": r.name, "kind": r.kind, "state": r.state, "created": r.created} for r in records
    ]
    if as_json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    table = Table("run", "name", "kind", "state", "started")
    for row in rows:
        started = datetime.fromtimestamp(row["created"], UTC).astimezone()
        table.add_row(row["run_id"], row["name"], row["kind"], row["state"], f"{started:%Y-%m-%d %H:%M}")
    output.print(table)


def require_writable(out: Path | None) -> None:
    """Make `out` now, so that hours of work do not end at a directory that cannot be written."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None


def copy_files(result: RunResult, out: Path) -> RunResult:
    """Copy a run's files into `out` and point the result at them."""
    try:
        files = {name: str(shutil.copy(path, out / name)) for name, path in result.files.items()}
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None
    return result.model_copy(update={"files": files, "report": files.get("report.html")})
