"""ACTIONS: everything the assistant can do, one line an entry; loaded on first use."""

from __future__ import annotations

import importlib
from functools import cache

from agent.actions.action import Action
from tools.errors import InputError

ACTIONS: dict[str, str] = {
    "design_ligands": "agent.actions.ligands:DESIGN_LIGANDS",
    "find_pockets": "agent.actions.pockets:FIND_POCKETS",
    "plan_synthesis": "agent.actions.synthesis:PLAN_SYNTHESIS",
    "predict_reaction": "agent.actions.reactions:PREDICT_REACTION",
    "generate_molecules": "agent.actions.molecules:GENERATE_MOLECULES",
    "optimize_molecule": "agent.actions.optimize:OPTIMIZE_MOLECULE",
    "generate_materials": "agent.actions.materials:GENERATE_MATERIALS",
    "edit_protein": "agent.actions.proteins:EDIT_PROTEIN",
    "design_antibody_cdr": "agent.actions.antibodies:DESIGN_ANTIBODY_CDR",
    "molecule_properties": "agent.actions.properties:MOLECULE_PROPERTIES",
    "dock": "agent.actions.docking:DOCK",
    "minimize": "agent.actions.docking:MINIMIZE",
    "search_literature": "agent.actions.literature:SEARCH_LITERATURE",
    "search_results": "agent.actions.results:SEARCH_RESULTS",
    "start_campaign": "agent.actions.campaigns:START_CAMPAIGN",
    "run_status": "agent.actions.campaigns:RUN_STATUS",
    "explain_candidate": "agent.actions.explain:EXPLAIN_CANDIDATE",
}


@cache
def load_action(name: str) -> Action:
    """The action of this name; InputError names those there are."""
    if name not in ACTIONS:
        raise InputError(f"unknown action {name!r}; actions are {', '.join(ACTIONS)}")
    module, _, attribute = ACTIONS[name].partition(":")
    action: Action = getattr(importlib.import_module(module), attribute)
    return action
