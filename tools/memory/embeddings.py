"""Vectors for likeness, computed here: nothing is downloaded and nothing is learned.

A molecule is its Morgan fingerprint (radius 2, 1024 bits, like ECFP4: Rogers and Hahn 2010,
doi:10.1021/ci100050t) as a unit vector; the cosine of two of them is the number of common bits over the
geometric mean of the bit counts. A protein is its 3-mers, hashed into 1024 places and damped by the logarithm.
A text is its character 3-, 4- and 5-grams hashed into 512 signed places (feature hashing: Weinberger et al. 2009,
doi:10.1145/1553374.1553516). Not promised: meaning. "analogue" and "similar" share no letters worth counting.
"""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from tools.errors import InputError
from tools.molecule.parse import parse_smiles

MOLECULE_SIZE = 1024
PROTEIN_SIZE = 1024
TEXT_SIZE = 512
_RADIUS = 2
_GRAMS = (3, 4, 5)
_MER = 3


def molecule_vector(smiles: str) -> NDArray[np.float32]:
    """Unit vector of shape (1024,). InputError for a SMILES that does not parse."""
    return _unit(_generator().GetFingerprintAsNumPy(parse_smiles(smiles)).astype(np.float32))


def protein_vector(sequence: str) -> NDArray[np.float32]:
    """Unit vector of shape (1024,). InputError for what is no one-letter sequence of three residues or more."""
    letters = "".join(sequence.split()).upper()
    if len(letters) < _MER or not letters.isalpha() or not letters.isascii():
        raise InputError(f"{sequence!r:.60} is no protein sequence: give one-letter codes, at least {_MER}")
    counts = np.zeros(PROTEIN_SIZE, dtype=np.float32)
    for start in range(len(letters) - _MER + 1):
        counts[zlib.crc32(letters[start : start + _MER].encode()) % PROTEIN_SIZE] += 1.0
    return _unit(np.log1p(counts))


def text_vector(text: str) -> NDArray[np.float32]:
    """Unit vector of shape (512,); the same for texts that differ only in case and white space."""
    counts = np.zeros(TEXT_SIZE, dtype=np.float32)
    padded = f" {' '.join(text.casefold().split())} "
    for length in _GRAMS:
        for start in range(len(padded) - length + 1):
            code = zlib.crc32(padded[start : start + length].encode())
            counts[(code >> 1) % TEXT_SIZE] += 1.0 if code & 1 else -1.0
    return _unit(np.sign(counts) * np.log1p(np.abs(counts)))


@cache
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=_RADIUS, fpSize=MOLECULE_SIZE)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled to length 1. What has no features at all points along the first axis: cosine needs a direction."""
    length = float(np.linalg.norm(vector))
    if length == 0.0:
        vector = np.zeros_like(vector)
        vector[0], length = 1.0, 1.0
    return (vector / length).astype(np.float32)
