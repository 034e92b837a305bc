"""Does forward prediction lead from the proposed reactants back to the product?

Round trip after Schwaller et al. 2020 (doi:10.1039/c9sc05704h). The prediction is made elsewhere and given here. Where
one model proposes and predicts, a pass says that it agrees with itself, not that the reaction works.
"""

from __future__ import annotations

from models.reactions.voting import candidate_of
from tools.molecule.verdict import decided, undecided
from tools.reaction.parse import read_molecules
from tools.types import CheckResult


def check_round_trip(product: str, predicted: list[str], within: int = 1) -> CheckResult:
    """Pass where `product` is among the first `within` of the `predicted` products, best first; `value` is its place.
    Unknown where nothing readable was predicted."""
    wanted = candidate_of(read_molecules([product], "product"))
    ranked = [found for one in predicted if (found := candidate_of([one])) is not None]
    threshold = f"among the first {within}"
    if not ranked:
        return undecided("round_trip", "forward prediction gave no readable product", threshold)
    place = next((at for at, one in enumerate(ranked, 1) if one == wanted), None)
    return decided(
        "round_trip",
        place is not None and place <= within,
        value=None if place is None else float(place),
        unit="place",
        threshold=threshold,
        reason=f"forward prediction gives {'.'.join(ranked[0])} instead",
    )
