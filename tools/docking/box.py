"""Where Vina searches: an axis-parallel box given by its centre and edge lengths, in Å.

The default margin is the protocol of TargetDiff (doi 10.48550/arXiv.2303.03543): the ligand's bounding box
plus 5 Å on every side. A box is part of every docking figure. NOT promised: that the box holds the true site.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputError

Point = tuple[float, float, float]
MAX_EDGE_ANGSTROM = 60.0


@dataclass(frozen=True, slots=True)
class Box:
    """Centre and full edge lengths in Å, rounded to 0.001 Å so that its spelling is a cache key."""

    center_angstrom: Point
    size_angstrom: Point

    def __post_init__(self) -> None:
        for name in ("center_angstrom", "size_angstrom"):
            values = tuple(round(float(v), 3) for v in getattr(self, name))
            if len(values) != 3 or not all(np.isfinite(values)):
                raise InputError(f"box {name} {getattr(self, name)!r}: expected three finite numbers in Å")
            object.__setattr__(self, name, values)
        if min(self.size_angstrom) <= 0 or max(self.size_angstrom) > MAX_EDGE_ANGSTROM:
            raise InputError(
                f"box size {self.size_angstrom} Å: every edge must be above 0 and at most "
                f"{MAX_EDGE_ANGSTROM:g} Å (Vina's maps grow with the cube of the edge)"
            )

    def contains(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the `points`, shape (N, 3) in Å, lie inside."""
        offset = np.abs(np.asarray(points, dtype=np.float64).reshape(-1, 3) - np.array(self.center_angstrom))
        inside: NDArray[np.bool_] = np.all(offset <= np.array(self.size_angstrom) / 2.0, axis=1)
        return inside

    def key(self) -> str:
        """Stable text for cache keys."""
        numbers = self.center_angstrom + self.size_angstrom
        return ",".join(f"{value:.3f}" for value in numbers)

    def to_json(self) -> dict[str, Any]:
        return {"center_angstrom": list(self.center_angstrom), "size_angstrom": list(self.size_angstrom)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Box:
        return cls(_point(data["center_angstrom"]), _point(data["size_angstrom"]))


def box_around(coordinates: Sequence[Sequence[float]] | NDArray[np.float64], margin_angstrom: float = 5.0) -> Box:
    """The bounding box of `coordinates`, shape (N, 3) in Å, plus `margin_angstrom` on every side.

    5 Å is the margin of TargetDiff's docking protocol (doi 10.48550/arXiv.2303.03543).
    """
    points = np.asarray(coordinates, dtype=np.float64).reshape(-1, 3)
    if len(points) == 0:
        raise InputError("a box needs at least one atom; none was given")
    if margin_angstrom < 0:
        raise InputError(f"box margin {margin_angstrom} Å: expected 0 or more")
    low, high = points.min(axis=0), points.max(axis=0)
    return Box(_point((low + high) / 2.0), _point(high - low + 2.0 * margin_angstrom))


def require_box_on_protein(box: Box, heavy_atoms: NDArray[np.float64]) -> None:
    """Raise `InputError` when no receptor heavy atom, coordinates of shape (N, 3) in Å, lies inside the
    box."""
    if bool(box.contains(heavy_atoms).any()):
        return
    distances = np.linalg.norm(heavy_atoms - np.array(box.center_angstrom), axis=1)
    nearest = float(distances.min()) if len(distances) else float("inf")
    raise InputError(
        f"the pocket is far from the protein: no receptor atom inside the box at {box.center_angstrom} Å "
        f"with edges {box.size_angstrom} Å (nearest atom {nearest:.1f} Å away); are both files in one frame?"
    )


def _point(values: Sequence[float] | NDArray[np.float64]) -> Point:
    x, y, z = (float(v) for v in values)
    return (x, y, z)
