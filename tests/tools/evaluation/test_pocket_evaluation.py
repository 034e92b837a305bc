"""Votes against the model's own scores, figures from records by hand, and both kinds of run on a random checkpoint."""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem

from models.backends.base import TextScore
from models.errors import ModelInputError
from tools.docking.structure import Atom, Residue, Structure, load_structure, render_pdb, residues_near
from tools.errors import InputError
from tools.evaluation.binding_sites import build_sites, dca_angstrom, side_chain_centre
from tools.evaluation.conditional_score import score_continuations
from tools.evaluation.pocket import EVALUATOR
from tools.evaluation.pocket_votes import mark_probabilities, sampled_votes, why_not_searchable
from tools.evaluation.protocol import Setup
from tools.evaluation.run import run_evaluation, settings_for

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLE"
CROSSDOCKED = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem" / "crossdocked_dev80_structures.tar.gz"


def setup(model: Any, data: Path, structures: Path | None = None, **options: Any) -> Setup:
    return Setup(model, settings_for(EVALUATOR, {"n": 2}, options), data, structures=structures)


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_sampled_votes_count_readable_answers_only() -> None:
    answers: list[dict[str, Any]] = [{"residues": [1, 2]}, {"residues": [2]}, {"residues": []}, {"residues": None}]
    shares, n_valid = sampled_votes(answers, 4)
    assert n_valid == 3
    assert shares == pytest.approx([0, 1 / 3, 2 / 3, 0])


def test_continuations_are_scored_as_the_tokens_they_add(random_model: Any) -> None:
    prompt, text = "<MoleculeS>", "CCO<MoleculeE>"
    (whole,) = random_model.score([prompt + text])
    (found,) = score_continuations(random_model, [(prompt, text)])
    assert found == pytest.approx(sum(whole.token_log_probs[-4:]), abs=1e-4)
    assert score_continuations(random_model, []) == []


class JoiningTokens:
    """A generator whose tokens run across the end of the prompt."""

    def score(self, texts: Sequence[str]) -> list[TextScore]:
        return [TextScore(text, (len(text),), (-1.0,), -1.0, math.e) for text in texts]


def test_tokens_across_the_border_are_refused() -> None:
    with pytest.raises(ModelInputError, match="end the prompt at a tag"):
        score_continuations(JoiningTokens(), [("CC", "O")])  # type: ignore[arg-type]


def test_one_pass_gives_the_marks_that_text_by_text_scoring_gives(random_model: Any) -> None:
    class Served:
        """The same model without the pass of its own."""

        score = staticmethod(random_model.score)

    one_by_one = mark_probabilities(Served(), SEQUENCE)  # type: ignore[arg-type]
    assert mark_probabilities(random_model, SEQUENCE) == pytest.approx(one_by_one, rel=1e-3)
    assert len(set(one_by_one)) > 1


def test_mark_probability_is_the_share_of_the_two_next_tokens(random_model: Any) -> None:
    found = mark_probabilities(random_model, SEQUENCE)
    assert len(found) == len(SEQUENCE)
    prompt = f"<ProteinS>{SEQUENCE}<ProteinE><Search><ProteinS>"
    for at in (0, 7, 23):
        text = prompt + SEQUENCE[:at]
        base, marked, plain = (s.log_prob for s in random_model.score([text, text + "<PocketS>", text + SEQUENCE[at]]))
        mark, residue = math.exp(marked - base), math.exp(plain - base)
        assert found[at] == pytest.approx(mark / (mark + residue), rel=1e-3)


def chain(truth: list[int] | None, votes: list[float], **more: Any) -> dict[str, Any]:
    usual = {"chain": "", "sequence": "A" * len(votes), "truth": truth, "votes": votes, "n_samples": 4, "n_valid": 2}
    return {"chains": [{**usual, **more}]}


def test_residue_figures_by_hand(random_model: Any) -> None:
    study = EVALUATOR.open(setup(random_model, Path("unused")))
    records = [chain([0, 1], [1.0, 0.5, 0.5, 0.0]), chain([3], [0.0, 0.25, 0.0, 0.25], n_valid=0), chain(None, [1.0])]
    figures = {figure.name: figure for figure in study.figures(records)}
    # tables: 2 hits, 1 false alarm, 0 missed, 1 right no; 0, 0, 1, 3
    assert figures["residue_precision"].value == pytest.approx(2 / 3)
    assert figures["residue_recall"].value == pytest.approx(2 / 3)
    assert figures["residue_f1"].value == pytest.approx(2 / 3)
    assert figures["residue_mcc"].value == pytest.approx((2 * 4 - 1 * 1) / math.sqrt(3 * 3 * 5 * 5))
    assert figures["chain_precision"].n == 1, "the second chain predicts nothing: undecided"
    assert figures["chain_recall"].value == pytest.approx((1 + 0) / 2)
    assert figures["binding_share"].value == pytest.approx(3 / 8)
    assert figures["valid"].value == pytest.approx(4 / 12)
    assert figures["answered"].value == pytest.approx(2 / 3)
    # 1 and .5 against .5 and 0: (1 + 1 + .5 + 1) / 4; the second chain has no valid answer, hence no ranking
    assert figures["vote_auroc"].value == pytest.approx(3.5 / 4)
    assert figures["vote_auroc"].n == 1
    assert "top_n" not in figures


def site_record(dca: list[list[float]], kept: list[int]) -> dict[str, Any]:
    ligands = [{"labels": [f"A:LIG{at}"], "dca_angstrom": row} for at, row in enumerate(dca)]
    n_sites = len(dca[0]) if dca else 0
    return {"chains": [], "sites": [{}] * n_sites, "not_redundant": kept, "ligands": ligands}


def test_site_figures_by_hand(random_model: Any, tmp_path: Path) -> None:
    study = EVALUATOR.open(setup(random_model, Path("unused"), tmp_path))
    records = [
        site_record([[9.0, 9.0, 4.0, 9.0]], [0, 2, 3]),  # found by the third site, the second when one is redundant
        site_record([[1.0, 9.0], [9.0, 4.1]], [0, 1]),  # one of two
        site_record([], []),  # no relevant ligand
    ]
    figures = {figure.name: figure.value for figure in study.figures(records)}
    assert figures["top_n"] == pytest.approx(1 / 3)
    assert figures["top_n_plus_2"] == pytest.approx(2 / 3)
    assert figures["top_n_not_redundant"] == pytest.approx(1 / 3)
    assert figures["top_n_plus_2_not_redundant"] == pytest.approx(2 / 3)
    assert figures["ligands"] == 3
    assert figures["without_ligand"] == pytest.approx(1 / 3)


def test_a_chain_beyond_the_context_is_not_computed(random_model: Any, tmp_path: Path) -> None:
    assert why_not_searchable(random_model, SEQUENCE, [1, 2]) == ""
    assert "context is 160" in why_not_searchable(random_model, "A" * 90)
    data = write_rows(
        tmp_path / "rows.jsonl",
        {"sequence": SEQUENCE, "pocket": [3, 4]},
        {"sequence": "A" * 90, "pocket": [3]},
        {"sequence": "MKT", "pocket": [3]},
    )
    report = run_evaluation(EVALUATOR, setup(random_model, data), out=tmp_path / "out")
    assert report["n_failed"] == 2
    reasons = [failed["reason"] for failed in report["failed"]]
    assert "90 residues" in reasons[0]
    assert "0-based indices" in reasons[1]
    assert report["figures"]["residue_recall"]["n"] == 1
    assert report == {
        **run_evaluation(EVALUATOR, setup(random_model, data), out=tmp_path / "out"),
        **{"seconds": report["seconds"]},
    }


def helix() -> tuple[Residue, ...]:
    """A chain with one side-chain atom a residue, pointing outwards."""
    from tools.docking.residues import STANDARD

    names = {letter: name for name, letter in STANDARD.items()}
    residues = []
    for at, letter in enumerate(SEQUENCE):
        angle, rise = math.radians(100 * at), 1.5 * at
        places = {"N": (1.5, -0.9), "CA": (2.3, 0.0), "C": (1.7, 0.9), "CB": (3.3, 0.0)}
        atoms = tuple(
            Atom(name, name[0], (round(r * math.cos(angle), 3), round(r * math.sin(angle), 3), round(rise + dz, 3)))
            for name, (r, dz) in places.items()
        )
        residues.append(Residue("A", at + 1, "", names[letter], atoms))
    return tuple(residues)


def test_structures_are_asked_as_they_are(random_model: Any, tmp_path: Path) -> None:
    ligand = tuple(Atom(f"C{at}", "C", (5.0, 0.0, 12.0 + at)) for at in range(6))
    structure = Structure((*helix(), Residue("A", 99, "", "LIG", ligand), Residue("A", 100, "", "GOL", ligand[:5])))
    (tmp_path / "1tst.pdb").write_text(render_pdb(structure))
    data = write_rows(
        tmp_path / "rows.jsonl",
        {"pdb": "1tst", "sequence": "GS" + SEQUENCE, "pocket": [2, 10]},
        {"pdb": "1tst", "chain": "A"},
        {"pdb": "1tst", "chain": "B"},
        {"pdb": "none"},
    )
    given = setup(random_model, data, tmp_path, votes="marks")
    study = EVALUATOR.open(given)
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    cases = list(study.cases([(f"row-{at}", row) for at, row in enumerate(rows)]))
    assert "no structure of 'none'" in cases[3].failed
    record, again, missing = study.answer(cases[:3])
    assert "chain 'B'" in missing["failed"]
    (one,) = record["chains"]
    assert one["sequence"] == SEQUENCE
    assert one["truth"] == [0, 8], "labels follow their residues past the tag that is not resolved"
    assert again["chains"][0]["truth"] is None
    assert [entry["labels"] for entry in record["ligands"]] == [["A:LIG99"]]
    votes = dict(enumerate(one["votes"]))
    points = {at: place for at, r in enumerate(helix()) if (place := side_chain_centre(r)) is not None}
    expected = [dca_angstrom(site, np.array([a.xyz for a in ligand])) for site in build_sites(points, votes)]
    assert record["ligands"][0]["dca_angstrom"] == pytest.approx(expected, abs=2e-3)
    figures = {figure.name: figure for figure in study.figures([record, again])}
    assert figures["top_n"].value == float(expected[0] <= 4.0)
    assert figures["ligands"].value == 2


@pytest.mark.parametrize(
    ("option", "value"), [("votes", "loudest"), ("vote_threshold", 0.0), ("linkage_method", "ward")]
)
def test_wrong_options_are_named(random_model: Any, option: str, value: Any) -> None:
    with pytest.raises(InputError, match=option[:4]):
        EVALUATOR.open(setup(random_model, Path("unused"), **{option: value}))


@pytest.mark.shared
@pytest.mark.skipif(not CROSSDOCKED.is_file(), reason="needs ../shared/data/chem/crossdocked_dev80_structures.tar.gz")
def test_true_pockets_lead_to_their_ligands(tmp_path: Path) -> None:
    """What the geometry loses: with the true pocket as votes, the first site has DCA <= 4 Å (80 of 80; here 12)."""
    with tarfile.open(CROSSDOCKED) as archive:
        wanted = [member for member in archive.getmembers() if member.name.endswith(("_rec.pdb", ".sdf"))][:24]
        archive.extractall(tmp_path, members=wanted, filter="data")
    distances = []
    for receptor in sorted(tmp_path.glob("*/*_rec.pdb")):
        (file,) = receptor.parent.glob("*.sdf")
        mol = next(iter(Chem.SDMolSupplier(str(file), sanitize=False)))
        places = mol.GetConformer().GetPositions()
        ligand = np.array([places[atom.GetIdx()] for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1])
        structure, _ = load_structure(receptor)
        near = [residue for residue in residues_near(structure, ligand, 4.5) if residue.is_polymer]
        points = {at: place for at, r in enumerate(near) if (place := side_chain_centre(r)) is not None}
        distances.append(dca_angstrom(build_sites(points, dict.fromkeys(points, 1.0))[0], ligand))
    assert len(distances) == 12
    assert max(distances) <= 4.0
