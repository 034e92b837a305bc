"""From a PDB or mmCIF file to a receptor ready for docking, every change told in a sentence.

Order matters: fragments go first (a lone hydrogen would become an invented residue), non-standard residues
are replaced before anything is dropped, hydrogens come last. Kept beside the protein: the cofactors and
metals of `tools.docking.residues`; waters only where named. NOT promised: side-chain flips, pKa shifts,
missing loops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from tools.docking.hydrogens import add_hydrogens
from tools.docking.pocket import Pocket, PocketSpec, resolve_pocket
from tools.docking.receptor import Receptor
from tools.docking.receptor_pdbqt import render_receptor
from tools.docking.repair import repair_protein
from tools.docking.residues import WATER, is_cofactor, is_metal
from tools.docking.structure import (
    Residue,
    Structure,
    chain_breaks,
    join,
    load_structure,
    remove_fragments,
    render_pdb,
    sequences,
)
from tools.errors import InputError

X_H_MAX_ANGSTROM = 1.3


def prepare_receptor(
    path: Path,
    pocket: PocketSpec,
    *,
    chain: str | None = None,
    ph: float = 7.4,
    keep: Sequence[str] = (),
    remove: Sequence[str] = (),
    keep_waters: Sequence[str] = (),
    margin_angstrom: float = 5.0,
    contact_angstrom: float = 4.5,
    name: str | None = None,
) -> Receptor:
    """Prepare `path` for docking into `pocket`.

    `chain` keeps one chain, or several as "A,B"; all are kept without it. `keep` and `remove` are residue
    codes that change the default for hetero groups; `keep_waters` are labels of waters to keep ("A:HOH301")
    or ("all",). `margin_angstrom` and `contact_angstrom` are those of `resolve_pocket`. Raises `InputError`
    with one clear line.
    """
    raw, notes = load_structure(path)
    chosen = select_chains(raw, chain)
    whole, fragment_notes = remove_fragments(chosen)
    site = resolve_pocket(whole, pocket, margin_angstrom, contact_angstrom)
    notes += [*fragment_notes, *site.notes]
    protein = Structure(tuple(r for r in whole.residues if r.is_polymer))
    if not protein.residues:
        raise InputError(f"structure file {str(path)!r} holds no amino acids with N, CA and C; docking needs a protein")
    states = protonation_from_hydrogens(protein)
    repaired, repair_notes = repair_protein(protein)
    others, hetero_notes = select_hetero(whole, site.bound, keep, remove, keep_waters)
    complete = Structure((*repaired.residues, *others))
    full = add_hydrogens(complete, ph, states)
    notes += [*repair_notes, *hetero_notes, *_break_notes(repaired), *_proton_notes(ph, states, others, full)]
    return Receptor(
        name=name or path.name.split(".")[0],
        source=path.name + (f", chain {chain}" if chain else ""),
        pdbqt=render_receptor(full),
        pdb=render_pdb(full),
        box=site.box,
        sequence=sequences(repaired),
        pocket_residues=_present(site, full),
        notes=tuple(notes),
        ligand=site.ligand,
    )


def select_chains(structure: Structure, chain: str | None) -> Structure:
    """The residues of the named chains; `InputError` lists the chains there are."""
    if chain is None:
        return structure
    wanted = [part.strip() for part in chain.split(",")]
    there = structure.chains()
    missing = [part for part in wanted if part not in there]
    if missing:
        raise InputError(f"chain {missing[0]!r} is not in the structure; chains there: {', '.join(there)}")
    return Structure(tuple(residue for residue in structure.residues if residue.chain in wanted))


def select_hetero(
    structure: Structure,
    bound: Residue | None,
    keep: Sequence[str] = (),
    remove: Sequence[str] = (),
    keep_waters: Sequence[str] = (),
) -> tuple[list[Residue], list[str]]:
    """What stays beside the protein, and sentences that list the kept and the removed."""
    keep_codes, remove_codes = {k.upper() for k in keep}, {r.upper() for r in remove}
    waters = set(keep_waters)
    kept: list[Residue] = []
    removed: list[Residue] = []
    for residue in (r for r in structure.residues if not r.is_polymer):
        if residue is bound:
            continue
        if residue.name in WATER:
            wanted = "all" in waters or residue.label in waters
        else:
            wanted = residue.name in keep_codes or (
                (is_metal(residue.name) or is_cofactor(residue.name)) and residue.name not in remove_codes
            )
        (kept if wanted else removed).append(residue)
    return kept, _hetero_notes(bound, kept, removed)


def _hetero_notes(bound: Residue | None, kept: list[Residue], removed: list[Residue]) -> list[str]:
    notes = []
    if bound is not None:
        notes.append(f"The ligand {bound.label} was taken out of the pocket.")
    metals = [r.label for r in kept if is_metal(r.name)]
    waters = [r.label for r in kept if r.name in WATER]
    cofactors = [r.label for r in kept if not is_metal(r.name) and r.name not in WATER]
    for title, labels in (("Metals", metals), ("Cofactors", cofactors), ("Waters", waters)):
        if labels:
            notes.append(f"{title} kept: {join(labels)}.")
    gone_waters = [r.label for r in removed if r.name in WATER]
    if gone_waters:
        notes.append(f"{len(gone_waters)} waters were removed: {join(gone_waters)}.")
    others = [r.label for r in removed if r.name not in WATER]
    if others:
        notes.append(f"Other hetero groups were removed: {join(others)}.")
    return notes


def protonation_from_hydrogens(protein: Structure) -> dict[str, str]:
    """States of residues whose hydrogens in the file show a state; nothing for residues without
    hydrogens.

    Where every histidine carries two ring hydrogens the file does not distinguish states (AutoDockTools
    writes them all so), and histidines are left to pH and hydrogen bonds.
    """
    states = {}
    for residue in protein.residues:
        hydrogens = [atom for atom in residue.atoms if atom.is_hydrogen]
        if not hydrogens:
            continue

        def carries(name: str, residue: Residue = residue) -> bool:
            parent = residue.atom(name)
            return parent is not None and any(
                atom.is_hydrogen and math.dist(atom.xyz, parent.xyz) < X_H_MAX_ANGSTROM for atom in residue.atoms
            )

        if residue.name in ("HIS", "HID", "HIE", "HIP", "HSD", "HSE", "HSP"):
            state = {(True, True): "HIP", (True, False): "HID", (False, True): "HIE"}
            found = state.get((carries("ND1"), carries("NE2")))
            if found:
                states[f"{residue.chain}:HIS{residue.number}{residue.icode}"] = found
        elif residue.name in ("ASP", "ASH") and (carries("OD1") or carries("OD2")):
            states[f"{residue.chain}:ASP{residue.number}{residue.icode}"] = "ASH"
        elif residue.name in ("GLU", "GLH") and (carries("OE1") or carries("OE2")):
            states[f"{residue.chain}:GLU{residue.number}{residue.icode}"] = "GLH"
    histidines = {label: state for label, state in states.items() if state.startswith("HI")}
    if len(histidines) > 1 and set(histidines.values()) == {"HIP"}:
        return {label: state for label, state in states.items() if label not in histidines}
    return states


def _break_notes(protein: Structure) -> list[str]:
    breaks = [f"{a.label} to {b.label}" for a, b in chain_breaks(protein)]
    if not breaks:
        return []
    return [f"The backbone is broken at {join(breaks)}; both sides end there as charged termini."]


def _proton_notes(ph: float, states: dict[str, str], others: list[Residue], full: Structure) -> list[str]:
    notes = [f"Hydrogens were added for pH {ph:g} from textbook pKa values, histidines by their hydrogen bonds."]
    if states:
        listed = join([f"{label} {state}" for label, state in states.items()])
        notes.append(f"The hydrogens of the file decided the state of: {listed}.")
    bare = [
        r.label
        for r in full.residues
        if r.label in {o.label for o in others} and not is_metal(r.name) and not any(a.is_hydrogen for a in r.atoms)
    ]
    if bare:
        notes.append(f"No template: kept without hydrogens: {join(bare)}.")
    return notes


def _present(site: Pocket, full: Structure) -> tuple[str, ...]:
    """Pocket labels with the names residues have after repair."""
    names = {(r.chain, f"{r.number}{r.icode}"): r.label for r in full.residues}
    labels = []
    for label in site.residues:
        chain, _, rest = label.partition(":")
        digits = rest[3:]
        labels.append(names.get((chain, digits), label))
    return tuple(labels)
