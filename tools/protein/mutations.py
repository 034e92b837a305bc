"""Substitutions in standard notation (S65T: old residue, number, new residue): listed, parsed, made.

Numbers count from `first_number`, the number of a sequence's first residue. Insertions and deletions have no notation
here: sequences of different length are an InputError.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tools.errors import InputError

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_NOTATION = re.compile(rf"(?<![A-Za-z0-9])([{AMINO_ACIDS}])([1-9]\d{{0,3}})([{AMINO_ACIDS}])(?![A-Za-z0-9])")


class Mutation(NamedTuple):
    old: str
    number: int
    new: str

    def __str__(self) -> str:
        return f"{self.old}{self.number}{self.new}"


def list_mutations(wild_type: str, variant: str, first_number: int = 1) -> list[Mutation]:
    """In order of position."""
    if len(wild_type) != len(variant):
        raise InputError(f"{len(variant)} residues, not {len(wild_type)}: only substitutions are listed")
    pairs = enumerate(zip(wild_type, variant, strict=True), first_number)
    return [Mutation(old, number, new) for number, (old, new) in pairs if old != new]


def find_mutations(text: str) -> list[Mutation]:
    """Those that a sentence names, in its order: "brighter, with S65T and F64L"."""
    return [Mutation(old, int(number), new) for old, number, new in _NOTATION.findall(text) if old != new]


def make_mutations(sequence: str, mutations: Sequence[Mutation], first_number: int = 1) -> str:
    """InputError where a number is outside the sequence, or another residue stands there."""
    letters = list(sequence)
    for mutation in mutations:
        at = mutation.number - first_number
        if not 0 <= at < len(letters):
            last = first_number + len(letters) - 1
            raise InputError(f"{mutation}: the sequence has residues {first_number} to {last}")
        if sequence[at] != mutation.old:
            raise InputError(f"{mutation}: residue {mutation.number} is {sequence[at]}, not {mutation.old}")
        letters[at] = mutation.new
    return "".join(letters)
