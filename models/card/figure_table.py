"""The figures of a card as Markdown: measured beside asked, published beside what differs, and what that means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.card.schema import CardFigure

POCKET_USE = "pocket_use_auroc"
"""The figure that says whether a pocket matters to what is written after it."""
STEERS_FROM = 0.55
"""Below this AUROC the pocket is called decoration (0.5 is chance; asked for by the project's issue on the card)."""
NO_STEERING = "the pocket does not steer generation, docking does"


def format_value(value: float | None, unit: str) -> str:
    """`share` as a percentage with one decimal; other units with three significant digits at least."""
    if value is None:
        return "not computed"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def format_figure(figure: CardFigure) -> str:
    """`93.1 % [91.0, 94.8]`, without brackets where there is no interval."""
    shown = format_value(figure.value, figure.unit)
    if figure.low is None or figure.high is None:
        return shown
    low, high = (format_value(bound, figure.unit).removesuffix(" %") for bound in (figure.low, figure.high))
    return f"{shown} [{low}, {high}]"


def verdict(figure: CardFigure) -> str:
    """What the figure says about what was asked: empty where nothing was asked, else reached (by which mark) or
    missed, and whether the interval reaches across the mark."""
    if figure.at_least is None:
        return ""
    if figure.value is None:
        return "not computed"
    if not _reaches(figure, figure.at_least, figure.value):
        return f"missed{_across(figure, figure.at_least)}"
    if figure.stretch is not None and _reaches(figure, figure.stretch, figure.value):
        return f"stretch reached{_across(figure, figure.stretch)}"
    return f"reached{_across(figure, figure.at_least)}"


def _reaches(figure: CardFigure, mark: float, value: float) -> bool:
    return value >= mark if figure.better == "higher" else value <= mark


def _across(figure: CardFigure, mark: float) -> str:
    if figure.low is None or figure.high is None or not figure.low < mark < figure.high:
        return ""
    return ", the interval reaches across"


def verdict_counts(figures: Mapping[str, CardFigure]) -> str:
    """One sentence: how many thresholds were reached, and the names of those that were not."""
    asked = [figure for figure in figures.values() if figure.at_least is not None]
    missed = [figure.label for figure in asked if verdict(figure).startswith(("missed", "not computed"))]
    if not asked:
        return "No threshold was set."
    if not missed:
        return f"All {len(asked)} thresholds asked of this checkpoint were reached."
    return (
        f"Of {len(asked)} thresholds asked of this checkpoint {len(asked) - len(missed)} were reached; "
        f"**missed: {'; '.join(missed)}**."
    )


def steering_sentence(figures: Mapping[str, CardFigure]) -> str:
    """Whether the pocket steers, decided by the figure; empty where it was not measured."""
    figure = figures.get(POCKET_USE)
    if figure is None or figure.value is None:
        return "Whether the pocket steers generation was not measured; let docking decide what fits a pocket."
    if figure.value < STEERS_FROM:
        return f"**Ligands: {NO_STEERING}** (AUROC {format_figure(figure)}; 0.5 is decoration)."
    return (
        f"Ligands: the pocket shifts what is written (AUROC {format_figure(figure)}; 0.5 is decoration). That is no "
        "statement about affinity: docking and experiments decide what fits."
    )


def figure_lines(figures: Mapping[str, CardFigure]) -> Iterable[str]:
    """A table a group, and below each the definitions."""
    for group in dict.fromkeys(figure.group for figure in figures.values()):
        mine = {name: figure for name, figure in figures.items() if figure.group == group}
        yield from (
            f"### {group}",
            "",
            "| figure | measured | n | asked: at least / stretch | |",
            "|---|---|---|---|---|",
        )
        for figure in mine.values():
            yield (
                f"| {figure.label} | {format_figure(figure)} | {figure.n:,} | {_asked(figure)} | {verdict(figure)} |"
            )
        yield ""
        for figure in mine.values():
            beside = "; ".join(f"{name} {format_value(value, figure.unit)}" for name, value in figure.beside.items())
            yield f"- {figure.label}: {figure.protocol}.{f' Beside it: {beside}.' if beside else ''}"
        for said in dict.fromkeys(_said(figure.settings) for figure in mine.values()):
            yield f"- Settings: {said}."
        yield ""


def _asked(figure: CardFigure) -> str:
    if figure.at_least is None:
        return ""
    first = format_value(figure.at_least, figure.unit)
    return first if figure.stretch is None else f"{first} / {format_value(figure.stretch, figure.unit)}"


_SHOWN_SETTINGS = ("data", "limit", "n", "beams", "augment", "temperature", "seed", "constrained", "device")
_UNSAID = (None, 0, "", False)
"""Settings that need no word; seed and temperature are always said."""


def _said(settings: Mapping[str, Any]) -> str:
    """The settings a reader compares by, and how many cases could not be computed; the command has the rest."""
    kept = [name for name in _SHOWN_SETTINGS if name in ("seed", "temperature") or settings.get(name) not in _UNSAID]
    words = [
        f"{name} {settings[name]}" for name in kept if name in settings and (name, settings[name]) != ("augment", 1)
    ]
    words += [f"{name} {value}" for name, value in settings.get("where", {}).items()]
    if settings.get("not_computable"):
        count = f"{settings['not_computable']:,} of {settings['cases']:,} cases not computable"
        words.append(f"{count} (too long for the context, or refused by the protocol; part of no figure)")
    return ", ".join(words)


def published_lines(figures: Mapping[str, CardFigure]) -> Iterable[str]:
    """A table of every published number beside ours; figures without one are named below it."""
    compared = [figure for figure in figures.values() if figure.published]
    if compared:
        yield from ("| figure | ours | published | source | what differs |", "|---|---|---|---|---|")
    for figure in compared:
        for one in figure.published:
            value = format_value(one.value, figure.unit)
            yield f"| {figure.label} | {format_figure(figure)} | {one.name} {value} | {one.source} | {one.differs} |"
    alone = [figure.label for figure in figures.values() if not figure.published and figure.at_least is not None]
    if alone:
        yield from ("", f"No number published under the same protocol is known to us for: {'; '.join(alone)}.")
