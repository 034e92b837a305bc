"""What the model is asked for when ligands are designed: the marked pocket of this receptor, and an open molecule.

A chain longer than the model was trained on is cut to a window around its pocket, as in the training corpus. Where the
campaign bounds logP, molecular weight or QED, the open molecule may be asked for in those bins (property tags); the
funnel's own checks still decide, since a bin can reach beyond the bound and the model can miss it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from rdkit import Chem

from models.conditions import LIMITS, Bins, read_ranges
from models.grammar.objects import Protein
from models.grammar.properties import PROPERTIES
from models.grammar.tasks import STOP, prompt_for
from tools.docking.residues import one_letter
from tools.domain import Context, Prompt
from tools.molecule.constraints import parse_range

MAX_RESIDUES = 320
ASKABLE = {"logp": "log_p", "mol_weight": "molecular_weight", "qed": "qed"}
"""Constraint of a campaign -> property of the grammar that can be asked for."""
KEPT_SHARE = (0.3, 0.8)
"""Shortest and longest opening of a parent's SMILES that is kept, as a share of its atoms."""


def prompts(context: Context) -> list[Prompt]:
    """The pocket-conditioned prompt where the receptor has a protein pocket, and the unconditioned one."""
    bins = bounded_bins(context["constraints"])
    opened = [Prompt("molecule", prompt_for("molecule"), _stop("molecule"), bins)]
    if context["pocket_chain"]:
        chain = context["pocket_chain"]
        protein = Protein(chain["sequence"], tuple(chain["pocket"]))
        opened.insert(0, Prompt("ligand", prompt_for("ligand", proteins=protein), _stop("ligand")))
    return opened


def bounded_bins(constraints: Mapping[str, str]) -> Bins:
    """The bins that the campaign's bounds touch, for each property that they bound; one whose bins are all inside is
    left out, as is one that cannot be met."""
    ranges: dict[str, list[float | None]] = {}
    for key, name in ASKABLE.items():
        if key in constraints:
            low, high = parse_range(key, constraints[key])
            floor, ceiling = LIMITS[name]
            low = floor if low is None else max(floor, low)
            high = ceiling if high is None else min(ceiling, high)
            if low <= high:
                ranges[name] = [None if math.isinf(end) else end for end in (low, high)]
    return tuple(tags for tags in read_ranges(ranges) if not _all_of_a_property(tags))


def _all_of_a_property(tags: Sequence[str]) -> bool:
    return any(tuple(tags) == item.tags for item in PROPERTIES)


def reprompt(text: str, seed: int) -> tuple[Prompt, str]:
    """The opening of a random spelling of `text`, cut between two atoms, and that opening itself."""
    rng = np.random.default_rng(seed)
    mol = Chem.MolFromSmiles(text)
    order = [int(i) for i in rng.permutation(mol.GetNumAtoms())]
    spelled = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
    starts = [i for i, symbol in enumerate(spelled) if symbol.isalpha() and not _inside_bracket(spelled, i)]
    cut = starts[int(rng.uniform(*KEPT_SHARE) * (len(starts) - 1))] if starts else len(spelled) // 2
    kept = spelled[:cut]
    return Prompt("molecule", prompt_for("molecule", prefix=kept), _stop("molecule")), kept


def pocket_chain(receptor_pdb: str, pocket_residues: Sequence[str]) -> dict[str, object] | None:
    """The chain that lines the pocket most: its sequence and 0-based pocket indices, cut to a window.

    `receptor_pdb` is PDB text; labels are like "A:THR315". None where no protein residue lines the pocket.
    """
    chains: dict[str, list[tuple[str, str]]] = {}
    for line in receptor_pdb.splitlines():
        if line.startswith(("ATOM", "HETATM")) and line[12:16].strip() == "CA" and one_letter(line[17:20]):
            label = f"{line[21].strip()}:{line[17:20].strip()}{line[22:27].strip()}"
            chains.setdefault(line[21], []).append((label, one_letter(line[17:20])))
    wanted = set(pocket_residues)
    hits = {name: [i for i, (label, _) in enumerate(chain) if label in wanted] for name, chain in chains.items()}
    best = max(hits, key=lambda name: len(hits[name]), default=None)
    if best is None or not hits[best]:
        return None
    sequence, pocket = "".join(letter for _, letter in chains[best]), hits[best]
    middle = (pocket[0] + pocket[-1]) // 2
    start = max(0, min(middle - MAX_RESIDUES // 2, len(sequence) - MAX_RESIDUES))
    end = start + MAX_RESIDUES
    return {"sequence": sequence[start:end], "pocket": [i - start for i in pocket if start <= i < end]}


def _stop(task: str) -> str:
    tag = STOP[task]  # type: ignore[index]
    assert tag is not None
    return tag


def _inside_bracket(smiles: str, index: int) -> bool:
    return smiles.rfind("[", 0, index) > smiles.rfind("]", 0, index)
