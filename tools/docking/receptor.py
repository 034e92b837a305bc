"""A prepared receptor: what docking, pose checks, the report and the cache need to know of the protein.

`pdbqt` is what Vina reads (polar hydrogens only), `pdb` the same structure with all hydrogens; both are text,
so that a receptor crosses process borders and is stored as it is. `receptor_id` is the SHA-256 of `pdbqt`:
two preparations that dock alike are one receptor to the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rdkit import Chem

from tools.docking.box import Box
from tools.errors import InputError


@dataclass(frozen=True, slots=True)
class BoundLigand:
    """The cognate or reference ligand where it was found: a molblock in the receptor's frame and its
    SMILES."""

    name: str
    smiles: str
    molblock: str

    def mol(self) -> Chem.Mol:
        """The heavy-atom molecule with its crystal coordinates."""
        mol = Chem.MolFromMolBlock(self.molblock, removeHs=True)
        if mol is None:
            raise InputError(f"the stored structure of ligand {self.name!r} does not parse")
        return mol

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "smiles": self.smiles, "molblock": self.molblock}


@dataclass(frozen=True, slots=True)
class Receptor:
    """`sequence` maps a chain to its one-letter sequence, "/" where the backbone is broken; `pocket_residues`
    are labels such as "A:THR315"; `notes` are sentences that say what was read, kept, replaced and
    removed."""

    name: str
    source: str
    pdbqt: str
    pdb: str
    box: Box
    sequence: Mapping[str, str] = field(default_factory=dict)
    pocket_residues: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ligand: BoundLigand | None = None

    @property
    def receptor_id(self) -> str:
        return hashlib.sha256(self.pdbqt.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "source": self.source,
            "pdbqt": self.pdbqt,
            "pdb": self.pdb,
            "box": self.box.to_json(),
            "sequence": dict(self.sequence),
            "pocket_residues": list(self.pocket_residues),
            "notes": list(self.notes),
            "ligand": self.ligand.to_json() if self.ligand else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Receptor:
        ligand = data.get("ligand")
        return cls(
            name=data["name"],
            source=data["source"],
            pdbqt=data["pdbqt"],
            pdb=data["pdb"],
            box=Box.from_json(data["box"]),
            sequence=dict(data["sequence"]),
            pocket_residues=tuple(data["pocket_residues"]),
            notes=tuple(data["notes"]),
            ligand=BoundLigand(**ligand) if ligand else None,
        )
