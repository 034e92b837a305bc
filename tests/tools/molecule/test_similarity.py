import numpy as np
import pytest

from tools.errors import InputError
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.similarity import internal_diversity, scaffold, similarity, similarity_matrix

GEFITINIB = "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1"
ERLOTINIB = "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1"


def test_alike_drugs_are_more_alike_than_others():
    assert similarity(GEFITINIB, GEFITINIB) == 1.0
    assert similarity(GEFITINIB, ERLOTINIB) > 2 * similarity(GEFITINIB, "CC(=O)Oc1ccccc1C(=O)O")


def test_matrix_is_symmetric_with_ones_on_the_diagonal():
    smiles = [drug.smiles for drug in load_approved_drugs()[:12]]
    matrix = similarity_matrix(smiles)
    assert matrix.shape == (12, 12)
    assert np.array_equal(matrix, matrix.T)
    assert np.allclose(np.diag(matrix), 1.0)
    assert matrix[0, 1] == similarity(smiles[0], smiles[1])
    assert similarity_matrix([]).shape == (0, 0)


def test_internal_diversity_counts_the_diagonal_as_moses_does():
    assert internal_diversity(["CCO"]) == 0.0
    pair = similarity(GEFITINIB, ERLOTINIB, n_bits=1024)
    assert internal_diversity([GEFITINIB, ERLOTINIB]) == pytest.approx(1 - (2 + 2 * pair) / 4)
    with pytest.raises(InputError):
        internal_diversity([])


def test_scaffolds():
    assert scaffold("CC(=O)Oc1ccccc1C(=O)O") == "c1ccccc1"
    assert scaffold("CCCC") == ""
