"""Which residues the scientific model marks as a binding site, as one executed call kept in the ledger."""

from __future__ import annotations

import time

from agent.actions.action import ActionContext
from models.errors import ModelInputError
from models.worker import ModelWorker
from tools.errors import InputError
from tools.evaluation.pocket_votes import mark_probabilities
from tools.memory.ledger import call_key
from tools.types import CheckResult, Verdict

TOOL = "model_pocket_votes"
MARK_THRESHOLD = 0.1977
"""The vote from which a residue counts as marked: chosen on validation rows, as for the figure of the model card."""


def vote_for_residues(context: ActionContext, model: ModelWorker, sequence: str) -> CheckResult:
    """P(mark) along the chain (`mark_probabilities`), 0..1 a residue, under `details["votes"]`. InputError where the
    chain and its annotated copy do not fit the model."""
    version = f"weights {model.status().checkpoint_hash}"
    args = {"sequence": sequence}
    call_id = call_key(TOOL, version, args)
    known = context.session.ledger.get_call(call_id)
    if known is not None:
        return known
    started = time.perf_counter()
    try:
        votes = model.ask(lambda generator: mark_probabilities(generator, sequence), 2 * len(sequence))
    except ModelInputError as fault:
        raise InputError(f"a chain of {len(sequence)} residues does not fit the model: {fault}") from None
    result = CheckResult(
        name="pocket votes",
        verdict=Verdict.PASS,
        value=max(votes),
        unit="share of probability",
        tool=TOOL,
        version=version,
        seconds=time.perf_counter() - started,
        call_id=call_id,
        details={"votes": [round(vote, 4) for vote in votes]},
    )
    context.session.ledger.put_call(call_id, args, result)
    return result
