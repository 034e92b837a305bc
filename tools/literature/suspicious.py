"""A sign that a passage talks to the assistant instead of telling something: phrases, tool calls, hidden characters.

A list of patterns in English, German, French and Spanish. It flags what is clumsy; what is cleverly worded passes, and
a paper about prompt injection is flagged. Nothing rests on it: a passage is data whether flagged or not, is quoted and
never obeyed; the flag keeps it out of composed answers and warns the reader.
"""

from __future__ import annotations

import re
import unicodedata

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(pattern, re.IGNORECASE))
    for what, pattern in (
        (
            "asks to ignore instructions",
            r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}?\b(?:previous|prior|above|earlier|all|any|your|the|system)\b.{0,30}?"
            r"\b(?:instruction|prompt|rule|direction|guideline|message|context)s?\b",
        ),
        (
            "asks to ignore instructions",
            r"\b(?:ignorier\w*|vergiss)\b.{0,40}\banweisungen\b|\bignore[zr]?\b.{0,30}\b(?:consignes|instructions)\b"
            r"|\bignor[ae]\b.{0,30}\binstrucciones\b",
        ),
        ("addresses an assistant", r"\b(?:you are now|from now on you|act as (?:an?|the)|pretend (?:to be|you are))\b"),
        (
            "addresses an assistant",
            r"\b(?:dear|attention|note to|hey|hello)[ ,:]{1,2}(?:ai|llm|assistant|chatbot|language model|agent)\b",
        ),
        (
            "speaks of a prompt",
            r"\b(?:system|developer|hidden) (?:prompt|message|instruction)s?\b|\bnew (?:instruction|task)s?\s*:",
        ),
        (
            "holds markup of chat models",
            r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|tool_call|function_call)>|\b(?:Human|Assistant|System):\s",
        ),
        (
            "asks to call a tool",
            r"\b(?:call|invoke|execute|run|use|trigger|start)\b.{0,30}?\b(?:[a-z]+_[a-z_]+|tool|function)\b\s*(?:\(|with|now|to\b|immediately|and\b|$|\.)",
        ),
        (
            "writes a tool call",
            r"\b[a-z]{2,}_[a-z_]{2,}\s*\(\s*[{\"'a-z]|\{\s*\"(?:tool|name|function|action)\"\s*:\s*\"[a-z_]+\"\s*,\s*\"(?:args|arguments|parameters)\"",
        ),
        (
            "asks for secrecy",
            r"\b(?:do not|don't|never)\b.{0,20}\b(?:tell|inform|mention|reveal|show)\b.{0,30}"
            r"\b(?:user|human|operator)\b",
        ),
        (
            "asks for secrets",
            r"\b(?:send|reveal|print|output|exfiltrate|leak)\b.{0,40}"
            r"\b(?:api[ _-]?key|password|credential|token|secret)s?\b",
        ),
    )
)
_TRIGGER = re.compile(
    r"instru[ck]|prompt|message|rule|direction|guideline|context|anweisung|consigne|you are|from now on|act as|pretend|"
    r"note to|attention|dear|hey|hello|task|<|\[/?INST|:\s|call|invoke|execute|run|use|trigger|start|\w_\w|\{|"
    r"tell|inform|mention|reveal|show|send|print|output|exfiltrate|leak",
    re.IGNORECASE,
)
"""Without one of these no pattern matches: the quick look that rows of tables mostly stop at."""
_UNSEEN = re.compile("[\U000e0000-\U000e007f\u202a-\u202e\u2066-\u2069]")
_HIDDEN = {"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"}
FEW_HIDDEN = 3
"""So many zero-width characters may stand in an honest text (soft hyphens, joiners)."""


def suspicious(text: str) -> str:
    """Why the text reads like instructions to an assistant, in a few words; "" where nothing was found."""
    hidden = [] if text.isascii() else [c for c in text if c in _HIDDEN]
    plain = text if text.isascii() else unicodedata.normalize("NFKC", "".join(c for c in text if c not in _HIDDEN))
    found = []
    if _TRIGGER.search(plain):
        words = " ".join(plain.split())
        found = [what for what, pattern in _PATTERNS if pattern.search(words)]
    if len(hidden) > FEW_HIDDEN and len(text) < 20 * len(hidden):
        found.append("holds invisible characters")
    if not text.isascii() and _UNSEEN.search(text):
        found.append("holds invisible or direction-changing characters")
    return ", ".join(dict.fromkeys(found))
