"""Which part of a document is the prompt, and so carries no loss when answers are what is trained.

After a verb (<React>, <ReverseReact>, <Search>, <Trans>, <Edit>, <Design>) comes the answer; of a complex the answer is
the ligand behind the last chain; anything else is an answer from its start. Property tags are always prompt. The end
token belongs to the answer.
"""

import numpy as np

from models.grammar import tags
from models.grammar.properties import PROPERTY_TAGS
from models.tokenizer import ScientificTokenizer
from models.training.batches import Tokens


class PromptPart:
    """Callable: a document's ids (begin token first) -> index of the first token of its answer."""

    def __init__(self, tokenizer: ScientificTokenizer) -> None:
        self._verbs = np.array([tokenizer.id_of(verb) for verb in tags.VERBS])
        self._properties = frozenset(tokenizer.id_of(tag) for tag in PROPERTY_TAGS)
        self._chain_end = tokenizer.id_of(tags.PROTEIN.close)
        self._molecule_start = tokenizer.id_of(tags.MOLECULE.open)

    def __call__(self, tokens: Tokens) -> int:
        start = 1
        verbs = np.flatnonzero(np.isin(tokens, self._verbs))
        chains = np.flatnonzero(tokens == self._chain_end)
        if len(verbs):
            start = int(verbs[0]) + 1
        elif len(chains) and (tokens[chains[-1] :] == self._molecule_start).any():
            start = int(chains[-1]) + 1
        while start < len(tokens) - 1 and int(tokens[start]) in self._properties:
            start += 1
        return start
