"""What a policy is asked during reinforcement learning: prompts by task, most of them cut out of corpus documents.

A prompt's corpus document gives the known answer where the task has one. Which documents a step takes follows from
the seed, the part of the corpus, the task and the step alone, so that a resumed run asks what it would have asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelInputError
from models.grammar import prompt_for, tags
from models.tokenizer import ScientificTokenizer
from models.training.corpus import load_part
from models.training.sources import seed_of

_TRIES_PER_PROMPT = 200


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """One prompt. `answer` is the corpus' own completion; None where any good answer counts."""

    task: str
    text: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class TaskKind:
    """`cut` makes the prompt of a document of `modality` (None: not usable); without a modality, `text` is it.

    `distinct`: samples of one prompt should differ, so a collapse of the policy shows in them.
    """

    stop: str | None
    max_new_tokens: int
    distinct: bool
    text: str = ""
    modality: str = ""
    cut: Callable[[str], tuple[str, str | None] | None] | None = None


def _ligand(text: str) -> tuple[str, str | None] | None:
    """A complex with a marked or expanded pocket, cut where its ligand's SMILES begins; any ligand may answer."""
    head, opening, _known = text.rpartition(tags.MOLECULE.open)
    return (head + opening, None) if tags.POCKET.open in head else None


def _up_to(piece: str) -> Callable[[str], tuple[str, str | None] | None]:
    """Cut behind `piece`; any good completion counts, not the known one alone."""

    def cut(text: str) -> tuple[str, str | None] | None:
        head, found, _ = text.partition(piece)
        return (head + found, None) if found else None

    return cut


def _after(piece: str) -> Callable[[str], tuple[str, str | None] | None]:
    """Cut behind `piece`; what follows is the known answer."""

    def cut(text: str) -> tuple[str, str | None] | None:
        head, found, answer = text.partition(piece)
        return (head + found, answer) if found and answer else None

    return cut


TASKS: Mapping[str, TaskKind] = {
    "molecule": TaskKind(tags.MOLECULE.close, 100, True, text=prompt_for("molecule")),
    "property": TaskKind(tags.MOLECULE.close, 100, True, modality="molecule_property", cut=_up_to(tags.MOLECULE.open)),
    "ligand": TaskKind(tags.MOLECULE.close, 100, True, modality="complex", cut=_ligand),
    "material": TaskKind(tags.MATERIAL.close, 200, True, text=prompt_for("material")),
    "reaction": TaskKind(None, 128, False, modality="reaction", cut=_after(tags.REACT)),
    "retrosynthesis": TaskKind(None, 192, False, modality="retrosynthesis", cut=_after(tags.REVERSE_REACT)),
    "pocket": TaskKind(tags.PROTEIN.close, 480, False, modality="pocket", cut=_after(tags.SEARCH + tags.PROTEIN.open)),
}
"""By name. `max_new_tokens` is a guard: training molecules have up to 70 heavy atoms, chains up to 440 residues."""


class PromptSource:
    """Prompts of some tasks from one part (train, valid) of a corpus; ModelInputError where it cannot give any."""

    def __init__(self, corpus: Path, tasks: Sequence[str], part: str, seed: int) -> None:
        unknown = sorted(set(tasks) - set(TASKS))
        if unknown:
            raise ModelInputError(f"no task {', '.join(unknown)}; tasks that can be reinforced: {', '.join(TASKS)}")
        self._tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
        self._corpus, self._part, self._seed = corpus, part, seed
        modalities = {TASKS[task].modality for task in tasks} - {""}
        self._parts: dict[str, tuple[Any, Any]] = {name: load_part(corpus, name, part) for name in modalities}

    def has(self, task: str) -> bool:
        """Whether there are documents to cut prompts of `task` from."""
        modality = TASKS[task].modality
        return not modality or len(self._parts[modality][1]) > 1

    def draw(self, task: str, step: int, n: int) -> list[TaskPrompt]:
        """The `n` prompts of `task` in this step."""
        kind = TASKS[task]
        if kind.cut is None:
            return [TaskPrompt(task, kind.text) for _ in range(n)]
        rng = np.random.default_rng(seed_of(self._seed, "prompts", self._part, task, step))
        found: list[TaskPrompt] = []
        for _ in range(n * _TRIES_PER_PROMPT):
            if len(found) == n:
                break
            cut = kind.cut(self._document(task, rng))
            if cut is not None:
                found.append(TaskPrompt(task, *cut))
        if len(found) < n:
            raise ModelInputError(f"the corpus in {self._corpus} has too few {self._part} documents for task {task!r}")
        return found

    def _document(self, task: str, rng: np.random.Generator) -> str:
        tokens, offsets = self._parts[TASKS[task].modality]
        if len(offsets) < 2:
            raise ModelInputError(
                f"the corpus in {self._corpus} has no {self._part} documents of {TASKS[task].modality!r}, "
                f"which task {task!r} cuts its prompts from"
            )
        number = int(rng.integers(len(offsets) - 1))
        return self._tokenizer.decode(tokens[offsets[number] + 1 : offsets[number + 1] - 1].tolist())
