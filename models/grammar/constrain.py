"""What may follow a text of the grammar: every tag, residue and SMILES symbol, and where the text may end.

`GrammarState` reads a prompt and then what is generated, token by token. It is stricter than `parse` where a generated
text has to be more than readable: residues are the twenty amino acids (and what a given chain holds), SMILES are
well-formed for RDKit (`smiles_state`), the annotated chain of a pocket search copies the plain one and marks a residue,
the right side of a pocket transform is the expansion, a material has a metal node and a linker, and no more loops are
designed than slots are open. Of a prompt the form is asked, and of its last span, where open, all that is asked of a
generated one. Not promised: chemistry.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from models.grammar import tags
from models.grammar.chain_copy import MarkedCopy, Script
from models.grammar.objects import RESIDUE_SMILES, Protein
from models.grammar.parse import GrammarError
from models.grammar.properties import KIND_OF_TAG
from models.grammar.span_states import (
    AMINO_ACIDS,
    LETTERS,
    NOTHING,
    ChainSpan,
    CopySpan,
    ResidueSpan,
    ScriptSpan,
    SmilesSpan,
    SpanState,
    Writable,
)

END_OF_TEXT = ""
"""Stands for the end of the text among the tags that may follow."""

_PIECE = re.compile("|".join(map(re.escape, tags.ALL_TAGS)) + "|(?:<-|[^<])+|<")
_SMILES = re.compile(r"(?:->|<-|[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~])+")
_OPENINGS = (tags.PROTEIN.open, tags.ANTIBODY.open, tags.MOLECULE.open, tags.MATERIAL.open)
_MOLECULE_VERBS = (tags.REACT, tags.REVERSE_REACT)
_BLOCK_TOKENS = 3  # the shortest SMILES or loop with its tags


@dataclass(frozen=True, slots=True)
class Units:
    """What counts as one token: the token texts of residue spans and of SMILES spans, and the number below which a
    ring closure is one token. The default is one token a character."""

    residue_words: Collection[str] = field(default=frozenset(LETTERS))
    smiles_words: Collection[str] = field(default=frozenset(map(chr, range(33, 127))))
    short_rings: int = 10


class GrammarState:
    """The place a text has reached. Between spans `span` is None; `ended` is set by the end of the text or a stop
    tag, after which nothing may follow."""

    def __init__(self, units: Units | None = None) -> None:
        self.ended = False
        self.span: SpanState | None = None
        self._units = units or Units()
        self._stop: frozenset[str] = frozenset()
        self._reading = True
        self._verb = ""
        self._left: list[str] = []  # kinds of the blocks before the verb
        self._n_slots = 0
        self._last_condition = ""  # the property tag just before this place
        self._conditioned = False  # whether a molecule so far has property tags
        self._chain = ChainSpan()  # the last protein before the verb
        self._n_right = 0
        self._parts: list[str] | None = None  # kinds of the parts of an open material

    def copy(self) -> GrammarState:
        """An independent state equal to this one."""
        other = copy.copy(self)
        other._left = self._left.copy()
        other._parts = None if self._parts is None else self._parts.copy()
        other.span = None if self.span is None else self.span.copy()
        return other

    # -- what may follow ---------------------------------------------------------------------------------------
    def next_tags(self) -> tuple[str, ...]:
        """Tags that may stand next, the end of the text among them."""
        if self.ended:
            return (END_OF_TEXT,)
        return self._tags_between() if self.span is None else self.span.next_tags()

    def _tags_between(self) -> tuple[str, ...]:
        if self._parts is not None:
            missing = not self._parts if self._reading else len(set(self._parts)) < 2
            return (tags.METAL.open, tags.MOLECULE.open, *(() if missing else (tags.MATERIAL.close,)))
        if self._last_condition:
            return (tags.MOLECULE.open, *self._conditions())
        if not self._verb:
            return (*_OPENINGS, *self._conditions(), *((END_OF_TEXT, *self._verbs()) if self._left else ()))
        end = (END_OF_TEXT,) if self._n_right else ()
        if self._verb in _MOLECULE_VERBS:
            return (tags.MOLECULE.open, *end)
        if self._verb == tags.DESIGN:
            return (tags.CDR.open, *end) if self._reading or self._n_right < max(self._n_slots, 1) else end
        return end or (tags.PROTEIN.open,)

    def _conditions(self) -> tuple[str, ...]:
        """Property tags that may follow: in a prompt only, since to ask is the prompt's part."""
        if not self._reading:
            return ()
        last = KIND_OF_TAG.get(self._last_condition, -1)
        return tuple(tag for tag, kind in KIND_OF_TAG.items() if kind > last)

    def _verbs(self) -> tuple[str, ...]:
        kinds = set(self._left)
        if kinds == {"Molecule"}:
            return () if self._conditioned else _MOLECULE_VERBS
        if kinds == {"Antibody"}:
            return (tags.DESIGN,) if self._n_slots or self._reading else ()
        if self._left != ["Protein"]:
            return ()
        chain = self._chain
        expandable = any(chain.sequence[at] in RESIDUE_SMILES for at in chain.pocket)
        search = () if chain.pocket else (tags.SEARCH,)
        transform = (tags.TRANSFORM,) if chain.form != "smiles" and (expandable or self._reading) else ()
        return (*search, *transform, tags.EDIT)

    def writable(self) -> Writable:
        """What text may stand next."""
        return NOTHING if self.span is None or self.ended else self.span.writable()

    # -- what follows ------------------------------------------------------------------------------------------
    def feed_tag(self, tag: str) -> None:
        """Append a tag that `next_tags` names."""
        if tag == END_OF_TEXT:
            self.ended = True
            return
        if self.span is not None:
            self.span.feed_tag(tag)
            if self.span.closed:
                self._close(self.span)
        elif tag in tags.VERBS:
            self._verb = tag
        elif tag in KIND_OF_TAG:
            self._last_condition, self._conditioned = tag, True
        elif tag == tags.MATERIAL.open:
            self._parts = []
        elif tag == tags.MATERIAL.close:
            self._parts = None
            self._count("Material")
        else:
            self._last_condition = ""
            self.span = self._open(tag)
            if not self._reading:
                self._restrict(self.span)
        self.ended = tag in self._stop

    def feed_text(self, text: str, kind: str = "") -> int:
        """Append text; returns how many of its characters could follow. `kind` is that of the token, where the
        tokenizer has different ones for residues and SMILES."""
        return 0 if self.span is None else self.span.feed_text(text, kind)

    def _open(self, tag: str) -> SpanState:
        units = self._units
        if tag in (tags.MOLECULE.open, tags.METAL.open):
            return SmilesSpan(tags.METAL if tag == tags.METAL.open else tags.MOLECULE, units.short_rings)
        if tag in (tags.ANTIBODY.open, tags.CDR.open):
            return ResidueSpan(tags.CDR if tag == tags.CDR.open else tags.ANTIBODY)
        if self._verb == tags.SEARCH:
            return CopySpan(MarkedCopy(self._chain.sequence, units.residue_words))
        if self._verb == tags.TRANSFORM:
            annotated = Protein(self._chain.sequence, self._chain.pocket)
            return ScriptSpan(Script(annotated, units.residue_words, units.smiles_words))
        return ChainSpan(may_mark=not self._verb)

    def _restrict(self, span: SpanState) -> None:
        """Generated residues are the twenty, and in an edit those of the parent."""
        if isinstance(span, ResidueSpan | ChainSpan):
            given = self._chain.sequence if self._verb == tags.EDIT else ""
            span.alphabet = "".join(sorted({*AMINO_ACIDS, *given}))

    def _close(self, span: SpanState) -> None:
        self.span = None
        if self._parts is not None:
            self._parts.append(span.span.name)
            return
        if not self._verb and isinstance(span, ChainSpan):
            self._chain = span
        if not self._verb and isinstance(span, ResidueSpan):
            self._n_slots += span.n_slots
        self._count(span.span.name)

    def _count(self, kind: str) -> None:
        """A block is done; a molecule after a protein is one complex with it."""
        if self._verb:
            self._n_right += 1
        elif kind == "Molecule" and self._left[-1:] == ["Protein"]:
            self._left.append("Complex")
        else:
            self._left.append(kind)

    # -- length ------------------------------------------------------------------------------------------------
    def cost(self) -> int:
        """Tokens that suffice to end the text here, by a stop tag or the end of the text, which is counted. From
        every place some token leads to a smaller cost."""
        if self.ended:
            return 0
        if self.span is None:
            return self._cost_between()
        return self.span.cost() + self.cost_after_span()

    def cost_after_span(self) -> int:
        """Tokens that suffice once the open span is closed."""
        span = self.span
        if span is None or span.span.close in self._stop:
            return 0
        return 1 if self._parts is None else self._cost_of_parts({*self._parts, span.span.name})

    def _cost_between(self) -> int:
        if self._parts is not None:
            return self._cost_of_parts(set(self._parts))
        if self._n_right or (self._left and not self._verb and not self._last_condition):
            return 1
        if self._verb in (tags.SEARCH, tags.TRANSFORM, tags.EDIT):
            return 1 + self._open(tags.PROTEIN.open).cost() + (tags.PROTEIN.close not in self._stop)
        span = tags.CDR if self._verb == tags.DESIGN else tags.MOLECULE
        return _BLOCK_TOKENS + (span.close not in self._stop)

    def _cost_of_parts(self, present: set[str]) -> int:
        missing = 2 - len(present)
        return _BLOCK_TOKENS * missing + 1 + (tags.MATERIAL.close not in self._stop)

    @property
    def may_grow_at_once(self) -> bool:
        """Whether the next tag may cost many tokens: a verb that asks for a whole chain to be copied."""
        return self.span is None and (self._verb in (tags.SEARCH, tags.TRANSFORM) or self._left == ["Protein"])

    # -- prompts -----------------------------------------------------------------------------------------------
    def read_prompt(self, text: str, stop: Collection[str] = ()) -> None:
        """Take `text` as given; from here on what follows is generated and ends with one of `stop`. Raises
        GrammarError where the text is no beginning of a text of the grammar, or its open span no good beginning."""
        pieces = [(match.start(), match.group()) for match in _PIECE.finditer(text)]
        for at, (position, piece) in enumerate(pieces):
            if piece in tags.ALL_TAGS:
                self._read_tag(position, piece)
            else:
                following = pieces[at + 1][1] if at + 1 < len(pieces) else ""
                self._read_text(position, piece, following)
        self._reading = False
        self._stop = frozenset(stop)
        if self.span is not None:
            self._restrict(self.span)

    def _read_tag(self, position: int, tag: str) -> None:
        allowed = self.next_tags()
        if tag not in allowed:
            expected = " or ".join(name or "the end of the text" for name in allowed) or self._expected_text()
            raise GrammarError(position, expected, repr(tag))
        self.feed_tag(tag)

    def _read_text(self, position: int, text: str, following: str) -> None:
        span = self.span
        finished = isinstance(span, SmilesSpan) and following == span.span.close
        if finished and _SMILES.fullmatch(text):
            self.feed_text("*")
            return
        accepted = self.feed_text(text)
        if accepted < len(text):
            found = repr(text[accepted : accepted + 24])
            raise GrammarError(position + accepted, self._expected_text(), found)

    def _expected_text(self) -> str:
        kind = self.writable().kind
        if kind == "nothing":
            return " or ".join(name or "the end of the text" for name in self.next_tags())
        return {"smiles": "a SMILES", "residues": "residues"}.get(kind, "the given chain")
