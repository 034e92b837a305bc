"""What runs proposed and how it was judged, in candidate order, and what earlier runs know of the same thing.

Writing is idempotent: a resumed run that hands in the same candidates or results again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Executable, Row, select
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.errors import InputError
from tools.memory.canonical import dump_json
from tools.memory.database import Database
from tools.memory.tables import CandidateRow, ResultRow
from tools.types import Candidate, CheckResult, Goal

_IN_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Sighting:
    """An earlier candidate with the same text, and every check it met in that run."""

    run_id: str
    candidate_id: str
    text: str
    round: int
    results: tuple[CheckResult, ...]

    def value(self, check: str) -> float | None:
        """The number that the named check measured, where it measured one."""
        for result in self.results:
            if result.name == check and isinstance(result.value, int | float):
                return float(result.value)
        return None


class Candidates(Database):
    """Candidates and results."""

    def put_candidates(self, run_id: str, round_number: int, candidates: Iterable[Candidate]) -> None:
        """Store a round's candidates in one transaction. The same again is fine; another one under an id or
        place that is taken is refused, because stored samples are read back, never regenerated."""
        rows = [_candidate_row(run_id, round_number, candidate) for candidate in candidates]
        if not rows:
            return
        with self._writing() as connection:
            connection.execute(insert_sqlite(CandidateRow).on_conflict_do_nothing(), rows)
            statement = select(CandidateRow.candidate_id, CandidateRow.document).where(
                CandidateRow.run_id == run_id, CandidateRow.round == round_number
            )
            stored = {row.candidate_id: row.document for row in connection.execute(statement)}
            for row in rows:
                if stored.get(str(row["candidate_id"])) != row["document"]:
                    raise InputError(
                        f"run {run_id} round {round_number} holds another candidate than {row['candidate_id']} "
                        f"({row['text']}) under this id or index {row['position']}"
                    )

    def candidates(self, run_id: str, round_number: int | None = None) -> list[Candidate]:
        """A run's candidates in (round, index) order, of all rounds or one."""
        statement = (
            select(CandidateRow.document)
            .where(CandidateRow.run_id == run_id)
            .order_by(CandidateRow.round, CandidateRow.position)
        )
        if round_number is not None:
            statement = statement.where(CandidateRow.round == round_number)
        with self._reading() as connection:
            return [Candidate.from_json(json.loads(text)) for text in connection.execute(statement).scalars()]

    def put_results(self, run_id: str, candidate_id: str, results: Sequence[CheckResult]) -> None:
        self.put_all_results(run_id, {candidate_id: results})

    def put_all_results(self, run_id: str, results: dict[str, Sequence[CheckResult]]) -> None:
        """Store each candidate's results in their order, in one transaction. What a candidate already has at
        a position stays; handing in a longer list later adds the rest."""
        rows = [
            _result_row(run_id, candidate_id, position, result)
            for candidate_id, listed in results.items()
            for position, result in enumerate(listed)
        ]
        if rows:
            with self._writing() as connection:
                connection.execute(insert_sqlite(ResultRow).on_conflict_do_nothing(), rows)

    def results(self, run_id: str) -> dict[str, list[CheckResult]]:
        """Candidate id -> its results in order; candidates without results are absent."""
        found: dict[str, list[CheckResult]] = {}
        statement = (
            select(ResultRow.candidate_id, ResultRow.document)
            .where(ResultRow.run_id == run_id)
            .order_by(ResultRow.candidate_id, ResultRow.position)
        )
        with self._reading() as connection:
            for row in connection.execute(statement):
                found.setdefault(row.candidate_id, []).append(CheckResult.from_json(json.loads(row.document)))
        return found

    def seen_before(
        self, texts: Sequence[str], by: str, goal: Goal, not_in_run: str | None = None
    ) -> dict[str, Sighting]:
        """Earlier candidates with these texts: for each text the one whose check `by` has the best value (a
        known value before none, then the earliest run), among those that have results. `not_in_run` leaves a
        run out."""
        best: dict[str, Sighting] = {}
        for sighting in self.sightings(texts, not_in_run):
            held = best.get(sighting.text)
            if held is None or _better(sighting.value(by), held.value(by), goal):
                best[sighting.text] = sighting
        return best

    def sightings(self, texts: Sequence[str], not_in_run: str | None = None) -> list[Sighting]:
        """Every earlier candidate with one of these texts that has results, oldest run first."""
        found: list[Sighting] = []
        with self._reading() as connection:
            for start in range(0, len(texts), _IN_CHUNK):
                statement = _sighting_statement(texts[start : start + _IN_CHUNK], not_in_run)
                found.extend(_group(connection.execute(statement).all()))
        return sorted(found, key=lambda s: (s.run_id, s.round))


def _sighting_statement(texts: Sequence[str], not_in_run: str | None) -> Executable:
    statement = (
        select(
            CandidateRow.run_id,
            CandidateRow.candidate_id,
            CandidateRow.text,
            CandidateRow.round,
            ResultRow.document,
        )
        .join(
            ResultRow,
            (ResultRow.run_id == CandidateRow.run_id) & (ResultRow.candidate_id == CandidateRow.candidate_id),
        )
        .where(CandidateRow.text.in_(texts))
        .order_by(CandidateRow.run_id, CandidateRow.candidate_id, ResultRow.position)
    )
    return statement if not_in_run is None else statement.where(CandidateRow.run_id != not_in_run)


def _group(rows: Sequence[Row[Any]]) -> list[Sighting]:
    grouped: dict[tuple[str, str, str, int], list[CheckResult]] = {}
    for row in rows:
        key = (row.run_id, row.candidate_id, row.text, row.round)
        grouped.setdefault(key, []).append(CheckResult.from_json(json.loads(row.document)))
    return [Sighting(*key, tuple(results)) for key, results in grouped.items()]


def _better(new: float | None, held: float | None, goal: Goal) -> bool:
    if new is None or held is None:
        return new is not None
    return new < held if goal == "minimize" else new > held


def _candidate_row(run_id: str, round_number: int, candidate: Candidate) -> dict[str, str | int]:
    if candidate.round != round_number:
        raise InputError(f"candidate {candidate.candidate_id} is of round {candidate.round}, not {round_number}")
    return {
        "run_id": run_id,
        "candidate_id": candidate.candidate_id,
        "round": candidate.round,
        "position": candidate.index,
        "text": candidate.text,
        "document": dump_json(candidate.to_json(), f"candidate {candidate.candidate_id}"),
    }


def _result_row(
    run_id: str, candidate_id: str, position: int, result: CheckResult
) -> dict[str, str | int | float | None]:
    return {
        "run_id": run_id,
        "candidate_id": candidate_id,
        "position": position,
        "name": result.name,
        "verdict": str(result.verdict),
        "value": float(result.value) if isinstance(result.value, int | float) else None,
        "call_id": result.call_id,
        "document": dump_json(result.to_json(), f"result {result.name} of candidate {candidate_id}"),
    }
