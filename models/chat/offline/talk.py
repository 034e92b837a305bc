"""What is said where nothing is to be done: greetings, who this is, what it can do, and plain words where it cannot."""

from __future__ import annotations

import re

WHAT_I_CAN_DO = """I can, each with checks and sources:
- design ligands: “design ligands for ABL1 that beat imatinib, QED above 0.4 and no PAINS, 3 rounds”
- find pockets: “find the pockets of 1iep.pdb, chain A” (attach the file)
- dock and relax: “dock aspirin and ibuprofen into PTGS2, then minimize the best pose”
- molecules: “10 molecules with logP 2 to 3 and MW below 400”, “make M1 more soluble”, “properties of caffeine”
- chemistry: “three routes to paracetamol in at most 4 steps”, “react benzoic acid with methanol”
- more: “5 zinc MOFs”, “mutate GFP to be brighter”, “design a CDR H3 for this heavy chain: ...”
- what is known: “papers on imatinib resistance”, “have we seen anything like M2 before?”
- campaigns: “start a campaign on EGFR with 4 rounds”, “how is the run going?”, “why did the first one fail?”
Several steps in one request are fine: “find the pocket, design ligands there and plan the synthesis of the best”."""
NO_LANGUAGE_MODEL = (
    "I am Organon's built-in front end: rules and example requests, no language model. I understand requests for what "
    "the tools do and nothing else. With ORGANON_LLM you can connect a language model."
)
_OFF_TOPIC = re.compile(
    r"\b(?:weather|prices?|joke|poem|song|football|soccer|match|restaurant|recipe|movie|film|e-?mail|"
    r"translate|translation|capital of|president|chancellor|stock|bitcoin"
    r"|horoscope|world cup|league|olympi\w+|championship|election|news|python|javascript|code|"
    r"essay|homework|birthday|holiday|flight|hotel|"
    r"pizza|what time|what day|lottery|prime number|square root|haiku|story|love|dinner|lunch|"
    r"coffee machine|train to|traffic|poetry|limerick|sing|cook|game|chess)\b"
)
_WRITING = re.compile(r"\b(?:essay|poem|joke|e-?mail|translate|song|haiku|story|limerick|lyrics)\b")
_MEDICAL = re.compile(
    r"\b(?:should i (?:take(?!.*\b(?:forward|further)\b)|stop taking|use (?:an? |the |some |any )?(?:drug|medicine|"
    r"pill|tablet|§m\d+§))|can i take|(?:what|which) (?:drug|medicine|pill|tablet)s? (?:(?:is|are) (?:the )?"
    r"(?:best|good|better|right|safe\w*) (?:for|against)|should (?:i|my|he|she)|helps?|do you)|"
    r"(?:is it|are they|is §m\d+§) safe (?:to (?:take|combine|give|use|eat|drink)|for|in|with)\b|"
    r"best (?:drug|medicine) for|dos(?:e|age)\b|my doctor|headaches?|"
    r"prescri\w+|i feel|i have (?:a )?(?:fever|pain|cold))"
)
_NOT_COMPUTED = re.compile(
    r"\b(?:fold(?:ing)? (?:this|the|my|a|it|§[pn])|predict (?:the |its )?(?:3d |protein |tertiary )*(?:structure|"
    r"fold) (?:of|for|"
    r"from) (?:§[pn]|this sequence|this protein)|alphafold|homo-?lumo|\bdft\b|quantum chem\w+|molecular orbitals?|"
    r"(?:nmr|ir|mass|uv|raman) spectr(?:um|a)|(?:md|molecular dynamics) (?:simulation|run|trajectory)|"
    r"(?:simulate|run) (?:an? )?\d+ ?ns|free energy perturbation|\bfep\b|transition states?)"
)
_ASKED_OF_PAPERS = re.compile(r"\b(?:papers?|literature|articles?|publications?|reviews?|quote|cite|what is|known)\b")
_WEAPONS = re.compile(
    r"\b(?:sarin|soman|tabun|cyclosarin|novichok\w*|vx(?: gas| agent)?|nerve agents?|mustard "
    r"gas|sulfur mustard|lewisite|phosgene|chemical weapons?|explosives?|tnt|rdx|petn|"
    r"methamphetamine|crystal meth|ricin)\b"
)
_STOP = re.compile(
    r"^(?:(?:ok(?:ay)?|no|please|pls|oh|and|now|hey)[ ,!]+)*(?:stop|abort|cancel|halt|quit|"
    r"kill|pause|never ?mind|forget (?:it|that|about it)|end)\b(?: (?:it|that|this|everything|"
    r"all|now|please|pls|the|my|run|runs|campaign|job|docking|design|search|there|right|"
    r"immediately|what you are doing|current|at once|again|then|thanks|!))*[ .!]*$"
)
_SMALL: tuple[tuple[str, str], ...] = (
    (
        "thanks",
        (
            r"^(?:(?:ok|okay|great|perfect|super|wow|cool|nice|very|many|good|well done|awesome|"
            r"excellent|amazing|brilliant|got it|wonderful|fantastic|that'?s?|is|was|it|works?|"
            r"helpful|all|for now|so much|a lot|very much|indeed)[ ,!.]*)*(?:thanks?(?: you)?|thx|"
            r"ty|cheers|danke)?[ ,!.]*(?:(?:a lot|so much|very much|again|organon|for (?:the|your) "
            r"help|that'?s? (?:all|great|perfect)|bye|all)[ ,!.]*)*$"
        ),
    ),
    (
        "greeting",
        (
            r"^(?:hi|hello|hey|good (?:morning|evening|afternoon|day)|moin|servus|howdy|yo|"
            r"greetings)(?: (?:there|organon|all|team|everyone|you|again))*(?:[ ,!.]*how are "
            r"you(?: doing)?(?: today)?)?[ ,!.?]*$|^how are you\b.{0,12}$|^(?:good "
            r"?)?bye\b.{0,12}$"
        ),
    ),
    (
        "identity",
        (
            r"\bwho (?:are|r) (?:you|u)\b|\bwhat are you\b(?! (?:doing|able|running|working))|"
            r"\bare you (?:an? )?(?:chat ?gpt|gpt|ai|llm|human|robot|bot|real|claude|language "
            r"model|person|large language model|based on)|\bwhich (?:language )?(?:model|llm|ai) "
            r"(?:are|is|do)\b|\bwhat (?:language )?(?:model|llm) (?:are|is this|do)\b|\byour name\b|"
            r"\bwho (?:made|built|created|wrote) you\b"
        ),
    ),
    (
        "capabilities",
        (
            r"^(?:please )?help(?: me)?[ !.?]*$|\bwhat (?:can|could|else can) (?:you|u|i|this|it|"
            r"we|organon) (?:do|ask|say|help|offer)|\bwhat (?:are|is) (?:you|u|it|this|organon) "
            r"(?:able|capable|good)|\bhow (?:do|can|should) i (?:use|start|begin|work with) (?:you|"
            r"this|organon|it)?|\bwhat (?:are|is) your (?:capabilities|skills|features|abilities|"
            r"commands|functions|tools|actions)|\b(?:show|list|give)(?: me)? (?:all |the |your |"
            r"some |available )*(?:capabilities|commands|features|actions|tools|examples(?: of "
            r"what| requests)?)\b[ ?.!]*$|\bwhat (?:tools|actions|commands|functions) (?:are|do|"
            r"can)|\bhow does (?:this|it) work\b"
        ),
    ),
)


def read_talk(text: str) -> str:
    """The kind of small talk a whole normalised message is; empty where it may be a request."""
    bare = text.strip()
    if _STOP.match(bare):
        return "stop"
    return next((kind for kind, pattern in _SMALL if bare and re.search(pattern, bare)), "")


def is_off_topic(text: str) -> bool:
    """Whether a text that no action fits is about something else entirely."""
    return bool(_OFF_TOPIC.search(text))


def refused(text: str) -> str:
    """The kind of answer that a request gets whatever else is in it: writing, medical advice, weapons; else empty."""
    kinds = (("weapons", _WEAPONS), ("medical", _MEDICAL), ("off_topic", _WRITING))
    kind = next((kind for kind, pattern in kinds if pattern.search(text)), "")
    if not kind and _NOT_COMPUTED.search(text) and not _ASKED_OF_PAPERS.search(text):
        return "not_computed"
    return kind


def say(kind: str) -> str:
    """The words for a kind of talk."""
    return {
        "greeting": f"Hello. {NO_LANGUAGE_MODEL}\n\n{WHAT_I_CAN_DO}",
        "thanks": "You are welcome. What comes next?",
        "capabilities": f"{NO_LANGUAGE_MODEL}\n\n{WHAT_I_CAN_DO}",
        "identity": f"{NO_LANGUAGE_MODEL} What I answer comes from executed calculations and cited passages.",
        "stop": "Nothing of this conversation is running now, so there is nothing to stop. While "
        "something runs, the stop "
        "button (or `organon campaign stop RUN_ID`) ends it and keeps what it has.",
        "weapons": "I do not help to make or improve weapons, explosives or illegal drugs.",
        "medical": "I give no medical advice: please ask a physician or pharmacist. I can compute "
        "properties of a molecule, "
        "dock it, or quote what the literature in the library says about it.",
        "not_computed": "That is not among what Organon computes: it folds no proteins and runs no quantum chemistry, "
        f"spectra, free energies or long simulations.\n\n{WHAT_I_CAN_DO}",
        "off_topic": f"I cannot help with that. {NO_LANGUAGE_MODEL}\n\n{WHAT_I_CAN_DO}",
    }[kind]


def not_understood(text: str, near: str = "") -> str:
    """A question that admits it."""
    nearest = f" The nearest I know is {near.replace('_', ' ')}." if near else ""
    return f"I did not understand “{text[:120]}”.{nearest}\n\n{WHAT_I_CAN_DO}\n\nWhich of these do you mean?"
