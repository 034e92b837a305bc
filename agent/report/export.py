"""The ranked candidates for other programs: a CSV table and an SDF with the docked poses.

A value that could not be computed is an empty cell in the CSV and no tag in the SDF, so that no program reads it as 0.
A candidate without a readable pose stays in the SDF as a flat drawing and says so in the tag `pose`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from rdkit import Chem
from rdkit.Chem import rdDepictor

from agent.interface.schemas import CandidateReport, RunResult
from agent.report.wording import is_missing, unit
from tools.errors import InputError, OrganonError
from tools.molecule.parse import parse_smiles

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(result: RunResult, out: Path) -> Path:
    """One row a candidate, best first; units in brackets in the headers; verdict, value and reason of every check."""
    scores = _score_columns(result.candidates)
    checks = _check_columns(result.candidates)
    header = ["rank", "candidate_id", "smiles", "round", "origin", "parents", "seen_before", "pose"]
    header += [_with_unit(name, unit_name) for name, unit_name in scores]
    for name, unit_name in checks:
        header += [f"{name} verdict", _with_unit(f"{name} value", unit_name), f"{name} reason", f"{name} call"]
    with out.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        for candidate in result.candidates:
            writer.writerow(_csv_row(candidate, scores, checks))
    return out


def _csv_row(
    candidate: CandidateReport, scores: list[tuple[str, str]], checks: list[tuple[str, str]]
) -> list[str | int | float]:
    row: list[str | int | float] = [
        candidate.rank,
        _cell(candidate.candidate_id),
        candidate.smiles,
        candidate.round,
        _cell(candidate.origin),
        _cell(" ".join(candidate.parents)),
        _cell(candidate.seen_before),
        _cell(candidate.pose),
    ]
    for name, unit_name in scores:
        score = candidate.scores.get(name)
        row.append(_cell(score.value if score and score.unit == unit_name else None))
    by_name = {(check.name, check.unit): check for check in candidate.checks}
    for key in checks:
        check = by_name.get(key)
        if check is None:
            row += ["", "", "", ""]
        else:
            row += [check.verdict, _cell(check.value), _cell(check.reason), _cell(check.call_id)]
    return row


def _cell(value: float | str | None) -> str | float:
    """Numbers in full; missing values empty; text that a spreadsheet would run as a formula is quoted."""
    if value is None or is_missing(value):
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def write_sdf(result: RunResult, artifacts: Callable[[str], str], out: Path) -> Path:
    """Every candidate as one record in rank order: the docked pose in the receptor's frame (Å), all scores, checks
    and their call ids as tags. `artifacts` gives the text of an artifact id."""
    with out.open("w", encoding="utf-8") as handle:
        writer = Chem.SDWriter(handle)
        writer.SetKekulize(True)
        for candidate in result.candidates:
            mol, note = _mol_of(candidate, artifacts)
            for name, value in _tags(candidate, note).items():
                mol.SetProp(name, value)
            writer.write(mol)
        writer.close()
    return out


def read_pose(pose: str | None, artifacts: Callable[[str], str]) -> tuple[Chem.Mol | None, str]:
    """The first molecule of a pose artifact (SDF) with its hydrogens; or None and the reason in one line."""
    if not pose:
        return None, "no pose recorded"
    try:
        text = artifacts(pose)
    except (LookupError, OSError, OrganonError) as error:
        return None, f"artifact {pose} cannot be read: {error}"
    mol = Chem.MolFromMolBlock(text.split("$$$$")[0], sanitize=False, removeHs=False)
    if mol is None or mol.GetNumAtoms() == 0 or mol.GetNumConformers() == 0:
        return None, f"artifact {pose} is not an SDF with coordinates"
    if not mol.GetConformer().Is3D():
        return None, f"artifact {pose} holds no 3D coordinates"
    return mol, ""


def _mol_of(candidate: CandidateReport, artifacts: Callable[[str], str]) -> tuple[Chem.Mol, str]:
    mol, problem = read_pose(candidate.pose, artifacts)
    if mol is not None:
        for name in list(mol.GetPropNames()):
            mol.ClearProp(name)
        return mol, f"docked pose, artifact {candidate.pose}"
    try:
        flat = parse_smiles(candidate.smiles)
        rdDepictor.Compute2DCoords(flat)
    except InputError:
        flat = Chem.Mol()
    return flat, f"none: {problem}; the coordinates are a 2D drawing"


def _tags(candidate: CandidateReport, pose_note: str) -> dict[str, str]:
    tags = {
        "_Name": candidate.candidate_id,
        "rank": str(candidate.rank),
        "candidate_id": candidate.candidate_id,
        "smiles": candidate.smiles,
        "round": str(candidate.round),
        "origin": candidate.origin,
        "pose": pose_note,
    }
    for name, score in candidate.scores.items():
        if not is_missing(score.value):
            tags[_with_unit(name, score.unit)] = f"{score.value!r}"
    for check in candidate.checks:
        tags[f"{check.name} verdict"] = check.verdict
        if not is_missing(check.value):
            tags[_with_unit(f"{check.name} value", check.unit)] = str(check.value)
        if check.threshold:
            tags[f"{check.name} threshold"] = check.threshold
        if check.reason:
            tags[f"{check.name} reason"] = check.reason
        if check.call_id:
            tags[f"{check.name} call"] = check.call_id
    return {_one_line(name).translate({60: None, 62: None}): _one_line(value) for name, value in tags.items()}


def _one_line(text: str) -> str:
    """SD data end at an empty line and a record at four dollar signs: neither may come from a value."""
    return " ".join(text.split()).replace("$$$$", "$$ $$")


def _with_unit(name: str, unit_name: str) -> str:
    printed = unit(unit_name)
    return f"{name} ({printed})" if printed else name


def _score_columns(candidates: list[CandidateReport]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((name, s.unit) for c in candidates for name, s in c.scores.items()))


def _check_columns(candidates: list[CandidateReport]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((check.name, check.unit) for c in candidates for check in c.checks))
