"""Is a descriptor inside a range? How a campaign makes any number of `descriptors` a hard condition."""

from __future__ import annotations

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.descriptors import score
from tools.molecule.verdict import decided, molecule_check, undecided
from tools.types import CheckResult


@molecule_check("range")
def check_range(
    mol: Chem.Mol, descriptor: str, minimum: float | None = None, maximum: float | None = None
) -> CheckResult:
    """Pass where minimum <= value <= maximum; an end that is None is open. The ends are the campaign's."""
    if minimum is not None and maximum is not None and minimum > maximum:
        raise InputError(f"range {minimum:g}..{maximum:g} of {descriptor} is empty")
    measured = score(descriptor, mol)
    threshold = render_range(minimum, maximum)
    if measured.value is None:
        return undecided(descriptor, f"{descriptor} is not defined for this molecule", threshold)
    low = minimum is None or measured.value >= minimum
    high = maximum is None or measured.value <= maximum
    return decided(
        descriptor,
        low and high,
        value=measured.value,
        unit=measured.unit,
        threshold=threshold,
        reason=f"{descriptor} {measured.value:.4g} is too {'high' if low else 'low'}",
    )


def render_range(minimum: float | None, maximum: float | None) -> str:
    """The range as a campaign file writes it: "20..38", "<=4.5", ">=0.4", or "" for no limit."""
    if minimum is not None and maximum is not None:
        return f"{minimum:g}..{maximum:g}"
    if maximum is not None:
        return f"<={maximum:g}"
    return "" if minimum is None else f">={minimum:g}"
