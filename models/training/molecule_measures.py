"""Measures of molecules that rewards and the collapse guard use, by RDKit alone: desirability and diversity.

QED: Bickerton et al. 2012 (10.1038/nchem.1243). Synthetic accessibility: Ertl & Schuffenhauer 2009
(10.1186/1758-2946-1-8), 1 easy to 10 hard, as RDKit's contributed code computes it. Internal diversity: as MOSES
(10.3389/fphar.2020.565644), but over Morgan fingerprints of 1,024 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from rdkit import Chem, DataStructs, RDConfig, rdBase
from rdkit.Chem import QED, rdFingerprintGenerator


def molecule_or_none(smiles: str) -> Chem.Mol | None:
    """The molecule where RDKit sanitises all of it and it is one piece (salts and mixtures are no designs)."""
    if not smiles or "." in smiles:
        return None
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return mol


def score_drug_likeness(
    mol: Chem.Mol,
    *,
    easy: float = 3.0,
    hard: float = 6.0,
    n_atoms: tuple[int, int] = (22, 38),
    n_atoms_at_most: tuple[int, int] = (8, 60),
) -> float:
    """0..1, higher is better: the geometric mean of three desirabilities, 0 if any is 0 (Derringer & Suich 1980,
    10.1080/00224065.1980.11968968).

    QED as it is. Synthetic accessibility: 1 up to `easy`, 0 from `hard` (Ertl's own cut of 6 for hard to make; 3 is
    where catalogue molecules lie), linear between, so that nothing is gained by triviality. Size: 1 inside `n_atoms`
    heavy atoms, 0 outside `n_atoms_at_most`, linear between; 22 and 38 are 300 and 500 g/mol at 13.3 g/mol a heavy
    atom (Hopkins 2004, 10.1016/S1359-6446(04)03069-7), fragments and Lipinski's limit.
    """
    n_heavy = mol.GetNumHeavyAtoms()
    if n_heavy == 0:
        return 0.0
    accessible = _ramp(score_synthetic_accessibility(mol), hard, easy)
    (low, high), (least, most) = n_atoms, n_atoms_at_most
    sized = min(_ramp(n_heavy, least, low), _ramp(n_heavy, most, high))
    return float((QED.qed(mol) * accessible * sized) ** (1 / 3))  # type: ignore[no-untyped-call]


def _ramp(value: float, zero_at: float, one_at: float) -> float:
    return min(1.0, max(0.0, (value - zero_at) / (one_at - zero_at)))


def score_synthetic_accessibility(mol: Chem.Mol) -> float:
    """Ertl's score, 1 (easy) to 10 (hard); lower is better."""
    return float(_sascorer().calculateScore(mol))


@lru_cache(maxsize=1)
def _sascorer() -> ModuleType:
    file = Path(RDConfig.RDContribDir) / "SA_Score" / "sascorer.py"
    specification = spec_from_file_location("sascorer", file)
    if specification is None or specification.loader is None:
        raise ImportError(f"RDKit's SA_Score is missing at {file}; install the rdkit wheel from PyPI")
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def internal_diversity(mols: Sequence[Chem.Mol]) -> float | None:
    """Mean Tanimoto distance over all pairs (Morgan, radius 2, 1,024 bits), copies included; None below two."""
    if len(mols) < 2:
        return None
    fingerprints = _morgan().GetFingerprints(list(mols))
    total = 0.0
    for at, fingerprint in enumerate(fingerprints[1:], start=1):
        total += at - sum(DataStructs.BulkTanimotoSimilarity(fingerprint, list(fingerprints[:at])))
    return total / (len(mols) * (len(mols) - 1) / 2)


@lru_cache(maxsize=1)
def _morgan() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
