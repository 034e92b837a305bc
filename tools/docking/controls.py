"""Controls that say whether docking means anything on a target: redocking, enrichment, matched decoys, a
verdict.

Redocking starts from an RDKit conformer, never from the crystal's, and the RMSD is symmetry-corrected and
unaligned. Enrichment stands beside the AUC of heavy-atom count alone, because Vina's score grows with size
(protocols.md 2b). NOT promised: that decoys are inactive; they are presumed so, as in DUD-E (Mysinger 2012,
doi 10.1021/jm300687e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from tools.docking.pose import parse_pose, pose_rmsd_angstrom
from tools.docking.receptor import Receptor
from tools.docking.vina import dock_smiles
from tools.errors import InputError
from tools.molecule.parse import neutral_parent, parse_smiles

Trust = Literal["trusted", "weak", "untested"]


@dataclass(frozen=True, slots=True)
class Redock:
    """One redocking: RMSD in Å of the top pose to the crystal pose, affinity in kcal/mol, wall time in s."""

    seed: int
    rmsd_angstrom: float
    affinity_kcal_mol: float
    seconds: float
    pose: str


def redock(
    receptor: Receptor,
    smiles: str,
    crystal: str,
    seeds: Sequence[int] = (1, 2, 3),
    *,
    exhaustiveness: int = 8,
    cpu: int = 1,
    n_ring_conformers: int = 3,
    max_states: int = 1,
) -> list[Redock]:
    """Dock `smiles` into `receptor` once per seed (embedding and search) and measure against `crystal`, a
    molblock.

    Three seeds and an RDKit start are the control of protocols.md 2b. `max_states` states are docked,
    likeliest first.
    """
    reference = parse_pose(crystal)
    results = []
    for seed in seeds:
        docked = dock_smiles(
            smiles,
            receptor,
            exhaustiveness=exhaustiveness,
            seed=seed,
            cpu=cpu,
            embed_seed=seed,
            max_states=max_states,
            max_stereoisomers=1,
            n_ring_conformers=n_ring_conformers,
        )
        rmsd = pose_rmsd_angstrom(parse_pose(docked.pose), reference)
        results.append(Redock(seed, rmsd, docked.affinity_kcal_mol, docked.seconds, docked.pose))
    return results


@dataclass(frozen=True, slots=True)
class Enrichment:
    """How well affinities rank actives above decoys. Intervals are 95 % percentile bootstraps over molecules.

    `auc_difference_low`, `_high`: the interval of AUC(Vina) - AUC(heavy-atom count) over the same resamples.
    """

    n_actives: int
    n_decoys: int
    auc: float
    auc_low: float
    auc_high: float
    heavy_atom_auc: float
    auc_difference_low: float
    auc_difference_high: float
    enrichment_factor: float
    enrichment_fraction: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def enrichment(
    active_affinities: Sequence[float],
    decoy_affinities: Sequence[float],
    active_heavy_atoms: Sequence[int],
    decoy_heavy_atoms: Sequence[int],
    *,
    fraction: float = 0.05,
    n_bootstrap: int = 2000,
    seed: int = 7,
) -> Enrichment:
    """ROC-AUC, enrichment factor in the top `fraction`, and the AUC of heavy-atom count alone.

    Affinities in kcal/mol, lower is better. EF = share of actives in the top fraction (at least one molecule)
    over their share of all; ties count half in the AUC.
    """
    scores = -np.array([*active_affinities, *decoy_affinities], dtype=np.float64)
    sizes = np.array([*active_heavy_atoms, *decoy_heavy_atoms], dtype=np.float64)
    labels = np.array([True] * len(active_affinities) + [False] * len(decoy_affinities))
    if len(sizes) != len(scores):
        raise InputError(f"{len(scores)} affinities but {len(sizes)} heavy-atom counts")
    if labels.sum() < 2 or (~labels).sum() < 2:
        raise InputError(f"enrichment needs 2 actives and 2 decoys, not {labels.sum()} and {(~labels).sum()}")
    rng = np.random.default_rng(seed)
    draws = []
    actives, decoys = np.flatnonzero(labels), np.flatnonzero(~labels)
    for _ in range(n_bootstrap):
        pick = np.concatenate([rng.choice(actives, len(actives)), rng.choice(decoys, len(decoys))])
        auc = roc_auc(scores[pick], labels[pick])
        draws.append((auc, auc - roc_auc(sizes[pick], labels[pick])))
    low, high = np.percentile(np.array(draws), [2.5, 97.5], axis=0)
    return Enrichment(
        n_actives=int(labels.sum()),
        n_decoys=int((~labels).sum()),
        auc=roc_auc(scores, labels),
        auc_low=float(low[0]),
        auc_high=float(high[0]),
        heavy_atom_auc=roc_auc(sizes, labels),
        auc_difference_low=float(low[1]),
        auc_difference_high=float(high[1]),
        enrichment_factor=enrichment_factor(scores, labels, fraction),
        enrichment_fraction=fraction,
    )


def roc_auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Probability that a positive scores above a negative, ties half (Mann-Whitney U / n m). Shapes (N,)."""
    positives, negatives = scores[labels], scores[~labels]
    difference = positives[:, None] - negatives[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def enrichment_factor(scores: NDArray[np.float64], labels: NDArray[np.bool_], fraction: float) -> float:
    """Hit rate in the best `fraction` (at least one molecule) over the hit rate of all; ties broken by
    order."""
    n_top = max(1, round(fraction * len(scores)))
    top = np.argsort(-scores, kind="stable")[:n_top]
    return float(labels[top].mean() / labels.mean())


# Windows within which a decoy looks like its active, those of DUD-E's matching in spirit (Mysinger 2012):
# molecular
# weight in g/mol, logP, and counts.
WINDOWS = {"weight": 25.0, "logp": 1.0, "donors": 1.0, "acceptors": 2.0, "rotatable": 2.0, "charge": 0.0}


def match_decoys(
    active_smiles: Sequence[str],
    pool: Sequence[str],
    n: int,
    *,
    seed: int = 7,
    max_similarity: float = 0.35,
    max_pool: int = 20_000,
) -> list[str]:
    """`n` decoys per active from `pool`: alike in size, logP, hydrogen bonding, flexibility and charge,
    unlike in structure.

    No decoy has an ECFP4 Tanimoto similarity above `max_similarity` to any active (0.35: about where MUV and
    DUD-E call molecules dissimilar). Among molecules inside `WINDOWS` the nearest are taken; where there are
    too few, the nearest outside. `seed` orders the pool, of which at most `max_pool` molecules are looked at.
    Fewer come back from a small pool; pool entries that do not parse are passed over.
    """
    actives = [neutral_parent(parse_smiles(smiles)) for smiles in active_smiles]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pool))[:max_pool]
    fingerprints = _fingerprints(actives)
    candidates, rows = [], []
    for index in order:
        mol = Chem.MolFromSmiles(pool[int(index)])
        if mol is None or len(Chem.GetMolFrags(mol)) != 1:
            continue
        similarity = DataStructs.BulkTanimotoSimilarity(_fingerprints([mol])[0], fingerprints)
        if max(similarity, default=0.0) <= max_similarity:
            candidates.append(pool[int(index)])
            rows.append(_properties(mol))
    if not candidates:
        return []
    table, widths = np.array(rows), np.array([WINDOWS[k] or 0.5 for k in WINDOWS])
    taken: dict[str, None] = {}
    for active in actives:
        distance = np.abs(table - np.array(_properties(active))) / widths
        outside = (distance > 1.0).sum(axis=1)
        ranking = np.lexsort((distance.sum(axis=1), outside))
        fresh = [candidates[i] for i in ranking if candidates[i] not in taken][:n]
        taken.update(dict.fromkeys(fresh))
    return list(taken)


def _fingerprints(mols: Sequence[Chem.Mol]) -> list[Any]:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    return [generator.GetFingerprint(mol) for mol in mols]


def _properties(mol: Chem.Mol) -> list[float]:
    return [
        float(rdMolDescriptors.CalcExactMolWt(mol)),
        float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]),
        float(rdMolDescriptors.CalcNumHBD(mol)),
        float(rdMolDescriptors.CalcNumHBA(mol)),
        float(rdMolDescriptors.CalcNumRotatableBonds(mol)),
        float(Chem.GetFormalCharge(mol)),
    ]


def judge_trust(
    redock_rmsds_angstrom: Sequence[float],
    enriched: Enrichment | None,
    max_rmsd_angstrom: float = 2.0,
    min_auc: float = 0.6,
) -> tuple[Trust, str]:
    """What the evidence says about docking on this target, and one sentence with the numbers.

    Pose evidence: at least two thirds of the seeds redock within `max_rmsd_angstrom` (2.0 Å, the customary
    criterion: Cole 2005, doi 10.1002/prot.20497). Ranking evidence: the AUC's 95 % interval lies above 0.5,
    the AUC reaches `min_auc`, and the interval of its lead over heavy-atom count excludes 0 (our criterion;
    below it size explains the ranking). "trusted": all evidence there is speaks for it, and at least one kind
    is there. "weak": some speaks against. "untested": there is none.
    """
    verdicts, sentences = [], []
    if redock_rmsds_angstrom:
        n_good = sum(rmsd <= max_rmsd_angstrom for rmsd in redock_rmsds_angstrom)
        n_all = len(redock_rmsds_angstrom)
        verdicts.append(3 * n_good >= 2 * n_all)
        listed = ", ".join(f"{rmsd:.2f}" for rmsd in redock_rmsds_angstrom)
        sentences.append(
            f"{n_good} of {n_all} redockings within {max_rmsd_angstrom:g} Å of the crystal pose ({listed} Å)"
        )
    if enriched is not None:
        ranks = enriched.auc_low > 0.5 and enriched.auc >= min_auc and enriched.auc_difference_low > 0.0
        verdicts.append(ranks)
        sentences.append(
            f"AUC {enriched.auc:.2f} [{enriched.auc_low:.2f}, {enriched.auc_high:.2f}] for "
            f"{enriched.n_actives} actives against {enriched.n_decoys} decoys, "
            f"heavy-atom count alone {enriched.heavy_atom_auc:.2f}"
        )
    if not verdicts:
        return (
            "untested",
            "there is no bound ligand to dock back, and no known actives were given",
        )
    trust: Trust = "trusted" if all(verdicts) else "weak"
    return trust, "; ".join(sentences)
