"""The scientific objects a text of the grammar denotes, as frozen dataclasses.

Fields are checked for what the grammar needs (alphabets, order, ranges), never for chemistry: whether a
SMILES is a molecule is decided by `tools`. Residue indices are 0-based; spans are half-open. Residue letters
are A to Z, `X` is an unknown residue.
"""

import re
from dataclasses import dataclass, field

from models.grammar.properties import check_order

_RESIDUES = re.compile(r"[A-Z]+")
_SMILES = re.compile(r"(?:->|<-|[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~])+")  # arrows: dative bonds


def _require_residues(what: str, text: str) -> None:
    if not _RESIDUES.fullmatch(text):
        raise ValueError(f"{what} must be one or more letters A to Z, not {text!r}")


def _require_smiles(what: str, text: str) -> None:
    if not _SMILES.fullmatch(text):
        raise ValueError(f"{what} must be one or more SMILES characters, not {text!r}")


@dataclass(frozen=True, slots=True)
class Protein:
    """One chain. `pocket` are the marked residues; `expanded` writes them as SMILES instead of letters."""

    sequence: str
    pocket: tuple[int, ...] = ()
    expanded: bool = False

    def __post_init__(self) -> None:
        _require_residues("a protein sequence", self.sequence)
        if list(self.pocket) != sorted(set(self.pocket)):
            raise ValueError("pocket indices must rise without repetition")
        if self.pocket and not 0 <= self.pocket[0] <= self.pocket[-1] < len(self.sequence):
            raise ValueError(f"pocket indices must lie in 0..{len(self.sequence) - 1}")
        if self.expanded and not any(self.sequence[i] in RESIDUE_SMILES for i in self.pocket):
            raise ValueError("an expanded protein needs a pocket residue that has a SMILES (one of the 20)")


@dataclass(frozen=True, slots=True)
class Antibody:
    """One antibody chain. `cdrs` are half-open spans of marked loops; an empty span is a slot to design."""

    sequence: str
    cdrs: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.sequence or not self.cdrs:
            _require_residues("an antibody sequence", self.sequence)
        previous = 0
        for start, end in self.cdrs:
            if not previous <= start <= end <= len(self.sequence):
                raise ValueError(f"cdr span ({start}, {end}) overlaps, is out of order or leaves the sequence")
            previous = end

    @property
    def slots(self) -> tuple[int, ...]:
        """Which of `cdrs` are empty."""
        return tuple(i for i, (start, end) in enumerate(self.cdrs) if start == end)

    def emptied(self, index: int) -> "Antibody":
        """The same chain with loop `index` taken out and its place left as a slot."""
        start, end = self.cdrs[index]
        return self._spliced(index, start, end, "")

    def filled(self, index: int, loop: str) -> "Antibody":
        """The same chain with `loop` written into slot `index`."""
        start, end = self.cdrs[index]
        if start != end:
            raise ValueError(f"cdr {index} is not an empty slot")
        return self._spliced(index, start, end, loop)

    def _spliced(self, index: int, start: int, end: int, loop: str) -> "Antibody":
        shift = len(loop) - (end - start)
        moved = tuple((a + shift, b + shift) for a, b in self.cdrs[index + 1 :])
        cdrs = (*self.cdrs[:index], (start, start + len(loop)), *moved)
        return Antibody(self.sequence[:start] + loop + self.sequence[end:], cdrs)


@dataclass(frozen=True, slots=True)
class Molecule:
    """`conditions` are property tags (see `properties`) written before it, alone or as the ligand of a complex."""

    smiles: str
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_smiles("a molecule", self.smiles)
        check_order(self.conditions)


@dataclass(frozen=True, slots=True)
class Metal:
    """A metal node of a framework, written as SMILES."""

    smiles: str

    def __post_init__(self) -> None:
        _require_smiles("a metal node", self.smiles)


@dataclass(frozen=True, slots=True)
class Material:
    """A metal-organic framework as its building blocks, in the order written."""

    parts: tuple[Metal | Molecule, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a material needs at least one metal node or linker")
        _refuse_conditions("a material", self.parts)

    @property
    def metals(self) -> tuple[str, ...]:
        return tuple(part.smiles for part in self.parts if isinstance(part, Metal))

    @property
    def linkers(self) -> tuple[str, ...]:
        return tuple(part.smiles for part in self.parts if isinstance(part, Molecule))


@dataclass(frozen=True, slots=True)
class Complex:
    """One ligand with the chains around it, one Protein a chain: plain (L1), pocket marked (L2) or expanded
    (L3).
    """

    proteins: tuple[Protein, ...]
    ligand: Molecule

    def __post_init__(self) -> None:
        _require_some("a complex needs at least one protein", self.proteins)


@dataclass(frozen=True, slots=True)
class Reaction:
    reactants: tuple[Molecule, ...]
    products: tuple[Molecule, ...]

    def __post_init__(self) -> None:
        _require_some("a reaction needs reactants", self.reactants)
        _require_some("a reaction needs a product", self.products)
        _refuse_conditions("a reaction", (*self.reactants, *self.products))


@dataclass(frozen=True, slots=True)
class Retrosynthesis:
    products: tuple[Molecule, ...]
    reactants: tuple[Molecule, ...]

    def __post_init__(self) -> None:
        _require_some("a retrosynthesis needs a product", self.products)
        _require_some("a retrosynthesis needs reactants", self.reactants)
        _refuse_conditions("a retrosynthesis", (*self.products, *self.reactants))


@dataclass(frozen=True, slots=True)
class PocketSearch:
    """A plain chain and the same chain with its pocket marked. The grammar does not promise that the two
    agree.
    """

    protein: Protein
    annotated: Protein

    def __post_init__(self) -> None:
        if self.protein.pocket:
            raise ValueError("the chain to search must carry no pocket marks")


@dataclass(frozen=True, slots=True)
class PocketTransform:
    """An annotated chain and its expanded form."""

    annotated: Protein
    expanded: Protein

    def __post_init__(self) -> None:
        if self.annotated.expanded:
            raise ValueError("the left side of a pocket transform is the annotated form")


@dataclass(frozen=True, slots=True)
class ProteinEdit:
    parent: Protein
    child: Protein


@dataclass(frozen=True, slots=True)
class CdrDesign:
    """Antibody chains (light first) with empty slots, and the loops written for them in order."""

    antibodies: tuple[Antibody, ...]
    loops: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        _require_some("a CDR design needs an antibody chain", self.antibodies)
        _require_some("a CDR design needs a loop", self.loops)
        for loop in self.loops:
            _require_residues("a CDR loop", loop)


def _require_some(message: str, items: tuple[object, ...]) -> None:
    if not items:
        raise ValueError(message)


def _refuse_conditions(where: str, items: tuple[object, ...]) -> None:
    for item in items:
        if isinstance(item, Molecule) and item.conditions:
            raise ValueError(f"{where} holds no property tags, got {' '.join(item.conditions)}")


Block = Protein | Antibody | Molecule | Material
Statement = Reaction | Retrosynthesis | PocketSearch | PocketTransform | ProteinEdit | CdrDesign
GrammarObject = Block | Complex | Statement

# The free amino acids, L configuration, neutral, RDKit-canonical; the form an expanded pocket residue is
# written in.
RESIDUE_SMILES: dict[str, str] = {
    "A": "C[C@H](N)C(=O)O",
    "R": "N=C(N)NCCC[C@H](N)C(=O)O",
    "N": "NC(=O)C[C@H](N)C(=O)O",
    "D": "N[C@@H](CC(=O)O)C(=O)O",
    "C": "N[C@@H](CS)C(=O)O",
    "Q": "NC(=O)CC[C@H](N)C(=O)O",
    "E": "N[C@@H](CCC(=O)O)C(=O)O",
    "G": "NCC(=O)O",
    "H": "N[C@@H](Cc1c[nH]cn1)C(=O)O",
    "I": "CC[C@H](C)[C@H](N)C(=O)O",
    "L": "CC(C)C[C@H](N)C(=O)O",
    "K": "NCCCC[C@H](N)C(=O)O",
    "M": "CSCC[C@H](N)C(=O)O",
    "F": "N[C@@H](Cc1ccccc1)C(=O)O",
    "P": "O=C(O)[C@@H]1CCCN1",
    "S": "N[C@@H](CO)C(=O)O",
    "T": "C[C@@H](O)[C@H](N)C(=O)O",
    "W": "N[C@@H](Cc1c[nH]c2ccccc12)C(=O)O",
    "Y": "N[C@@H](Cc1ccc(O)cc1)C(=O)O",
    "V": "CC(C)[C@H](N)C(=O)O",
}
SMILES_RESIDUE: dict[str, str] = {smiles: letter for letter, smiles in RESIDUE_SMILES.items()}
