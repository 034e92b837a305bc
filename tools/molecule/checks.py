"""Every check of a molecule by name: the one table that registries and contract tests read."""

from __future__ import annotations

from collections.abc import Callable

from tools.errors import InputError
from tools.molecule.check_alerts import check_alerts
from tools.molecule.check_conformer import check_conformer
from tools.molecule.check_elements import check_elements
from tools.molecule.check_lipinski import check_lipinski
from tools.molecule.check_range import check_range
from tools.molecule.check_reactive import check_reactive
from tools.molecule.check_sanitise import check_sanitise
from tools.molecule.check_size import check_size
from tools.types import CheckResult

# `sanitise` takes a SMILES, all others a sanitised molecule.
CHECKS: dict[str, Callable[..., CheckResult]] = {
    "sanitise": check_sanitise,
    "elements": check_elements,
    "size": check_size,
    "reactive": check_reactive,
    "range": check_range,
    "lipinski": check_lipinski,
    "alerts": check_alerts,
    "conformer": check_conformer,
}


def find_check(name: str) -> Callable[..., CheckResult]:
    """The check of this name; an unknown one is an `InputError` that lists the valid names."""
    if name not in CHECKS:
        raise InputError(f"check {name!r} is unknown; valid: {', '.join(CHECKS)}")
    return CHECKS[name]
