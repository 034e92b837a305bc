"""Steps about what is known and what runs: literature, earlier results, campaigns, status, explanations."""

from __future__ import annotations

import re
from typing import Any

from models.chat.offline.mentions import Mention
from models.chat.offline.plans import AskError, Draft
from models.chat.offline.references import Reference
from models.chat.offline.request import Clause, Making, item
from models.chat.offline.steps_molecules import read_roles, target_document
from models.chat.offline.subjects import pick, read_place, subject_molecules

SERVICES = {
    "arxiv": "arxiv",
    "europe pmc": "europepmc",
    "europepmc": "europepmc",
    "pubmed": "europepmc",
    "openalex": "openalex",
    "crossref": "crossref",
    "pubchem": "pubchem",
}
_ASKING = re.compile(
    r"^(?:(?:who (?:has |have )?(?:published|worked|reported|written)|"
    r"what (?:has|have|was|is) (?:been )?(?:published|reported|written|found|said)|ask|"
    r"query|consult|work|"
    r"research|anything|something|information|reports?|"
    r"please|pls|can you|could you|do you know|are there|is there|have you got|i need|i "
    r"want|we need|give me|get me|show me|tell me|find me|find|search for|search|look for|look "
    r"up|look|"
    r"read(?: up)?(?: on| about)?(?: what(?:'s| is) known)?|check|any|some|me|for|if|whether|what does|what do|"
    r"(?:we|you|people) know|"
    r"what is|what's|whats|what are|which|do|does|did|how many|the|a|an|recent|new|latest|"
    r"relevant|good|scientific|my|uploaded|our|\d+)\s+)*"
    r"(?:(?:in |from |on |through )?(?:the )?(?:papers?|literature|publications?|articles?|"
    r"work|research|evidence(?= (?:about|on|for|of)\b)|"
    r"studies|references?|refs|citations?|reviews?|preprints?|pdfs?|documents?|library|journals?|"
    r"pubmed|arxiv|biorxiv|europe ?pmc|openalex|crossref|pubchem|sources)\s*(?:search "
    r")?(?:(?:that (?:i|we) (?:uploaded|have|gave)|say|says|tell us|report|reports?|have to "
    r"say|for|on|after|about|regarding|concerning|of|discussing|describing|mention(?:ing)?|and|or|"
    r"online|is|are|there|known|say about|:)\s+)*)*"
    r"(?:(?:known|say|written|published|reported) (?:about|on|for)\s+)?(?:about |on |regarding |concerning )?"
)
_LEAD = re.compile(
    r"^[^§]{0,28}?\b(?:papers?|publications?|articles?|studies|preprints?|reviews?|literature) "
    r"(?:on|about|regarding|concerning) (?=\S)"
)
_ASIDES = re.compile(
    r"[ ,;]*(?:,|;|\band(?: then| also)?|\bthen|\bto|-)\s+(?:please )?(?:quote|cite|summari[sz]e|show|list|give|"
    r"tell|extract|"
    r"return|read|report|quoting|citing|print|copy)\b(?: me)?(?:\s+(?:from|out|of|me|us|the|their|its|what|they|"
    r"them|it|"
    r"these|those|all|each|some|any|relevant|key|main|best|most|important|matching|original|exact|\d+|words?|text|"
    r"sentences?|passages?|quotes?|quotations?|lines?|paragraphs?|snippets?|excerpts?|findings|results|say|says|"
    r"sources?|"
    r"papers?|references?|citations?|with|and|verbatim|literally|doi|dois|\[))*\W*$"
)
"""What to do with the passages, which is not what they are about."""
_TAIL = re.compile(
    r"[ ,]*(?:(?:in|from|on|according to|using|through|via|and cite|with)\s+(?:the |scientific "
    r"|some |my |recent |online )*(?:literature|papers?|publications?|articles?|pubmed|arxiv|"
    r"biorxiv|europe ?pmc|openalex|crossref|internet|web|references?|citations?|sources|pdfs?|"
    r"documents?)|online|please|with sources|and cite (?:it|them|sources))\s*[?.!]*$"
)


def build_search_literature(clause: Clause, making: Making) -> Draft:
    text = clause.words if clause.amounts.n is not None else clause.text
    query = _query(text, clause, making)
    if len(re.sub(r"[^a-zA-Z0-9]", "", query)) < 3:
        subject = _subject_words(clause, making)
        if not subject:
            raise AskError("What should I look for in the literature?")
        query = subject
    args: dict[str, Any] = {"query": query}
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    sources = list(
        dict.fromkeys(service for word, service in SERVICES.items() if re.search(rf"\b{word}\b", clause.text))
    )
    if sources or clause.says(r"\bonline\b|\binternet\b|\bon the web\b"):
        args["online"] = True
    if sources:
        args["sources"] = sources
    return Draft("search_literature", args, "look it up and quote what the passages say", kind="passage")


def _query(text: str, clause: Clause, making: Making) -> str:
    """The subject in the user's words: without the words that ask, with names in place of things."""
    text = _LEAD.sub("", text.split(" , ", maxsplit=1)[0])
    text = _ASIDES.sub("", text)
    bare = _TAIL.sub("", _ASKING.sub("", text.strip(" ?.!"), count=1))
    bare = re.sub(
        r"[ ,;:-]+(?:max|at most|up to|only|just|top|give me|show|the|n =?|¦| )*(?:hits?|results?|passages?)$", "", bare
    )
    bare = re.sub(r"^(?:saying|say|telling us|report\w*|known)\b ?(?:about |on )?", "", bare)
    bare = re.sub(
        r"\b(?:it|this molecule|this compound|this|that|them|these|those)$",
        lambda _: _subject_words(clause, making) or "",
        bare,
    )
    for one in clause.reading.found:
        bare = bare.replace(clause.place(one), _words_for(one))
    return _as_typed(re.sub(r"\s+", " ", bare.replace("¦", " ")).strip(" ?.,!;:-"), making.raw)


def _as_typed(words: str, raw: str) -> str:
    """Words in the capitals they were typed with (CO2, not co2)."""
    typed = {word.lower(): word for word in re.findall(r"[\w-]+", raw)}
    return re.sub(r"[\w-]+", lambda found: typed.get(found[0], found[0]), words)


def _words_for(one: Mention) -> str:
    if one.letter in "tu":
        return one.name
    return one.name or one.value


def _subject_words(clause: Clause, making: Making) -> str:
    """What "it" is, in words for a search."""
    if not clause.says(r"\b(?:it|this|that|them|these)\b"):
        return ""
    for draft in reversed(making.drafts):
        if draft.action == "generate_materials":
            return f"{draft.args.get('metal', '')} metal-organic frameworks".strip()
        return str(draft.args.get("target") or draft.args.get("query") or "")
    for call in reversed(making.history.calls):
        for key in ("target", "query"):
            if call.args.get(key):
                return str(call.args[key])
    return ""


def build_search_results(clause: Clause, making: Making) -> Draft:
    args: dict[str, Any] = {}
    named = clause.of("m") or [one for one in clause.of("h") if one.value[0] == "M"]
    pointed = clause.reference()
    if named:
        args["molecule"] = named[0].value if named[0].letter == "m" else making.require_known(named[0].value)
    elif (
        pointed is not None
        and pointed.kind in ("nth", "it", "best")
        and (making.history.last_with("molecule") or making.drafts)
        and not clause.of("tuf")
    ):
        args["molecule"] = subject_molecules(clause, making, "is meant", one=True)[0]
    if clause.of("t"):
        args["target"] = clause.of("t")[0].value
    elif clause.of("u"):
        args["query"] = clause.of("u")[0].name
    elif clause.of("f") or clause.handles("T", "P", "K"):
        args["target"] = read_place(clause, making, "").target
    if clause.amounts.n is not None:
        args["n"] = clause.amounts.n
    if not args.keys() - {"n"}:
        query = _result_query(clause)
        if not query and pointed is not None and clause.says(r"\b(?:this|it|these|that)\b"):
            raise AskError("Something like what? Give a molecule (SMILES, name or handle) or a target.")
        args["query"] = query or "all results"
    return Draft("search_results", args, "recall what earlier runs found")


def _result_query(clause: Clause) -> str:
    dropped = (
        r"\b(?:have|has|did|do|we|you|i|ever|already|seen|see|tried|try|made|make|done|found|find|"
        r"any|anything|something|like|this|that|it|before|our|my|the|all|previous|earlier|past|"
        r"last|time|week|month|results?|runs?|show|me|search|list|recall|what|which|for|of|on|in|a|"
        r"an|to|with|are|is|was|so|far|were|there|had|looked|look|at|from|about|know|remember|us|"
        r"designs?|history|memory|database)\b"
    )
    return re.sub(
        r"\s+", " ", re.sub(r"[^\w \-.]", " ", re.sub(dropped, " ", re.sub(r"§\w+§|¦", " ", clause.words)))
    ).strip()


def build_start_campaign(clause: Clause, making: Making) -> Draft:
    for one in clause.of("k"):
        return Draft("start_campaign", {"campaign": one.value}, "run the pasted campaign", kind="run")
    for handle in clause.handles("F"):
        if not _is_structure(making.files.get(handle, "")):
            return Draft(
                "start_campaign",
                {"campaign": making.require_known(handle)},
                "run the campaign of this file",
                kind="run",
            )
    for one in clause.of("y"):
        if one.value:
            known = [
                handle for handle, name in making.files.items() if name.lower() == one.value.lower().rsplit("/", 1)[-1]
            ]
            if known:
                return Draft("start_campaign", {"campaign": known[0]}, "run the campaign of this file", kind="run")
            raise AskError(f"I cannot see {one.value} here. Attach the file, or paste the campaign as YAML: which?")
    attached = [h for h, name in making.new_files.items() if name.lower().endswith((".yaml", ".yml", ".json"))]
    if attached:
        return Draft("start_campaign", {"campaign": attached[0]}, "run the attached campaign", kind="run")
    return Draft("start_campaign", {"campaign": _campaign(clause, making)}, "run a design campaign", kind="run")


def _is_structure(name: str) -> bool:
    return name.lower().endswith((".pdb", ".cif", ".mmcif", ".ent"))


def _campaign(clause: Clause, making: Making) -> dict[str, Any]:
    """A campaign as its file would have it, with what was said and nothing else."""

    campaign: dict[str, Any] = {"target": target_document(clause, making)}
    reference, seeds = read_roles(clause, making)
    if reference:
        campaign["reference"] = reference
    if seeds:
        making.note("A campaign file has no molecules to start from: they are left out; design_ligands takes them.")
    for key in ("rounds", "per_round", "seed"):
        if (value := clause.amounts.get(key)) is not None:
            campaign[key] = value
    budget = {"minutes": clause.amounts.minutes, "docking_calls": clause.amounts.get("docking_calls")}
    if given := {key: value for key, value in budget.items() if value is not None}:
        campaign["budget"] = given
    if clause.requirements:
        campaign["constraints"] = clause.requirements.constraints()
    if found := re.search(
        r"\b(?:refine|strategy|refinement)(?: by| with|:| =)? (auto|evolve|adapt|condition|none)\b", clause.text
    ):
        campaign["refine"] = found[1]
    return campaign


def build_run_status(clause: Clause, making: Making) -> Draft:
    for one in clause.of("i"):
        return Draft("run_status", {"run_id": one.value}, "look how the run is doing")
    for handle in clause.handles("D"):
        return Draft("run_status", {"run_id": making.require_known(handle)}, "look how the run is doing")
    return Draft("run_status", {}, "look how the last run is doing")


def build_explain_candidate(clause: Clause, making: Making) -> Draft:
    run = next((one.value for one in clause.of("i")), None) or next(iter(clause.handles("D")), None)
    extra = {"run_id": run} if run else {}
    for one in clause.of("hm"):
        if one.letter == "m" or one.value[0] == "M":
            value = one.value if one.letter == "m" else making.require_known(one.value)
            return Draft("explain_candidate", {"candidate": value, **extra}, "explain its checks and its rank")
    reference = clause.reference()
    for number, draft in reversed(list(enumerate(making.drafts, 1))):
        if draft.kind == "run" or draft.action in ("design_ligands", "dock", "generate_molecules", "optimize_molecule"):
            position = reference.numbers[0] if reference and reference.kind in ("nth", "best") else 1
            return Draft("explain_candidate", {"candidate": item(number, position)}, "explain its checks and its rank")
    if reference is None:
        raise AskError("Which candidate? Give its handle (M1), its rank in the table, or its SMILES.")
    return Draft(
        "explain_candidate",
        {"candidate": _pointed(reference, clause, making, run), **extra},
        "explain its checks and its rank",
    )


def _pointed(reference: Reference, clause: Clause, making: Making, run: str | None) -> str:
    """The candidate that is pointed at: by handle, or by rank where only a run is known."""
    call = making.history.last_with("molecule")
    if call is not None:
        if reference.kind in ("nth", "best"):
            return pick(reference, call.of_kind("molecule"))[0]
        return subject_molecules(clause, making, "should be explained", one=True)[0]
    known = run or any(one.runs for one in making.history.calls)
    if known and reference.kind in ("nth", "best") and reference.numbers[0] > 0:
        return str(reference.numbers[0])
    raise AskError(
        "There is no candidate in this conversation yet. Which one do you mean: its handle, "
        "SMILES, or its rank and the run's id?"
    )
