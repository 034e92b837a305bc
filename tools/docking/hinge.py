"""The hinge of a protein kinase: the two residues whose backbone holds most ATP-site ligands by hydrogen bonds.

They are the first and the third residue behind the gatekeeper (316 and 318 of ABL1, 81 and 83 of CDK2; the hinge of
the 85-residue numbering of KLIFS, van Linden 2014, doi 10.1021/jm400378w). Found by aligning each chain with ABL1's
kinase domain; taken only where the lysine, both catalytic aspartates and the glycine that kinases share fall on their
places. NOT promised: pseudokinases that have lost those.
"""

from __future__ import annotations

from tools.docking.residues import parent_letter
from tools.errors import InputError
from tools.protein.local_alignment import align_locally
from tools.simulation.receptor import Residue, load_receptor

ABL1_DOMAIN = (
    "ITMKHKLGGGQYGEVYEGVWKKYSLTVAVKTLKEDTMEVEEFLKEAAVMKEIKHPNLVQLLGVCTREPPFYIITEFMTYGNLLDYLRECNRQEVNAVVLLYMATQIS"
    "SAMEYLEKKNFIHRDLAARNCLVGENHLVKVADFGLSRLMTGDTYTAHAGAKFPIKWTAPESLAYNKFSIKSDVWAFGVLLWEIATYGMSPYPGIDLSQVYELLEKD"
    "YRMERPEGCPEKVYELMRACWQWNPSDRPSFAEIHQAFETMF"
)
"""Residues 242 to 493 of human ABL1 (UniProt P00519)."""
FIRST = 242
SHARED = {271: "K", 363: "D", 381: "D", 383: "G"}
HINGE = (316, 318)


def hinge_residues(receptor_pdb: str) -> list[str]:
    """Labels such as ["A:GLU316", "A:MET318"] of the first chain that is a kinase domain. InputError where none is."""
    receptor = load_receptor(receptor_pdb)
    chains: dict[str, list[Residue]] = {}
    for key, residue in receptor.residues.items():
        if {"N", "CA", "C"} <= residue.atoms.keys() and parent_letter(residue.name) != "X":
            chains.setdefault(key[0], []).append(residue)
    for chain in chains.values():
        placed = _on_abl1(chain)
        if all(number in placed and parent_letter(placed[number].name) == aa for number, aa in SHARED.items()):
            found = [placed[number] for number in HINGE if number in placed]
            if len(found) == len(HINGE):
                return [_label(residue) for residue in found]
    raise InputError(
        "no chain of this receptor is a protein kinase domain with a hinge: name the residue, such as `hbond A:MET318`"
    )


def _on_abl1(chain: list[Residue]) -> dict[int, Residue]:
    """Residue number in ABL1 -> the residue of this chain that aligns with it."""
    sequence = "".join(parent_letter(residue.name) for residue in chain)
    return {FIRST + mine: chain[theirs] for mine, theirs in align_locally(ABL1_DOMAIN, sequence)}


def _label(residue: Residue) -> str:
    chain, number, icode, name = residue.key
    return f"{chain}:{name}{number}{icode}"
