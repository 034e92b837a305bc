"""The `constraints:` of a campaign file, turned into hard checks in the order they are run, cheap first.

Hard by default: sanitise, elements, reactive groups, size. Every key below makes one more condition hard or
changes a default; what stays a flag is `flag_checks`. A hard check is a plain value: it pickles, so worker
processes run it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.errors import InputError
from tools.molecule.check_alerts import CATALOGUES, check_alerts
from tools.molecule.check_elements import ALLOWED_ELEMENTS, check_elements
from tools.molecule.check_lipinski import check_lipinski
from tools.molecule.check_range import check_range, render_range
from tools.molecule.check_reactive import check_reactive
from tools.molecule.check_sanitise import check_sanitise
from tools.molecule.check_size import MAX_HEAVY_ATOMS, MIN_HEAVY_ATOMS, check_size
from tools.molecule.parse import parse_smiles
from tools.molecule.verdict import undecided
from tools.types import CheckResult

NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
RANGE_FORMS = '"20..38", "<=4.5" or ">=0.4"'
UNLIMITED_ATOMS = 1_000_000
DESCRIPTOR_KEYS = {
    "qed": "qed",
    "logp": "logp",
    "mol_weight": "mol_weight",
    "tpsa": "tpsa",
    "fsp3": "fsp3",
    "rotatable_bonds": "rotatable_bonds",
    "synthesizability": "sa",
}
ALERT_KEYS = {"alerts": CATALOGUES, "pains": CATALOGUES[:3], "brenk": CATALOGUES[3:]}


@dataclass(frozen=True, slots=True)
class HardCheck:
    """A check with its thresholds bound: call it with a SMILES. `name` is the key of the campaign file."""

    name: str
    criterion: str
    function: Callable[..., CheckResult]
    arguments: tuple[tuple[str, Any], ...] = ()

    def __call__(self, smiles: str) -> CheckResult:
        if self.function is check_sanitise:
            return check_sanitise(smiles)
        try:
            mol = parse_smiles(smiles)
        except InputError as error:
            return undecided(self.name, str(error), self.criterion)
        return replace(self.function(mol, **dict(self.arguments)), name=self.name)


def parse_constraints(constraints: Mapping[str, Any], *, defaults: bool = True) -> list[HardCheck]:
    """The hard checks of a campaign, in run order; without `defaults` only those the mapping names.

    Keys: elements ("C N O F"), reactive ("none" | "any"), heavy_atoms, qed, logp, mol_weight, tpsa, fsp3,
    rotatable_bonds, synthesizability (SA score, lower is easier) as ranges, lipinski, alerts, pains, brenk as
    "none" or "<=n". A wrong key or a malformed range is an `InputError` that names it and the valid ones.
    """
    builders = _builders()
    for key in constraints:
        if key not in builders:
            close = difflib.get_close_matches(str(key), builders, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(f"constraint {key!r} is unknown{hint}; valid: {', '.join(builders)}")
    checks = [HardCheck("sanitise", "one connected molecule", check_sanitise)] if defaults else []
    stated = {**(_default_constraints() if defaults else {}), **constraints}
    for key, build in builders.items():
        if key in stated:
            built = build(key, _text(key, stated[key]))
            checks.extend([built] if built is not None else [])
    return checks


def flag_checks(hard: Sequence[HardCheck] = ()) -> list[HardCheck]:
    """The checks that only flag: alerts and Lipinski, unless the campaign made them hard."""
    names = {check.name for check in hard}
    flags = parse_constraints({"lipinski": "<=1", "alerts": "none"}, defaults=False)
    return [flag for flag in flags if flag.name not in names]


def parse_range(key: str, text: str) -> tuple[float | None, float | None]:
    """(minimum, maximum) of "20..38", "<=4.5" or ">=0.4"; an open end is None. Inverse: `render_range`."""
    if match := re.fullmatch(rf"({NUMBER})\s*\.\.\s*({NUMBER})", text):
        low, high = float(match[1]), float(match[2])
        if low > high:
            raise InputError(f"constraint {key}: range {text!r} is empty, {low:g} is above {high:g}")
        return low, high
    if match := re.fullmatch(rf"(<=|>=)\s*({NUMBER})", text):
        return (None, float(match[2])) if match[1] == "<=" else (float(match[2]), None)
    raise InputError(f"constraint {key}: {text!r} is not a range; write {RANGE_FORMS}")


def _default_constraints() -> dict[str, str]:
    return {
        "elements": " ".join(ALLOWED_ELEMENTS),
        "reactive": "none",
        "heavy_atoms": f"{MIN_HEAVY_ATOMS}..{MAX_HEAVY_ATOMS}",
    }


def _builders() -> dict[str, Callable[[str, str], HardCheck | None]]:
    """Key -> builder, in the order the checks run."""
    return {
        "elements": _build_elements,
        "heavy_atoms": _build_size,
        "reactive": _build_reactive,
        **dict.fromkeys(DESCRIPTOR_KEYS, _build_descriptor),
        "lipinski": _build_lipinski,
        **dict.fromkeys(ALERT_KEYS, _build_alerts),
    }


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"constraint {key}: {value!r} is not a text; write {RANGE_FORMS} or a word such as none")
    return value.strip()


def _build_elements(key: str, text: str) -> HardCheck:
    allowed = tuple(part for part in re.split(r"[\s,]+", text) if part)
    check_elements(parse_smiles("C"), allowed)
    return HardCheck(key, "only " + " ".join(allowed), check_elements, (("allowed", allowed),))


def _build_size(key: str, text: str) -> HardCheck:
    low, high = parse_range(key, text)
    if any(end is not None and (end < 0 or end != int(end)) for end in (low, high)):
        raise InputError(f"constraint {key}: {text!r} must hold whole numbers of atoms >= 0")
    minimum, maximum = int(low or 0), UNLIMITED_ATOMS if high is None else int(high)
    return HardCheck(key, render_range(low, high), check_size, (("minimum", minimum), ("maximum", maximum)))


def _build_reactive(key: str, text: str) -> HardCheck | None:
    if text not in {"none", "any"}:
        raise InputError(f"constraint {key}: {text!r} is neither none (no reactive group) nor any (switched off)")
    return HardCheck(key, text, check_reactive) if text == "none" else None


def _build_descriptor(key: str, text: str) -> HardCheck:
    low, high = parse_range(key, text)
    arguments = (("descriptor", DESCRIPTOR_KEYS[key]), ("minimum", low), ("maximum", high))
    return HardCheck(key, render_range(low, high), check_range, arguments)


def _build_lipinski(key: str, text: str) -> HardCheck:
    limit = _count(key, text)
    return HardCheck(key, f"<={limit}", check_lipinski, (("max_violations", limit),))


def _build_alerts(key: str, text: str) -> HardCheck:
    limit = _count(key, text)
    arguments = (("catalogues", ALERT_KEYS[key]), ("max_alerts", limit))
    return HardCheck(key, f"<={limit}", check_alerts, arguments)


def _count(key: str, text: str) -> int:
    """The largest allowed count: "none" is 0, "<=2" is 2."""
    if text == "none":
        return 0
    low, high = parse_range(key, text)
    if low is not None or high is None or high < 0 or high != int(high):
        raise InputError(f'constraint {key}: {text!r} is not a count; write none or "<=2"')
    return int(high)
