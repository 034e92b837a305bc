"""DOMAINS and TOOLS: one line an entry; `call` is the one place where a fault becomes an answer.

A tool is a plain function. Its JSON arguments become its parameters by name: `smiles` is parsed where the function
takes a `mol`; `pose`, `receptor`, `receptor_pdb` and `structure_file` (as a path) come from the artifact store by id;
everything else is passed as it is. Functions load on first use, so that naming a tool imports no chemistry.
"""

from __future__ import annotations

import importlib
import inspect
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any

from tools.domain import Domain
from tools.errors import InputError, OrganonError, TransientError, UnavailableError
from tools.memory.artifacts import Artifacts
from tools.types import CheckResult, Verdict


@dataclass(frozen=True, slots=True)
class Tool:
    """`function` is "module:name"; `packages` are the distributions whose versions decide its results."""

    function: str
    about: str
    packages: tuple[str, ...] = ("rdkit",)

    def load(self) -> Callable[..., CheckResult]:
        module, _, name = self.function.partition(":")
        loaded: Callable[..., CheckResult] = getattr(importlib.import_module(module), name)
        return loaded


DOCKING = ("vina", "meeko", "rdkit", "dimorphite-dl")
POCKETS = ("scipy", "numpy", "gemmi")
CHEMISTRY, SEQUENCES = ("organon", "rdkit"), ("organon",)
TOOLS: dict[str, Tool] = {
    "sanitise": Tool("tools.molecule.check_sanitise:check_sanitise", "RDKit accepts the structure"),
    "elements": Tool("tools.molecule.check_elements:check_elements", "only the elements of drug-like chemistry"),
    "reactive": Tool("tools.molecule.check_reactive:check_reactive", "no reactive warhead"),
    "size": Tool("tools.molecule.check_size:check_size", "heavy atoms within a band"),
    "alerts": Tool("tools.molecule.check_alerts:check_alerts", "PAINS and Brenk structural alerts"),
    "lipinski": Tool("tools.molecule.check_lipinski:check_lipinski", "Lipinski's rule of five"),
    "descriptors": Tool("tools.molecule.check_descriptors:check_descriptors", "QED, SA, logP, TPSA and counts"),
    "range": Tool("tools.molecule.check_range:check_range", "one descriptor within limits"),
    "filter_loss": Tool("tools.molecule.check_filter_loss:check_filter_loss", "approved drugs that constraints lose"),
    "solubility": Tool("tools.molecule.check_solubility:check_solubility", "aqueous solubility, estimated by ESOL"),
    "similarity": Tool("tools.molecule.check_similarity:check_similarity", "likeness to a reference molecule"),
    "substructure": Tool("tools.molecule.check_substructure:check_substructure", "a SMARTS pattern matches"),
    "conformer": Tool("tools.molecule.check_conformer:check_conformer", "a 3D conformer exists"),
    "dock": Tool("tools.docking.check_docking:check_docking", "dock every state with Vina", DOCKING),
    "redock": Tool("tools.docking.check_redock:check_redock", "does docking find the crystal pose again", DOCKING),
    "pose": Tool("tools.docking.check_pose:check_pose", "PoseBusters plausibility", ("posebusters", "rdkit")),
    "contact": Tool("tools.docking.check_contact:check_contact", "the pose makes an interaction that was asked for"),
    "pockets": Tool("tools.protein.check_pockets:check_pockets", "cavities of a protein structure", POCKETS),
    "strain": Tool("tools.simulation.strain:check_strain", "ligand strain in the pose", ("rdkit", "openmm")),
    "interaction": Tool(
        "tools.simulation.minimise:check_interaction",
        "MMFF interaction energy after minimisation in the pocket",
        ("rdkit", "openmm"),
    ),
    "atom_balance": Tool(
        "tools.reaction.check_balance:check_balance", "no atom of a product comes from nowhere", CHEMISTRY
    ),
    "reaction_centre": Tool(
        "tools.reaction.check_reaction_centre:check_reaction_centre", "bonds that one reaction step changes", CHEMISTRY
    ),
    "usual_reactants": Tool(
        "tools.reaction.check_usual_reactants:check_usual_reactants",
        "reactants like those of the training data",
        CHEMISTRY,
    ),
    "round_trip": Tool(
        "tools.reaction.check_round_trip:check_round_trip", "forward prediction leads back to the product", CHEMISTRY
    ),
    "starting_material": Tool(
        "tools.reaction.check_starting_material:check_starting_material", "where a synthesis route may end", CHEMISTRY
    ),
    "route": Tool(
        "tools.reaction.check_route:check_route", "a whole synthesis route: steps, ends, vote shares", CHEMISTRY
    ),
    "metal_node": Tool("tools.material.check_metal_node:check_metal_node", "metal nodes that chemists know", CHEMISTRY),
    "linkers": Tool(
        "tools.material.check_linkers:check_linkers", "a linker of a framework can bridge two nodes", CHEMISTRY
    ),
    "charge_balance": Tool(
        "tools.material.check_charge_balance:check_charge_balance", "building blocks can be neutral together", CHEMISTRY
    ),
    "known_framework": Tool(
        "tools.material.check_known_framework:check_known_framework",
        "a framework is new to a list of known ones",
        CHEMISTRY,
    ),
    "residues": Tool("tools.protein.check_residues:check_residues", "a chain of the twenty amino acids", SEQUENCES),
    "mutations": Tool("tools.protein.check_mutations:check_mutations", "substitutions of a variant", SEQUENCES),
    "loop_anchors": Tool(
        "tools.antibody.check_loop_anchors:check_loop_anchors",
        "loops are found between conserved residues",
        SEQUENCES,
    ),
    "loop_kind": Tool("tools.antibody.check_loop_kind:check_loop_kind", "a loop reads like its own kind", SEQUENCES),
    "loop_length": Tool("tools.antibody.check_loop_length:check_loop_length", "a loop's usual length", SEQUENCES),
    "liabilities": Tool("tools.antibody.check_liabilities:check_liabilities", "motifs that degrade", SEQUENCES),
    "loop_numbers": Tool(
        "tools.antibody.check_loop_numbers:check_loop_numbers",
        "charge, hydropathy and identity of a loop",
        SEQUENCES,
    ),
    "motifs": Tool("tools.protein.check_motifs:check_motifs", "residues that a known protein needs", SEQUENCES),
}


DOMAINS: dict[str, str] = {"ligand": "tools.ligand:Ligand"}


@cache
def load_domain(name: str) -> Domain:
    """The science domain of this name; `InputError` lists the known ones."""
    if name not in DOMAINS:
        raise InputError(f"unknown task `{name}`; tasks are: {', '.join(DOMAINS)}")
    module, _, kind = DOMAINS[name].partition(":")
    domain: Domain = getattr(importlib.import_module(module), kind)()
    return domain


@cache
def tool_version(name: str) -> str:
    """Versions of the packages that decide a tool's result, for example "vina 1.2.7, meeko 0.8.0"."""
    return ", ".join(f"{package} {version(package)}" for package in _tool(name).packages)


def call(name: str, args: Mapping[str, Any], artifacts: Artifacts) -> CheckResult:
    """Run a tool. Always returns: a fault is an unknown verdict whose `details["fault"]` names the remedy.

    Faults: "input" (fix the arguments), "install" (something is missing), "retry" (crash, time, memory), "error".
    """
    started = time.perf_counter()
    tool = _tool(name)
    try:
        bound = inspect.signature(tool.load()).bind(**_convert(tool, args, artifacts))
        result = tool.load()(*bound.args, **bound.kwargs)
    except InputError as error:
        result = _faulty(name, "input", str(error))
    except UnavailableError as error:
        result = _faulty(name, "install", str(error))
    except (TransientError, MemoryError) as error:
        result = _faulty(name, "retry", str(error) or "out of memory")
    except OrganonError as error:
        result = _faulty(name, "stop", str(error))
    except Exception as error:  # noqa: BLE001 - the one boundary where any fault becomes an answer
        result = _faulty(name, "error", f"{type(error).__name__}: {error}")
    return replace(
        result,
        name=name,
        tool=name,
        version=tool_version(name),
        seconds=time.perf_counter() - started,
        details=_store_structures(result.details, artifacts),
    )


def is_fault(result: CheckResult) -> bool:
    """Whether this is "could not be run" and not something science said; faults are never cached."""
    return "fault" in result.details


def describe(name: str) -> dict[str, Any]:
    """Name, purpose and parameters of a tool, as `organon tools list` shows it."""
    tool = _tool(name)
    parameters = {
        _shown_name(parameter.name): {
            "type": _json_type(parameter),
            "default": None if parameter.default is inspect.Parameter.empty else _plain(parameter.default),
            "required": parameter.default is inspect.Parameter.empty,
        }
        for parameter in inspect.signature(tool.load()).parameters.values()
    }
    return {"name": name, "about": tool.about, "version": tool_version(name), "parameters": parameters}


def _tool(name: str) -> Tool:
    if name not in TOOLS:
        raise InputError(f"unknown tool `{name}`; tools are: {', '.join(TOOLS)}")
    return TOOLS[name]


def _convert(tool: Tool, args: Mapping[str, Any], artifacts: Artifacts) -> dict[str, Any]:
    parameters = inspect.signature(tool.load()).parameters
    given = {("mol" if key == "smiles" and "smiles" not in parameters else key): v for key, v in args.items()}
    unknown = sorted(set(given) - set(parameters))
    if unknown:
        shown = ", ".join(map(_shown_name, parameters))
        raise InputError(f"unknown argument {', '.join(unknown)}; valid: {shown}")
    missing = [_shown_name(p.name) for p in parameters.values() if p.default is p.empty and p.name not in given]
    if missing:
        raise InputError(f"missing argument {', '.join(missing)}")
    return {key: _converted(parameters[key], value, artifacts) for key, value in given.items()}


def _converted(parameter: inspect.Parameter, value: Any, artifacts: Artifacts) -> Any:
    """JSON becomes what the function takes: by parameter name, and for a pose by whether it takes text."""
    if parameter.name == "mol":
        return importlib.import_module("tools.molecule.parse").parse_smiles(value)
    if parameter.name == "receptor":
        receptor = importlib.import_module("tools.docking.receptor").Receptor
        return receptor.from_json(json.loads(artifacts.read_text(value)))
    if parameter.name == "structure_file":
        return artifacts.path(value)
    if parameter.name in ("pose", "receptor_pdb", "building_blocks", "known_materials"):
        text = artifacts.read_text(value)
        return text if parameter.annotation == "str" else _pose_mol(text, value)
    return value


def _pose_mol(molblock: str, artifact_id: str) -> Any:
    mol = importlib.import_module("rdkit.Chem").MolFromMolBlock(molblock, removeHs=False)
    if mol is None:
        raise InputError(f"artifact {artifact_id} does not hold a molecule that RDKit accepts")
    return mol


def _shown_name(parameter: str) -> str:
    return "smiles" if parameter == "mol" else parameter


def _store_structures(details: Mapping[str, Any], artifacts: Artifacts) -> dict[str, Any]:
    """Structures leave a tool as text under `*_molblock` and go on by artifact id, under the name without it."""
    stored = {}
    for key, value in details.items():
        if key.endswith("_molblock"):
            stored[key.removesuffix("_molblock")] = artifacts.put(value, ".sdf") if value else None
        else:
            stored[key] = value
    return stored


def _faulty(name: str, fault: str, reason: str) -> CheckResult:
    return CheckResult(name, Verdict.UNKNOWN, reason=reason, details={"fault": fault})


def _json_type(parameter: inspect.Parameter) -> str:
    special = {
        "mol": "SMILES",
        "pose": "artifact id (SDF)",
        "receptor": "artifact id (receptor)",
        "receptor_pdb": "artifact id (PDB)",
        "structure_file": "artifact id (PDB or mmCIF)",
    }
    return special.get(parameter.name, str(parameter.annotation))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
