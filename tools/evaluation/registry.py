"""The table of evaluations: `organon model eval NAME`. A new one is a module here and one line below."""

from __future__ import annotations

from importlib import import_module

from tools.errors import InputError
from tools.evaluation.protocol import Evaluator

EVALUATORS: dict[str, str] = {
    "molecule": "tools.evaluation.molecule:EVALUATOR",
    "property": "tools.evaluation.property_control:EVALUATOR",
    "retrosynthesis": "tools.evaluation.retrosynthesis:EVALUATOR",
    "reaction": "tools.evaluation.reaction:EVALUATOR",
    "material": "tools.evaluation.material:EVALUATOR",
    "pocket": "tools.evaluation.pocket:EVALUATOR",
    "ligand": "tools.evaluation.ligand:EVALUATOR",
    "protein_edit": "tools.evaluation.protein_edit:EVALUATOR",
    "antibody_cdr": "tools.evaluation.antibody_cdr:EVALUATOR",
    "perplexity": "tools.evaluation.perplexity:EVALUATOR",
}
"""Name -> "module:attribute", imported when asked for so that listing them costs nothing."""


def load_evaluator(name: str) -> Evaluator:
    """The evaluator `name`; InputError with the list otherwise."""
    if name not in EVALUATORS:
        raise InputError(f"unknown evaluation {name!r}; there are {', '.join(EVALUATORS)}")
    module, _, attribute = EVALUATORS[name].partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, Evaluator)
    return found
