"""`organon ingest` and `organon search`: the library and the memory of past runs at the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.plural import plural

if TYPE_CHECKING:
    from agent.interface.schemas import ActionResult
    from agent.library import Taken
    from agent.session import Session

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
SHOWN_CHARACTERS = 600


def add_memory_commands(cli: typer.Typer, open_session: Callable[[], Session]) -> None:
    """Both commands, at the top level."""
    cli.command("ingest")(_ingest(open_session))
    cli.command("search")(_search(open_session))


def _ingest(open_session: Callable[[], Session]) -> Callable[..., None]:
    def ingest(paths: Annotated[list[Path], typer.Argument(help="Files or folders.")], as_json: Json = False) -> None:
        """Take documents and data tables into the library: PDF, text, Markdown, BibTeX, CSV, TSV, SDF, SMILES."""
        from agent.library import embedding_status, ingest_paths, open_index

        session = open_session()
        taken = ingest_paths(session, paths, _print_taken)
        index = open_index(session)
        counts = index.counts()
        document = {
            "files": [entry.to_json() for entry in taken],
            "library": {"documents": session.ledger.count_documents(), **counts},
            "embedding": embedding_status(session.settings),
        }
        if as_json:
            sys.stdout.write(json.dumps(document) + "\n")
        else:
            _print_library(document)
        if taken and all(entry.state == "refused" for entry in taken):
            raise typer.Exit(1)

    return ingest


def _search(open_session: Callable[[], Session]) -> Callable[..., None]:
    def search(
        text: str,
        n: Annotated[int, typer.Option("--n", help="Passages and results wanted.", min=1, max=20)] = 5,
        online: Annotated[bool, typer.Option("--online", help="Also ask literature services.")] = False,
        as_json: Json = False,
    ) -> None:
        """Search the library and past results for words, a molecule (SMILES) or a target's name."""
        session = open_session()
        literature = _ask(session, "search_literature", {"query": text, "n": n, "online": online})
        results = _ask(session, "search_results", {"molecule" if _is_structure(text) else "query": text, "n": n})
        if as_json:
            found = {"literature": literature.model_dump(mode="json"), "results": results.model_dump(mode="json")}
            sys.stdout.write(json.dumps({"query": text, **found}) + "\n")
        else:
            _print_answer("Library", literature)
            _print_answer("Past results", results)

    return search


def _ask(session: Session, action: str, args: dict[str, Any]) -> ActionResult:
    """One action as a run of its own, as over the API, so that it leaves a record. InputError for wrong arguments."""
    from agent.interface.schemas import ActionResult
    from tools.errors import InputError

    record = session.execute(session.manager.start({"name": action, "action": action, "args": args}, "action"))
    result = ActionResult.model_validate(record.result)
    if result.fault == "input":
        raise InputError(result.summary)
    return result


def _is_structure(text: str) -> bool:
    from tools.literature.structure_text import structure_of

    return bool(structure_of(text))


def _print_taken(taken: Taken) -> None:
    from rich.text import Text

    from agent.interface.output import progress

    if taken.state == "refused":
        progress.print(Text.assemble(("refused", "red"), f" {taken.reason}"), soft_wrap=True)
        return
    parts = f", {plural(taken.n_passages, 'passage')}" if taken.state == "added" else ""
    progress.print(Text.assemble((taken.state, "green"), f" {taken.file}{parts}"), soft_wrap=True)
    for warning in taken.warnings:
        progress.print(Text.assemble(("  note", "yellow"), f" {warning}"), soft_wrap=True)


def _print_library(document: dict[str, Any]) -> None:
    from agent.interface.output import output

    held = document["library"]
    output.print(
        f"library: {plural(held['documents'], 'document')}, {plural(held['passages'], 'passage')} of prose, "
        f"{plural(held['molecules'], 'row')} with a molecule"
    )
    output.print(document["embedding"]["statement"], style="dim", soft_wrap=True)


def _print_answer(title: str, result: ActionResult) -> None:
    from rich.text import Text

    from agent.interface.output import output

    output.print(title, style="bold")
    output.print(result.summary, soft_wrap=True)
    for citation in result.citations:
        where = ", ".join(part for part in (citation.title or citation.source, citation.locator) if part)
        output.print(Text.assemble((f"[{citation.number}]", "bold"), f" {where}"), soft_wrap=True)
        quote = " ".join(citation.quote.split())
        shown = quote if len(quote) <= SHOWN_CHARACTERS else quote[:SHOWN_CHARACTERS] + "…"
        output.print(f"    {shown}", soft_wrap=True)
    for warning in result.warnings:
        output.print(Text.assemble(("note", "yellow"), f" {warning}"), soft_wrap=True)
