"""Augmented inputs to voted answers: by hand with written texts, and through a real (random) checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.backends.base import Request, Sample
from models.errors import ModelInputError
from models.inference import SamplingOptions
from models.reactions.voted_answers import answer_voted, refused_spellings
from models.task_inputs import Asked, understand

ETHANOL = "<MoleculeS>OCC<MoleculeE>"
ETHENE = "<MoleculeS>C=C<MoleculeE>"
BROKEN = "<MoleculeS>C1<MoleculeE>"
METHANE = "<MoleculeS>C<MoleculeE>"


class Written:
    """Writes the texts given for each request in turn, better perplexity first, as `likely` as said."""

    def __init__(self, *texts: Sequence[str], likely: Mapping[str, float] | None = None) -> None:
        self.texts, self.likely = list(texts), likely or {}

    def __call__(self, requests: Sequence[Request]) -> list[Sample]:
        return [
            Sample(request.request_id, index, text, (1,), self.likely.get(text, -1.0), -1.0, 2.0 + index, "stop")
            for request, texts in zip(requests, self.texts, strict=True)
            for index, text in enumerate(texts)
        ]


def product(smiles: str = "CCOC") -> Asked:
    return understand("retrosynthesis", 0, {"id": "p", "product": smiles})


def rows(model: Written, asked: Asked, n: int, augment: int, **options: Any) -> list[tuple[Any, ...]]:
    chosen = SamplingOptions(**options)
    found = answer_voted(model, "retrosynthesis", [asked], n=n, augment=augment, options=chosen)
    lines = [answer.row() for answer in found]
    assert {line["id"] for line in lines} == {"p"}
    assert [line["rank"] for line in lines] == list(range(1, len(lines) + 1))
    return [(line["reactants"], line["votes"], line["copies"]) for line in lines]


def test_votes_over_spellings_by_hand() -> None:
    model = Written([ETHENE, BROKEN, ETHANOL], [ETHANOL, ETHENE, ETHANOL], [ETHANOL, METHANE, METHANE])
    # ethanol: 1/2 + 1 + 1, ethene: 1 + 1/2, methane 1/2 (best place 1)
    assert rows(model, product(), 3, 3) == [(["CCO"], 2.5, 4), (["C=C"], 1.5, 2), (["C"], 0.5, 2)]
    model = Written([ETHENE, BROKEN], [ETHANOL, ETHENE], [ETHANOL, METHANE])
    assert rows(model, product(), 2, 3) == [(["CCO"], 2.0, 2), (["C=C"], 1.5, 2)]


def test_within_a_spelling_the_more_likely_answer_stands_first() -> None:
    likely = {ETHENE: -5.0, ETHANOL: -2.0}
    model = Written([ETHENE, ETHANOL], [ETHENE, ETHANOL], likely=likely)
    assert [row[0] for row in rows(model, product(), 2, 2, beams=2)] == [["CCO"], ["C=C"]]


def test_an_input_without_a_candidate_still_has_a_line() -> None:
    (only,) = answer_voted(Written([BROKEN], [BROKEN]), "retrosynthesis", [product()], n=1, augment=2)
    assert "ring" in only.row()["reason"]
    echoed = Written(["<MoleculeS>C(C)OC<MoleculeE>"], ["<MoleculeS>COCC<MoleculeE>"])
    assert [one.votes for one in answer_voted(echoed, "retrosynthesis", [product()], n=1, augment=2)] == [0.0]


@pytest.mark.parametrize("beams", [0, 3])
def test_through_a_real_model(our_checkpoint: Path, load: Callable[..., Any], beams: int) -> None:
    model = load(our_checkpoint, device="cpu")
    asked = [understand("reaction", at, {"id": name, "reactants": ["CCO", "CC(=O)O"]}) for at, name in enumerate("ab")]
    options = SamplingOptions(max_new_tokens=12, beams=beams, constrained=True)

    def lines(seed: int) -> list[dict[str, Any]]:
        given = answer_voted(model.generate, "reaction", asked, n=3, augment=4, seed=seed, options=options)
        return [answer.row() for answer in given]

    found = lines(1)
    assert {line["id"] for line in found} == {"a", "b"}
    assert found == lines(1)
    for name in "ab":
        mine = [line for line in found if line["id"] == name]
        assert 1 <= len(mine) <= 3
        distinct = {line["smiles"] for line in mine}
        assert len(distinct) == len(mine)


def test_an_input_is_refused_where_one_spelling_is(our_checkpoint: Path, load: Callable[..., Any]) -> None:
    model = load(our_checkpoint, device="cpu")
    long = product("C" * 120)
    with pytest.raises(ModelInputError, match="context"):
        answer_voted(model.generate, "retrosynthesis", [product(), long], n=1, augment=2)
    assert list(refused_spellings(model.generate, "retrosynthesis", [product(), long], augment=2)) == [1]
