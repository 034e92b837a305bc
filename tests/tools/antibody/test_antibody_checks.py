"""Loops of trastuzumab and of broken chains: lengths, liabilities with their places, anchors, numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.antibody.check_liabilities import LIABILITIES, check_liabilities, find_liabilities
from tools.antibody.check_loop_kind import check_loop_kind
from tools.antibody.check_loop_length import USUAL_LENGTHS, check_loop_length
from tools.antibody.check_loop_numbers import check_loop_numbers
from tools.antibody.draw_domains import draw_domains
from tools.antibody.variable_domain import LOOPS, VariableDomains, need_loop, parse_domains, render_domains
from tools.errors import InputError
from tools.registry import TOOLS
from tools.types import Verdict

# Variable domains of trastuzumab (4D5-8), PDB 1N8Z.
HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTI"
    "SADTSKNTAYLQMNSLRAEDTAVYYCSRWGGDGFYAMDYWGQGTLVTVSS"
)
LIGHT = "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIK"
TRASTUZUMAB = VariableDomains(HEAVY, LIGHT)
H3 = "SRWGGDGFYAMDY"

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "loop_length": ({"loop": "H3", "residues": H3}, {"loop": "L2", "residues": H3}, "long"),
    "loop_kind": ({"loop": "L3", "residues": "QQYNSYPLT"}, {"loop": "L3", "residues": "GFTFSSYA"}, "reads like an H1"),
    "liabilities": ({"residues": "ARDYYFDY"}, {"residues": "ARNGSYFDY"}, "deamidation NG at 3"),
    "loop_anchors": (
        {"antibody": f"{HEAVY}:{LIGHT}", "loops": {"H3": "ARDYYGFDY"}},
        {"antibody": HEAVY, "loops": {"H3": "ARDWGQGTLDY"}},
        "H3 reads as",
    ),
}
CHECKS = {name: TOOLS[name].load() for name in (*CASES, "loop_numbers")}


def test_every_check_file_is_in_the_table_and_tested() -> None:
    folder = Path(__file__).resolve().parents[3] / "tools" / "antibody"
    written = {f"tools.antibody.{path.stem}" for path in folder.glob("check_*.py")}
    assert written == {TOOLS[name].function.partition(":")[0] for name in CHECKS}


@pytest.mark.parametrize("name", CASES)
def test_good_passes_bad_fails(name: str) -> None:
    good, bad, words = CASES[name]
    passed, failed = CHECKS[name](**good), CHECKS[name](**bad)
    assert (passed.name, passed.verdict, passed.reason) == (name, Verdict.PASS, "")
    assert failed.verdict is Verdict.FAIL
    assert words in failed.reason
    assert CHECKS[name](**bad) == failed


def test_loops_of_trastuzumab_are_found_and_replaced() -> None:
    spans = TRASTUZUMAB.spans()
    loops = {name: TRASTUZUMAB.chain_of(name)[slice(*spans[name])] for name in LOOPS}
    assert loops == {
        "H1": "GFNIKDTY",
        "H2": "IYPTNGYT",
        "H3": H3,
        "L1": "QDVNTA",
        "L2": "SAS",
        "L3": "QQHYTTPPT",
    }
    changed = TRASTUZUMAB.with_loops({"H3": "ARDY", "H1": "GFTFSSYA", "L3": "QQYNSYPLT"})
    again = changed.spans()
    assert changed.heavy[slice(*again["H3"])] == "ARDY"
    assert changed.heavy[slice(*again["H1"])] == "GFTFSSYA"
    assert changed.light[slice(*again["L3"])] == "QQYNSYPLT"
    assert len(changed.heavy) == len(HEAVY) - len(H3) + 4
    with pytest.raises(InputError, match="L1 was not found"):
        VariableDomains(HEAVY).with_loops({"L1": "QSV"})


def test_chains_are_written_and_read() -> None:
    for domains in (TRASTUZUMAB, VariableDomains(HEAVY), VariableDomains("", LIGHT)):
        assert parse_domains(render_domains(domains)) == domains
    for broken in ("", ":", "A:B:C", "EVQX"):
        with pytest.raises(InputError):
            parse_domains(broken)
    assert [need_loop(name) for name in ("cdr-h3", "CDRL1", "h2")] == ["H3", "L1", "H2"]
    with pytest.raises(InputError, match="H1, H2, H3"):
        need_loop("H4")


def test_liabilities_of_trastuzumab_are_those_that_were_measured() -> None:
    """Harris et al. 2001 (doi:10.1016/S0378-4347(00)00548-X): Asn 55 of CDR-H2 (NG), Asn 30 of CDR-L1 (NT), Asp 102 of
    CDR-H3 (DG)."""
    assert [(found.name, place, motif) for found, place, motif in find_liabilities("IYPTNGYT")] == [
        ("deamidation", 5, "NG")
    ]
    assert ("deamidation, slower", 4, "NT") in [(f.name, at, m) for f, at, m in find_liabilities("QDVNTA")]
    severe = check_liabilities(H3)
    assert severe.reason == "isomerisation DG at 6"
    assert {one["name"] for one in severe.details["motifs"]} == {"isomerisation", "oxidation"}


def test_inherited_liabilities_do_not_count_against_a_design() -> None:
    assert check_liabilities("SRYGGDGFYAMDY", original=H3).verdict is Verdict.PASS
    assert check_liabilities("SRYGGDGFYAMDY", original=H3.lower()).verdict is Verdict.PASS
    assert check_liabilities("SRN", after="gs").verdict is Verdict.FAIL
    longer = check_liabilities("SRWYYGGDGFYAMDY", original=H3)  # the same place counted from the end
    assert longer.verdict is Verdict.PASS
    assert check_liabilities("SRDGGYGFYAMDY", original=H3).verdict is Verdict.FAIL


def test_a_motif_may_reach_into_the_framework() -> None:
    assert check_liabilities("ARDYN", after="GQ").reason == "deamidation NG at 5"
    assert check_liabilities("ARDYN", after="WG").verdict is Verdict.PASS
    assert check_liabilities("TARDY", before="YNA").reason == "N-glycosylation NAT at -1"
    assert check_liabilities("TARDY", before="AN").verdict is Verdict.PASS
    assert find_liabilities("SYDY", before="NA")[0][:2] == (LIABILITIES[0], -1)
    assert find_liabilities("AAAA", before="NG", after="NG") == []


def test_a_proline_blocks_glycosylation() -> None:
    assert check_liabilities("ARNPSDY").verdict is Verdict.PASS
    assert check_liabilities("ARNASDY").reason == "N-glycosylation NAS at 3"


def test_numbers_of_a_loop() -> None:
    details = check_loop_numbers("ARKKDY", "ARDY").details
    assert details["charge_e"] == pytest.approx(1.99, abs=0.02)
    assert details["identity"] == pytest.approx(1 - 2 / 6, abs=1e-3)
    assert details["recovery"] == pytest.approx(2 / 6, abs=1e-3)
    assert details["hydropathy"] == pytest.approx((1.8 - 4.5 - 3.9 - 3.9 - 3.5 - 1.3) / 6, abs=1e-3)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_of_trastuzumab_are_told_apart_by_their_ends(name: str) -> None:
    spans = TRASTUZUMAB.spans()
    residues = TRASTUZUMAB.chain_of(name)[slice(*spans[name])]
    assert check_loop_kind(name, residues).verdict is Verdict.PASS
    others = [check_loop_kind(other, residues).verdict for other in LOOPS if other != name]
    assert others.count(Verdict.FAIL) >= 4
    assert check_loop_kind(name, residues, margin=0).value == check_loop_kind(name, residues).value
    assert check_loop_kind("H3", "A").unit == "ln odds"


def test_bands_of_lengths_hold_known_loops() -> None:
    spans = TRASTUZUMAB.spans()
    for name in LOOPS:
        residues = TRASTUZUMAB.chain_of(name)[slice(*spans[name])]
        assert check_loop_length(name, residues).verdict is Verdict.PASS
    assert check_loop_length("H3", "ARDY", minimum=4).verdict is Verdict.PASS
    assert set(USUAL_LENGTHS) == set(LOOPS)


def test_the_drawing_names_loops_and_underlines_new_ones() -> None:
    root = ElementTree.fromstring(draw_domains(TRASTUZUMAB, {"H3": H3}))
    texts = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(LOOPS) <= set(texts)
    assert "".join(str(text) for text in texts if len(str(text)) == 1).startswith(HEAVY[:30])
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == len(H3)
