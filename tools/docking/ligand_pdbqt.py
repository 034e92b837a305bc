"""Ligands in and out of PDBQT with meeko: bond orders, charges and all hydrogens survive the round trip.

Macrocycles and rings stay rigid (`rigid_macrocycles=True`): meeko's default opened the cyclic urea of 1HVR's
ligand and redocking failed at 4.2 Å, rigid it gave 0.5 Å (measured for this project). Hence several ring
conformers are docked.
"""

from __future__ import annotations

import meeko
from rdkit import Chem, rdBase

from tools.errors import InputError

# AutoDock atom types Vina 1.2.7 knows and a ligand can have (atom_constants.h of its sources), metals left
# out.
SUPPORTED_TYPES = frozenset(
    (
        "C",
        "A",
        "N",
        "NA",
        "NS",
        "OA",
        "OS",
        "O",
        "S",
        "SA",
        "P",
        "F",
        "Cl",
        "CL",
        "Br",
        "BR",
        "I",
        "H",
        "HD",
        "Si",
        "At",
    )
)


def render_ligand(mol: Chem.Mol, conformer_id: int = -1) -> str:
    """PDBQT of one conformer. `mol` needs 3D coordinates and explicit hydrogens.

    Raises `InputError` where there is no conformer, or an element that Vina has no parameters for.
    """
    smiles = Chem.MolToSmiles(Chem.RemoveHs(mol))
    if mol.GetNumConformers() == 0 or not mol.GetConformer(conformer_id).Is3D():
        raise InputError(f"ligand {smiles!r} has no 3D conformer; embed it before docking")
    preparation = meeko.MoleculePreparation(rigid_macrocycles=True)
    with rdBase.BlockLogs():
        try:
            setups = preparation.prepare(mol, conformer_id=conformer_id)
        except (ValueError, RuntimeError) as fault:
            raise InputError(f"ligand {smiles!r} has no AutoDock atom types: {fault}") from fault
    text, done, message = meeko.PDBQTWriterLegacy.write_string(setups[0])
    if not done:
        raise InputError(f"ligand {smiles!r} does not write as PDBQT: {str(message).strip()}")
    unknown = atom_types(text) - SUPPORTED_TYPES
    if unknown:
        raise InputError(f"ligand {smiles!r} has atom type {sorted(unknown)[0]!r}, which Vina has no parameters for")
    return str(text)


def atom_types(pdbqt: str) -> frozenset[str]:
    """AutoDock types (columns 78-79) of all atoms."""
    return frozenset(line[77:79].strip() for line in pdbqt.splitlines() if line.startswith(("ATOM", "HETATM")))


def parse_poses(pdbqt: str) -> Chem.Mol:
    """One molecule with all hydrogens and a conformer per docked pose, best first."""
    docked = meeko.PDBQTMolecule(pdbqt, is_dlg=False, skip_typing=True)
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = meeko.RDKitMolCreate.from_pdbqt_mol(docked)[0]
    if mol is None:
        raise InputError("the docked PDBQT lost its SMILES remark; it was not written by this project")
    return mol
