"""The evaluations behind the model card: which data, how many, asked how. Constraint off, seed 0; temperature 1,
but for the evaluations named `..._cool`; beam search for reactions.

One entry is one `organon model eval` run. Sizes are chosen so that all of them take about a quarter of an hour on four
cores with the shipped model (`benchmarks/card_evaluations.py` prints what each took); a limit draws rows by the seed.
Paths are below the data directory. Test parts are used where they are visible, and never to choose anything: the
vote threshold of the pocket figures is chosen on the validation part (`threshold_from`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tools.errors import InputError

MOLECULES = ("chem/zinc250k.smi.gz", "chem/enamine50k.smi.gz", "chem/bioactive.tsv.gz")
ANTIBODIES = ("bio/antibody_covabdab_paired.csv.gz", "bio/antibody_antiberta_paratope.csv.gz")
WINDOW = 280
"""Residues of a chain shown to the ligand task, as in training (`models.training.sources.crop_to_pocket`)."""


@dataclass(frozen=True, slots=True)
class CardEvaluation:
    """`evaluator` on `data`. `given` are settings that differ from the evaluator's defaults, `options` its own.

    `threshold_from`: another evaluation, of validation rows, whose `best_threshold` becomes `vote_threshold` here.
    `rows_at_once`: cases a batch, so that a killed run loses little and several processes find work; None: the
    evaluator's own. `seconds`: roughly, on one core, with a dense checkpoint of 1.6 million parameters (retrosynthesis
    4.5 a product, molecules 14 a thousand and 60 to 100 for their figures); what starts first, and into how many parts.
    """

    evaluator: str
    data: str
    where: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    threshold_from: str = ""
    rows_at_once: int | None = None
    seconds: float = 60.0


_POCKET = CardEvaluation("pocket", "chem/pockets.jsonl.gz", where={"split": "test"}, rows_at_once=4)
_LIGAND = CardEvaluation(
    "ligand", "chem/complexes.jsonl.gz", where={"source": "crossdocked2020_test100"}, rows_at_once=5
)

PLAN: dict[str, CardEvaluation] = {
    "molecule": CardEvaluation(
        "molecule", MOLECULES[0], given={"n": 10_000}, references=MOLECULES, rows_at_once=250, seconds=250
    ),
    "molecule_cool": CardEvaluation(
        "molecule",
        MOLECULES[0],
        given={"n": 2_000, "temperature": 0.8},
        references=MOLECULES,
        rows_at_once=250,
        seconds=90,
    ),
    "property": CardEvaluation("property", MOLECULES[0], given={"n": 150}, rows_at_once=250, seconds=100),
    "retrosynthesis": CardEvaluation(
        "retrosynthesis",
        "chem/uspto50k.valid.csv.gz",
        limit=200,
        given={"n": 10, "beams": 10, "augment": 20},
        rows_at_once=4,
        seconds=900,
    ),
    "reaction": CardEvaluation(
        "reaction",
        "chem/uspto15k_forward.csv.gz",
        where={"split": "test"},
        limit=300,
        given={"n": 5, "beams": 5, "augment": 10},
        rows_at_once=10,
        seconds=300,
    ),
    "pocket_valid": replace(_POCKET, where={"split": "valid"}, options={"votes": "marks"}, seconds=20),
    "pocket": replace(_POCKET, options={"votes": "marks"}, threshold_from="pocket_valid", seconds=20),
    "pocket_samples": replace(_POCKET, given={"n": 8}, seconds=110),
    "ligand": replace(_LIGAND, limit=20, given={"n": 50}, options={"window": WINDOW, "steer_others": 0}, seconds=20),
    "pocket_use": replace(_LIGAND, given={"n": 1}, options={"window": WINDOW, "steer_others": 8}, seconds=45),
    "material": CardEvaluation("material", "chem/mofs.csv.gz", given={"n": 2000}, rows_at_once=250, seconds=60),
    "antibody_cdr": CardEvaluation(
        "antibody_cdr",
        "bio/antibody_sabdab_heavy_imgt.csv.gz",
        given={"n": 4},
        options={"loops": "H3"},
        references=ANTIBODIES,
        rows_at_once=25,
        seconds=90,
    ),
    "antibody_cdr_cool": CardEvaluation(
        "antibody_cdr",
        "bio/antibody_sabdab_heavy_imgt.csv.gz",
        given={"n": 4, "temperature": 0.2},
        options={"loops": "H3", "steer_others": 0},
        references=ANTIBODIES,
        rows_at_once=25,
        seconds=60,
    ),
}
"""Name -> evaluation. A figure of the card names one of these (`card_figures`)."""


def card_evaluation(name: str) -> CardEvaluation:
    """The evaluation `name`; InputError with the list otherwise."""
    if name not in PLAN:
        raise InputError(f"unknown card evaluation {name!r}; there are {', '.join(PLAN)}")
    return PLAN[name]
