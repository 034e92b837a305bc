"""Samples of the policy as it stands, judged: what a step of reinforcement learning learns from.

The project's own engine decodes from a second copy of the network in memory, into which the live weights are written
before every step (milliseconds): the engine lays weights out as decoding likes them, which training does not. Nothing
is read from disk. Temperature is 1 and nothing is constrained, since only
then are the samples those of the policy whose gradient is taken. A sample that ran into its limit is worth 0.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import torch

from models.backends.base import Request, Sample
from models.backends.causal_lm import CausalLM
from models.backends.text_codec import TextCodec
from models.grammar import GrammarError, parse
from models.grammar.objects import Complex, Material, Molecule, Reaction, Retrosynthesis
from models.tokenizer import EOS
from models.training.known_objects import canonical_or_none
from models.training.molecule_measures import internal_diversity, molecule_or_none
from models.training.policy_gradient import Rollout, group_advantages
from models.training.reinforce_config import ReinforceConfig
from models.training.rewards import Reward, score_all, written_molecule
from models.training.sources import seed_of
from models.training.task_prompts import TASKS, TaskPrompt


@dataclass(frozen=True, slots=True)
class Judged:
    """One sample. `identity` is its canonical form (None: not valid); `rewards` by name, `worth` all in all."""

    prompt: TaskPrompt
    group: int
    token_ids: tuple[int, ...]
    text: str
    identity: str | None
    rewards: Mapping[str, float]
    worth: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one step. By task: `valid`, mean `worth`; by "task.name": mean `rewards`. `unique` (share of the valid
    samples of a prompt that are distinct) and `diversity` are None where no task asks for distinct samples."""

    n_samples: int
    reward: float
    worth: dict[str, float]
    rewards: dict[str, float]
    valid: dict[str, float]
    unique: float | None
    diversity: float | None


class Sampler:
    """Draws and judges samples of a live model."""

    def __init__(
        self, model: Any, codec: TextCodec, config: ReinforceConfig, rewards: Mapping[str, Mapping[str, Reward]]
    ) -> None:
        self._live, self._codec, self._config, self._rewards = model, codec, config, rewards
        self._copy = copy.deepcopy(model).requires_grad_(False).eval()

    def sample(self, prompts: Mapping[int, TaskPrompt], seed: int) -> list[Judged]:
        """`samples_per_prompt` samples of each prompt, in order, judged. A prompt's samples depend on its number and
        `seed`, not on the other prompts."""
        if not prompts:
            return []
        samples = self._draw(prompts, seed)
        texts = [sample.text.removesuffix(EOS) for _, sample in samples]
        rewards = self._reward(prompts, samples, texts)
        identities = [
            _identity(prompts[at], text) if sample.finish_reason == "stop" else None
            for (at, sample), text in zip(samples, texts, strict=True)
        ]
        copies = Counter((at, identity) for (at, _), identity in zip(samples, identities, strict=True) if identity)
        judged = []
        for (at, sample), text, given, identity in zip(samples, texts, rewards, identities, strict=True):
            task = prompts[at].task
            weights = self._config.rewards[task]
            worth = sum(weights[name] * value for name, value in given.items()) / sum(weights.values())
            if self._config.share_repeats and TASKS[task].distinct and identity:
                worth /= copies[at, identity]
            judged.append(Judged(prompts[at], at, sample.token_ids, text, identity, given, worth))
        return judged

    def _draw(self, prompts: Mapping[int, TaskPrompt], seed: int) -> list[tuple[int, Sample]]:
        requests = []
        for at, prompt in prompts.items():
            stop = TASKS[prompt.task].stop
            requests.append(
                Request(
                    prompt.text,
                    n=self._config.samples_per_prompt,
                    max_new_tokens=self._config.limit_of(prompt.task),
                    stop=(stop,) if stop else (),
                    seed=seed,
                    request_id=str(at),
                )
            )
        with torch.no_grad():
            torch._foreach_copy_(list(self._copy.parameters()), list(self._live.parameters()))
        samples = CausalLM(self._copy, self._codec).generate(requests)
        return sorted(((int(s.request_id), s) for s in samples), key=lambda pair: (pair[0], pair[1].index))

    def _reward(
        self, prompts: Mapping[int, TaskPrompt], samples: Sequence[tuple[int, Sample]], texts: Sequence[str]
    ) -> list[dict[str, float]]:
        """Each sample's rewards by name; all of a reward's samples are judged together."""
        given: list[dict[str, float]] = [
            dict.fromkeys(self._config.rewards[prompts[at].task], 0.0) for at, _ in samples
        ]
        for task, rewards in self._rewards.items():
            numbers = [
                number
                for number, (at, sample) in enumerate(samples)
                if prompts[at].task == task and sample.finish_reason == "stop"
            ]
            pairs = [(prompts[samples[number][0]].text, texts[number]) for number in numbers]
            for name, reward in rewards.items():
                for number, value in zip(numbers, score_all(name, reward, pairs), strict=True):
                    given[number][name] = value
        return given


def rollouts_of(judged: Sequence[Judged], encode: Callable[[str], list[int]]) -> list[Rollout]:
    """What the loss takes: ids, and the advantage within each prompt's group."""
    groups = defaultdict(list)
    for item in judged:
        groups[item.group].append(item)
    made = []
    for members in groups.values():
        prompt_ids = tuple(encode(members[0].prompt.text))
        for item, advantage in zip(members, group_advantages([m.worth for m in members]), strict=True):
            made.append(Rollout(prompt_ids, item.token_ids, advantage))
    return made


def figures_of(judged: Sequence[Judged]) -> Figures:
    """Means over the samples; uniqueness and diversity within the samples of one prompt text, then over prompts."""
    by_task, by_prompt, by_reward = defaultdict(list), defaultdict(list), defaultdict(list)
    for item in judged:
        by_task[item.prompt.task].append(item)
        for name, value in item.rewards.items():
            by_reward[f"{item.prompt.task}.{name}"].append(value)
        if TASKS[item.prompt.task].distinct and item.identity:
            by_prompt[item.prompt.task, item.prompt.text].append(item)
    unique = [len({m.identity for m in members}) / len(members) for members in by_prompt.values()]
    return Figures(
        n_samples=len(judged),
        reward=mean(item.worth for item in judged),
        worth={task: mean(m.worth for m in members) for task, members in by_task.items()},
        rewards={name: mean(values) for name, values in by_reward.items()},
        valid={task: mean(m.identity is not None for m in members) for task, members in by_task.items()},
        unique=mean(unique) if unique else None,
        diversity=_mean_diversity(list(by_prompt.values())),
    )


def _mean_diversity(groups: Sequence[Sequence[Judged]]) -> float | None:
    """Over the prompts that had at least two valid molecules."""
    found = []
    for members in groups:
        written = [written_molecule(m.prompt.text, m.text) for m in members]
        mols = [mol for m in written if m is not None and (mol := molecule_or_none(m.smiles)) is not None]
        if (value := internal_diversity(mols)) is not None:
            found.append(value)
    return mean(found) if found else None


def _identity(prompt: TaskPrompt, completion: str) -> str | None:
    """Canonical SMILES of the molecules a text was asked for, else the text; None where form or chemistry is wrong."""
    closing = TASKS[prompt.task].stop or ""
    try:
        last = parse(prompt.text + completion.removesuffix(closing) + closing)[-1]
    except (GrammarError, ValueError):
        return None
    if isinstance(last, Molecule | Complex):
        mol = molecule_or_none((last.ligand if isinstance(last, Complex) else last).smiles)
        return None if mol is None else canonical_or_none((last.ligand if isinstance(last, Complex) else last).smiles)
    written: tuple[str, ...] = ()
    if isinstance(last, Reaction | Retrosynthesis):
        side = last.products if isinstance(last, Reaction) else last.reactants
        written = tuple(molecule.smiles for molecule in side)
    elif isinstance(last, Material):
        written = last.linkers
    else:
        return completion
    canonical = [canonical_or_none(smiles) for smiles in written]
    if None in canonical:
        return None
    nodes = last.metals if isinstance(last, Material) else ()
    return ".".join(sorted([*nodes, *(smiles for smiles in canonical if smiles is not None)]))


def step_seed(seed: int, step: int) -> int:
    """The seed of a step's samples, a whole number that a request takes."""
    return seed_of(seed, "samples", step) % 2**63
