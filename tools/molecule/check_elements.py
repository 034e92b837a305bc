"""Are all elements ones that the later stages have parameters for?"""

from __future__ import annotations

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult

ALLOWED_ELEMENTS = ("H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I")


@molecule_check("elements")
def check_elements(mol: Chem.Mol, allowed: tuple[str, ...] = ALLOWED_ELEMENTS) -> CheckResult:
    """Pass where every atom's element is in `allowed`.

    Default: the elements that Vina's scoring (doi 10.1021/acs.jcim.1c00203) and MMFF94 (doi
    10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P) both have parameters for and that organic
    screening collections hold; so boron (bortezomib) and silicon are lost, and a metal or a wildcard atom
    fails.
    """
    table = Chem.GetPeriodicTable()
    unknown = [symbol for symbol in allowed if not _is_element(table, symbol)]
    if unknown:
        raise InputError(f"allowed elements name {unknown[0]!r}, which is no element symbol")
    found = sorted({atom.GetSymbol() for atom in mol.GetAtoms()})
    others = [symbol for symbol in found if symbol not in allowed]
    return decided(
        "elements",
        not others,
        value=" ".join(found),
        threshold="only " + " ".join(allowed),
        reason="contains " + " ".join(others),
    )


def _is_element(table: Chem.PeriodicTable, symbol: str) -> bool:
    return symbol in {table.GetElementSymbol(number) for number in range(1, 119)}
