"""Which residues of a variant differ from the wild type, are they few, and how conservative are they?"""

from __future__ import annotations

from tools.molecule.verdict import decided
from tools.protein.mutations import list_mutations
from tools.protein.sequence_numbers import need_residues
from tools.protein.substitution_matrix import substitution_change
from tools.types import CheckResult


def check_mutations(sequence: str, wild_type: str, maximum_mutations: int = 10, first_number: int = 1) -> CheckResult:
    """Pass where the variant is as long as the wild type and differs in 1 to `maximum_mutations` residues. `value`
    lists them in standard notation; `details`: their number and what BLOSUM62 says they
    cost (half-bits, 0 is best; see `substitution_change`)."""
    variant, origin = need_residues(sequence), need_residues(wild_type, "wild_type")
    threshold = f"1..{maximum_mutations} substitutions"
    if len(variant) != len(origin):
        reason = f"{len(variant)} residues, the wild type has {len(origin)}"
        return decided("mutations", False, threshold=threshold, reason=reason)
    found = list_mutations(origin, variant, first_number)
    return decided(
        "mutations",
        1 <= len(found) <= maximum_mutations,
        value=" ".join(map(str, found)),
        threshold=threshold,
        reason=f"{len(found)} substitutions" if found else "it is the wild type",
        details={
            "n_mutations": len(found),
            "blosum62_change": substitution_change(found),
            "identity": round(1 - len(found) / len(origin), 4),
        },
    )
