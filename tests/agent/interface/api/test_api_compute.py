"""Generate, validate and search over HTTP, with the shipped model and the real checks."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from rdkit import Chem

from tests.agent.interface.api.serving import Home


def test_the_model_generates_and_is_then_shown_as_loaded(client: TestClient) -> None:
    body = {"task": "molecule", "n": 1, "seed": 5, "inputs": [{"id": "a", "log_p": [1, 3]}]}
    first = client.post("/api/v1/generate", json=body)
    assert first.status_code == 200, first.text
    answers = first.json()["answers"]
    assert answers
    assert {answer["id"] for answer in answers} == {"a"}
    assert [answer["rank"] for answer in answers] == list(range(1, len(answers) + 1))
    assert all(Chem.MolFromSmiles(answer["smiles"]) is not None for answer in answers if answer["valid"])
    status = client.get("/api/v1/status").json()
    assert status["model"]["checkpoint_hash"] == first.json()["model"]
    metrics = client.get("/metrics").text
    assert "organon_model_queue 0.0" in metrics
    tokens = next(line for line in metrics.splitlines() if line.startswith("organon_model_tokens_total"))
    assert float(tokens.split()[1]) > 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "poem"}, ["task"]),
        ({"n": 0}, ["n"]),
        ({"n": 65}, ["n"]),
        ({"inputs": []}, ["inputs"]),
        ({"inputs": [{"pdb": "/etc/passwd"}]}, ["pdb", "log_p"]),
        ({"task": "retrosynthesis", "inputs": [{"product": "C1CC("}]}, ["C1CC("]),
        ({"task": "reaction", "inputs": [{}]}, ["reactants"]),
        ({"temperature": -1}, ["temperature"]),
        ({"max_new_tokens": 10**9}, ["max_new_tokens"]),
    ],
)
def test_what_cannot_be_generated_is_said(change: dict[str, Any], words: list[str], client: TestClient) -> None:
    answer = client.post("/api/v1/generate", json={"task": "molecule", "n": 1, **change})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    for word in words:
        assert word in answer.json()["detail"]


def test_checks_are_calls_that_can_be_looked_up(home: Home, client: TestClient) -> None:
    body = {"molecules": ["CC(=O)Oc1ccccc1C(=O)O", "C1CC("], "checks": ["sanitise", "descriptors", "lipinski"]}
    aspirin, broken = client.post("/api/v1/validate", json=body).json()
    verdicts = {check["name"]: check["verdict"] for check in aspirin["checks"]}
    assert verdicts == {"sanitise": "pass", "descriptors": "pass", "lipinski": "pass"}
    described = aspirin["checks"][1]
    call = client.get(f"/api/v1/calls/{described['call_id']}").json()
    assert (call["tool"], call["args"]) == ("descriptors", {"smiles": "CC(=O)Oc1ccccc1C(=O)O"})
    assert call["result"]["details"]["values"]["mol_weight"] == pytest.approx(180.159, abs=0.01)
    assert "rdkit" in call["version"]
    assert {check["verdict"] for check in broken["checks"]} <= {"fail", "unknown"}
    assert all(check["reason"] for check in broken["checks"])
    again = client.post("/api/v1/validate", json=body).json()
    assert again[0] == aspirin


def test_the_same_action_search_and_unknown_checks(client: TestClient) -> None:
    nothing = client.post("/api/v1/search", json={"query": "imatinib", "n": 2})
    assert nothing.status_code == 200, nothing.text
    assert nothing.json()["action"] == "search_literature"
    assert nothing.json()["summary"]
    assert client.post("/api/v1/search", json={"query": "x", "kind": "gossip"}).status_code == 422
    assert client.post("/api/v1/validate", json={"molecules": ["C"], "checks": ["luck"]}).status_code == 422
    assert client.post("/api/v1/validate", json={"molecules": []}).status_code == 422
    assert client.post("/api/v1/validate", json={"molecules": ["C" * 3000]}).status_code == 422
