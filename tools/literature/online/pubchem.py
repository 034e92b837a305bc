"""PubChem: a compound by its name or SMILES, with computed properties, by PUG REST; at most four requests a second.

A question in a sentence is no name: then nothing is asked. Weights are in g/mol, the polar surface in Å²; XLogP is a
computed estimate (Cheng 2007, doi:10.1021/ci700257y).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tools.literature.documents import Document, Row
from tools.literature.online.fields import dig, list_of, load_json, text_of
from tools.literature.online.web import Web
from tools.literature.structure_text import structure_of

BASE_URL = "https://pubchem.ncbi.nlm.nih.gov/rest/pug"
SECONDS_BETWEEN = 0.25
MAX_NAME_WORDS = 4
_NOT_FOUND = 404
_PROPERTIES = {
    "Title": "name",
    "MolecularFormula": "molecular formula",
    "MolecularWeight": "molecular weight (g/mol)",
    "XLogP": "XLogP",
    "TPSA": "topological polar surface area (Å²)",
    "InChIKey": "InChIKey",
    "SMILES": "SMILES",
    "ConnectivitySMILES": "SMILES without stereo",
}


def search(web: Web, base_url: str, query: str, n: int) -> list[Document]:
    """Compounds of this name or structure, at most `n`."""
    query, wanted = query.strip(), ",".join(_PROPERTIES)
    smiles = structure_of(query)
    if not smiles and len(query.split()) > MAX_NAME_WORDS:
        return []
    params: dict[str, str | int] = {"smiles": query} if smiles else {}
    place = "smiles" if smiles else f"name/{quote(query, safe='')}"
    body = web.get(
        "pubchem", f"{base_url}/compound/{place}/property/{wanted}/JSON", params, SECONDS_BETWEEN, _NOT_FOUND
    )
    if not body:
        return []
    compounds = list_of(dig(load_json("pubchem", body), "PropertyTable", "Properties"))
    return [document for compound in compounds[:n] if (document := _document(compound)) is not None]


def _document(compound: Any) -> Document | None:
    cid = text_of(dig(compound, "CID"))
    if not cid or cid == "0":
        return None
    values = {label: text for key, label in _PROPERTIES.items() if (text := text_of(dig(compound, key)))}
    name = values.get("name") or f"CID {cid}"
    text = f"PubChem compound {cid}: " + "; ".join(f"{label}: {value}" for label, value in values.items())
    return Document(
        kind="compound",
        identity=f"pubchem {cid} {text}",
        source="PubChem",
        title=f"{name} (PubChem CID {cid})",
        url=f"https://pubchem.ncbi.nlm.nih.gov/compound/{cid}",
        rows=(Row(text, 1, structure_of(values.get("SMILES", "")), values),),
    )
