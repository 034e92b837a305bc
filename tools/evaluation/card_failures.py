"""Examples of what a checkpoint got wrong, from the records of its evaluations: the first of each run, not picked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from models.card.schema import Failure
from tools.errors import InputError
from tools.evaluation.card_plan import PLAN
from tools.evaluation.loop_recovery import recovery
from tools.evaluation.residue_labels import marked_residues

LOW_RECOVERY = 0.2
"""A loop of which less is recovered is shown: below what the majority residue of each position gives (about 0.2 on the
SAbDab chains, the card's own baseline)."""

_REPEATED = re.compile(r"RDKit cannot read the SMILES '[^']*': ")


def collect_failures(folder: Path, *, each: int = 3) -> list[Failure]:
    """Up to `each` failures of every evaluation below `folder` whose records tell one."""
    found = []
    for name, tell in _TELL.items():
        path = folder / name / f"{PLAN[name].evaluator}.records.jsonl"
        if path.is_file():
            told = (failure for record in _records(path) if (failure := tell(record)))
            found += list(islice(told, each))
    return found


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    """Records in the order of their cases (parts of a run are joined in another order)."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    except (OSError, ValueError) as fault:
        raise InputError(f"{path} cannot be read as records of an evaluation: {fault}") from None
    return iter(sorted((line for line in lines if not line.get("failed")), key=_place))


def _place(record: Mapping[str, Any]) -> tuple[int, str]:
    number = str(record["case"]).split("-")[1] if "-" in str(record["case"]) else ""
    return (int(number) if number.isdigit() else 0, str(record["case"]))


def _molecule(record: Mapping[str, Any]) -> Failure | None:
    if record["smiles"] is not None:
        return None
    return Failure("Invalid molecules", "<MoleculeS>", str(record["text"]), _reason(record["reason"]))


def _material(record: Mapping[str, Any]) -> Failure | None:
    if not record["reason"]:
        return None
    text = record.get("text") or " ".join([*(record["nodes"] or ()), *(record["linkers"] or ())])
    return Failure("Frameworks", "<MaterialS>", str(text), _reason(record["reason"]))


def _retrosynthesis(record: Mapping[str, Any]) -> Failure | None:
    return _ranked("Retrosynthesis", str(record["product"]), record)


def _reaction(record: Mapping[str, Any]) -> Failure | None:
    return _ranked("Forward reactions", ".".join(record["reactants"]), record)


def _ranked(task: str, prompt: str, record: Mapping[str, Any]) -> Failure | None:
    if record["rank"] is not None:
        return None
    first = ".".join(record["predictions"][0]) if record["predictions"] else "nothing valid"
    truth = ".".join(record["truth"])
    return Failure(task, prompt, first, f"not among {record['n_distinct']} distinct answers is the recorded `{truth}`")


def _pocket(record: Mapping[str, Any]) -> Failure | None:
    (chain,) = record["chains"]
    if chain["truth"] is None or not chain["n_samples"]:
        return None
    marked, truth = marked_residues(chain["votes"], 0.5), set(chain["truth"])
    if set(marked) & truth:
        return None
    shown = ", ".join(map(str, sorted(marked))) or "no residue"
    answers = f"{chain['n_valid']} of {chain['n_samples']} answers valid"
    why = f"of the {len(truth)} labelled residues none is marked ({answers})"
    return Failure("Pocket search by sampling", chain["sequence"], shown, why)


def _antibody(record: Mapping[str, Any]) -> Failure | None:
    if not record["designed"]:
        return Failure("CDR loops", f"the framework around {record['truth']}", "no valid loop", "no answer was a loop")
    share = recovery(record["designed"][0], record["truth"])
    if share >= LOW_RECOVERY:
        return None
    why = f"{100 * share:.0f} % of the true loop is recovered"
    return Failure("CDR loops", f"the framework around {record['truth']}", record["designed"][0], why)


def _reason(text: str) -> str:
    """The reason without the SMILES it repeats."""
    return " ".join(_REPEATED.sub("", str(text)).split())[:200]


_TELL: dict[str, Callable[[Mapping[str, Any]], Failure | None]] = {
    "molecule": _molecule,
    "retrosynthesis": _retrosynthesis,
    "reaction": _reaction,
    "pocket_samples": _pocket,
    "material": _material,
    "antibody_cdr": _antibody,
}
