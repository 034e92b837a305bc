"""Which contexts are compared, and the two areas from scores by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tools.evaluation.steering import Context, choose_others, score_contexts, steering_figures

OWN = Context("own", "<ProteinS>MK<ProteinE><MoleculeS>", 20, "MK")


def pool(n: int) -> list[Context]:
    return [Context(f"case-{at}", f"<ProteinS>{'A' * (at + 1)}<ProteinE><MoleculeS>", 15 + at, "A") for at in range(n)]


def test_others_are_of_like_size_and_not_alike() -> None:
    chosen = choose_others(OWN, [OWN, *pool(20)], n=50, size_band=2, alike=str.__eq__, seed=0)
    assert sorted(one.size for one in chosen) == [18, 19, 20, 21, 22]
    assert not choose_others(OWN, [OWN, *pool(20)], n=50, size_band=2, alike=lambda *_: True, seed=0)
    assert len(choose_others(OWN, pool(20), n=3, size_band=9, alike=str.__eq__, seed=0)) == 3


def test_choice_hangs_on_the_seed_and_not_on_the_order() -> None:
    def chosen(others: list[Context], seed: int) -> list[str]:
        return [one.case_id for one in choose_others(OWN, others, n=4, size_band=99, alike=str.__eq__, seed=seed)]

    assert chosen(pool(20), 1) == chosen(pool(20)[::-1], 1)
    assert chosen(pool(20), 1) != chosen(pool(20), 2)


def test_areas_by_hand() -> None:
    scored = [{"own": -10.0, "others": [-11.0, -9.0]}, {"own": -20.0, "others": [-21.0, -22.0, -20.0]}]
    figures = {figure.name: figure for figure in steering_figures("pocket", scored, "the ligand", seed=0)}
    assert figures["pocket_auroc"].value == pytest.approx((0.5 + 2.5 / 3) / 2)
    # pooled: -10 beats -11, -21, -22, -20 of five; -20 beats -21, -22 and ties -20
    assert figures["pocket_pooled_auroc"].value == pytest.approx((4 + 2.5) / 10)
    assert steering_figures("pocket", [], "the ligand", seed=0)[0].value is None


def test_contexts_that_do_not_fit_are_left_out(random_model: Any) -> None:
    text, long = "CCO<MoleculeE>", f"<ProteinS>{'A' * 200}<ProteinE><MoleculeS>"
    other = "<ProteinS>WWWW<ProteinE><MoleculeS>"
    scored = score_contexts(random_model, text, OWN.prompt, [long, other])
    assert scored is not None
    assert len(scored["others"]) == 1
    assert score_contexts(random_model, text, long, [other]) is None
    assert score_contexts(random_model, text, OWN.prompt, [long]) is None
    plain = random_model.score([OWN.prompt + text, OWN.prompt])
    assert scored["own"] == pytest.approx(plain[0].log_prob - plain[1].log_prob, abs=1e-4)
