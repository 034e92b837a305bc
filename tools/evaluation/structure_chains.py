"""Structure files beside a data file: finding them, their chains as prompts, labels carried over to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from tools.docking.residues import CAPS, parent_letter
from tools.docking.structure import Residue, Structure
from tools.errors import InputError

_ENDINGS = (".pdb", ".cif", ".ent", ".pdb.gz", ".cif.gz", ".ent.gz")


@dataclass(frozen=True, slots=True)
class StructureChain:
    """One protein chain as the structure has it: `residues[i]` is letter i of `sequence`; missing loops are
    absent from both."""

    name: str
    sequence: str
    residues: tuple[Residue, ...]


def find_structure(folder: Path, pdb: str, chain: str = "") -> Path:
    """The file of entry `pdb` in `folder`: 1ABC, 1abc or pdb1abc, with the chain letter behind it (COACH420's way)
    or without, as PDB or mmCIF, also gzipped. InputError where there is none."""
    stems = [
        f"{prefix}{code}{tail}"
        for tail in (chain, "")
        for code in (pdb, pdb.lower(), pdb.upper())
        for prefix in ("", "pdb")
    ]
    for stem in dict.fromkeys(stems):
        for ending in _ENDINGS:
            if (folder / f"{stem}{ending}").is_file():
                return folder / f"{stem}{ending}"
    raise InputError(f"no structure of {pdb!r} in {str(folder)!r}; expected {pdb.lower()}.pdb or {pdb.lower()}.cif")


def protein_chains(structure: Structure, wanted: Collection[str] = (), min_residues: int = 20) -> list[StructureChain]:
    """Chains of amino acids in the order of the file: those `wanted` by name, else all of at least `min_residues`
    (shorter ones are peptides, which are neither searched nor counted as protein). InputError for a wanted one that
    is not there."""
    found = []
    for name in structure.chains():
        members = tuple(r for r in structure.residues if r.chain == name and r.is_polymer and r.name not in CAPS)
        if members and (name in wanted or (not wanted and len(members) >= min_residues)):
            found.append(StructureChain(name, "".join(parent_letter(r.name) for r in members), members))
    missing = set(wanted) - {chain.name for chain in found}
    if missing:
        raise InputError(f"chain {min(missing)!r} is not in the structure; it has {', '.join(structure.chains())}")
    return found


def chain_atoms(chains: Iterable[StructureChain]) -> NDArray[np.float64]:
    """Heavy atoms of the chains, shape (N, 3) in Å."""
    return np.concatenate([np.empty((0, 3)), *(residue.heavy() for chain in chains for residue in chain.residues)])


def carry_labels(labelled: str, labels: Iterable[int], target: str) -> tuple[list[int], float]:
    """Indices of `labels` on `labelled` as indices on `target`, and the identity of the aligned part.

    Global alignment by gemmi (match 1, mismatch -1, affine gaps). A label whose residue is absent from `target` or
    another letter there is dropped. Identity: equal pairs over aligned pairs, 0..1.
    """
    result = gemmi.align_string_sequences(list(labelled), list(target), [])
    rows = result.add_gaps(labelled, 1), result.add_gaps(target, 2)
    place: dict[int, int] = {}
    n_pairs = n_equal = first = second = 0
    for mine, theirs in zip(*rows, strict=True):
        if mine != "-" and theirs != "-":
            n_pairs += 1
            n_equal += mine == theirs
            if mine == theirs:
                place[first] = second
        first += mine != "-"
        second += theirs != "-"
    return sorted(place[label] for label in set(labels) if label in place), n_equal / max(1, n_pairs)
