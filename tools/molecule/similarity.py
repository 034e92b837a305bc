"""Likeness of molecules by shared circular substructures: Morgan fingerprints and Tanimoto.

Morgan/ECFP: Rogers 2010, doi 10.1021/ci100050t. Radius 2; 2048 bits to compare ligands, 1024 for the
diversity figures that MOSES prints (doi 10.3389/fphar.2020.565644). Chirality is not part of the fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.Chem.Scaffolds import MurckoScaffold

from tools.errors import InputError
from tools.molecule.parse import parse_smiles

RADIUS = 2


def similarity(first: str, second: str, n_bits: int = 2048) -> float:
    """Tanimoto, 0..1, of two SMILES."""
    return float(DataStructs.TanimotoSimilarity(_fingerprint(first, n_bits), _fingerprint(second, n_bits)))


def similarity_matrix(smiles: Sequence[str], n_bits: int = 2048) -> NDArray[np.float64]:
    """All Tanimoto similarities, shape (n, n), ones on the diagonal."""
    prints = [_fingerprint(text, n_bits) for text in smiles]
    rows = [DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints]
    return np.array(rows, dtype=np.float64).reshape(len(prints), len(prints))


def internal_diversity(smiles: Sequence[str], n_bits: int = 1024) -> float:
    """IntDiv as MOSES counts it: 1 - mean Tanimoto over all ordered pairs, each molecule with itself
    included."""
    if not smiles:
        raise InputError("internal diversity of no molecules is not defined")
    return float(1.0 - similarity_matrix(smiles, n_bits).mean())


def scaffold(smiles: str) -> str:
    """Bemis-Murcko scaffold as canonical SMILES without stereo (doi 10.1021/jm9602928); "" without rings."""
    mol = parse_smiles(smiles)
    Chem.RemoveStereochemistry(mol)
    core = MurckoScaffold.GetScaffoldForMol(mol)  # type: ignore[no-untyped-call]
    return str(Chem.MolToSmiles(core))


@lru_cache(maxsize=50_000)
def _fingerprint(smiles: str, n_bits: int) -> DataStructs.ExplicitBitVect:
    fingerprint: DataStructs.ExplicitBitVect = _generator(n_bits).GetFingerprint(parse_smiles(smiles))
    return fingerprint


@lru_cache(maxsize=8)
def _generator(n_bits: int) -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=n_bits)
