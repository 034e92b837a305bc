"""The tag table: one row for every kind of span and every verb the scientific grammar knows.

The sixteen LOGOS tags keep their published spelling to the letter (arXiv 2606.16905). The rows marked `ours`
are additions of this project; a released LOGOS checkpoint does not know them. A new modality is one row here
and one dataclass in `objects`.
"""

from dataclasses import dataclass
from enum import StrEnum

from models.grammar.properties import PROPERTY_TAGS


class Alphabet(StrEnum):
    """What stands between the opening and the closing tag of a span, and so how the tokenizer splits it."""

    RESIDUES = "residues"  # one-letter amino-acid codes
    SMILES = "smiles"
    EITHER = "either"  # one residue letter, or a SMILES standing for one residue
    CONTAINER = "container"  # only other spans


@dataclass(frozen=True, slots=True)
class Span:
    """One kind of span, `<NameS>...<NameE>`."""

    name: str
    alphabet: Alphabet
    ours: bool = False

    @property
    def open(self) -> str:
        return f"<{self.name}S>"

    @property
    def close(self) -> str:
        return f"<{self.name}E>"


PROTEIN = Span("Protein", Alphabet.RESIDUES)
ANTIBODY = Span("Antibody", Alphabet.RESIDUES)
MOLECULE = Span("Molecule", Alphabet.SMILES)
POCKET = Span("Pocket", Alphabet.EITHER)
MATERIAL = Span("Material", Alphabet.CONTAINER)
METAL = Span("Metal", Alphabet.SMILES)
CDR = Span("Cdr", Alphabet.RESIDUES, ours=True)

SPANS: tuple[Span, ...] = (PROTEIN, ANTIBODY, MOLECULE, POCKET, MATERIAL, METAL, CDR)

REACT = "<React>"
REVERSE_REACT = "<ReverseReact>"
SEARCH = "<Search>"
TRANSFORM = "<Trans>"
EDIT = "<Edit>"
DESIGN = "<Design>"

LOGOS_VERBS: tuple[str, ...] = (REACT, REVERSE_REACT, SEARCH, TRANSFORM)
OUR_VERBS: tuple[str, ...] = (EDIT, DESIGN)
VERBS: tuple[str, ...] = LOGOS_VERBS + OUR_VERBS

LOGOS_TAGS: tuple[str, ...] = (
    *(tag for span in SPANS if not span.ours for tag in (span.open, span.close)),
    *LOGOS_VERBS,
)
OUR_TAGS: tuple[str, ...] = (
    *(tag for span in SPANS if span.ours for tag in (span.open, span.close)),
    *OUR_VERBS,
    *PROPERTY_TAGS,
)
ALL_TAGS: tuple[str, ...] = LOGOS_TAGS + OUR_TAGS
