"""What is kept: artifacts by id, the files and candidates of a run, its report, and where a number comes from."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from starlette.responses import FileResponse, JSONResponse, Response

from agent.compare import compare_runs
from agent.interface.api.item_tables import items_csv, items_sdf, molecules_of
from agent.interface.api.problems import ProblemError
from agent.interface.api.served import RunId, Served, Use
from agent.interface.compare_schemas import Comparison
from agent.interface.schemas import RunResult
from agent.report import write_csv, write_sdf
from tools.memory.ledger import RunRecord

router = APIRouter(prefix="/api/v1", tags=["results"])

CONTENT_TYPES = {
    ".pdb": "chemical/x-pdb",
    ".pdbqt": "chemical/x-pdbqt",
    ".cif": "chemical/x-cif",
    ".sdf": "chemical/x-mdl-sdfile",
    ".mol": "chemical/x-mdl-molfile",
    ".mol2": "chemical/x-mol2",
    ".smi": "chemical/x-daylight-smiles",
    ".csv": "text/csv",
    ".json": "application/json",
    ".txt": "text/plain",
    ".md": "text/plain",
    ".bib": "text/plain",
    ".fasta": "text/plain",
    ".yaml": "text/plain",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".html": "text/html",
}
LOCKED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""For files handed in or made from them: shown, but nothing in them runs."""
REPORT_POLICY = "sandbox allow-scripts allow-downloads allow-popups; frame-ancestors 'self'"
"""The report brings its own list of allowed scripts; the sandbox keeps it from acting as the page."""
ArtifactId = Annotated[str, PathParameter(max_length=60, examples=["0123456789abcdef01234567.sdf"])]
_IMMUTABLE = "private, max-age=31536000, immutable"
_FILE: dict[int | str, dict[str, Any]] = {200: {"description": "The file.", "content": {"*/*": {}}}}


@router.get("/artifacts/{artifact_id}", response_class=Response, responses=_FILE)
def artifact(artifact_id: ArtifactId, use: Use, download: bool = False) -> Response:
    """A kept file by its id: the bytes the id was made from, so it never changes."""
    if artifact_id not in use.session.artifacts:
        raise ProblemError(404, f"there is no artifact {artifact_id!r}")
    return file_response(use.session.artifacts.path(artifact_id), artifact_id, LOCKED, _IMMUTABLE, download)


@router.get("/runs/{run_id}/candidates", responses={200: {"content": {"text/csv": {}, "chemical/x-mdl-sdfile": {}}}})
def candidates(
    run_id: RunId,
    use: Use,
    shape: Annotated[Literal["json", "csv", "sdf"], Query(alias="format")] = "json",
) -> Response:
    """The ranked candidates of a finished campaign, or the molecules of another run: JSON, CSV, or SDF with poses,
    numbers and call ids as tags."""
    use.need_run(run_id)
    record = use.session.ledger.get_run(run_id)
    if record.kind not in ("campaign", "demo"):
        return _items_answer(run_id, shape, use)
    result = _result(record)
    if shape == "json":
        rows = [candidate.model_dump(mode="json") for candidate in result.candidates]
        return JSONResponse({"run_id": run_id, "state": result.state, "candidates": rows})
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"candidates.{shape}"
        if shape == "csv":
            write_csv(result, out)
        else:
            write_sdf(result, use.session.artifacts.read_text, out)
        return _table(out.read_bytes(), run_id, shape)


def _items_answer(run_id: str, shape: str, use: Served) -> Response:
    items = molecules_of(use.session.ledger.events_of_types(run_id, ("tool_result",)))
    if shape == "json":
        state = use.session.ledger.get_run(run_id).state
        rows = [item.model_dump(mode="json") for item in items]
        return JSONResponse({"run_id": run_id, "state": state, "candidates": rows})
    text = items_csv(items) if shape == "csv" else items_sdf(items, use.session.artifacts.read_text)
    return _table(text.encode(), run_id, shape)


def _table(body: bytes, run_id: str, shape: str) -> Response:
    headers = {"Content-Disposition": disposition(f"{run_id}-candidates.{shape}", "attachment")}
    return Response(body, media_type=CONTENT_TYPES[f".{shape}"], headers=headers)


@router.get("/compare")
def compare(
    use: Use,
    a: Annotated[str, Query(max_length=40, description="Id of a campaign's run.")],
    b: Annotated[str, Query(max_length=40, description="Id of another.")],
) -> Comparison:
    """Two campaigns side by side; what cannot be compared is said, and why."""
    use.need_run(a)
    use.need_run(b)
    return compare_runs(use.session, a, b)


@router.get("/runs/{run_id}/report", response_class=Response, responses={200: {"content": {"text/html": {}}}})
def report(run_id: RunId, use: Use) -> Response:
    """The run's report: one HTML page that needs nothing else."""
    return run_file(run_id, "report.html", use)


@router.get("/runs/{run_id}/files/{name:path}", response_class=Response, responses=_FILE)
def run_file(
    run_id: RunId, name: Annotated[str, PathParameter(max_length=200)], use: Use, download: bool = False
) -> Response:
    """One of the files that the run's result names."""
    use.need_run(run_id)
    result = use.session.ledger.get_run(run_id).result or {}
    named = dict(result.get("files") or {})
    folder = use.session.manager.run_dir(run_id).resolve()
    file = Path(str(named.get(name, ""))).resolve() if name in named else None
    if file is None or not file.is_relative_to(folder) or not file.is_file():
        there = ", ".join(named) or "none yet"
        raise ProblemError(404, f"run {run_id} has no file {name[:80]!r}; its files: {there}")
    policy = REPORT_POLICY if file.suffix == ".html" else LOCKED
    return file_response(file, file.name, policy, "no-cache", download)


@router.get("/calls/{call_id}")
def call(call_id: Annotated[str, PathParameter(max_length=80)], use: Use) -> dict[str, Any]:
    """Where a number comes from: the executed call with its tool, versions, arguments and result. Calls of actions
    (`RUN.N`) are told from their run's log."""
    found = use.session.ledger.get_call(call_id)
    if found is not None:
        return {
            "call_id": call_id,
            "tool": found.tool,
            "version": found.version,
            "args": use.session.ledger.get_args(call_id),
            "result": found.to_json(),
            "seconds": found.seconds,
            "time": use.session.ledger.call_time(call_id),
        }
    told = _told_call(call_id, use)
    if told is None:
        raise ProblemError(404, f"there is no call {call_id!r}")
    return told


def _told_call(call_id: str, use: Served) -> dict[str, Any] | None:
    """A call of an action, from the log of its run."""
    run_id = call_id.partition(".")[0]
    if not use.session.ledger.has_run(run_id):
        return None
    told: dict[str, Any] = {}
    for event in use.session.ledger.events_of_types(run_id, ("tool_call", "tool_result")):
        if event.payload.get("call_id") == call_id:
            told |= {"call_id": call_id, "run_id": run_id, **event.payload}
            told.setdefault("time", event.time)
    return told or None


def _result(record: RunRecord) -> RunResult:
    if record.result is None:
        raise ProblemError(
            409, f"run {record.run_id} is {record.state} and has no result yet; its events show how it stands"
        )
    return RunResult.model_validate(record.result)


def file_response(path: Path, name: str, policy: str, caching: str, download: bool) -> Response:
    """A file with its type; shown in the browser where that is safe, else offered for saving."""
    kind = CONTENT_TYPES.get(path.suffix, "application/octet-stream")
    shown = kind.startswith(("text/", "image/", "chemical/", "application/json")) and not download
    headers = {
        "Content-Disposition": disposition(name, "inline" if shown else "attachment"),
        "Content-Security-Policy": policy,
        "Cache-Control": caching,
    }
    return FileResponse(path, media_type=kind, headers=headers)


def disposition(name: str, kind: str) -> str:
    """A Content-Disposition header; the name in plain ASCII."""
    return f'{kind}; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]}"'
