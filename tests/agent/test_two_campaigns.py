"""Two small real campaigns on one bundled target, started by the action: their status, their candidates explained, and
the two compared. The second asks for less of the same, so that nothing is docked twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.actions.explain import _fate
from agent.compare import compare_runs, docking_obstacle
from agent.config import Settings
from agent.interface.compare_schemas import Comparison, ScoreComparison
from agent.interface.schemas import ActionResult, Item, RunResult
from agent.judged import judged_candidates
from agent.progress import progress_of
from agent.session import Session
from tools.errors import InputError

SMALL: dict[str, Any] = {
    "name": "first",
    "target": "ABL1",
    "constraints": {"reactive": "none", "heavy_atoms": "10..16"},
    "rounds": 1,
    "per_round": 64,
    "docking": {
        "exhaustiveness": 1,
        "final_exhaustiveness": 1,
        "finalists": 3,
        "max_states": 1,
        "max_stereoisomers": 1,
        "n_ring_conformers": 1,
    },
    "budget": {"docking_calls": 2},
    "controls": "off",
    "memory": "off",
    "seed": 5,
}
THREAD = "conversation"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    opened = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=2))
    opened.ledger.put_thread(THREAD, "test")
    return opened


@contextmanager
def context(session: Session, call: str) -> Iterator[ActionContext]:
    """A call of the conversation, under the lease of a run as in a turn."""
    run_id = session.manager.start({"name": call}, "action")
    with session.manager.lease(run_id) as control:
        yield ActionContext(session, control, THREAD, f"{run_id}.1")


def act(session: Session, action: str, **args: Any) -> ActionResult:
    with context(session, action) as where:
        return execute(load_action(action), args, where)


@pytest.fixture(scope="module")
def twice(session: Session) -> list[ActionResult]:
    """The same call made two times, as after a crash."""
    with context(session, "start") as where:
        return [execute(load_action("start_campaign"), {"campaign": yaml.safe_dump(SMALL)}, where) for _ in range(2)]


@pytest.fixture(scope="module")
def first(twice: list[ActionResult]) -> ActionResult:
    return twice[0]


@pytest.fixture(scope="module")
def second(session: Session, first: ActionResult) -> ActionResult:
    return act(session, "start_campaign", campaign={**SMALL, "name": "second", "budget": {"docking_calls": 1}})


@pytest.fixture(scope="module")
def table(session: Session, first: ActionResult) -> RunResult:
    return session.result(first.runs[0])


def molecules(result: ActionResult) -> list[Item]:
    return [item for item in result.items if item.kind == "molecule"]


def test_a_campaign_gives_its_table_and_its_run(first: ActionResult, table: RunResult, session: Session) -> None:
    assert first.fault == ""
    assert [item.value for item in molecules(first)] == [candidate.smiles for candidate in table.candidates]
    assert [item.value for item in first.items if item.kind == "run"] == first.runs
    assert first.runs[0] in session.ledger.get_thread(THREAD).runs
    for item in molecules(first):
        assert session.ledger.get_call(item.numbers["vina"].call_id) is not None
        assert item.links["pose"] in session.artifacts


def test_the_same_call_again_starts_nothing_twice(twice: list[ActionResult]) -> None:
    assert twice[0].runs == twice[1].runs
    assert [item.handle for item in twice[0].items] == [item.handle for item in twice[1].items]


@pytest.mark.parametrize(
    ("campaign", "words"),
    [
        ({"target": "NOWHERE9"}, ["NOWHERE9"]),
        ({**SMALL, "roundz": 2}, ["roundz", "rounds"]),
        ({"target": {"pdb": "/etc/passwd", "pocket": "from_ligand STI"}}, ["/etc/passwd", "upload it"]),
        ({**SMALL, "reference": "secrets.sdf"}, ["secrets.sdf", "upload it"]),
        ("just words", ["just words", "neither a file"]),
        ("a: [", ["not valid YAML"]),
        ("F9", ["F9"]),
    ],
)
def test_a_wrong_campaign_is_an_answer_that_says_how_to_fix_it(
    campaign: Any, words: list[str], session: Session
) -> None:
    result = act(session, "start_campaign", campaign=campaign)
    assert result.fault == "input"
    assert result.runs == []
    for word in words:
        assert word in result.summary


def test_a_campaign_file_of_the_conversation_is_taken_by_handle_or_name(session: Session, first: ActionResult) -> None:
    text = yaml.safe_dump({**SMALL, "target": "NOWHERE9"})
    item = {"kind": "file", "value": session.artifacts.put(text, ".yaml"), "name": "plan.yaml"}
    (held,) = session.ledger.put_items(THREAD, "upload", [Item.model_validate(item).model_dump(mode="json")])
    for named in (held["handle"], "plan.yaml"):
        assert "NOWHERE9" in act(session, "start_campaign", campaign=named).summary


def test_the_cost_is_known_before_anything_runs(session: Session) -> None:
    with context(session, "cost") as where:
        cost = load_action("start_campaign").estimate({"campaign": SMALL}, where)
        sweep = {**SMALL, "sweep": {"seed": [1, 2, 3]}}
        thrice = load_action("start_campaign").estimate({"campaign": sweep}, where)
    assert cost.docking_calls == 2
    assert thrice.docking_calls == 6
    assert thrice.seconds == pytest.approx(3 * cost.seconds)


def test_a_workflow_costs_what_its_stages_cost(session: Session) -> None:
    """Also one that leaves this machine: wrapped into a workflow it has to be asked for all the same."""
    look = {"id": "look", "do": "search_literature", "with": {"query": "kinases", "online": True}}
    design = {"id": "design", "do": "start_campaign", "with": {"campaign": {"target": "ABL1"}}}
    each = {"id": "each", "do": "dock", "foreach": ["ABL1", "EGFR"], "with": {"molecules": ["CCO"], "target": "$item"}}
    wrong = {"id": "wrong", "do": "start_campaign", "with": {"campaign": {"target": "ABL1", "rounds": 0}}}
    with context(session, "cost") as where:
        whole, bounded, nested = (
            load_action("start_campaign").estimate({"campaign": campaign}, where)
            for campaign in (
                {"stages": [design, each, wrong]},
                {"stages": [design, each], "budget": {"minutes": 1}},
                {"stages": [{"id": "in", "do": "start_campaign", "with": {"campaign": {"stages": [look]}}}]},
            )
        )
        timed = load_action("start_campaign").estimate(
            {"campaign": {"target": "ABL1", "budget": {"minutes": 2}}}, where
        )
    assert (whole.docking_calls, whole.outward) == (96 + 2, False)
    assert whole.seconds > bounded.seconds == 60.0
    assert nested.outward
    assert timed.seconds == 120.0


def test_status_of_the_last_campaign(session: Session, second: ActionResult) -> None:
    result = act(session, "run_status")
    (item,) = result.items
    last = max(session.ledger.get_thread(THREAD).runs, key=lambda run: session.ledger.get_run(run).created)
    assert session.ledger.get_run(item.value).kind == "campaign"
    assert item.value <= last
    assert item.details["state"] == "done"


def test_status_by_id_has_counts_and_the_call_behind_the_best(
    session: Session, first: ActionResult, table: RunResult
) -> None:
    (item,) = act(session, "run_status", run_id=first.runs[0]).items
    assert item.numbers["generated"].value == SMALL["per_round"]
    assert item.numbers["docked"].value == 2
    best = item.numbers["best vina"]
    assert best.value == min(
        check.value for check in results_of(session, first.runs[0], "dock") if isinstance(check.value, float)
    )
    assert session.ledger.get_call(best.call_id) is not None
    progress = progress_of(session, first.runs[0])
    assert progress.funnel["chemistry"] == {
        key: count for key, count in (("pass", table.funnel[0].passed), ("fail", table.funnel[0].failed)) if count
    }
    assert (progress.round, progress.rounds, progress.waits_for) == (1, 1, "")


def results_of(session: Session, run_id: str, name: str) -> list[Any]:
    return [r for held in session.ledger.results(run_id).values() for r in held if r.name == name and r.passed]


def test_status_of_what_is_not_there_or_only_queued(session: Session) -> None:
    assert act(session, "run_status", run_id="000000000000").fault == "input"
    queued = session.manager.start({"name": "later", "rounds": 3}, "campaign")
    result = act(session, "run_status", run_id=queued)
    assert "waits for its turn" in result.summary


def test_a_ranked_candidate_is_explained(session: Session, first: ActionResult, table: RunResult) -> None:
    handle = molecules(first)[0].handle
    result = act(session, "explain_candidate", candidate=handle)
    assert result.fault == "", result.summary
    (item,) = result.items
    best = table.candidates[0]
    assert item.value == best.smiles
    assert item.made_from == [handle]
    assert f"rank 1 of {len(table.candidates)}" in result.summary
    assert item.details["origin"] == best.origin
    terms = {term["score"]: term for term in item.details["desirability_terms"]}
    assert set(terms) == {"vina", "qed", "sa"}
    assert terms["vina"]["value"] == best.scores["vina"].value
    product, weights = 1.0, 0.0
    for term in terms.values():
        product *= term["desirability"] ** term["weight"]
        weights += term["weight"]
    assert product ** (1 / weights) == pytest.approx(best.scores["desirability"].value)
    for check in item.checks:
        assert session.ledger.get_call(check.call_id) is not None
    near = item.details["neighbours"]
    assert [n["similarity"] for n in near] == sorted((n["similarity"] for n in near), reverse=True)
    assert all(n["text"] != item.value for n in near)


def test_candidates_are_found_by_rank_smiles_and_id(session: Session, first: ActionResult, table: RunResult) -> None:
    best, run_id = table.candidates[0], first.runs[0]
    named = ("1", "rank 1", best.smiles, best.candidate_id)
    values = [act(session, "explain_candidate", candidate=text, run_id=run_id).items[0].value for text in named]
    assert set(values) == {best.smiles}


def test_a_candidate_that_failed_says_where_and_by_which_call(session: Session, first: ActionResult) -> None:
    run_id = first.runs[0]
    failed = {
        candidate_id: next(r for r in results if r.hard and not r.passed)
        for candidate_id, results in session.ledger.results(run_id).items()
        if any(r.hard and not r.passed for r in results)
    }
    candidate_id, check = next(iter(failed.items()))
    result = act(session, "explain_candidate", candidate=candidate_id, run_id=run_id)
    assert check.name in result.summary
    assert check.call_id[:10] in result.summary
    assert result.items[0].details["not_passed"][0]["reason"] == check.reason


def test_why_a_candidate_was_not_docked_is_said_only_of_a_run_that_is_done(session: Session, table: RunResult) -> None:
    judged = judged_candidates(session, session.ledger.get_run(table.run_id))
    waiting = next(one for one in judged if not one.docked and one.obstacle is None)
    assert "others promised more" in _fate(waiting, None, table)
    for unfinished in (None, table.model_copy(update={"state": "stopped"})):
        assert _fate(waiting, None, unfinished).endswith("was not sent to docking so far.")


def test_what_is_no_candidate_is_said_with_what_there_is(session: Session, first: ActionResult) -> None:
    for wrong in ("rank 99", "c9999", "CCCCCCCCCCCCCCCCCC"):
        result = act(session, "explain_candidate", candidate=wrong, run_id=first.runs[0])
        assert result.fault == "input"
        assert first.runs[0] in result.summary


@pytest.fixture(scope="module")
def comparison(session: Session, first: ActionResult, second: ActionResult) -> Comparison:
    return compare_runs(session, first.runs[0], second.runs[0], k=2)


def score(comparison: Comparison, name: str, of: str) -> ScoreComparison:
    return next(one for one in comparison.scores if (one.score, one.of) == (name, of))


def test_only_what_differs_stands_among_the_settings(comparison: Comparison) -> None:
    assert {(one.key, one.a, one.b) for one in comparison.settings} == {("budget.docking_calls", 2, 1)}
    assert comparison.versions == []


def test_scores_of_equal_settings_are_compared_with_an_interval(comparison: Comparison, table: RunResult) -> None:
    vina = score(comparison, "vina", "table")
    assert vina.comparable
    assert vina.a.n == len(table.candidates)
    best = next(one.scores["vina"] for one in table.candidates if one.scores["vina"].value == vina.a.best)
    assert vina.a.best_call == best.call_id != ""
    assert vina.a.best == min(candidate.scores["vina"].value or 0.0 for candidate in table.candidates)
    assert vina.difference == pytest.approx((vina.a.best_mean or 0.0) - (vina.b.best_mean or 0.0))
    docked = score(comparison, "qed", "docked")
    assert docked.comparable
    if docked.low is not None and docked.high is not None:
        assert docked.low <= docked.high
        assert "doi" in docked.source
        assert docked.decided == (docked.low > 0 or docked.high < 0)


def test_the_funnels_and_counts_are_those_of_the_runs(comparison: Comparison, table: RunResult) -> None:
    assert comparison.funnel_a == table.funnel
    assert (comparison.a.generated, comparison.a.docked) == (64, 2)


def test_shared_candidates_are_counted_where_not_all_are_listed(
    session: Session, first: ActionResult, second: ActionResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.compare.MAX_SHARED", 0)
    overlap = compare_runs(session, first.runs[0], second.runs[0]).overlap
    assert (overlap.n_identical_docked, overlap.identical_docked) == (1, [])


@pytest.mark.slow
def test_a_run_shares_all_its_candidates_with_its_repetition(session: Session, first: ActionResult) -> None:
    again = act(session, "start_campaign", campaign={**SMALL, "name": "repeated"})
    found = compare_runs(session, first.runs[0], again.runs[0], k=2)
    assert found.settings == []
    assert found.overlap.identical == found.overlap.candidates[0] == found.overlap.candidates[1]
    assert all(likeness == 1.0 for _, _, likeness in found.overlap.nearest)
    assert all(pair[0] == pair[1] for one in found.overlap.identical_docked for pair in one.scores.values())
    assert score(found, "vina", "table").difference == 0.0


@pytest.mark.parametrize(
    ("docking", "docked", "finally_scored"),
    [
        ({"final_exhaustiveness": 8}, "", "final_exhaustiveness (1 and 8)"),
        ({"exhaustiveness": 8}, "exhaustiveness (1 and 8)", ""),
        ({"n_ring_conformers": 3}, "n_ring_conformers", "n_ring_conformers"),
    ],
)
def test_other_docking_settings_are_said_instead_of_compared(
    docking: dict[str, int], docked: str, finally_scored: str, table: RunResult
) -> None:
    campaign = table.settings["campaign"]
    settings = {**table.settings, "campaign": {**campaign, "docking": {**campaign["docking"], **docking}}}
    other = table.model_copy(update={"settings": settings})
    for of, said in (("docked", docked), ("table", finally_scored)):
        found = docking_obstacle(table, other, of)
        assert bool(found) == bool(said)
        assert said in found


def test_a_table_of_the_rounds_is_not_compared_with_one_of_finalists(table: RunResult) -> None:
    (best, *rest) = table.candidates
    checks = [
        check.model_copy(update={"details": {**check.details, "exhaustiveness": 2}}) if check.name == "dock" else check
        for check in best.checks
    ]
    other = table.model_copy(update={"candidates": [best.model_copy(update={"checks": checks}), *rest]})
    assert "no confirmed finalists" in docking_obstacle(table, other, "table")
    assert docking_obstacle(table, other, "docked") == ""


def test_other_receptors_and_boxes_are_said_instead_of_compared(table: RunResult) -> None:
    assert docking_obstacle(table, table, "table") == ""
    assert table.target is not None
    receptor = table.model_copy(update={"target": table.target.model_copy(update={"receptor": "other.json"})})
    assert "different receptors" in docking_obstacle(table, receptor, "table")
    box = table.model_copy(update={"target": table.target.model_copy(update={"box_size_angstrom": (9.0, 9.0, 9.0)})})
    assert "different boxes" in docking_obstacle(table, box, "docked")


def test_what_cannot_be_compared_is_refused(session: Session, first: ActionResult) -> None:
    run_id = first.runs[0]
    with pytest.raises(InputError, match="two different runs"):
        compare_runs(session, run_id, run_id)
    other = session.manager.start({"name": "x"}, "chat")
    with pytest.raises(InputError, match="chat"):
        compare_runs(session, run_id, other)
