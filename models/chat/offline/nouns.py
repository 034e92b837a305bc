"""Which action a clause asks for by the thing it wants, where no verb decides: "ligandable sites of 6lu7.pdb".

Asked only for what `intents` did not understand. The first rule that fits counts; the builders ask for what is missing.
Not promised: which of two wanted things comes first.
"""

from __future__ import annotations

import re

from models.chat.offline.clauses import VERBS
from models.chat.offline.cue_words import BINDERS, COMPOUNDS, LIGHTER, PROPERTY
from models.chat.offline.requirements import read_requirements

_SITES = r"(?:pockets?|sites?|cavit(?:y|ies)|clefts?|grooves?|hot ?spots?|crevices?)"
_ANALOGUES = r"(?:analog(?:ue)?s?|derivatives?|congeners?|bioisosteres?|close relatives|variations)"
_BETTER = r"(?:more|less|lower|higher|better|fewer|improved|increased|reduced|decreased|\w+er than)"
_REACTED = (
    r"(?:acylated|alkylated|acetylated|methylated|esterified|reduced|oxidi[sz]ed|hydrolysed|hydrolyzed|coupled|"
    r"condensed|treated|combined|heated|mixed|brominated|nitrated|aminated|quenched|attacked|reacted|protected)"
)
_CHANGED = r"(?:variants?|mutants?|muteins?|mutations?|substitutions?|homologues?|versions?)"
_RULES: tuple[tuple[str, str], ...] = (
    (
        "search_literature",
        r"\b(?:papers?|publications?|articles?|literature|evidence|preprints?|reviews?|citations?|references|refs)\b",
    ),
    ("design_antibody_cdr", r"\b(?:cdrs?|(?:hypervariable |antibody )?loops?|paratopes?)\b"),
    ("generate_materials", r"\b(?:mofs?|frameworks?|porous (?:solids?|crystals?)|coordination polymers?)\b"),
    (
        "plan_synthesis",
        (
            r"\b(?:routes?|synthes[ei]s|retrosynthes[ei]s|preparations?|synthetic access|"
            r"disconnections?|pathways?)\b(?! (?:inhibit|signal))|"
            r"\b(?:purchasable|commercial(?:ly available)?|buyable|cheap|simple) (?:starting )?"
            r"(?:materials?|precursors?|chemicals|building blocks)\b|\bways? (?:to|of) (?:mak|prepar|produc|access)\w*"
        ),
    ),
    (
        "predict_reaction",
        (
            rf"\b(?:products?|outcome|adducts?)\b.*§[mh]\d+§|§[mh]\d+§.*\b(?:products?|adducts?|outcome of)\b|"
            rf"§[mh]\d+§ (?:is|are|was|gets?|being) {_REACTED} (?:by|with|using|and|in)\b.*§[mh]\d+§|"
            rf"^\W*(?:what|which)\b.*\bproducts?\W*$|\breaction (?:of|between)\b"
        ),
    ),
    (
        "dock",
        (
            r"\b(?:fit|poses?|binding modes?|affinity|complementarity|placement|orientation)\b.*§[mh]\d+§.*§[tuf]\d+§|"
            r"§[mh]\d+§.*\b(?:fit|fits|sits?|binds?|bound|pose|engages?|affinity|lodges?)\b.*§[tuf]\d+§"
        ),
    ),
    (
        "optimize_molecule",
        (
            rf"\b(?:like|similar to) §[mh]\d+§,? but (?:\w+ )?(?:{_BETTER}|{LIGHTER})\b(?!.*§[tu]\d+§)|"
            rf"\b{_ANALOGUES}\b(?!.*§[tu]\d+§).*(?:\b{_BETTER}\b|§[mh]\d+§)|"
            rf"(?:\b{_BETTER}\b|§[mh]\d+§).*\b{_ANALOGUES}\b(?!.*§[tu]\d+§)"
        ),
    ),
    ("design_ligands", rf"\b{BINDERS}\b"),
    (
        "design_ligands",
        r"\b(?:beats?|outperforms?|surpass(?:es)?|better than|superior to|tops?)\b.*§[mh]\d+§.*§[tu]\d+§",
    ),
    (
        "edit_protein",
        rf"\b{_CHANGED}\b.*§[pn]\d+§|§[pn]\d+§.*\b{_CHANGED}\b|\b{_CHANGED}\b.*\b(?:mutations?|substitutions?)\b",
    ),
    ("find_pockets", rf"\b{_SITES}\b"),
    ("molecule_properties", rf"^(?!.*§[tupnfa]\d+§)(?=.*§[mh]\d+§).*\b{PROPERTY}\b"),
)
_COMPILED = tuple((action, re.compile(pattern)) for action, pattern in _RULES)
_MANY = re.compile(rf"(?<![\w.§-])\d+ (?:[a-z-]+ ){{0,3}}{COMPOUNDS}\b")
_SOME = re.compile(rf"\b{COMPOUNDS}\b")
_ASKS = re.compile(rf"^(?:{VERBS})\b")
_TELLS = re.compile(
    r"^(?:i|we|they|he|she) (?:am |are |have |had |just |already )*"
    r"(?:upload|attach|work|study|studied|read|made|got|ran|bought|measured|know|saw)\w*\b(?!.*\?)"
)
_ELSEWHERE = re.compile(
    r"\b(?:buy|purchase|order|sell|sold|ship|send|mail|delete|remove|discard|erase|export|save|download|upload|print|"
    r"patent\w*|weigh|price[sd]?|costs?|expensive|approved|marketed|store|storage|rename|share|invite|meeting|"
    r"deliver\w*|suppl(?:y|iers?)|vendors?|enough|password|account)\b|^(?:who|when|why)\b"
)
"""Words of what is not done here with things that are."""
_THERE_ALREADY = re.compile(
    rf"^(?:my|our|their|his|her|the|these|those|\d+)(?: \w+)? {COMPOUNDS} (?:have|has|had|are|is|were|was|arrived?|"
    rf"came|look|looks|melts?|cost)\b(?!.*\b(?:needed|wanted|required|please)\b)|"
    rf"^(?:is|are|was|were|do|does|did) (?:\d+|the|these|those|my|our) (?:\w+ )?{COMPOUNDS}\b|"
    r"^(?:which|what) frameworks? should i (?:learn|use|choose)\b|\bweb ?sites?\b|"
    r"^(?:order|buy|purchase|delete|remove|sell|ship|send|pick up|throw away|store|rename)\b|"
    r"\bhow many\b.*\b(?:are|is|were|have been) (?:approved|marketed|sold|known)\b"
)
"""What is said of things there are, and errands: no demand for new ones."""
_QUESTION = re.compile(r"^(?:is|are|was|were|does|did|do(?! you have)|how|where|which|should|will|has|have(?! you))\b")


def read_noun(text: str) -> str:
    """The action that gives what a normalised text speaks of; empty where nothing it speaks of is made here."""
    if _TELLS.match(text) or _ELSEWHERE.search(text) or is_no_demand(text):
        return ""
    for action, pattern in _COMPILED:
        if pattern.search(text):
            return "" if action == "design_ligands" and _QUESTION.match(text) else action
    if re.search(r"§[tupnfa]\d+§", text) or _QUESTION.match(text):
        return ""
    limited = bool(read_requirements(text)[0]) and not re.search(r"§[mh]\d+§", text)
    if _MANY.search(text) or (limited and _SOME.search(text)):
        return "generate_molecules"
    return ""


def is_no_demand(text: str) -> bool:
    """Whether a clause speaks of things there are, or of an errand, and asks for nothing new."""
    return bool(_THERE_ALREADY.search(text))


def read_step_noun(text: str) -> str:
    """The same for one clause of several: only where it is put as a demand about something named."""
    return read_noun(text) if _ASKS.match(text) and "§" in text else ""
