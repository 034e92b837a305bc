"""Clauses that only say how many, how long or within which limits ("40 a round", "give me three routes, at most four
steps"): particulars of the step before them, not steps of their own."""

from __future__ import annotations

import re

from models.chat.offline.mentions import Reading
from models.chat.offline.references import read_reference
from models.chat.offline.request import read_clause

_MOLECULES = "molecule compound ligand inhibitor binder candidate design structure analog analogue hit"
_NEW = "variant version derivative suggestion proposal option idea alternative example one output answer"
COUNTED: dict[str, str] = {
    "design_ligands": f"{_MOLECULES} {_NEW} round docking call cycle iteration",
    "start_campaign": f"{_MOLECULES} round docking call cycle iteration",
    "optimize_molecule": f"{_MOLECULES} {_NEW} round",
    "generate_molecules": f"{_NEW}",
    "plan_synthesis": f"{_NEW} route pathway way plan step reaction",
    "predict_reaction": f"{_NEW} product outcome candidate prediction",
    "find_pockets": f"{_NEW} pocket site cavity cavities",
    "generate_materials": f"{_NEW} structure framework candidate mof material design",
    "edit_protein": f"{_NEW} mutant sequence design mutation substitution change candidate protein",
    "design_antibody_cdr": f"{_NEW} sequence design candidate loop antibody antibodies",
    "search_literature": f"{_NEW} passage paper article reference result quote quotation citation hit excerpt source "
    "arxiv pubmed openalex crossref pubchem europe pmc online internet",
    "search_results": f"{_NEW} result hit molecule",
    "dock": "exhaustiveness seed",
}
"""Action -> what it makes so and so many of."""
_FILLER_WORDS = """
a an the and or with of in for to per each every round rounds seed total only just please no not more than longer
short shorter max maximum maximal at most least up limit limited budget give show me us list return want need like
would i we you should have has be is are it its them that this those make different best top likely possible suggest
propose produce print report generate draw run use using keep but also new will do enough fine pls about cite quote
summarize summarise extract passages around roughly within time minutes hours all together overall instead too stay
must set stop after cap mw da
"""
_FILLER = frozenset(_FILLER_WORDS.split())


def is_particular(piece: str, before: str, action: str, reading: Reading) -> bool:
    """Whether a clause says nothing but amounts and limits of `action`, which the clause `before` asks for."""
    if (
        action not in COUNTED
        or "§" in piece
        or ((ref := read_reference(piece)) is not None and ref.kind in ("nth", "best"))
    ):
        return False
    clause = read_clause(piece, reading, piece)
    if not (clause.amounts.n or clause.amounts.minutes or clause.amounts.settings or clause.requirements):
        return False
    if clause.amounts.n and read_clause(before, reading, before).amounts.n:
        return False
    counted = {form for word in COUNTED[action].split() for form in (word, f"{word}s")}
    return all(word in _FILLER or word in counted for word in re.findall(r"[a-z]+", clause.words))
