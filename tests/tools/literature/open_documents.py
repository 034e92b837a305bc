"""Twenty short documents of public facts, written for these tests, and thirty questions with the words that answer.

`write_documents(folder)` makes the files: PDFs (pages are the lists' items), Markdown, text and one bibliography.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

PDFS: dict[str, tuple[str, list[str]]] = {
    "imatinib.pdf": (
        "Imatinib and the inactive form of the ABL kinase",
        [
            "Imatinib is a 2-phenylaminopyrimidine that inhibits the tyrosine kinase ABL1. It was the first small "
            "molecule kinase inhibitor to be approved, in 2001, for chronic myeloid leukaemia. The disease is caused "
            "by the Philadelphia chromosome, a translocation between chromosomes 9 and 22 that fuses BCR to ABL1. "
            "The fusion protein is a kinase that is always active.",
            "Crystal structures show that imatinib binds to a conformation in which the DFG motif is turned out. "
            "This form is called DFG-out and it is catalytically inactive. The inhibitor forms a hydrogen bond with "
            "the backbone of Met318 in the hinge and with the side chain of Thr315. Inhibitors of this kind are "
            "called type II. Dasatinib, in contrast, binds the active form and is a type I inhibitor.",
            "Resistance arises mostly by point mutations. The exchange of the gatekeeper threonine 315 for "
            "isoleucine, T315I, removes a hydrogen bond and fills the pocket that imatinib needs. Ponatinib was "
            "designed with an alkyne linker so that it passes the larger isoleucine and still inhibits the mutant.",
        ],
    ),
    "vina.pdf": (
        "Docking with AutoDock Vina in practice",
        [
            "AutoDock Vina predicts how a small molecule sits in a protein. Its scoring function is a weighted sum "
            "of two Gaussian terms, a repulsion, a hydrophobic and a hydrogen bond term, divided by a factor that "
            "grows with the number of rotatable bonds. The score is given in kcal/mol but it is not a measured free "
            "energy of binding.",
            "The search is an iterated local search: a random change of the pose is followed by a minimisation with "
            "the BFGS method and accepted or rejected by the Metropolis criterion. The parameter exhaustiveness sets "
            "how many independent searches are started; its default is 8.",
            "Redocking is the usual control. The ligand of a crystal structure is taken out and docked again, and a "
            "pose within 2 Å root mean square deviation of the crystal pose counts as a success. Larger molecules "
            "get better scores merely because they make more contacts, so that ligand efficiency should be looked at.",
        ],
    ),
    "uio66.pdf": (
        "UiO-66, a zirconium framework that withstands water",
        [
            "UiO-66 was described in 2008 at the University of Oslo, after which it is named. Its nodes are clusters "
            "Zr6O4(OH)4, each joined to twelve linkers of benzene-1,4-dicarboxylate. The net has the topology fcu.",
            "The framework is stable in air up to about 540 degrees Celsius and keeps its structure in water and in "
            "many acids. The reason is the strong bond between zirconium(IV) and carboxylate and the high "
            "connectivity of the node. Missing linkers are common defects; they can be introduced on purpose with a "
            "modulator such as acetic acid, and they raise the surface area.",
        ],
    ),
    "gfp.pdf": (
        "The green fluorescent protein and its chromophore",
        [
            "The green fluorescent protein of the jellyfish Aequorea victoria has 238 amino acids. It folds into a "
            "barrel of eleven beta strands. The chromophore forms inside the barrel from three residues, Ser65, "
            "Tyr66 and Gly67, by cyclisation, loss of water and oxidation with molecular oxygen; no enzyme is needed.",
            "The wild type absorbs at 395 nm with a second, smaller band at 475 nm, and emits at 509 nm. The "
            "exchange of serine 65 for threonine, S65T, gives one band at 488 nm and brighter light. Enhanced GFP "
            "has in addition the mutation F64L, which helps folding at 37 degrees Celsius. Shimomura, Chalfie and "
            "Tsien received the Nobel Prize in Chemistry for this protein in 2008.",
        ],
    ),
    "antibodies.pdf": (
        "How antibodies recognise: loops of the variable domains",
        [
            "An antibody of the class IgG has two heavy and two light chains. The variable domain of each chain "
            "carries three complementarity determining regions, the loops that touch the antigen. They are named "
            "H1, H2, H3 and L1, L2, L3. Five of them take one of a few canonical shapes.",
            "The third loop of the heavy chain, CDR-H3, is the most variable in length and sequence, because it is "
            "encoded by the joint of the V, D and J gene segments. It contributes most to specificity and is the "
            "hardest to model. Numbering schemes such as Kabat, Chothia and IMGT assign positions to residues so "
            "that antibodies can be compared.",
        ],
    ),
    "sars2.pdf": (
        "Nirmatrelvir and the main protease",
        [
            "The main protease of SARS-CoV-2, also called Mpro or 3CL protease, cuts the viral polyproteins at "
            "eleven sites. It is active as a dimer. Its catalytic dyad is made of Cys145 and His41.",
            "Nirmatrelvir carries a nitrile that forms a reversible covalent bond with the catalytic cysteine. It is "
            "given together with ritonavir, which slows its breakdown by the cytochrome CYP3A4. The pair is sold "
            "under the name Paxlovid.",
        ],
    ),
    "suzuki.pdf": (
        "The Suzuki-Miyaura coupling",
        [
            "The Suzuki-Miyaura reaction joins an aryl halide and a boronic acid to a biaryl with a palladium "
            "catalyst and a base. The catalytic cycle has three steps: oxidative addition of the halide, "
            "transmetalation with the boronate, and reductive elimination of the product.",
            "Aryl iodides react faster than bromides, and these faster than chlorides, because oxidative addition "
            "follows the strength of the carbon-halogen bond. Boronic acids of electron-poor heteroaromatics lose "
            "boron in water, a side reaction known as protodeboronation. Akira Suzuki shared the Nobel Prize in "
            "Chemistry of 2010 with Richard Heck and Ei-ichi Negishi.",
        ],
    ),
    "md.pdf": (
        "Molecular dynamics: integrators, constraints and time steps",
        [
            "A molecular dynamics simulation integrates Newton's equations for all atoms. The time step must be "
            "small against the fastest vibration, the stretch of bonds to hydrogen, and is 1 to 2 femtoseconds. "
            "With constraints on these bonds, by SHAKE or LINCS, 2 femtoseconds are safe.",
            "Repartitioning mass from heavy atoms to their hydrogens slows the vibrations further and allows 4 "
            "femtoseconds. Long-range electrostatics are computed with particle mesh Ewald, whose cost grows as N "
            "log N with the number of atoms. A thermostat such as Langevin's keeps the temperature.",
        ],
    ),
}

MARKDOWN: dict[str, str] = {
    "retrosynthesis.md": """---
title: Planning syntheses backwards
author: A. Example and B. Sample
date: 2021-05-04
---
# Planning syntheses backwards

Retrosynthesis starts from the target molecule and takes it apart in steps that are the reverse of known reactions.
The idea was made a method by E. J. Corey, who received the Nobel Prize in Chemistry in 1990. The fragments of a
disconnection are called synthons.

## Search

Monte Carlo tree search with neural networks was applied to retrosynthesis in 2018. A route ends when all of its
leaves can be bought. Template-free models write the reactants as SMILES, like a translation from one language into
another; they reach about half of the recorded answers with their first guess on the USPTO-50k set.
""",
    "hif.md": """# Oxygen sensing by HIF prolyl hydroxylases

Cells hydroxylate the alpha subunit of the hypoxia inducible factor at two proline residues when oxygen is plentiful.
The hydroxylated protein is bound by the von Hippel-Lindau protein, VHL, marked with ubiquitin and degraded by the
proteasome. Roxadustat inhibits the hydroxylases and is used against the anaemia of chronic kidney disease.

PROTACs borrow the same machinery: one end binds VHL or cereblon, the other the protein that shall be destroyed.
""",
    "herg.md": """# The hERG channel and cardiac safety

The potassium channel hERG carries the rapid delayed rectifier current that ends the heart's action potential. Drugs
that block it prolong the QT interval of the electrocardiogram and may cause torsades de pointes, a dangerous
arrhythmia. Terfenadine was withdrawn for this reason.

Blockers are often lipophilic and carry a basic amine. Lowering logP, lowering the pKa of the amine, or adding a
carboxylate are ways to reduce the affinity. The aromatic residues Tyr652 and Phe656 of the inner cavity bind them.
""",
    "zif8.md": """# ZIF-8 and the zeolitic imidazolate frameworks

ZIF-8 is made of zinc ions and 2-methylimidazolate. The angle metal-imidazolate-metal is near 145 degrees, the same as
Si-O-Si in zeolites, and the net has the sodalite topology. The windows of its cages measure 3.4 Å by crystallography,
but they swing open, so that propylene passes faster than propane.

It is made in methanol or water at room temperature within an hour and decomposes in strong acid.
""",
    "qed.md": """# Drug-likeness as one number

The quantitative estimate of drug-likeness, QED, joins eight properties by a weighted geometric mean of desirability
functions: molecular weight, logP, hydrogen bond donors, acceptors, polar surface area, rotatable bonds, aromatic rings
and structural alerts. It lies between zero and one. The functions were fitted to 771 approved oral drugs.

Lipinski's rule of five warns of poor absorption when a compound has a weight above 500, a logP above 5, more than five
donors or more than ten acceptors.
""",
    "alphafold.md": """# Predicted structures of proteins

AlphaFold 2 won the CASP14 assessment in 2020 by a wide margin. Its network reads a multiple sequence alignment and
refines a representation of residue pairs in a module named Evoformer. Confidence is reported for each residue as
pLDDT from 0 to 100; values below 50 often mark disordered regions.

A predicted structure usually shows the form without a ligand, and side chains in pockets may be misplaced. Docking
into predicted models gives fewer correct poses than docking into crystal structures with a bound ligand.
""",
}

TEXTS: dict[str, str] = {
    "solubility.txt": """Solubility of drugs in water

The general solubility equation of Yalkowsky estimates the logarithm of the molar solubility as
0.5 - 0.01 (melting point - 25) - logP, with the melting point in degrees Celsius. Breaking crystal packing, for example
by making a molecule less flat or less symmetric, lowers the melting point and so raises the solubility.

Salts dissolve faster than the free base. A poorly soluble drug may also be given as an amorphous solid dispersion.
""",
    "lysozyme.txt": """Hen egg-white lysozyme

Lysozyme cleaves the bond between N-acetylmuramic acid and N-acetylglucosamine in the cell walls of bacteria. It was
discovered by Alexander Fleming in 1921 and was the first enzyme whose structure was solved by X-ray diffraction, by
David Phillips in 1965. Its active site holds Glu35 and Asp52. The mutant L99A of the lysozyme of phage T4 has a small
buried cavity that binds benzene, a favourite test of binding calculations.
""",
    "cas9.txt": """CRISPR-Cas9 as a tool

The nuclease Cas9 of Streptococcus pyogenes is led to its target by a guide RNA of which 20 nucleotides pair with the
DNA. Next to the target there must be the motif NGG, called PAM. The enzyme has two nuclease domains, RuvC and HNH, each
of which cuts one strand. Emmanuelle Charpentier and Jennifer Doudna received the Nobel Prize in Chemistry in 2020.
""",
    "perovskite.txt": """Perovskite solar cells

Methylammonium lead iodide absorbs light strongly and has a band gap of about 1.55 eV. The first solar cell with it, in
2009, converted 3.8 per cent of the light; single cells now exceed 25 per cent. Moisture, oxygen and heat decompose the
material, and its content of lead is a concern. The tolerance factor of Goldschmidt predicts which ions fit the
structure.
""",
    "penicillin.txt": """How penicillin kills bacteria

The beta-lactam ring of penicillin acylates a serine of the transpeptidases that cross-link peptidoglycan. Without new
cross-links the cell wall gives way. Bacteria defend themselves with beta-lactamases, which open the ring; clavulanic
acid inhibits these enzymes and is given together with amoxicillin.
""",
}

BIBLIOGRAPHY = r"""
@article{cormack2009,
  author = {Cormack, Gordon V. and Clarke, Charles L. A. and B{\"u}ttcher, Stefan},
  title = {Reciprocal rank fusion outperforms {Condorcet} and individual rank learning methods},
  booktitle = {SIGIR}, year = {2009}, doi = {10.1145/1571941.1572114},
  abstract = {A simple method joins the results of several retrieval systems by summing the reciprocals of the ranks,
  each increased by a constant of sixty.}
}
@article{rogers2010,
  author = {Rogers, David and Hahn, Mathew},
  title = {Extended-connectivity fingerprints},
  journal = {J. Chem. Inf. Model.}, year = {2010}, doi = {10.1021/ci100050t},
  abstract = {Circular fingerprints record the neighbourhoods of atoms by an iterative procedure that goes back to the
  Morgan algorithm. They were designed for structure-activity modelling.}
}
"""

QUESTIONS: list[tuple[str, str, str]] = [
    ("Which chromosomal translocation causes chronic myeloid leukaemia?", "imatinib.pdf", "chromosomes 9 and 22"),
    ("What conformation of the kinase does imatinib bind?", "imatinib.pdf", "DFG-out"),
    ("Why does the T315I mutant resist imatinib?", "imatinib.pdf", "removes a hydrogen bond"),
    ("Which drug was designed to inhibit the gatekeeper mutant?", "imatinib.pdf", "Ponatinib"),
    ("What does exhaustiveness mean in Vina?", "vina.pdf", "how many independent searches"),
    ("When does redocking count as a success?", "vina.pdf", "within 2 Å"),
    ("Why do big ligands get better docking scores?", "vina.pdf", "more contacts"),
    ("Up to which temperature is UiO-66 stable?", "uio66.pdf", "540 degrees"),
    ("How are linker defects introduced into zirconium MOFs?", "uio66.pdf", "modulator such as acetic acid"),
    ("Which residues form the chromophore of GFP?", "gfp.pdf", "Tyr66"),
    ("At what wavelength does green fluorescent protein emit?", "gfp.pdf", "509 nm"),
    ("What does the mutation F64L do?", "gfp.pdf", "helps folding"),
    ("Which antibody loop is hardest to model?", "antibodies.pdf", "CDR-H3"),
    ("What are the catalytic residues of the SARS-CoV-2 main protease?", "sars2.pdf", "Cys145"),
    ("Why is ritonavir given with nirmatrelvir?", "sars2.pdf", "CYP3A4"),
    ("What are the steps of the Suzuki catalytic cycle?", "suzuki.pdf", "transmetalation"),
    ("What is protodeboronation?", "suzuki.pdf", "lose boron"),
    ("Which time step is allowed with hydrogen mass repartitioning?", "md.pdf", "allows 4"),
    ("Who invented retrosynthetic analysis?", "retrosynthesis.md", "Corey"),
    ("How is the HIF protein degraded when there is oxygen?", "hif.md", "von Hippel-Lindau"),
    ("How can hERG blockade be reduced?", "herg.md", "Lowering logP"),
    ("Why was terfenadine taken off the market?", "herg.md", "Terfenadine was withdrawn"),
    ("How large are the windows of ZIF-8?", "zif8.md", "3.4 Å"),
    ("Which properties go into QED?", "qed.md", "eight properties"),
    ("What does a low pLDDT mean?", "alphafold.md", "disordered"),
    ("How can the melting point be lowered to improve aqueous solubility?", "solubility.txt", "less flat"),
    ("Which cavity mutant of T4 lysozyme binds benzene?", "lysozyme.txt", "L99A"),
    ("What is the PAM sequence of Cas9?", "cas9.txt", "NGG"),
    ("What is the band gap of methylammonium lead iodide?", "perovskite.txt", "1.55 eV"),
    ("Which constant is added to ranks in reciprocal rank fusion?", "references.bib", "constant of sixty"),
]


def write_documents(folder: Path) -> list[Path]:
    """The twenty files, in `folder`."""
    written = [make_pdf(folder / name, title, pages) for name, (title, pages) in PDFS.items()]
    texts = {**MARKDOWN, **TEXTS, "references.bib": BIBLIOGRAPHY}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written


def make_pdf(path: Path, title: str, pages: list[str], hidden: str = "") -> Path:
    """A PDF with a text layer, the same bytes at any time; `hidden` is written in white on the last page."""
    pdf = FPDF()
    pdf.set_creation_date(datetime(2026, 1, 1, tzinfo=UTC))
    pdf.set_title(title)
    pdf.set_author("Organon tests")
    pdf.set_font("Helvetica", size=11)
    for number, text in enumerate(pages, 1):
        pdf.add_page()
        if number == 1:
            pdf.multi_cell(0, 7, title, new_x="LMARGIN", new_y="NEXT")
        pdf.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    if hidden:
        pdf.set_text_color(255, 255, 255)
        pdf.multi_cell(0, 6, hidden, new_x="LMARGIN", new_y="NEXT")
    pdf.output(str(path))
    return path
