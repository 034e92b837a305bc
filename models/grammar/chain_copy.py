"""Text that is given and only written down again: a chain whose pocket is to be marked, and one to be expanded.

Costs are numbers of tokens, found by dynamic programming over `words`, the token texts that may be used.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from models.grammar import tags
from models.grammar.objects import RESIDUE_SMILES, Protein
from models.grammar.render import render_protein

_MARK_TOKENS = 3  # the opening tag, the letter, the closing tag
_FAR = 1 << 30
_TAG_OR_TEXT = re.compile(r"<[A-Z][A-Za-z]*>|[^<]+")


def fewest_tokens(text: str, words: Collection[str]) -> list[int]:
    """How many of `words` at least spell `text[i:]`, for each i and for the end (0)."""
    longest = max(map(len, words), default=1)
    fewest = [_FAR] * len(text) + [0]
    for at in reversed(range(len(text))):
        for end in range(at + 1, min(at + longest, len(text)) + 1):
            if fewest[end] + 1 < fewest[at] and text[at:end] in words:
                fewest[at] = fewest[end] + 1
    return fewest


class MarkedCopy:
    """The second chain of a pocket search: the first, residue by residue, each as it is or marked, at least one
    marked. `fewest_marked[i]` and `fewest_unmarked[i]` are the tokens left from residue i when some residue was marked
    before it, or none; no token spells more than `longest` of them."""

    def __init__(self, sequence: str, words: Collection[str]) -> None:
        self.sequence = sequence
        self.fewest_marked = fewest_tokens(sequence, words)
        self.longest = longest = max(map(len, words), default=1)
        self.fewest_unmarked = [_FAR] * (len(sequence) + 1)
        for at in reversed(range(len(sequence))):
            best = _MARK_TOKENS + self.fewest_marked[at + 1]
            for end in range(at + 1, min(at + longest, len(sequence) - 1) + 1):
                if self.fewest_unmarked[end] + 1 < best and sequence[at:end] in words:
                    best = self.fewest_unmarked[end] + 1
            self.fewest_unmarked[at] = best


class Script:
    """Text that is wholly determined: runs of residues, SMILES and tags. `pieces` are (kind, text) with kind `tag`,
    `residues` or `smiles`; `left[p][i]` are the tokens from offset i of piece p to the end; no token spells more than
    `longest` characters of it."""

    def __init__(self, annotated: Protein, residue_words: Collection[str], smiles_words: Collection[str]) -> None:
        self.pieces = list(_pieces_of_expansion(annotated))
        words = {"residues": residue_words, "smiles": smiles_words}
        self.longest = max(len(word) for known in words.values() for word in known)
        after = 0
        self.left: list[list[int]] = []
        for kind, text in reversed(self.pieces):
            own = [1, 0] if kind == "tag" else fewest_tokens(text, words[kind])
            self.left.insert(0, [count + after for count in own])
            after += own[0]
        if after >= _FAR:
            raise ValueError("the tokenizer cannot spell this chain")


def _pieces_of_expansion(annotated: Protein) -> list[tuple[str, str]]:
    """What follows the opening tag: the chain with its pocket residues as SMILES, and the closing tag."""
    expandable = any(annotated.sequence[i] in RESIDUE_SMILES for i in annotated.pocket)
    expanded = Protein(annotated.sequence, annotated.pocket, expanded=expandable)
    text = render_protein(expanded).removeprefix(tags.PROTEIN.open)
    pieces: list[tuple[str, str]] = []
    marked = False
    for piece in _TAG_OR_TEXT.findall(text):
        if piece in tags.ALL_TAGS:
            marked = piece == tags.POCKET.open
            pieces.append(("tag", piece))
        else:
            pieces.append(("smiles" if marked and len(piece) > 1 else "residues", piece))
    return pieces
