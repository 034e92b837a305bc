"""Names that stand for structures: well-known molecules, targets, proteins. Bundled tables of facts.

`molecules.csv`: name, PDB chemical component (where one is known), other names, SMILES of the neutral parent. Not
promised: that every drug is there; an unknown name is asked about.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from models.chat.offline.spelling import distance

TRASTUZUMAB_HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYCSRWG"
    "GDGFYAMDYWGQGTLVTVSS"
)
TRASTUZUMAB_LIGHT = (
    "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIK"
)
ANTIBODIES = dict.fromkeys(("trastuzumab", "herceptin"), (TRASTUZUMAB_HEAVY, TRASTUZUMAB_LIGHT))
"""Variable domains of therapeutic antibodies (trastuzumab: WHO INN list 78, PDB 1N8Z)."""
PROTEINS = {
    "gfp": "GFP",
    "avgfp": "GFP",
    "green fluorescent protein": "GFP",
    "gb1": "GB1",
    "protein g domain b1": "GB1",
    "ubiquitin": "ubiquitin",
    "lysozyme": "lysozyme",
    "hen egg-white lysozyme": "lysozyme",
    "hen egg white lysozyme": "lysozyme",
    "hewl": "lysozyme",
    "tem-1": "TEM-1",
    "tem1": "TEM-1",
    "beta-lactamase tem-1": "TEM-1",
}
"""Names of proteins -> the bundled name that actions take."""
_APPROVED = """
imatinib gefitinib erlotinib dasatinib nilotinib sunitinib sorafenib vemurafenib donepezil tacrine indinavir
saquinavir ritonavir celecoxib aspirin ibuprofen caffeine methotrexate trimethoprim sildenafil tadalafil
4-hydroxytamoxifen estradiol dexamethasone zanamivir atorvastatin cocaine nicotine acetazolamide osimertinib
colchicine paclitaxel chloramphenicol warfarin diclofenac flurbiprofen indomethacin morphine lopinavir darunavir
nevirapine efavirenz raloxifene genistein
"""
APPROVED = frozenset(_APPROVED.split())
"""Molecules that campaigns know by name, so that reports call them so; all others go as SMILES."""
_NOT_BUNDLED = """
braf b-raf raf1 kras nras hras her2 her-2 erbb2 her3 her4 tp53 p53 mdm2 bcl2 bcl-2 bclxl mcl1 mcl-1 tnf tnfa il6 il2
il-6 pd1 pd-1 pdl1 pd-l1 ctla4 jak1 jak3 tyk2 btk alk ret ros1 trka ntrk1 cdk1 cdk4 cdk6 cdk7 cdk9 aurka aurora mtor
pi3k pik3ca pten smo hdac1 hdac2 hdac6 ezh2 brd4 dnmt1 dot1l ns3 ns5b mpro 3clpro plpro ace2 spike neuraminidase
hemagglutinin pkr gsk3b gsk-3b gsk3 dyrk1a ck2 ampk lrrk2 rip1 ripk1 ripk2 tgfbr1 alk5 vegfr1 vegfr3 pdgfr pdgfra
pdgfrb flt3 fgfr2 fgfr3 fgfr4 axl mertk eph epha2 ddr1 5ht2a htr2a 5-ht2a drd1 drd4 chrm1 chrm2 oprm1 oprd1 cnr1 cnr2
hrh1 p2y12 cxcr4 ccr5 glp1r gpr40 sglt2 nav1.7 herg trpv1 gaba nmda ampa dat sert net maoa mao-a comt ace dpp8 fap
cathepsin cathepsink mmp2 mmp9 mmp1 cox1 cox-1 ptgs1 alox5 sqle cyp2d6 cyp1a2 cyp2c19 pcsk9 lxr fxr rxr rorgt vdr ahr
dhodh idh1 idh2 nampt tdo ido1 kif11 eg5 tubulin actin proteasome parp2 atr atm chk1 chek1 wee1 wrn keap1 nrf2 sting
cgas nlrp3 rsv hiv integrase gyrase topoisomerase telomerase insulin hemoglobin trypsin chymotrypsin elastase
neprilysin neprylisin renilla luciferase sirt1 sirt2 ship2 shp2 shp-2 ptpn11 sos1 crbn cereblon vhl
"""
NOT_BUNDLED = frozenset(_NOT_BUNDLED.split())
"""Well-known proteins that no structure is bundled for; asked about, never replaced by another."""


@dataclass(frozen=True, slots=True)
class Molecule:
    """One row of the table of molecules. `component_id` is its code in the Protein Data Bank, or empty."""

    name: str
    component_id: str
    smiles: str


@cache
def molecules() -> dict[str, Molecule]:
    """Lower-case name or synonym -> molecule."""
    table: dict[str, Molecule] = {}
    with (files("models.chat.offline") / "molecules.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            entry = Molecule(row["name"], row["component_id"], row["smiles"])
            for name in (row["name"], *filter(None, row["synonyms"].split(";"))):
                table[name.lower()] = entry
    return table


@cache
def components() -> dict[str, Molecule]:
    """PDB chemical component code -> molecule."""
    return {entry.component_id: entry for entry in molecules().values() if entry.component_id}


@cache
def target_synonyms() -> dict[str, str]:
    """Lower-case name -> bundled target. A name with "!" in the table is an English word or a handle too: it counts
    in capitals, or where the sentence calls for a target."""
    table: dict[str, str] = {}
    for line in (files("models.chat.offline") / "targets.tsv").read_text(encoding="utf-8").splitlines():
        target, names = line.split("\t")
        for name in names.split(";"):
            table[name.rstrip("!").lower()] = target
    return table


@cache
def ambiguous_targets() -> frozenset[str]:
    """Lower-case target names that are words or handles as well."""
    text = (files("models.chat.offline") / "targets.tsv").read_text(encoding="utf-8")
    return frozenset(name[:-1].lower() for name in re.split(r"[\t;\n]", text) if name.endswith("!"))


def target_table(targets: Iterable[str]) -> Mapping[str, str]:
    """Lower-case name -> one of `targets`: their own names and the synonyms of those among them. Without any, all that
    the table knows."""
    offered = tuple(targets)
    if not offered:
        return target_synonyms()
    own = {name.lower(): name for name in offered}
    return {**{name: target for name, target in target_synonyms().items() if target in offered}, **own}


def close_molecule(word: str) -> Molecule | None:
    """The molecule whose name is nearly `word`: one letter off from 6 letters on, two from 10 on, and only one such."""
    if len(word) < 6 or not word.isalpha():
        return None
    allowed = 2 if len(word) >= 10 else 1
    near = {
        entry.name: entry
        for name, entry in molecules().items()
        if abs(len(name) - len(word)) <= allowed and name[0] == word[0] and distance(word, name, allowed) <= allowed
    }
    return next(iter(near.values())) if len(near) == 1 else None
