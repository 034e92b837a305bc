"""Inputs through a model into result lines: settings by the kind of input, wrong lines reported, the rest
answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.interface.model_inputs import LineFault
from agent.interface.result_lines import ResultLines
from tools.errors import InputError

if TYPE_CHECKING:
    from models.backends.base import Generator
    from models.grammar.tasks import Task
    from models.inference import Ranked, SamplingOptions
    from models.task_inputs import Asked

FORMATS = ("organon", "logos")
PROGRESS_SECONDS = 10.0
"""Between two words on stderr about how many lines are in the file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user said about decoding and output; None: by the kind of input. `augment`: spellings in which each
    input is asked, answers voted."""

    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    beams: int = 0
    constrained: bool | None = None
    seed: int = 0
    distinct: bool = False
    augment: int = 1
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
    from models.reactions.spelled_inputs import check_augment

    logos = wanted.form == "logos"
    if wanted.form is None:
        logos = any(one.in_logos_form for _, one in inputs.asked)
    n, options = _settled(task, logos, wanted)
    check_augment(task, wanted.augment)
    faults, asked = list(inputs.faults), [one for _, one in inputs.asked]
    answers: Iterator[Ranked] = iter(())
    if asked:
        answers, refused = _start(load(), task, inputs, n, options, wanted, logos)
        faults += refused
    with ResultLines(file) as lines:
        for fault in sorted(faults, key=lambda fault: fault.number):
            sys.stderr.write(f"line {fault.number}: {fault.error}\n")
            if not logos:
                lines.write(fault.row())
        told = time.monotonic()
        for answer in answers:
            lines.write(_row(answer, logos))
            if file is not None and time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                sys.stderr.write(f"{lines.n_written} lines so far\n")
        if file is not None:
            sys.stderr.write(f"{lines.n_written} lines in {file}\n")
    return not faults


def _settled(task: Task, logos: bool, wanted: Wanted) -> tuple[int, SamplingOptions]:
    """Number of samples and decoding settings; ModelInputError where one is out of its span."""
    from models.inference import LOGOS_OPTIONS, PLAIN_OPTIONS, check_settings
    from models.logos import SAMPLES

    names = ("temperature", "top_p", "repetition_penalty", "max_new_tokens")
    said: dict[str, Any] = {name: getattr(wanted, name) for name in names if getattr(wanted, name) is not None}
    default = LOGOS_OPTIONS if logos else PLAIN_OPTIONS
    constrained = not logos if wanted.constrained is None else wanted.constrained
    options = replace(default, **said, beams=wanted.beams, constrained=constrained)
    n = wanted.n if wanted.n is not None else (SAMPLES.get(task, 10) if logos else 1)
    check_settings(n, wanted.seed, options)
    return n, options


def _start(
    generator: Generator,
    task: Task,
    inputs: Inputs,
    n: int,
    options: SamplingOptions,
    wanted: Wanted,
    logos: bool,
) -> tuple[Iterator[Ranked], list[LineFault]]:
    """Answers to come, and the inputs the model itself refuses: longer than its context, say.

    LOGOS's materials come as they finish, as there: all 10,000 are one input.
    """
    from models.conditions import need_conditions
    from models.errors import ModelInputError
    from models.inference import answer_inputs, need_tags
    from models.reactions.voted_answers import answer_voted, refused_spellings

    asked = [one for _, one in inputs.asked]
    codec = getattr(generator, "codec", None)  # None: the model is served elsewhere and does not show its tokenizer
    if codec is not None:
        need_tags(codec.tags, task)
        need_conditions(codec.id_of, [tags for one in asked for tags in one.bins])
    ranked = not (logos and task == "material" and not wanted.distinct)

    def answers(asked: list[Asked]) -> Iterator[Ranked]:
        if wanted.augment > 1:
            return answer_voted(
                generator.generate, task, asked, n=n, augment=wanted.augment, seed=wanted.seed, options=options
            )
        return answer_inputs(
            generator.generate,
            task,
            asked,
            n=n,
            seed=wanted.seed,
            options=options,
            distinct=wanted.distinct,
            ranked=ranked,
        )

    try:
        return answers(asked), []
    except ModelInputError:
        refused = refused_spellings(
            generator.generate, task, asked, augment=wanted.augment, seed=wanted.seed, options=options
        )
        if not refused or not inputs.from_lines:
            raise
    faults = [LineFault(inputs.asked[at][0], reason, asked[at].name) for at, reason in refused.items()]
    left = [one for at, one in enumerate(asked) if at not in refused]
    return (answers(left) if left else iter(())), faults


def _row(answer: Ranked, logos: bool) -> dict[str, Any]:
    from models.logos import render_logos_line

    if not logos:
        return answer.row()
    whole = answer.asked.prompt + answer.sample.text
    return render_logos_line(answer.task, answer.asked.given, whole, answer.sample.perplexity)
