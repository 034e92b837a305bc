"""Things a request mentions, found in its text as typed and replaced by places (`§m0§`): what is left is words.

Letters of places: m molecule, b text meant as a structure that is none, x reaction SMILES, p protein sequence,
n protein by name, a antibody by name, t target, u protein without a bundled structure, f file, y campaign file,
h handle, q residue, i run id, k pasted YAML or JSON, v mutation (T790M).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from models.chat.offline.names import (
    ANTIBODIES,
    NOT_BUNDLED,
    PROTEINS,
    ambiguous_targets,
    close_molecule,
    molecules,
)
from models.chat.offline.spelling import known_words
from models.chat.offline.structures import (
    BadStructure,
    antibody_chain,
    canonical_smiles,
    read_inchi,
    read_sequence,
    read_smiles,
)

_THREE_LETTERS = "ALA CYS ASP GLU PHE GLY HIS ILE LYS LEU MET ASN PRO GLN ARG SER THR VAL TRP TYR"
AMINO_ACIDS = dict(zip("ACDEFGHIKLMNPQRSTVWY", _THREE_LETTERS.split(" "), strict=True))
_ATTACHMENT = re.compile(r"\[attached ([A-Z]\d+): ([^\]\n]+)\]")
_FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)
_YAML = re.compile(r"^(?:[ \t]*[A-Za-z_]+:(?!/)[^\n]*(?:\n|$)|[ \t]+-[^\n]*(?:\n|$)){2,}", re.MULTILINE)
_FASTA = re.compile(r"^>([^\n]*)\n((?:[A-Za-z*\- ]+(?:\n|$))+)", re.MULTILINE)
_INCHI = re.compile(r"InChI=1S?/[^\s;'\"`]+")
_REACTION = re.compile(r"(?<!\S)[^\s>]+>[^\s>]*>[^\s>]*")
_FILE = re.compile(
    (
        r"(?<![\w/.-])(?:[\w.-]+/)*[\w-][\w.-]*\.(?:pdb|cif|mmcif|ent|ya?ml|json|sdf|mol2?|csv|"
        r"fasta|fa|pdf|smi|txt|md|bib)\b"
    ),
    re.I,
)
_CAMPAIGNS = (".yaml", ".yml", ".json")
_PDB_CODE = re.compile(r"(?<![\w:.-])[1-9](?=[a-z0-9]*[a-z])[a-z0-9]{3}(?![\w-])", re.I)
_NOT_CODES = re.compile(
    r"\d+(?:mer|st|nd|rd|th|min|hrs?|sec|mol|mof|gb|mg|nm|um|kda|mins|ns|ps|fold|way|pm|am|d|x)\b|1000|\d{4}", re.I
)
_SMALL_REACTANT = re.compile(
    r"(?<=\+ )(?:CO|CC|CN|O|N|CS|CCl|CBr|CI|Cl|Br|C)(?=[\s,.?!]|$)|(?<!\S)(?:CO|CC|CN|O|N|CS|CCl|"
    r"CBr|CI|Cl|Br)(?= \+ )"
)
_MUTATION = re.compile(r"(?<![\w:])([ACDEFGHIKLMNPQRSTVWY])(\d{2,4})([ACDEFGHIKLMNPQRSTVWY])(?![\w-])", re.I)
_RUN = re.compile(
    r"(?<![\w-])(?:run[-_ ])?(\d{8}[-_T][\w-]{6,}|(?=\d*[a-f])[0-9a-f]{12,40}|[0-9A-HJKMNP-TV-Z]{26})(?![\w-])"
)
_HANDLE = re.compile(r"(?<![\w:.-])([MPKTRSXACDFmpktrsxacdf])([1-9]\d?|[1-9]\d{2})(?![\w:-])(?!\.\w)")
_RESIDUE = re.compile(
    r"(?<![\w])(?:(?P<chain>[A-Z]):\s?)?(?P<name>"
    + "|".join(AMINO_ACIDS.values())
    + r")[-_ ]?(?P<number>\d{1,5})(?![\w])",
    re.I,
)
_LETTER_RESIDUE = re.compile(
    r"(?<![\w:])(?:(?P<chain>[A-Z]):)?(?P<letter>[ACDEFGHIKLMNPQRSTVWY])(?P<number>\d{2,5})(?![\w])"
)
_WORD = re.compile(r"[^\s,;\"'`?!§]+")


@dataclass(frozen=True, slots=True)
class Mention:
    """`letter` as in the module's docstring; `value` as an action takes it; `name` as typed or known."""

    letter: str
    value: str
    name: str
    start: int


@dataclass(slots=True)
class Reading:
    """A request being read: `text` holds places for what was found, `found` the things by place number."""

    text: str
    found: list[Mention] = field(default_factory=list)
    attachments: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, pattern: re.Pattern[str], make: Callable[[re.Match[str]], tuple[str, str, str] | None]) -> None:
        """Replace each match by a place, where `make` gives (letter, value, name) of a thing."""

        def place(found: re.Match[str]) -> str:
            made = make(found)
            return found[0] if made is None else self.place(*made, found.start())

        self.text = "".join(
            part if part.startswith("§") else pattern.sub(place, part) for part in re.split(r"(§[a-z]\d+§)", self.text)
        )

    def place(self, letter: str, value: str, name: str, start: int = 0) -> str:
        self.found.append(Mention(letter, value, name, start))
        return f"§{letter}{len(self.found) - 1}§"


def read_mentions(text: str, targets: Mapping[str, str], handles: Collection[str] = ()) -> Reading:
    """Everything in `text` that is a thing. `targets`: lower-case name -> bundled target; `handles`: those that the
    conversation has, which decides what reads as one (F2 is thrombin as well)."""
    reading = Reading(re.sub("[§¦]", " ", text))  # the signs of places and of what was read: nobody else's
    _read_attachments(reading)
    _read_documents(reading)
    reading.put(_INCHI, _inchi)
    reading.put(_SMALL_REACTANT, lambda found: ("m", str(canonical_smiles(found[0])), ""))
    reading.put(_REACTION, _reaction)
    reading.put(_FILE, lambda found: ("y" if found[0].lower().endswith(_CAMPAIGNS) else "f", found[0], found[0]))
    known = {*handles, *reading.attachments}
    reading.put(_HANDLE, lambda found: ("h", found[0].upper(), found[0].upper()) if found[0].upper() in known else None)
    _read_names(reading, targets)
    reading.put(_MUTATION, _mutation)
    reading.put(
        _RESIDUE, lambda found: ("q", _residue(found["chain"], found["name"].upper(), found["number"]), found[0])
    )
    reading.put(_RUN, lambda found: ("i", found[1], found[1]))
    reading.put(_HANDLE, lambda found: _handle(found, targets))
    reading.put(_WORD, lambda found: _word(found, reading))
    reading.put(_PDB_CODE, _pdb_code)
    _read_letter_residues(reading)
    return reading


def _read_attachments(reading: Reading) -> None:
    for handle, name in _ATTACHMENT.findall(reading.text):
        reading.attachments[handle] = name.strip()
    reading.text = _ATTACHMENT.sub(" ", reading.text)


def _read_documents(reading: Reading) -> None:
    """FASTA records, code fences and pasted YAML."""
    reading.put(_FASTA, _fasta)
    reading.put(_FENCE, lambda found: ("k", found[1].strip(), "the pasted text") if ":" in found[1] else None)
    reading.put(_YAML, lambda found: ("k", found[0].strip(), "the pasted text") if _is_campaign(found[0]) else None)


def _is_campaign(text: str) -> bool:
    return bool(re.search(r"^\s*(?:target|rounds|per_round|objective|budget|constraints)\s*:", text, re.MULTILINE))


def _fasta(found: re.Match[str]) -> tuple[str, str, str] | None:
    sequence = read_sequence("".join(found[2].split()).replace("-", ""), shortest=5)
    return ("p", sequence, found[1].strip() or "sequence") if sequence else None


def _inchi(found: re.Match[str]) -> tuple[str, str, str]:
    text = found[0].rstrip(".,?")
    smiles = read_inchi(text[:-1] if text.endswith(")") and text.count(")") > text.count("(") else text)
    return ("b", smiles.reason, found[0]) if isinstance(smiles, BadStructure) else ("m", smiles, "")


def _reaction(found: re.Match[str]) -> tuple[str, str, str] | None:
    sides = found[0].split(">")
    parts = [read_smiles(part) for part in sides[0].split(".") if part]
    return ("x", found[0], "") if parts and all(isinstance(part, str) for part in parts) else None


def _handle(found: re.Match[str], targets: Mapping[str, str]) -> tuple[str, str, str] | None:
    """A handle that the conversation does not have, written as one."""
    handle = found[0].upper()
    follows = found.string[found.end() : found.end() + 12].lower()
    if (
        handle.lower() in targets
        or found[0] != handle
        or len(handle) > 3
        or re.match(r"\s+(?:lysozyme|receptor|phage|rna)", follows)
    ):
        return None
    after_residue = re.search(
        r"(?:residues?|bond (?:to|with)|contact)\W*(?:\w+\W+){0,3}$", found.string[: found.start()], re.I
    )
    return None if after_residue else ("h", handle, handle)


def _read_names(reading: Reading, targets: Mapping[str, str]) -> None:
    """Names of several words or with signs in them, longest first."""
    tables: tuple[tuple[str, Mapping[str, str]], ...] = (
        ("a", dict.fromkeys(ANTIBODIES, "")),
        ("n", PROTEINS),
        ("t", {name: target for name, target in targets.items() if name not in ambiguous_targets()}),
        ("m", {name: entry.smiles for name, entry in molecules().items()}),
        ("u", dict.fromkeys(NOT_BUNDLED - set(targets), "")),
    )
    names = {name: (letter, value) for letter, table in reversed(tables) for name, value in table.items()}
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile(
        r"(?<![\w§-])(?:"
        + "|".join(map(re.escape, longest))
        + r")(?=(?:'s|s)?(?![\w§-]|\.\w)|-(?:based|like|bound|mediated|inhibitor))",
        re.I,
    )

    def named(found: re.Match[str]) -> tuple[str, str, str] | None:
        letter, value = names[found[0].lower()]
        if letter == "u" and found[0].islower() and found[0] in known_words():
            return None
        if letter == "m":
            return letter, value, molecules()[found[0].lower()].name
        return letter, value, found[0]

    reading.put(pattern, named)
    reading.put(_ambiguous_pattern(), lambda found: _ambiguous(found, targets))


def _ambiguous_pattern() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, ambiguous_targets()), key=len, reverse=True))
    return re.compile(rf"(?<![\w§:-])(?:{names})(?![\w§-])", re.I)


def _ambiguous(found: re.Match[str], targets: Mapping[str, str]) -> tuple[str, str, str] | None:
    """AR, MET, KIT, F2, ...: in capitals, or where the sentence calls for a target."""
    name = found[0]
    if name.lower() not in targets:
        return None
    before, after = found.string[: found.start()].lower(), found.string[found.end() :].lower()
    called = re.search(
        r"(?:for|against|into|to|in|of|on|target|targeting|at|inhibit|bind|blocks?) (?:the |human )?$", before
    )
    called = called or re.match(r"\s+(?:kinase|receptor|inhibitor|ligand|binder|antagonist|agonist)", after)
    is_handle = bool(re.fullmatch(r"F\d+", name, re.I))
    if (name.isupper() and not (is_handle and not called)) or (called and not is_handle):
        return "t", targets[name.lower()], name
    return None


def _word(found: re.Match[str], reading: Reading) -> tuple[str, str, str] | None:
    """One word: a structure, or a name nearly spelled."""
    word = found[0].rstrip(".:")
    if word.startswith("(") and word.endswith(")") and word.count("(") - word.count(")") in (0,):
        word = word[1:-1]
    elif word.endswith(")") and word.count(")") > word.count("("):
        word = word[:-1]
    elif word.startswith("(") and word.count("(") > word.count(")"):
        word = word[1:]
    word = re.sub(r"^(?:smiles|heavy|light|vh|vl|seq(?:uence)?|h|l)[:=]", "", word, flags=re.I)
    if not word:
        return None
    sequence = read_sequence(word)
    if sequence is not None:
        return "p", sequence, antibody_chain(sequence) or "sequence"
    structure = read_smiles(word)
    if isinstance(structure, BadStructure):
        return "b", structure.reason, word
    if structure is not None:
        return "m", structure, ""
    return _nearly(word, reading)


def _nearly(word: str, reading: Reading) -> tuple[str, str, str] | None:
    plain = word.lower().removesuffix("'s")
    if (word.isupper() and len(word) < 8) or plain in known_words() or not plain.isalpha():
        return None
    entry = close_molecule(plain)
    if entry is None:
        return None
    reading.notes.append(f"I read “{word}” as {entry.name}.")
    return "m", entry.smiles, entry.name


def _pdb_code(found: re.Match[str]) -> tuple[str, str, str] | None:
    code = found[0].lower()
    if _NOT_CODES.fullmatch(code):
        return None
    return "f", f"{code}.pdb", code


def _mutation(found: re.Match[str]) -> tuple[str, str, str] | None:
    """In capitals, or right behind the name of a protein."""
    if found[0].isupper() or (re.search(r"^\s*$", found.string[: found.start()]) and len(found[2]) > 2):
        return "v", found[0].upper(), found[0]
    return None


def _residue(chain: str | None, name: str, number: str) -> str:
    return f"{chain.upper()}:{name}{number}" if chain else f"{name}{number}"


def _read_letter_residues(reading: Reading) -> None:
    """T315 is a residue where the words around it say so, or where its chain is given."""

    def residue(found: re.Match[str]) -> tuple[str, str, str] | None:
        around = found.string[max(0, found.start() - 40) : found.start()].lower()
        if found["chain"] or re.search(r"residue|bond|contact|hinge|gatekeeper|around|near|interact|§q\d+§", around):
            return "q", _residue(found["chain"], AMINO_ACIDS[found["letter"]], found["number"]), found[0]
        return None

    reading.put(_LETTER_RESIDUE, residue)
