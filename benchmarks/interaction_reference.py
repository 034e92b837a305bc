"""MMFF interaction energy of real complexes: 1iep's imatinib and the reference ligands of strain_reference.py.

    python benchmarks/interaction_reference.py

The CrossDocked receptors come without hydrogens: residues within 14 Å of the ligand are repaired and protonated as
for docking. Most of these ligands were placed in another protein of the family, so some rightly fail.
"""

from __future__ import annotations

import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from rdkit import Chem
from strain_reference import ARCHIVE, load_reference_ligands

from tools.docking.hydrogens import add_hydrogens
from tools.docking.repair import repair_protein
from tools.docking.structure import Residue, Structure, load_structure, remove_fragments, render_pdb
from tools.simulation.minimise import check_interaction

SHELL_ANGSTROM = 14.0


def prepare_shell(receptor: Path, pose: Chem.Mol) -> str:
    """PDB text with hydrogens of the residues around the pose."""
    points = pose.GetConformer().GetPositions()

    def near(residue: Residue) -> bool:
        atoms = np.array([atom.xyz for atom in residue.atoms])
        return bool(np.linalg.norm(atoms[:, None] - points[None], axis=2).min() < SHELL_ANGSTROM)

    whole, _ = remove_fragments(load_structure(receptor)[0])
    shell = [residue for residue in whole.residues if near(residue)]
    protein, _ = repair_protein(Structure(tuple(residue for residue in shell if residue.is_polymer)))
    others = [residue for residue in shell if not residue.is_polymer]
    return render_pdb(add_hydrogens(Structure((*protein.residues, *others))))


def report(name: str, pose: Chem.Mol, receptor_pdb: str) -> None:
    start = time.process_time()
    result = check_interaction(pose, receptor_pdb)
    seconds = time.process_time() - start
    if result.value is None:
        print(f"{name:36s} {result.verdict}: {result.reason}")
        return
    before, moved = result.details["interaction_before_kcal_mol"], result.details["moved_angstrom"]
    numbers = f"{before:8.1f} -> {result.value:7.1f} kcal/mol, moved {moved:.2f} Å"
    print(
        f"{name:36s} {result.verdict:4s} {numbers}, pocket {result.details['pocket_net_charge']:+d} e, {seconds:.1f} s"
    )


def main() -> None:
    structures = ARCHIVE.parent / "structures"
    imatinib = Chem.MolFromMolFile(str(structures / "1iep_ligand.sdf"), removeHs=False)
    report("1iep_ligand", imatinib, (structures / "1iep_receptorH.pdb").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, tarfile.open(ARCHIVE) as tar:
        tar.extractall(folder, filter="data")
        for name, pose in load_reference_ligands():
            receptor = next(Path(folder).glob(f"*/{name[:6]}_rec.pdb"))
            report(name, pose, prepare_shell(receptor, pose))


if __name__ == "__main__":
    main()
