"""The methods paragraph: written from what the run executed, never from what the program could do.

A method is named only if one of the run's calls, checks, scores or origins shows that it ran. Parameters and versions
are those of the executed calls; thresholds are those the checks report. Nothing here is written by a language model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.interface.schemas import CandidateReport, CheckReport, ReferenceLigand, RunResult
from agent.report.wording import plain, split_unit, stage
from models.pocket_use import UNMEASURED

POCKET_ORIGIN = ":ligand"
"""In the origin of a candidate that the model wrote after the pocket."""
MAX_VALUES = 3
MAX_VALUE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Reference:
    citation: str
    doi: str


@dataclass(frozen=True, slots=True)
class Method:
    """`signs`: of which one must stand in the name of a tool, check, score, origin or package of an executed call;
    "=name" must be the whole name. `tools`: the calls whose version and parameters are quoted. `packages`: names
    looked up among the run's versions."""

    signs: tuple[str, ...]
    sentence: str
    references: tuple[str, ...]
    tools: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, what was read from the calls, and the numbers of its references (1-based)."""

    sentence: str
    detail: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    check: str
    thresholds: tuple[str, ...]
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MethodsText:
    statements: tuple[Statement, ...]
    references: tuple[Reference, ...]
    criteria: tuple[Criterion, ...]


REFERENCES = {
    "rdkit": Reference("RDKit: open-source cheminformatics.", "10.5281/zenodo.591637"),
    "dockstring": Reference("García-Ortegón et al., J. Chem. Inf. Model. 2022, 62, 3486.", "10.1021/acs.jcim.1c01334"),
    "dimorphite": Reference("Ropp et al., J. Cheminform. 2019, 11, 14.", "10.1186/s13321-019-0336-9"),
    "etkdg": Reference("Wang et al., J. Chem. Inf. Model. 2020, 60, 2044.", "10.1021/acs.jcim.0c00025"),
    "vina": Reference("Trott & Olson, J. Comput. Chem. 2010, 31, 455.", "10.1002/jcc.21334"),
    "vina12": Reference("Eberhardt et al., J. Chem. Inf. Model. 2021, 61, 3891.", "10.1021/acs.jcim.1c00203"),
    "posebusters": Reference("Buttenschoen et al., Chem. Sci. 2024, 15, 3130.", "10.1039/D3SC04185A"),
    "mmff": Reference(
        "Halgren, J. Comput. Chem. 1996, 17, 490.",
        "10.1002/(SICI)1096-987X(199604)17:5/6<490::AID-JCC1>3.0.CO;2-P",
    ),
    "mmff_rdkit": Reference("Tosco et al., J. Cheminform. 2014, 6, 37.", "10.1186/s13321-014-0037-3"),
    "openmm": Reference("Eastman et al., J. Phys. Chem. B 2024, 128, 109.", "10.1021/acs.jpcb.3c06662"),
    "qed": Reference("Bickerton et al., Nat. Chem. 2012, 4, 90.", "10.1038/nchem.1243"),
    "sa": Reference("Ertl & Schuffenhauer, J. Cheminform. 2009, 1, 8.", "10.1186/1758-2946-1-8"),
    "pains": Reference("Baell & Holloway, J. Med. Chem. 2010, 53, 2719.", "10.1021/jm901137j"),
    "brenk": Reference("Brenk et al., ChemMedChem 2008, 3, 435.", "10.1002/cmdc.200700139"),
    "lipinski": Reference("Lipinski et al., Adv. Drug Deliv. Rev. 2001, 46, 3.", "10.1016/S0169-409X(00)00129-0"),
    "efficiency": Reference("Hopkins et al., Drug Discov. Today 2004, 9, 430.", "10.1016/S1359-6446(04)03069-7"),
    "graph_ga": Reference("Jensen, Chem. Sci. 2019, 10, 3567.", "10.1039/C8SC05372C"),
}

METHODS = (
    Method(("dockstring",), "The receptor and its box come from the DOCKSTRING collection.", ("dockstring",)),
    Method(
        ("=sanitise",),
        "Structures were parsed, sanitised and described with RDKit.",
        ("rdkit",),
        packages=("rdkit",),
    ),
    Method(
        ("=alerts", "pains", "brenk"),
        "Structural alerts of the PAINS and Brenk collections were looked for.",
        ("pains", "brenk"),
        ("alerts",),
    ),
    Method(("=lipinski",), "Lipinski's rule of five was evaluated.", ("lipinski",)),
    Method(("=qed",), "Drug-likeness is the quantitative estimate QED.", ("qed",)),
    Method(("=sa",), "Synthetic accessibility is the SA score (1 easy, 10 hard).", ("sa",)),
    Method(
        ("=approved_drugs",), "The same filters were applied to a set of approved drugs, to see what they lose.", ()
    ),
    Method(("=dimorphite-dl",), "Protonation states were enumerated and docked one by one.", ("dimorphite",)),
    Method(
        ("=conformer", "=dock"),
        "Three-dimensional conformers were embedded with ETKDG.",
        ("etkdg",),
        ("conformer",),
    ),
    Method(
        ("=dock", "=redock"),
        "Ligands were docked with AutoDock Vina; the score is an empirical estimate in kcal/mol, not a measured "
        "binding energy.",
        ("vina", "vina12"),
        ("dock", "redock"),
        ("vina", "meeko"),
    ),
    Method(
        ("=pose",),
        "Poses were examined for physical plausibility with PoseBusters.",
        ("posebusters",),
        ("pose",),
        ("posebusters",),
    ),
    Method(
        ("=strain",),
        "Strain is the energy of the held-relaxed pose above the best conformer found, in MMFF94.",
        ("mmff", "mmff_rdkit"),
        ("strain",),
    ),
    Method(
        ("=interaction",),
        "Poses were minimised in the capped pocket with OpenMM and MMFF94 parameters; the MMFF interaction energy is "
        "not a binding energy.",
        ("openmm", "mmff"),
        ("interaction",),
        ("openmm",),
    ),
    Method(
        ("=ligand_efficiency",),
        "Ligand efficiency is the negative docking score divided by the number of heavy atoms.",
        ("efficiency",),
    ),
    Method(
        (", asked for ",),
        "Where the campaign bounds logP, molecular weight or QED, the model was asked for molecules in bins inside the "
        "bounds (property tokens); the checks decided.",
        (),
    ),
    Method(
        ("mutat", "crossover", "evolve"),
        "New candidates were also made by graph mutation and crossover of earlier ones.",
        ("graph_ga",),
    ),
)


def build_methods(result: RunResult, calls: Mapping[str, Mapping[str, Any]]) -> MethodsText:
    """The sentences that the run's own records support, with the references they need, numbered as cited."""
    seen = _evidence(result, calls)
    order: dict[str, int] = {}
    statements = []
    for method in METHODS:
        if not any(_shows(sign, seen) for sign in method.signs):
            continue
        citations = tuple(order.setdefault(key, len(order) + 1) for key in method.references)
        statements.append(Statement(method.sentence, _detail(method, result, calls), citations))
    statements += _pocket_use(result)
    references = tuple(REFERENCES[key] for key in order)
    return MethodsText(tuple(statements), references, criteria(result))


def _evidence(result: RunResult, calls: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Lower-case names of everything that ran. Installed versions and the wish list of the campaign do not count."""
    names = [str(call.get("tool", "")) for call in calls.values()]
    names += [word for call in calls.values() for word in str(call.get("version", "")).split()]
    for check in _all_checks(result):
        if check.verdict != "unknown":
            names += [check.name, check.tool]
    for entry in entries(result):
        names += [name for name, score in entry.scores.items() if score.value is not None]
    names += [origin for summary in result.rounds for origin in summary.origins]
    names += [candidate.origin for candidate in result.candidates]
    names += [control.name for control in (result.controls.controls if result.controls else [])]
    names += [result.target.source if result.target else ""]
    return frozenset(name.lower() for name in names if name)


def _pocket_use(result: RunResult) -> list[Statement]:
    """Where ligands were sampled after the pocket: whether that matters to these weights, by their card."""
    origins = [origin for summary in result.rounds for origin in summary.origins]
    if "pocket_use" not in result.settings or not any(POCKET_ORIGIN in origin for origin in origins):
        return []
    found = result.settings["pocket_use"]
    meaning = found["sentence"] if found else UNMEASURED
    return [
        Statement(f"Part of the molecules were sampled from the model after this pocket's chain. {meaning}", "", ())
    ]


def _shows(sign: str, seen: frozenset[str]) -> bool:
    if sign.startswith("="):
        return sign[1:] in seen
    return any(sign in name for name in seen)


def _detail(method: Method, result: RunResult, calls: Mapping[str, Mapping[str, Any]]) -> str:
    """ "vina 1.2.7; exhaustiveness 1, 8" read from the calls of the method's tools."""
    own = [call for call in calls.values() if call.get("tool") in method.tools]
    parts = [f"{name} {result.versions[name]}" for name in method.packages if name in result.versions]
    if not parts:
        versions = sorted({str(call["version"]) for call in own if call.get("version")})
        parts = versions[:MAX_VALUES]
    parts += [f"{name} {', '.join(values)}" for name, values in _parameters(own).items()]
    return "; ".join(parts)


def _parameters(calls: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Arguments with at most three different short values over the calls; what differs per molecule falls out."""
    values: dict[str, list[str]] = {}
    for call in calls:
        for name, value in dict(call.get("args") or {}).items():
            text = plain(value)
            held = values.setdefault(name, [])
            if text not in held:
                held.append(text)
    short = {n: v for n, v in values.items() if len(v) <= MAX_VALUES and max(map(len, v)) <= MAX_VALUE_LENGTH}
    shown: dict[str, list[str]] = {}
    for name, held in short.items():
        words, unit = split_unit(name)
        if name not in ("smiles", "pose", "name"):
            shown[words.lower()] = [f"{value} {unit}".rstrip() for value in held]
    return shown


def entries(result: RunResult) -> list[CandidateReport | ReferenceLigand]:
    """The candidates and the reference ligand, which is judged as they are."""
    return [*result.candidates, *([result.reference] if result.reference else [])]


def _all_checks(result: RunResult) -> list[CheckReport]:
    return [check for entry in entries(result) for check in entry.checks]


def criteria(result: RunResult) -> tuple[Criterion, ...]:
    """Each executed check once, with every threshold and tool it reported."""
    grouped: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for check in _all_checks(result):
        thresholds, tools = grouped.setdefault(check.name, ({}, {}))
        if check.threshold:
            thresholds[check.threshold] = None
        if check.tool:
            tools[check.tool] = None
    return tuple(Criterion(stage(name), tuple(t), tuple(u)) for name, (t, u) in grouped.items())
