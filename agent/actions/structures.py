"""Structure files as arguments name them: an attached file, one on this machine, the structure behind a handle.

A file is kept as an artifact first, under the hash of its content, and parsed in worker processes only. Beside it lies
a copy under its own name, by which reports call the target.
"""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from agent.actions.action import ActionContext
from agent.actions.calls import run_in_workers
from agent.interface.schemas import Item
from tools.docking.dockstring_targets import load_target
from tools.domain import Call
from tools.errors import InputError, TransientError
from tools.registry import is_fault
from tools.types import CheckResult

SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz", ".ent.gz", ".cif.gz")
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class StructureFile:
    """`artifact` is the id of its content, `name` what people call it ("1iep.pdb"), `made_from` the handle it came by.
    `bundled` names the bundled target whose structure it is."""

    artifact: str
    name: str
    made_from: tuple[str, ...] = ()
    bundled: str = ""

    @property
    def stem(self) -> str:
        return self.name.split(".", maxsplit=1)[0]


def structure_suffix(name: str) -> str:
    """The suffix of a structure file's name, or an empty string where it is none."""
    return next((suffix for suffix in sorted(SUFFIXES, key=len, reverse=True) if name.lower().endswith(suffix)), "")


def file_structure(item: Item, context: ActionContext) -> StructureFile:
    """The structure in an attached file. InputError where its name is not a structure's."""
    suffix = structure_suffix(item.name) or structure_suffix(item.value)
    if not suffix:
        raise InputError(f"{item.handle} ({item.name}) is no structure file; expected {', '.join(SUFFIXES)}")
    artifact = item.value
    if not artifact.endswith(suffix):
        artifact = context.session.artifacts.put(context.session.artifacts.read_bytes(artifact), suffix)
    return StructureFile(artifact, Path(item.name or artifact).name, (item.handle,))


def named_structure(text: str, context: ActionContext) -> StructureFile | None:
    """The attached file of this name (its suffix may be left out), else the file at this path; None where there is
    neither."""
    files = [Item.model_validate(one) for one in context.session.ledger.items(context.thread_id, "file")]
    for item in reversed(files):
        if text.lower() in (item.name.lower(), item.name.lower().removesuffix(structure_suffix(item.name))):
            return file_structure(item, context)
    path, suffix = Path(text).expanduser(), structure_suffix(text)
    if not suffix or not context.session.settings.local_files or not _is_file(path):
        return None
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{text} is larger than {MAX_BYTES // 2**20} MiB; give one chain or one model")
    return StructureFile(context.session.artifacts.put(path.read_bytes(), suffix), path.name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file system takes
        return False


def bundled_structure(name: str, context: ActionContext) -> StructureFile:
    """The prepared protein of a bundled target as a file: for another pocket than its own."""
    artifact = context.session.artifacts.put(load_target(name).pdb, ".pdb")
    return StructureFile(artifact, f"{name}.pdb", bundled=name)


def path_of(file: StructureFile, context: ActionContext) -> Path:
    """Where the file lies under its own name, which stays as it is for later runs."""
    name = re.sub(r"[^\w.+-]", "_", file.name)
    folder = context.session.settings.home / "structures" / file.artifact.split(".", maxsplit=1)[0]
    path = folder / (name if structure_suffix(name) else name + structure_suffix(file.artifact))
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{secrets.token_hex(4)}.partial")
        shutil.copyfile(context.session.artifacts.path(file.artifact), partial)
        partial.replace(path)
    return path


def kept_structure(path: Path, context: ActionContext) -> StructureFile | None:
    """The file of which `path_of` gave this path; None for a path of elsewhere."""
    artifact = path.parent.name + structure_suffix(path.name)
    is_ours = path.parent.parent == context.session.settings.home / "structures"
    return StructureFile(artifact, path.name) if is_ours and artifact in context.session.artifacts else None


def survey(file: StructureFile, chain: str | None, context: ActionContext, n: int = 5) -> CheckResult:
    """Chains, bound ligands and pockets of the file (`check_pockets`), from a worker. InputError for a file that does
    not parse or a chain that is not there, TransientError for a worker that did not finish."""
    args = {"structure_file": file.artifact, "chain": chain, "n": n}
    (found,) = run_in_workers(context, [Call("pockets", args)])
    if is_fault(found):
        shown = found.reason.replace(str(context.session.artifacts.path(file.artifact)), file.name)
        raise (InputError if found.details["fault"] in ("input", "error") else TransientError)(f"{file.name}: {shown}")
    return found
