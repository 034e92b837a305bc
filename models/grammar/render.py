"""Objects to text. `render` is the exact inverse of `parse.parse`; what would not read back the same is
refused.
"""

from collections.abc import Iterable
from itertools import pairwise

from models.grammar import tags
from models.grammar.objects import (
    RESIDUE_SMILES,
    Antibody,
    CdrDesign,
    Complex,
    GrammarObject,
    Material,
    Metal,
    Molecule,
    PocketSearch,
    PocketTransform,
    Protein,
    ProteinEdit,
    Reaction,
    Retrosynthesis,
    Statement,
)


def render(objects: GrammarObject | Iterable[GrammarObject]) -> str:
    """The text of one object or of several in a row.

    Raises ValueError for a sequence that would read back differently: a statement (anything with a verb)
    stands alone, and a protein followed by a molecule is a `Complex`, to be given as one.
    """
    items = (objects,) if isinstance(objects, GrammarObject) else tuple(objects)
    if len(items) > 1 and any(isinstance(item, Statement) for item in items):
        raise ValueError("a statement with a verb stands alone: render it by itself")
    for left, right in pairwise(items):
        if isinstance(left, Protein) and isinstance(right, Molecule | Complex):
            raise ValueError("a protein followed by a molecule reads as a Complex: give them as one Complex")
    return "".join(_render_one(item) for item in items)


def _render_one(item: GrammarObject) -> str:  # noqa: PLR0911 - one line a form
    match item:
        case Protein():
            return render_protein(item)
        case Antibody():
            return render_antibody(item)
        case Molecule():
            return "".join(item.conditions) + _wrap(tags.MOLECULE, item.smiles)
        case Material():
            return _wrap(tags.MATERIAL, "".join(_render_part(part) for part in item.parts))
        case Complex():
            return "".join(map(render_protein, item.proteins)) + _render_one(item.ligand)
        case Reaction():
            return render_molecules(item.reactants) + tags.REACT + render_molecules(item.products)
        case Retrosynthesis():
            return render_molecules(item.products) + tags.REVERSE_REACT + render_molecules(item.reactants)
        case PocketSearch():
            return render_protein(item.protein) + tags.SEARCH + render_protein(item.annotated)
        case PocketTransform():
            return render_protein(item.annotated) + tags.TRANSFORM + render_protein(item.expanded)
        case ProteinEdit():
            return render_protein(item.parent) + tags.EDIT + render_protein(item.child)
        case CdrDesign():
            chains = "".join(map(render_antibody, item.antibodies))
            return chains + tags.DESIGN + "".join(_wrap(tags.CDR, loop) for loop in item.loops)


def _wrap(span: tags.Span, content: str) -> str:
    return f"{span.open}{content}{span.close}"


def _render_part(part: Metal | Molecule) -> str:
    return _wrap(tags.METAL if isinstance(part, Metal) else tags.MOLECULE, part.smiles)


def render_molecules(molecules: Iterable[Molecule]) -> str:
    """Each molecule in its own block, in the order given."""
    return "".join(_wrap(tags.MOLECULE, molecule.smiles) for molecule in molecules)


def render_protein(protein: Protein) -> str:
    """Each pocket residue wrapped in place, one by one; expanded residues as SMILES, those without one as
    their letter.
    """
    letters = list(protein.sequence)
    for index in protein.pocket:
        letter = letters[index]
        letters[index] = _wrap(tags.POCKET, RESIDUE_SMILES.get(letter, letter) if protein.expanded else letter)
    return _wrap(tags.PROTEIN, "".join(letters))


def render_antibody(antibody: Antibody) -> str:
    """Loops wrapped in place; an empty span becomes an empty slot."""
    pieces, previous = [], 0
    for start, end in antibody.cdrs:
        pieces += [antibody.sequence[previous:start], _wrap(tags.CDR, antibody.sequence[start:end])]
        previous = end
    return _wrap(tags.ANTIBODY, "".join(pieces) + antibody.sequence[previous:])
