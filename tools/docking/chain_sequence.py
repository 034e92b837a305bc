"""One chain of a structure file as the grammar writes it: its sequence, and which residues line a ligand.

The sequence is that of the residues with coordinates, so that indices count them; residues missing in the
file are missing here and said so. Modified residues stand as their parent's letter by gemmi's table of the
PDB component dictionary, `X` where it knows none; caps are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.docking.pocket import find_ligand, ligand_residues
from tools.docking.residues import CAPS, parent_letter
from tools.docking.structure import Residue, Structure, chain_breaks, join, load_structure, residues_near
from tools.errors import InputError


@dataclass(frozen=True, slots=True)
class ChainSequence:
    """`pocket`: 0-based indices into `sequence` of the residues around the ligand; `ligand`: its label."""

    chain: str
    sequence: str
    pocket: tuple[int, ...]
    ligand: str
    notes: tuple[str, ...]


def load_chain_sequence(
    path: Path, chain: str | None = None, ligand: str | None = None, contact_angstrom: float = 4.5
) -> ChainSequence:
    """Chain `chain` of a PDB or mmCIF file with its residues around `ligand` (code, "STI", "A:STI201").

    Pocket residues have a heavy atom within `contact_angstrom` of a heavy atom of the ligand (4.5 Å, the
    definition of the project's structure data set). Of several copies of a ligand the one is taken that
    touches most residues of the chain. Without `chain`: the only one, or the one the ligand touches most.
    Raises `InputError` that lists the chains or ligands there are.
    """
    structure, notes = load_structure(path)
    chains = _chains(structure)
    if not chains:
        raise InputError(f"structure file {str(path)!r} holds no protein chain")
    if chain is not None and chain not in chains:
        raise InputError(f"chain {chain!r} is not in {path}; protein chains there: {_described(chains)}")
    if ligand is None:
        if chain is None and len(chains) > 1:
            raise InputError(f"{path} holds several chains; name one of them: {_described(chains)}")
        name = chain or next(iter(chains))
        return _sequence(name, chains[name], (), "", notes)
    wanted = {chain: chains[chain]} if chain is not None else chains
    copies = _copies(structure, ligand)
    contacts = [
        (copy, name, _near(members, copy, contact_angstrom)) for copy in copies for name, members in wanted.items()
    ]
    copy, name, near = max(contacts, key=lambda contact: len(contact[2]))
    if not near:
        touched = f"chain {chain}" if chain is not None else "any protein chain"
        raise InputError(
            f"ligand {copy.label} has no residue of {touched} within {contact_angstrom} Å; "
            f"protein chains there: {_described(chains)}; "
            f"ligands: {join([r.label for r in ligand_residues(structure)])}"
        )
    if len(copies) > 1:
        notes = [
            *notes,
            f"{len(copies)} copies of {copy.name} are bound; {copy.label} marks the pocket of chain {name}.",
        ]
    return _sequence(name, chains[name], tuple(near), copy.label, notes)


def _chains(structure: Structure) -> dict[str, list[Residue]]:
    """Amino acids by chain, in order."""
    found: dict[str, list[Residue]] = {}
    for residue in structure.residues:
        if residue.is_polymer and residue.name not in CAPS:
            found.setdefault(residue.chain, []).append(residue)
    return found


def _copies(structure: Structure, code: str) -> list[Residue]:
    """All residues meant by `code`; `InputError` lists the ligands where there is none."""
    first, _ = find_ligand(structure, code)
    if ":" in code and first.label.upper() == code.strip().upper():
        return [first]
    chain = code.partition(":")[0].strip().upper() if ":" in code else None
    return [
        residue
        for residue in ligand_residues(structure)
        if residue.name == first.name and chain in (None, residue.chain.upper())
    ]


def _near(members: list[Residue], ligand: Residue, distance_angstrom: float) -> list[int]:
    lining = residues_near(Structure(tuple(members)), ligand.heavy(), distance_angstrom)
    labels = {residue.label for residue in lining}
    return [at for at, residue in enumerate(members) if residue.label in labels]


def _sequence(
    name: str, members: list[Residue], pocket: tuple[int, ...], ligand: str, notes: list[str]
) -> ChainSequence:
    letters = "".join(parent_letter(residue.name) for residue in members)
    breaks = chain_breaks(Structure(tuple(members)))
    if breaks:
        places = join([f"{a.label} to {b.label}" for a, b in breaks], limit=4)
        notes = [*notes, f"Chain {name} is not continuous in the file ({places}); what is missing is left out."]
    return ChainSequence(name, letters, pocket, ligand, tuple(notes))


def _described(chains: dict[str, list[Residue]]) -> str:
    return join([f"{name} ({len(members)} residues)" for name, members in chains.items()])
