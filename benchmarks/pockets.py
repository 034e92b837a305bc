"""Does the pocket finder put pockets where ligands are bound? Hit rates on bundled targets and on real complexes.

    python benchmarks/pockets.py [--complexes crossdocked_dev80_structures.tar.gz --structures FOLDER] [--json]

The 58 targets of dockstring have a docking box around the ligand of their crystal structure; no constant of the finder
was chosen on them, so theirs is the rate to quote. A hit there: a pocket centre within 6 Å of the box's centre.

A complex of the archive is one receptor and the ligand docked or minimised into its known site; a structure of the
folder is a PDB entry with its own ligands (P2Rank's rule of which count), or with `NAME_ligand.sdf` beside it. The
finder's constants were chosen on these by top-1 rate among 144 settings, so theirs is optimistic. A hit there: a pocket
centre within 4 Å of a ligand's heavy atom. The overlap is of the first pocket's residues and those within 4.5 Å of the
nearest ligand.

Ligands are taken out before pockets are looked for, but most of these proteins keep the shape they have with a ligand
bound: an empty structure is harder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from tools.docking.dockstring_targets import load_target, target_names
from tools.docking.structure import Structure, load_structure, residues_near
from tools.evaluation.intervals import wilson_interval
from tools.evaluation.relevant_ligands import relevant_ligands
from tools.protein.pockets import FoundPocket, find_pockets

HIT_ANGSTROM, BOX_HIT_ANGSTROM, CONTACT_ANGSTROM, N_POCKETS = 4.0, 6.0, 4.5, 3
Points = NDArray[np.float64]


def complexes(folder: Path) -> Iterator[tuple[str, Structure, list[Points]]]:
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        ligand = next(path for path in sorted(case.iterdir()) if path.suffix == ".sdf")
        structure, _ = load_structure(next(path for path in case.iterdir() if path.name.endswith("_rec.pdb")))
        yield case.name, structure, [ligand_atoms(ligand)]


def structures(folder: Path) -> Iterator[tuple[str, Structure, list[Points]]]:
    for path in sorted(folder.glob("*.pdb")):
        structure, _ = load_structure(path)
        beside = folder / f"{path.stem.split('_')[0]}_ligand.sdf"
        protein = Structure(tuple(residue for residue in structure.residues if residue.is_polymer))
        found = [one.atoms for one in relevant_ligands(structure, protein.heavy())]
        ligands = [ligand_atoms(beside)] if beside.is_file() else found
        if ligands:
            yield path.stem, structure, ligands


def bundled() -> Iterator[dict[str, Any]]:
    """Each bundled target: how far the pockets are from the centre of its box."""
    for name in target_names():
        receptor = load_target(name)
        structure = Structure(parse_receptor(receptor.pdb).residues)
        started = time.perf_counter()
        pockets = find_pockets(structure, N_POCKETS)
        seconds = time.perf_counter() - started
        gaps = [float(np.linalg.norm(np.subtract(one.centre, receptor.box.center_angstrom))) for one in pockets]
        hits = [gap <= BOX_HIT_ANGSTROM for gap in gaps]
        yield {
            "name": name,
            "centre_to_box_angstrom": [round(gap, 2) for gap in gaps],
            "top_1": any(hits[:1]),
            "top_3": any(hits),
            "seconds": round(seconds, 2),
        }


def parse_receptor(text: str) -> Structure:
    with tempfile.NamedTemporaryFile("w", suffix=".pdb") as file:
        file.write(text)
        file.flush()
        return load_structure(Path(file.name))[0]


def ligand_atoms(path: Path) -> Points:
    """Heavy atoms, shape (N, 3) in Å."""
    mol = Chem.MolFromMolFile(str(path), sanitize=False)
    places: Points = mol.GetConformer().GetPositions()
    return places[[atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]]


def judged(name: str, structure: Structure, ligands: Sequence[Points]) -> dict[str, Any]:
    started = time.perf_counter()
    pockets = find_pockets(structure, N_POCKETS)
    seconds = time.perf_counter() - started
    gaps = [min(float(np.linalg.norm(one - pocket.centre, axis=1).min()) for one in ligands) for pocket in pockets]
    hits = [gap <= HIT_ANGSTROM for gap in gaps]
    row = {
        "name": name,
        "centre_to_ligand_angstrom": [round(gap, 2) for gap in gaps],
        "top_1": any(hits[:1]),
        "top_3": any(hits),
        "seconds": round(seconds, 2),
    }
    return {**row, **(overlap(pockets[0], structure, ligands) if pockets else {"jaccard": 0.0, "recall": 0.0})}


def overlap(pocket: FoundPocket, structure: Structure, ligands: Sequence[Points]) -> dict[str, float]:
    """Of the first pocket's residues with those around the ligand nearest to its centre."""
    nearest = min(ligands, key=lambda one: float(np.linalg.norm(one - pocket.centre, axis=1).min()))
    protein = Structure(tuple(residue for residue in structure.residues if residue.is_polymer))
    lining = {residue.label for residue in residues_near(protein, nearest, CONTACT_ANGSTROM)}
    both = len(lining & set(pocket.residues))
    return {
        "jaccard": round(both / len(lining | set(pocket.residues)), 3),
        "recall": round(both / max(1, len(lining)), 3),
    }


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"n": len(rows)}
    for name in ("top_1", "top_3"):
        hits = sum(row[name] for row in rows)
        low, high = wilson_interval(hits, len(rows))
        found[name] = {"share": round(hits / len(rows), 3), "low": round(low, 3), "high": round(high, 3)}
    for name in [key for key in ("jaccard", "recall", "seconds") if key in rows[0]]:
        found[f"mean_{name}"] = round(float(np.mean([row[name] for row in rows])), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--complexes", type=Path)
    parser.add_argument("--structures", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sets: dict[str, list[dict[str, Any]]] = {"bundled": list(bundled())}
    if args.complexes:
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(args.complexes) as archive:
                archive.extractall(folder, filter="data")
            sets["complexes"] = [judged(*case) for case in complexes(Path(folder))]
    if args.structures:
        sets["structures"] = [judged(*case) for case in structures(args.structures)]
    for row in (row for rows in sets.values() for row in rows):
        print(row, file=sys.stderr)
    report: dict[str, Any] = {name: figures(rows) for name, rows in sets.items()}
    print(json.dumps({**report, "rows": sets} if args.json else report, indent=None if args.json else 1))


if __name__ == "__main__":
    main()
