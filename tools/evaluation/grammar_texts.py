"""Rows of data files as texts of the grammar, by modality: what perplexity is measured on.

Which texts a row gives follows from the columns it has (see `FORMS`); the objects are rendered as in training, each in
its first, unshuffled form. Chains are taken whole: a text longer than the model's context is for the caller to leave
out, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from models.grammar.objects import (
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
)
from models.grammar.parse import parse
from models.grammar.render import render
from tools.evaluation.protocol import Row

MODALITIES: dict[type[GrammarObject], str] = {
    Molecule: "molecule",
    Protein: "protein",
    Antibody: "antibody",
    Material: "material",
    Complex: "complex",
    Reaction: "reaction",
    Retrosynthesis: "retrosynthesis",
    PocketSearch: "pocket_search",
    PocketTransform: "pocket_transform",
    ProteinEdit: "protein_edit",
    CdrDesign: "cdr_design",
}


def modality_of(text: str) -> str:
    """The modality of a grammar text, "mixed" where it holds objects of several kinds. ValueError where it does not
    parse."""
    kinds = {MODALITIES[type(item)] for item in parse(text)}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def row_texts(row: Row) -> Iterator[tuple[str, str]]:
    """(modality, text) of one row. ValueError where its values are no objects of the grammar."""
    for columns, make in FORMS:
        if all(row.get(column) not in (None, "") for column in columns):
            for found in make(row):
                yield (
                    (modality_of(found), found) if isinstance(found, str) else (MODALITIES[type(found)], render(found))
                )
            return
    raise ValueError(f"no text of the grammar in columns {', '.join(row)}")


def _plain(row: Row) -> Iterator[str]:
    yield str(row["text"])


def _reaction(row: Row) -> Iterator[GrammarObject]:
    left, right = (tuple(map(Molecule, row[side].split("."))) for side in ("reactants", "product"))
    yield Reaction(left, right)
    yield Retrosynthesis(right, left)


def _material(row: Row) -> Iterator[GrammarObject]:
    yield Material((*map(Metal, row["nodes"].split(".")), *map(Molecule, row["linkers"].split("."))))


def _complex(row: Row) -> Iterator[GrammarObject]:
    yield Complex((_marked(row),), Molecule(row["smiles"]))


def _pocket(row: Row) -> Iterator[GrammarObject]:
    marked = _marked(row)
    yield PocketSearch(Protein(marked.sequence), marked)


def _molecule(row: Row) -> Iterator[GrammarObject]:
    yield Molecule(row["smiles"])


def _heavy(row: Row) -> Iterator[GrammarObject]:
    yield from _antibody(row["vh"], [(int(row[f"h{i}s"]), int(row[f"h{i}e"])) for i in (1, 2, 3)])


def _marked_chain(row: Row) -> Iterator[GrammarObject]:
    yield from _antibody(row["sequence"], [(int(row[f"c{i}s"]), int(row[f"c{i}e"])) for i in (1, 2, 3)])


def _antibody(sequence: str, loops: list[tuple[int, int]]) -> Iterator[GrammarObject]:
    """The chain with its loops marked, and one design for each loop."""
    if not all(0 <= start < end <= len(sequence) for start, end in loops):
        raise ValueError("a CDR span is not inside the chain")
    yield Antibody(sequence, tuple(loops))
    for start, end in loops:
        slot = Antibody(sequence[:start] + sequence[end:], ((start, start),))
        yield CdrDesign((slot,), (sequence[start:end],))


def _protein(row: Row) -> Iterator[GrammarObject]:
    yield Protein(row["sequence"].upper())


def _marked(row: Row) -> Protein:
    given = json.loads(row["pocket"]) if isinstance(row["pocket"], str) else row["pocket"]
    return Protein(row["sequence"].upper(), tuple(sorted(set(given))))


FORMS: tuple[tuple[tuple[str, ...], Callable[[Row], Iterator[Any]]], ...] = (
    (("text",), _plain),
    (("reactants", "product"), _reaction),
    (("nodes", "linkers"), _material),
    (("sequence", "pocket", "smiles"), _complex),
    (("sequence", "pocket"), _pocket),
    (("vh", "h1s", "h1e", "h2s", "h2e", "h3s", "h3e"), _heavy),
    (("sequence", "c1s", "c1e", "c2s", "c2e", "c3s", "c3e"), _marked_chain),
    (("smiles",), _molecule),
    (("sequence",), _protein),
)
"""Columns -> texts; the first row whose columns are all there applies."""
