"""What the model is asked, from options or from JSON lines: structures become sequences, LOGOS's lines are
recognised.

A line that is wrong is kept as a fault with its number; the other lines go on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import InputError

if TYPE_CHECKING:
    from models.grammar.tasks import Task
    from models.task_inputs import Asked

STRUCTURE_KEYS: dict[str, tuple[str, ...]] = {
    "ligand": ("pdb", "chain", "ligand"),
    "pocket": ("pdb", "chain"),
    "protein_edit": ("pdb", "chain"),
}
"""Keys that say the chain (and its pocket) by a structure file instead of `sequence` (and `pocket`)."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """Line `number` (from 1) cannot be used; `name` is its id where it has one."""

    number: int
    error: str
    name: str | None = None

    def row(self) -> dict[str, Any]:
        named = {} if self.name is None else {"id": self.name}
        return {**named, "line": self.number, "error": self.error}


def read_lines(source: str) -> Iterator[tuple[int, str]]:
    """(number from 1, text) of the lines of a file or, for "-", of stdin that are not blank; one that is not
    UTF-8 comes with what can be read of it. `InputError` for a file that cannot be read."""
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from None
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = line.decode("utf-8", errors="backslashreplace").strip()
        if text:
            yield number, text


def read_json_line(text: str) -> dict[str, Any]:
    """A JSON object; ValueError says what it is instead."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from None
    except (RecursionError, UnicodeEncodeError) as error:
        raise ValueError(f"not JSON that can be used: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"a JSON {type(found).__name__}, not an object with the keys of an input")
    return found


def read_inputs(task: Task, source: str) -> tuple[list[tuple[int, Asked]], list[LineFault]]:
    """The inputs of a file of JSON lines with their line numbers, and the lines that are none. Paths in a line
    are relative to the file."""
    folder = Path() if source == "-" else Path(source).parent
    asked: list[tuple[int, Asked]] = []
    faults: list[LineFault] = []
    lines_of: dict[str, int] = {}
    for at, (number, text) in enumerate(read_lines(source)):
        name = None
        try:
            given = read_json_line(text)
            name = str(given["id"]) if "id" in given else None
            one = ask(task, given, folder, at)
            if not one.in_logos_form and lines_of.setdefault(one.name, number) != number:
                raise ValueError(f"id {one.name!r} is that of line {lines_of[one.name]} too; give each its own")
        except (ValueError, InputError) as fault:
            faults.append(LineFault(number, str(fault), name))
        else:
            asked.append((number, one))
    return asked, faults


def ask(task: Task, given: Mapping[str, Any], folder: Path, number: int = 0) -> Asked:
    """One input understood, its structure file read. Raises `InputError` or ModelInputError."""
    from models.logos import is_logos_line
    from models.task_inputs import understand

    if not is_logos_line(given):
        _need_known_keys(task, given)
        given = _read_structure(given, folder)
    return understand(task, number, given)


def accepted_keys(task: Task) -> tuple[str, ...]:
    from models.task_inputs import TASK_KEYS

    return (*TASK_KEYS[task], *STRUCTURE_KEYS.get(task, ()))


def input_of_options(task: Task, options: Mapping[str, Any]) -> dict[str, Any]:
    """The input that options say (absent ones None). `InputError` names an option the task does not take, and
    those it takes."""
    from models.conditions import CONDITION_KEYS

    given = {key: value for key, value in options.items() if value not in (None, [])}
    accepted = accepted_keys(task)
    spelled = ", ".join(_option(key) for key in accepted) or "no input"
    for key in given:
        if key not in accepted:
            raise InputError(f"task {task} does not take {_option(key)}; it takes {spelled}")
    if not given and task not in ("molecule", "material"):
        raise InputError(f"task {task} needs an input: {spelled}, or --input FILE")
    if "reactants" in given:
        given["reactants"] = [smiles for value in given["reactants"] for smiles in value.split(".")]
    if "loops" in given:
        given["loops"] = [name.strip() for value in given["loops"] for name in value.split(",")]
    if "pocket" in given:
        given["pocket"] = _indices(given["pocket"])
    for key in CONDITION_KEYS:
        if key in given:
            given[key] = _range(key, given[key])
    return given


def _option(key: str) -> str:
    return "--" + key.replace("_", "-")


def _range(key: str, text: str) -> float | list[float | None]:
    """2:3, 2: (no upper end), :3 or 2.5 (the bin that holds it)."""
    try:
        ends = [float(part) if part.strip() else None for part in text.split(":")]
    except ValueError:
        ends = []
    if len(ends) == 2 and ends != [None, None]:
        return ends
    if len(ends) == 1 and ends[0] is not None:
        return ends[0]
    raise InputError(f"{_option(key)} must be a range as in 2:3, 2: or :3, or one number, got {text!r}")


def _indices(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--pocket must be 0-based residue indices as in 12,15,88, got {text!r}") from None


def _need_known_keys(task: Task, given: Mapping[str, Any]) -> None:
    accepted = ("id", *accepted_keys(task))
    unknown = next((key for key in given if key not in accepted), None)
    if unknown is not None:
        raise InputError(f"unknown key {unknown!r}; task {task} takes {', '.join(accepted)}")


def _read_structure(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`pdb`, `chain` and `ligand` replaced by `sequence` and `pocket`; what the reader did is said on
    stderr."""
    from tools.docking.chain_sequence import load_chain_sequence

    keys = [key for key in ("pdb", "chain", "ligand") if key in given]
    left = {key: value for key, value in given.items() if key not in keys}
    if not keys:
        return left
    if "pdb" not in keys:
        raise InputError(f"{keys[0]} says what to take from a structure; give the file as pdb")
    if "sequence" in left or "pocket" in left:
        raise InputError("give either pdb or sequence and pocket, not both")
    for key in keys:
        if not isinstance(given[key], str) or not given[key]:
            raise InputError(f"{key} must be a text, got {given[key]!r}")
    found = load_chain_sequence(folder / given["pdb"], given.get("chain"), given.get("ligand"))
    for note in found.notes:
        sys.stderr.write(f"{given['pdb']}: {note}\n")
    pocket = {"pocket": list(found.pocket)} if found.ligand else {}
    return {**left, "sequence": found.sequence, **pocket}
