"""Does a docked pose make an interaction that was asked for, such as a hydrogen bond to the hinge?

A requirement reads "hbond A:MET318": a kind of `tools.docking.interactions` and a residue of the receptor, or several
of which one is enough ("hbond A:GLU316|A:MET318"). The answer is about this one pose of Vina's and about rigid
residues. NOT promised: that another pose would not make it.
"""

from __future__ import annotations

import difflib
import math
import re
import time
from dataclasses import dataclass

import rdkit
from rdkit import Chem

from tools.docking.interactions import KINDS, Criteria, closest_interaction, needs_hydrogens
from tools.docking.structure import join
from tools.errors import InputError
from tools.simulation.pose import require_pose
from tools.simulation.receptor import Receptor, Residue, load_receptor
from tools.types import CheckResult, Verdict

NAME = "contact"
SPELLINGS = {
    "hydrogen bond": "hbond",
    "h bond": "hbond",
    "h-bond": "hbond",
    "hydrogen_bond": "hbond",
    "hbond donor": "hbond_donor",
    "hbond acceptor": "hbond_acceptor",
    "salt bridge": "salt_bridge",
    "saltbridge": "salt_bridge",
    "ionic": "salt_bridge",
    "pi stacking": "stacking",
    "pi-stacking": "stacking",
    "hydrophobic contact": "hydrophobic",
}
OR = "|"
_RESIDUE = re.compile(r"(?:(?P<chain>\w+):)?(?P<name>[A-Za-z]{3})?(?P<number>-?\d+)(?P<icode>[A-Za-z]?)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """`residue` as "A:MET318", several joined by "|"; chain and name may be missing ("MET318", "318")."""

    kind: str
    residue: str

    def __str__(self) -> str:
        return f"{self.kind} {self.residue}"


def parse_requirement(text: str) -> Requirement:
    """Of "hbond A:MET318" or "hydrogen bond to MET318"; InputError names the kinds and the form of a residue."""
    words = re.sub(r"\b(to|with|at|on|the|a|an)\b", " ", " ".join(text.split())).split()
    kind, residue = " ".join(words[:-1]).lower(), words[-1] if words else ""
    kind = SPELLINGS.get(kind, kind.replace(" ", "_"))
    if kind not in KINDS:
        close = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise InputError(f"interaction {text!r}: write it as `hbond A:MET318`; kinds are {', '.join(KINDS)}{hint}")
    if not all(_RESIDUE.fullmatch(one) for one in residue.split(OR)):
        raise InputError(f"interaction {text!r}: {residue!r} is no residue; write it as A:MET318")
    return Requirement(kind, residue)


def find_residue(receptor_pdb: str, label: str) -> str:
    """The residue's full label ("A:MET318") in PDB text; of several joined by "|" each. InputError where it is not
    there or not the only one, with residues of the same name."""
    return OR.join(_label(_find(load_receptor(receptor_pdb), one)) for one in label.split(OR))


def require_judgeable(receptor_pdb: str, must: str) -> None:
    """InputError where a residue of `must` is not in the receptor, or has no hydrogens that would decide."""
    requirement, receptor = parse_requirement(must), load_receptor(receptor_pdb)
    residues = [_find(receptor, label) for label in requirement.residue.split(OR)]
    if all(needs_hydrogens(residue, requirement.kind) for residue in residues):
        shown = OR.join(map(_label, residues))
        raise InputError(f"interaction {must!r} cannot be judged: {shown} has no hydrogens in the prepared receptor")


def residue_labels(receptor_pdb: str) -> list[str]:
    """Every residue of the PDB text, as "A:MET318"."""
    return [_label(residue) for residue in load_receptor(receptor_pdb).residues.values()]


def check_contact(pose: Chem.Mol, receptor_pdb: str, *, must: str) -> CheckResult:
    """Pass where the pose makes the interaction `must`; `value` is the distance in Å of the pair that decides.

    Criteria and their sources: `tools.docking.interactions`. Unknown where nothing was found but hydrogens that would
    decide are not in the structure.
    """
    require_pose(pose)
    started = time.perf_counter()
    requirement = parse_requirement(must)
    receptor = load_receptor(receptor_pdb)
    residues = [_find(receptor, label) for label in requirement.residue.split(OR)]
    shown = f"{requirement.kind} {OR.join(_label(residue) for residue in residues)}"
    tried = [(closest_interaction(pose, residue, requirement.kind), residue) for residue in residues]
    bare = [residue for residue in residues if needs_hydrogens(residue, requirement.kind)]
    unsure = {residue.key for residue in bare if residue.name == "HIS"}
    found, residue = min(
        tried, key=lambda one: (not one[0].met or one[1].key in unsure, one[0].distance_angstrom or math.inf)
    )
    met = found.met and residue.key not in unsure
    verdict = Verdict.PASS if met else Verdict.UNKNOWN if bare else Verdict.FAIL
    lacking = f"{OR.join(map(_label, bare))} has no hydrogens in this structure"
    reason = lacking if bare else f"no {shown}: {found.measured}"
    return CheckResult(
        name=NAME,
        verdict=verdict,
        value=found.distance_angstrom,
        unit="Å",
        threshold=_threshold(requirement.kind, Criteria()),
        reason="" if met else reason,
        tool="rdkit",
        version=f"rdkit {rdkit.__version__}",
        seconds=time.perf_counter() - started,
        details={
            "interaction": shown,
            "residue": _label(residue),
            "measured": found.measured,
            "ligand_atom": found.ligand_atom,
            "residue_atom": found.residue_atom,
        },
    )


def _find(receptor: Receptor, label: str) -> Residue:
    match = _RESIDUE.fullmatch(label.strip())
    if match is None:
        raise InputError(f"residue {label!r}: write it as A:MET318")
    chain, name, number, icode = (match[key] or "" for key in ("chain", "name", "number", "icode"))
    here = [
        residue
        for key, residue in receptor.residues.items()
        if str(key[1]) == number and key[2].upper() == icode.upper() and chain in ("", key[0])
    ]
    found = [residue for residue in here if name.upper() in ("", residue.name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"residue {label!r} is in several chains: {join([_label(r) for r in found])}; name the chain")
    alike = [_label(residue) for residue in receptor.residues.values() if residue.name == name.upper()]
    hint = f"; {name.upper()} there: {join(alike, 8)}" if alike else ""
    there = f" (number {number} there is {join([_label(r) for r in here])})" if here else ""
    raise InputError(f"residue {label!r} is not in this receptor{there}{hint}")


def _label(residue: Residue) -> str:
    chain, number, icode, _ = residue.key
    return f"{chain}:{residue.name}{number}{icode}"


def _threshold(kind: str, criteria: Criteria) -> str:
    if kind.startswith("hbond"):
        return f"H...A <= {criteria.hydrogen_acceptor:g} Å and D-H...A >= {criteria.donor_angle:g}°"
    if kind == "stacking":
        return f"ring centres <= {criteria.ring_centres:g} Å, offset <= {criteria.ring_offset:g} Å"
    return f"<= {getattr(criteria, kind):g} Å"
