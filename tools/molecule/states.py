"""What to dock of one parent molecule: protonation states at a pH and the undefined stereocentres.

Protonation follows Dimorphite-DL (Ropp 2019, doi 10.1186/s13321-019-0336-9), a table of substructure pKa
values: the states are those populated within the pH window, likeliest first. NOT promised: tautomers, and pKa
shifts by a pocket. Stereocentres that are written are kept; open ones are enumerated and reported, never
picked silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import dimorphite_dl
from rdkit import Chem, rdBase
from rdkit.Chem import EnumerateStereoisomers

from tools.errors import InputError
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles

CLOSE_BONDS = 4
MAX_VARIANTS = 64


@dataclass(frozen=True, slots=True)
class State:
    """One form to dock. `undefined_stereo` says that the parent left stereo open and this form is one guess."""

    smiles: str
    formal_charge: int
    undefined_stereo: bool


def enumerate_states(
    smiles: str,
    ph: float = 7.4,
    ph_tolerance: float = 0.5,
    max_states: int = 4,
    max_stereoisomers: int = 4,
    *,
    pka_precision: float = 0.5,
    seed: int = 7,
) -> list[State]:
    """Protonation states times stereoisomers, distinct, in a fixed order (stereoisomer, then likelihood).

    `ph` and `ph_tolerance` are in pH units; 7.4 +- 0.5, at most 4 states and 4 stereoisomers are protocols.md
    2b. `pka_precision` scales the pKa standard deviations by which the window is widened: at Dimorphite's own
    1.0 the ureas, carbamates and lactams among 48 approved drugs (sorafenib, ritonavir, efavirenz) come out
    as anions, at 0.5 none does. `seed` chooses the stereoisomers tried where there are more than
    `max_stereoisomers`.
    """
    if max_states < 1 or max_stereoisomers < 1:
        raise InputError(f"max_states {max_states} and max_stereoisomers {max_stereoisomers} must be at least 1")
    if not 0.0 <= ph <= 14.0 or ph_tolerance < 0.0:
        raise InputError(f"pH {ph} +- {ph_tolerance} is not a pH window; expected 0..14 and a tolerance >= 0")
    parent = neutral_parent(parse_smiles(smiles))
    undefined = has_undefined_stereo(parent)
    states: dict[str, State] = {}
    for isomer in _stereoisomers(parent, max_stereoisomers, seed):
        for protonated in _protonate(isomer, ph, ph_tolerance, max_states, pka_precision):
            mol = parse_smiles(protonated)
            text = canonical_smiles(mol)
            states.setdefault(text, State(text, Chem.GetFormalCharge(mol), undefined))
    return list(states.values())


def has_undefined_stereo(mol: Chem.Mol) -> bool:
    """True where a tetrahedral centre or double bond is stereogenic and not assigned.

    A C=N-H bond does not count: it inverts and tautomerises in water.
    """
    model = Chem.Mol(mol)
    unassigned = [e for e in Chem.FindPotentialStereo(model) if e.specified == Chem.StereoSpecified.Unspecified]
    return any(not _is_imine_nh(model, element) for element in unassigned)


def _is_imine_nh(mol: Chem.Mol, element: Chem.StereoInfo) -> bool:
    if element.type != Chem.StereoType.Bond_Double:
        return False
    bond = mol.GetBondWithIdx(element.centeredOn)
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    return any(atom.GetAtomicNum() == 7 and atom.GetTotalNumHs() > 0 for atom in ends)


def _stereoisomers(parent: Chem.Mol, max_stereoisomers: int, seed: int) -> list[str]:
    """Canonical SMILES of the stereoisomers that embed in 3D; the parent itself where none does."""
    if not has_undefined_stereo(parent):
        return [canonical_smiles(parent)]
    options = EnumerateStereoisomers.StereoEnumerationOptions(  # type: ignore[no-untyped-call]
        tryEmbedding=True, onlyUnassigned=True, unique=True, maxIsomers=max_stereoisomers, rand=seed
    )
    enumerate_isomers = EnumerateStereoisomers.EnumerateStereoisomers
    with rdBase.BlockLogs():
        isomers = list(enumerate_isomers(Chem.Mol(parent), options=options))  # type: ignore[no-untyped-call]
    return sorted({canonical_smiles(isomer) for isomer in isomers}) or [canonical_smiles(parent)]


def _protonate(smiles: str, ph: float, tolerance: float, max_states: int, precision: float) -> list[str]:
    """States in the pH window, likeliest first.

    Dimorphite treats every site alone and orders nothing. Here a state comes earlier the fewer like charges it carries
    within `CLOSE_BONDS` bonds (a piperazine takes one proton at pH 7.4, not two: its second pKa is near 5); then, of
    the sites that may be either, acids are left neutral (its mean for phenols, 7.1, is pulled down by nitrophenols;
    phenol itself has 10) and amines charged.
    """
    window = {"ph_min": ph - tolerance, "ph_max": ph + tolerance, "precision": precision, "max_variants": MAX_VARIANTS}
    variants = dict.fromkeys(dimorphite_dl.protonate_smiles(smiles, **window))
    return sorted(variants, key=lambda state: (*_unlikelihood(state), state))[:max_states] or [smiles]


def _unlikelihood(smiles: str) -> tuple[int, int, int]:
    """(pairs of close like charges, negative charges, minus positive charges)."""
    mol = parse_smiles(smiles)
    charged = [atom for atom in mol.GetAtoms() if atom.GetFormalCharge() != 0 and not _is_balanced(atom)]
    distances = Chem.GetDistanceMatrix(mol)
    close = sum(
        first.GetFormalCharge() * second.GetFormalCharge() > 0
        and distances[first.GetIdx()][second.GetIdx()] <= CLOSE_BONDS
        for first, second in combinations(charged, 2)
    )
    positive = sum(atom.GetFormalCharge() > 0 for atom in charged)
    return close, len(charged) - positive, -positive


def _is_balanced(atom: Chem.Atom) -> bool:
    """Part of a group that is only written with charges, such as nitro or an N-oxide."""
    return any(neighbour.GetFormalCharge() * atom.GetFormalCharge() < 0 for neighbour in atom.GetNeighbors())
