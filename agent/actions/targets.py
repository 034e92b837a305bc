"""From an argument to the `target` section of a campaign: where to dock, and the receptor prepared for it.

A target is a bundled name (ABL1), a handle (receptor, pocket, protein, file) or the name of a structure file. A pocket
is a bound ligand's code, residues, a pocket's handle, or `predict`. Nothing is guessed in silence: where no pocket is
named, the one ligand that is bound marks it, and the answer says so; where several are, the error lists them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.actions.action import ActionContext
from agent.actions.given import given_item, is_handle
from agent.actions.structures import (
    SUFFIXES,
    StructureFile,
    bundled_structure,
    file_structure,
    kept_structure,
    named_structure,
    path_of,
    structure_suffix,
    survey,
)
from agent.campaign import Target
from agent.executor import Fault, Task
from agent.interface.schemas import Item, ItemKind
from tools.docking.check_contact import find_residue, residue_labels
from tools.docking.dockstring_targets import load_target, resolve_target, target_names
from tools.docking.numbering import suggest
from tools.docking.structure import join
from tools.errors import InputError, TransientError
from tools.worker import prepare_in_worker

PREPARE_SECONDS = 300.0
BOX_MARGIN_ANGSTROM = 5.0
"""Around the space of a found pocket; TargetDiff's margin around a ligand (doi 10.48550/arXiv.2303.03543)."""
MIN_EDGE_ANGSTROM, MAX_EDGE_ANGSTROM = 18.0, 30.0
"""Edges of a found pocket's box: room for a ligand of drug size, and no more than the bundled targets have."""
_FROM_LIGAND = re.compile(r"(?:from[_ ]ligand|ligand)\s+(\S+)", re.IGNORECASE)
_CODE = re.compile(r"(?:\w:)?(?=[A-Z0-9]{1,3}$)[A-Z0-9]*[A-Z][A-Z0-9]*")
PREDICT = ("predict", "auto", "find")


@dataclass(frozen=True, slots=True)
class GivenTarget:
    """`section` is the campaign's `target`; `notes` say what was chosen for the user; `receptor` is the receptor item
    it came from, where it was one."""

    section: Mapping[str, Any]
    name: str
    made_from: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    receptor: Item | None = None


@dataclass(frozen=True, slots=True)
class PreparedTarget:
    """`receptor` and `receptor_pdb` are artifact ids; `document` is what `Domain.prepare` gave."""

    given: GivenTarget
    receptor: str
    receptor_pdb: str
    document: Mapping[str, Any]

    @property
    def pocket_residues(self) -> list[str]:
        return list(self.document["target"]["pocket_residues"])


def given_structure(text: str, context: ActionContext) -> StructureFile:
    """The structure file that an argument names; InputError where it names a sequence or nothing."""
    text = text.strip()
    if names_item(text, context):
        return _structure_behind(given_item(text, ("receptor", "pocket", "protein", "file"), context), context)
    return named_structure(text, context) or bundled_structure(_bundled(text), context)


def given_target(text: str, context: ActionContext, chain: str | None = None, pocket: str | None = None) -> GivenTarget:
    """The target of an argument, its pocket included. InputError says what is wrong and what there is."""
    kinds: tuple[ItemKind, ...] = ("receptor", "pocket", "protein", "file")
    item = given_item(text, kinds, context) if names_item(text, context) else None
    if item is not None and pocket is None and item.kind in ("receptor", "pocket"):
        section = dict(item.details.get("target") or {})
        if not section:
            raise InputError(f"{item.handle} has no structure behind it: attach a PDB file to dock into")
        notes: tuple[str, ...] = (f"{item.handle} has its own chain; `chain` was not used.",) if chain else ()
        receptor = item if item.kind == "receptor" else None
        return GivenTarget(section, item.name or _name_of(section), (item.handle,), notes, receptor)
    if item is None and pocket is None and named_structure(text, context) is None:
        name = _bundled(text)
        notes = (f"The bundled target {name} has one chain and its own pocket; `chain` was not used.",) if chain else ()
        return GivenTarget({"name": name}, name, (), notes)
    file = given_structure(text, context)
    place, notes, made_from = _place(file, chain, pocket, context)
    if file.bundled and chain:
        notes = (*notes, f"The bundled target {file.bundled} has one chain; `chain` was not used.")
    section = {**section_of(file, chain, context), **place}
    return GivenTarget(section, file.stem, (*file.made_from, *made_from), notes)


def names_item(text: str, context: ActionContext) -> bool:
    """Whether this is a handle. F2 and F10 are also bundled targets (thrombin and factor Xa): so they are read where
    the conversation has no such handle."""
    text = text.strip()
    if not is_handle(text) or text not in target_names():
        return is_handle(text)
    return any(item["handle"] == text for item in context.session.ledger.items(context.thread_id))


def section_of(file: StructureFile, chain: str | None, context: ActionContext) -> dict[str, Any]:
    """The keys of a campaign's `target` that name the structure; a bundled target is docked into as it is bundled,
    never prepared a second time from its own structure."""
    if file.bundled:
        return {"name": file.bundled}
    return {"pdb": str(path_of(file, context)), **({"chain": chain} if chain else {})}


def prepare(target: GivenTarget, context: ActionContext) -> PreparedTarget:
    """Read and prepare the receptor in a worker process. InputError for what is wrong with file or pocket."""
    session = context.session
    spec = Target.model_validate(target.section).model_dump_json()
    task = Task(("ligand", spec, str(session.settings.home)), PREPARE_SECONDS)
    with session.resources.borrow() as engines:
        answers = engines.executor.map_ordered(prepare_in_worker, [task], context.control.should_stop)
        answer = next(iter(answers))[1]
    if isinstance(answer, Fault):
        raise TransientError(f"the target could not be prepared: {answer.kind}: {answer.message}")
    if "input_error" in answer:
        raise InputError(_with_short_path(answer["input_error"], target.section))
    return PreparedTarget(target, answer["receptor"], answer["receptor_pdb"], answer)


def receptor_item(prepared: PreparedTarget) -> Item:
    """The prepared receptor as a thing of the conversation: its value is the PDB file with hydrogens."""
    target = prepared.document["target"]
    return Item(
        kind="receptor",
        value=prepared.receptor_pdb,
        name=str(target["name"]),
        links={"structure": prepared.receptor_pdb},
        made_from=list(prepared.given.made_from),
        details={
            "target": dict(prepared.given.section),
            "receptor": prepared.receptor,
            "source": target["source"],
            "pocket_residues": prepared.pocket_residues,
            "box_center_angstrom": list(target["box_center_angstrom"]),
            "box_size_angstrom": list(target["box_size_angstrom"]),
            "bound_ligand": prepared.document["cognate"],
            "notes": list(target["notes"]),
        },
    )


def box_of(pocket: Mapping[str, Any]) -> dict[str, Any]:
    """The docking box of a found pocket: its space and a margin, within sensible edges (Å)."""
    edges = [min(MAX_EDGE_ANGSTROM, max(MIN_EDGE_ANGSTROM, e + 2 * BOX_MARGIN_ANGSTROM)) for e in pocket["size"]]
    return {"center": list(pocket["centre"]), "size": edges}


def _structure_behind(item: Item, context: ActionContext) -> StructureFile:
    if item.kind == "file":
        return file_structure(item, context)
    origin = item.details.get("structure_file")
    if origin:
        return StructureFile(origin["artifact"], origin["name"], (item.handle,), origin.get("bundled", ""))
    section = item.details.get("target") or {}
    if section.get("name"):
        return replace(bundled_structure(str(section["name"]), context), made_from=(item.handle,))
    kept = kept_structure(Path(str(section.get("pdb"))), context) if section.get("pdb") else None
    if kept is not None:
        return StructureFile(kept.artifact, kept.name, (item.handle,))
    if item.links.get("structure"):
        name = f"{item.name or item.handle}.pdb"
        return StructureFile(item.links["structure"], name, (item.handle,))
    raise InputError(f"{item.handle} is a sequence without a structure: attach a PDB or mmCIF file of it")


def _place(
    file: StructureFile, chain: str | None, pocket: str | None, context: ActionContext
) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
    """(keys of the section that name the pocket, notes, handles it came from)."""
    if pocket is None:
        return (*_unnamed_place(file, chain, context), ())
    pocket = pocket.strip()
    if is_handle(pocket):
        item = given_item(pocket, ("pocket",), context)
        return (*_place_of_item(item, file), (item.handle,))
    if pocket.lower() in PREDICT:
        return (*_predicted_place(file, chain, context), ())
    found = _FROM_LIGAND.fullmatch(pocket)
    code = found[1].upper() if found else pocket if _CODE.fullmatch(pocket) else ""
    if code and file.bundled:
        raise InputError(
            f"the bundled {file.bundled} holds no ligand {code} to mark the pocket: leave `pocket` out for its own, or "
            f"give residues, `predict`, a pocket's handle, or a structure file with {code} bound"
        )
    if code:
        return {"pocket": f"from_ligand {code}"}, (), ()
    residues = [part for part in re.split(r"[\s,;]+", pocket) if part]
    if not residues:
        raise InputError(
            "the pocket is empty; give `from_ligand STI`, residues such as A:THR315, a handle or `predict`"
        )
    if file.bundled:
        _need_residues(file.bundled, residues)
    return {"residues": residues}, (), ()


def _need_residues(bundled: str, residues: Sequence[str]) -> None:
    """InputError that names the pocket's residues: bundled targets are often numbered from 1."""
    target = load_target(bundled)
    for label in residues:
        try:
            find_residue(target.pdb, label)
        except InputError as error:
            meant = suggest(residues, residue_labels(target.pdb), target.pocket_residues)
            raise InputError(f"{error}. {meant}") from None


def _place_of_item(item: Item, file: StructureFile) -> tuple[dict[str, Any], tuple[str, ...]]:
    origin = item.details.get("structure_file") or {}
    if not item.details.get("box"):
        raise InputError(f"{item.handle} was found on a sequence: it has no place in a structure to dock into")
    if origin.get("artifact") != file.artifact:
        raise InputError(f"{item.handle} is a pocket of {origin.get('name')}, not of {file.name}")
    return {"box": item.details["box"]}, ()


def _unnamed_place(
    file: StructureFile, chain: str | None, context: ActionContext
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The bound ligand marks the pocket where there is one; several different ones are a question for the user."""
    found = survey(file, chain, context)
    labels = [one["labels"][0] for one in found.details["ligands"]]
    codes = list(dict.fromkeys(one["names"][0] for one in found.details["ligands"]))
    if len(codes) == 1:
        note = f"No pocket was named: the bound ligand {labels[0]} marks it."
        return {"pocket": f"from_ligand {labels[0]}"}, (note,)
    if codes:
        raise InputError(
            f"{file.name} has several bound ligands ({', '.join(labels[:8])}): name the pocket, for example "
            f"`from_ligand {codes[0]}`, residues, or `predict`"
        )
    return _predicted_place(file, chain, context)


def _predicted_place(
    file: StructureFile, chain: str | None, context: ActionContext
) -> tuple[dict[str, Any], tuple[str, ...]]:
    found = survey(file, chain, context)
    if not found.details["pockets"]:
        raise InputError(f"{file.name}: no enclosed pocket was found; name residues of the site, such as A:THR315")
    best = found.details["pockets"][0]
    note = (
        f"The pocket was found by shape alone (the first of {len(found.details['pockets'])}, call {found.call_id}): "
        f"{', '.join(best['residues'][:6])} and others. Say if it is another one."
    )
    return {"box": box_of(best)}, (note,)


def _bundled(text: str) -> str:
    """The bundled target of this name; InputError tells a file that is not there from a name that is unknown."""
    if structure_suffix(text):
        raise InputError(f"there is no structure file {text!r}: attach it to the conversation, or check its path")
    if "." in text or "/" in text:
        raise InputError(f"{text!r} is neither a bundled target nor a structure file ({', '.join(SUFFIXES[:3])})")
    try:
        return resolve_target(text)
    except InputError as error:
        close, names = str(error).partition("; closest: ")[2], target_names()
        hint = f"close to it: {close}" if close else f"there are {join(names, 10)}"
        raise InputError(
            f"unknown target {text!r}; of the {len(names)} bundled ones {hint}. For another protein attach a PDB or "
            "mmCIF file and give its name"
        ) from None


def _name_of(section: Mapping[str, Any]) -> str:
    return str(section.get("name") or Path(str(section.get("pdb"))).name.split(".", maxsplit=1)[0])


def _with_short_path(text: str, section: Mapping[str, Any]) -> str:
    path = str(section.get("pdb") or "")
    return text.replace(path, Path(path).name) if path else text
