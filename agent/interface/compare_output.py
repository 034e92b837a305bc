"""How a comparison of two runs shows in a terminal."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.table import Table

from agent.interface.compare_schemas import Comparison, Sample, ScoreComparison
from agent.interface.output import output
from agent.report.wording import COUNT_UNITS, duration, label, number, plain, unit

MAX_FOLDED = 60


def print_comparison(found: Comparison) -> None:
    """Runs, settings, funnel, scores, overlap, and what to know before reading the numbers."""
    _print_runs(found)
    _print_differences(found)
    _print_funnel(found)
    _print_scores(found)
    over = found.overlap
    output.print(
        f"candidates: {over.candidates[0]} in A, {over.candidates[1]} in B, {over.identical} in both "
        f"({over.n_identical_docked} docked in both); {over.ranked_similar} ranked ones of A have another ranked in B "
        f"with Tanimoto >= {over.threshold:g}"
        + (f", mean nearest {over.mean_nearest:.2f}" if over.mean_nearest is not None else "")
    )
    for note in found.notes:
        output.print(f"- {note}")


def _print_runs(found: Comparison) -> None:
    table = _table("", "A", "B")
    a, b = found.a, found.b
    rows = [
        ("run", f"{a.run_id} {a.name}", f"{b.run_id} {b.name}"),
        ("state", a.state, b.state),
        ("target", a.target, b.target),
        ("docking", a.docking, b.docking),
        ("seed", str(a.seed), str(b.seed)),
        ("wall time", duration(a.seconds), duration(b.seconds)),
        ("generated, docked, passed, ranked", *(f"{r.generated}, {r.docked}, {r.passed}, {r.ranked}" for r in (a, b))),
    ]
    for row in rows:
        table.add_row(*row)
    output.print(table)


def _print_differences(found: Comparison) -> None:
    differences = [*found.settings, *found.versions]
    if not differences:
        output.print("same settings and versions")
        return
    table = _table("differs", "A", "B")
    for one in differences:
        table.add_row(one.key, plain(one.a)[:MAX_FOLDED], plain(one.b)[:MAX_FOLDED])
    output.print(table)


def _print_funnel(found: Comparison) -> None:
    table = _table("funnel: in, passed, failed, undecided", "A", "B")
    stages = [{stage.stage: stage for stage in funnel} for funnel in (found.funnel_a, found.funnel_b)]
    for name in dict.fromkeys([*stages[0], *stages[1]]):
        held = [funnel.get(name) for funnel in stages]
        shown = [f"{s.entered}, {s.passed}, {s.failed}, {s.unknown}" if s is not None else "–" for s in held]
        table.add_row(label(name), *shown)
    output.print(table)


def _print_scores(found: Comparison) -> None:
    table = _table("score", "of", "A: n, best, mean of best", "B: n, best, mean of best", "A - B (95 % interval)")
    for one in found.scores:
        table.add_row(
            label(one.score) if one.unit in COUNT_UNITS else f"{label(one.score)} {unit(one.unit)}".strip(),
            one.of,
            _sample(one.a),
            _sample(one.b),
            _difference(one),
        )
    output.print(table)


def _sample(sample: Sample) -> str:
    return f"{sample.n}, {number(sample.best)}, {number(sample.best_mean)}" if sample.n else "none"


def _difference(one: ScoreComparison) -> str:
    if not one.comparable or one.difference is None:
        return f"not compared: {one.reason}"
    text = f"{one.difference:+.3g}"
    if one.low is None or one.high is None:
        return f"{text} ({one.reason})"
    said = f", {one.better.upper()} better" if one.decided else ", no difference shown"
    return f"{text} ({one.low:+.3g} to {one.high:+.3g}{said})"


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
