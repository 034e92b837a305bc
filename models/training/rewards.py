"""What a sample is worth, 0..1: the rewards of reinforcement learning, by name.

A reward is a function of the prompt and the completion (stop tag included or not); form errors and invalid chemistry
are 0, never an exception. One that needs more (the corpus, the known answer, the frozen start model) is built with
a `RewardContext`. "module:function" names one of your own. Not promised: that a high reward is a good molecule. These
are cheap stand-ins that a policy will exploit where it can; what it exploited must be measured by other means.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ModelInputError
from models.grammar import GrammarError, Task, extract, parse, prompt_for, tags
from models.grammar.objects import Complex, Material, Molecule, PocketSearch, Protein, Retrosynthesis
from models.grammar.properties import condition_tags
from models.molecule_properties import measured_properties
from models.training.known_objects import canonical_or_none, canonical_set, known_materials, material_key
from models.training.molecule_measures import molecule_or_none, score_drug_likeness

Reward = Callable[[str, str], float]
"""(prompt, completion) -> 0..1. It may also have a method `many(pairs)` that judges several at once."""

Predict = Callable[[Sequence[str]], list[str]]
"""Prompts to the greedy completions of the frozen start model."""


@dataclass(frozen=True, slots=True)
class RewardContext:
    """What rewards may look at besides the sample. `known` gives the corpus' own completion of a prompt, or None."""

    corpus: Path
    known: Callable[[str], str | None]
    predict: Predict


def written_molecule(prompt: str, completion: str) -> Molecule | None:
    """The molecule or ligand a text ends in; None where the text is not of the grammar or ends in something else."""
    try:
        last = parse(_closed(prompt + completion, tags.MOLECULE.close))[-1]
    except (GrammarError, ValueError):
        return None
    if isinstance(last, Complex):
        return last.ligand
    return last if isinstance(last, Molecule) else None


def drug_like(prompt: str, completion: str) -> float:
    """0 for no valid single molecule, else `score_drug_likeness` (QED, synthetic accessibility and size)."""
    molecule = written_molecule(prompt, completion)
    mol = None if molecule is None else molecule_or_none(molecule.smiles)
    return 0.0 if mol is None else score_drug_likeness(mol)


def property_bin(prompt: str, completion: str) -> float:
    """Share of the asked property bins that hold the sampled molecule; 0 if it is not valid, 1 if none was asked.

    The bins are `models.grammar.properties`'; a value on an edge belongs to the bin above.
    """
    molecule = written_molecule(prompt, completion)
    mol = None if molecule is None else molecule_or_none(molecule.smiles)
    if molecule is None or mol is None:
        return 0.0
    measured = condition_tags(measured_properties(mol))
    hits = [tag in measured for tag in molecule.conditions]
    return sum(hits) / len(hits) if hits else 1.0


def _closed(text: str, closing: str) -> str:
    return text if text.endswith(closing) else text + closing


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A retrosynthesis: 1 for the known reactants; `led_back` where the start model's forward prediction from other
    reactants gives the product again; `readable` for any other set of valid molecules; 0 for the rest.

    The round trip is Schwaller et al. 2020 (10.1039/C9SC05704H). It counts half, because a weak forward model is
    often wrong; a tenth for valid SMILES keeps a slope where nothing is right yet. Reactants that hold the product
    itself are 0: every forward model returns them.
    """

    known: Callable[[str], str | None]
    predict: Predict
    led_back: float = 0.5
    readable: float = 0.1

    def __call__(self, prompt: str, completion: str) -> float:
        return self.many([(prompt, completion)])[0]

    def many(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Forward predictions of all `pairs` are made at once."""
        rewards, open_cases = [0.0] * len(pairs), list[tuple[int, str, frozenset[str]]]()
        for at, (prompt, completion) in enumerate(pairs):
            written = _retrosynthesis(prompt, completion)
            sides = None if written is None else _sides(written)
            if written is None or sides is None or sides[0] & sides[1]:
                continue
            known = self.known(prompt)
            truth = None if known is None else _retrosynthesis(prompt, known)
            if truth is not None and sides == _sides(truth):
                rewards[at] = 1.0
            else:
                open_cases.append((at, prompt_for("reaction", reactants=written.reactants), sides[0]))
        answers = self.predict([forward for _, forward, _ in open_cases]) if open_cases else []
        for (at, forward, products), answer in zip(open_cases, answers, strict=True):
            made = _answer_set("reaction", forward, answer)
            rewards[at] = self.led_back if made is not None and products <= made else self.readable
        return rewards


def _retrosynthesis(prompt: str, completion: str) -> Retrosynthesis | None:
    try:
        (item,) = parse(prompt + completion)
    except (GrammarError, ValueError):
        return None
    return item if isinstance(item, Retrosynthesis) else None


def _sides(item: Retrosynthesis) -> tuple[frozenset[str], frozenset[str]] | None:
    """Canonical products and reactants; None where a SMILES is wrong."""
    products, reactants = canonical_set(item.products), canonical_set(item.reactants)
    return None if products is None or reactants is None else (products, reactants)


def _answer_set(task: Task, prompt: str, completion: str) -> frozenset[str] | None:
    try:
        written = extract(task, prompt, completion)
    except (GrammarError, ValueError):
        return None
    return canonical_set([item for item in written if isinstance(item, Molecule)])


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A reaction: 1 for exactly the known products (canonical SMILES as a set), `readable` for other valid ones."""

    known: Callable[[str], str | None]
    readable: float = 0.1

    def __call__(self, prompt: str, completion: str) -> float:
        written = _answer_set("reaction", prompt, completion)
        known = self.known(prompt)
        if written is None:
            return 0.0
        return 1.0 if known is not None and written == _answer_set("reaction", prompt, known) else self.readable


@dataclass(frozen=True, slots=True)
class PocketOverlap:
    """F1 of the marked residues against the known ones; 0 where the chain is not copied letter by letter.

    F1 (harmonic mean of precision and recall) and not the Matthews correlation: it is 0..1 as it is, and the many
    residues outside both sets do not enter (see Chicco & Jurman 2020, 10.1186/s12864-019-6413-7, for the other view).
    """

    known: Callable[[str], str | None]

    def __call__(self, prompt: str, completion: str) -> float:
        written, known = _annotated(prompt, completion), self.known(prompt)
        truth = None if known is None else _annotated(prompt, known)
        if written is None or truth is None or written.sequence != truth.sequence:
            return 0.0
        marked, right = set(written.pocket), set(truth.pocket)
        return 2 * len(marked & right) / (len(marked) + len(right)) if marked or right else 1.0


def _annotated(prompt: str, completion: str) -> Protein | None:
    try:
        (item,) = parse(_closed(prompt + completion, tags.PROTEIN.close))
    except (GrammarError, ValueError):
        return None
    if not isinstance(item, PocketSearch) or item.protein.sequence != item.annotated.sequence:
        return None
    return item.annotated


@dataclass(frozen=True, slots=True)
class KnownMetal:
    """A material whose metal nodes all occur in the training corpus and whose linkers all sanitise: 1 if no training
    material has the same blocks, `seen` if one has; 0 for the rest, and without a node or a linker.

    The sequence-level validity and novelty of LOGOS's material benchmark (arXiv 2606.16905): nothing is assembled.
    """

    nodes: frozenset[str]
    materials: frozenset[str]
    seen: float = 0.5

    def __call__(self, prompt: str, completion: str) -> float:
        try:
            (material,) = extract("material", prompt, completion)
        except (GrammarError, ValueError):
            return 0.0
        if not isinstance(material, Material) or not material.metals or not material.linkers:
            return 0.0
        linkers = [canonical_or_none(linker) for linker in material.linkers]
        if None in linkers or not set(material.metals) <= self.nodes:
            return 0.0
        return self.seen if material_key(material) in self.materials else 1.0


def _known_metal(context: RewardContext) -> Reward:
    materials = frozenset(known_materials(context.corpus))
    nodes = frozenset(node for key in materials for node in key.split("|")[0].split(" "))
    return KnownMetal(nodes, materials)


@dataclass(frozen=True, slots=True)
class RewardKind:
    """How to build a reward, and the tasks whose samples it can judge."""

    build: Callable[[RewardContext], Reward]
    tasks: frozenset[str]


_MOLECULES = frozenset({"molecule", "property", "ligand"})
REWARDS: Mapping[str, RewardKind] = {
    "drug_like": RewardKind(lambda _: drug_like, _MOLECULES),
    "property_bin": RewardKind(lambda _: property_bin, _MOLECULES),
    "round_trip": RewardKind(lambda context: RoundTrip(context.known, context.predict), frozenset({"retrosynthesis"})),
    "known_product": RewardKind(lambda context: KnownProduct(context.known), frozenset({"reaction"})),
    "pocket_overlap": RewardKind(lambda context: PocketOverlap(context.known), frozenset({"pocket"})),
    "known_metal": RewardKind(_known_metal, frozenset({"material"})),
}


def check_reward_name(name: str, task: str) -> None:
    """ModelInputError unless `name` is a known reward for `task` or has the form module:function."""
    if ":" in name:
        return
    if name not in REWARDS:
        raise ModelInputError(
            f"no reward {name!r}; there are {', '.join(REWARDS)}, or give your own as module:function"
        )
    if task not in REWARDS[name].tasks:
        fitting = ", ".join(key for key, kind in REWARDS.items() if task in kind.tasks)
        raise ModelInputError(f"reward {name!r} cannot judge task {task!r}; rewards for it: {fitting}")


def build_reward(name: str, context: RewardContext) -> Reward:
    """The reward of this name, or the function that "module:function" names. ModelInputError with the reason."""
    if ":" not in name:
        return REWARDS[name].build(context)
    module_name, _, function = name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module_name), function)
    except (ImportError, AttributeError, ValueError) as fault:
        raise ModelInputError(f"reward {name!r} cannot be imported: {fault}") from fault
    if not callable(found):
        raise ModelInputError(f"reward {name!r} is no function of (prompt, completion)")
    own: Reward = found
    return own


def score_all(name: str, reward: Reward, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """The reward of each pair, several at once where the reward can. ModelInputError for a value outside 0..1."""
    many = getattr(reward, "many", None)
    scores = [float(score) for score in (many(pairs) if many else [reward(*pair) for pair in pairs])]
    wrong = [score for score in scores if not (math.isfinite(score) and 0 <= score <= 1)]
    if wrong or len(scores) != len(pairs):
        raise ModelInputError(f"reward {name!r} must give one number 0..1 a sample, got {wrong[:1] or len(scores)}")
    return scores
