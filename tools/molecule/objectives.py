"""The `objective:` of a campaign file for ligands: which numbers, in which direction, on which scale.

The bounds say where a number stops mattering, so that the geometric mean compares like with like; a campaign
may state its own. They are a chosen default, written down with the reason, not a truth.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from tools.errors import InputError
from tools.rank import Direction, Objective

# score: (goal, low, high) in the score's unit, with the reason for the bounds.
DEFAULTS: dict[str, tuple[Direction, float, float]] = {
    # kcal/mol: imatinib in ABL1 redocks near -12; -4 is what fragments of 10 atoms get anywhere.
    "vina": ("minimize", -12.0, -4.0),
    # kcal/mol per heavy atom, as score / atoms negated: 0.3 is Hopkins 2004's drug-like optimum, 0.15 is poor.
    "ligand_efficiency": ("maximize", 0.15, 0.40),
    # 0..1: 48 approved drugs span 0.11 to 0.89 with median 0.55 (`approved_drugs`).
    "qed": ("maximize", 0.2, 0.9),
    # 1..10: ZINC250k has mean 2.9; above 6 is hard to make (Ertl 2009).
    "sa": ("minimize", 2.0, 6.0),
    # log10: Lipinski's 5 and what dissolves freely.
    "logp": ("minimize", 2.0, 6.0),
    # Da: Lipinski's 500 with slack.
    "mol_weight": ("minimize", 300.0, 600.0),
    # Å²: 140 is Veber 2002's limit for oral absorption.
    "tpsa": ("minimize", 60.0, 140.0),
    # Share: Lovering 2009, mean 0.36 of discovery compounds, 0.47 of drugs.
    "fsp3": ("maximize", 0.1, 0.5),
    # Bonds: 10 is Veber 2002's limit.
    "rotatable_bonds": ("minimize", 3.0, 12.0),
    # kcal/mol: median 5.2, 95th percentile 13 of real ligands (protocols.md 2b).
    "strain": ("minimize", 5.0, 13.0),
    # kcal/mol: 0 is no attraction; the strongest of drug-like ligands in `check_interaction` lie near -60.
    "interaction": ("minimize", -60.0, 0.0),
    # Share of the interactions asked for: half as desirable where none is made, so that it steers and kills nothing.
    "interactions_met": ("maximize", -1.0, 1.0),
    # kcal/mol, negative is better: one Vina error (2 kcal/mol) on each side of the trend.
    "size_residual": ("minimize", -2.0, 2.0),
}
FIELDS = ("score", "goal", "weight", "low", "high", "target", "shape")


def parse_objectives(entries: Sequence[Mapping[str, Any]]) -> list[Objective]:
    """Objectives of entries such as {"score": "vina", "goal": "minimize", "weight": 1.0}; missing fields are
    defaults.

    An unknown score or field is an `InputError` that names it and the valid ones.
    """
    if not entries:
        raise InputError("objective: at least one entry is needed, such as {score: vina, goal: minimize}")
    return [_parse_objective(entry) for entry in entries]


def _parse_objective(entry: Mapping[str, Any]) -> Objective:
    if not isinstance(entry, Mapping):
        raise InputError(f"objective {entry!r} is not a mapping; write {{score: vina, goal: minimize}}")
    for field in entry:
        if field not in FIELDS:
            raise InputError(f"objective field {field!r} is unknown; valid: {', '.join(FIELDS)}")
    name = entry.get("score")
    if name not in DEFAULTS:
        close = difflib.get_close_matches(str(name), DEFAULTS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise InputError(f"objective score {name!r} is unknown{hint}; valid: {', '.join(DEFAULTS)}")
    goal, low, high = DEFAULTS[name]
    stated = {key: _number(key, entry[key]) for key in FIELDS[2:] if entry.get(key) is not None}
    return Objective(score=name, goal=entry.get("goal", goal), **{"low": low, "high": high, **stated})


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"objective {field}: {value!r} is not a number")
    return float(value)
