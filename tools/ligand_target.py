"""The target of a ligand campaign: from a bundled name or a structure file to a stored receptor, and the reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rdkit import Chem

from tools.docking.box import Box
from tools.docking.check_contact import require_judgeable
from tools.docking.dockstring_targets import load_target, target_at
from tools.docking.pocket import PocketSpec
from tools.docking.prepare import prepare_receptor
from tools.docking.receptor import Receptor
from tools.errors import InputError
from tools.ligand_prompts import pocket_chain
from tools.memory.artifacts import Artifacts
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles


def prepare(target: Mapping[str, Any], artifacts: Artifacts, must: Sequence[str] = ()) -> dict[str, Any]:
    """Read, prepare and store the receptor; raises `InputError` for whatever is wrong with the target, and for an
    interaction that poses `must` make where it cannot be judged on this receptor."""
    receptor = _bundled(target) if target.get("name") else _from_file(target)
    for wanted in must:
        require_judgeable(receptor.pdb, wanted)
    receptor_id = artifacts.put(json.dumps(receptor.to_json(), sort_keys=True), ".json")
    receptor_pdb = artifacts.put(receptor.pdb, ".pdb")
    return {
        "receptor": receptor_id,
        "receptor_pdb": receptor_pdb,
        "pocket_chain": pocket_chain(receptor.pdb, receptor.pocket_residues),
        "cognate": {"name": receptor.ligand.name, "smiles": receptor.ligand.smiles} if receptor.ligand else None,
        "target": {
            "name": receptor.name,
            "source": receptor.source,
            "receptor": receptor_pdb,
            "box_center_angstrom": receptor.box.center_angstrom,
            "box_size_angstrom": receptor.box.size_angstrom,
            "pocket_residues": receptor.pocket_residues,
            "notes": receptor.notes,
        },
    }


def _bundled(target: Mapping[str, Any]) -> Receptor:
    """With its own pocket, or another one where the target names it."""
    has_place = any(target.get(key) for key in ("residues", "box", "ligand"))
    return target_at(target["name"], _pocket(target)) if has_place else load_target(target["name"])


def _from_file(target: Mapping[str, Any]) -> Receptor:
    return prepare_receptor(Path(target["pdb"]), _pocket(target), chain=target.get("chain"))


def _pocket(target: Mapping[str, Any]) -> PocketSpec:
    box = target.get("box")
    code = (target.get("pocket") or "").removeprefix("from_ligand ").strip() or None
    return PocketSpec(
        ligand=code,
        residues=tuple(target.get("residues") or ()),
        box=Box(tuple(box["center"]), tuple(box["size"])) if box else None,
        ligand_file=Path(target["ligand"]) if target.get("ligand") else None,
        ligand_smiles=target.get("ligand_smiles") or _known_component(code),
    )


def _known_component(code: str | None) -> str | None:
    """The SMILES of a bound ligand whose component code is an approved drug's: a PDB file holds no bond orders."""
    component = re.sub(r"\d+$", "", (code or "").rpartition(":")[2]) if code else ""
    known = {drug.component_id: drug.smiles for drug in load_approved_drugs()}
    return known.get((code or "").rpartition(":")[2]) or known.get(component)


def reference(given: str | None, prepared: Mapping[str, Any]) -> dict[str, str] | None:
    """{"name", "smiles"} of the reference compound: a file, an approved drug's name, a SMILES; else the ligand that
    was bound in the structure; else None."""
    if given is None:
        cognate = prepared["cognate"]
        return {"name": cognate["name"], "smiles": _parent(cognate["smiles"])} if cognate else None
    if given.lower().endswith((".sdf", ".mol", ".smi")):
        return {"name": Path(given).stem, "smiles": smiles_of_file(Path(given))[0]}
    for drug in load_approved_drugs():
        if drug.name == given.lower():
            return {"name": drug.name, "smiles": _parent(drug.smiles)}
    try:
        return {"name": "reference", "smiles": _parent(given)}
    except InputError:
        raise InputError(
            f"reference `{given}` is neither a file (.sdf, .mol, .smi), nor a bundled drug's name, nor a SMILES"
        ) from None


def smiles_of_file(path: Path) -> list[str]:
    """Parents of the molecules in an SDF, MOL or SMILES file, in order; `InputError` names the first that fails."""
    if path.suffix.lower() in (".sdf", ".mol"):
        mols = list(Chem.SDMolSupplier(str(path)))
        texts = [Chem.MolToSmiles(mol) if mol else "" for mol in mols]
    else:
        texts = [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not texts:
        raise InputError(f"{path} holds no molecule")
    for number, text in enumerate(texts, 1):
        if not text:
            raise InputError(f"{path}: molecule {number} is not one that RDKit accepts")
    return [_parent(text) for text in texts]


def _parent(smiles: str) -> str:
    return canonical_smiles(neutral_parent(parse_smiles(smiles)))
