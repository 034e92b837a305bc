"""Fitness landscapes of one protein: reading the tables, start sets by GGS's rule, fitness on one scale.

GGS (Kirjner et al. 2024, ICLR, doi 10.48550/arXiv.2307.00494): a start set holds sequences of low fitness that are
several edits away from every one of the best percent. medium: 20th to 40th percentile, at least 6 edits; hard: below
the 30th, at least 7. Fitness is min-max normalised by the whole table. Not promised: that the rule gives the official
GFP sets on a table that lacks rows of theirs; where a table marks official membership, that is used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tools.errors import InputError
from tools.evaluation.edit_distance import is_farther_than
from tools.evaluation.protocol import Row
from tools.protein.known_proteins import AVGFP
from tools.protein.known_proteins import GB1 as DOMAIN_B1
from tools.protein.mutations import find_mutations, make_mutations

GFP = make_mutations(AVGFP.sequence, find_mutations("F64L"))[1:]
"""Wild type of Sarkisyan et al. 2016, doi 10.1038/nature17995: avGFP with F64L, without its first Met, as its mutations
count."""
GB1 = DOMAIN_B1.sequence
"""Protein G domain B1 as Wu et al. 2016 have it, doi 10.7554/eLife.16965, who varied V39, D40, G41 and V54."""
GB1_SITES = (38, 39, 40, 53)


@dataclass(frozen=True, slots=True)
class StartRule:
    """Percentiles of fitness between which a start sequence lies, and its least distance to the best
    `top_percent`."""

    low_percentile: float
    high_percentile: float
    gap: int
    top_percent: float = 1.0


RULES = {"medium": StartRule(20.0, 40.0, 6), "hard": StartRule(0.0, 30.0, 7)}


@dataclass(frozen=True, slots=True)
class Landscape:
    """Measured sequences and their fitness as the table has it: `rows` one by one, `fitness` by sequence. `sites` are
    the positions that a designed chain may differ in (0-based; empty: all); `marked` official start sets by name."""

    kind: str
    rows: tuple[tuple[str, float], ...]
    fitness: Mapping[str, float]
    sites: tuple[int, ...] = ()
    marked: Mapping[str, frozenset[str]] | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        values = self.fitness.values()
        return min(values), max(values)

    def normalised(self, fitness: float) -> float:
        """(fitness - min) / (max - min) of the whole table; may leave 0..1 for an evaluator's prediction."""
        low, high = self.bounds
        return (fitness - low) / (high - low)


def build_landscape(rows: Sequence[Row]) -> Landscape:
    """From rows of one of the known tables: `variant4`, `fitness` (GB1, complete) | `mutations`, `score` (GFP) |
    `sequence`, `score` or `fitness` (any). Of repeated sequences the last row counts. InputError otherwise."""
    if not rows:
        raise InputError("the landscape has no rows")
    columns = set(rows[0])
    if {"variant4", "fitness"} <= columns:
        pairs = tuple((_gb1(str(row.get("variant4"))), _number(row, "fitness")) for row in rows)
        return _checked(Landscape("gb1", pairs, dict(pairs), GB1_SITES))
    score = "score" if "score" in columns else "fitness"
    if score not in columns or not columns & {"sequence", "mutations"}:
        raise InputError(f"no landscape in columns {', '.join(sorted(columns))}; expected sequence and score")
    if "sequence" in columns:
        named = [(str(row.get("sequence") or "").upper(), row) for row in rows]
    else:
        named = [(mutate(GFP, str(row.get("mutations") or "")), row) for row in rows]
    pairs = tuple((sequence, _number(row, score)) for sequence, row in named)
    marked = {
        name: frozenset(sequence for sequence, row in named if str(row.get(f"ggs_{name}")) == "1")
        for name in RULES
        if f"ggs_{name}" in columns
    }
    return _checked(Landscape("gfp" if "mutations" in columns else "sequences", pairs, dict(pairs), (), marked or None))


def _number(row: Row, column: str) -> float:
    try:
        value = float(row.get(column, ""))
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{column} of the row {dict(row)!r} is not a finite number; every row must be measured")
    return value


def _checked(landscape: Landscape) -> Landscape:
    low, high = landscape.bounds
    if not low < high:
        raise InputError("all sequences of the landscape have one fitness; it cannot be normalised")
    return landscape


def _gb1(variant: str) -> str:
    if len(variant) != len(GB1_SITES):
        raise InputError(f"GB1 variant {variant!r} is not four residues")
    letters = list(GB1)
    for site, letter in zip(GB1_SITES, variant, strict=True):
        letters[site] = letter
    return "".join(letters)


def mutate(sequence: str, mutations: str) -> str:
    """`sequence` with substitutions such as A108D (0-based, comma between) made; InputError for a wrong old letter."""
    letters = list(sequence)
    for mutation in filter(None, mutations.split(",")):
        old, place, new = mutation[0], mutation[1:-1], mutation[-1]
        if not place.isdigit() or int(place) >= len(letters) or letters[int(place)] != old:
            raise InputError(f"mutation {mutation!r} does not fit the wild type of {len(letters)} residues")
        letters[int(place)] = new
    return "".join(letters)


def start_set(landscape: Landscape, name: str, rule: StartRule | None = None) -> list[str]:
    """Sequences to start from, sorted. `name` medium or hard; official membership where the table marks it and no
    `rule` is given, else the rule. InputError where the set would be empty."""
    if rule is None and landscape.marked and name in landscape.marked:
        chosen = sorted(landscape.marked[name])
    else:
        if rule is None and name not in RULES:
            raise InputError(f"start set {name!r} is not one of {', '.join(RULES)}")
        chosen = sorted(set(select_by_rule(landscape.rows, rule or RULES[name])))
    if not chosen:
        raise InputError(f"the start set {name!r} of this landscape is empty; widen the percentiles or lower the gap")
    return chosen


def select_by_rule(rows: Sequence[tuple[str, float]], rule: StartRule) -> list[str]:
    """Sequences of the rows between the percentiles that are at least `gap` edits from every one of the best percent.

    Percentiles are over rows, a repeated sequence counting as often as it stands there, as in the official sets. Takes
    half a minute for the 44,000 AAV rows, and minutes where chains are long.
    """
    values = np.array([value for _, value in rows])
    low, high = np.percentile(values, [rule.low_percentile, rule.high_percentile])
    best = np.percentile(values, 100.0 - rule.top_percent)
    top = sorted({sequence for sequence, value in rows if value >= best})
    between = [sequence for sequence, value in rows if low <= value <= high]
    if rule.gap <= 0:
        return between
    far = {sequence: is_farther_than(sequence, top, rule.gap) for sequence in set(between)}
    return [sequence for sequence in between if far[sequence]]
