"""Each kind of file is read with what it says of itself; what cannot be read is one line that says why."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PdfReadError

from tools.errors import InputError
from tools.literature.bibliography import plain_text
from tools.literature.chunk import passages_of
from tools.literature.documents import Document, Page, find_doi, find_year
from tools.literature.read import read_file, show_name
from tools.literature.sentences import split_sentences


def pdf_bytes(tmp_path: Path, open_documents: Any, pages: list[str], title: str = "A title of some length") -> bytes:
    return bytes(open_documents.make_pdf(tmp_path / "made.pdf", title, pages).read_bytes())


def test_a_pdf_keeps_its_pages_title_and_identifiers(tmp_path: Path, open_documents: Any) -> None:
    first = "Published online 2019. doi:10.1000/xyz(1)123. The first page speaks of kinases."
    (document,) = read_file("a/b/paper.pdf", pdf_bytes(tmp_path, open_documents, [first, "The second page ends."]))
    assert [page.number for page in document.pages] == [1, 2]
    assert (document.title, document.authors) == ("A title of some length", ("Organon tests",))
    assert (document.doi, document.year, document.source) == ("10.1000/xyz(1)123", 2019, "paper.pdf")
    assert document.pages[0].text.startswith("A title of some length\n\nPublished online")


def test_a_pdf_is_known_by_its_bytes_not_its_name(tmp_path: Path, open_documents: Any) -> None:
    data = pdf_bytes(tmp_path, open_documents, ["Some text that is long enough to be one."])
    assert read_file("renamed.txt", data)[0].kind == "pdf"


def test_an_encrypted_pdf_says_so_and_an_empty_password_opens(tmp_path: Path, open_documents: Any) -> None:
    plain = pdf_bytes(tmp_path, open_documents, ["Some text that is long enough to be one."])
    for password, opens in (("secret", False), ("", True)):
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(plain)))
        writer.encrypt(password, "owner", algorithm="RC4-128")
        stream = io.BytesIO()
        writer.write(stream)
        if opens:
            assert read_file("locked.pdf", stream.getvalue())[0].pages
        else:
            with pytest.raises(InputError, match=r"locked\.pdf is encrypted: save a copy"):
                read_file("locked.pdf", stream.getvalue())


@pytest.mark.parametrize("fault", [PdfReadError("odd stream"), zlib.error("bad data"), RecursionError()])
def test_a_damaged_page_does_not_lose_the_others(
    tmp_path: Path, open_documents: Any, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    path = tmp_path / "a.pdf"
    open_documents.make_pdf(path, "On docking", ["Docking places ligands in pockets.", "It gives scores."])
    read = PageObject.extract_text

    def extract(page: PageObject, *args: Any, **more: Any) -> str:
        if page.page_number == 1:
            raise fault
        return read(page, *args, **more)

    monkeypatch.setattr(PageObject, "extract_text", extract)
    (document,) = read_file("a.pdf", path.read_bytes())
    assert "page 2 could not be read" in document.warnings
    assert "Docking places ligands" in document.pages[0].text


def test_a_scan_has_no_text_layer(tmp_path: Path) -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(10, 10, 100, 100, style="F")
    pdf.add_page()
    with pytest.raises(InputError, match=r"no text layer on its 2 pages: recognise it with OCR"):
        read_file("scan.pdf", bytes(pdf.output()))


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.txt", b"", "empty.txt is empty"),
        ("blank.md", b"  \n\n", "blank.md is empty"),
        ("x.pdf", b"plain words", "named like a PDF"),
        ("x.pdf", b"%PDF-1.7\n%broken", "x.pdf"),
        ("x.bin", b"plain words", r"of a kind that is not read \(\.bin\): \.pdf, \.txt"),
        ("noname", b"plain words", r"not read \(no suffix\)"),
        ("x.txt", b"a\x00b", "binary"),
        ("x.txt", bytes(range(128, 160)) * 20 + bytes(range(1, 9)) * 50, "encoding|binary"),
        ("x.csv", b"just one column\n1\n2\n", "no table"),
        ("x.csv", b"a,b\n", "no rows|no table"),
        ("x.bib", b"@article{broken", "no BibTeX entry"),
        ("x.sdf", b"nothing here", "no molecule that RDKit accepts"),
        ("x.smi", b"not a smiles\nneither!!\n", r"no SMILES that parses \(2 lines\)"),
        ("x.txt", gzip.compress(b"words", mtime=0), "compressed with gzip"),
        ("x.png", b"\x89PNG\r\n\x1a\n", "an image"),
        ("x.doc", b"\xd0\xcf\x11\xe0\xa1\xb1", "old office file"),
        ("x.md", b"---\ntitle: x\n---\n", "nothing below its front matter"),
    ],
)
def test_what_cannot_be_read_is_one_line(name: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_file(name, data)
    assert "\n" not in str(caught.value)


def test_archives_and_size_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "0" * 10**6)
    with pytest.raises(InputError, match="ZIP archive"):
        read_file("report.docx", stream.getvalue())
    with pytest.raises(InputError, match=r"has 2 MiB, at most 1 MiB are read"):
        read_file("long.txt", b"word " * 400_000, max_bytes=2**20)


def test_encodings() -> None:
    assert read_file("a.txt", "\ufeffÄpfel und Öl".encode())[0].pages[0].text == "Äpfel und Öl"
    assert read_file("a.txt", "Äpfel und Öl".encode("utf-16"))[0].pages[0].text == "Äpfel und Öl"
    (document,) = read_file("a.txt", "Konzentration in µg, Größe".encode("cp1252"))
    assert "µg, Größe" in document.pages[0].text
    assert document.warnings == ("not UTF-8: read as Windows-1252, so that special characters may be wrong",)


def test_markdown_says_who_wrote_it_when() -> None:
    text = (
        "---\ntitle: On zeolites\nauthors: [A. Baker, C. Dale]\nyear: 2020\ndoi: https://doi.org/10.1/AbC\n---\nBody."
    )
    (document,) = read_file("a.md", text.replace("10.1/", "10.1234/").encode())
    assert (document.title, document.authors, document.year) == ("On zeolites", ("A. Baker", "C. Dale"), 2020)
    assert document.doi == "10.1234/abc"
    assert document.pages[0].text.strip() == "Body."
    assert read_file("b.md", b"# The heading #\n\nText.")[0].title == "The heading"


def test_bibtex_entries_are_documents_and_a_broken_one_is_counted() -> None:
    text = r"""
@article{a, title={One {T}hing and \"{o}thers \& more}, author={M{\"u}ller, K. and {\O}stby, T.}, year={2015},
 doi={10.5555/One}, abstract={About $x$ and \emph{y}.}}
@article{b, title={Second}, year=2016}
@article{c, author={Nobody}}
@article{d, title={never closed
"""
    documents = read_file("refs.bib", text.encode())
    assert [document.title for document in documents] == ["One Thing and öthers & more", "Second"]
    assert documents[0].authors == ("Müller, K.", "Østby, T.")
    assert (documents[0].year, documents[0].doi) == (2015, "10.5555/one")
    assert documents[0].warnings == ("2 of the file's entries could not be read or have no title",)
    again = read_file("copy.bib", text.encode())
    assert [d.document_id for d in again] == [d.document_id for d in documents]


def test_latex_greek_letters_are_kept() -> None:
    text = r"TGF-$\beta$ and \textit{{$\Delta$}G} at 10$^{-3}$ $\mu$M, $\lambda$, \$5"
    assert plain_text(text) == "TGF-β and ΔG at 10^-3 μM, λ, $5"


def test_latex_accents() -> None:
    assert plain_text(r"Erd\H{o}s, Ha\v{s}ek, Gar\c con, {\'e}t\'e, na\"{\i}ve, 5\,\% \cite{x}") == (
        "Erdős, Hašek, Garçon, été, naïve, 5 % x"
    )


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("see https://doi.org/10.1021/ci100050t.", "10.1021/ci100050t"),
        ("(doi:10.1002/(SICI)1096-987X(199604)17:5/6)", "10.1002/(sici)1096-987x(199604)17:5/6"),
        (
            "10.1002/(SICI)1096-987X(19981115)19:14<1639::AID-JCC10>3.0.CO;2-B.",
            "10.1002/(sici)1096-987x(19981115)19:14<1639::aid-jcc10>3.0.co;2-b",
        ),
        ("10.12 is a number", ""),
    ],
)
def test_dois(text: str, doi: str) -> None:
    assert find_doi(text) == doi


def test_a_year_is_found_only_where_it_is_said_to_be_one() -> None:
    assert find_year("Received 3 May 2018; accepted 2 January 2019") == 2019
    assert find_year("Received 3 May 2018") == 2018
    assert find_year("We used 2019 molecules") is None


def test_names_are_shown_safely() -> None:
    assert show_name("../../etc/\x1b[31mpass\nwd") == "[31mpass wd"
    assert show_name("C:\\data\\a.pdf") == "a.pdf"
    assert len(show_name("x" * 500 + ".pdf")) <= 120
    assert show_name("\x00") == "unnamed file"


def test_sentences_end_where_they_end() -> None:
    text = (
        "Imatinib (Fig. 2) binds at 0.5 nM, cf. Smith et al. 2001. It is stable at 540 °C. J. Doe said so [3]. Then, "
        "“it failed.” [4, 5]\n\nNew paragraph: e.g. this one? Yes!\n- an item\n- another one\n# Heading\nText below."
    )
    assert split_sentences(text) == [
        "Imatinib (Fig. 2) binds at 0.5 nM, cf. Smith et al. 2001.",
        "It is stable at 540 °C.",
        "J. Doe said so [3].",
        "Then, “it failed.” [4, 5]",
        "New paragraph: e.g. this one?",
        "Yes!",
        "- an item",
        "- another one",
        "# Heading",
        "Text below.",
    ]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=4000), st.integers(20, 400))
def test_passages_are_slices_and_lose_nothing_but_white_space(text: str, size: int) -> None:
    passages = passages_of(Document("text", "x", "x.txt", pages=(Page(text, 1),)), size)
    covered: set[int] = set()
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.page == 1
        covered.update(range(passage.start, passage.end))
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    assert len({passage.passage_id for passage in passages}) == len(passages)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", ["." * 200_000 + "x", "a. " * 60_000, "e.g. x " * 30_000])
def test_sentences_of_odd_texts_are_found_in_linear_time(text: str) -> None:
    assert "".join(split_sentences(text)).replace(" ", "") == text.replace(" ", "")


def test_passages_keep_to_their_size_and_share_a_sentence() -> None:
    text = " ".join(f"This is sentence number {n}." for n in range(100))
    passages = passages_of(Document("text", "x", "x.txt", pages=(Page(text),)), 300)
    assert max(len(passage.text) for passage in passages) <= 300
    for before, after in pairwise(passages):
        assert after.start < before.end
    words = passages_of(Document("text", "x", "x.txt", pages=(Page("x" * 2000),)), 300)
    assert [len(passage.text) for passage in words] == [300] * 6 + [200]
