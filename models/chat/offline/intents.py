"""What a clause asks for: cues that people use in the field, weighed together with the similarity to example requests.

A cue is a pattern over normalised text with places; its weight says how surely it means that action. Not promised: deep
grammar. Where cues and similarity stay low, the answer is that the request was not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from models.chat.offline.cue_words import BINDERS, MOLECULE
from models.chat.offline.cues import CUES
from models.chat.offline.similarity import Embed, semantic_similarities, similarities
from models.chat.offline.spelling import PLACE

_COMPILED = tuple((action, weight, re.compile(pattern)) for action, weight, pattern in CUES)
UNDERSTOOD = 1.25
"""Least total (cues plus similarity) at which a clause counts as understood: one medium cue with some similarity, or a
similarity alone that is nearly the example's own words."""
SIMILAR_ALONE = 0.56
"""Least similarity that counts without any cue."""
SEMANTIC_ALONE, SEMANTIC_LEAD = 0.66, 0.05
"""Least similarity by a sentence embedding, and least distance to the next label, that count where words did not
decide. Set by hand: all-MiniLM-L6-v2 puts what is not done here ("how expensive is
imatinib") up to 0.62."""
_WISHES = re.compile(
    r"\b(?:eas(?:y|ily|ier|iest) to (?:make|synthesi[sz]e|prepare)|(?:easily |readily "
    r")?synthesi[sz]able|synthetically \w+|simple to make"
    r"|(?:non-?)?reactive (?:groups?|warheads?|moieties|functional groups?|compounds?|atoms?)|"
    r"(?:no|without|avoid\w*) reactive\w*)"
)
"""Wishes for molecules that sound like a synthesis or a reaction."""
_CHANGED_ONES = re.compile(r"\b(?:analog(?:ue)?s?|derivatives?|congeners?|bioisosteres?)\b")
TALK = ("greeting", "thanks", "capabilities", "identity", "stop", "off_topic")


@dataclass(frozen=True, slots=True)
class Intent:
    """`label`: an action or a kind of talk, empty where nothing was understood; `score` and the runner-up's."""

    label: str
    score: float
    second: str = ""
    second_score: float = 0.0


def read_intent(text: str, embed: Embed | None = None) -> Intent:
    """What a normalised clause asks for. Things alone, without a word, ask for nothing."""
    if not re.search(r"[a-z]{2}", PLACE.sub(" ", text)) and not re.search(r"§x\d+§|§[mh]\d+§ ?\+ ?§[mh]", text):
        return Intent("", 0.0)
    totals = dict(similarities(text))
    cued: dict[str, float] = {}
    bare = _WISHES.sub("¦", text)
    for action, weight, pattern in _COMPILED:
        if pattern.search(bare if action in ("plan_synthesis", "predict_reaction") else text):
            cued[action] = max(cued.get(action, 0.0), weight) + (0.3 if action in cued else 0.0)
    for action, weight in _adjusted(text, cued).items():
        totals[action] = totals.get(action, 0.0) + weight
    ranked = sorted(totals.items(), key=lambda pair: -pair[1])
    (label, score), (second, second_score) = ranked[0], ranked[1]
    understood = score >= UNDERSTOOD if label in cued else score >= SIMILAR_ALONE
    if not understood and embed is not None:
        nearest = sorted(semantic_similarities(text, embed).items(), key=lambda pair: -pair[1])
        (meant, near), (_, next_near) = nearest[0], nearest[1]
        if near >= SEMANTIC_ALONE and near - next_near >= SEMANTIC_LEAD:
            return Intent(meant, near, nearest[1][0], next_near)
    if label in TALK and not understood and score >= 0.40 and not cued:
        understood = label == "off_topic"
    return Intent(label if understood else "", score, second, second_score)


def _adjusted(text: str, cued: dict[str, float]) -> dict[str, float]:
    """Cues that rule others out."""
    weights = dict(cued)
    if "design_antibody_cdr" in weights:
        for other in ("edit_protein", "design_ligands", "generate_molecules", "optimize_molecule"):
            weights.pop(other, None)
    if "generate_materials" in weights:
        for other in ("generate_molecules", "design_ligands", "optimize_molecule"):
            weights.pop(other, None)
    if "design_ligands" in weights and weights["design_ligands"] >= 1.8:
        weights.pop("generate_molecules", None)
    if {"plan_synthesis", "design_ligands"} <= set(weights) and not re.search(
        rf"\b{MOLECULE}|§[mh]", re.sub(r"\bthat (?=\w)", " ", text)
    ):
        weights.pop("plan_synthesis")  # "which binders can you make": of no molecule that is there
    if {"molecule_properties", "generate_molecules"} <= set(weights) and not re.search(
        rf"\b{MOLECULE}|\bwhich\b", re.sub(r"\b\d+ of (?:them|these|those)\b|\bthat (?=\w)", " ", text)
    ):
        weights.pop("molecule_properties")  # properties of nothing that is named: conditions on what is to be made
    if "generate_molecules" in weights and _CHANGED_ONES.search(text) and not re.search(r"§[tu]\d+§", text):
        weights.pop("generate_molecules")  # analogues: of a molecule that is there
        weights["optimize_molecule"] = max(weights.get("optimize_molecule", 0.0), 2.0)
    if "edit_protein" in weights and "design_ligands" in weights and re.search(rf"\b{BINDERS}\b", text):
        weights.pop("edit_protein")
    if "edit_protein" in weights and re.search(r"§[pn]\d+§|protein|enzyme|gfp", text):
        weights.pop("optimize_molecule", None)
    if (
        "run_status" in weights
        and "start_campaign" in weights
        and re.search(r"\b(?:how|status|progress|is|still)\b", text)
    ):
        weights.pop("start_campaign")
    if "minimize" in weights and re.search(r"\bminimi[sz]e\b.{0,14}(?:logp|log p|mw|weight|tpsa|lipophilicity)", text):
        weights.pop("minimize")
    return weights
