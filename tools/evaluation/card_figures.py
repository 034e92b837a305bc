"""From reports of `organon model eval` to the figures of a model card: which ones, what was asked, what others have.

A report of other weights than the card's is refused. Published numbers are quoted from the named papers as collected
in the project's protocols; none stands here that was not found in its source, and none of another protocol stands
without what differs.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from models.card.figure_table import POCKET_USE
from models.card.schema import CardFigure, Published
from tools.errors import InputError
from tools.evaluation.card_plan import PLAN
from tools.evaluation.registry import load_evaluator

DATA = "../shared/data"
"""How commands on the card name the data directory: beside the checkout."""


@dataclass(frozen=True, slots=True)
class CardRow:
    """Figure `figure` of the report of the card evaluation `evaluation`. `beside`: label -> figure of that report."""

    evaluation: str
    figure: str
    label: str
    group: str
    at_least: float | None = None
    stretch: float | None = None
    unit: str = "share"
    better: Literal["higher", "lower"] = "higher"
    beside: tuple[tuple[str, str], ...] = ()
    published: tuple[Published, ...] = ()


_MOSES = "MOSES, doi:10.3389/fphar.2020.565644"
_MOSES_DIFFERS = "trained and sampled on MOSES's ZINC part; 30,000 samples there"
_USPTO = "test split (ours: validation split, which was not trained on)"
_LOGOS = "LOGOS, arXiv:2606.16905"


def _uspto(name: str, value: float, source: str, differs: str = "") -> Published:
    return Published(name, value, source, "; ".join(filter(None, [_USPTO, differs])))


ROWS: dict[str, CardRow] = {
    "molecule_valid": CardRow(
        "molecule",
        "validity",
        "unconditional molecules, valid",
        "Molecules",
        0.95,
        0.98,
        published=(Published("CharRNN", 0.975, _MOSES, _MOSES_DIFFERS),),
    ),
    "molecule_unique": CardRow(
        "molecule",
        "uniqueness",
        "unconditional molecules, unique among the valid",
        "Molecules",
        0.99,
        0.999,
        published=(Published("CharRNN", 0.999, _MOSES, f"{_MOSES_DIFFERS}, unique among the first 10,000"),),
    ),
    "molecule_novel": CardRow(
        "molecule", "novelty", "unconditional molecules, novel among the unique", "Molecules", 0.90, 0.95
    ),
    "molecule_cool_valid": CardRow(
        "molecule_cool", "validity", "unconditional molecules at temperature 0.8, valid", "Molecules"
    ),
    "molecule_cool_novel": CardRow(
        "molecule_cool", "novelty", "unconditional molecules at temperature 0.8, novel among the unique", "Molecules"
    ),
    "molecule_diversity": CardRow(
        "molecule",
        "internal_diversity",
        "unconditional molecules, internal diversity",
        "Molecules",
        unit="",
        published=(Published("CharRNN", 0.856, _MOSES, _MOSES_DIFFERS),),
    ),
    "molecule_qed": CardRow("molecule", "mean_qed", "unconditional molecules, mean QED", "Molecules", unit=""),
    "molecule_sa": CardRow(
        "molecule", "mean_sa", "unconditional molecules, mean SA", "Molecules", unit="", better="lower"
    ),
    "property_logp": CardRow(
        "property",
        "logp_in_bin",
        "samples in the asked logP bin",
        "Molecules",
        0.70,
        0.90,
        beside=(("unconditional samples in such a bin", "logp_base"), ("of the valid samples", "logp_in_bin_of_valid")),
    ),
    "property_weight": CardRow(
        "property",
        "mol_weight_in_bin",
        "samples in the asked bin of molecular weight",
        "Molecules",
        beside=(("unconditional samples in such a bin", "mol_weight_base"),),
    ),
    "property_qed": CardRow(
        "property",
        "qed_in_bin",
        "samples in the asked bin of QED",
        "Molecules",
        beside=(("unconditional samples in such a bin", "qed_base"),),
    ),
    "retrosynthesis_top_1": CardRow(
        "retrosynthesis",
        "top_1",
        "retrosynthesis, USPTO-50K validation split, top-1",
        "Reactions",
        0.35,
        0.48,
        published=(
            _uspto("LOGOS 1B", 0.640, _LOGOS, "overlap of its pre-training with the test set unknown"),
            _uspto("RetroDFM-R", 0.650, "as collected in the project's protocols", "reasoning model"),
            _uspto("EditRetro", 0.608, "as collected in LOGOS"),
            _uspto("R-SMILES", 0.560, "as collected in LOGOS; doi:10.1039/D2SC02763A", "20 x augmentation"),
            _uspto("LocalRetro", 0.515, "as collected in LOGOS", "template-based"),
        ),
    ),
    "retrosynthesis_top_10": CardRow(
        "retrosynthesis", "top_10", "retrosynthesis, USPTO-50K validation split, top-10", "Reactions", 0.65, 0.80
    ),
    "retrosynthesis_round_trip": CardRow(
        "retrosynthesis", "round_trip_1", "retrosynthesis, first answer leads back to the product", "Reactions"
    ),
    "retrosynthesis_invalid": CardRow(
        "retrosynthesis", "invalid_share", "retrosynthesis, invalid answers", "Reactions", better="lower"
    ),
    "reaction_top_1": CardRow(
        "reaction", "top_1", "forward reaction, uspto15k_forward test, top-1", "Reactions", 0.60, 0.80
    ),
    "reaction_top_5": CardRow("reaction", "top_5", "forward reaction, uspto15k_forward test, top-5", "Reactions"),
    "pocket_mcc": CardRow(
        "pocket",
        "residue_mcc",
        "pocket residues, UniProtSMB test, MCC",
        "Pockets and ligands",
        0.30,
        0.45,
        unit="",
        beside=(("AUROC within a chain", "vote_auroc"), ("share of residues that bind", "binding_share")),
        published=(
            Published(
                "CLAPE-SMB",
                0.699,
                "doi:10.1186/s13321-024-00920-2",
                "rides on embeddings of ESM-2; all test chains, ours only those that fit the context",
            ),
        ),
    ),
    "pocket_samples_valid": CardRow(
        "pocket_samples", "valid", "pocket search by sampling, answers that copy the chain", "Pockets and ligands"
    ),
    "pocket_samples_mcc": CardRow(
        "pocket_samples", "residue_mcc", "pocket search by sampling, MCC", "Pockets and ligands", unit=""
    ),
    "ligand_valid": CardRow("ligand", "valid", "ligands for 20 pockets, valid", "Pockets and ligands", 0.95, 0.98),
    "ligand_qed": CardRow(
        "ligand",
        "qed",
        "ligands for 20 pockets, mean QED",
        "Pockets and ligands",
        0.55,
        0.60,
        unit="",
        beside=(("the pockets' own ligands", "reference_qed"),),
    ),
    "ligand_sa": CardRow(
        "ligand",
        "sa",
        "ligands for 20 pockets, mean SA",
        "Pockets and ligands",
        3.5,
        3.0,
        unit="",
        better="lower",
        beside=(("the pockets' own ligands", "reference_sa"),),
    ),
    POCKET_USE: CardRow(
        "pocket_use",
        "pocket_steers_auroc",
        "pocket use: own against other pockets, AUROC",
        "Pockets and ligands",
        0.60,
        0.70,
        unit="",
    ),
    "material_vnu": CardRow(
        "material",
        "vnu",
        "MOFs, valid, novel and unique, sequence level (never beside structure-level figures)",
        "Materials",
        0.50,
        0.70,
    ),
    "material_valid": CardRow("material", "valid", "MOFs, valid, sequence level", "Materials"),
    "material_balance": CardRow(
        "material", "charge_balance", "MOFs, charges can balance, among the valid novel unique", "Materials"
    ),
    "cdr_h3_aar": CardRow(
        "antibody_cdr",
        "H3_aar",
        "CDR-H3 recovery (AAR), SAbDab validation and test chains",
        "Antibodies",
        0.30,
        0.36,
        beside=(
            ("majority residue at each position, true length given", "H3_majority_aar"),
            ("majority loop of the commonest length", "H3_majority_typical_aar"),
        ),
    ),
    "cdr_h3_cool_aar": CardRow(
        "antibody_cdr_cool",
        "H3_aar",
        "CDR-H3 recovery (AAR) at temperature 0.2",
        "Antibodies",
        beside=(("majority residue at each position, true length given", "H3_majority_aar"),),
    ),
    "cdr_h3_framework": CardRow(
        "antibody_cdr", "H3_framework_auroc", "CDR-H3, true against swapped framework, AUROC", "Antibodies", unit=""
    ),
}
"""Figure of the card -> where it comes from and what was asked of it."""


def load_reports(folder: Path) -> dict[str, dict[str, Any]]:
    """The reports below `folder`: <card evaluation>/<task>.json, by the evaluation's name; InputError without any."""
    found = {}
    for name, planned in PLAN.items():
        path = folder / name / f"{planned.evaluator}.json"
        if path.is_file():
            try:
                found[name] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as fault:
                raise InputError(f"{path} is no report of an evaluation: {fault}") from None
    if not found:
        raise InputError(f"{folder} holds no report; expected for example {next(iter(PLAN))}/<task>.json")
    return found


def collect_figures(reports: Mapping[str, Mapping[str, Any]], checkpoint_sha256: str) -> dict[str, CardFigure]:
    """The rows whose report is there. InputError where a report is of another checkpoint or lacks a figure."""
    for name, report in reports.items():
        there = report["checkpoint"]["sha256"]
        if there != checkpoint_sha256:
            raise InputError(
                f"the report of {name} is of checkpoint {there[:12]}, the card's is {checkpoint_sha256[:12]}; "
                "evaluate these weights"
            )
    return {name: _card_figure(row, reports[row.evaluation]) for name, row in ROWS.items() if row.evaluation in reports}


def _card_figure(row: CardRow, report: Mapping[str, Any]) -> CardFigure:
    figures = report["figures"]
    wanted = [row.figure, *(figure for _, figure in row.beside)]
    for name in wanted:
        if name not in figures:
            raise InputError(f"the report of {row.evaluation} has no figure {name!r}; it has {', '.join(figures)}")
    one = figures[row.figure]
    values = {label: figures[name]["value"] for label, name in row.beside}
    return CardFigure(
        label=row.label,
        group=row.group,
        value=one["value"],
        low=one["low"],
        high=one["high"],
        n=one["n"],
        unit=row.unit,
        interval=one["interval"],
        protocol=one["definition"],
        settings=_settings(report),
        command=command_of(report),
        better=row.better,
        at_least=row.at_least,
        stretch=row.stretch,
        beside={label: value for label, value in values.items() if value is not None},
        published=row.published,
    )


def _settings(report: Mapping[str, Any]) -> dict[str, Any]:
    """All that was asked, and what it was asked of: files by name and hash, cases and those not computable."""
    settings = {
        name: value for name, value in report["settings"].items() if name not in ("top_p", "repetition_penalty")
    }
    return {
        "data": _below_data(report["data"]["path"]),
        "data_sha256": report["data"]["sha256"][:16],
        **settings,
        "cases": report["n_rows"],
        "not_computable": report["n_failed"],
        "device": report["device"],
    }


def _below_data(path: str) -> str:
    return "/".join(PurePath(path).parts[-2:])


def command_of(report: Mapping[str, Any]) -> str:
    """The command that repeats a report: the settings that differ from the evaluation's defaults."""
    evaluator, settings = load_evaluator(report["task"]), report["settings"]
    words = ["organon", "model", "eval", report["task"], "--data", f"{DATA}/{_below_data(report['data']['path'])}"]
    for one in report["references"]:
        words += ["--reference", f"{DATA}/{_below_data(one['path'])}"]
    for column, value in settings["where"].items():
        words += ["--where", f"{column}={value}"]
    if settings["limit"] is not None:
        words += ["--limit", str(settings["limit"])]
    usual = {"n": 1, "beams": 0, "augment": 1, "temperature": 1.0, "seed": 0, "max_new_tokens": 256}
    for name, value in usual.items():
        if settings[name] != evaluator.defaults.get(name, value):
            words += [f"--{name.replace('_', '-')}", f"{settings[name]:g}"]
    if settings["constrained"]:
        words.append("--constrained")
    for name, value in settings["options"].items():
        if value != evaluator.options.get(name):
            words += ["--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join(words)


def figures_missing(figures: Sequence[str]) -> list[str]:
    """Labels of the card's rows with a threshold that are not among `figures`."""
    return [row.label for name, row in ROWS.items() if row.at_least is not None and name not in figures]
