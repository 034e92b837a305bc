"""Structural alerts: PAINS and Brenk. A flag, not a filter: a third of the approved drugs carry a Brenk
alert."""

from __future__ import annotations

from functools import lru_cache

from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult

CATALOGUES = ("PAINS_A", "PAINS_B", "PAINS_C", "BRENK")


@molecule_check("alerts")
def check_alerts(mol: Chem.Mol, catalogues: tuple[str, ...] = CATALOGUES, max_alerts: int = 0) -> CheckResult:
    """Pass where at most `max_alerts` alerts match.

    PAINS: Baell 2010, doi 10.1021/jm901137j. Brenk 2008, doi 10.1002/cmdc.200700139. Any name of RDKit's
    FilterCatalogParams is a catalogue. 16 of 48 approved drugs hit Brenk (protocols.md 2b).
    """
    if max_alerts < 0:
        raise InputError(f"max_alerts {max_alerts} must not be negative")
    found = [f"{name}: {entry.GetDescription()}" for name in catalogues for entry in _catalogue(name).GetMatches(mol)]
    return decided(
        "alerts",
        len(found) <= max_alerts,
        value=float(len(found)),
        unit="alerts",
        threshold=f"<= {max_alerts}",
        reason="alerts: " + ", ".join(found),
        details={"alerts": found},
    )


@lru_cache(maxsize=16)
def _catalogue(name: str) -> FilterCatalog:
    known = FilterCatalogParams.FilterCatalogs.names
    if name not in known:
        raise InputError(f"alert catalogue {name!r} is unknown; known: {', '.join(sorted(known))}")
    return FilterCatalog(FilterCatalogParams(known[name]))
