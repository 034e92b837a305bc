"""A request taken apart into clauses, one for each thing to do, in the order in which they are to be done."""

from __future__ import annotations

import re

VERBS = (
    r"(?:re)?dock|design|find|plan|predict|generate|optimi[sz]e|improve|mutate|minimi[sz]e|"
    r"relax|search|look (?:for|up|at|into)|explain|start|launch|run|compute|calculate|calc"
    r"|check|show|tell|give|list|propose|suggest|create|make|synthesi[sz]e|react|compare|edit|"
    r"engineer|redesign|modify|tweak|lower|increase|reduce|evaluate|score|rank"
    r"|retrosynthesi[sz]e|screen|profile|elaborate|assess|map|scan|outline|devise|retrieve|fetch|read up|cite|get|"
    r"what|how|why|which|where|is|are|does|do|did|have|"
    r"has|can|could|prepare|see|summari[sz]e|estimate|detect|locate|identify|refine|invent|"
    r"sample|build|work out|describe|repeat|kick off|begin|test|put|draw|take|pick|choose|select|then"
)
_ADVERBS = (
    r"(?:(?:also|please|then|finally|afterwards|next|now|after that|at the end|lastly|subsequently|"
    r"i want (?:you )?to|i would like (?:you )?to|we want to|you (?:should|can)|let's|lets|to|can "
    r"you|could you|for the best one,?|maybe|just|quickly|if possible) )*"
)
_BREAK = re.compile(
    r"(?:\s*(?:[.!?;](?=\s|$)|\n)+\s*(?:and |then )*|\s*,?\s*\b(?:and then|then|afterwards|"
    r"after that|and after that|and finally|finally|followed by|and next|subsequently|as well "
    r"as|and also)\b,?\s*"
    rf"|\s*(?:,| -+|:)\s+(?:and |& |plus )?(?={_ADVERBS}(?:{VERBS})\b)|\s+(?:and|&|plus|\+|but "
    rf"also)\s+(?={_ADVERBS}(?:{VERBS})\b))"
)
_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|dear)(?: (?:there|organon|all|"
    r"team|assistant))?\b[ ,!.]*)?(?:(?:please|pls|plz|ok|okay|so|well|now|great|thanks|thank "
    r"you|cool|nice|alright|right|first(?: of all)?|firstly|next|finally|also|and|then|but|"
    r"kindly|actually|hmm|um|yes|yeah|sure|perfect|good)\b[ ,!.:-]*)*"
    r"(?:(?:can|could|would|will) (?:you|u|we|i) (?:please |pls |maybe |kindly |also |then |"
    r"now |just )*|i(?: would|'d) like (?:you )?to |i want (?:you )?to |i need (?:you )?to |we "
    r"(?:want|need|would like) (?:you )?to |let'?s |lets |try to |help me (?:to )?|would you "
    r"mind |is it possible to |i am trying to |i'm trying to |my task is to |be so kind (?:and|"
    r"to) |you should |go ahead and )*(?:please |pls |first |now |then |just |also |quickly )*"
)
_NOT_GOALS = re.compile(
    r"\b(?:maximi[sz]e|minimi[sz]e|increase|lower|reduce|improve|optimi[sz]e)\b (?:the |its "
    r")?(?:qed|logp|log p|mw|molecular weight|weight|tpsa|solubility|lipophilicity|"
    r"drug-?likeness|rotatable|synthetic|size|potency)"
)


def split_clauses(text: str) -> list[str]:
    """Clauses of a normalised text, polite words taken off their front. Goals that follow one another ("increase QED
    and lower logP") stay together."""
    text = re.sub(r"\b(?:please|pls|plz|bitte)\b ?", "", re.sub(r"\s*(?:->|=>|→)\s*", ", then ", text))
    pieces: list[str] = []
    start = 0
    for found in _BREAK.finditer(text):
        rest = text[found.end() :]
        if not found[0].strip(" ,") and not rest:
            continue
        if (
            _NOT_GOALS.match(rest)
            and "\n" not in found[0]
            and not re.search(r"[.;?!]|then", found[0])
            and pieces_open(text[start : found.start()])
        ):
            continue
        if re.match(r"(?:does|do|is|are|has|have|can)\b(?! (?:it|they|this|that|these|the|§|we|you|there|i)\b)", rest):
            continue
        pieces.append(text[start : found.start()])
        start = found.end()
    pieces.append(text[start:])
    return [cleaned for piece in pieces if (cleaned := strip_polite(piece))]


def pieces_open(text: str) -> bool:
    """Whether a clause is about changing a molecule, so that a further goal belongs to it."""
    return bool(
        re.search(r"optimi[sz]e|improve|increase|lower|reduce|maximi[sz]e|minimi[sz]e|make|more|less|better", text)
    )


def strip_polite(text: str) -> str:
    """Without greeting and polite words at its ends; the words themselves where nothing else is there."""
    text = text.strip(" ,.;:-\n\t")
    bare = _POLITE.sub("", text, count=1).strip(" ,.;:-")
    bare = re.sub(r"[ ,]*\b(?:please|pls|plz|thanks|thank you|thx|cheers|ok|for me)\b[ .!]*$", "", bare)
    return bare or ("" if re.fullmatch(r"(?:and|then|please|also|now|ok|,|first|finally)*", text) else text)
