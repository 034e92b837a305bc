"""Numbers of a chain from its sequence alone: mass, net charge, hydropathy.

Charge: Henderson-Hasselbalch over independent groups with Bjellqvist's pKa (1993, doi:10.1002/elps.11501401163), so no
structure and no disulfides. Hydropathy: mean of Kyte and Doolittle's scale (1982, doi:10.1016/0022-2836(82)90515-0).
Mass: average isotopic, free thiols.
"""

from __future__ import annotations

from tools.errors import InputError
from tools.protein.mutations import AMINO_ACIDS

_WATER = 18.0153
_MASS = dict(
    zip(
        "GASPVTCLINDQKEMHFRYW",
        (
            *(57.0513, 71.0779, 87.0773, 97.1152, 99.1311, 101.1039, 103.1429, 113.1576, 113.1576, 114.1026),
            *(115.0874, 128.1292, 128.1723, 129.1140, 131.1961, 137.1393, 147.1739, 156.1857, 163.1733, 186.2099),
        ),
        strict=True,
    )
)
_HYDROPATHY = dict(
    zip(
        "IVLFCMAGTSWYPHEQDNKR",
        (4.5, 4.2, 3.8, 2.8, 2.5, 1.9, 1.8, -0.4, -0.7, -0.8, -0.9, -1.3, -1.6, -3.2, *(-3.5,) * 4, -3.9, -4.5),
        strict=True,
    )
)
_POSITIVE = {"K": 10.0, "R": 12.0, "H": 5.98}
_NEGATIVE = {"D": 4.05, "E": 4.45, "C": 9.0, "Y": 10.0}
_N_TERMINUS, _C_TERMINUS = 7.5, 3.55


def need_residues(sequence: str, what: str = "sequence") -> str:
    """The sequence in capitals without white space; InputError names the first letter that is not among the twenty."""
    text = "".join(sequence.split()).upper()
    if not text:
        raise InputError(f"{what} is empty; give one-letter residues")
    bad = next((at for at, letter in enumerate(text) if letter not in AMINO_ACIDS), None)
    if bad is not None:
        raise InputError(f"{what}: residue {bad + 1} is {text[bad]!r}, not one of the twenty amino acids")
    return text


def mass_of(sequence: str) -> float:
    """Average mass, Da. Hen egg-white lysozyme: 14,313 Da before its four disulfides form."""
    return sum(_MASS[letter] for letter in sequence) + _WATER


def charge_of(sequence: str, ph: float = 7.4, *, termini: bool = True) -> float:
    """Net charge in elementary charges. `termini` off: a stretch within a chain."""
    positive = [_POSITIVE[letter] for letter in sequence if letter in _POSITIVE] + [_N_TERMINUS] * termini
    negative = [_NEGATIVE[letter] for letter in sequence if letter in _NEGATIVE] + [_C_TERMINUS] * termini
    return sum(1 / (1 + 10 ** (ph - pka)) for pka in positive) - sum(1 / (1 + 10 ** (pka - ph)) for pka in negative)


def hydropathy_of(sequence: str) -> float:
    """Mean over residues (GRAVY), -4.5 to 4.5, positive is hydrophobic."""
    return sum(_HYDROPATHY[letter] for letter in sequence) / len(sequence)
