"""`organon model card`: figures.json and README.md of a checkpoint, made from executed evaluations or checked.

With --eval the figures are collected from the reports in that folder, and refused where one is of other weights.
Without it README.md is rendered anew from figures.json. --check writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings
    from models.card.schema import Card

TITLE = "Organon"


def card_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    """The function behind `organon model card`."""

    def card(
        weights: Annotated[
            Path | None, typer.Option("--weights", help="Checkpoint directory; default: the configured one.")
        ] = None,
        results: Annotated[
            Path | None, typer.Option("--eval", help="Folder of results, as benchmarks/card_evaluations.py writes it.")
        ] = None,
        corpus: Annotated[Path | None, typer.Option("--corpus", help="corpus.json of the training corpus.")] = None,
        training: Annotated[
            list[Path] | None, typer.Option("--training", help="summary.json of a stage, in order; repeatable.")
        ] = None,
        machine: Annotated[
            str, typer.Option("--machine", help="What trained it, for summaries that do not say so.")
        ] = "",
        architectures: Annotated[
            Path | None, typer.Option("--architectures", help="JSON rows of the controls it was chosen against.")
        ] = None,
        title: Annotated[str, typer.Option("--title", help="The card's heading.")] = TITLE,
        check: Annotated[
            bool, typer.Option("--check", help="Only say what does not agree; exit code 1 if so.")
        ] = False,
    ) -> None:
        """Write the model card from results of `organon model eval`, or check that it is of these weights."""
        from models.card.schema import load_card
        from models.card.verify import check_card, write_card
        from models.checkpoint import locate_checkpoint

        folder = locate_checkpoint(weights or load_settings().checkpoint)
        if results is None and (corpus or training or architectures):
            raise InputError("--corpus, --training and --architectures go into a new card; give --eval DIR as well")
        if check:
            if results is not None:
                raise InputError("--check writes nothing; leave --eval away")
            problems = check_card(folder)
            for problem in problems:
                typer.echo(problem)
            if problems:
                raise typer.Exit(1)
            typer.echo(f"{folder}: card, figures and weights belong together")
            return
        if results is None:
            made = load_card(folder)
        else:
            summaries = [(path, machine) for path in training or ()]
            made = _collect(folder, results, corpus, summaries, architectures, title)
        write_card(folder, made)
        typer.echo(f"{folder / 'README.md'}: {len(made.figures)} figures of {len(made.weights)} weight files")

    return card


def _collect(
    folder: Path,
    results: Path,
    corpus: Path | None,
    summaries: list[tuple[Path, str]],
    architectures: Path | None,
    title: str,
) -> Card:
    from models.card.facts import model_facts
    from models.card.provenance import read_architectures, read_corpus, read_training
    from models.card.schema import Card
    from models.checkpoint import hash_weights
    from models.training.export import weight_hashes
    from tools.evaluation.card_failures import collect_failures
    from tools.evaluation.card_figures import collect_figures, figures_missing, load_reports

    facts = model_facts(folder)
    figures = collect_figures(load_reports(results), hash_weights(folder))
    return Card(
        title=title,
        weights=weight_hashes(folder),
        model=facts,
        figures=figures,
        training=tuple(read_training(path, facts["active_parameters"], machine) for path, machine in summaries),
        corpus=read_corpus(corpus) if corpus else {},
        failures=tuple(collect_failures(results)),
        architectures=tuple(read_architectures(architectures)) if architectures else (),
        unmeasured=tuple(figures_missing(list(figures))),
    )
