"""How names, numbers and units are written for a reader.

What could not be computed is written "not computed", never 0 and never an empty cell. Numbers keep an ASCII minus so
that a value can be found with the browser's search and pasted into a spreadsheet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

NOT_COMPUTED = "not computed"

LABELS = {
    "vina": "Vina score",
    "vina_score": "Vina score",
    "qed": "QED",
    "sa": "SA score",
    "sa_score": "SA score",
    "logp": "logP",
    "fsp3": "Fsp3",
    "mol_weight": "Molecular weight",
    "interaction": "MMFF interaction energy",
    "tpsa": "TPSA",
    "ligand_efficiency": "Ligand efficiency",
    "size_residual": "Size residual",
    "heavy_atoms": "Heavy atoms",
    "mmff_interaction": "MMFF interaction energy",
    "strain": "Strain",
    "pains": "PAINS",
    "brenk": "Brenk alerts",
    "posebusters": "PoseBusters",
    "smiles": "SMILES",
    "auc": "AUC",
    "roc_auc": "ROC-AUC",
    "rmsd": "RMSD",
    "roc": "ROC",
    "csv": "CSV",
    "sdf": "SDF",
    "pdb": "PDB",
    "mmff": "MMFF",
    "approved_drugs": "Approved drugs",
}
STAGES = {
    "vina": "Vina docking",
    "dock": "Vina docking",
    "pose": "PoseBusters",
    "size": "Size band",
    "alerts": "Structural alerts",
    "interaction": "MMFF interaction",
}
ACRONYMS = {"auc", "qed", "rmsd", "smiles", "csv", "sdf", "roc", "mmff", "pdb"}
UNITS = {
    "angstrom": "Å",
    "angstroms": "Å",
    "kcal_mol": "kcal/mol",
    "kcal_per_mol": "kcal/mol",
    "seconds": "s",
    "daltons": "Da",
    "kcal/mol/heavy_atom": "kcal/mol per heavy atom",
    "kcal/mol/atom": "kcal/mol per atom",
    "dimensionless": "",
    "1 easy .. 10 hard": "",
    "1": "",
}
COUNT_UNITS = {
    "",
    "violations",
    "failed tests",
    "drugs",
    "atoms",
    "heavy atoms",
    "heavy_atoms",
    "count",
    "alerts",
    "bonds",
}
KEY_UNITS = {
    "_kcal_mol": "kcal/mol",
    "_angstrom": "Å",
    "_seconds": "s",
    "_percent": "%",
    "_fraction": "fraction",
    "_minutes": "min",
}


def label(name: str) -> str:
    """A reader's name for a score, check, stage or setting: `ligand_efficiency` -> "Ligand efficiency"."""
    known = LABELS.get(name.lower())
    if known:
        return known
    if name.startswith("n_") and len(name) > 2:
        return f"{label(name[2:])}, count"
    words = " ".join(LABELS.get(word, word) if word in ACRONYMS else word for word in name.lower().split("_"))
    words = words if name == name.lower() else name.replace("_", " ")
    return words[:1].upper() + words[1:]


def stage(name: str) -> str:
    """A reader's name for a check or stage: as `label`, but the step instead of its score."""
    return STAGES.get(name.lower()) or label(name)


def unit(name: str) -> str:
    """The unit as printed: `angstrom` -> "Å"; an unknown unit is printed as it was given."""
    return UNITS.get(name.lower(), name)


def split_unit(key: str) -> tuple[str, str]:
    """`rmsd_angstrom` -> ("RMSD", "Å"): the unit that a key carries at its end, "" where there is none."""
    for suffix, printed in KEY_UNITS.items():
        if key.lower().endswith(suffix) and len(key) > len(suffix):
            return label(key[: -len(suffix)]), printed
    return label(key), ""


def is_missing(value: object) -> bool:
    """None and the floats that are no number."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def number(value: float | str | bool | None, unit_name: str = "") -> str:
    """A value without its unit, rounded for reading: two decimals, three digits below 0.1; whole numbers of
    things, and dimensionless ones, without decimals."""
    if is_missing(value):
        return NOT_COMPUTED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    assert value is not None
    if isinstance(value, int) or (unit_name.lower() in COUNT_UNITS and float(value).is_integer()):
        return f"{int(value):d}"
    digits = ".0f" if abs(value) >= 1000 else ".3g" if 0 < abs(value) < 0.1 else ".2f"
    return f"{value:{digits}}"


def quantity(value: float | str | bool | None, unit_name: str = "") -> str:
    """A value with its unit; without a value no unit stands either."""
    if is_missing(value):
        return NOT_COMPUTED
    printed = unit(unit_name)
    return f"{number(value, unit_name)} {printed}".rstrip()


def duration(seconds: float | None) -> str:
    """Wall time: "41.2 s", "3 min 05 s", "2 h 10 min"."""
    if seconds is None or is_missing(seconds):
        return NOT_COMPUTED
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def megabytes(n_bytes: int) -> str:
    """Size with one decimal, in units of 10^6 bytes."""
    return f"{n_bytes / 1e6:.1f} MB"


def plain(value: Any) -> str:
    """Any JSON value on one line and unrounded, for settings and arguments; None reads "not set"."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain(item) for item in value) or "none"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.12g}"
    if value is None:
        return "not set"
    return number(value) if isinstance(value, bool | float) else str(value)


def moment(time: float | str | None) -> str:
    """A time of day as ISO 8601 in UTC; seconds since 1970 are converted, text is kept."""
    if time is None or time == "":
        return "not recorded"
    return time if isinstance(time, str) else datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")


def flatten(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as dotted rows in their given order: {"a": {"b": 1}} -> [("a.b", 1)]."""
    rows: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            rows.extend(flatten(value, f"{name}."))
        else:
            rows.append((name, value))
    return rows
