"""Other spellings of what a reaction prompt gives: the inputs of test-time augmentation (see `voting`).

Spelling 0 is the input as understood. The others root each molecule at an atom drawn by the seed, as the root-aligned
training texts do (Zhong et al. 2022, doi:10.1039/d2sc02763a); several reactants also change places, each in turn
coming first, the others in drawn order. Not promised: that there are as many spellings as asked for; methane has one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from models.errors import ModelInputError
from models.grammar import tags
from models.grammar.tasks import Task, prompt_for
from models.reactions.spelling import rooted_spellings
from models.task_inputs import Asked

AUGMENTED_TASKS: tuple[Task, ...] = ("retrosynthesis", "reaction")
MAX_SPELLINGS = 100
"""Guards against typing errors; published protocols use up to 20 at test time."""

_BLOCK = re.compile(f"{re.escape(tags.MOLECULE.open)}(.*?){re.escape(tags.MOLECULE.close)}")
_TRIES = 4
"""Draws for each spelling wanted before fewer are accepted."""


def check_augment(task: Task, augment: int) -> None:
    """ModelInputError where `task` has no other spellings to be asked in, or for a number out of its span."""
    if not 1 <= augment <= MAX_SPELLINGS:
        raise ModelInputError(f"augment must be a whole number from 1 to {MAX_SPELLINGS}, got {augment}")
    if augment > 1 and task not in AUGMENTED_TASKS:
        raise ModelInputError(
            f"task {task} has one spelling of each input; augment is for {', '.join(AUGMENTED_TASKS)}"
        )


def spell_inputs(task: Task, one: Asked, n: int, seed: int) -> list[Asked]:
    """`one` and up to `n` - 1 other spellings of it, all distinct, named `<name>/<number>`; the same for the same
    seed and prompt."""
    check_augment(task, n)
    if n == 1:
        return [one]
    blocks = molecules_of(one.prompt)
    ways = [rooted_spellings(smiles, n, _derived(seed, smiles)) for smiles in blocks]
    rng = random.Random(_derived(seed, one.prompt))
    prompts = {one.prompt: None}
    for turn in range(1, _TRIES * n):
        if len(prompts) == n:
            break
        chosen = [way[turn % len(way)] if turn < n else rng.choice(way) for way in ways]
        prompts.setdefault(_prompt(task, _ordered(chosen, turn, rng)))
    others = list(prompts)[1:]
    return [one, *(replace(one, name=f"{one.name}/{at}", prompt=text) for at, text in enumerate(others, 1))]


def molecules_of(prompt: str) -> list[str]:
    """The SMILES of a reaction prompt's molecule blocks, in order."""
    return _BLOCK.findall(prompt)


def _ordered(molecules: Sequence[str], turn: int, rng: random.Random) -> list[str]:
    """Molecule number `turn`, counted around, before the others in drawn order."""
    left = list(molecules)
    first = left.pop(turn % len(left))
    rng.shuffle(left)
    return [first, *left]


def _prompt(task: Task, molecules: Sequence[str]) -> str:
    if task == "reaction":
        return prompt_for(task, reactants=list(molecules))
    return prompt_for(task, product=list(molecules))


def _derived(seed: int, text: str) -> int:
    return int.from_bytes(blake2b(f"{seed}|{text}".encode(), digest_size=4).digest(), "big")
