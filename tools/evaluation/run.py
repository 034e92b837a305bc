"""Runs one evaluation: rows to cases, batches to the model, records to disk, figures and the report at the end.

A case that could not be computed (its row does not parse, its prompt is longer than the model's context) is recorded
with the reason, counted as failed and part of no figure; it is never a wrong answer. Resuming a run gives the report
of an undisturbed one, the seconds apart, where the checkpoint runs in float32 on one device (the Generator contract).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from models.backends.base import Request, validate_request
from models.errors import ModelInputError
from tools.errors import InputError
from tools.evaluation.data_files import (
    DataRow,
    choose_rows,
    filter_rows,
    hash_file,
    missing_value,
    need_columns,
    read_rows,
    split_counts,
)
from tools.evaluation.protocol import Case, Evaluator, Record, Settings, Setup, Study
from tools.evaluation.records import RecordFile
from tools.evaluation.report import build_report, write_report


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: cases done of `total` (of which `resumed` were read from an earlier run), `failed` of them
    not computable."""

    done: int
    total: int
    resumed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of the data file: `where` column = value, then a seeded random `limit` of them (None: all)."""

    where: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None


def settings_for(evaluator: Evaluator, given: Mapping[str, Any], options: Mapping[str, Any]) -> Settings:
    """`given` over the evaluator's defaults over `Settings()`'s; InputError for what no request may carry."""
    unknown = [name for name in options if name not in evaluator.options]
    if unknown:
        known = ", ".join(evaluator.options) or "none"
        raise InputError(f"evaluation {evaluator.name} has no option {unknown[0]!r}; its options: {known}")
    settings = replace(Settings(options={**evaluator.options, **options}), **{**evaluator.defaults, **given})
    if settings.augment < 1:
        raise InputError(f"augment must be a whole number >= 1, got {settings.augment}")
    if settings.augment > 1 and not evaluator.augments:
        raise InputError(f"evaluation {evaluator.name} has one spelling of each input; leave augment at 1")
    validate_request(_probe(settings, 1 if evaluator.samples_are_rows else settings.n))
    return settings


def _probe(settings: Settings, n: int) -> Request:
    return Request(
        prompt="",
        n=n,
        temperature=settings.temperature,
        top_p=settings.top_p,
        repetition_penalty=settings.repetition_penalty,
        max_new_tokens=settings.max_new_tokens,
        seed=settings.seed,
        beams=settings.beams,
        constrained=settings.constrained,
    )


def run_evaluation(
    evaluator: Evaluator,
    setup: Setup,
    *,
    selection: Selection | None = None,
    out: Path | None = None,
    checkpoint_path: str = "",
    parts: Sequence[Path] = (),
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The report, JSON values: task, title, figures, settings, checkpoint, data, n_rows, n_failed, failed, seconds,
    versions. With `out`, records go to `<task>.records.jsonl` and the report to `<task>.json` there.

    `parts` are records files of the same run that `answer_part` wrote; theirs are taken over first. `on_note` gets
    lines a person should read (a file of several splits evaluated whole).
    """
    started = time.monotonic()
    selection = selection or Selection()
    study, cases, identity = _open(evaluator, setup, selection, on_note)
    with ExitStack() as stack:
        store = None
        if out is not None:
            store = stack.enter_context(RecordFile(out / f"{evaluator.name}.records.jsonl", identity))
            for path in parts:
                with RecordFile(path, identity) as part:
                    store.append([found for case, found in part.finished.items() if case not in store.finished])
        finished = dict(store.finished) if store else {}
        resumed = sum(case.case_id in finished for case in cases)
        for records in _answered(evaluator, study, cases, finished):
            if store:
                store.append(records)
            finished.update({record["case"]: record for record in records})
            on_progress(_progress(cases, finished, resumed))
        on_progress(_progress(cases, finished, resumed))
        ordered = [finished[case.case_id] for case in cases]
        figures = study.figures([record for record in ordered if not record.get("failed")])
        report = build_report(evaluator, setup, identity, ordered, figures, checkpoint_path, asdict(selection))
        report["seconds"] = round(time.monotonic() - started, 3)
        if out is not None:
            write_report(out / f"{evaluator.name}.json", report)
    return report


def answer_part(
    evaluator: Evaluator, setup: Setup, *, selection: Selection, records: Path, part: int, n_parts: int
) -> None:
    """Answer every `n_parts`-th batch of cases, from number `part` (0-based) on, into the file `records`; resumable.

    For several processes on one evaluation: each sees all cases (other cases may be context), answers its own batches,
    and `run_evaluation(parts=...)` then makes the report an undivided run would have made.
    """
    if not 0 <= part < n_parts:
        raise ValueError(f"part {part} is not one of {n_parts} parts")
    study, cases, identity = _open(evaluator, setup, selection, lambda _: None)
    with RecordFile(records, identity) as store:
        for found in _answered(evaluator, study, cases, dict(store.finished), part, n_parts):
            store.append(found)


def _open(
    evaluator: Evaluator, setup: Setup, selection: Selection, on_note: Callable[[str], None]
) -> tuple[Study, list[Case], dict[str, Any]]:
    """The study, its cases and what the run is of."""
    if selection.limit is not None and selection.limit < 1:
        raise InputError(f"limit must be a whole number >= 1, got {selection.limit}")
    if selection.limit is not None and evaluator.samples_are_rows:
        raise InputError(f"evaluation {evaluator.name} has no rows to limit, its file is the reference; give n samples")
    rows = _chosen(evaluator, setup, selection, on_note)
    identity = _identity(evaluator, setup, selection)
    study = evaluator.open(setup)
    return study, _cases(evaluator, study, rows), identity


def _chosen(evaluator: Evaluator, setup: Setup, selection: Selection, on_note: Callable[[str], None]) -> list[DataRow]:
    rows = read_rows(setup.data)
    need_columns(setup.data, rows, evaluator.columns)
    counts = split_counts(rows)
    if len(counts) > 1 and "split" not in selection.where:
        shown = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        on_note(f"{setup.data} holds several splits ({shown}), all are used; choose one with --where split=NAME")
    rows = filter_rows(setup.data, rows, selection.where)
    return rows if evaluator.samples_are_rows else choose_rows(rows, selection.limit, setup.settings.seed)


def _cases(evaluator: Evaluator, study: Study, rows: Sequence[DataRow]) -> list[Case]:
    """Cases of the usable rows by the study, and of the others with their reason, in the order of the rows."""
    if evaluator.samples_are_rows:
        return _distinct(study.cases([(row.row_id, row.values) for row in rows if not row.fault]))
    cases: list[Case] = []
    for row in rows:
        reason = row.fault or missing_value(row, evaluator.columns)
        cases += [Case(row.row_id, failed=reason)] if reason else list(study.cases([(row.row_id, row.values)]))
    return _distinct(cases)


def _distinct(cases: Any) -> list[Case]:
    found = list(cases)
    names = {case.case_id for case in found}
    if len(names) != len(found):
        raise ValueError("an evaluator gave two cases the same id")
    return found


def _answered(
    evaluator: Evaluator,
    study: Study,
    cases: Sequence[Case],
    finished: Mapping[str, Record],
    part: int = 0,
    n_parts: int = 1,
) -> Iterator[list[Record]]:
    """Records of the cases not finished yet, batch by batch; batches are cut at the same places in every run, and
    every `n_parts`-th from `part` on is answered."""
    done = set(finished)
    size = evaluator.rows_at_once
    for start in range(part * size, len(cases), n_parts * size):
        batch = [case for case in cases[start : start + size] if case.case_id not in done]
        if not batch:
            continue
        askable = [case for case in batch if not case.failed]
        records = {case.case_id: _failed(case, case.failed) for case in batch if case.failed}
        records.update(_ask(study, askable))
        yield [records[case.case_id] for case in batch]


def _ask(study: Study, cases: Sequence[Case]) -> dict[str, Record]:
    """Records by case id. Where the model refuses an input of the batch, each case is asked alone."""
    if not cases:
        return {}
    try:
        records = study.answer(cases)
    except ModelInputError as fault:
        if len(cases) == 1:
            return {cases[0].case_id: _failed(cases[0], str(fault))}
        found: dict[str, Record] = {}
        for case in cases:
            found.update(_ask(study, [case]))
        return found
    return {case.case_id: {"case": case.case_id, **record} for case, record in zip(cases, records, strict=True)}


def _failed(case: Case, reason: str) -> Record:
    return {"case": case.case_id, "failed": reason}


def _progress(cases: Sequence[Case], finished: Mapping[str, Record], resumed: int) -> Progress:
    here = [finished[case.case_id] for case in cases if case.case_id in finished]
    return Progress(len(here), len(cases), resumed, sum(bool(record.get("failed")) for record in here))


def _identity(evaluator: Evaluator, setup: Setup, selection: Selection) -> dict[str, Any]:
    """What records must share to stand in one file. How many rows or samples are taken is no part of it."""
    settings = asdict(setup.settings)
    if evaluator.samples_are_rows:
        settings.pop("n")
    return {
        "task": evaluator.name,
        "settings": settings,
        "where": dict(selection.where),
        "data_sha256": hash_file(setup.data),
        "references_sha256": [hash_file(path) for path in setup.references],
        "structures": None if setup.structures is None else _listing(setup.structures),
        "checkpoint_sha256": setup.generator.checkpoint_hash,
        "device": setup.generator.device,
    }


def _listing(folder: Path) -> str:
    """SHA-256 over names and sizes of the files below `folder`."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a directory of structures")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    listed = [f"{path.relative_to(folder)} {path.stat().st_size}" for path in files]
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()
