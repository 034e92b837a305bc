"""How a molecule check answers: the guard every check stands behind and the two ways to end.

A check takes a sanitised molecule and thresholds and returns a `CheckResult`. The guard gives it a copy, so
no check can change its input; what is no molecule is an `InputError`, one without atoms or that does not
sanitise is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import rdkit
from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.types import CheckResult, Verdict

P = ParamSpec("P")
TOOL = "rdkit"


def decided(
    name: str,
    passed: bool,
    *,
    value: float | str | None = None,
    unit: str = "",
    threshold: str = "",
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> CheckResult:
    """Pass or fail. `reason` says why it failed and is dropped from a pass."""
    return CheckResult(
        name=name,
        verdict=Verdict.PASS if passed else Verdict.FAIL,
        value=value,
        unit=unit,
        threshold=threshold,
        reason="" if passed else reason,
        tool=TOOL,
        version=rdkit.__version__,
        details=details or {},
    )


def undecided(name: str, reason: str, threshold: str = "") -> CheckResult:
    """Unknown: the check could not be made, for the reason given."""
    return CheckResult(
        name=name,
        verdict=Verdict.UNKNOWN,
        threshold=threshold,
        reason=reason,
        tool=TOOL,
        version=rdkit.__version__,
    )


MoleculeCheck = Callable[Concatenate[Chem.Mol, P], CheckResult]


def molecule_check(name: str) -> Callable[[MoleculeCheck[P]], MoleculeCheck[P]]:
    """Guard a check: it sees a sanitised copy with at least one atom, or is not asked at all."""

    def guard(check: MoleculeCheck[P]) -> MoleculeCheck[P]:
        @wraps(check)
        def guarded(mol: Chem.Mol, /, *args: P.args, **kwargs: P.kwargs) -> CheckResult:
            if not isinstance(mol, Chem.Mol):
                raise InputError(f"check_{name} takes an RDKit molecule, not {mol!r}; see parse_smiles")
            if mol.GetNumAtoms() == 0:
                return undecided(name, "the molecule has no atoms")
            copy = Chem.Mol(mol)
            with rdBase.BlockLogs():
                failed = Chem.SanitizeMol(copy, catchErrors=True)
            if failed != Chem.SanitizeFlags.SANITIZE_NONE:
                return undecided(name, f"the molecule does not sanitise ({failed})")
            return check(copy, *args, **kwargs)

        return guarded

    return guard
