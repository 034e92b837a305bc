"""The OpenAPI document against the server: whatever fits the schema, or does not, is never a fault of the server.

Not checked: that what fits the schema is accepted, since a SMILES or an action's arguments have rules no schema holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from agent.runs import RunControl
from tests.agent.interface.api.serving import HERE, Home
from tests.agent.openai_protocol import Scripted

FITS = "/api/v1/generate"
"""Fitting requests to it would generate for minutes: fuzzed with wrong ones only."""
UPLOADS = "/api/v1/files"
"""In a multipart body a file that holds "true" is a file: what the schema's types forbid cannot be told there."""


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")  # threads beside it use random
@pytest.mark.parametrize("examples", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_no_request_is_a_fault_of_the_server(
    examples: int, make_home: Callable[..., Home], language_model: Scripted, small_actions: None
) -> None:
    home = make_home(
        rate_limit=0, allowed_hosts="testserver", llm="openai:scripted", llm_base_url=language_model.address
    )

    def work(control: RunControl) -> dict[str, Any]:
        control.emit("tool_call", {"call_id": f"{control.run_id}.1", "action": "weigh", "args": {}})
        return {}

    run_id = home.begin(work)
    home.wait(run_id)
    home.session.ledger.put_thread(run_id, "fuzzed")
    known = {"run_id": run_id, "thread_id": run_id, "call_id": f"{run_id}.1", "a": run_id}
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", local(home.app))
    codes: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        positive, negative = schemathesis.GenerationMode
        takes = bool(operation.body or operation.query)
        for mode in ([positive] if operation.path != FITS else []) + ([negative] if takes else []):
            fuzz(operation, mode, examples, known, codes)
    assert len(codes) >= 25
    assert set().union(*codes.values()) >= {200, 201, 404, 422}


def local(app: Any) -> Any:
    """The same application, asked from this machine."""

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": HERE} if scope["type"] == "http" else scope, receive, send)

    return asked


def fuzz(operation: Any, mode: Any, examples: int, known: dict[str, str], codes: dict[str, set[int]]) -> None:
    """So many requests to one operation; every second one names things that are there."""
    turn = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    def ask(case: Any) -> None:
        nonlocal turn
        turn += 1
        if mode.is_positive and turn % 2 and isinstance(case.path_parameters, dict):
            case.path_parameters = {k: known.get(k, v) for k, v in case.path_parameters.items()}
        answer = case.call()
        assert answer.status_code < 500, answer.text
        untold = [negative_data_rejection] if operation.path == UPLOADS else []
        case.validate_response(answer, excluded_checks=[positive_data_acceptance, *untold])
        codes.setdefault(f"{operation.method} {operation.path}", set()).add(answer.status_code)

    ask()
