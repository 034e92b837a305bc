"""Lipinski's rule of five: a flag for oral absorption, meaningless for other routes and for many natural
products."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult


@molecule_check("lipinski")
def check_lipinski(
    mol: Chem.Mol,
    max_violations: int = 1,
    *,
    max_weight: float = 500.0,
    max_logp: float = 5.0,
    max_donors: int = 5,
    max_acceptors: int = 10,
) -> CheckResult:
    """Pass where at most `max_violations` of the four limits are exceeded.

    Lipinski 1997/2001, doi 10.1016/S0169-409X(00)00129-0: weight (Da) <= 500, logP <= 5, donors (NH and OH)
    <= 5, acceptors (N and O) <= 10; poor absorption is likelier when two or more are broken, hence one is
    allowed. logP is Crippen's instead of the paper's ClogP.
    """
    if max_violations < 0:
        raise InputError(f"max_violations {max_violations} must not be negative")
    measured = (
        ("weight", float(rdMolDescriptors._CalcMolWt(mol)), max_weight),
        ("logP", float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]), max_logp),
        ("donors", float(rdMolDescriptors.CalcNumLipinskiHBD(mol)), max_donors),
        ("acceptors", float(rdMolDescriptors.CalcNumLipinskiHBA(mol)), max_acceptors),
    )
    broken = [f"{name} {value:.4g} > {limit:g}" for name, value, limit in measured if value > limit]
    return decided(
        "lipinski",
        len(broken) <= max_violations,
        value=float(len(broken)),
        unit="violations",
        threshold=f"<= {max_violations}",
        reason="; ".join(broken),
        details={name: value for name, value, _ in measured},
    )
