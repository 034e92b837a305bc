"""The properties that can be asked for with tags (`models.grammar.properties`), measured with RDKit."""

from rdkit import Chem
from rdkit.Chem import QED, rdMolDescriptors


def measured_properties(mol: Chem.Mol) -> dict[str, float]:
    """Wildman-Crippen logP (10.1021/ci990307l), average molecular weight in g/mol, QED (10.1038/nchem.1243), by key."""
    log_p, _ = rdMolDescriptors.CalcCrippenDescriptors(mol)
    return {
        "log_p": float(log_p),
        "molecular_weight": float(rdMolDescriptors._CalcMolWt(mol)),
        "qed": float(QED.qed(mol)),  # type: ignore[no-untyped-call]
    }
