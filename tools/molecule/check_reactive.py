"""Does the molecule carry a group that reacts with proteins or water? Hard by default: see `warheads` for the
list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.molecule.warheads import SOURCES, WARHEADS, Warhead
from tools.types import CheckResult


@molecule_check("reactive")
def check_reactive(mol: Chem.Mol, warheads: Sequence[Warhead] = WARHEADS) -> CheckResult:
    """Pass where no warhead matches. `details` names each one found with the list that warns of it."""
    found = [warhead for warhead in warheads if mol.HasSubstructMatch(_pattern(warhead.smarts))]
    names = [warhead.name for warhead in found]
    return decided(
        "reactive",
        not found,
        value=float(len(found)),
        unit="groups",
        threshold="none",
        reason="reactive: " + ", ".join(names),
        details={"groups": names, "sources": [SOURCES.get(w.source, w.source) for w in found]},
    )


@lru_cache(maxsize=1024)
def _pattern(smarts: str) -> Chem.Mol:
    pattern = Chem.MolFromSmarts(smarts)
    if pattern is None:
        raise InputError(f"warhead SMARTS {smarts!r} does not parse")
    return pattern
