"""A user's list of building blocks: one SMILES a line (text after white space, comma or semicolon is a name).

The first line may be a header. Molecules are known by their neutral parents, salts by their largest part. A list of
hundreds of thousands is not parsed: lines are sorted by an outline read off their text, and only those with the outline
of an asked molecule are compared in full.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.evaluation.known_molecules import Outline, element_graph, outline
from tools.molecule.parse import canonical_parent

_SEPARATOR = re.compile(r"[\s,;]")
_LOOKED_AT = 1000
"""Lines of which one has to be a SMILES."""


def is_listed(smiles: str, text: str) -> bool:
    """Whether the list holds this molecule, as any salt or protonation state. InputError where the list is none."""
    asked = max(smiles.split("."), key=_size)
    candidates = _index(text).get(outline(asked), ())
    if not candidates:
        return False
    parent, graph = _parent(asked), element_graph(asked)
    return any(element_graph(one) == graph and _parent(one) == parent for one in candidates)


@lru_cache(maxsize=4)
def _index(text: str) -> dict[Outline, tuple[str, ...]]:
    """Outline -> the largest parts, as written, of the lines that have it."""
    found: dict[Outline, list[str]] = defaultdict(list)
    lines = [line.strip().strip('"') for line in text.splitlines()]
    entries = [_SEPARATOR.split(line, maxsplit=1)[0] for line in lines if line and not line.startswith("#")]
    with rdBase.BlockLogs():
        if not any(Chem.MolFromSmiles(entry) is not None for entry in entries[:_LOOKED_AT]):
            raise InputError("no line of the building-block list is a SMILES that RDKit can read; one SMILES a line")
    for entry in entries:
        largest = max(entry.split("."), key=_size)
        found[outline(largest)].append(largest)
    return {key: tuple(group) for key, group in found.items()}


def _size(smiles: str) -> int:
    return sum(count for element, count in outline(smiles) if element not in ("ring", "triple"))


@lru_cache(maxsize=10_000)
def _parent(smiles: str) -> str:
    """The neutral parent; the text itself where RDKit cannot read it, which equals nothing else."""
    try:
        return canonical_parent(smiles)
    except InputError:
        return smiles
