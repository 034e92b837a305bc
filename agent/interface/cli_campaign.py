"""`organon campaign`: run, resume, show, list, stop and compare campaigns, workflows and sweeps; print their schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.errors import InputError, OrganonError

if TYPE_CHECKING:
    from agent.interface.schemas import RunResult
    from agent.interface.workflow_schemas import WorkflowResult
    from agent.session import Session

OpenSession = Callable[[], "Session"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("--out", help="Copy the report and tables into this directory.")]


def campaign_commands(open_session: OpenSession) -> typer.Typer:
    commands = typer.Typer(help="Run, resume, compare and look at campaigns and workflows.", no_args_is_help=True)

    @commands.command("run")
    def run(file: Path, out: Out = None, as_json: Json = False) -> None:
        """Run what FILE (YAML) asks for: a campaign of any task, a workflow of stages, or a sweep of either."""
        from agent.campaign_file import load_request, start_request
        from agent.interface.output import require_writable

        require_writable(out)
        request = load_request(file)
        session = open_session()
        finish(execute(session, start_request(session, request)), as_json, out)

    @commands.command("check")
    def check(file: Path) -> None:
        """Check FILE without running anything; says what it would run."""
        from agent.campaign_file import load_request
        from agent.interface.workflow_output import describe_request
        from tools.registry import load_domain

        request = load_request(file)
        if request.campaign is not None:
            load_domain(request.campaign.task).examine(request.campaign.model_dump(mode="json"))
        sys.stdout.write(describe_request(request) + "\n")

    @commands.command("resume")
    def resume(run_id: str, out: Out = None, as_json: Json = False) -> None:
        """Go on with a run that was interrupted, at the step where it stood."""
        from agent.interface.output import require_writable

        require_writable(out)
        session = open_session()
        record = session.ledger.get_run(run_id)
        if record.kind not in ("campaign", "demo", "workflow"):
            raise InputError(f"run {run_id} is a {record.kind}; only campaigns and workflows are resumed here")
        if record.state != "done" and not session.manager.resumable(run_id):
            raise InputError(f"run {run_id} is {record.state} and cannot be resumed")
        finish(stored_result(session, run_id) if record.state == "done" else execute(session, run_id), as_json, out)

    @commands.command("show")
    def show(run_id: str, as_json: Json = False) -> None:
        """Show a run's result."""
        finish(stored_result(open_session(), run_id), as_json, None)

    @commands.command("list")
    def list_runs(as_json: Json = False) -> None:
        """List runs, newest first."""
        from agent.interface.output import print_runs

        print_runs(open_session().manager.list(), as_json)

    @commands.command("stop")
    def stop(run_id: str) -> None:
        """Ask a running run to stop after the checks in flight; what is finished is kept and reported."""
        open_session().manager.request_stop(run_id)
        typer.echo(f"asked {run_id} to stop", err=True)

    @commands.command("schema")
    def schema(
        workflow: Annotated[bool, typer.Option("--workflow", help="Of a workflow file instead.")] = False,
    ) -> None:
        """Print the JSON schema of a campaign file: every key, its meaning, its unit and what is allowed."""
        from agent.campaign_schema import campaign_schema, workflow_schema

        sys.stdout.write(json.dumps(workflow_schema() if workflow else campaign_schema(), indent=2) + "\n")

    commands.command("compare")(_compare(open_session))
    return commands


def _compare(open_session: OpenSession) -> Callable[..., None]:
    def compare(
        a: str,
        b: str,
        as_json: Json = False,
        best: Annotated[int, typer.Option("--best", min=2, help="How many of the best the means are of.")] = 5,
        seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 7,
    ) -> None:
        """Compare two campaigns: settings, controls, funnels, scores with intervals, shared candidates."""
        from agent.compare import compare_runs
        from agent.interface.compare_output import print_comparison

        comparison = compare_runs(open_session(), a, b, k=best, seed=seed)
        if as_json:
            sys.stdout.write(comparison.model_dump_json(by_alias=True) + "\n")
        else:
            print_comparison(comparison)

    return compare


def execute(session: Session, run_id: str) -> RunResult | WorkflowResult:
    """Execute a run here, its progress on stderr, and give its result. A workflow whose stages failed still has one."""
    from agent.interface.output import print_event
    from agent.interface.workflow_output import print_stage_event

    asked = session.ledger.get_run(run_id)
    kind = asked.kind
    typer.echo(f"{kind} {run_id}: {asked.campaign.get('name') or 'without a name'}", err=True)
    try:
        session.execute(run_id, print_stage_event if kind == "workflow" else print_event)
    except OrganonError:
        record = session.ledger.get_run(run_id)
        if kind != "workflow" or record.result is None or record.state != "failed":
            raise
    return stored_result(session, run_id)


def stored_result(session: Session, run_id: str) -> RunResult | WorkflowResult:
    """The final document of a campaign or workflow. InputError where there is none."""
    from agent.interface.workflow_schemas import WorkflowResult

    record = session.ledger.get_run(run_id)
    if record.kind == "workflow" and record.result is not None:
        return WorkflowResult.model_validate(record.result)
    if record.kind in ("chat", "action"):
        raise InputError(f"run {run_id} is a {record.kind}: it has no table; see the conversation it belongs to")
    return session.result(run_id)


def finish(result: RunResult | WorkflowResult, as_json: bool, out: Path | None) -> None:
    """Print the result; exit code 1 where the work did not yield what was asked for."""
    from agent.interface.output import copy_files, print_result
    from agent.interface.schemas import RunResult
    from agent.interface.workflow_output import copy_workflow_files, print_workflow

    if out is not None:
        result = copy_files(result, out) if isinstance(result, RunResult) else copy_workflow_files(result, out)
    if as_json:
        sys.stdout.write(result.model_dump_json(by_alias=True) + "\n")
    elif isinstance(result, RunResult):
        print_result(result)
    else:
        print_workflow(result)
    if not result.enough:
        raise typer.Exit(1)
