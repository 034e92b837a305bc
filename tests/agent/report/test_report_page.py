"""The page as text: what it says, what it must not say, and that nothing hostile gets out of its place."""

from __future__ import annotations

import base64
import gzip
import importlib.metadata
import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem

from agent.interface.schemas import RunResult
from agent.report import viewer, write_report
from agent.report.methods import REFERENCES, build_methods
from tools.errors import UnavailableError

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Tags with attributes, text by enclosing section, script bodies."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: list[str] = []
        self.text: dict[str, str] = {}
        self.headings: list[str] = []
        self.stack: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self.sections.append(dict(attrs).get("id") or "")
        self.stack = [*self.stack, tag][-1:]

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] == ["script"]:
            self.scripts.append(data)
            self.stack = []
        elif self.sections:
            here = self.sections[-1]
            self.text[here] = " ".join((self.text.get(here, "") + " " + data).split())


def render(run: Any, tmp_path: Path, **changes: Any) -> tuple[str, Page]:
    result = run.result.model_copy(update=changes)
    path = write_report(result, run.artifacts, run.campaign, run.calls, tmp_path / "report.html")
    text = path.read_text()
    return text, Page(text)


@pytest.fixture(scope="module")
def page(abl1_run: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    return render(abl1_run, tmp_path_factory.mktemp("report"))


def test_sections_stand_in_order(page: tuple[str, Page]) -> None:
    first = ["headline", "controls", "request", "funnel", "progress", "candidates", "view"]
    assert page[1].sections == [*first, "evidence", "methods", "provenance"]


def test_headline_says_trust_and_compares_with_the_reference(page: tuple[str, Page]) -> None:
    text = page[1].text["headline"]
    assert "Target ABL1 · run finished" in text
    assert "Docking weak on this target" in text
    assert "ROC-AUC 0.66 against 0.63" in text
    assert "6 designs ranked out of 96 generated and 30 docked in 3 rounds" in text
    assert "rank 1 has a Vina score of -10.62 kcal/mol, the reference imatinib -11.30 kcal/mol" in text


def test_funnel_counts_unknown_apart_and_shows_who_did_not_enter(page: tuple[str, Page]) -> None:
    text = page[1].text["funnel"]
    assert "Docking 30 27 0 3 20 passed the stage before and were not sent on within the budget 3 worker ran" in text
    assert "18 more than 38 heavy atoms 11 fewer than 20 heavy atoms" in text


def test_missing_values_read_not_computed_and_never_zero(page: tuple[str, Page]) -> None:
    assert page[1].text["candidates"].count("Size residual lower is better not computed none") == 7
    rows = [attrs for tag, attrs in page[1].tags if tag == "tbody" and (attrs.get("id") or "").startswith("row-")]
    assert [row["id"] for row in rows][:2] == ["row-reference", "row-candidate-1"]
    assert all(row["data-s3"] == "" for row in rows)
    assert rows[1]["data-s0"] == "-10.62"


def test_reasons_and_verdicts_stand_with_the_checks(page: tuple[str, Page]) -> None:
    text = page[1].text["candidates"]
    assert "? undecided not computed <= 13 kcal/mol MMFF94 has no parameters for atom 7 (B) dock-0002" in text
    assert "✕ fail 1 alerts <= 0 alerts aniline none" in text


def test_call_links_lead_to_the_provenance_table(page: tuple[str, Page]) -> None:
    targets = {attrs["href"] for tag, attrs in page[1].tags if tag == "a" and attrs.get("class") == "call"}
    ids = {f"#{attrs['id']}" for _, attrs in page[1].tags if attrs.get("id")}
    assert targets == {f"#call-{n}" for n in range(1, 8)}
    assert targets <= ids
    assert "dock-0003 dock vina 1.2.7" in page[1].text["provenance"]


def test_nothing_is_asked_from_outside(page: tuple[str, Page]) -> None:
    for tag, attrs in page[1].tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)
        assert not any(name.startswith("on") for name in attrs), tag
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
    policy = next(attrs["content"] for tag, attrs in page[1].tags if attrs.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    style = re.search(r"<style>(.*?)</style>", page[0], re.DOTALL)
    assert style is not None
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)


def test_hostile_strings_stay_text(abl1_run: Any, tmp_path: Path) -> None:
    result = abl1_run.result
    bad = result.candidates[0].model_copy(
        update={
            "smiles": HOSTILE,
            "candidate_id": HOSTILE,
            "origin": HOSTILE,
            "parents": [HOSTILE],
            "seen_before": HOSTILE,
            "scores": {HOSTILE: result.candidates[0].scores["vina"].model_copy(update={"unit": HOSTILE})},
            "checks": [
                result.candidates[0]
                .checks[0]
                .model_copy(update={"name": HOSTILE, "reason": HOSTILE, "value": HOSTILE, "call_id": HOSTILE})
            ],
        }
    )
    stage = result.funnel[0].model_copy(update={"stage": HOSTILE, "reasons": {HOSTILE: 8}})
    best = result.rounds[0].model_copy(update={"best": {HOSTILE: 1.0}, "origins": {HOSTILE: 1}})
    run = type(abl1_run)(
        result,
        abl1_run.artifacts,
        {"name": HOSTILE, HOSTILE: HOSTILE},
        {HOSTILE: {"tool": HOSTILE, "args": {HOSTILE: HOSTILE}, "version": HOSTILE, "time": HOSTILE, "seconds": 1.0}},
    )
    text, parsed = render(
        run,
        tmp_path,
        name=HOSTILE,
        message=HOSTILE,
        target=result.target.model_copy(update={"name": HOSTILE, "notes": [HOSTILE]}),
        reference=result.reference.model_copy(update={"name": HOSTILE}),
        candidates=[bad, *result.candidates[1:]],
        funnel=[stage],
        rounds=[best],
        settings={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE},
        files={HOSTILE: HOSTILE},
    )
    clean_scripts = [body for body in parsed.scripts if "owned" not in body]
    assert len(parsed.scripts) == len(clean_scripts) == 5
    assert [tag for tag, _ in parsed.tags].count("script") == 5
    assert not any("onerror" in attrs for _, attrs in parsed.tags)
    assert "<script>document" not in text
    assert "no drawing" in text


def test_empty_run_says_so_everywhere(tmp_path: Path) -> None:
    result = RunResult(run_id="r", name="empty", state="failed", message="the receptor file is broken")
    path = write_report(result, {}.__getitem__, {}, {}, tmp_path / "report.html")
    parsed = Page(path.read_text())
    assert "No design passed every stage. Docking untested on this target" in parsed.text["headline"]
    assert "Docking untested on this target" in parsed.text["headline"]
    assert "the receptor file is broken" in parsed.text["headline"]
    assert "Generated not computed" in parsed.text["headline"]
    assert "There is no 3D view in this report" in parsed.text["view"]
    assert "No control experiment is recorded" in parsed.text["controls"]


def test_same_input_gives_the_same_page(abl1_run: Any, page: tuple[str, Page], tmp_path: Path) -> None:
    assert render(abl1_run, tmp_path)[0] == page[0]


def test_page_stays_small_and_states_its_size(page: tuple[str, Page]) -> None:
    n_bytes = len(page[0].encode())
    assert n_bytes < 3_000_000
    assert f"one file of {n_bytes / 1e6:.1f} MB" in page[0]


def test_without_the_viewer_package_the_page_says_so(
    abl1_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "PACKAGE", "a_viewer_that_is_not_installed")
    viewer.load_viewer.cache_clear()
    text, parsed = render(abl1_run, tmp_path)
    viewer.load_viewer.cache_clear()
    assert "the package a_viewer_that_is_not_installed is not installed" in parsed.text["view"]
    assert "Show pose" not in text
    assert len(text) < 500_000


def test_a_lost_receptor_or_pose_is_said(abl1_run: Any, tmp_path: Path) -> None:
    run = type(abl1_run)(abl1_run.result, {}.__getitem__, abl1_run.campaign, abl1_run.calls)
    _, parsed = render(run, tmp_path)
    assert "the receptor receptor-abl1 cannot be read" in parsed.text["view"]


def test_viewer_bundle_is_the_installed_one_with_its_notice() -> None:
    bundle = viewer.load_viewer()
    script = gzip.decompress(base64.b64decode(bundle.script)).decode()
    spec = importlib.util.find_spec("ipymolstar")
    assert spec is not None
    assert spec.origin is not None
    original = (Path(spec.origin).parent / "static" / "molviewspec.js").read_text()
    assert script[:5_000_000] == original[:5_000_000]
    assert "window.organonMolstar = " in script
    assert "as default" not in script[-20_000:]
    assert bundle.package == f"ipymolstar {importlib.metadata.version('ipymolstar')}"
    assert "Permission is hereby granted, free of charge" in bundle.licence


def test_an_unknown_bundle_is_refused_not_guessed() -> None:
    with pytest.raises(UnavailableError, match="not built as this report expects"):
        viewer._expose_namespace("export default {};", "9.9")


def test_poses_reach_the_viewer_in_the_receptor_frame(abl1_run: Any) -> None:
    keys = [("candidate-1", "pose-1"), ("candidate-6", None)]
    structures = viewer.collect_structures(abl1_run.result, abl1_run.artifacts, keys)
    content = json.loads(gzip.decompress(base64.b64decode(structures.payload)))
    assert structures.keys == ("candidate-1",)
    assert structures.problems == {"candidate-6": "no pose recorded"}
    receptor = Chem.MolFromPDBBlock(content["receptor"], sanitize=False, removeHs=False, proximityBonding=False)
    assert receptor.GetNumAtoms() > 2000
    pose = Chem.MolFromPDBBlock(content["poses"]["candidate-1"], removeHs=True)
    expected = Chem.MolFromSmiles(abl1_run.result.candidates[0].smiles)
    assert Chem.MolToSmiles(pose) == Chem.MolToSmiles(expected)
    serials = [int(line[6:11]) for line in content["poses"]["candidate-1"].splitlines() if line.startswith("HETATM")]
    assert min(serials) > max(int(line[6:11]) for line in content["receptor"].splitlines() if line[:4] == "ATOM")


def test_methods_name_only_what_ran(abl1_run: Any) -> None:
    text = build_methods(abl1_run.result, abl1_run.calls)
    prose = " ".join(f"{s.sentence} ({s.detail})" for s in text.statements)
    assert "AutoDock Vina" in prose
    assert "(vina 1.2.7; exhaustiveness 1; box 24 Å; seed 7)" in prose
    assert "PoseBusters" in prose
    assert "OpenMM" not in prose
    assert "SA score" not in prose
    assert ("Strain", ("<= 13 kcal/mol",)) in [(c.check, c.thresholds) for c in text.criteria]
    cited = sorted({n for s in text.statements for n in s.citations})
    assert cited == list(range(1, len(text.references) + 1))
    assert build_methods(RunResult(run_id="r", name="n", state="done"), {}).statements == ()


def test_every_reference_has_a_well_formed_doi() -> None:
    assert all(re.fullmatch(r"10\.\d{4,5}/\S+", reference.doi) for reference in REFERENCES.values())


def test_methods_say_whether_the_pocket_steers(abl1_run: Any) -> None:
    sampled = abl1_run.result.rounds[0].model_copy(update={"origins": {"sample:ligand": 3, "evolve:mutation": 1}})
    sentence = "With these weights the pocket does not steer generation, docking does (AUROC 0.504)."

    def said(settings: dict[str, Any], rounds: list[Any]) -> str:
        result = abl1_run.result.model_copy(update={"settings": settings, "rounds": rounds})
        return " ".join(statement.sentence for statement in build_methods(result, abl1_run.calls).statements)

    assert sentence in said({"pocket_use": {"sentence": sentence, "auroc": 0.504}}, [sampled])
    assert "was not measured" in said({"pocket_use": None}, [sampled])
    unsampled = sampled.model_copy(update={"origins": {"sample:molecule": 3}})
    assert "pocket" not in said({"pocket_use": None}, [unsampled]).replace("capped pocket", "")


def test_methods_say_that_bins_were_asked_for(abl1_run: Any) -> None:
    asked = abl1_run.result.rounds[0].model_copy(update={"origins": {"sample:molecule, asked for LogP": 3}})
    result = abl1_run.result.model_copy(update={"rounds": [asked]})
    sentences = [statement.sentence for statement in build_methods(result, abl1_run.calls).statements]
    assert any("property tokens" in sentence for sentence in sentences)
