"""Does every atom of the product stand somewhere in the reactants? What is left over has to leave.

Heavy atoms by element. Two ways out of a shortage are no error but cannot be decided here: a second equivalent of one
reactant, or atoms that a reagent which the text does not name commonly brings (oxidants, halogenating agents). Checked
against USPTO-50K (Schneider et al. 2016, doi:10.1021/acs.jcim.6b00564), whose reactants cover every product.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.molecule.verdict import decided, undecided
from tools.reaction.parse import element_counts, formula_of, mass_of, read_molecules
from tools.types import CheckResult

FROM_REAGENTS = ("O", "F", "Cl", "Br", "I")
"""Elements that oxidants and halogenating agents bring without being written as reactants."""


def check_balance(reactants: list[str], product: str, from_reagents: Sequence[str] = FROM_REAGENTS) -> CheckResult:
    """Pass where the reactants hold every heavy atom of the product; `value` is how many leave. Fail where atoms come
    from nowhere; unknown where a second equivalent or a reagent (`from_reagents`) could bring them."""
    left, right = read_molecules(reactants, "reactants"), read_molecules([product], "product")
    have, need = element_counts(left), element_counts(right)
    missing = need - have
    threshold = "no atom from nowhere"
    if missing:
        shown = ", ".join(f"{count} {element}" for element, count in sorted(missing.items()))
        if set(missing) <= set(from_reagents):
            return undecided(
                "atom_balance", f"{shown} too few: a reagent that is not written would bring them", threshold
            )
        twice = next((smiles for smiles in left if not missing - element_counts([smiles])), None)
        if twice is not None:
            return undecided(
                "atom_balance", f"{shown} too few: a second equivalent of {twice} would be needed", threshold
            )
    leaving = have - need
    details = {
        "reactants_formula": formula_of(left),
        "product_formula": formula_of(right),
        "leaving": dict(sorted(leaving.items())),
        "missing": dict(sorted(missing.items())),
        "mass_leaving_g_mol": round(mass_of(left) - mass_of(right), 3),
    }
    reason = "the product has " + ", ".join(f"{n} {e}" for e, n in sorted(missing.items())) + " that no reactant has"
    return decided(
        "atom_balance",
        not missing,
        value=float(sum(leaving.values())),
        unit="heavy atoms leaving",
        threshold=threshold,
        reason=reason,
        details=details,
    )
