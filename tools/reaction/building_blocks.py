"""A user's list of building blocks: one SMILES a line (text after white space, comma or tab is a name).

The first line may be a header. Molecules are known by their neutral parents, salts by their largest part. Lines that
RDKit cannot read are counted, not guessed at.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.molecule.parse import canonical_parent

_SEPARATOR = re.compile(r"[\s,;]")


@lru_cache(maxsize=4)
def parse_building_blocks(text: str) -> frozenset[str]:
    """Canonical SMILES of the neutral parents. InputError where not one line is a molecule."""
    known: set[str] = set()
    with rdBase.BlockLogs():
        for line in text.splitlines():
            smiles = _SEPARATOR.split(line.strip(), maxsplit=1)[0].strip('"')
            if smiles and not smiles.startswith("#") and Chem.MolFromSmiles(smiles) is not None:
                known.add(canonical_parent(smiles, largest_fragment=True))
    if not known:
        raise InputError("no line of the building-block list is a SMILES that RDKit can read; one SMILES a line")
    return frozenset(known)
