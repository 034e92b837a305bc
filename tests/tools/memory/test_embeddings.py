"""Vectors: unit length, the same in any spelling, and cosines that match an independent count of bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from tools.errors import InputError
from tools.memory.embeddings import MOLECULE_SIZE, TEXT_SIZE, molecule_vector, text_vector

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
NILOTINIB = "Cc1ccc(C(=O)Nc2cc(-n3cnc(C)c3)cc(C(F)(F)F)c2)cc1Nc1nccc(-c2cccnc2)n1"


def test_cosine_is_common_bits_over_geometric_mean() -> None:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=MOLECULE_SIZE)
    bits = [set(generator.GetFingerprint(Chem.MolFromSmiles(s)).GetOnBits()) for s in (IMATINIB, NILOTINIB)]
    expected = len(bits[0] & bits[1]) / math.sqrt(len(bits[0]) * len(bits[1]))
    assert float(molecule_vector(IMATINIB) @ molecule_vector(NILOTINIB)) == pytest.approx(expected, abs=1e-6)
    assert 0.3 < expected < 0.9


def test_molecule_vector_does_not_see_the_spelling() -> None:
    other = Chem.MolToSmiles(Chem.MolFromSmiles(IMATINIB), doRandom=True)
    assert np.array_equal(molecule_vector(IMATINIB), molecule_vector(other))
    with pytest.raises(InputError, match="does not parse"):
        molecule_vector("C1CC")


@settings(deadline=None)
@given(st.text(max_size=80))
def test_text_vector_is_a_unit_vector_blind_to_case_and_space(text: str) -> None:
    vector = text_vector(text)
    assert vector.shape == (TEXT_SIZE,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(text_vector(f"  {text}\n"), vector)


def test_text_vector_finds_related_words_closer() -> None:
    asked = text_vector("kinase inhibitor")
    assert asked @ text_vector("inhibitors of kinases") > asked @ text_vector("metal organic framework") + 0.2
    assert np.array_equal(text_vector("ABL1 Kinase"), text_vector("abl1  kinase"))
