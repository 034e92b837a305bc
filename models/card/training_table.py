"""How a checkpoint was trained, as Markdown: compute, mixture, validation losses and what reinforcement changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Stages = Sequence[Mapping[str, Any]]


def training_lines(stages: Stages) -> Iterable[str]:
    """The section on training; `stages` are summaries as `provenance.read_training` gives them."""
    yield from ("## Training", "")
    if not stages:
        yield from ("Not recorded.", "")
        return
    yield from table_lines([_compute(stage) for stage in stages])
    if any("flops" in stage for stage in stages):
        estimated = any(stage.get("flops_estimated") for stage in stages)
        how = "; 6 x active parameters x tokens where the run did not count them" if estimated else ""
        yield from ("", f"Floating-point operations are those the training steps need by the architecture{how}.")
    yield ""
    yield from _losses(stages)
    for stage in stages:
        yield from _change(stage)


def _compute(stage: Mapping[str, Any]) -> dict[str, str]:
    minutes, tokens = stage.get("minutes"), stage.get("tokens_seen")
    return {
        "stage": str(stage["stage"]),
        "configuration": str(stage["config"].get("name", "")),
        "steps": _number(stage.get("steps")),
        "tokens": "" if tokens is None else f"{tokens / 1e6:.1f} million",
        "samples": _number(stage.get("samples")),
        "minutes": _number(minutes),
        "tokens a second": _number(round(tokens / (60 * minutes))) if tokens and minutes else "",
        "processes": _number(stage.get("processes")),
        "floating-point operations": f"{stage['flops']:.1e}" if "flops" in stage else "",
        "machine": str(stage.get("machine", "")),
    }


def _losses(stages: Stages) -> Iterable[str]:
    """The last validation loss of each stage that has one, and the mixture of each, by modality."""
    mixtures = {str(s["stage"]): s["config"]["mixture"] for s in stages if s["config"].get("mixture")}
    losses = {str(s["stage"]): s["validation"] for s in stages if s.get("validation")}
    names = sorted({name for table in (*mixtures.values(), *losses.values()) for name in table})
    rows = []
    for name in names:
        row = {"modality": name}
        for stage, mixture in mixtures.items():
            share = 100 * mixture.get(name, 0.0) / sum(mixture.values())
            row[f"share of tokens, {stage}"] = f"{share:.1f} %" if name in mixture else ""
        for stage, loss in losses.items():
            row[f"validation loss after {stage}, nats a token"] = _number(loss.get(name))
        rows.append(row)
    if rows:
        yield from (*table_lines(rows), "")


def _change(stage: Mapping[str, Any]) -> Iterable[str]:
    """Figures of a stage that measures itself before and after, on held-out prompts, and why it stopped early."""
    before, after = stage.get("before"), stage.get("after")
    if stage.get("stopped"):
        yield from (f"Stage {stage['stage']} was stopped: {stage['stopped']}.", "")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return
    flat_before, flat_after = _flat(before), _flat(after)
    rows = [
        {f"{stage['stage']}": name, "before": _number(flat_before.get(name)), "after": _number(flat_after.get(name))}
        for name in flat_after
    ]
    if rows:
        yield from (*table_lines(rows), "")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{name} "))
        elif isinstance(value, int | float):
            found[f"{prefix}{name}"] = value
    return found


def table_lines(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """A Markdown table of rows with the same keys; columns that are empty throughout are left out."""
    names = [name for name in rows[0] if any(str(row.get(name, "")) for row in rows)] if rows else []
    if not names:
        return
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(_cell(row.get(name, "")) for name in names) + " |"


def _cell(value: Any) -> str:
    return (_number(value) if isinstance(value, int | float) else str(value)).replace("|", "\\|")


def _number(value: float | None) -> str:
    """Whole numbers with thousands marked, others to four significant digits; empty for None."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
