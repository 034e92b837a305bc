"""The 58 curated receptors of the `dockstring` wheel (García-Ortegón 2022, doi 10.1021/acs.jcim.1c01334) by
name.

The docking PDBQT is the bundled one, byte for byte, so published dockstring scores stay comparable. The
all-atom PDB is made from it: authors' residue names become standard ones, chains get letters, the polar
hydrogens stay where the authors put them, and the others are added. NOT promised: PDB numbering (many targets
count from 1) and a cognate ligand: none is bundled, so redocking is untested there.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path

import numpy as np

from tools.docking.box import Box
from tools.docking.hydrogens import add_hydrogens
from tools.docking.pocket import PocketSpec, resolve_pocket
from tools.docking.receptor import Receptor
from tools.docking.residues import N_HEAVY, STANDARD, WATER, is_metal, is_residue, standard_name
from tools.docking.structure import (
    Atom,
    Residue,
    Structure,
    chain_breaks,
    join,
    render_pdb,
    residues_near,
    sequences,
)
from tools.errors import InputError, UnavailableError

ELEMENT_OF_TYPE = {
    "A": "C",
    "C": "C",
    "N": "N",
    "NA": "N",
    "OA": "O",
    "SA": "S",
    "S": "S",
    "P": "P",
    "HD": "H",
    "H": "H",
}
METAL_NAME = {"ZN1": "ZN", "ZN2": "ZN", "ZN3": "ZN", "ZN5": "ZN", "MG1": "MG", "MG4": "MG"}
ATOM_NAME = {("NME", "CA"): "C", ("HOH", "OW"): "O"}
X_H_MAX_ANGSTROM = 1.45  # the longest X-H bond is S-H, 1.34 Å


def target_names() -> tuple[str, ...]:
    """Names of the bundled targets, sorted."""
    suffix = "_target.pdbqt"
    return tuple(sorted(p.name.removesuffix(suffix) for p in _folder().glob(f"*{suffix}")))


def resolve_target(name: str) -> str:
    """The bundled spelling of `name` (any case); `InputError` lists the closest ones otherwise."""
    names = target_names()
    by_upper = {known.upper(): known for known in names}
    wanted = name.strip().upper()
    if wanted in by_upper:
        return by_upper[wanted]
    close = difflib.get_close_matches(wanted, by_upper, n=5, cutoff=0.4)
    hint = f"closest: {', '.join(by_upper[c] for c in close)}" if close else f"known: {', '.join(names)}"
    raise InputError(f"unknown target {name!r}; {hint}")


@lru_cache(maxsize=8)
def load_target(name: str, pocket_radius_angstrom: float = 8.0) -> Receptor:
    """The bundled target as a receptor with its authors' box.

    `pocket_residues` are those with a heavy atom within `pocket_radius_angstrom` of the box centre, a
    convention of this project as no ligand is bundled (8 Å: the P2Rank-style radius of a drug-sized site).
    """
    known = resolve_target(name)
    pdbqt = (_folder() / f"{known}_target.pdbqt").read_text()
    box = parse_box((_folder() / f"{known}_conf.txt").read_text())
    polar = parse_pdbqt(pdbqt)
    full = add_hydrogens(polar, states=protonation_variants(polar, _author_names(pdbqt, polar)))
    pocket = residues_near(polar, np.array([box.center_angstrom]), pocket_radius_angstrom)
    return Receptor(
        name=known,
        source=f"dockstring {metadata.version('dockstring')} (bundled, Apache-2.0)",
        pdbqt=pdbqt,
        pdb=render_pdb(full),
        box=box,
        sequence=sequences(polar),
        pocket_residues=tuple(r.label for r in pocket if is_residue(r.name)),
        notes=tuple(_notes(pdbqt, polar)),
    )


def target_at(name: str, pocket: PocketSpec) -> Receptor:
    """The bundled target with the box at another place than its authors': same PDBQT, same all-atom PDB.

    It is not prepared again: its residues have no hydrogens on carbon and some side chains are cut short, which
    a preparation from the start would refuse or change.
    """
    receptor = load_target(name)
    if pocket.ligand:
        raise InputError(
            f"the bundled {receptor.name} holds no ligand {pocket.ligand!r} to mark the pocket; give residues, a box, "
            f"or a structure file with the ligand bound"
        )
    site = resolve_pocket(parse_pdbqt(receptor.pdbqt), pocket)
    note = f"The box was put at another place than that of the bundled target: centre {site.box.center_angstrom} Å."
    return dataclasses.replace(
        receptor,
        box=site.box,
        pocket_residues=site.residues,
        notes=(*receptor.notes, note, *site.notes),
        ligand=site.ligand,
    )


def parse_box(text: str) -> Box:
    """The box of a Vina configuration file (`center_x = ...`, `size_x = ...`, in Å)."""
    values = {key: float(value) for key, value in re.findall(r"(\w+)\s*=\s*(-?[\d.]+)", text)}
    try:
        center = (values["center_x"], values["center_y"], values["center_z"])
        size = (values["size_x"], values["size_y"], values["size_z"])
    except KeyError as missing:
        raise InputError(f"Vina configuration lacks {missing}; expected center_x..z and size_x..z") from missing
    return Box(center, size)


def parse_pdbqt(text: str) -> Structure:
    """Residues of a receptor PDBQT with standard names, element symbols and named polar hydrogens."""
    residues: list[Residue] = []
    for (number, raw_name), atoms in _group(text):
        name = _residue_name(raw_name)
        heavy = tuple(Atom(ATOM_NAME.get((name, a.name), a.name), a.element, a.xyz) for a in atoms if not a.is_hydrogen)
        hydrogens = [atom for atom in atoms if atom.is_hydrogen]
        residues.append(_name_hydrogens(Residue("A", number, "", name, heavy), hydrogens))
    return Structure(tuple(_renumber_caps(residues)))


def _group(text: str) -> list[tuple[tuple[int, str], list[Atom]]]:
    """Consecutive atoms of one residue; the element comes from the AutoDock type (columns 78-79)."""
    groups: list[tuple[tuple[int, str], list[Atom]]] = []
    for line in text.splitlines():
        if not line.startswith(("ATOM", "HETATM")):
            continue
        kind = line[77:79].strip()
        element = ELEMENT_OF_TYPE.get(kind, kind.capitalize())
        xyz = (float(line[30:38]), float(line[38:46]), float(line[46:54]))
        key = (int(line[22:26]), line[17:20].strip())
        if not groups or groups[-1][0] != key:
            groups.append((key, []))
        groups[-1][1].append(Atom(line[12:16].strip(), element, xyz))
    return groups


def _residue_name(raw: str) -> str:
    if raw in WATER:
        return "HOH"
    if raw == "NMA":
        return "NME"
    return METAL_NAME.get(raw, standard_name(raw))


def _renumber_caps(residues: list[Residue]) -> list[Residue]:
    """A cap that shares its neighbour's number takes the next free one."""
    used = {residue.number for residue in residues}
    seen: set[int] = set()
    result = []
    for residue in residues:
        number = residue.number
        while number in seen:
            number = number + 1 if number + 1 not in used else number + 1000
        seen.add(number)
        result.append(Residue(residue.chain, number, residue.icode, residue.name, residue.atoms))
    return result


def _name_hydrogens(residue: Residue, hydrogens: list[Atom]) -> Residue:
    """Give each polar hydrogen the standard name of its parent's hydrogens; leave out what has no standard
    place."""
    by_parent: dict[str, list[Atom]] = {}
    for hydrogen in hydrogens:
        distance, parent = min((math.dist(hydrogen.xyz, a.xyz), a.name) for a in residue.atoms)
        if distance < X_H_MAX_ANGSTROM:
            by_parent.setdefault(parent, []).append(hydrogen)
    named = []
    for parent, found in by_parent.items():
        names = _hydrogen_names(residue.name, parent)
        named += [Atom(name, "H", h.xyz) for name, h in zip(names, found, strict=False)]
    return Residue(residue.chain, residue.number, residue.icode, residue.name, (*residue.atoms, *named))


POLAR_HYDROGENS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("ARG", "NE"): ("HE",), ("ARG", "NH1"): ("HH11", "HH12"), ("ARG", "NH2"): ("HH21", "HH22"),
    ("ASN", "ND2"): ("HD21", "HD22"), ("GLN", "NE2"): ("HE21", "HE22"), ("ASP", "OD2"): ("HD2",),
    ("GLU", "OE2"): ("HE2",), ("CYS", "SG"): ("HG",),
    ("LYS", "NZ"): ("HZ1", "HZ2", "HZ3"), ("SER", "OG"): ("HG",), ("THR", "OG1"): ("HG1",),
    ("TRP", "NE1"): ("HE1",),
    ("TYR", "OH"): ("HH",), ("HOH", "O"): ("H1", "H2"),
}  # fmt: skip


def _hydrogen_names(residue: str, parent: str) -> tuple[str, ...]:
    if parent == "N":
        return ("H2", "H3") if residue == "PRO" else ("H", "H2", "H3")
    return POLAR_HYDROGENS.get((residue, parent), ())


def protonation_variants(structure: Structure, authors: Mapping[str, str]) -> dict[str, str]:
    """State of every titratable residue, keyed by label.

    `authors` maps labels to the residue names of the bundled file, which decide where they name a state (HID,
    HIE, HIP, HIZ on zinc). A plain HIS is left to its hydrogen bonds: AutoDockTools puts hydrogens on both
    its nitrogens, which is no evidence for a charge.
    """
    variants = {}
    for residue in structure.residues:
        names = {atom.name for atom in residue.atoms}
        author = authors.get(residue.label, residue.name)
        if author in ("HID", "HIE", "HIP", "HIZ"):
            variants[residue.label] = "HID" if author == "HIZ" else author
        elif residue.name == "CYS":
            variants[residue.label] = "CYS" if "HG" in names else "CYX"
        elif residue.name == "ASP":
            variants[residue.label] = "ASH" if "HD2" in names else "ASP"
        elif residue.name == "GLU":
            variants[residue.label] = "GLH" if "HE2" in names else "GLU"
        elif residue.name == "LYS":
            variants[residue.label] = "LYS"
    return variants


def _notes(pdbqt: str, polar: Structure) -> list[str]:
    raw = list(dict.fromkeys(name for (_, name), _ in _group(pdbqt)))
    renamed = [f"{n} as {_residue_name(n)}" for n in raw if _residue_name(n) != n]
    kept = [r.label for r in polar.residues if r.name not in STANDARD and r.name not in WATER]
    waters = [r for r in polar.residues if r.name in WATER]
    metals = [r.label for r in polar.residues if is_metal(r.name)]
    breaks = [f"{a.label} to {b.label}" for a, b in chain_breaks(polar)]
    notes = ["Docked with the bundled PDBQT unchanged; the all-atom structure was made from it."]
    if renamed:
        notes.append(f"Residue names read as standard ones: {join(renamed)}.")
    if kept:
        notes.append(f"Kept beside standard residues: {join(kept)}.")
    if metals:
        notes.append(f"Metals kept: {join(metals)}.")
    if waters:
        notes.append(f"{len(waters)} waters of the bundled file were kept: {join([w.label for w in waters])}.")
    cut = [r.label for r in polar.residues if len(r.heavy()) < N_HEAVY.get(r.name, 0)]
    if cut:
        notes.append(f"Side chains cut short in the bundled file and left so: {join(cut)}.")
    if breaks:
        notes.append(f"The backbone is broken at {join(breaks)}; both sides end there.")
    if any(residue.name == "HIS" for residue in polar.residues):
        notes.append(
            "Histidines: the bundled PDBQT carries hydrogens on both ring nitrogens of most; the all-atom "
            "structure follows the authors' HID/HIE/HIP names, and the hydrogen bonds where the name is HIS."
        )
    return notes


def _author_names(pdbqt: str, polar: Structure) -> dict[str, str]:
    return {r.label: raw for r, ((_, raw), _) in zip(polar.residues, _group(pdbqt), strict=True)}


def _folder() -> Path:
    spec = util.find_spec("dockstring")
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError("the bundled targets need the package dockstring: pip install dockstring")
    return Path(next(iter(spec.submodule_search_locations))) / "resources" / "targets"
