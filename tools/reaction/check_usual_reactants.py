"""Do these reactants look like those the model was trained on? Elsewhere its answers are guesses.

The limits describe 3,000 reactions of the USPTO forward set (`uspto15k_forward`: one to three reactants each, 99 % of
the molecules of at most 46 heavy atoms, elements seen at least twice in a thousand molecules). Inside them nothing is
promised either.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.molecule.parse import parse_smiles
from tools.molecule.verdict import decided
from tools.reaction.parse import read_molecules
from tools.types import CheckResult

MAXIMUM_REACTANTS = 3
MAXIMUM_HEAVY_ATOMS = 46
USUAL_ELEMENTS = ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Br", "I", "Mg", "Sn", "Cu")


def check_usual_reactants(
    reactants: list[str],
    maximum_reactants: int = MAXIMUM_REACTANTS,
    maximum_heavy_atoms: int = MAXIMUM_HEAVY_ATOMS,
    elements: Sequence[str] = USUAL_ELEMENTS,
) -> CheckResult:
    """Pass where number, size and elements are usual; `reason` lists everything that is not."""
    molecules = read_molecules(reactants, "reactants")
    found = []
    if len(molecules) > maximum_reactants:
        found.append(f"{len(molecules)} reactants, usual are up to {maximum_reactants}")
    if len(set(molecules)) < len(molecules):
        found.append("a reactant is named twice; equivalents say nothing to the model")
    for smiles in dict.fromkeys(molecules):
        mol = parse_smiles(smiles)
        strange = sorted({atom.GetSymbol() for atom in mol.GetAtoms()} - set(elements))
        if strange:
            found.append(f"{smiles} has {', '.join(strange)}")
        if mol.GetNumHeavyAtoms() > maximum_heavy_atoms:
            found.append(f"{smiles} has {mol.GetNumHeavyAtoms()} heavy atoms, usual are up to {maximum_heavy_atoms}")
        if any(atom.GetIsotope() for atom in mol.GetAtoms()):
            found.append(f"{smiles} carries an isotope label")
        if any(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms()):
            found.append(f"{smiles} is a radical")
    threshold = f"<= {maximum_reactants} reactants of <= {maximum_heavy_atoms} heavy atoms, usual elements"
    return decided(
        "usual_reactants",
        not found,
        value=float(len(molecules)),
        unit="reactants",
        threshold=threshold,
        reason="; ".join(found),
    )
