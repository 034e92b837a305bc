"""A clause with everything found in it, and what is being made of a request: what the step builders read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.chat.offline.amounts import Amounts, read_amounts
from models.chat.offline.conversation import History
from models.chat.offline.mentions import Mention, Reading
from models.chat.offline.plans import AskError, Draft
from models.chat.offline.references import Reference, read_reference
from models.chat.offline.requirements import Requirements, read_requirements

_PLACE = re.compile(r"§([a-z])(\d+)§")
PRODUCES: dict[str, tuple[str, ...]] = {
    "design_ligands": ("molecule",),
    "generate_molecules": ("molecule",),
    "optimize_molecule": ("molecule",),
    "predict_reaction": ("molecule",),
    "dock": ("molecule",),
    "minimize": ("molecule",),
    "molecule_properties": ("molecule",),
    "find_pockets": ("pocket",),
    "plan_synthesis": ("route",),
    "generate_materials": ("material",),
    "edit_protein": ("protein",),
    "design_antibody_cdr": ("antibody",),
    "search_literature": ("passage",),
    "start_campaign": ("run", "molecule"),
}
"""Action -> kinds of items that later steps may refer to."""
MAKES_NEW = ("design_ligands", "generate_molecules", "optimize_molecule", "predict_reaction", "start_campaign")
"""Actions whose molecules are new; the others give back those they were asked about."""


@dataclass(slots=True)
class Clause:
    """`text`: normalised, with places; `words`: without conditions and amounts; `whole`: the request's text."""

    text: str
    words: str
    requirements: Requirements
    amounts: Amounts
    reading: Reading
    whole: str

    def of(self, letters: str) -> list[Mention]:
        """What of these kinds it mentions, in order."""
        return [self.reading.found[int(n)] for letter, n in _PLACE.findall(self.text) if letter in letters]

    def place(self, mention: Mention) -> str:
        """The place that stands for a mention."""
        return f"§{mention.letter}{self.reading.found.index(mention)}§"

    def handles(self, *letters: str) -> list[str]:
        """Handles it names, of these kinds or all."""
        return [one.value for one in self.of("h") if not letters or one.value[0] in letters]

    def reference(self) -> Reference | None:
        return read_reference(self.text)

    def seed(self) -> dict[str, int]:
        """The seed as an argument, where one is given."""
        seed = self.amounts.get("seed")
        return {} if seed is None else {"seed": seed}

    def says(self, pattern: str) -> bool:
        return bool(re.search(pattern, self.text))


def read_clause(text: str, reading: Reading, whole: str) -> Clause:
    requirements, rest = read_requirements(text)
    amounts, words = read_amounts(rest)
    return Clause(text, words, requirements, amounts, reading, whole)


@dataclass(slots=True)
class Making:
    """A plan in the making. `targets`: lower-case name -> bundled target; `files`: handle -> name, of the whole
    conversation; `new_files`: those attached to this request."""

    history: History
    targets: Mapping[str, str]
    raw: str
    files: Mapping[str, str] = field(default_factory=dict)
    new_files: Mapping[str, str] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def add(self, draft: Draft) -> None:
        """Another step; the same one twice is one."""
        if not any((one.action, one.args) == (draft.action, draft.args) for one in self.drafts):
            self.drafts.append(draft)

    def require_known(self, handle: str) -> str:
        """The handle, if the conversation can have it; asks which one is meant where it cannot."""
        there = sorted(
            (h for h in self.history.handles() | set(self.files) if h[0] == handle[0]), key=lambda h: int(h[1:])
        )
        if handle in there:
            return handle
        if not there:
            raise AskError(f"There is no {handle} in this conversation yet. What do you mean by {handle}?", handle)
        raise AskError(
            f"There is no {handle} in this conversation; there is {', '.join(there)}. Which one do you mean?", handle
        )


def item(draft_number: int, position: int | str) -> str:
    """The text that stands for an item of an earlier step: "$1.2"."""
    return f"${draft_number}.{position}"
