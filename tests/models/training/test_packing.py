"""A packed corpus comes back byte by byte; a broken parcel is told in one line."""

import numpy as np
import pytest

from models.errors import ModelInputError
from models.training.packing import pack_corpus, unpack_corpus


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "corpus"
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "tokenizer.json").write_text("{}")
    (folder / "corpus.json").write_text('{"table": []}')
    np.save(folder / "molecule.train.tokens.npy", np.arange(5000, dtype=np.uint16) % 500)
    return folder


def test_it_comes_back_and_two_packings_are_one_file(corpus, tmp_path):
    size = pack_corpus(corpus, tmp_path / "a.tar.xz")
    assert size == (tmp_path / "a.tar.xz").stat().st_size
    (corpus / "corpus.json").touch()
    pack_corpus(corpus, tmp_path / "b.tar.xz")
    assert (tmp_path / "a.tar.xz").read_bytes() == (tmp_path / "b.tar.xz").read_bytes()
    back = unpack_corpus(tmp_path / "a.tar.xz", tmp_path / "back")
    for path in corpus.rglob("*"):
        if path.is_file():
            assert (back / path.relative_to(corpus)).read_bytes() == path.read_bytes()


def test_what_is_no_corpus_too_large_or_cut_off_is_refused(corpus, tmp_path):
    with pytest.raises(ModelInputError, match="more than 100"):
        pack_corpus(corpus, tmp_path / "a.tar.xz", max_bytes=100)
    assert not list(tmp_path.glob("*a.tar.xz*"))
    with pytest.raises(ModelInputError, match=r"no corpus\.json"):
        pack_corpus(tmp_path / "nowhere", tmp_path / "a.tar.xz")
    pack_corpus(corpus, tmp_path / "a.tar.xz")
    whole = (tmp_path / "a.tar.xz").read_bytes()
    (tmp_path / "cut.tar.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelInputError, match="no whole packed corpus"):
        unpack_corpus(tmp_path / "cut.tar.xz", tmp_path / "back")
    (tmp_path / "text.tar.xz").write_text("hello")
    with pytest.raises(ModelInputError, match="no whole packed corpus"):
        unpack_corpus(tmp_path / "text.tar.xz", tmp_path / "back2")
