"""Questions to the scientific model as executed calls: answers are kept in the ledger and can be cited.

One input is one call of tool "model": its version names the weights by their hash, its arguments hold everything the
answers depend on, its details hold the answers with their numbers. So a number of the model (log-probability, votes)
shown anywhere carries the id of the call that made it, and a question asked again, in any run, is read back and never
generated anew. How likely the model finds one text beside another is a call of "model_log_odds".
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as version_of
from typing import Any

from agent.actions.action import ActionContext
from models.backends.base import TextScore
from models.errors import ModelInputError
from models.inference import Ranked, SamplingOptions, answer_inputs
from models.reactions.spelled_inputs import AUGMENTED_TASKS, spell_inputs
from models.reactions.voted_answers import answer_voted
from models.task_inputs import Asked, need_task, understand
from models.worker import ModelWorker
from tools.errors import StopError
from tools.memory.ledger import call_key
from tools.types import CheckResult, Verdict

TOOL, SCORE_TOOL = "model", "model_log_odds"
_BATCH = 64
"""Inputs decoded together; between batches the run is asked whether to stop."""


@dataclass(frozen=True, slots=True)
class ModelCall:
    """Answers to one input, best first, as `models.inference` gives them (keys there; `vote_share` beside votes: their
    share of what unanimity over the spellings would give). `n_asked` were drawn, in `n_spellings` spellings."""

    call_id: str
    answers: tuple[Mapping[str, Any], ...]
    n_asked: int
    n_spellings: int

    @property
    def valid(self) -> list[Mapping[str, Any]]:
        return [answer for answer in self.answers if answer["valid"]]


def model_version(model: ModelWorker) -> str:
    """What decides a model's answers: this package, and the weights by their hash."""
    return f"organon {version_of('organon')}, weights {model.status().checkpoint_hash}"


def ask_model(
    context: ActionContext,
    model: ModelWorker,
    task: str,
    inputs: Sequence[Mapping[str, Any]],
    *,
    n: int,
    seed: int,
    options: SamplingOptions,
    augment: int = 1,
    begun_with: str = "",
) -> list[ModelCall]:
    """One `ModelCall` for each input (keys as in `models.task_inputs`). Equal answers of sampled tasks are merged and
    counted (`copies`), reaction tasks are voted over `augment` spellings. `begun_with`: text of the answer that is
    given, not written. ModelInputError names what the model cannot take."""
    version = model_version(model)
    asked: dict[str, Mapping[str, Any]] = {}
    ids = []
    for given in inputs:
        args = {
            "task": task,
            "input": dict(given),
            "n": n,
            "seed": seed,
            "augment": augment,
            "begun_with": begun_with,
            "options": asdict(options),
        }
        call_id = call_key(TOOL, version, args)
        ids.append(call_id)
        asked[call_id] = args
    known = context.session.ledger.get_calls(list(asked))
    missing = [call_id for call_id in asked if call_id not in known]
    for start in range(0, len(missing), _BATCH):
        _need_going(context)
        batch = {call_id: asked[call_id] for call_id in missing[start : start + _BATCH]}
        known |= _execute(context, model, version, batch)
    return [_read(call_id, known[call_id]) for call_id in ids]


def log_odds(
    context: ActionContext, model: ModelWorker, prompt: str, texts: Sequence[str], against: str
) -> list[CheckResult]:
    """ln P(text | prompt) - ln P(against | prompt) of each text, summed over tokens, one call each: above 0 where the
    model finds it likelier. `details`: both log-probabilities. Unknown where tokens of the prompt run into those of the
    text, or both together are beyond the model's context."""
    version = model_version(model)
    args = [{"prompt": prompt, "text": text, "against": against} for text in texts]
    ids = [call_key(SCORE_TOOL, version, one) for one in args]
    known = context.session.ledger.get_calls(ids)
    scored: dict[str, TextScore] = {}
    for call_id, one in zip(ids, args, strict=True):
        if call_id not in known:
            _need_going(context)
            started = time.perf_counter()
            result = _log_odds(model, one["prompt"], one["text"], against, scored)
            result = replace(
                result, tool=SCORE_TOOL, version=version, seconds=time.perf_counter() - started, call_id=call_id
            )
            context.session.ledger.put_call(call_id, one, result)
            known[call_id] = result
    return [known[call_id] for call_id in ids]


def _log_odds(model: ModelWorker, prompt: str, text: str, against: str, scored: dict[str, TextScore]) -> CheckResult:
    wanted = [prompt, prompt + text, prompt + against]
    try:
        for one in wanted:
            if one not in scored:
                (scored[one],) = model.score([one])
    except ModelInputError as fault:
        return CheckResult(SCORE_TOOL, Verdict.UNKNOWN, reason=str(fault))
    head, whole, other = (scored[one] for one in wanted)
    if any(one.token_ids[: len(head.token_ids)] != head.token_ids for one in (whole, other)):
        return CheckResult(SCORE_TOOL, Verdict.UNKNOWN, reason="the text's tokens run into those of its prompt")
    details = {"log_prob": whole.log_prob - head.log_prob, "against_log_prob": other.log_prob - head.log_prob}
    return CheckResult(SCORE_TOOL, Verdict.PASS, value=whole.log_prob - other.log_prob, unit="ln odds", details=details)


def _execute(
    context: ActionContext, model: ModelWorker, version: str, batch: Mapping[str, Mapping[str, Any]]
) -> dict[str, CheckResult]:
    """Generate for inputs that share all settings, and store each as a call."""
    started = time.perf_counter()
    first = next(iter(batch.values()))
    task, n, seed, augment = need_task(first["task"]), first["n"], first["seed"], first["augment"]
    options = SamplingOptions(**first["options"])
    asked = [
        _begun(understand(task, at, {**one["input"], "id": call_id}), one["begun_with"])
        for at, (call_id, one) in enumerate(batch.items())
    ]
    if task in AUGMENTED_TASKS:
        answers = answer_voted(model.submit, task, asked, n=n, augment=augment, seed=seed, options=options)
        spellings = [len(spell_inputs(task, one, augment, seed)) for one in asked]
    else:
        answers = answer_inputs(model.submit, task, asked, n=n, seed=seed, options=options, distinct=True)
        spellings = [1] * len(asked)
    groups: dict[str, list[Ranked]] = {one.name: [] for one in asked}
    for answer in answers:
        groups[answer.asked.name].append(answer)
    share = (time.perf_counter() - started) / len(batch)
    results = {
        one.name: _result(one.name, task, groups[one.name], n * count, count, version, share)
        for one, count in zip(asked, spellings, strict=True)
    }
    context.session.ledger.put_calls((call_id, batch[call_id], result) for call_id, result in results.items())
    return results


def _begun(one: Asked, begun_with: str) -> Asked:
    return replace(one, prompt=one.prompt + begun_with) if begun_with else one


def _result(
    call_id: str, task: str, group: Sequence[Ranked], n_asked: int, n_spellings: int, version: str, seconds: float
) -> CheckResult:
    rows = [{key: value for key, value in answer.row().items() if key not in ("id", "task")} for answer in group]
    for row in rows:
        if "votes" in row:
            row["vote_share"] = round(row["votes"] / n_spellings, 4)
    n_valid = sum(bool(row["valid"]) for row in rows)
    reason = "" if n_valid else f"no valid answer: {rows[0]['reason'] if rows else 'none at all'}"
    return CheckResult(
        name=f"model {task}",
        verdict=Verdict.PASS if n_valid else Verdict.UNKNOWN,
        value=float(n_valid),
        unit="distinct valid answers",
        reason=reason,
        tool=TOOL,
        version=version,
        seconds=seconds,
        call_id=call_id,
        details={"answers": rows, "n_asked": n_asked, "n_spellings": n_spellings},
    )


def _read(call_id: str, result: CheckResult) -> ModelCall:
    details = result.details
    return ModelCall(call_id, tuple(details["answers"]), int(details["n_asked"]), int(details["n_spellings"]))


def _need_going(context: ActionContext) -> None:
    context.control.wait_while_paused()
    if context.control.should_stop():
        raise StopError("stopped while the model was to be asked; what it answered before is kept")
