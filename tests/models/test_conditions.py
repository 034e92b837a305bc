"""Ranges of properties become bins, bins are drawn evenly, and wrong ranges say what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.conditions import draw_conditions, need_conditions, read_ranges
from models.errors import ModelInputError
from models.grammar.properties import LOG_P, PROPERTY_TAGS, QED
from models.inference import SamplingOptions, generate_for_task
from models.task_inputs import understand
from models.tokenizer import ScientificTokenizer

SHORT = SamplingOptions(max_new_tokens=24)


@pytest.fixture(scope="module")
def model(our_checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(our_checkpoint, device="cpu")


def test_ranges_become_the_bins_they_touch_in_the_order_of_the_grammar() -> None:
    assert read_ranges({"log_p": [2, 3]}) == (("<LogP:2..3>",),)
    assert read_ranges({"qed": [0.7, 0.8], "molecular_weight": [300, 350], "smiles_prefix": "C"}) == (
        ("<MW:300..350>",),
        ("<QED:0.7..0.8>",),
    )
    assert read_ranges({"log_p": [2.5, 3.5]}) == (("<LogP:2..3>", "<LogP:3..4>"),)
    assert read_ranges({"log_p": 2}) == read_ranges({"log_p": 2.9}) == (("<LogP:2..3>",),)
    assert read_ranges({"log_p": [None, 1]}) == (LOG_P.tags[:2],)
    assert read_ranges({"qed": [0.8, None]}) == (QED.tags[-2:],)
    assert read_ranges({}) == ()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"log_p": [3, 2]}, "log_p needs its lower bound first"),
        ({"log_p": "2:3"}, "log_p must be a range .* got '2:3'"),
        ({"log_p": [2, 3, 4]}, "log_p must be a range"),
        ({"log_p": [2, float("nan")]}, "log_p must be a range"),
        ({"qed": True}, "qed must be a range"),
        ({"qed": [0.9, 1.5]}, "qed .* is outside what it can be, 0 to 1"),
        ({"molecular_weight": [-5, 300]}, "molecular_weight .* at least 0"),
    ],
)
def test_wrong_ranges_say_what_is_wrong(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelInputError, match=named):
        understand("molecule", 0, given)


def test_only_molecules_and_ligands_take_ranges() -> None:
    assert understand("ligand", 0, {"sequence": "MKTA", "qed": 0.75}).bins == (("<QED:0.7..0.8>",),)
    with pytest.raises(ModelInputError, match="unknown key 'qed'"):
        understand("material", 0, {"qed": 0.75})


def test_bins_are_drawn_evenly_and_apart() -> None:
    bins = read_ranges({"log_p": [1, 4], "qed": [0.5, 0.7]})
    drawn = draw_conditions(bins, 60, seed=3)
    assert set(Counter(tags[0] for tags in drawn).values()) == {20}
    assert set(Counter(tags[1] for tags in drawn).values()) == {30}
    assert len(set(drawn)) == 6
    assert drawn[:7] == draw_conditions(bins, 7, seed=3)
    assert drawn != draw_conditions(bins, 60, seed=4)
    assert draw_conditions((), 2, seed=0) == [(), ()]


def test_the_prompt_carries_the_tags_right_before_the_molecule() -> None:
    one = understand("molecule", 0, {"log_p": 2.5, "smiles_prefix": "CC"})
    assert one.prompt == "<MoleculeS>CC"
    assert one.conditioned(("<LogP:2..3>",)).prompt == "<LogP:2..3><MoleculeS>CC"
    ligand = understand("ligand", 0, {"sequence": "MKTA", "qed": 0.75}).conditioned(("<QED:0.7..0.8>",))
    assert ligand.prompt == "<ProteinS>MKTA<ProteinE><QED:0.7..0.8><MoleculeS>"


def test_answers_say_what_was_asked_for(model: Any) -> None:
    inputs: list[dict[str, Any]] = [{"id": "free"}, {"id": "asked", "log_p": [1, 3], "qed": [0.7, 0.8]}]
    lines = list(generate_for_task(model.generate, "molecule", inputs, n=6, seed=1, options=SHORT))
    assert [line["id"] for line in lines] == ["free"] * 6 + ["asked"] * 6
    assert all("conditions" not in line for line in lines[:6])
    asked = Counter(tuple(line["conditions"]) for line in lines[6:])
    assert asked == {("<LogP:1..2>", "<QED:0.7..0.8>"): 3, ("<LogP:2..3>", "<QED:0.7..0.8>"): 3}
    assert [line["rank"] for line in lines[6:]] == list(range(1, 7))
    assert lines == list(generate_for_task(model.generate, "molecule", inputs, n=6, seed=1, options=SHORT))


def test_a_tokenizer_without_the_tags_is_told_in_one_line() -> None:
    ours = ScientificTokenizer.build()
    need_conditions(ours.id_of, [PROPERTY_TAGS])
    with pytest.raises(ModelInputError, match=r"no token <LogP:2\.\.3>: it was not trained on properties"):
        need_conditions(lambda tag: None, read_ranges({"log_p": 2.5}))
    need_conditions(lambda tag: None, ())
