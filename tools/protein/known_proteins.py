"""A few well-known proteins: sequence, UniProt accession, residues that must stay and why.

Sequences and conserved residues restate facts of UniProtKB (CC BY 4.0) and of the cited papers. A sequence is
recognised without its first residues and with mutations, by identity without gaps. Not promised: that a residue not
listed may be changed freely.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

MINIMUM_IDENTITY = 0.8
"""Identity over the shared stretch from which a sequence counts as a variant of a known protein."""
_MOST_SHIFT = 12
_LEAST_SHARED = 0.8


@dataclass(frozen=True, slots=True)
class Conserved:
    """`position` counts as in the protein's `sequence`, from 1; `allowed` letters keep the function named in `why`."""

    position: int
    allowed: str
    why: str
    doi: str


@dataclass(frozen=True, slots=True)
class KnownProtein:
    """`names`: first the one shown. `function`: what the conserved residues are there for."""

    names: tuple[str, ...]
    accession: str
    sequence: str
    function: str
    conserved: tuple[Conserved, ...] = ()


class Recognised(NamedTuple):
    """`first_number` is the number of the given sequence's first residue in the known one's numbering."""

    protein: KnownProtein
    first_number: int
    identity: float


def known_protein(name: str) -> KnownProtein | None:
    """The protein of this name or accession, any case."""
    wanted = name.strip().lower()
    for protein in KNOWN_PROTEINS:
        if wanted in (protein.accession.lower(), *(one.lower() for one in protein.names)):
            return protein
    return None


def recognise(sequence: str) -> Recognised | None:
    """The known protein of which this is a variant, or None."""
    best: Recognised | None = None
    for protein in KNOWN_PROTEINS:
        for shift in range(-_MOST_SHIFT, _MOST_SHIFT + 1):
            pairs = list(zip(sequence[max(0, -shift) :], protein.sequence[max(0, shift) :], strict=False))
            if len(pairs) < _LEAST_SHARED * len(protein.sequence):
                continue
            identity = sum(a == b for a, b in pairs) / len(pairs)
            if identity >= MINIMUM_IDENTITY and (best is None or identity > best.identity):
                best = Recognised(protein, shift + 1, identity)
    return best


def _read_sequences() -> dict[str, str]:
    """Accession -> sequence, from the FASTA file beside this module."""
    text = files("tools.protein").joinpath("known_proteins.fasta").read_text(encoding="utf-8")
    entries = [entry.split("\n", 1) for entry in text.split(">") if entry.strip()]
    return {header.split()[0]: "".join(body.split()) for header, body in entries}


_SEQUENCES = _read_sequences()
_GFP_REVIEW, _GFP_STRUCTURE = "10.1146/annurev.biochem.67.1.509", "10.1126/science.273.5280.1392"
_LYSOZYME, _LYSOZYME_FOLD = "10.1038/35090602", "10.1038/206757a0"
_TEM = "10.1042/bj2760269"

AVGFP = KnownProtein(
    ("GFP", "avGFP", "green fluorescent protein"),
    "P42212",
    _SEQUENCES["P42212"],
    "fluorescence",
    (
        Conserved(65, "ST", "chromophore, first residue (S in the wild type, T in S65T)", "10.1038/373663b0"),
        Conserved(66, "Y", "chromophore, the tyrosine that is oxidised", _GFP_REVIEW),
        Conserved(67, "G", "chromophore, closes the ring", _GFP_REVIEW),
        Conserved(96, "R", "catalyses the ring closure", _GFP_STRUCTURE),
        Conserved(222, "E", "proton relay of the chromophore", _GFP_REVIEW),
    ),
)
GB1 = KnownProtein(("GB1", "protein G domain B1"), "P06654", _SEQUENCES["P06654"], "binding of IgG Fc")
UBIQUITIN = KnownProtein(
    ("ubiquitin", "UBB", "UBC"),
    "P0CG48",
    _SEQUENCES["P0CG48"],
    "conjugation",
    (
        Conserved(75, "G", "C-terminal diglycine that is conjugated", "10.1146/annurev.biochem.67.1.425"),
        Conserved(76, "G", "C-terminal diglycine that is conjugated", "10.1146/annurev.biochem.67.1.425"),
    ),
)
LYSOZYME = KnownProtein(
    ("lysozyme", "HEWL", "hen egg-white lysozyme"),
    "P00698",
    _SEQUENCES["P00698"],
    "hydrolysis of cell walls",
    (
        Conserved(35, "E", "general acid", _LYSOZYME),
        Conserved(52, "D", "nucleophile", _LYSOZYME),
        *(Conserved(at, "C", "disulfide", _LYSOZYME_FOLD) for at in (6, 30, 64, 76, 80, 94, 115, 127)),
    ),
)
TEM1 = KnownProtein(
    ("TEM-1", "TEM1", "beta-lactamase TEM-1"),
    "P62593",
    _SEQUENCES["P62593"],
    "hydrolysis of penicillins",
    (
        Conserved(68, "S", "nucleophile (Ser70 of Ambler's numbering)", _TEM),
        Conserved(71, "K", "Lys73 of Ambler's numbering", _TEM),
        Conserved(128, "S", "SDN loop (Ser130 of Ambler's numbering)", _TEM),
        Conserved(164, "E", "activates water (Glu166 of Ambler's numbering)", _TEM),
        Conserved(232, "K", "KTG motif (Lys234 of Ambler's numbering)", _TEM),
    ),
)
KNOWN_PROTEINS = (AVGFP, GB1, UBIQUITIN, LYSOZYME, TEM1)
