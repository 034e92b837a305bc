"""Canonical forms by which objects are compared, and the frameworks a corpus trains on."""

from collections.abc import Sequence
from pathlib import Path

from rdkit import Chem, rdBase

from models.grammar import parse
from models.grammar.objects import Material, Molecule
from models.tokenizer import ScientificTokenizer
from models.training.corpus import load_part


def canonical_or_none(smiles: str) -> str | None:
    """Canonical SMILES where RDKit sanitises the text as one molecule or mixture, else None."""
    if not smiles:
        return None
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return None if mol is None else str(Chem.MolToSmiles(mol))


def canonical_set(molecules: Sequence[Molecule]) -> frozenset[str] | None:
    """Canonical SMILES of all molecules, or None where one does not parse."""
    found = [canonical_or_none(part) for m in molecules for part in m.smiles.split(".")]
    return None if None in found else frozenset(str(smiles) for smiles in found)


def material_key(material: Material) -> str:
    """Nodes and linkers as sorted text, the same for every order of blocks."""
    linkers = sorted(canonical_or_none(linker) or linker for linker in material.linkers)
    return f"{' '.join(sorted(material.metals))}|{' '.join(linkers)}"


def known_materials(corpus: Path) -> set[str]:
    """Keys of every material the corpus trains on."""
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    tokens, offsets = load_part(corpus, "material", "train")
    keys = set()
    for number in range(len(offsets) - 1):
        (material,) = parse(tokenizer.decode(tokens[offsets[number] + 1 : offsets[number + 1] - 1].tolist()))
        if isinstance(material, Material):
            keys.add(material_key(material))
    return keys
