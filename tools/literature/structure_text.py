"""Whether a text as a whole is a SMILES rather than words: "CCO" could be either and is taken for words."""

from __future__ import annotations

from tools.errors import InputError
from tools.molecule.parse import canonical_parent

_SIGNS = "()=#[]@123456789"


def structure_of(text: str) -> str:
    """Canonical parent SMILES of the text; "" where it is no SMILES, or a short word that happens to parse."""
    written = text.strip()
    if " " in written or not any(sign in written for sign in _SIGNS):
        return ""
    try:
        return canonical_parent(written, largest_fragment=True)
    except InputError:
        return ""
