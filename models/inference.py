"""Inputs to ranked, parsed, checked answers: what `organon model generate --task T` does for each line.

Samples of one input are ranked by LOGOS's perplexity, lower first, answers to reaction tasks by their
log-probability, higher first (`RANKED_BY_LOG_PROB`); duplicates and invalid ones are kept, so that counts are
honest, unless `distinct` merges equal answers and counts them. What counts as valid is told
in `models.answers`, what an input may say in `models.task_inputs`. Several loops of an antibody are designed
one after the other: their log-probabilities add up, their perplexity is that of the last text, in which the
earlier loops stand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.answers import Answer, empty_fields, identity, read_answer
from models.backends.base import Request, Sample, validate_request
from models.conditions import draw_conditions
from models.errors import ModelInputError
from models.grammar import tags
from models.grammar.tasks import STOP, Task, needed_tags
from models.task_inputs import Asked, need_task, understand

Generate = Callable[[Sequence[Request]], Iterable[Sample]]
"""A Generator's `generate` or a ModelWorker's `submit`."""


RANKED_BY_LOG_PROB: tuple[Task, ...] = ("retrosynthesis", "reaction")
"""Tasks with one right answer. Perplexity of prompt and answer together favours long answers: of 150 products of
USPTO-50K valid (10 beams, a checkpoint in mid-training) it put the recorded reactants first for 4, log-probability
for 24, the mean log-probability a token for 21. LOGOS's own lines keep LOGOS's order."""

_Read = tuple[Asked, Sample, Answer]


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """The defaults are the decoding settings of LOGOS's inference scripts, the limit of new tokens included.
    `beams` and `constrained` as in a Request."""

    temperature: float = 1.2
    top_p: float = 0.85
    repetition_penalty: float = 1.05
    max_new_tokens: int = 1000
    beams: int = 0
    constrained: bool = False


LOGOS_OPTIONS = SamplingOptions()
PLAIN_OPTIONS = SamplingOptions(temperature=1.0, top_p=0.95, repetition_penalty=1.0)
"""What the shipped checkpoint's card recommends."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One answer: `rank` from 1 among those of its input (0: not ranked), `copies` it stands for, the `votes` it got
    over several spellings of its input (see `voting`)."""

    task: Task
    asked: Asked
    sample: Sample
    answer: Answer
    rank: int
    copies: int | None = None
    votes: float | None = None

    def row(self) -> dict[str, Any]:
        """The JSON-ready line of architecture.md."""
        counted: dict[str, Any] = {} if self.copies is None else {"copies": self.copies}
        counted |= {} if self.votes is None else {"votes": round(self.votes, 4)}
        counted |= {"conditions": list(self.asked.conditions)} if self.asked.conditions else {}
        return {
            "id": self.asked.name,
            "task": self.task,
            "rank": self.rank,
            "text": self.sample.text,
            "valid": not self.answer.reason,
            "reason": self.answer.reason,
            "log_prob": _finite(self.sample.log_prob),
            "perplexity": _finite(self.sample.perplexity),
            "finish_reason": self.sample.finish_reason,
            **counted,
            **self.answer.fields,
        }


def generate_for_task(
    generate: Generate,
    task: str,
    inputs: Iterable[Mapping[str, Any]],
    *,
    n: int = 10,
    seed: int = 0,
    options: SamplingOptions | None = None,
    distinct: bool = False,
) -> Iterator[dict[str, Any]]:
    """JSON-ready answers, `n` for each input: inputs in their order, each one's answers by rank (from 1).

    Keys of an answer: id, task, rank, text (the generated part), valid, reason (why not), log_prob, perplexity,
    finish_reason, with `distinct` copies, conditions where property tags were asked for, and by task smiles |
    reactants | residues | metals, linkers | sequence | loops. Raises ModelInputError naming the input and the fix
    before anything is generated.
    """
    name = need_task(task)
    asked = [understand(name, at, given) for at, given in enumerate(inputs)]
    for one, count in Counter(one.name for one in asked if not one.in_logos_form).items():
        if count > 1:
            raise ModelInputError(f"id {one!r} is used twice; give each input its own")
    answers = answer_inputs(generate, name, asked, n=n, seed=seed, options=options, distinct=distinct)
    return (ranked.row() for ranked in answers)


def answer_inputs(
    generate: Generate,
    task: Task,
    asked: Sequence[Asked],
    *,
    n: int,
    seed: int = 0,
    options: SamplingOptions | None = None,
    distinct: bool = False,
    ranked: bool = True,
) -> Iterator[Ranked]:
    """As `generate_for_task` for inputs already understood; equal ids are allowed. `ranked` off: answers come
    as their samples finish, across inputs, with rank 0."""
    chosen = options or SamplingOptions()
    by_key = _keyed(asked)
    turns = _turns(by_key, n, seed)
    requests = [_request(task, key, turn.one, turn.n, seed, chosen) for key, turn in turns.items()]
    samples = generate(requests)
    if any(one.plan is not None and len(one.plan.order) > 1 for one in asked):
        return _ranked_loops(generate, by_key, requests, samples, distinct)
    if not ranked:
        return (Ranked(task, turns[s.request_id].one, s, turns[s.request_id].read(task, s), 0) for s in samples)
    return _in_input_order(task, turns, samples, n, distinct)


def beam_order(answers: Sequence[Ranked]) -> list[Ranked]:
    """Answers to one input by the place that the beam search gave each, ranked anew."""
    ordered = sorted(answers, key=lambda answer: answer.sample.index)
    return [replace(answer, rank=rank) for rank, answer in enumerate(ordered, 1)]


def check_settings(n: int, seed: int, options: SamplingOptions) -> None:
    """ModelInputError naming the first setting that is out of its span, without an input."""
    validate_request(_request("material", "0", Asked("0", ""), n, seed, options))


def need_tags(known: Iterable[str], task: Task) -> None:
    """ModelInputError naming the tags of `task` that a checkpoint's tokenizer does not have as one token."""
    has = list(known)
    missing = [tag for tag in needed_tags(task) if tag not in has]
    if missing:
        raise ModelInputError(
            f"this checkpoint's tokenizer lacks {', '.join(missing)}, which task {task} is written with; "
            f"its tags: {', '.join(has) or 'none'}"
        )


def refused_inputs(
    generate: Generate, task: Task, asked: Sequence[Asked], options: SamplingOptions | None = None
) -> dict[int, str]:
    """Places in `asked` that the model refuses (a prompt longer than its context, say) and why, each tried alone:
    for when `generate` has refused them together. It must refuse at once, as a Generator does; nothing is
    generated."""
    found: dict[int, str] = {}
    chosen = options or SamplingOptions()
    for at, one in enumerate(asked):
        try:
            generate([_request(task, one.name, one, max(1, chosen.beams), 0, chosen)])
        except ModelInputError as fault:
            found[at] = str(fault)
    return found


def _keyed(asked: Sequence[Asked]) -> dict[str, Asked]:
    """By request id, which is the name where that is the first of its kind."""
    found: dict[str, Asked] = {}
    for at, one in enumerate(asked):
        found[one.name if one.name not in found else f"{one.name} (input {at})"] = one
    return found


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request: `n` samples of input `key`, asked as in `one` (with its property tags, where it has any)."""

    key: str
    one: Asked
    n: int

    def read(self, task: Task, sample: Sample) -> Answer:
        return read_answer(task, self.one, sample)


def _turns(by_key: Mapping[str, Asked], n: int, seed: int) -> dict[str, _Turn]:
    """By request id: one an input, or one for each combination of property tags that its samples ask for."""
    found: dict[str, _Turn] = {}
    for key, one in by_key.items():
        if not one.bins:
            found[key] = _Turn(key, one, n)
            continue
        for conditions, count in Counter(draw_conditions(one.bins, n, seed)).items():
            found[f"{key} {' '.join(conditions)}"] = _Turn(key, one.conditioned(conditions), count)
    return found


def _request(task: Task, key: str, one: Asked, n: int, seed: int, chosen: SamplingOptions) -> Request:
    stop = STOP[task]
    return Request(
        prompt=one.prompt,
        n=n,
        temperature=chosen.temperature,
        top_p=chosen.top_p,
        repetition_penalty=chosen.repetition_penalty,
        max_new_tokens=chosen.max_new_tokens,
        stop=() if stop is None else (stop,),
        seed=seed,
        request_id=key,
        beams=chosen.beams,
        constrained=chosen.constrained,
    )


def _in_input_order(
    task: Task, turns: Mapping[str, _Turn], samples: Iterable[Sample], n: int, distinct: bool
) -> Iterator[Ranked]:
    """Answers in the order of the inputs: an input that finishes early waits for those before it."""
    collected: dict[str, list[_Read]] = {turn.key: [] for turn in turns.values()}
    left = list(collected)
    for sample in samples:
        turn = turns[sample.request_id]
        collected[turn.key].append((turn.one, sample, turn.read(task, sample)))
        while left and len(collected[left[0]]) == n:
            yield from _by_rank(task, collected.pop(left.pop(0)), distinct)


def _by_rank(task: Task, answers: Sequence[_Read], distinct: bool) -> Iterator[Ranked]:
    by_log_prob = task in RANKED_BY_LOG_PROB and not any(one.in_logos_form for one, _, _ in answers)
    ordered = sorted(
        answers, key=lambda read: (-read[1].log_prob if by_log_prob else 0.0, read[1].perplexity, read[1].index)
    )
    if not distinct:
        for rank, read in enumerate(ordered, 1):
            yield Ranked(task, *read, rank)
        return
    keys = [identity(answer, sample.text) for _, sample, answer in ordered]
    best = dict(zip(reversed(keys), reversed(ordered), strict=True))
    for rank, (key, copies) in enumerate(Counter(keys).items(), 1):  # in the order they were first met: by rank
        yield Ranked(task, *best[key], rank, copies)


def _ranked_loops(
    generate: Generate,
    asked: Mapping[str, Asked],
    requests: Sequence[Request],
    samples: Iterable[Sample],
    distinct: bool,
) -> Iterator[Ranked]:
    """Antibodies with several loops: `samples` are the first loops, the others follow slot by slot."""
    designs = [_Design(asked[sample.request_id], sample) for sample in samples]
    template = requests[0]
    while pending := {design.key: design for design in designs if design.unfinished}:
        following = [
            replace(template, prompt=design.next_prompt(), n=1, request_id=key) for key, design in pending.items()
        ]
        for sample in generate(following):
            pending[sample.request_id].add(sample)
    for key, one in asked.items():
        answers = [(one, *design.result()) for design in designs if design.origin.request_id == key]
        yield from _by_rank("antibody_cdr", answers, distinct)


class _Design:
    """One sample of an antibody on its way from the first loop to the last; ends early at a malformed loop."""

    def __init__(self, one: Asked, first: Sample) -> None:
        assert one.plan is not None
        self._one, self._plan, self.origin = one, one.plan, first
        self._samples: list[Sample] = []
        self._loops: dict[str, str] = {}
        self._fault = ""
        self.add(first)

    @property
    def unfinished(self) -> bool:
        return not self._fault and len(self._loops) < len(self._plan.order)

    @property
    def key(self) -> str:
        """The next request's id: which sample of which input, and which loop."""
        return f"{self.origin.request_id}/{self.origin.index}/{self._slot}"

    def next_prompt(self) -> str:
        return self._plan.prompt(self._slot, self._loops)

    def add(self, sample: Sample) -> None:
        slot = self._slot
        turn = replace(self._one, prompt=self.next_prompt(), loop=slot, sequence=self._plan.chain_of(slot))
        answer = read_answer("antibody_cdr", turn, sample)
        self._samples.append(sample)
        if answer.reason:
            self._fault = f"loop {slot}: {answer.reason}"
        else:
            self._loops.update(answer.fields["loops"])

    def result(self) -> tuple[Sample, Answer]:
        last = self._samples[-1]
        whole = replace(
            last,
            request_id=self.origin.request_id,
            index=self.origin.index,
            text=tags.CDR.open.join(sample.text for sample in self._samples),
            token_ids=tuple(at for sample in self._samples for at in sample.token_ids),
            log_prob=math.fsum(sample.log_prob for sample in self._samples),
            sample_log_prob=math.fsum(sample.sample_log_prob for sample in self._samples),
            rescored=any(sample.rescored for sample in self._samples),
        )
        if self._fault:
            return whole, Answer(empty_fields("antibody_cdr"), self._fault)
        return whole, Answer({"loops": dict(self._loops)}, "")

    @property
    def _slot(self) -> str:
        return self._plan.order[len(self._loops)]


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
