"""What in a request is a structure written out: SMILES, InChI, reaction SMILES, protein sequences.

Words are told from structures by trying: a SMILES is what RDKit reads and no word or abbreviation spells. What
can only be meant as SMILES but is not valid comes back as a fault with RDKit's reason, never as a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rdkit import Chem, rdBase

_SMILES_CHARACTERS = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~]+")
_SMILES_LETTERS = frozenset("CNOSPFIBHcnosplrb")
_MARKS = re.compile(r"[=#\[\]()@0-9/\\]")
_MUTATION = re.compile(r"[A-Z]\d{1,5}[A-Z]")
_NOT_SMILES = re.compile(
    r"\d{1,3}[A-Za-z]?|(?:CDR)?-?[HL]\d|[A-Z]\d{1,3}|(?:CO|NO|SO|CS|PO)\d|[A-Za-z]{1,2}\d?\(?[IV]+\)?"
)
_NOT_MEANT = """
CNS COPS CON SON COP BIN COIN ICON SOS NOS NSF SPF CSP CSF NCI NIH PSI OSF SONIC BOSS BBC POC SOC ION IONS SPOON NOON
SOON CFO COO CIO CSO OSI
"""
_ABBREVIATIONS = frozenset(_NOT_MEANT.split())
_RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWY")
_SHORTEST_SEQUENCE = 12
_ENDS_HEAVY = re.compile(r"W[A-Z]QG[A-Z]{1,3}[TS]V[A-Z]{0,3}[A-Z]*$")
_ENDS_LIGHT = re.compile(r"FG[A-Z]GT[A-Z]{1,3}[LV][A-Z]*$")


@dataclass(frozen=True, slots=True)
class BadStructure:
    """A text that must be meant as a structure but is none, and why."""

    text: str
    reason: str


def read_smiles(text: str) -> str | BadStructure | None:
    """Canonical SMILES of one word of a request; None where it is a word and no structure."""
    if not text or not _SMILES_CHARACTERS.fullmatch(text) or _NOT_SMILES.fullmatch(text) or _MUTATION.fullmatch(text):
        return None
    if text.isalpha() and not _spells_atoms(text):
        return None
    if not any(letter in "CNOScnosBPFI" for letter in text) or text[0] in ")=#.:@+-/\\":
        return None
    canonical = canonical_smiles(text)
    if canonical is not None:
        return canonical
    letters = [letter for letter in text if letter.isalpha()]
    looks_meant = len(letters) >= 4 and bool(_MARKS.search(text)) and set(letters) <= _SMILES_LETTERS
    chemical = sum(letter in "CNOcno" for letter in letters) >= 0.7 * len(letters)
    if looks_meant and chemical and re.search(r"[=#(\[]|[cC]\d", text):
        return BadStructure(text, _reason(text))
    return None


def read_inchi(text: str) -> str | BadStructure:
    """Canonical SMILES of an InChI."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromInchi(text)  # type: ignore[no-untyped-call]
    if mol is None:
        return BadStructure(text, "RDKit cannot read this InChI")
    return str(Chem.MolToSmiles(mol))


def canonical_smiles(text: str) -> str | None:
    """RDKit's canonical SMILES; None where it reads nothing."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text)
    return str(Chem.MolToSmiles(mol)) if mol is not None and mol.GetNumAtoms() else None


def read_sequence(text: str, shortest: int = _SHORTEST_SEQUENCE) -> str | None:
    """A protein sequence in capitals, at least `shortest` residues of at least six kinds; None otherwise. Lower case is
    read as a sequence only where it is too long for a word."""
    letters = text.rstrip("*")
    if len(letters) < shortest or not letters.isalpha():
        return None
    if letters != letters.upper() and (letters != letters.lower() or len(letters) < 30):
        return None
    capitals = letters.upper()
    if set(capitals) <= _RESIDUES | {"X"} and len(set(capitals)) >= min(6, shortest):
        return capitals
    return None


def antibody_chain(sequence: str) -> str | None:
    """ "heavy" or "light" by the framework that ends a variable domain (W.QG.TV.. or FG.GT..); None for neither."""
    if len(sequence) < 90:
        return None
    if _ENDS_HEAVY.search(sequence[90:150]):
        return "heavy"
    return "light" if _ENDS_LIGHT.search(sequence[80:140]) else None


def _spells_atoms(word: str) -> bool:
    """Of letters only, such as CCO or OCCN: two carbons or more, no abbreviation, not a word."""
    if word in _ABBREVIATIONS or len(word) < 3 or not set(word.replace("Cl", "").replace("Br", "")) <= set("CNOSF"):
        return False
    return word.replace("Cl", "").count("C") >= 2 or ("C" in word and ("Cl" in word or "Br" in word)) or word == "NCO"


def _reason(text: str) -> str:
    if text.count("(") != text.count(")"):
        return "its brackets do not match"
    if text.count("[") != text.count("]"):
        return "its square brackets do not match"
    digits = re.sub(r"\[[^\]]*\]|%\d\d", "", text)
    if any(digits.count(digit) % 2 for digit in "123456789"):
        return "a ring is opened and not closed"
    with rdBase.BlockLogs():
        unchecked = Chem.MolFromSmiles(text, sanitize=False)
    return (
        "RDKit cannot read it"
        if unchecked is None
        else "an atom has an impossible valence or a ring cannot be aromatic"
    )
