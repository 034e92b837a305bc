"""SMILES character by character: a finite automaton that knows what may follow what, without counting.

Each character leads to one next state and one event; the events are what `smiles_state` counts (atoms, branches, ring
numbers, bonds). Accepted are the spellings RDKit's reader accepts, less a few that no program writes: `[#6]`, `\\\\`
twice in a row, old three-letter element names, charges and hydrogen counts beyond [+-]99 and H9, isotopes beyond 999,
ring numbers beyond 999. Not judged: valences, aromaticity.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from itertools import product

BONDS = {"-": 1, "=": 2, "#": 3, "$": 4, ":": 5, "/": 6, "\\": 6, "~": 8}
DATIVE = 7
"""Bond symbols as numbers (0: none written); the two directions of a stereo bond do not conflict, nor the arrows."""


class Event(IntEnum):
    """What a character does to the molecule under construction; some carry a number."""

    NONE = 0
    ATOM = 1  # a new atom, bonded to the last one
    BOND = 2  # argument: bond number
    OPEN = 3  # a branch begins
    CLOSE = 4  # a branch ends
    DOT = 5  # the next atom is bonded to nothing
    RING = 6  # argument: ring number
    DIGIT = 7  # argument: a digit of a ring number not complete yet
    LAST_DIGIT = 8  # argument: the digit that completes a ring number
    RING_READ = 9  # the number read so far is complete


_ORGANIC = "BCNOPSFI*bcnops"
_ELEMENTS = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo
    Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl
    Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
    * b c n o p s si as se te
""".split()  # noqa: SIM905 - a table reads better in columns
_CHIRAL_CLASSES = {"TH": 2, "AL": 2, "SP": 3, "TB": 20, "OH": 30}
"""Stereo classes and how many permutations each has (OpenSMILES 3.8.6 to 3.8.10, which RDKit checks)."""

Step = tuple[int, Event, int]
_NOTHING = (Event.NONE, 0)


class _Builder:
    """Collects states by name and their transitions by character."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.steps: list[dict[str, Step]] = []

    def state(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.steps)
            self.steps.append({})
        return self.numbers[name]

    def add(self, source: str, characters: str, target: str, event: Event = Event.NONE, argument: int = 0) -> None:
        step = (self.state(target), event, argument)
        for character in characters:
            self.steps[self.state(source)][character] = step

    def inherit(self, source: str, target: str) -> None:
        """Whatever may follow `source` may follow `target` too."""
        for character, step in self.steps[self.state(source)].items():
            self.steps[self.state(target)].setdefault(character, step)


def _build() -> _Builder:
    made = _Builder()
    for name in ("start", "atom", "bond", "open", "open_bond"):
        made.state(name)
        if name != "atom":
            _add_atoms(made, name)
    _add_atoms(made, "atom")
    _add_bonds(made, "atom", "bond")
    _add_bonds(made, "open", "open_bond")
    made.add("atom", "(", "open", Event.OPEN)
    made.add("atom", ")", "atom", Event.CLOSE)
    made.add("atom", ".", "start", Event.DOT)
    for name in ("atom", "bond"):
        _add_ring_numbers(made, name)
    for letter, second in (("B", "r"), ("C", "l")):
        made.inherit("atom", f"atom_{letter}")
        made.add(f"atom_{letter}", second, "atom")
    for name in ("bond", "open_bond"):
        made.inherit(name, f"{name}_dash")
        made.add(f"{name}_dash", ">", name, Event.BOND, DATIVE)
    _add_brackets(made)
    return made


def _add_atoms(made: _Builder, source: str) -> None:
    for letter in _ORGANIC:
        made.add(source, letter, f"atom_{letter}" if letter in "BC" else "atom", Event.ATOM)
    made.add(source, "[", "bracket", Event.ATOM)


def _add_bonds(made: _Builder, source: str, target: str) -> None:
    for symbol, number in BONDS.items():
        made.add(source, symbol, f"{target}_dash" if symbol == "-" else target, Event.BOND, number)
    made.add(source, "<", f"{target}_arrow")
    made.add(f"{target}_arrow", "-", target, Event.BOND, DATIVE)


def _add_ring_numbers(made: _Builder, source: str) -> None:
    """7, %10 to %99, and %(100) to %(999)."""
    made.add(source, "%", "percent")
    made.add("percent", "(", "ring_0")
    made.add("ring_3", ")", "atom", Event.RING_READ)
    for digit in range(10):
        character = str(digit)
        made.add(source, character, "atom", Event.RING, digit)
        made.add("percent_1", character, "atom", Event.LAST_DIGIT, digit)
        made.add("ring_1", character, "ring_2", Event.DIGIT, digit)
        made.add("ring_2", character, "ring_3", Event.DIGIT, digit)
        if digit:
            made.add("percent", character, "percent_1", Event.DIGIT, digit)
            made.add("ring_0", character, "ring_1", Event.DIGIT, digit)


def _add_brackets(made: _Builder) -> None:
    """`[isotope symbol stereo hydrogens charge :map]`; the atom was counted at the opening bracket."""
    _add_tail(made)
    for name in ("bracket", "isotope_1", "isotope_2", "isotope_3"):
        for symbol in _ELEMENTS:
            second = [other[1] for other in _ELEMENTS if len(other) == 2 and other[0] == symbol[0]]
            target = f"symbol_{symbol[0]}" if second else "symbol"
            made.add(name, symbol[0], target)
            made.add(target, "".join(second), "symbol")
    made.add("bracket", "123456789", "isotope_1")
    made.add("isotope_1", "0123456789", "isotope_2")
    made.add("isotope_2", "0123456789", "isotope_3")
    for symbol in _ELEMENTS:
        if len(symbol) == 1 and symbol != "H" and f"symbol_{symbol}" in made.numbers:
            made.inherit("symbol", f"symbol_{symbol}")
    made.add("symbol_H", "H", "hydrogens")
    made.inherit("charge_place", "symbol_H")


def _add_tail(made: _Builder) -> None:
    """What may follow the element symbol."""
    made.add("map_place", "]", "atom")
    made.add("map_place", ":", "map_0")
    made.add("map_0", "0", "map_4")
    made.add("map_0", "123456789", "map_1")
    for count in (1, 2, 3, 4):
        if count < 4:
            made.add(f"map_{count}", "0123456789", f"map_{count + 1}")
        made.add(f"map_{count}", "]", "atom")
    made.inherit("map_place", "charge_place")
    for sign, name in (("+", "plus"), ("-", "minus")):
        made.add("charge_place", sign, name)
        made.add(name, sign, "map_place")
        made.add(name, "123456789", f"{name}_1")
        made.add(f"{name}_1", "0123456789", "map_place")
        made.inherit("map_place", name)
        made.inherit("map_place", f"{name}_1")
    made.inherit("charge_place", "hydrogens")
    made.add("hydrogens", "0123456789", "charge_place")
    made.inherit("charge_place", "hydrogen_place")
    made.add("hydrogen_place", "H", "hydrogens")
    made.inherit("hydrogen_place", "symbol")
    made.add("symbol", "@", "at")
    made.inherit("hydrogen_place", "at")
    made.add("at", "@", "hydrogen_place")
    _add_chiral_classes(made)


def _add_chiral_classes(made: _Builder) -> None:
    for name, count in _CHIRAL_CLASSES.items():
        made.add("at", name[0], f"at_{name[0]}")
        made.add(f"at_{name[0]}", name[1], f"class_{name}")
        made.inherit("hydrogen_place", f"class_{name}")
        for first, permutation in product("123456789", range(1, count + 1)):
            if str(permutation) == first:
                longer = [str(other)[1] for other in range(10, count + 1) if str(other)[0] == first]
                target = f"class_{name}{first}" if longer else "hydrogen_place"
                made.add(f"class_{name}", first, target)
                made.inherit("hydrogen_place", target)
                made.add(target, "".join(longer), "hydrogen_place")


def _distances(steps: list[dict[str, Step]], goals: frozenset[int]) -> list[int]:
    """Fewest characters from each state to one of `goals`."""
    before: dict[int, set[int]] = {}
    for source, row in enumerate(steps):
        for target, _, _ in row.values():
            before.setdefault(target, set()).add(source)
    found, waiting = dict.fromkeys(goals, 0), deque(goals)
    while waiting:
        at = waiting.popleft()
        for source in before.get(at, ()):
            if source not in found:
                found[source] = found[at] + 1
                waiting.append(source)
    return [found[state] for state in range(len(steps))]


_MADE = _build()
STATES: dict[str, int] = _MADE.numbers
TRANSITIONS: list[dict[str, Step]] = _MADE.steps
START, AFTER_ATOM, AFTER_BOND, AFTER_OPEN, AFTER_OPEN_BOND = (
    STATES[name] for name in ("start", "atom", "bond", "open", "open_bond")
)
COMPLETE: frozenset[int] = frozenset(STATES[name] for name in ("atom", "atom_B", "atom_C"))
"""Where nothing is left unfinished but branches and rings."""
TO_COMPLETE: list[int] = _distances(TRANSITIONS, COMPLETE)
"""Fewest characters from each state to a complete one."""
BEFORE_ATOM: frozenset[int] = frozenset(STATES[name] for name in ("open", "open_bond", "open_bond_dash", "start"))
AFTER_ANY_BOND: frozenset[int] = frozenset(STATES[name] for name in ("bond", "bond_dash"))
ARROWS: frozenset[int] = frozenset(STATES[name] for name in ("bond_arrow", "open_bond_arrow"))
RING_PLACES: frozenset[int] = COMPLETE | AFTER_ANY_BOND
"""Where a ring number may begin."""
PERCENT = STATES["percent"]
_SPELLED = ("percent", "percent_1", "ring_0", "ring_1", "ring_2", "ring_3")
RING_NUMBERS: dict[int, int] = dict(zip((STATES[name] for name in _SPELLED), (1, 2, 2, 3, 4, 5), strict=True))
"""Inside a ring number of several characters; the value counts those read."""
RING_DIGITS_LEFT: dict[int, int] = dict(zip((STATES[name] for name in _SPELLED[1:]), (1, 3, 2, 1, 0), strict=True))
"""How many digits of it are still to be read (after `%` this is not known)."""
