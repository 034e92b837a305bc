"""What the model is asked for when ligands are designed: the marked pocket of this receptor, and an open molecule.

A chain longer than the model was trained on is cut to a window around its pocket, as in the training corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from models.grammar.objects import Protein
from models.grammar.tasks import STOP, prompt_for
from tools.docking.residues import one_letter
from tools.domain import Context, Prompt

MAX_RESIDUES = 320
KEPT_SHARE = (0.3, 0.8)
"""Shortest and longest opening of a parent's SMILES that is kept, as a share of its atoms."""


def prompts(context: Context) -> list[Prompt]:
    """The pocket-conditioned prompt where the receptor has a protein pocket, and the unconditioned one."""
    opened = [Prompt("molecule", prompt_for("molecule"), _stop("molecule"))]
    if context["pocket_chain"]:
        chain = context["pocket_chain"]
        protein = Protein(chain["sequence"], tuple(chain["pocket"]))
        opened.insert(0, Prompt("ligand", prompt_for("ligand", proteins=protein), _stop("ligand")))
    return opened


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
