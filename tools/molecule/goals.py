"""What is wanted of a changed molecule, as people say it: "qed up", "log_p down", "log_p 2..3", "solubility >= -4".

A goal becomes one `Objective` on the scale of the campaign's objectives. "up" and "down" are about the parent: no
better than the parent counts a little, so that one goal does not hide the others; a range counts in full inside and
falls off beside it. `reached` decides in the end, on measured values.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.check_solubility import score_solubility
from tools.molecule.constraints import NUMBER, parse_range
from tools.molecule.descriptors import SCORES
from tools.rank import Objective, desirability
from tools.types import Score

MEASURES: dict[str, Callable[[Chem.Mol], Score]] = {**SCORES, "solubility": score_solubility}
NAMES = {
    "log_p": "logp",
    "lipophilicity": "logp",
    "log_s": "solubility",
    "logs": "solubility",
    "molecular_weight": "mol_weight",
    "mw": "mol_weight",
    "weight": "mol_weight",
    "drug_likeness": "qed",
    "druglikeness": "qed",
    "synthesizability": "sa",
    "synthetic_accessibility": "sa",
    "polar_surface_area": "tpsa",
    "psa": "tpsa",
    "size": "heavy_atoms",
}
UP = ("up", "increase", "higher", "more", "maximize", "raise", "improve")
DOWN = ("down", "decrease", "lower", "less", "minimize", "reduce")
STEP: dict[str, float] = {
    "qed": 0.3,
    "sa": 1.0,
    "logp": 1.5,
    "mol_weight": 60.0,
    "tpsa": 30.0,
    "fsp3": 0.3,
    "rotatable_bonds": 3.0,
    "heavy_atoms": 5.0,
    "solubility": 1.5,
}
"""A change that fully satisfies "up" or "down", in the score's unit: one to two standard deviations among drug-like
molecules (1,000 of ZINC250k: QED 0.14, SA 0.84, logP 1.4, weight 61 Da, TPSA 23 Å², 1.5 rotatable bonds, solubility
1.2)."""
AT_PARENT = 0.2
"""Desirability of a value that is the parent's."""
NOT_HERE = {"vina": "docking scores", "affinity": "binding", "potency": "binding", "strain": "the pose"}


@dataclass(frozen=True, slots=True)
class Goal:
    """`low` and `high` bound the wanted range (None: open); for "up" and "down" one of them is the parent's value."""

    text: str
    score: str
    low: float | None
    high: float | None
    relative: bool

    def reached(self, value: float | None) -> bool | None:
        """None where there is no value; a relative goal needs a change, however small."""
        if value is None:
            return None
        if self.relative:
            return value > self.low if self.low is not None else value < (self.high or 0.0)
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def desirability(self, value: float | None) -> float | None:
        """0..1, after Derringer & Suich 1980 (`tools.rank.desirability`)."""
        if value is None:
            return None
        step = STEP[self.score]
        margin = step * AT_PARENT / (1.0 - AT_PARENT) if self.relative else step
        sides = []
        if self.low is not None:
            top = self.low + step if self.relative else self.low
            sides.append(desirability(value, Objective(self.score, "maximize", self.low - margin, top)))
        if self.high is not None:
            bottom = self.high - step if self.relative else self.high
            sides.append(desirability(value, Objective(self.score, "minimize", bottom, self.high + margin)))
        return min((side for side in sides if side is not None), default=None)


def parse_goals(texts: Sequence[str], parent: Chem.Mol) -> list[Goal]:
    """The goals for changing `parent`. InputError names what is not understood, and two goals for one score."""
    if not texts:
        raise InputError(f"give at least one goal, such as `qed up`, `log_p 2..3`, `solubility up`; {_known()}")
    goals = [_parse(text, parent) for text in texts]
    for at, goal in enumerate(goals):
        if any(goal.score == other.score for other in goals[:at]):
            raise InputError(f"goal {goal.text!r}: {goal.score} has a goal already; give one range instead")
    return goals


def measure(mol: Chem.Mol, goals: Sequence[Goal]) -> Mapping[str, float | None]:
    """The scores that the goals are about."""
    return {goal.score: MEASURES[goal.score](mol).value for goal in goals}


def _parse(text: str, parent: Chem.Mol) -> Goal:
    words = text.strip().lower().replace("logp", "log_p")
    match = re.fullmatch(rf"([a-z][a-z_ 0-9]*?)\s*(<=|>=|<|>|=|\b)\s*({NUMBER}(?:\s*\.\.\s*{NUMBER})?)", words)
    if match:
        name, sign, numbers = match[1], match[2], match[3]
        score = _score(name, text)
        if ".." in numbers:
            low, high = parse_range(name, numbers)
            return Goal(text, score, low, high, False)
        if sign in ("", "="):
            raise InputError(
                f"goal {text!r}: write a range, such as `{name} {numbers}..{float(numbers) + 1:g}`, <= or >="
            )
        number = float(numbers)
        return Goal(text, score, number, None, False) if sign[0] == ">" else Goal(text, score, None, number, False)
    name, _, way = words.rpartition(" ")
    if way not in (*UP, *DOWN):
        name, way = (" ".join(words.split()[1:]), words.split()[0]) if words.split()[:1] else ("", "")
    if way not in (*UP, *DOWN):
        raise InputError(f"goal {text!r} is not understood; write `qed up`, `log_p down` or `log_p 2..3`; {_known()}")
    score = _score(name, text)
    value = MEASURES[score](parent).value
    if value is None:
        raise InputError(f"goal {text!r}: {score} is not defined for the molecule to start from")
    return Goal(text, score, value, None, True) if way in UP else Goal(text, score, None, value, True)


def _score(name: str, text: str) -> str:
    key = name.strip().replace(" ", "_")
    key = NAMES.get(key, key)
    if key in MEASURES:
        return key
    if key in NOT_HERE:
        raise InputError(f"goal {text!r}: {NOT_HERE[key]} is not optimised here; use design_ligands with `seeds`")
    close = difflib.get_close_matches(key, [*MEASURES, *NAMES], n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise InputError(f"goal {text!r}: there is no property {name.strip()!r}{hint}; {_known()}")


def _known() -> str:
    return f"properties: {', '.join(MEASURES)}"
