"""A few texts of each kind, of well-known molecules, proteins and materials, for looking inside a model.

All are public facts: names and numbering stand beside them. They are short and few on purpose, enough to see where a
model's experts go; no figure about its quality should rest on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.grammar import render
from models.grammar.objects import (
    Antibody,
    CdrDesign,
    Complex,
    GrammarObject,
    Material,
    Metal,
    Molecule,
    PocketSearch,
    Protein,
    ProteinEdit,
    Reaction,
    Retrosynthesis,
)

MOLECULES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "imatinib": "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
    "ibuprofen": "CC(C)Cc1ccc(C(C)C(=O)O)cc1",
    "diazepam": "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "gefitinib": "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1",
    "benzylpenicillin": "CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)O",
    "warfarin": "CC(=O)CC(c1ccccc1)c1c(O)c2ccccc2oc1=O",
    "metformin": "CN(C)C(=N)NC(=N)N",
}
REACTIONS = {
    "esterification": (("CC(=O)O", "CCO"), "CCOC(C)=O"),
    "acetylation to aspirin": (("O=C(O)c1ccccc1O", "CC(=O)OC(C)=O"), "CC(=O)Oc1ccccc1C(=O)O"),
    "acetylation to paracetamol": (("Nc1ccc(O)cc1", "CC(=O)OC(C)=O"), "CC(=O)Nc1ccc(O)cc1"),
    "Suzuki coupling": (("Brc1ccccc1", "OB(O)c1ccccc1"), "c1ccc(-c2ccccc2)cc1"),
    "Diels-Alder addition": (("C=CC=C", "O=C1C=CC(=O)O1"), "O=C1OC(=O)C2CC=CCC12"),
    "alkylation to lidocaine": (("CCNCC", "Cc1cccc(C)c1NC(=O)CCl"), "CCN(CC)CC(=O)Nc1c(C)cccc1C"),
}
_TEREPHTHALATE = "O=C([O-])c1ccc(C(=O)[O-])cc1"
MATERIALS = {
    "ZIF-8": (("[Zn]",), ("Cc1ncc[n-]1",)),
    "HKUST-1": (("[Cu][Cu]",), ("O=C([O-])c1cc(C(=O)[O-])cc(C(=O)[O-])c1",)),
    "MOF-5": (("[Zn][O]([Zn])([Zn])[Zn]",), (_TEREPHTHALATE,)),
    "MIL-53": (("[Al]",), (_TEREPHTHALATE,)),
    "Mg-MOF-74": (("[Mg]",), ("O=C([O-])c1cc([O-])c(C(=O)[O-])cc1[O-]",)),
    "DMOF-1": (("[Zn][Zn]",), (_TEREPHTHALATE, "C1CN2CCN1CC2")),
}
GFP = (  # UniProt P42212
    "MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTFSYGVQCFSRYPDHMKQHDFFKSAMPEGYVQERTIFFKDDGNYKTRAEVKF"
    "EGDTLVNRIELKGIDFKEDGNILGHKLEYNYNSHNVYIMADKQKNGIKVNFKIRHNIEDGSVQLADHYQQNTPIGDGPVLLPDNHYLSTQSALSKDPNEKRDHMVLLEFVTAAG"
    "ITHGMDELYK"
)
UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
LYSOZYME = (  # hen egg white, UniProt P00698 without its signal peptide
    "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAWVAWRNR"
    "CKGTDVQAWIRGCRL"
)
DHFR = (  # of E. coli, UniProt P0ABQ4
    "MISLIAALAVDRVIGMENAMPWNLPADLAWFKRNTLNKPVIMGRHTWESIGRPLPGRKNIILSSQPGTDDRVTWVKSVDEAIAACGDVPEIMVIGGGRVYEQFLPKAQKLYLTH"
    "IDAEVEGDTHFPDYEPDDWESVFSEFHDADAQNSHSYCFEILERR"
)
DHFR_SITE = (5, 6, 7, 20, 27, 28, 31, 32, 49, 50, 54, 57, 94, 100, 113)  # methotrexate's, from 1
HIV_PROTEASE = "PQITLWQRPLVTIKIGGQLKEALLDTGADDTVLEEMSLPGRWKPKMIGGIGGFIKVRQYDQILIEICGHKAIGTVLVGPTPVNIIGRNLLTQIGCTLNF"
HIV_PROTEASE_SITE = (8, 23, 25, 27, 28, 29, 30, 32, 47, 48, 49, 50, 81, 82, 84)  # the inhibitors', from 1
LIGANDS = {
    "methotrexate": "CN(Cc1cnc2nc(N)nc(N)c2n1)c1ccc(C(=O)NC(CCC(=O)O)C(=O)O)cc1",
    "trimethoprim": "COc1cc(Cc2cnc(N)nc2N)cc(OC)c1OC",
    "darunavir": "CC(C)CN(CC(O)C(Cc1ccccc1)NC(=O)OC1COC2OCCC12)S(=O)(=O)c1ccc(N)cc1",
}
ANTIBODIES = {  # variable domains and their loops as IMGT delimits them
    "trastuzumab, heavy": (
        "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYCSRWGGDGFYAMDYWG"
        "QGTLVTVSS",
        ("GFNIKDTY", "IYPTNGYT", "SRWGGDGFYAMDY"),
    ),
    "trastuzumab, light": (
        "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIK",
        ("QDVNTA", "SAS", "QQHYTTPPT"),
    ),
    "adalimumab, heavy": (
        "EVQLVESGGGLVQPGRSLRLSCAASGFTFDDYAMHWVRQAPGKGLEWVSAITWNSGHIDYADSVEGRFTISRDNAKNSLYLQMNSLRAEDTAVYYCAKVSYLSTASSLDYW"
        "GQGTLVTVSS",
        ("GFTFDDYA", "ITWNSGHI", "AKVSYLSTASSLDY"),
    ),
}


def example_texts() -> dict[str, list[str]]:
    """Kind of text (named as the corpus names them) -> texts in the grammar."""
    dhfr, protease = _with_site(DHFR, DHFR_SITE), _with_site(HIV_PROTEASE, HIV_PROTEASE_SITE)
    bound = [(dhfr, "methotrexate"), (dhfr, "trimethoprim"), (protease, "darunavir")]
    chains = [_antibody(*entry) for entry in ANTIBODIES.values()]
    edited = [(GFP, "S65T"), (UBIQUITIN, "K48R")]
    objects: dict[str, Sequence[GrammarObject]] = {
        "molecule": [Molecule(smiles) for smiles in MOLECULES.values()],
        "reaction": [Reaction(_molecules(*before), _molecules(after)) for before, after in REACTIONS.values()],
        "retrosynthesis": [Retrosynthesis(_molecules(after), _molecules(*b)) for b, after in REACTIONS.values()],
        "complex": [Complex((protein,), Molecule(LIGANDS[ligand])) for protein, ligand in bound],
        "pocket": [PocketSearch(Protein(protein.sequence), protein) for protein in (dhfr, protease)],
        "protein": [Protein(sequence) for sequence in (GFP, UBIQUITIN, LYSOZYME)],
        "antibody": [*chains, *map(_third_loop, chains)],
        "edit": [ProteinEdit(Protein(parent), Protein(_mutated(parent, change))) for parent, change in edited],
        "material": [Material((*map(Metal, nodes), *_molecules(*linkers))) for nodes, linkers in MATERIALS.values()],
    }
    return {kind: [render(item) for item in items] for kind, items in objects.items()}


def _molecules(*smiles: str) -> tuple[Molecule, ...]:
    return tuple(map(Molecule, smiles))


def _with_site(sequence: str, site: tuple[int, ...]) -> Protein:
    return Protein(sequence, tuple(at - 1 for at in site))


def _antibody(sequence: str, loops: tuple[str, ...]) -> Antibody:
    spans, end = [], 0
    for loop in loops:
        start = sequence.index(loop, end)
        end = start + len(loop)
        spans.append((start, end))
    return Antibody(sequence, tuple(spans))


def _third_loop(chain: Antibody) -> CdrDesign:
    """The chain without its third loop, and that loop asked for."""
    start, end = chain.cdrs[2]
    slot = Antibody(chain.sequence[:start] + chain.sequence[end:], ((start, start),))
    return CdrDesign((slot,), (chain.sequence[start:end],))


def _mutated(sequence: str, change: str) -> str:
    """`change` as S65T: from, position from 1, to."""
    before, at, after = change[0], int(change[1:-1]) - 1, change[-1]
    if sequence[at] != before:
        raise ValueError(f"{change}: residue {at + 1} is {sequence[at]}")
    return sequence[:at] + after + sequence[at + 1 :]
