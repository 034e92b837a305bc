"""`organon tools` and `organon doctor`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.session import Session

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def tools_commands(open_session: Callable[[], Session]) -> typer.Typer:
    commands = typer.Typer(help="List the tools and call one.", no_args_is_help=True)

    @commands.command("list")
    def list_tools(as_json: Json = False) -> None:
        """Names, purposes and parameters of all tools."""
        from rich.table import Table

        from agent.interface.output import output
        from tools.registry import TOOLS, describe

        described = [describe(name) for name in TOOLS]
        if as_json:
            sys.stdout.write(json.dumps(described) + "\n")
            return
        table = Table("tool", "what it says", "parameters (* required)")
        for tool in described:
            names = [f"{name}*" if p["required"] else name for name, p in tool["parameters"].items()]
            table.add_row(tool["name"], tool["about"], ", ".join(names))
        output.print(table)

    @commands.command("call")
    def call_tool(
        name: str, args: Annotated[str, typer.Option("--args", help="Arguments as a JSON object.")] = "{}"
    ) -> None:
        """Call one tool and print its result as JSON. A verdict of fail is an answer (exit code 0)."""
        from tools.domain import Call
        from tools.errors import InputError
        from tools.funnel import call_id_of, executing

        try:
            parsed = json.loads(args)
        except json.JSONDecodeError as error:
            raise InputError(f"--args is not JSON: {error.msg} at character {error.pos}") from None
        if not isinstance(parsed, dict):
            raise InputError(f"--args must be a JSON object, not {type(parsed).__name__}")
        session = open_session()
        request = Call(name, parsed)
        result = executing(session.ledger, session.artifacts)(call_id_of(request), request)
        fault = result.details.get("fault")
        if fault == "input":
            raise InputError(f"{name}: {result.reason}")
        sys.stdout.write(json.dumps(result.to_json()) + "\n")
        if fault:
            raise typer.Exit(1)

    return commands


def doctor_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    def doctor(
        as_json: Json = False,
        llm: Annotated[bool, typer.Option("--llm", help="Talk to the language model: can it call tools?")] = False,
    ) -> None:
        """What works on this machine: device, checkpoint, docking, minimisation, stores. Exit code 1 if not all."""
        from rich.text import Text

        from agent.doctor import examine, examine_language_model
        from agent.interface.output import output

        settings = load_settings()
        findings = examine_language_model(settings) if llm else examine(settings)
        if as_json:
            sys.stdout.write(json.dumps([finding.to_json() for finding in findings]) + "\n")
        else:
            for finding in findings:
                mark = ("ok", "green") if finding.works else ("no", "red")
                output.print(Text.assemble(mark, f"   {finding.name:12} {finding.detail}"), soft_wrap=True)
        if not all(finding.works for finding in findings):
            raise typer.Exit(1)

    return doctor
