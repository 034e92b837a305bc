"""One span under construction: which tags may stand in it, which text, and the fewest tokens that close it.

A span state is made at the opening tag and done (`closed`) with its closing tag. `alphabet` holds the residue letters
that may be written; while a prompt is read, all of A to Z. Callers feed only tags that `next_tags` names.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, Self

from models.grammar import tags
from models.grammar.chain_copy import MarkedCopy, Script
from models.grammar.objects import RESIDUE_SMILES, SMILES_RESIDUE
from models.grammar.smiles_state import SmilesState

AMINO_ACIDS = "".join(sorted(RESIDUE_SMILES))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, eq=False)
class Writable:
    """What text may stand next besides tags, compared by identity. `kind`: `nothing`; `smiles`: what the span takes;
    `residues`: letters of `alphabet`; `strings`: a beginning of one of `strings`, each (kind of its tokens, text)."""

    kind: str
    alphabet: str = ""
    strings: tuple[tuple[str, str], ...] = ()


NOTHING, SMILES_TEXT = Writable("nothing"), Writable("smiles")


@lru_cache(maxsize=1024)
def residue_text(alphabet: str) -> Writable:
    """Any letters of `alphabet`."""
    return Writable("residues", alphabet)


@lru_cache(maxsize=4096)
def given_text(*strings: tuple[str, str]) -> Writable:
    """A beginning of one of `strings`, each (kind of its tokens, text)."""
    return Writable("strings", strings=strings)


class SpanState(Protocol):
    """What the statement around a span asks of it. `cost` counts the closing tag; `feed_text` returns how many
    characters could stand."""

    span: tags.Span
    closed: bool

    def next_tags(self) -> tuple[str, ...]: ...
    def writable(self) -> Writable: ...
    def feed_tag(self, tag: str) -> None: ...
    def feed_text(self, text: str, kind: str = "") -> int: ...
    def cost(self) -> int: ...
    def copy(self) -> Self: ...


class SmilesSpan:
    """A molecule or a metal node."""

    def __init__(self, span: tags.Span, short_rings: int) -> None:
        self.span = span
        self.closed = False
        self.smiles = SmilesState()
        self._short_rings = short_rings
        self._end = (span.close,)

    def next_tags(self) -> tuple[str, ...]:
        return self._end if self.smiles.complete else ()

    def writable(self) -> Writable:
        return SMILES_TEXT

    def feed_tag(self, _: str) -> None:
        self.closed = True

    def feed_text(self, text: str, _: str = "") -> int:
        return self.smiles.feed(text)

    def cost(self) -> int:
        return self.smiles.finish_cost(self._short_rings) + 1

    def copy(self) -> Self:
        other = copy.copy(self)
        other.smiles = self.smiles.copy()
        return other


class ResidueSpan:
    """Residues alone: a designed loop (at least one), or an antibody chain with its loops and empty slots."""

    def __init__(self, span: tags.Span) -> None:
        self.span = span
        self.closed = False
        self.alphabet = LETTERS
        self.n_slots = 0
        self._n_loops = 0
        self._empty = True
        self._loop: str | None = None  # of an antibody: what was written into the open loop

    def next_tags(self) -> tuple[str, ...]:
        if self._loop is not None:
            return (tags.CDR.close,)
        if self.span == tags.CDR:
            return () if self._empty else (tags.CDR.close,)
        closing = () if self._empty and not self._n_loops else (tags.ANTIBODY.close,)
        return (tags.CDR.open, *closing)

    def writable(self) -> Writable:
        return residue_text(self.alphabet)

    def feed_tag(self, tag: str) -> None:
        if tag == self.span.close:
            self.closed = True
        elif tag == tags.CDR.open:
            self._loop = ""
        else:
            self.n_slots += not self._loop
            self._n_loops += 1
            self._loop = None

    def feed_text(self, text: str, _: str = "") -> int:
        accepted = _leading(text, self.alphabet)
        self._empty = self._empty and not accepted
        if self._loop is not None:
            self._loop += text[:accepted]
        return accepted

    def cost(self) -> int:
        if self._loop is not None:
            return 2
        return 1 + (self._empty and not self._n_loops)

    def copy(self) -> Self:
        return copy.copy(self)


class ChainSpan:
    """A protein written freely. `sequence` and `pocket` are what was written; `form` is how pocket residues that have a
    SMILES are written in this chain, `letters` or `smiles`, empty while none was."""

    span = tags.PROTEIN

    def __init__(self, may_mark: bool = True) -> None:
        self.closed = False
        self.alphabet = LETTERS
        self.sequence = ""
        self.pocket: tuple[int, ...] = ()
        self.form = ""
        self._may_mark = may_mark
        self._marked: tuple[str, str] | None = None  # the kind of tokens and the text since the pocket's opening tag

    def next_tags(self) -> tuple[str, ...]:
        if self._marked is not None:
            return (tags.POCKET.close,) if self._letter() else ()
        closing = (tags.PROTEIN.close,) if self.sequence else ()
        return (tags.POCKET.open, *closing) if self._may_mark else closing

    def writable(self) -> Writable:
        if self._marked is None:
            return residue_text(self.alphabet)
        left = self._options(*self._marked)
        return given_text(*left) if left else NOTHING

    def _options(self, kind: str, text: str) -> tuple[tuple[str, str], ...]:
        """What may still follow in the open pocket."""
        options: list[tuple[str, str]] = []
        if kind != "smiles" and not text:
            options += (("residues", letter) for letter in self.alphabet if self._fits(letter, "letters"))
        if kind != "residues" and self.form != "letters":
            options += (("smiles", smiles[len(text) :]) for smiles in SMILES_RESIDUE if smiles.startswith(text))
        return tuple(option for option in options if option[1])

    def _fits(self, letter: str, form: str) -> bool:
        return letter not in RESIDUE_SMILES or self.form in ("", form)

    def _letter(self) -> str:
        """The residue that the open pocket holds, empty where it is not complete."""
        kind, text = self._marked or ("", "")
        if kind != "smiles" and len(text) == 1 and text in self.alphabet and self._fits(text, "letters"):
            return text
        return "" if kind == "residues" else SMILES_RESIDUE.get(text, "")

    def feed_tag(self, tag: str) -> None:
        if tag == tags.PROTEIN.close:
            self.closed = True
        elif tag == tags.POCKET.open:
            self._marked = ("", "")
        else:
            letter = self._letter()
            if letter in RESIDUE_SMILES:
                self.form = "letters" if self._marked is not None and self._marked[1] == letter else "smiles"
            self.pocket += (len(self.sequence),)
            self.sequence += letter
            self._marked = None

    def feed_text(self, text: str, kind: str = "") -> int:
        if self._marked is None:
            accepted = _leading(text, self.alphabet)
            self.sequence += text[:accepted]
            return accepted
        known, so_far = self._marked
        for accepted in range(len(text), 0, -1):
            fitting = [left for option, left in self._options(known, so_far) if option == (kind or option)]
            if any(left.startswith(text[:accepted]) for left in fitting):
                self._marked = (kind or known, so_far + text[:accepted])
                return accepted
        return 0

    def cost(self) -> int:
        if self._marked is None:
            return 1 + (not self.sequence)
        if self._letter():
            return 2
        return 2 + min(len(left) for _, left in self._options(*self._marked))

    def copy(self) -> Self:
        return copy.copy(self)


class CopySpan:
    """The annotated chain of a pocket search."""

    span = tags.PROTEIN

    def __init__(self, plan: MarkedCopy) -> None:
        self.closed = False
        self._plan = plan
        self._next = 0
        self._marked = False
        self._pocket = 0  # 0 outside, 1 after the opening tag, 2 after the letter

    def next_tags(self) -> tuple[str, ...]:
        if self._pocket:
            return (tags.POCKET.close,) if self._pocket == 2 else ()
        return (tags.POCKET.open,) if self._next < len(self._plan.sequence) else (tags.PROTEIN.close,)

    def writable(self) -> Writable:
        sequence, at = self._plan.sequence, self._next
        end = at + 1 if self._pocket else len(sequence) - (not self._marked)
        if self._pocket == 2 or at >= end:
            return NOTHING
        return given_text(("residues", sequence[at : min(end, at + self._plan.longest)]))

    def feed_tag(self, tag: str) -> None:
        self.closed = tag == tags.PROTEIN.close
        self._pocket = int(tag == tags.POCKET.open)

    def feed_text(self, text: str, _: str = "") -> int:
        if self._pocket == 2:
            return 0
        end = self._next + 1 if self._pocket else len(self._plan.sequence) - (not self._marked)
        accepted = _common(text, self._plan.sequence[self._next : end])
        self._next += accepted
        if self._pocket and accepted:
            self._pocket, self._marked = 2, True
        return accepted

    def cost(self) -> int:
        if self._pocket == 1:
            return 3 + self._plan.fewest_marked[self._next + 1]
        fewest = self._plan.fewest_marked if self._marked else self._plan.fewest_unmarked
        return fewest[self._next] + 1 + (self._pocket == 2)

    def copy(self) -> Self:
        return copy.copy(self)


class ScriptSpan:
    """The right side of a pocket transform: every token of it is known."""

    span = tags.PROTEIN

    def __init__(self, script: Script) -> None:
        self.closed = False
        self._script = script
        self._piece = 0
        self._offset = 0

    def next_tags(self) -> tuple[str, ...]:
        kind, text = self._script.pieces[self._piece]
        return (text,) if kind == "tag" else ()

    def writable(self) -> Writable:
        kind, text = self._script.pieces[self._piece]
        return (
            NOTHING if kind == "tag" else given_text((kind, text[self._offset : self._offset + self._script.longest]))
        )

    def feed_tag(self, _: str) -> None:
        self._piece += 1
        self.closed = self._piece == len(self._script.pieces)

    def feed_text(self, text: str, _: str = "") -> int:
        kind, given = self._script.pieces[self._piece]
        accepted = 0 if kind == "tag" else _common(text, given[self._offset :])
        self._offset += accepted
        if self._offset == len(given):
            self._piece, self._offset = self._piece + 1, 0
        return accepted

    def cost(self) -> int:
        return self._script.left[self._piece][self._offset]

    def copy(self) -> Self:
        return copy.copy(self)


def _leading(text: str, alphabet: str) -> int:
    """How many characters of `text`, from its beginning, are of `alphabet`."""
    return next((at for at, letter in enumerate(text) if letter not in alphabet), len(text))


def _common(text: str, given: str) -> int:
    """The length of what both begin with."""
    pairs = zip(text, given, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(text), len(given)))
