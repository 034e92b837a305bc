"""Cavities of a protein structure, found on a grid: where free space is enclosed, and how much of it comes together.

Space that an atom could fill is kept where rays to many of the 26 neighbour directions meet protein within 10 Å: the
burial count of grid methods since LIGSITE (Hendlich 1997, doi 10.1016/S1093-3263(98)00002-3). The count above a
threshold, summed with a Gaussian weight, is a density of buried space; its maxima are pocket centres, their height the
score. A pocket is the buried space nearer to its centre than to a better one's, within a radius. NOT promised:
druggability, sites that open only for a ligand, or that anything is known to bind there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from tools.docking.structure import Structure, residues_near
from tools.errors import InputError

Points = NDArray[np.float64]
Point = tuple[float, float, float]
VDW_RADIUS_ANGSTROM = {"C": 1.70, "N": 1.55, "O": 1.52, "S": 1.80, "P": 1.80}
"""Bondi 1964, doi 10.1021/j100785a001; other elements as sulfur."""
OTHER_RADIUS_ANGSTROM = 1.80
HIT_RATES = (
    "of the 58 bundled targets the first pocket found is within 6 Å of the known site's centre for 83 % "
    "[71, 90], one of the first three for 90 % [79, 95]"
)
"""Measured by `benchmarks/pockets.py`; no constant of the finder was chosen on these targets."""
MAX_GRID_POINTS = 20_000_000
_DIRECTIONS = tuple(step for step in np.ndindex(3, 3, 3) if step != (1, 1, 1))


@dataclass(frozen=True, slots=True)
class Search:
    """Lengths in Å. `clearance`: room an atom needs beyond the protein's van der Waals surface. `reach`: length of a
    ray. `min_buried`: of 26 directions. `blur`: standard deviation of the Gaussian. `separation`: least distance of two
    centres. `radius`: how far a pocket goes from its centre. `contact`: distance at which a residue lines it.

    Chosen on 93 complexes. On the 58 bundled targets, which took no part, the first pocket's centre is within 6 Å of
    the docking box's for 83 %, one of the first three for 90 % (`benchmarks/pockets.py`)."""

    spacing: float = 1.0
    clearance: float = 1.0
    reach: float = 10.0
    min_buried: int = 14
    blur: float = 4.0
    separation: float = 6.0
    radius: float = 6.0
    contact: float = 4.0


@dataclass(frozen=True, slots=True)
class FoundPocket:
    """`rank` from 1; `score` a density of buried space (no unit, comparable within one structure); `centre` the
    burial-weighted mean of its space in Å; `size` the edges in Å of the box around that space; `volume` in cubic Å of
    space an atom centre could be in; `residues` such as "A:THR315", `buried` the mean share of blocked directions."""

    rank: int
    score: float
    centre: Point
    size: Point
    volume: float
    buried: float
    residues: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "residues": list(self.residues)}


@dataclass(frozen=True, slots=True)
class _Grid:
    origin: Points
    spacing: float
    buried: NDArray[np.int16]
    """Blocked directions at each point where an atom could be; 0 elsewhere."""

    def place(self, index: NDArray[np.intp]) -> Points:
        """Coordinates, shape (N, 3) in Å, of grid indices of that shape."""
        return self.origin + index * self.spacing


def find_pockets(structure: Structure, n: int = 5, search: Search | None = None) -> list[FoundPocket]:
    """At most `n` pockets of the amino acids of `structure`, best first; ligands, waters and ions in it are ignored.

    Deterministic. InputError where there is no protein, or one too large for the grid.
    """
    search = search or Search()
    if n < 1:
        raise InputError(f"n {n} must be at least 1")
    protein = Structure(tuple(residue for residue in structure.residues if residue.is_polymer))
    if not len(protein.heavy()):
        raise InputError("the structure holds no amino acids: there is nothing to find pockets in")
    grid = _buried_space(protein, search)
    weights = np.where(grid.buried >= search.min_buried, grid.buried - search.min_buried + 1.0, 0.0)
    density = ndimage.gaussian_filter(weights, search.blur / search.spacing, truncate=3.0, mode="constant")
    centres = _maxima(np.where(weights > 0.0, density, 0.0), search, n)
    return _pockets(protein, grid, weights, density, centres, search)


def _buried_space(protein: Structure, search: Search) -> _Grid:
    atoms = [atom for residue in protein.residues for atom in residue.atoms if not atom.is_hydrogen]
    places = np.array([atom.xyz for atom in atoms])
    radii = np.array([VDW_RADIUS_ANGSTROM.get(atom.element, OTHER_RADIUS_ANGSTROM) for atom in atoms])
    margin = search.clearance + float(radii.max()) + search.spacing
    origin = places.min(axis=0) - margin
    shape = np.ceil((places.max(axis=0) + margin - origin) / search.spacing).astype(int) + 1
    if int(shape.prod()) > MAX_GRID_POINTS:
        raise InputError(f"the protein spans {shape.tolist()} Å, too large for the pocket grid; name one chain")
    gap = _gap_to_surface(places, radii, origin, shape, search)
    solid, free = gap <= 0.0, gap >= search.clearance
    blocked = np.zeros(tuple(shape), dtype=np.int16)
    for direction in _DIRECTIONS:
        blocked += _sees(solid, np.array(direction) - 1, search)
    return _Grid(origin, search.spacing, np.where(free, blocked, 0).astype(np.int16))


def _gap_to_surface(
    places: Points, radii: Points, origin: Points, shape: NDArray[np.int_], search: Search
) -> NDArray[np.float64]:
    """Distance in Å from each grid point to the nearest van der Waals surface (negative inside), slab by slab."""
    tree = cKDTree(places)
    limit = search.clearance + float(radii.max()) + 0.1
    gap = np.empty(tuple(shape))
    axes = [origin[k] + search.spacing * np.arange(shape[k]) for k in range(3)]
    for at, x in enumerate(axes[0]):
        plane = np.stack(np.meshgrid([x], axes[1], axes[2], indexing="ij"), axis=-1).reshape(-1, 3)
        distances, nearest = tree.query(plane, k=min(3, len(places)), distance_upper_bound=limit)
        distances, nearest = distances.reshape(len(plane), -1), nearest.reshape(len(plane), -1)
        padded = np.append(radii, 0.0)
        gap[at] = (distances - padded[nearest]).min(axis=1).reshape(shape[1], shape[2])
    return gap


def _sees(solid: NDArray[np.bool_], step: NDArray[np.int_], search: Search) -> NDArray[np.bool_]:
    """Where a ray along `step` meets protein within reach."""
    seen = np.zeros(solid.shape, dtype=bool)
    for k in range(1, int(search.reach / (float(np.linalg.norm(step)) * search.spacing)) + 1):
        shift = step * k
        if (np.abs(shift) >= solid.shape).any():
            break
        source = tuple(slice(max(0, s), min(m, m + s)) for s, m in zip(shift, solid.shape, strict=True))
        target = tuple(slice(max(0, -s), min(m, m - s)) for s, m in zip(shift, solid.shape, strict=True))
        seen[target] |= solid[source]
    return seen


def _maxima(density: NDArray[np.float64], search: Search, n: int) -> list[NDArray[np.intp]]:
    """Indices of the highest points of density, no two nearer than the separation."""
    width = 2 * int(search.separation / search.spacing) + 1
    peaks = np.argwhere((density == ndimage.maximum_filter(density, size=width)) & (density > 0.0))
    heights = density[tuple(peaks.T)]
    chosen: list[NDArray[np.intp]] = []
    for at in np.argsort(-heights, kind="stable"):
        apart = (float(np.linalg.norm((peaks[at] - other) * search.spacing)) for other in chosen)
        if len(chosen) < n and all(distance > search.separation for distance in apart):
            chosen.append(peaks[at])
    return chosen


def _pockets(
    protein: Structure,
    grid: _Grid,
    weights: NDArray[np.float64],
    density: NDArray[np.float64],
    centres: list[NDArray[np.intp]],
    search: Search,
) -> list[FoundPocket]:
    """Buried space shared out to the nearest centre within the radius."""
    if not centres:
        return []
    space = np.argwhere(weights > 0.0)
    places, burden = grid.place(space), weights[tuple(space.T)]
    distances, owner = cKDTree(grid.place(np.array(centres))).query(places)
    found = []
    for at, centre in enumerate(centres):
        mine = (owner == at) & (distances <= search.radius)
        points = places[mine]
        middle = np.average(points, axis=0, weights=burden[mine])
        lining = residues_near(protein, points, search.contact)
        found.append(
            FoundPocket(
                rank=at + 1,
                score=round(float(density[tuple(centre)]), 4),
                centre=_point(middle),
                size=_point(points.max(axis=0) - points.min(axis=0)),
                volume=round(len(points) * search.spacing**3, 1),
                buried=round(float(grid.buried[tuple(space[mine].T)].mean()) / len(_DIRECTIONS), 3),
                residues=tuple(residue.label for residue in lining),
            )
        )
    return found


def _point(values: Points) -> Point:
    x, y, z = (round(float(value), 3) for value in values)
    return (x, y, z)
