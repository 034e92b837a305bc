"""Property bins as tags: `<LogP:2..3><QED:0.7..0.8><MoleculeS>` asks for a molecule with that logP and QED.

Each bin of each property is one token. They stand right before the opening tag of a molecule (alone, or the ligand of
a complex), each property at most once, in the order of `PROPERTIES`; any of them may be missing. The first and the last
bin of a property are open. Measured as RDKit does: Wildman-Crippen logP (10.1021/ci990307l), average molecular weight
in g/mol, QED (10.1038/nchem.1243). Not promised: that a generated molecule has what was asked for; measure it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Property:
    """One measured quantity and the edges between its bins; a value on an edge belongs to the bin above it."""

    tag_name: str
    key: str
    edges: tuple[float, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """One tag a bin, lowest first."""
        bounds = ["", *(f"{edge:g}" for edge in self.edges), ""]
        return tuple(f"<{self.tag_name}:{low}..{high}>" for low, high in pairwise(bounds))

    def tag_of(self, value: float) -> str:
        """The tag of the bin that holds `value`."""
        return self.tags[bisect_right(self.edges, value)]

    def bounds_of(self, tag: str) -> tuple[float, float]:
        """Lower (inclusive) and upper (exclusive) bound of a bin, infinite where it is open."""
        number = self.tags.index(tag)
        bounds = [float("-inf"), *self.edges, float("inf")]
        return bounds[number], bounds[number + 1]

    def tags_within(self, low: float, high: float) -> tuple[str, ...]:
        """The bins that overlap low..high, lowest first. Raises ValueError for an empty or reversed range."""
        if not low < high:
            raise ValueError(
                f"a range of {self.key} needs its lower bound first and below the upper, got {low:g}:{high:g}"
            )
        bounded = ((tag, *self.bounds_of(tag)) for tag in self.tags)
        return tuple(tag for tag, start, end in bounded if start < high and low < end)


# The edges cut the training molecules (ZINC250k, Enamine, bioactives) into bins that all hold some per cent of them.
LOG_P = Property("LogP", "log_p", (0, 1, 2, 3, 4, 5, 6))
MOLECULAR_WEIGHT = Property("MW", "molecular_weight", (200, 250, 300, 350, 400, 450, 500))
QED = Property("QED", "qed", (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))

PROPERTIES: tuple[Property, ...] = (LOG_P, MOLECULAR_WEIGHT, QED)
PROPERTY_TAGS: tuple[str, ...] = tuple(tag for item in PROPERTIES for tag in item.tags)
KIND_OF_TAG: dict[str, int] = {tag: kind for kind, item in enumerate(PROPERTIES) for tag in item.tags}


def condition_tags(measured: Mapping[str, float]) -> tuple[str, ...]:
    """Tags for values by key (log_p, molecular_weight, qed), in the order the grammar asks for.

    Raises ValueError for a key that is no property, with the list of those there are.
    """
    unknown = sorted(set(measured) - {item.key for item in PROPERTIES})
    if unknown:
        known = ", ".join(item.key for item in PROPERTIES)
        raise ValueError(f"no property {', '.join(unknown)}; properties that can be asked for: {known}")
    return tuple(item.tag_of(measured[item.key]) for item in PROPERTIES if item.key in measured)


def check_order(conditions: tuple[str, ...]) -> None:
    """Raises ValueError unless all are property tags, each property at most once, in order."""
    for tag in conditions:
        if tag not in KIND_OF_TAG:
            raise ValueError(f"{tag!r} is no property tag; there are {' '.join(PROPERTY_TAGS)}")
    kinds = [KIND_OF_TAG[tag] for tag in conditions]
    if kinds != sorted(set(kinds)):
        order = ", ".join(item.tag_name for item in PROPERTIES)
        raise ValueError(
            f"property tags must stand in the order {order}, each at most once, got {' '.join(conditions)}"
        )
