"""The molecules that a chat turn, workflow or single action made, for other programs: CSV, and SDF with poses.

As the table of a campaign (`agent.report.export`): units in the headers, the call id beside each number, an empty cell
where a value is unknown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable

from rdkit import Chem
from rdkit.Chem import rdDepictor

from agent.interface.schemas import ActionResult, Item, Quantity
from agent.report.export import FORMULA_STARTS, read_pose
from tools.errors import InputError
from tools.memory.ledger import EventRecord
from tools.molecule.parse import parse_smiles


def molecules_of(events: Iterable[EventRecord]) -> list[Item]:
    """The molecules in a run's results (its events of type tool_result), each once, in the order they were made."""
    found: dict[str, Item] = {}
    for event in events:
        for item in ActionResult.model_validate(event.payload["result"]).items:
            if item.kind == "molecule":
                found.setdefault(item.handle or item.value, item)
    return list(found.values())


def items_csv(items: list[Item]) -> str:
    """One row a molecule."""
    names = list(dict.fromkeys((name, number.unit) for item in items for name, number in item.numbers.items()))
    out = io.StringIO()
    writer = csv.writer(out)
    header = ["handle", "name", "smiles", "made_from"]
    for name, unit in names:
        header += [_with_unit(name, unit), f"{name} call"]
    writer.writerow([*header, "failed checks"])
    for item in items:
        row: list[str | float] = [item.handle, _cell(item.name), item.value, " ".join(item.made_from)]
        for name, unit in names:
            number = item.numbers.get(name)
            row += _number_cells(number) if number is not None and number.unit == unit else ["", ""]
        failed = [f"{check.name}: {check.reason}" for check in item.checks if check.verdict == "fail"]
        writer.writerow([*row, _cell("; ".join(failed))])
    return out.getvalue()


def items_sdf(items: list[Item], artifacts: Callable[[str], str]) -> str:
    """One record a molecule: its pose where it has one, else a flat drawing that says so; numbers as tags."""
    out = io.StringIO()
    writer = Chem.SDWriter(out)
    for item in items:
        mol, problem = read_pose(item.links.get("pose"), artifacts)
        note = f"docked pose, artifact {item.links.get('pose')}"
        if mol is None:
            mol, note = _flat(item.value), f"none: {problem}; the coordinates are a 2D drawing"
        for name in list(mol.GetPropNames()):
            mol.ClearProp(name)
        tags = {"_Name": item.handle or item.name, "name": item.name, "smiles": item.value, "pose": note}
        for name, number in item.numbers.items():
            if number.value is not None:
                tags |= {_with_unit(name, number.unit): repr(number.value), f"{name} call": number.call_id}
        for name, value in tags.items():
            mol.SetProp(_one_line(name).replace("<", "").replace(">", ""), _one_line(value))
        writer.write(mol)
    writer.close()
    return out.getvalue()


def _flat(smiles: str) -> Chem.Mol:
    try:
        mol = parse_smiles(smiles)
    except InputError:
        return Chem.Mol()
    rdDepictor.Compute2DCoords(mol)
    return mol


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _number_cells(number: Quantity) -> list[str | float]:
    return ["" if number.value is None else number.value, number.call_id]


def _cell(text: str) -> str:
    """Text that a spreadsheet would run as a formula is quoted."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _one_line(text: str) -> str:
    """SD data end at an empty line and a record at four dollar signs: neither may come from a value."""
    return " ".join(text.split()).replace("$$$$", "$$ $$")
