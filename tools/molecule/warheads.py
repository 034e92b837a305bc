"""The reactive groups that a non-covalent ligand must not carry: one row each, with the published list it is
on.

The SMARTS are our own and narrower than the lists, so that established drugs survive: acrylamides
(osimertinib), alpha-ketoamides, nitriles, boronates, beta-lactams, carbamates, ordinary esters (aspirin),
cyclic and substituted enones (dexamethasone), thioesters (fluticasone), disulfides, hydrazones, alkyl azides
(zidovudine), secondary alkyl chlorides (clindamycin) and dihaloacetamides (chloramphenicol) are NOT here.
What is lost with open eyes: peroxides (artemisinin), epoxides (fosfomycin, carfilzomib), nitrogen mustards,
nitrosoureas, aldehydes (voxelotor), quinones without substituents on one side. A campaign for covalent
ligands switches this check off (`reactive: any`).
"""

from __future__ import annotations

from typing import NamedTuple

SOURCES = {
    "CHEMBL_Glaxo": "Hann 1999, doi 10.1021/ci990423o (reactive functional groups R1-R27, I1-I16)",
    "BRENK": "Brenk 2008, doi 10.1002/cmdc.200700139",
    "NIH": "Jadhav 2010, doi 10.1021/jm901070c",
}


class Warhead(NamedTuple):
    """`source` is a key of `SOURCES` (and the RDKit filter catalogue that flags `example`)."""

    name: str
    smarts: str
    source: str
    example: str


WARHEADS: tuple[Warhead, ...] = (
    Warhead("acyl halide", "[CX3](=[OX1])[F,Cl,Br,I]", "CHEMBL_Glaxo", "O=C(Cl)c1ccccc1"),
    Warhead("sulfonyl halide", "[SX4](=[OX1])(=[OX1])[F,Cl,Br,I]", "CHEMBL_Glaxo", "O=S(=O)(Cl)c1ccccc1"),
    Warhead("phosphoryl halide", "[PX4](=[OX1,SX1])[F,Cl,Br,I]", "CHEMBL_Glaxo", "CP(=O)(F)OC"),
    Warhead("sulfenyl or phosphorus halide", "[SX2,PX3][F,Cl,Br,I]", "CHEMBL_Glaxo", "ClSc1ccccc1"),
    Warhead("nitrogen or oxygen halide", "[NX3,NX2,OX2][F,Cl,Br,I]", "NIH", "ClN1CCCCC1"),
    Warhead("imidoyl halide", "[CX3](=[NX2])[Cl,Br,I]", "NIH", "CN=C(Cl)c1ccccc1"),
    Warhead("anhydride", "[#6][CX3](=[OX1])[OX2][CX3](=[OX1])[#6]", "CHEMBL_Glaxo", "CC(=O)OC(C)=O"),
    Warhead("iso(thio)cyanate", "[NX2]=[CX2]=[OX1,SX1]", "CHEMBL_Glaxo", "O=C=NCc1ccccc1"),
    Warhead("thiocyanate", "[#6][SX2][CX2]#[NX1]", "CHEMBL_Glaxo", "N#CSCc1ccccc1"),
    Warhead("carbodiimide", "[NX2]=[CX2]=[NX2]", "CHEMBL_Glaxo", "CN=C=NCc1ccccc1"),
    Warhead("ketene", "[#6]=[CX2]=[OX1]", "BRENK", "CC(C)=C=O"),
    Warhead("epoxide, aziridine or thiirane", "[CX4]1[OX2,SX2,NX3][CX4]1", "CHEMBL_Glaxo", "c1ccccc1C1CO1"),
    Warhead("beta-lactone", "[OX1]=[CX3]1[OX2]CC1", "CHEMBL_Glaxo", "CC1CC(=O)O1"),
    Warhead("aldehyde", "[CX3;H1,H2]=[OX1;$(O=[CX3;H2]),$(O=C[#6])]", "BRENK", "O=Cc1ccccc1"),
    Warhead("peroxide", "[OX2][OX2]", "CHEMBL_Glaxo", "CC(C)(C)OOC"),
    Warhead(
        "aryl, acyl or sulfonyl azide",
        "[c,$([CX3]=[OX1]),$([SX4](=[OX1])=[OX1])][NX2]=[NX2+]=[NX1-]",
        "BRENK",
        "[N-]=[N+]=Nc1ccccc1",
    ),
    Warhead("diazo compound", "[#6]=[NX2+]=[NX1-]", "BRENK", "[N-]=[N+]=CC(=O)OCC"),
    Warhead("diazonium", "[#6][NX2+]#[NX1]", "NIH", "N#[N+]c1ccccc1"),
    Warhead("azodicarbonyl", "[CX3](=[OX1])[NX2]=[NX2][CX3]=[OX1]", "NIH", "O=C(OCC)N=NC(=O)OCC"),
    Warhead("nitroso", "[#6,NX3][NX2]=[OX1]", "CHEMBL_Glaxo", "O=NN1CCOCC1"),
    Warhead("alkyl sulfonate", "[#6][SX4](=[OX1])(=[OX1])[OX2][CX4]", "CHEMBL_Glaxo", "CS(=O)(=O)OCCc1ccccc1"),
    Warhead("dialkyl sulfate", "[CX4][OX2][SX4](=[OX1])(=[OX1])[OX2][#6]", "CHEMBL_Glaxo", "COS(=O)(=O)OC"),
    Warhead("triflate", "FC(F)(F)[SX4](=[OX1])(=[OX1])[OX2][#6]", "CHEMBL_Glaxo", "FC(F)(F)S(=O)(=O)Oc1ccccc1"),
    Warhead(
        "alpha-halo carbonyl",
        "[Cl,Br,I][CX4;H1,H2;!$(C([F,Cl,Br,I])[F,Cl,Br,I])][CX3]=[OX1,SX1]",
        "CHEMBL_Glaxo",
        "O=C(CCl)Nc1ccccc1",
    ),
    Warhead("alkyl bromide or iodide", "[Br,I][CX4;!H0]", "CHEMBL_Glaxo", "CC(Br)CCc1ccccc1"),
    Warhead("primary alkyl chloride", "[Cl][CX4;H2]", "CHEMBL_Glaxo", "ClCCN(C)CCCl"),
    Warhead(
        "p-nitrophenyl ester",
        "[CX3](=[OX1])[OX2]c1ccc([NX3+](=O)[O-])cc1",
        "CHEMBL_Glaxo",
        "CC(=O)Oc1ccc([N+](=O)[O-])cc1",
    ),
    Warhead(
        "pentafluorophenyl ester",
        "[CX3](=[OX1])[OX2]c1c(F)c(F)c(F)c(F)c1F",
        "CHEMBL_Glaxo",
        "CC(=O)Oc1c(F)c(F)c(F)c(F)c1F",
    ),
    Warhead(
        "N-acyloxy imide or benzotriazole",
        "[CX3](=[OX1])[OX2][$([NX3](C=O)C=O),$(nnn),$(n1nncc1)]",
        "CHEMBL_Glaxo",
        "CC(=O)On1nnc2ccccc12",
    ),
    Warhead("acyl cyanide", "[CX3](=[OX1])[CX2]#[NX1]", "CHEMBL_Glaxo", "O=C(C#N)c1ccccc1"),
    Warhead("isonitrile", "[#6][NX2+]#[CX1-]", "CHEMBL_Glaxo", "[C-]#[N+]Cc1ccccc1"),
    Warhead("cyanohydrin", "[CX4]([OX2H])[CX2]#[NX1]", "CHEMBL_Glaxo", "CC(O)(C#N)c1ccccc1"),
    Warhead(
        "perhalomethyl ketone",
        "[#6][CX3](=[OX1])[CX4]([F,Cl,Br,I])([F,Cl,Br,I])[F,Cl,Br,I]",
        "NIH",
        "O=C(c1ccccc1)C(F)(F)F",
    ),
    Warhead("phosphorane", "[PX4]=[CX3]", "CHEMBL_Glaxo", "CC=P(c1ccccc1)(c1ccccc1)c1ccccc1"),
    Warhead("hypervalent iodine", "[IX3,IX2+,IX5]", "NIH", "CC(=O)OI(OC(C)=O)c1ccccc1"),
    Warhead("aldimine", "[#6][CX3;H1]=&!@[NX2][CX4]", "BRENK", "CCN=Cc1ccccc1"),
    Warhead("Michael acceptor: vinyl ketone", "[CX3;H2]=[CX3;H1][CX3](=[OX1])[#6]", "BRENK", "C=CC(=O)c1ccccc1"),
    Warhead("Michael acceptor: maleimide", "[OX1]=C1[CX3;H1]=[CX3;H1]C(=[OX1])N1", "NIH", "O=C1C=CC(=O)N1c1ccccc1"),
    Warhead(
        "Michael acceptor: ylidene malononitrile",
        "[CX3;H1]=[CX3]([CX2]#[NX1])[CX2]#[NX1]",
        "BRENK",
        "N#CC(C#N)=Cc1ccccc1",
    ),
    Warhead("Michael acceptor: nitroalkene", "[CX3]=&!@[CX3][NX3+](=[OX1])[O-]", "BRENK", "O=[N+]([O-])C=Cc1ccccc1"),
    Warhead(
        "Michael acceptor: quinone",
        "[OX1]=C1[CX3;H1]=[CX3;H1]C(=[OX1])[#6]=,:[#6]1",
        "BRENK",
        "CC1=CC(=O)C=CC1=O",
    ),
)
