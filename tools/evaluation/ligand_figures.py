"""Numbers of the molecules written for pockets: per molecule from RDKit, then means over molecules and over pockets.

QED: Bickerton 2012, doi 10.1038/nchem.1243. SA: Ertl 2009, doi 10.1186/1758-2946-1-8, 1 easy to 10 hard, also as the
(10 - SA)/9 that papers on pocket design print. Lipinski: share with at most one of the four limits broken (1997). A
mean over molecules lets a pocket with many valid answers weigh more; a mean over pockets does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tools.evaluation.diversity import diversity_figure
from tools.evaluation.intervals import mean_figure, ratio_figure, statistic_figure
from tools.evaluation.protocol import Figure
from tools.molecule.check_lipinski import check_lipinski
from tools.molecule.descriptors import score
from tools.molecule.parse import parse_smiles
from tools.molecule.similarity import internal_diversity
from tools.types import Verdict

_DEFINITIONS = {
    "qed": "quantitative estimate of drug-likeness, 0..1",
    "sa": "synthetic accessibility of Ertl, 1 easy .. 10 hard",
    "sa_normalised": "(10 - SA) / 9, 0..1, as papers on pocket design print it",
    "heavy_atoms": "heavy atoms",
    "lipinski": "share with at most one of Lipinski's four limits broken",
}


def molecule_properties(smiles: str) -> dict[str, float]:
    """The numbers of one valid molecule by the names above."""
    mol = parse_smiles(smiles)
    sa = float(score("sa", mol).value or 0.0)
    return {
        "qed": float(score("qed", mol).value or 0.0),
        "sa": sa,
        "sa_normalised": (10.0 - sa) / 9.0,
        "heavy_atoms": float(mol.GetNumHeavyAtoms()),
        "lipinski": float(check_lipinski(mol).verdict is Verdict.PASS),
    }


def property_figures(records: Sequence[Mapping[str, Any]], *, seed: int) -> list[Figure]:
    """Validity, uniqueness, properties and diversity; `records` one a pocket with n_samples, molecules (properties
    with `smiles`) and reference (or None)."""
    samples = [record["n_samples"] for record in records]
    valid = [len(record["molecules"]) for record in records]
    distinct = [len({one["smiles"] for one in record["molecules"]}) for record in records]
    whole = "share of answers that RDKit sanitises whole (no largest fragment taken)"
    figures = [ratio_figure("valid", valid, samples, whole, seed=seed, over="pockets")]
    unique = "distinct canonical SMILES among the valid answers to one pocket, summed over pockets"
    figures.append(ratio_figure("unique", distinct, valid, unique, seed=seed, over="pockets"))
    everywhere = {one["smiles"] for record in records for one in record["molecules"]}
    overall = len(everywhere) / sum(valid) if sum(valid) else None
    across = "distinct canonical SMILES among all valid answers to all pockets"
    figures.append(Figure("unique_overall", overall, None, None, sum(valid), across))
    for name in _DEFINITIONS:
        figures += _means(name, records, seed)
    references = [record["reference"] for record in records if record["reference"]]
    for name in ("qed", "sa", "heavy_atoms"):
        text = f"{_DEFINITIONS[name]}: mean of the rows' own ligands"
        figures.append(mean_figure(f"reference_{name}", [one[name] for one in references], text, seed=seed))
    return [*figures, *_diversity_figures(records, seed)]


def _means(name: str, records: Sequence[Mapping[str, Any]], seed: int) -> list[Figure]:
    sums = [sum(one[name] for one in record["molecules"]) for record in records]
    counts = [len(record["molecules"]) for record in records]
    means = [total / count for total, count in zip(sums, counts, strict=True) if count]
    text = _DEFINITIONS[name]
    molecules, pockets = f"{text}: mean over valid molecules", f"{text}: mean over pockets of the pocket's mean"
    return [
        ratio_figure(name, sums, counts, molecules, seed=seed, over="pockets"),
        mean_figure(f"{name}_pocket_mean", means, pockets, seed=seed, over="pockets"),
    ]


def _diversity_figures(records: Sequence[Mapping[str, Any]], seed: int) -> list[Figure]:
    per_pocket = [[one["smiles"] for one in record["molecules"]] for record in records]
    inside = [internal_diversity(smiles) for smiles in per_pocket if len(smiles) > 1]
    text = "MOSES IntDiv1 (1 - mean Tanimoto, Morgan r2, 1024 bits) of a pocket's molecules, mean over pockets"
    return [
        mean_figure("int_div_pocket_mean", inside, text, seed=seed, over="pockets"),
        diversity_figure("int_div", [smiles for group in per_pocket for smiles in group], seed=seed),
    ]


def docking_figures(docked: Sequence[Mapping[str, Any]], settings: str, *, seed: int) -> list[Figure]:
    """Figures of pockets docked as {"reference": kcal/mol or None, "molecules": [kcal/mol or None, ...]}."""
    scores = [[value for value in one["molecules"] if value is not None] for one in docked]
    every = [value for group in scores for value in group]
    tried = sum(len(one["molecules"]) for one in docked)
    compared = [
        (sum(value <= one["reference"] for value in group), len(group))
        for one, group in zip(docked, scores, strict=True)
        if one["reference"] is not None and group
    ]
    references = [one["reference"] for one in docked if one["reference"] is not None]
    found = [
        _median_or_mean("vina_dock_mean", scores, np.mean, f"mean Vina Dock score, kcal/mol ({settings})", seed),
        _median_or_mean("vina_dock_median", scores, np.median, f"median Vina Dock score, kcal/mol ({settings})", seed),
        mean_figure(
            "vina_dock_reference", references, f"mean of the rows' own ligands, kcal/mol ({settings})", seed=seed
        ),
    ]
    text = "share of a pocket's docked molecules that score <= its own ligand, same settings, mean over pockets"
    shares = [better / n for better, n in compared]
    found.append(mean_figure("high_affinity", shares, text, seed=seed, over="pockets"))
    share = len(every) / tried if tried else None
    return [
        *found,
        Figure("docked", share, None, None, tried, "share of the molecules given to docking that got a score"),
    ]


def _median_or_mean(
    name: str, groups: Sequence[Sequence[float]], reduce: Callable[[Any], Any], text: str, seed: int
) -> Figure:
    filled = [np.array(group) for group in groups if group]
    return statistic_figure(
        name,
        len(filled),
        lambda at: float(reduce(np.concatenate([filled[i] for i in at]))),
        text,
        seed=seed,
        over="pockets",
    )
