"""Goals of a change to a molecule: "more soluble" is "solubility up", "logP to 2-3" is "log_p 2..3"."""

from __future__ import annotations

import re

from models.chat.offline.requirements import PROPERTIES, Requirements, render_bounds

GOALS: tuple[tuple[str, str], ...] = (
    (
        "solubility up",
        (
            r"(?:more|better|increase\w*|improve\w*|optimi[sz]e|higher|raise|boost\w*|enhance\w*|good|much "
            r"more|bit more) (?:the |its |in |water |aqueous |water-)*solub\w+|solubility (?:up|"
            r"higher|better|should (?:go up|increase|improve))|solubili[sz]e|more hydrophilic|not "
            r"soluble enough|too insoluble|(?:increase|improve|raise|boost|better|enhance|fix)\w* "
            r"(?:the |its |aqueous |water )*(?:solubility|logs)|soluble (?:version|variant|analog)|"
            r"(?:for|towards?|in terms of) (?:better |higher |good |the |more )*(?:aqueous |water )?solubility|soluble|"
            r"dissolv\w* (?:better|more|faster|easier|easily)"
        ),
    ),
    ("solubility down", r"less soluble|(?:lower|reduce|decrease)\w* (?:the |its |aqueous |water )*solubility"),
    (
        "log_p down",
        (
            r"less (?:lipophilic|hydrophobic|greasy|fatty)|too (?:lipophilic|hydrophobic|greasy|"
            r"fatty)|(?:lower|reduce|decrease|bring down|drop|cut|minimi[sz]e|less|smaller|down|"
            r"get down|push down)\w* (?:the |its |in |of )*(?:logp|log p|clogp|lipophilicity)|"
            r"(?:logp|log p|clogp|lipophilicity) (?:down|lower|lowered|reduced|smaller|should "
            r"(?:go down|decrease|be lower))"
        ),
    ),
    (
        "log_p up",
        (
            r"more (?:lipophilic|hydrophobic|greasy|fatty)|(?:higher|raise|increase|boost|bring up|"
            r"maximi[sz]e|push up)\w* (?:the |its )*(?:logp|log p|clogp|lipophilicity)|(?:logp|log "
            r"p|lipophilicity) (?:up|higher)|too (?:hydrophilic|polar)"
        ),
    ),
    (
        "qed up",
        (
            r"(?:more|better|increase\w*|improve\w*|higher|raise|boost\w*|maximi[sz]e|optimi[sz]e|"
            r"enhance\w*|best) (?:the |its |in |of )*(?:drug-?likeness|drug-? ?like|qed)|(?:qed|"
            r"drug-?likeness) (?:of §\w+§ )?(?:up|higher|better)|more ¦|(?:for|towards?|in terms of) "
            r"(?:better |higher |good |the )*(?:qed|drug-?likeness)"
        ),
    ),
    (
        "molecular_weight down",
        (
            r"(?:lighter|smaller|shrink|slim|lighten|downsize|less heavy|too heavy|too big|too large|less big)\b|"
            r"(?:lower|"
            r"reduce|decrease|cut|bring down|drop|trim|minimi[sz]e|less|smaller|shave)\w* (?:the |"
            r"its |off |some |down )*(?:mw|molecular (?:weight|mass)|mol(?:ecular)? ?w(?:eigh)?t|"
            r"weight|mass|size)|(?:mw|weight|size) (?:down|lower)"
        ),
    ),
    (
        "molecular_weight up",
        r"\b(?:heavier|bigger|larger)\b|(?:increase|raise)\w* (?:the |its )*(?:mw|molecular weight|weight|mass|size)",
    ),
    (
        "tpsa up",
        (
            r"more polar\b|(?:increase|raise|higher)\w* (?:the |its )*(?:tpsa|psa|polar surface(?: "
            r"area)?|polarity)|tpsa up"
        ),
    ),
    (
        "tpsa down",
        (
            r"less polar\b|(?:lower|reduce|decrease)\w* (?:the |its )*(?:tpsa|psa|polar surface(?: "
            r"area)?|polarity)|(?:more|better|increase|improve)\w* (?:the |its )*(?:permeab\w+)|"
            r"tpsa down"
        ),
    ),
    (
        "sa down",
        (
            r"(?:easier|simpler) to (?:make|synthesi[sz]e|prepare)|more (?:synthetically "
            r"accessible|synthesi[sz]able)|(?:improve|increase|better|higher)\w* (?:the |its "
            r")*(?:synthesi[sz]ability|synthetic accessibility)|(?:lower|reduce|decrease|better|"
            r"improve)\w* (?:the |its )*sa[ _-]?score|simpler|less complex|simplif\w+"
        ),
    ),
    (
        "rotatable_bonds down",
        (
            r"more rigid|less flexible|rigidif\w+|fewer rotatable bonds|too flexible|(?:reduce|"
            r"lower|decrease)\w* (?:the |its |number of )*(?:rotatable bonds|flexibility)"
        ),
    ),
    (
        "fsp3 up",
        (
            r"(?:increase|raise|higher|more)\w* (?:the |its )*(?:fsp3|sp3)|less flat|more "
            r"three-?dimensional|escape flatland|too flat"
        ),
    ),
)
"""Goal as `optimize_molecule` takes it, and how people say it."""
_OWNER = re.compile(r"§m\d+§['’]s? (?=[a-z])")
"""Whose property it is: "optimize aspirin's solubility" is about solubility."""


def read_goals(text: str, requirements: Requirements) -> list[str]:
    """Goals such as "solubility up" and "log_p 2..3"; ranges as people gave them."""
    names = {"logp": "log_p", "mol_weight": "molecular_weight", "synthesizability": "sa"}
    goals = [f"{names.get(key, key)} {render_bounds(*bounds)}" for key, bounds in requirements.ranges.items()]
    ranged = {goal.split()[0] for goal in goals}
    text = _repeated_verbs(_plain_verbs(_OWNER.sub("", text)))
    for goal, pattern in GOALS:
        name = goal.split()[0]
        if name not in ranged and not any(g.split()[0] == name for g in goals) and re.search(rf"\b(?:{pattern})", text):
            goals.append(goal)
    return goals


_DOWN = (
    r"bring(?:ing)? down|cut(?:ting)?(?: down(?: on)?)?|decreas(?:e|ing)|diminish(?:ing)?|"
    r"lessen(?:ing)?|"
    r"push(?:ing)? down|tak(?:e|ing) down|get(?:ting)? down|dropp?(?:ing)?|reduc(?:e|ing)|lowering|minimi[sz](?:e|"
    r"ing)|curb"
)
_UP = (
    r"bring(?:ing)? up|push(?:ing)? up|rais(?:e|ing)|boost(?:ing)?|elevat(?:e|ing)|enhanc(?:e|ing)|increasing|"
    r"gain(?:ing)?|"
    r"maximi[sz](?:e|ing)|bump(?:ing)? up|crank(?:ing)? up|get(?:ting)? up|driv(?:e|ing) up|improving"
)
_APART = r"\b(bring|push|take|get|drive|bump)(?:ing)? ((?:the |its |§\w+§(?:'s)? )*{names}) (up|down)\b"


def _plain_verbs(text: str) -> str:
    """Verbs of more and less in one form each, "bring its TPSA down" with the verb in one piece."""
    names = "|".join(["solubility", *PROPERTIES.values()])
    text = re.sub(_APART.replace("{names}", f"(?:{names})"), r"\1 \3 \2", text)
    return re.sub(rf"\b(?:{_UP})\b", "increase", re.sub(rf"\b(?:{_DOWN})\b", "lower", text))


def _repeated_verbs(text: str) -> str:
    """Verbs shared by several properties are repeated: "increase qed and solubility"."""
    names = "|".join([*PROPERTIES.values(), "solubility"])
    shared = (
        r"\b(increase|lower|reduce|improve|raise|decrease|higher|better|more|less|boost|"
        rf"optimi[sz]e|maximi[sz]e|minimi[sz]e) ((?:the |its )*(?:{names}|soluble|lipophilic|"
        rf"polar)) (?:and|,|&) (?=(?:the |its )*(?:{names}|soluble|lipophilic|polar|drug-?like)\b)"
    )
    return re.sub(shared, r"\1 \2 and \1 ", text)
