"""Do the residues that a well-known protein needs for its function still stand? See `known_proteins` for sources."""

from __future__ import annotations

from tools.errors import InputError
from tools.molecule.verdict import decided, undecided
from tools.protein.known_proteins import KnownProtein, known_protein, recognise
from tools.protein.sequence_numbers import need_residues
from tools.types import CheckResult


def check_motifs(sequence: str, protein: str = "") -> CheckResult:
    """`protein` names it; without a name it is recognised by identity. Pass where every listed residue is as allowed.
    Unknown for a protein that is not in the list, or has no listed residues."""
    chain = need_residues(sequence)
    found = recognise(chain)
    named: KnownProtein | None = known_protein(protein) if protein else None
    if protein and named is None:
        raise InputError(f"{protein!r} is not a protein known here")
    if found is None or (named is not None and named is not found.protein):
        return undecided("motifs", "this is no variant of a protein whose conserved residues are listed here")
    listed = found.protein.conserved
    if not listed:
        return undecided("motifs", f"no conserved residues are listed for {found.protein.names[0]}")
    lost = []
    for one in listed:
        at = one.position - found.first_number
        letter = chain[at] if 0 <= at < len(chain) else "-"
        if letter not in one.allowed:
            lost.append(f"{one.allowed[0]}{one.position} is {letter}: {one.why} (doi:{one.doi})")
    return decided(
        "motifs",
        not lost,
        value=f"{len(listed) - len(lost)} of {len(listed)} residues for {found.protein.function}",
        threshold=", ".join(f"{'/'.join(one.allowed)}{one.position}" for one in listed),
        reason="; ".join(lost),
        details={"protein": found.protein.names[0], "accession": found.protein.accession},
    )
