"""SMILES in, molecule out: parsing, the neutral parent, the canonical spelling.

The neutral parent is the identity of a small molecule everywhere (candidates, uniqueness, novelty, cache
keys), because data sets write charges and counter-ions at random. Permanent charges (quaternary N, nitro,
N-oxide) stay. NOT promised: tautomers are not merged, and a mixture is refused unless the largest fragment is
asked for.
"""

from __future__ import annotations

from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from tools.errors import InputError


def parse_smiles(smiles: str) -> Chem.Mol:
    """The sanitised molecule of one SMILES string.

    Raises `InputError` that names the string and what is wrong: empty, white space inside, syntax, valence or
    aromaticity.
    """
    if not isinstance(smiles, str) or not smiles.strip():
        raise InputError(f"SMILES {smiles!r} is empty; expected one molecule such as 'CCO'")
    text = smiles.strip()
    if len(text.split()) > 1:
        raise InputError(f"SMILES {text!r} contains white space; give one molecule without a name behind it")
    if foreign := "".join(letter for letter in text if not letter.isascii()):
        raise InputError(f"SMILES {text!r} contains {foreign!r}; a SMILES is plain ASCII")  # RDKit drops it at the end
    with rdBase.BlockLogs():
        raw = Chem.MolFromSmiles(text, sanitize=False)
        if raw is None:
            raise InputError(f"SMILES {text!r} does not parse: the syntax is broken (rings, brackets or atoms)")
        problems = Chem.DetectChemistryProblems(raw)
        mol = None if problems else Chem.MolFromSmiles(text)
    if mol is None:
        reason = problems[0].Message() if problems else "it does not sanitise"
        raise InputError(f"SMILES {text!r} does not parse: {reason}")
    if mol.GetNumAtoms() == 0:
        raise InputError(f"SMILES {text!r} has no atoms")
    return mol


def neutral_parent(mol: Chem.Mol, largest_fragment: bool = False) -> Chem.Mol:
    """The uncharged parent: protons added or removed where that neutralises, permanent charges kept.

    Atom maps and hydrogens written only for the geometry of an imine are dropped. With `largest_fragment` salts
    and solvents are removed first; without it a mixture is an `InputError`. The input is not changed.
    """
    with rdBase.BlockLogs():
        parent = Chem.Mol(mol)
        if largest_fragment:
            parent = rdMolStandardize.LargestFragmentChooser().choose(parent)
        n_fragments = len(Chem.GetMolFrags(parent))
        if n_fragments != 1:
            smiles = Chem.MolToSmiles(mol)
            raise InputError(f"{smiles!r} has {n_fragments} disconnected parts; give one molecule")
        for atom in parent.GetAtoms():
            atom.SetAtomMapNum(0)
        parent = rdMolStandardize.Uncharger().uncharge(parent)
        removal = Chem.RemoveHsParameters()
        setattr(removal, "removeDefiningBondStereo", True)  # noqa: B010 (the stubs type it read-only)
        parent = Chem.RemoveHs(parent, removal)
    Chem.AssignStereochemistry(parent, cleanIt=True, force=True)
    return parent


def canonical_smiles(mol: Chem.Mol) -> str:
    """RDKit's canonical isomeric SMILES, written twice so that it is a fixed point."""
    first = Chem.MolToSmiles(mol)
    with rdBase.BlockLogs():
        again = Chem.MolFromSmiles(first)
    return str(first if again is None else Chem.MolToSmiles(again))


def canonical_parent(smiles: str, largest_fragment: bool = False) -> str:
    """The identity of a molecule in this project: canonical isomeric SMILES of its neutral parent."""
    return canonical_smiles(neutral_parent(parse_smiles(smiles), largest_fragment))
