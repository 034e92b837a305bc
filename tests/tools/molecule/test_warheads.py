import pytest
from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.check_reactive import check_reactive
from tools.molecule.parse import parse_smiles
from tools.molecule.warheads import SOURCES, WARHEADS

# Approved covalent or otherwise delicate drugs that the table promises to leave alone.
SPARED = {
    "ibrutinib": "C=CC(=O)N1CCC[C@H](C1)n1nc(-c2ccc(Oc3ccccc3)cc2)c2c(N)ncnc12",
    "nirmatrelvir": (
        "CC1(C)[C@@H]2[C@H]1[C@H](N(C2)C(=O)[C@@H](NC(=O)C(F)(F)F)C(C)(C)C)C(=O)N[C@@H](C[C@@H]1CCNC1=O)C#N"
    ),
    "telaprevir core": "CC(C)C[C@H](NC(C)=O)C(=O)C(=O)NC1CC1",
    "penicillin G": "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "dexamethasone": "C[C@@H]1C[C@H]2[C@@H]3CCC4=CC(=O)C=C[C@]4(C)[C@@]3(F)[C@@H](O)C[C@]2(C)[C@@]1(O)C(=O)CO",
    "chloramphenicol": "O=C(N[C@H](CO)[C@H](O)c1ccc([N+](=O)[O-])cc1)C(Cl)Cl",
    "zidovudine": "Cc1cn([C@H]2C[C@H](N=[N+]=[N-])[C@@H](CO)O2)c(=O)[nH]c1=O",
    "fluticasone thioester": "CC(=O)SCF",
    "clindamycin side chain": "CC(Cl)C(O)C",
    "topiramate": "CC1(C)OC2COC3(COS(N)(=O)=O)OC(C)(C)OC3C2O1",
    "captopril": "C[C@H](CS)C(=O)N1CCC[C@H]1C(=O)O",
    "vildagliptin": "N#C[C@@H]1CCCN1C(=O)CNC12CC3CC(CC(O)(C3)C1)C2",
}


@pytest.mark.parametrize("warhead", WARHEADS, ids=lambda w: w.name)
def test_each_warhead_finds_its_example_and_stands_in_the_list_it_cites(warhead):
    example = parse_smiles(warhead.example)
    assert warhead.name in check_reactive(example).details["groups"]
    assert warhead.source in SOURCES
    catalogue = FilterCatalog(FilterCatalogParams(FilterCatalogParams.FilterCatalogs.names[warhead.source]))
    assert catalogue.HasMatch(example)


def test_names_are_unique():
    assert len({warhead.name for warhead in WARHEADS}) == len(WARHEADS)


@pytest.mark.parametrize("name", SPARED)
def test_promised_drugs_are_spared(name):
    result = check_reactive(parse_smiles(SPARED[name]))
    assert result.passed, result.reason


def test_none_of_the_48_drugs_is_lost():
    assert [d.name for d in load_approved_drugs() if not check_reactive(parse_smiles(d.smiles)).passed] == []


@pytest.mark.parametrize(
    ("smiles", "group"),
    [
        ("CC(C=O)c1ccccc1", "aldehyde"),
        ("C=O", "aldehyde"),
        ("C=CC=O", "aldehyde"),
        ("O=C(CBr)c1ccccc1", "alpha-halo carbonyl"),
        ("CC(=O)ON1C(=O)CCC1=O", "N-acyloxy imide or benzotriazole"),
        ("CCCI", "alkyl bromide or iodide"),
        ("S=C=NCc1ccccc1", "iso(thio)cyanate"),
        ("O=Nc1ccccc1", "nitroso"),
    ],
)
def test_further_members_of_a_class(smiles, group):
    assert group in check_reactive(parse_smiles(smiles)).details["groups"]


@pytest.mark.parametrize("smiles", ["CC(=O)O", "CC(C)=O", "Clc1ccccc1", "FC(F)(F)c1ccccc1", "CCF", "CNC=O", "COC=O"])
def test_ordinary_groups_are_no_warheads(smiles):
    assert check_reactive(Chem.MolFromSmiles(smiles)).passed
