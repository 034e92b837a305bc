"""Analogues of a molecule by an evolutionary search over graph edits: near the parent, better by the goals.

Graph GA (Jensen 2019, doi 10.1039/C8SC05372C) with the project's own operators, kept near its parent by a similarity
that counts as one more objective and by the pattern to be kept. Deterministic by seed. NOT promised: that a goal is
reached, or that an analogue can be made; the checks after it decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from tools.molecule.crossover import crossover
from tools.molecule.descriptors import score
from tools.molecule.goals import Goal, measure
from tools.molecule.mutate import mutate
from tools.molecule.offspring import NoOffspringError
from tools.molecule.parse import canonical_parent, parse_smiles
from tools.molecule.similarity import similarity

SIZE_SLACK = 6
"""Heavy atoms by which an analogue may differ from its parent."""
MIN_SIMILARITY = 0.3
"""Tanimoto below which a molecule is no analogue: 99.9 % of random pairs of ZINC250k lie below 0.32."""
FULL_SIMILARITY = 0.7
SA_SLACK = 1.0
"""By how much SA may rise above the parent's (1 easy .. 10 hard; Ertl 2009, doi 10.1186/1758-2946-1-8)."""
CROSSOVER_SHARE = 0.3
HALF_RANK = 5.0
Model = Callable[[Sequence[str], int, int], Iterable[str]]
"""(parents, how many, seed) -> SMILES that a model proposes."""


@dataclass(frozen=True, slots=True)
class Analogue:
    smiles: str
    worth: float
    similarity: float
    origin: str


@dataclass(frozen=True, slots=True)
class Search:
    """`size` of a population, `children` a round."""

    rounds: int = 12
    size: int = 30
    children: int = 60
    model_share: float = 0.2


def find_analogues(
    smiles: str,
    goals: Sequence[Goal],
    *,
    keep: Chem.Mol | None = None,
    search: Search | None = None,
    seed: int = 0,
    model: Model | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Analogue]:
    """Every analogue met, best first, the parent left out. `keep` is a pattern that must go on matching as often."""
    search = search or Search()
    parent = canonical_parent(smiles)
    judge = _Judge(parent, goals, keep)
    rng = np.random.default_rng(seed)
    population = [Analogue(parent, judge.worth(parent, 1.0) or 0.0, 1.0, "parent")]
    met = {parent: population[0]}
    for _ in range(search.rounds):
        if should_stop():
            break
        texts = [one.smiles for one in population]
        for child, origin in _children(texts, search, judge.band, rng, model):
            if child not in met:
                found = judge.analogue(child, origin)
                if found is not None:
                    met[child] = found
        population = sorted(met.values(), key=lambda one: (-one.worth, one.smiles))[: search.size]
    return sorted((one for one in met.values() if one.smiles != parent), key=lambda one: (-one.worth, one.smiles))


class _Judge:
    """What an analogue of this parent is worth."""

    def __init__(self, parent: str, goals: Sequence[Goal], keep: Chem.Mol | None) -> None:
        mol = parse_smiles(parent)
        self._parent, self._goals, self._keep = parent, goals, keep
        self._kept = len(mol.GetSubstructMatches(keep)) if keep is not None else 0
        self._most_sa = (score("sa", mol).value or 0.0) + SA_SLACK
        atoms = int(mol.GetNumHeavyAtoms())
        self.band = (max(4, atoms - SIZE_SLACK), atoms + SIZE_SLACK)

    def analogue(self, smiles: str, origin: str) -> Analogue | None:
        likeness = similarity(self._parent, smiles)
        worth = self.worth(smiles, likeness) if likeness >= MIN_SIMILARITY else None
        return None if worth is None else Analogue(smiles, worth, likeness, origin)

    def worth(self, smiles: str, likeness: float) -> float | None:
        """Geometric mean of the goals' desirabilities and of the similarity's; None where it is no analogue."""
        mol = parse_smiles(smiles)
        if not self.band[0] <= mol.GetNumHeavyAtoms() <= self.band[1]:
            return None
        if self._keep is not None and len(mol.GetSubstructMatches(self._keep)) < self._kept:
            return None
        if (score("sa", mol).value or 0.0) > self._most_sa:
            return None
        values = measure(mol, self._goals)
        single = [goal.desirability(values[goal.score]) for goal in self._goals]
        near = min(1.0, (likeness - MIN_SIMILARITY) / (FULL_SIMILARITY - MIN_SIMILARITY) * 0.7 + 0.3)
        known = [near, *(0.0 if one is None else one for one in single)]
        return 0.0 if min(known) <= 0.0 else math.exp(sum(map(math.log, known)) / len(known))


def _children(
    parents: Sequence[str], search: Search, band: tuple[int, int], rng: np.random.Generator, model: Model | None
) -> Iterable[tuple[str, str]]:
    """(SMILES, how it was made), edits and crossovers of better parents more often, and what the model proposes."""
    weights = 0.5 ** (np.arange(len(parents)) / HALF_RANK)
    weights /= weights.sum()
    n_model = round(search.children * search.model_share) if model is not None else 0
    for _ in range(search.children - n_model):
        first, second = (parents[at] for at in rng.choice(len(parents), size=2, p=weights))
        seed = int(rng.integers(2**31))
        crossed = first != second and rng.random() < CROSSOVER_SHARE
        size = {"min_heavy_atoms": band[0], "max_heavy_atoms": band[1]}
        try:
            child = crossover(first, second, seed=seed, **size) if crossed else mutate(first, seed=seed, **size)
        except NoOffspringError:
            continue
        yield child, "crossover" if crossed else "mutation"
    if model is not None and n_model:
        for text in model(list(parents)[: max(1, n_model // 4)], n_model, int(rng.integers(2**31))):
            yield text, "model"
