"""Voted residues of a structure as ranked sites, and whether the ranked centres lie at the ligands.

A residue stands at the centre of its side chain's heavy atoms (CA for glycine). Sites are average-linkage
clusters of the voted residues, ranked by the votes in them, centred at the vote-weighted mean. DCA, the distance
from a predicted centre to the nearest heavy atom of a ligand, is the criterion of P2Rank and of its predecessors
(Krivák & Hoksza 2018, doi 10.1186/s13321-018-0285-8). Not promised: that a centre lies in free space; it is
where residues meet, not a cavity that was searched for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from tools.docking.structure import Residue

_BACKBONE_NAMES = frozenset({"N", "CA", "C", "O", "OXT"})


@dataclass(frozen=True, slots=True)
class Site:
    """`members` are the residues' keys, `score` the votes summed over them, `centre` in Å."""

    members: tuple[int, ...]
    score: float
    centre: tuple[float, float, float]


def side_chain_centre(residue: Residue) -> NDArray[np.float64] | None:
    """Mean of the side chain's heavy atoms, shape (3,) in Å; CA where there are none; None without CA too."""
    atoms = [a.xyz for a in residue.atoms if not a.is_hydrogen and a.name not in _BACKBONE_NAMES]
    carbon = residue.atom("CA")
    if not atoms and carbon is not None:
        atoms = [carbon.xyz]
    centre: NDArray[np.float64] | None = np.mean(np.array(atoms), axis=0) if atoms else None
    return centre


def build_sites(
    points: Mapping[int, NDArray[np.float64]],
    votes: Mapping[int, float],
    *,
    cut_angstrom: float = 15.0,
    linkage_method: str = "average",
) -> list[Site]:
    """Voted residues clustered into sites, best first.

    `points` gives each residue's place (3,) in Å, `votes` its share of samples; residues without a place or a vote
    take no part. `cut_angstrom` is the mean distance up to which clusters merge: 15 Å with average linkage as in
    GrASP (Smith et al. 2024, doi 10.1021/acs.jcim.3c01698). Equal scores: the site of the lower residue first.
    """
    keys = sorted(key for key, vote in votes.items() if vote > 0.0 and key in points)
    if not keys:
        return []
    places = np.array([points[key] for key in keys], dtype=np.float64)
    weights = np.array([votes[key] for key in keys], dtype=np.float64)
    labels = np.ones(len(keys), dtype=int)
    if len(keys) > 1:
        labels = fcluster(linkage(places, method=linkage_method), cut_angstrom, criterion="distance")
    sites = []
    for label in dict.fromkeys(labels.tolist()):
        inside = labels == label
        centre = np.average(places[inside], axis=0, weights=weights[inside])
        members = tuple(key for key, mine in zip(keys, inside, strict=True) if mine)
        sites.append(
            Site(members, float(weights[inside].sum()), (float(centre[0]), float(centre[1]), float(centre[2])))
        )
    return sorted(sites, key=lambda site: (-site.score, site.members))


def remove_redundant(
    sites: Sequence[Site], *, min_separation_angstrom: float = 5.0, max_overlap: float = 0.75
) -> list[Site]:
    """Sites in their order without those that repeat a better one.

    Redundant: centres at most 5 Å apart, or residues that overlap with a Jaccard index of at least 0.75 (LIGYSIS,
    Utgés & Barton 2024, doi 10.1186/s13321-024-00923-z). Sites of one clustering share no residue, so there only
    the distance counts.
    """
    kept: list[Site] = []
    for site in sites:
        if not any(_repeats(site, better, min_separation_angstrom, max_overlap) for better in kept):
            kept.append(site)
    return kept


def _repeats(site: Site, better: Site, separation: float, overlap: float) -> bool:
    mine, theirs = set(site.members), set(better.members)
    apart = float(np.linalg.norm(np.subtract(site.centre, better.centre)))
    return apart <= separation or len(mine & theirs) / len(mine | theirs) >= overlap


def dca_angstrom(site: Site, ligand_atoms: NDArray[np.float64]) -> float:
    """Distance in Å from the site's centre to the nearest ligand heavy atom, coordinates of shape (N, 3)."""
    return float(np.linalg.norm(ligand_atoms - np.array(site.centre), axis=1).min())


def ligands_found(
    sites: Sequence[Site],
    ligands: Sequence[NDArray[np.float64]],
    *,
    extra: int = 0,
    max_dca_angstrom: float = 4.0,
) -> list[bool]:
    """For each ligand whether one of the best n + `extra` sites has DCA <= 4 Å; n is the number of ligands.

    `extra` 0 is top-n, 2 is top-(n+2). The figure of a data set is the share over the ligands of all structures.
    """
    best = sites[: len(ligands) + extra]
    return [any(dca_angstrom(site, atoms) <= max_dca_angstrom for site in best) for atoms in ligands]
