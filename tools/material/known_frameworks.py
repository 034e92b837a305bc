"""A list of known frameworks, asked without parsing it all: only rows with the atoms of an asked block are compared.

CSV with columns nodes and linkers, dots between blocks, as MOFid's parts are written.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from functools import lru_cache

from models.reactions.voting import canonical_parts
from tools.errors import InputError
from tools.evaluation.known_molecules import Outline, outline
from tools.material.framework import Framework, canonical_node, framework_of


class KnownFrameworks:
    """Blocks and whole frameworks of one list. InputError where the text is no such list."""

    def __init__(self, text: str) -> None:
        rows = csv.DictReader(io.StringIO(text))
        if not {"nodes", "linkers"} <= set(rows.fieldnames or ()):
            raise InputError(f"the list of known frameworks needs columns nodes and linkers, it has {rows.fieldnames}")
        self._rows: dict[Outline, set[tuple[str, str]]] = defaultdict(set)
        self._nodes: dict[Outline, set[str]] = defaultdict(set)
        self._linkers: dict[Outline, set[str]] = defaultdict(set)
        self.n_rows = 0
        for row in rows:
            nodes, linkers = row["nodes"] or "", row["linkers"] or ""
            if not nodes or not linkers:
                continue
            self.n_rows += 1
            blocks = sorted({*nodes.split("."), *linkers.split(".")})
            self._rows[outline(".".join(blocks))].add((nodes, linkers))
            for node in nodes.split("."):
                self._nodes[outline(node)].add(node)
            for linker in linkers.split("."):
                self._linkers[outline(linker)].add(linker)
        if not self.n_rows:
            raise InputError("the list of known frameworks has no row with nodes and linkers")

    def holds(self, framework: Framework) -> bool:
        """Whether these nodes and linkers, no more and no fewer, are a row."""
        asked = outline(".".join([*framework[0], *framework[1]]))
        return any(framework_of([nodes], [linkers]) == framework for nodes, linkers in self._rows.get(asked, ()))

    def knows_node(self, node: str) -> bool:
        wanted = canonical_node(node)
        return any(canonical_node(one) == wanted for one in self._nodes.get(outline(wanted), ()))

    def knows_linker(self, linker: str) -> bool:
        wanted = canonical_parts([linker])
        return wanted is not None and any(canonical_parts([one]) == wanted for one in self._linkers[outline(linker)])


@lru_cache(maxsize=2)
def parse_known(text: str) -> KnownFrameworks:
    """The list in a CSV text, read once."""
    return KnownFrameworks(text)
