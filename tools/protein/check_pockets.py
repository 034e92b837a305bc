"""Which cavities does this structure have? One call a structure file, so that every number of a pocket traces to it."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path

from tools.docking.pocket import ligand_residues
from tools.docking.prepare import select_chains
from tools.docking.structure import Structure, load_structure, sequences
from tools.evaluation.relevant_ligands import relevant_ligands
from tools.protein.pockets import find_pockets
from tools.types import CheckResult, Verdict

NAME = "pockets"


def check_pockets(structure_file: Path, *, chain: str | None = None, n: int = 5) -> CheckResult:
    """Pass where a pocket was found; `value` counts them. `chain` as in docking ("A" or "A,B"; all without it).

    `details["pockets"]` are those of `tools.protein.pockets`, each with the labels of the bound ligands whose nearest
    atom is within 4 Å of its centre; `ligands` the bound molecules that count (P2Rank's rule) by labels and component
    names, `bound` every residue that is neither amino acid, water nor metal; `chains` the sequences, and `notes` what
    was left out of the file.
    """
    started = time.perf_counter()
    raw, notes = load_structure(structure_file)
    structure = select_chains(raw, chain)
    protein = Structure(tuple(residue for residue in structure.residues if residue.is_polymer))
    pockets = find_pockets(structure, n)
    ligands = relevant_ligands(structure, protein.heavy())
    names = {residue.label: residue.name for residue in structure.residues}
    rows = []
    for pocket in pockets:
        gaps = [(float(((one.atoms - pocket.centre) ** 2).sum(axis=1).min() ** 0.5), one.labels) for one in ligands]
        held = [label for distance, labels in gaps if distance <= 4.0 for label in labels]
        rows.append({**pocket.to_json(), "ligands": held})
    return CheckResult(
        name=NAME,
        verdict=Verdict.PASS if pockets else Verdict.FAIL,
        value=float(len(pockets)),
        unit="pockets",
        threshold=">= 1",
        reason="" if pockets else "no enclosed space was found",
        tool="scipy",
        version=f"scipy {version('scipy')}",
        seconds=time.perf_counter() - started,
        details={
            "pockets": rows,
            "ligands": [
                {"labels": list(one.labels), "names": [names[label] for label in one.labels]} for one in ligands
            ],
            "bound": [residue.label for residue in ligand_residues(structure)],
            "chains": sequences(structure),
            "notes": notes,
        },
    )
