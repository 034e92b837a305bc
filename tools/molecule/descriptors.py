"""Numbers of a molecule with unit and direction, each a `Score`.

The direction is the one medicinal chemistry mostly wants; a campaign's objective can override it. None of these
numbers is a measurement: logP, solubility class and synthesizability are estimates from the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from rdkit import Chem, RDConfig
from rdkit.Chem import QED, rdMolDescriptors

from tools.errors import InputError, UnavailableError
from tools.types import Score


def score_qed(mol: Chem.Mol) -> Score:
    """Quantitative estimate of drug-likeness, 0..1 (Bickerton 2012, doi 10.1038/nchem.1243). Imatinib:
    0.389."""
    return Score("qed", float(QED.qed(mol)), "", "maximize")  # type: ignore[no-untyped-call]


def score_sa(mol: Chem.Mol) -> Score:
    """Synthetic accessibility, 1 (easy) .. 10 (hard) (Ertl 2009, doi 10.1186/1758-2946-1-8)."""
    return Score("sa", float(_sascorer().calculateScore(mol)), "", "minimize")


def score_logp(mol: Chem.Mol) -> Score:
    """Octanol-water logP after Crippen (Wildman 1999, doi 10.1021/ci990307l)."""
    return Score("logp", float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0]), "log10", "minimize")


def score_mol_weight(mol: Chem.Mol) -> Score:
    """Average molecular weight with hydrogens, Da."""
    return Score("mol_weight", float(rdMolDescriptors._CalcMolWt(mol)), "Da", "minimize")


def score_tpsa(mol: Chem.Mol) -> Score:
    """Topological polar surface area over N and O, Å² (Ertl 2000, doi 10.1021/jm000942e)."""
    return Score("tpsa", float(rdMolDescriptors.CalcTPSA(mol)), "Å²", "minimize")


def score_fsp3(mol: Chem.Mol) -> Score:
    """Share of carbon atoms that are sp3 (Lovering 2009, doi 10.1021/jm901241e); None without carbon."""
    has_carbon = any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms())
    value = float(rdMolDescriptors.CalcFractionCSP3(mol)) if has_carbon else None
    return Score("fsp3", value, "", "maximize")


def score_rotatable_bonds(mol: Chem.Mol) -> Score:
    """Rotatable bonds, RDKit's strict definition (amide C-N bonds not counted)."""
    return Score("rotatable_bonds", float(rdMolDescriptors.CalcNumRotatableBonds(mol)), "bonds", "minimize")


def score_heavy_atoms(mol: Chem.Mol) -> Score:
    """Atoms other than hydrogen."""
    return Score("heavy_atoms", float(mol.GetNumHeavyAtoms()), "atoms", "minimize")


SCORES: dict[str, Callable[[Chem.Mol], Score]] = {
    "qed": score_qed,
    "sa": score_sa,
    "logp": score_logp,
    "mol_weight": score_mol_weight,
    "tpsa": score_tpsa,
    "fsp3": score_fsp3,
    "rotatable_bonds": score_rotatable_bonds,
    "heavy_atoms": score_heavy_atoms,
}


def score(name: str, mol: Chem.Mol) -> Score:
    """The descriptor of this name; an unknown name is an `InputError` that lists the known ones."""
    if name not in SCORES:
        raise InputError(f"descriptor {name!r} is unknown; known: {', '.join(SCORES)}")
    return SCORES[name](mol)


@lru_cache(maxsize=1)
def _sascorer() -> ModuleType:
    """Ertl's scorer as RDKit ships it beside the library, where it is not an importable package."""
    folder = Path(RDConfig.RDContribDir) / "SA_Score"
    if not (folder / "sascorer.py").exists():
        raise UnavailableError(f"RDKit's SA_Score is missing at {folder}; install the rdkit wheel from PyPI")
    specification = spec_from_file_location("sascorer", folder / "sascorer.py")
    if specification is None or specification.loader is None:
        raise UnavailableError(f"RDKit's SA_Score at {folder} cannot be loaded")
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
