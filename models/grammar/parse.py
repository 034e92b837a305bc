"""Text to objects: a recursive-descent reader of the scientific grammar, the exact inverse of
`render.render`.

It judges form only. Every error says where in the text it is and what was expected there. Text without a verb
is a row of blocks; proteins directly followed by a molecule are one `Complex`. A text with a verb is one
statement.
"""

import re
from collections.abc import Callable

from models.grammar import tags
from models.grammar.objects import (
    SMILES_RESIDUE,
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
from models.grammar.properties import KIND_OF_TAG, PROPERTY_TAGS

_PIECE = re.compile("|".join(map(re.escape, tags.ALL_TAGS)) + "|(?:<-|[^<])+|<")
_RESIDUES = re.compile(r"[A-Z]+")
_SMILES = re.compile(r"(?:->|<-|[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~])+")  # arrows: dative bonds


class GrammarError(ValueError):
    """The text is not of the grammar. `position` is a character offset, `expected` what would have been right
    there.
    """

    def __init__(self, position: int, expected: str, found: str) -> None:
        super().__init__(f"at character {position}: expected {expected}, found {found}")
        self.position = position
        self.expected = expected


def parse(text: str) -> tuple[GrammarObject, ...]:
    """The objects of `text`, in order; raises GrammarError. An empty text is an error."""
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._pieces = [(match.start(), match.group()) for match in _PIECE.finditer(text)]
        self._next = 0

    # -- movement ------------------------------------------------------------------------------------------
    def _peek(self) -> str:
        return self._pieces[self._next][1] if self._next < len(self._pieces) else ""

    def _position(self) -> int:
        return self._pieces[self._next][0] if self._next < len(self._pieces) else len(self._text)

    def _fail(self, expected: str, offset: int = 0) -> GrammarError:
        found = repr(self._peek()[offset : offset + 24]) if self._peek() else "the end of the text"
        return GrammarError(self._position() + offset, expected, found)

    def _accept(self, piece: str) -> bool:
        if self._peek() != piece:
            return False
        self._next += 1
        return True

    def _expect(self, piece: str) -> None:
        if not self._accept(piece):
            raise self._fail(piece)

    def _run(self, pattern: re.Pattern[str], what: str) -> str:
        piece = self._peek()
        match = pattern.match(piece)
        if piece in tags.ALL_TAGS or match is None:
            raise self._fail(what)
        if match.end() != len(piece):
            raise self._fail(what, match.end())
        self._next += 1
        return piece

    # -- whole texts ---------------------------------------------------------------------------------------
    def document(self) -> tuple[GrammarObject, ...]:
        objects: list[GrammarObject] = []
        while self._peek() and self._peek() not in tags.VERBS:
            objects.append(self._block())
            self._join_complex(objects)
        if not objects:
            raise self._fail(" or ".join(_OPENINGS))
        if not self._peek():
            return tuple(objects)
        statement = self._statement(objects)
        if self._peek():
            raise self._fail("the end of the text")
        return (statement,)

    @staticmethod
    def _join_complex(objects: list[GrammarObject]) -> None:
        ligand = objects[-1]
        chains: list[Protein] = []
        for item in reversed(objects[:-1]):
            if not isinstance(item, Protein):
                break
            chains.insert(0, item)
        if isinstance(ligand, Molecule) and chains:
            objects[-len(chains) - 1 :] = [Complex(tuple(chains), ligand)]

    def _statement(self, left: list[GrammarObject]) -> GrammarObject:
        verb = self._peek()
        molecules = tuple(item for item in left if isinstance(item, Molecule) and not item.conditions)
        antibodies = tuple(item for item in left if isinstance(item, Antibody))
        if verb in (tags.REACT, tags.REVERSE_REACT) and len(molecules) == len(left):
            self._next += 1
            kind = Reaction if verb == tags.REACT else Retrosynthesis
            return kind(molecules, self._molecules())
        if verb == tags.DESIGN and len(antibodies) == len(left):
            self._next += 1
            return CdrDesign(antibodies, self._loops())
        if verb in (tags.SEARCH, tags.TRANSFORM, tags.EDIT) and len(left) == 1 and isinstance(left[0], Protein):
            return self._protein_statement(verb, left[0])
        raise self._fail("a verb that fits the blocks before it, or the end of the text")

    def _protein_statement(self, verb: str, left: Protein) -> GrammarObject:
        if (verb == tags.SEARCH and left.pocket) or (verb == tags.TRANSFORM and left.expanded):
            raise self._fail("a verb that fits a protein with its pocket marked, or the end of the text")
        self._next += 1
        right = self._protein()
        if verb == tags.SEARCH:
            return PocketSearch(left, right)
        return PocketTransform(left, right) if verb == tags.TRANSFORM else ProteinEdit(left, right)

    # -- blocks --------------------------------------------------------------------------------------------
    def _block(self) -> Protein | Antibody | Molecule | Material:
        reader = _BLOCKS.get(self._peek())
        if reader is None:
            raise self._fail(" or ".join(_OPENINGS))
        return reader(self)

    def _molecule(self) -> Molecule:
        return Molecule(self._smiles(tags.MOLECULE))

    def _conditioned_molecule(self) -> Molecule:
        conditions: list[str] = []
        while self._peek() != tags.MOLECULE.open:
            following = [
                tag for tag, kind in KIND_OF_TAG.items() if not conditions or kind > KIND_OF_TAG[conditions[-1]]
            ]
            if self._peek() not in following:
                raise self._fail(" or ".join([tags.MOLECULE.open, *following]))
            conditions.append(self._peek())
            self._next += 1
        return Molecule(self._smiles(tags.MOLECULE), tuple(conditions))

    def _smiles(self, span: tags.Span) -> str:
        self._expect(span.open)
        smiles = self._run(_SMILES, "a SMILES")
        self._expect(span.close)
        return smiles

    def _molecules(self) -> tuple[Molecule, ...]:
        molecules = [self._molecule()]
        while self._peek() == tags.MOLECULE.open:
            molecules.append(self._molecule())
        return tuple(molecules)

    def _loops(self) -> tuple[str, ...]:
        loops: list[str] = []
        while not loops or self._peek() == tags.CDR.open:
            self._expect(tags.CDR.open)
            loops.append(self._run(_RESIDUES, "residues"))
            self._expect(tags.CDR.close)
        return tuple(loops)

    def _material(self) -> Material:
        self._expect(tags.MATERIAL.open)
        parts: list[Metal | Molecule] = []
        while not parts or self._peek() != tags.MATERIAL.close:
            if self._peek() == tags.METAL.open:
                parts.append(Metal(self._smiles(tags.METAL)))
            elif self._peek() == tags.MOLECULE.open:
                parts.append(self._molecule())
            else:
                end = f" or {tags.MATERIAL.close}" if parts else ""
                raise self._fail(f"{tags.METAL.open} or {tags.MOLECULE.open}{end}")
        self._expect(tags.MATERIAL.close)
        return Material(tuple(parts))

    def _protein(self) -> Protein:
        self._expect(tags.PROTEIN.open)
        sequence, pocket, written_as_smiles = "", [], set[bool]()
        while not self._accept(tags.PROTEIN.close):
            if not self._accept(tags.POCKET.open):
                sequence += self._run(_RESIDUES, f"residues, {tags.POCKET.open} or {tags.PROTEIN.close}")
                continue
            pocket.append(len(sequence))
            sequence += self._pocket_residue(written_as_smiles)
            self._expect(tags.POCKET.close)
        if not sequence:
            self._next -= 1
            raise self._fail("residues")
        return Protein(sequence, tuple(pocket), expanded=True in written_as_smiles)

    def _pocket_residue(self, written_as_smiles: set[bool]) -> str:
        """One letter or one residue's SMILES. A chain writes all residues that have a SMILES the same way."""
        piece = self._peek()
        letter = piece if len(piece) == 1 and _RESIDUES.match(piece) else SMILES_RESIDUE.get(piece)
        if letter is None:
            raise self._fail("one residue letter or the SMILES of one of the 20 amino acids")
        if letter in SMILES_RESIDUE.values():
            written_as_smiles.add(piece != letter)
        if len(written_as_smiles) > 1:
            raise self._fail("the same form, letter or SMILES, as the pocket residues before")
        self._next += 1
        return letter

    def _antibody(self) -> Antibody:
        self._expect(tags.ANTIBODY.open)
        sequence, cdrs = "", list[tuple[int, int]]()
        while not self._accept(tags.ANTIBODY.close):
            if not self._accept(tags.CDR.open):
                sequence += self._run(_RESIDUES, f"residues, {tags.CDR.open} or {tags.ANTIBODY.close}")
                continue
            start = len(sequence)
            if self._peek() != tags.CDR.close:
                sequence += self._run(_RESIDUES, f"residues or {tags.CDR.close}")
            self._expect(tags.CDR.close)
            cdrs.append((start, len(sequence)))
        if not sequence and not cdrs:
            self._next -= 1
            raise self._fail("residues")
        return Antibody(sequence, tuple(cdrs))


_BLOCKS: dict[str, Callable[[_Reader], Protein | Antibody | Molecule | Material]] = {
    tags.PROTEIN.open: _Reader._protein,
    tags.ANTIBODY.open: _Reader._antibody,
    tags.MOLECULE.open: _Reader._molecule,
    tags.MATERIAL.open: _Reader._material,
    **dict.fromkeys(PROPERTY_TAGS, _Reader._conditioned_molecule),
}
_OPENINGS = (tags.PROTEIN.open, tags.ANTIBODY.open, tags.MOLECULE.open, tags.MATERIAL.open, "a property tag")
