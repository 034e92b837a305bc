"""How soluble in water, estimated from the graph: ESOL (Delaney 2004, doi 10.1021/ci034243x).

The paper's four-term equation, with Crippen's logP where the paper has Daylight's clogP. Its error: within a factor of
5 to 8 of the measured solubility on three validation sets (its abstract), that is 0.7 to 0.9 log units; so a difference
below that between two molecules says nothing. Salts and mixtures are unknown. NOT promised: anything about charges,
crystal packing or pH.
"""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from tools.molecule.verdict import decided, molecule_check, undecided
from tools.types import CheckResult, Score

ERROR_LOG_UNITS = (0.7, 0.9)
"""log10 of the factors 5 and 8 within which the paper's predictions lie."""
UNIT = "log10 mol/L"


def score_solubility(mol: Chem.Mol) -> Score:
    """log10 of the solubility in mol/L: 0.16 - 0.63 logP - 0.0062 MW + 0.066 RB - 0.74 AP, where RB counts rotatable
    bonds and AP is the share of heavy atoms that are aromatic. Estradiol: -4.0 (measured -5.03). None for what is not
    one molecule with a heavy atom."""
    if mol.GetNumHeavyAtoms() == 0 or len(Chem.GetMolFrags(mol)) > 1:
        return Score("solubility", None, UNIT, "maximize")
    log_p = float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])
    weight = float(rdMolDescriptors._CalcMolWt(mol))
    rotatable = int(rdMolDescriptors.CalcNumRotatableBonds(mol))
    aromatic = sum(atom.GetIsAromatic() for atom in mol.GetAtoms()) / mol.GetNumHeavyAtoms()
    value = 0.16 - 0.63 * log_p - 0.0062 * weight + 0.066 * rotatable - 0.74 * aromatic
    return Score("solubility", value, UNIT, "maximize")


@molecule_check("solubility")
def check_solubility(mol: Chem.Mol, minimum: float | None = None) -> CheckResult:
    """Pass where log10 of the solubility in mol/L is at least `minimum`, or where there is none: then a record."""
    value = score_solubility(mol).value
    if value is None:
        return undecided(
            "solubility", "only one molecule with heavy atoms has an estimate: give a salt's neutral parent"
        )
    return decided(
        "solubility",
        minimum is None or value >= minimum,
        value=value,
        unit=UNIT,
        threshold="" if minimum is None else f">={minimum:g}",
        reason=f"estimated solubility {value:.2f} is too low",
        details={"method": "ESOL", "error_log_units": list(ERROR_LOG_UNITS)},
    )
