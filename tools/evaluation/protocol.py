"""The contract of an evaluation: what an evaluator is given, what it gives back, what the frame does with it.

An `Evaluator` is one row of the table in `registry`. Its `open(setup)` returns a `Study`, which turns rows of the
data file into `Case`s, has the model answer a batch of them (one `Record` a case) and turns all records into
`Figure`s. The frame (`run`) reads the file, checks columns, picks the rows, batches, stores records, resumes, and
writes the report; a study never touches the records file.

Not promised: that a case is one request. A study may ask the model several times for one case, call tools, or only
score texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.backends.base import Generator

Row = Mapping[str, Any]
"""One row of the data file: strings by column (CSV, TSV, .smi, plain text) or the JSON object (JSONL)."""

Record = dict[str, Any]
"""What is kept of one case: JSON values only. The frame adds `case`; `failed` (a reason) says that the case could not
be computed: it is counted and named in the report and enters no figure."""


@dataclass(frozen=True, slots=True)
class Case:
    """One unit of work: `case_id` is unique in the run and the same in every run over the same file.

    `inputs` is what `models.task_inputs` takes (empty for the unconditioned tasks), `truth` what the answers are held
    against. `failed`: why the row cannot be asked (its truth does not parse); then the model is not asked.
    """

    case_id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    truth: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the report. `low` and `high` bound the 95 % interval made by `interval` ("Wilson", "bootstrap over
    products", ...); all three values are None where nothing could be computed. `n` is what the figure is over."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    definition: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the model is asked. All of it is part of the run's identity: records of other settings never mix.

    `n`: answers an input (samples in all for the unconditioned tasks); `beams` 0 samples, else beam search of that
    width; `augment`: spellings of each input. `options` are the evaluator's own, by name, JSON values.
    """

    n: int = 1
    seed: int = 0
    beams: int = 0
    augment: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 256
    constrained: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a study may use. `tools` are callables injected by the layer above by name ("dock"), so that this
    layer starts no workers; a study that needs an absent one raises `UnavailableError` in `open`."""

    generator: Generator
    settings: Settings
    data: Path
    references: tuple[Path, ...] = ()
    structures: Path | None = None
    tools: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


class Study(Protocol):
    """One evaluation in progress."""

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        """Cases of the rows given, each with its id `row-<number from 1>`: usually one case a row under that id, or
        several under ids that begin with it. A row that cannot be asked gives a Case with `failed`.

        Called once for each usable row; for `samples_are_rows` once with all of them, to give one case a sample.
        """

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        """One record a case, in order. A ModelInputError makes the frame ask the cases one by one and record the
        reason for the one that raises it again; every other exception ends the run, which can be resumed."""

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        """From the records of the cases that did not fail, in the order of the cases. Pure: the same records give
        the same figures, whatever run wrote them."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """One row of `registry.EVALUATORS`.

    `columns`: what the data must have, "a|b" meaning either. `defaults`: settings that differ from `Settings()`'s
    for this task. `options`: the evaluator's own options with their defaults; others are refused. `rows_at_once`:
    cases given to `answer` together. `samples_are_rows`: each sample is a case of its own and `n` only says how many,
    so that a larger `n` goes on from a smaller one. `references`: the run takes further files of known objects.
    `augments`: the study asks `augment` spellings of each input.
    """

    name: str
    title: str
    open: Callable[[Setup], Study]
    columns: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    rows_at_once: int = 64
    samples_are_rows: bool = False
    references: bool = False
    augments: bool = False
