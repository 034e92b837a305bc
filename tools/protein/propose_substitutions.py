"""Variants of a protein by the substitution matrix: what to try where no model writes variants of this protein.

Positions are drawn evenly among those not protected, the new residue with weight 2^(B/2) of BLOSUM62 (its exchange odds
in half-bits, doi:10.1073/pnas.89.22.10915), so that likely exchanges are likely. Cysteines are neither made nor
replaced, prolines and glycines not made. Not promised: anything about this protein in particular.
"""

from __future__ import annotations

import random
from collections.abc import Collection

from tools.errors import InputError
from tools.protein.mutations import AMINO_ACIDS
from tools.protein.substitution_matrix import substitution

_NEVER_MADE = frozenset("CPG")
_TRIES = 20


def propose_substitutions(
    sequence: str, n: int, maximum_mutations: int, seed: int, protected: Collection[int] = ()
) -> list[str]:
    """Up to `n` distinct variants with 1 to `maximum_mutations` substitutions; `protected` are 0-based positions."""
    open_positions = [at for at, letter in enumerate(sequence) if at not in protected and letter != "C"]
    if not open_positions:
        raise InputError("every residue is protected; nothing can be changed")
    rng = random.Random(seed)
    found: dict[str, None] = {}
    for _ in range(_TRIES * n):
        if len(found) == n:
            break
        letters = list(sequence)
        count = rng.randint(1, min(maximum_mutations, len(open_positions)))
        for at in rng.sample(open_positions, count):
            letters[at] = _exchange(letters[at], rng)
        found["".join(letters)] = None
    return list(found)


def _exchange(old: str, rng: random.Random) -> str:
    choices = [letter for letter in AMINO_ACIDS if letter != old and letter not in _NEVER_MADE]
    weights = [2 ** (substitution(old, letter) / 2) for letter in choices]
    return rng.choices(choices, weights)[0]
