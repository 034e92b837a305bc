"""May a route end at this molecule? In the user's list of building blocks, or simple enough by a rule.

There is no catalogue here. The rule says "small and plain": few heavy atoms, few rings, at most one stereocentre; it is
this project's convention, and says nothing of price, stock or shipping. What the user lists is listed, no more.
"""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from tools.molecule.verdict import decided, molecule_check
from tools.reaction.building_blocks import is_listed
from tools.types import CheckResult

MAXIMUM_HEAVY_ATOMS = 12
MAXIMUM_RINGS = 2
MAXIMUM_STEREOCENTRES = 1


@molecule_check("starting_material")
def check_starting_material(
    mol: Chem.Mol,
    building_blocks: str = "",
    maximum_heavy_atoms: int = MAXIMUM_HEAVY_ATOMS,
    maximum_rings: int = MAXIMUM_RINGS,
    maximum_stereocentres: int = MAXIMUM_STEREOCENTRES,
) -> CheckResult:
    """Pass where the molecule's neutral parent is in `building_blocks` (the text of a list of SMILES), or it is small
    and plain by the other three. `value` says which; a pass never means "in stock"."""
    threshold = (
        f"listed, or <= {maximum_heavy_atoms} heavy atoms, <= {maximum_rings} rings, "
        f"<= {maximum_stereocentres} stereocentres (rule)"
    )
    if building_blocks and is_listed(str(Chem.MolToSmiles(mol)), building_blocks):
        return decided("starting_material", True, value="in your list of building blocks", threshold=threshold)
    n_heavy, n_rings = int(mol.GetNumHeavyAtoms()), int(rdMolDescriptors.CalcNumRings(mol))
    n_stereo = int(rdMolDescriptors.CalcNumAtomStereoCenters(mol))
    found = []
    if n_heavy > maximum_heavy_atoms:
        found.append(f"{n_heavy} heavy atoms")
    if n_rings > maximum_rings:
        found.append(f"{n_rings} rings")
    if n_stereo > maximum_stereocentres:
        found.append(f"{n_stereo} stereocentres")
    reason = f"neither listed nor simple: {', '.join(found)}" if building_blocks else f"not simple: {', '.join(found)}"
    return decided(
        "starting_material",
        not found,
        value="not simple" if found else "simple enough to be a starting material (rule)",
        threshold=threshold,
        reason=reason,
        details={"heavy_atoms": n_heavy, "rings": n_rings, "stereocentres": n_stereo},
    )
