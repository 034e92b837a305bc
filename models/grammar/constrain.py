"""What may follow a text of the grammar: every tag, residue and SMILES symbol, and where the text may end.

`GrammarState` reads a prompt and then what is generated, token by token. It is stricter than `parse` where a generated
text has to be more than readable: residues are the twenty amino acids (and what a given chain holds), SMILES are
well-formed for RDKit (`smiles_state`), the annotated chain of a pocket search copies the plain one and marks a residue,
the right side of a pocket transform is the expansion, a material has a metal node and a linker, no more loops are
designed than slots are open. Of a prompt only the form is asked, and its unfinished span. Not promised: chemistry.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from models.grammar import tags
from models.grammar.chain_copy import MarkedCopy, Script
from models.grammar.objects import RESIDUE_SMILES, SMILES_RESIDUE, Protein
from models.grammar.parse import GrammarError
from models.grammar.smiles_state import SmilesState

AMINO_ACIDS = "".join(sorted(RESIDUE_SMILES))
END_OF_TEXT = ""
"""Stands for the end of the text among the tags that may follow."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SMILES_CHARACTERS = r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~<>]"
_PIECE = re.compile("|".join(map(re.escape, tags.ALL_TAGS)) + "|(?:<-|[^<])+|<")
_SMILES = re.compile(r"(?:->|<-|[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~])+")
_OPENINGS = (tags.PROTEIN.open, tags.ANTIBODY.open, tags.MOLECULE.open, tags.MATERIAL.open)
_SMILES_SPANS = (tags.MOLECULE, tags.METAL)
_MOLECULE_VERBS = (tags.REACT, tags.REVERSE_REACT)
_PROTEIN_VERBS = (tags.SEARCH, tags.TRANSFORM, tags.EDIT)
_FORMS = {False: "letters", True: "smiles"}


@dataclass(frozen=True, slots=True)
class Units:
    """What counts as one token: the token texts of residue spans and of SMILES spans, and below which number a ring
    closure is one token. The default is one token a character."""

    residue_words: Collection[str] = field(default=frozenset(_LETTERS))
    smiles_words: Collection[str] = field(default=frozenset(map(chr, range(33, 127))))
    short_rings: int = 10


@dataclass(frozen=True, slots=True)
class Writable:
    """What text may stand next besides tags. `kind`: `nothing`; `smiles`: what `GrammarState.smiles` takes;
    `residues`: letters of `alphabet`; `strings`: a beginning of one of `strings`, each with the kind of its tokens."""

    kind: str
    alphabet: str = ""
    strings: tuple[tuple[str, str], ...] = ()


_NOTHING, _SMILES_TEXT = Writable("nothing"), Writable("smiles")
