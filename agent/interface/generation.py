"""Inputs through a model into result lines: settings by the kind of input, wrong lines reported, the rest
answered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agent.interface.model_inputs import LineFault
from agent.interface.result_lines import ResultLines
from tools.errors import InputError

if TYPE_CHECKING:
    from models.backends.base import Generator
    from models.grammar.tasks import Task
    from models.inference import SamplingOptions
    from models.task_inputs import Asked

FORMATS = ("organon", "logos")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user said about decoding and output; None: by the kind of input."""

    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    beams: int = 0
    constrained: bool = False
    seed: int = 0
    distinct: bool = False
    form: str | None = None

    def __post_init__(self) -> None:
        if self.form is not None and self.form not in FORMATS:
            raise InputError(f"--format must be one of {', '.join(FORMATS)}, got {self.form!r}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs understood, each with its line number, and the lines that are none. `from_lines` is off for the
    one input of options, whose faults end the command."""

    asked: tuple[tuple[int, Asked], ...]
    faults: tuple[LineFault, ...] = ()
    from_lines: bool = True


def generate_lines(
    task: Task, inputs: Inputs, wanted: Wanted, load: Callable[[], Generator], file: Path | None
) -> bool:
    """Answer `inputs` into `file` (None: stdout). False where an input was wrong. Nothing is loaded before the
    settings are seen to be right, nor where there is nothing to answer."""
    from models.inference import need_tags

    logos = wanted.form == "logos"
    if wanted.form is None:
        logos = any(one.in_logos_form for _, one in inputs.asked)
    n, options = _settled(task, logos, wanted)
    faults, asked = list(inputs.faults), [one for _, one in inputs.asked]
    generator = load() if asked else None
    if generator is not None:
        known = _known_tags(generator)
        if known is not None:
            need_tags(known, task)
        refused = _refused(generator, task, inputs, options)
        faults += refused.values()
        asked = [one for at, one in enumerate(asked) if at not in refused]
    with ResultLines(file) as lines:
        for fault in sorted(faults, key=lambda fault: fault.number):
            sys.stderr.write(f"line {fault.number}: {fault.error}\n")
            if not logos:
                lines.write(fault.row())
        if generator is not None and asked:
            for row in _rows(generator, task, asked, n, options, wanted, logos):
                lines.write(row)
        if file is not None:
            typer.echo(f"{lines.n_written} lines in {file}", err=True)
    return not faults


def _settled(task: Task, logos: bool, wanted: Wanted) -> tuple[int, SamplingOptions]:
    """Number of samples and decoding settings; ModelInputError where one is out of its span."""
    from models.inference import LOGOS_OPTIONS, PLAIN_OPTIONS, check_settings
    from models.logos import SAMPLES

    names = ("temperature", "top_p", "repetition_penalty", "max_new_tokens")
    said: dict[str, Any] = {name: getattr(wanted, name) for name in names if getattr(wanted, name) is not None}
    default = LOGOS_OPTIONS if logos else PLAIN_OPTIONS
    options = replace(default, **said, beams=wanted.beams, constrained=wanted.constrained)
    n = wanted.n if wanted.n is not None else (SAMPLES.get(task, 10) if logos else 1)
    check_settings(n, wanted.seed, options)
    return n, options


def _refused(generator: Generator, task: Task, inputs: Inputs, options: SamplingOptions) -> dict[int, LineFault]:
    """Inputs the model itself refuses, by place: longer than its context, say."""
    from models.inference import refused_inputs

    asked = [one for _, one in inputs.asked]
    refused = refused_inputs(generator.generate, task, asked, options)
    if refused and not inputs.from_lines:
        raise InputError(next(iter(refused.values())))
    return {at: LineFault(inputs.asked[at][0], reason, asked[at].name) for at, reason in refused.items()}


def _rows(
    generator: Generator,
    task: Task,
    asked: list[Asked],
    n: int,
    options: SamplingOptions,
    wanted: Wanted,
    logos: bool,
) -> Iterator[dict[str, Any]]:
    """Answers as JSON-ready rows. LOGOS's materials come as they finish, as there: all 10,000 are one input."""
    from models.inference import answer_inputs
    from models.logos import render_logos_line

    ranked = not (logos and task == "material" and not wanted.distinct)
    answers = answer_inputs(
        generator.generate,
        task,
        asked,
        n=n,
        seed=wanted.seed,
        options=options,
        distinct=wanted.distinct,
        ranked=ranked,
    )
    for answer in answers:
        if logos:
            whole = answer.asked.prompt + answer.sample.text
            yield render_logos_line(task, answer.asked.given, whole, answer.sample.perplexity)
        else:
            yield answer.row()


def _known_tags(generator: Generator) -> list[str] | None:
    """The tags of the model's tokenizer; None where the model is served elsewhere and does not show it."""
    codec = getattr(generator, "codec", None)
    return None if codec is None else list(codec.tags)
