"""Landscapes read from their tables, GGS's rule by hand and against the official AAV sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import InputError
from tools.evaluation.data_files import read_rows
from tools.evaluation.start_sets import GB1, GFP, RULES, StartRule, build_landscape, mutate, select_by_rule, start_set

BIO = Path(__file__).resolve().parents[4] / "shared" / "data" / "bio"


def test_known_chains() -> None:
    assert len(GFP) == 237
    assert GFP[63:66] == "SYG", "the chromophore, S65, Y66, G67 of the chain with its Met"
    assert [GB1[at] for at in (38, 39, 40, 53)] == ["V", "D", "G", "V"]


def test_rule_by_hand() -> None:
    rows = [(letters, float(at)) for at, letters in enumerate(["AAAA", "AACC", "ACCC", "CCCC", "CCCA", "DDDD"])]
    # the best percent is DDDD alone; every other chain is 4 edits from it
    assert select_by_rule(rows, StartRule(0, 50, 4)) == ["AAAA", "AACC", "ACCC"]
    assert select_by_rule(rows, StartRule(0, 50, 5)) == []
    # with the best 40 percent (CCCC, CCCA, DDDD from fitness 3 up): ACCC is 1 edit from CCCC, AACC 2, AAAA 3
    assert select_by_rule(rows, StartRule(0, 50, 2, top_percent=40.0)) == ["AAAA", "AACC"]
    assert select_by_rule(rows, StartRule(20, 40, 0)) == ["AACC", "ACCC"]


def test_tables() -> None:
    gb1 = build_landscape([{"variant4": "VDGV", "fitness": "1.0"}, {"variant4": "ADGV", "fitness": "0.5"}])
    assert gb1.kind == "gb1"
    assert gb1.fitness[GB1] == 1.0
    assert gb1.normalised(0.75) == 0.5
    gfp = build_landscape(
        [
            {"mutations": "", "score": "3.7", "ggs_medium": "0", "ggs_hard": "0"},
            {"mutations": "S0A,K1R", "score": "1.2", "ggs_medium": "1", "ggs_hard": "0"},
        ]
    )
    assert gfp.fitness["AR" + GFP[2:]] == 1.2
    assert start_set(gfp, "medium") == ["AR" + GFP[2:]]
    with pytest.raises(InputError, match="empty"):
        start_set(gfp, "hard")


@pytest.mark.parametrize("mutations", ["A0S", "S999A", "SxA"])
def test_wrong_mutations_are_named(mutations: str) -> None:
    with pytest.raises(InputError, match=mutations):
        mutate(GFP, mutations)


def test_tables_without_a_landscape_are_refused() -> None:
    with pytest.raises(InputError, match="smiles"):
        build_landscape([{"smiles": "C", "score": "1"}])
    with pytest.raises(InputError, match="one fitness"):
        build_landscape([{"sequence": "AA", "score": "1"}, {"sequence": "AC", "score": "1"}])
    with pytest.raises(InputError, match="not a finite number"):
        build_landscape([{"sequence": "AA", "score": "1"}, {"sequence": "AC", "score": ""}])
    with pytest.raises(InputError, match="four"):
        build_landscape([{"variant4": "VDG", "fitness": "1"}])


@pytest.mark.shared
@pytest.mark.skipif(not BIO.is_dir(), reason="needs ../shared/data/bio")
def test_rule_gives_the_official_aav_sets() -> None:
    """Membership of every 40th row between the percentiles, against the flags of GROOT's official files."""
    rows = [row.values for row in read_rows(BIO / "aav_bryant2021_ggs.csv.gz")]
    landscape = build_landscape(rows)
    for name, rule in RULES.items():
        official = {str(row["sequence"]) for row in rows if row[f"ggs_{name}"] == "1"}
        assert len(start_set(landscape, name)) == len(official)
        top = sorted(landscape.rows, key=lambda row: -row[1])[: len(landscape.rows) // 100 + 1]
        between = select_by_rule(landscape.rows, StartRule(rule.low_percentile, rule.high_percentile, 0))
        sampled = [(sequence, 0.5) for sequence in sorted(set(between))[::40]]
        # the top percent stays on top of the sample, which lies between the sample's own percentiles
        chosen = select_by_rule(
            [*sampled, *((s, 9.0) for s, _ in top)],
            StartRule(0, 10, rule.gap, 100 * len(top) / (len(top) + len(sampled))),
        )
        assert set(chosen) == {sequence for sequence, _ in sampled if sequence in official}
