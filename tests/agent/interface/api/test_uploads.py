"""Files handed in: what they are is seen from their content; odd ones are refused clearly, none breaks the server."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rdkit import Chem

from agent.interface.api.uploads import clean_name, examine_upload
from tests.agent.interface.api.serving import HERE, Home
from tools.errors import InputError

PDB = "HEADER    X\nATOM      1  N   MET A   1      27.340  24.430   2.614  1.00  9.67           N\nEND\n"
CIF = "data_1ABC\n#\nloop_\n_atom_site.group_PDB\n_atom_site.id\nATOM 1\n"
CRYSTAL = "data_MOF5\n_cell_length_a 25.8\n_cell_angle_alpha 90\n"
MOL = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF"
BIB = "@article{druker2001,\n  title = {Efficacy},\n  year = 2001\n}\n"


@pytest.mark.parametrize(
    ("name", "content", "kind", "suffix"),
    [
        ("1abc.pdb", PDB, "pdb", ".pdb"),
        ("structure", PDB, "pdb", ".pdb"),
        ("1abc.cif", CIF, "mmcif", ".cif"),
        ("mof.cif", CRYSTAL, "cif", ".cif"),
        ("hits.sdf", MOL + "$$$$\n", "sdf", ".sdf"),
        ("hits.sdf", (MOL + "$$$$\n").replace("\n", "\r\n"), "sdf", ".sdf"),
        ("hit.mol", MOL, "mol", ".mol"),
        ("paper.PDF", PDF, "pdf", ".pdf"),
        ("renamed.txt", PDF, "pdf", ".pdf"),
        ("assay.csv", "smiles,ic50 (nM)\nCCO,12\nCCN,7\n", "csv", ".csv"),
        ("assay", "smiles;ic50\nCCO;1,2\n", "csv", ".csv"),
        ("seq.fasta", ">sp|P00519\nMLEICLKLVG\nCKSKKGLSSS\n", "fasta", ".fasta"),
        ("refs.bib", BIB, "bibtex", ".bib"),
        ("list.smi", "CC(=O)O acetic\nCCO\n", "smiles", ".smi"),
        ("campaign.yaml", "target: ABL1\nrounds: 2\n", "yaml", ".yaml"),
        ("notes.md", "# Notes\n\nA, b, c.\nD, e, f.\n", "markdown", ".md"),
        ("notes.txt", "Imatinib binds ABL1, it seems.\nIt does, indeed.\n", "text", ".txt"),
        ("größe.txt", "Größe: 3 Å\n", "text", ".txt"),
    ],
)
def test_the_kind_is_seen_from_the_content(name: str, content: str | bytes, kind: str, suffix: str) -> None:
    found = examine_upload(content if isinstance(content, bytes) else content.encode(), name)
    assert (found.kind, found.suffix) == (kind, suffix)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.pdb", b"hello, world\n", "ATOM"),
        ("x.sdf", b"hello\n", "counts line"),
        ("x.csv", b"one line only\n", "separators"),
        ("x.pdf", b"no paper\n", "%PDF-"),
        ("x.cif", PDB.encode(), "_atom_site"),
        ("x.smi", b"C1CC(\n", "SMILES"),
        ("x.txt", b"  \n ", "empty"),
    ],
)
def test_a_name_that_promises_something_else_is_refused(name: str, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        examine_upload(content, name)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("text", ["\n" * 150_000 + "x", f"ATOM  {'A' * 24}1.{'1' * 150_000}"])
def test_a_text_made_to_be_slow_is_told_at_once(text: str) -> None:
    """The server's other threads wait while an expression is matched."""
    assert examine_upload(text.encode(), "x.txt").kind == "text"


def test_names_are_cleaned() -> None:
    assert clean_name("../../etc/passwd") == "passwd"
    assert clean_name("C:\\fakepath\\a b.pdb") == "a b.pdb"
    assert clean_name("..\x00\n") == "file"
    assert len(clean_name("x" * 5000 + ".pdb")) == 120


def send(client: TestClient, name: str, content: bytes, **query: Any) -> Any:
    return client.post("/api/v1/files", files={"file": (name, content)}, params=query)


def test_a_file_gets_a_conversation_a_handle_and_an_artifact(home: Home, client: TestClient) -> None:
    first = send(client, "1abc.pdb", PDB.encode())
    assert first.status_code == 201
    item, thread_id = first.json()["item"], first.json()["thread_id"]
    assert (item["handle"], item["kind"], item["name"], item["details"]["type"]) == ("F1", "file", "1abc.pdb", "pdb")
    assert client.get(f"/api/v1/artifacts/{item['value']}").text == PDB
    second = send(client, "mol.sdf", (MOL + "$$$$\n").encode(), thread_id=thread_id).json()
    assert (second["item"]["handle"], second["thread_id"]) == ("F2", thread_id)
    assert send(client, "1abc.pdb", PDB.encode(), thread_id=thread_id).json()["item"]["handle"] == "F1"
    assert send(client, "1abc.pdb", PDB.encode(), thread_id="nothere").status_code == 404
    assert len(client.get(f"/api/v1/threads/{thread_id}").json()["items"]) == 2


def test_documents_and_tables_go_into_the_library(home: Home, client: TestClient) -> None:
    note = b"Ponatinib inhibits ABL1 with the T315I mutation. It was approved in 2012.\n" * 3
    first = send(client, "note.txt", note).json()
    assert (first["library"]["state"], first["library"]["reason"]) == ("added", "")
    assert send(client, "again.txt", note).json()["library"]["state"] == "known"
    found = client.post("/api/v1/search", json={"query": "which drug inhibits T315I", "n": 1}).json()
    assert "Ponatinib" in found["citations"][0]["quote"]
    broken = send(client, "broken.pdf", PDF).json()
    assert broken["item"]["handle"] == "F1"
    assert broken["library"]["state"] == "refused"
    assert "broken.pdf" in broken["library"]["reason"]
    assert send(client, "1abc.pdb", PDB.encode()).json()["library"] is None


def test_sizes_and_counts_are_limited(make_home: Any) -> None:
    with TestClient(make_home(max_upload_mb=1).app, base_url="http://localhost", client=HERE) as client:
        assert send(client, "big.txt", b"x" * (2**20 + 1), library=False).status_code == 413
        assert send(client, "big.txt", b"x" * (3 * 2**20)).status_code == 413
        assert send(client, "fits.txt", b"x" * 2**20, library=False).status_code == 201
        two = client.post("/api/v1/files", files=[("file", ("a.txt", b"a")), ("file", ("b.txt", b"b"))])
        assert two.status_code in (201, 422)
        assert client.post("/api/v1/files", files={"other": ("a.txt", b"a")}).status_code == 422
        broken = client.post(
            "/api/v1/files", content=b"--x\r\nnonsense", headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert broken.status_code in (400, 422)


def test_five_hundred_malformed_files_break_nothing(client: TestClient) -> None:
    """Cut, bit-flipped and mixed files of every kind: kept as something, or refused with a reason."""
    draw = random.Random(5)
    good = [PDB.encode(), CIF.encode(), (MOL + "$$$$\n").encode(), PDF, BIB.encode(), b"a,b\n1,2\n", b">s\nMLEI\n"]
    endings = (".pdb", ".cif", ".sdf", ".pdf", ".bib", ".csv", ".fasta", ".zip", ".exe", "", ".smi", ".yaml")
    codes = []
    for number in range(500):
        content = bytearray(draw.choice(good) * draw.randint(1, 3))
        for _ in range(draw.randint(0, 20)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        answer = send(
            client, f"f{number}{draw.choice(endings)}", bytes(content[: draw.randint(0, len(content))]), library=False
        )
        codes.append(answer.status_code)
        assert answer.status_code in (201, 415, 422), answer.text
        assert answer.status_code == 201 or answer.json()["detail"]
    assert {201, 415, 422} == set(codes)
