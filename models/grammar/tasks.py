"""The eight tasks: what the model is given, where it stops, and the objects in what it wrote.

Prompts follow LOGOS's inference scripts where these exist (molecule, ligand, pocket, retrosynthesis,
material). `STOP` is the tag that ends a task's text, or None where only the end-of-sequence token does
(several blocks may follow each other). One CDR slot is designed at a time; several loops are designed one
after the other.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from models.grammar import tags
from models.grammar.objects import Antibody, CdrDesign, GrammarObject, Molecule, Protein
from models.grammar.parse import parse
from models.grammar.properties import check_order
from models.grammar.render import render_antibody, render_molecules, render_protein

Task = Literal["molecule", "ligand", "pocket", "retrosynthesis", "reaction", "material", "protein_edit", "antibody_cdr"]

_T = TypeVar("_T")

_NEEDED: dict[Task, tuple[tags.Span | str, ...]] = {
    "molecule": (tags.MOLECULE,),
    "ligand": (tags.PROTEIN, tags.POCKET, tags.MOLECULE),
    "pocket": (tags.PROTEIN, tags.SEARCH, tags.POCKET),
    "retrosynthesis": (tags.MOLECULE, tags.REVERSE_REACT),
    "reaction": (tags.MOLECULE, tags.REACT),
    "material": (tags.MATERIAL, tags.METAL, tags.MOLECULE),
    "protein_edit": (tags.PROTEIN, tags.EDIT),
    "antibody_cdr": (tags.ANTIBODY, tags.CDR, tags.DESIGN),
}

STOP: dict[Task, str | None] = {
    "molecule": tags.MOLECULE.close,
    "ligand": tags.MOLECULE.close,
    "pocket": tags.PROTEIN.close,
    "retrosynthesis": None,
    "reaction": None,
    "material": tags.MATERIAL.close,
    "protein_edit": tags.PROTEIN.close,
    "antibody_cdr": tags.CDR.close,
}


def prompt_for(task: Task, **inputs: object) -> str:
    """The text to give the model. Inputs by task:

    molecule: none, or prefix (str, the start of a SMILES to go on from) and conditions (property tags) | ligand:
    proteins (Protein or several; pocket marked or not), and conditions | pocket: protein (Protein or its sequence) |
    retrosynthesis: product (Molecule or SMILES) | reaction: reactants (Molecules or SMILES) | material: none |
    protein_edit: parent (Protein or sequence) | antibody_cdr: antibodies (Antibody or several, light chain first,
    exactly one empty slot in all).
    Raises ValueError for an unknown task (listing the names) and TypeError for inputs that are missing or not
    known.
    """
    if task not in _PROMPTS:
        raise ValueError(f"unknown task {task!r}; tasks are {', '.join(_PROMPTS)}")
    return _PROMPTS[task](**inputs)


def needed_tags(task: Task) -> tuple[str, ...]:
    """The tags that prompts and answers of `task` are written with; a tokenizer must have each as one token."""
    pairs = [(item,) if isinstance(item, str) else (item.open, item.close) for item in _NEEDED[task]]
    return tuple(tag for pair in pairs for tag in pair)


def extract(task: Task, prompt: str, completion: str) -> tuple[GrammarObject, ...]:
    """The objects the model wrote, from its prompt and the text it added, with or without the stop tag.

    molecule, ligand: one Molecule | pocket: the annotated Protein | retrosynthesis: the reactants | reaction:
    the products | material: one Material | protein_edit: the child Protein | antibody_cdr: the Antibody with
    the loop filled in.
    Raises GrammarError where the text is not well-formed. A text cut off by the token limit is not
    recognisable here as cut off: extract only from samples that finished by themselves.
    """
    stop = STOP[task]
    text = prompt + completion
    if stop is not None and not completion.endswith(stop):
        text += stop
    return _generated(task, parse(text))


def _generated(task: Task, objects: tuple[GrammarObject, ...]) -> tuple[GrammarObject, ...]:
    last = objects[-1]
    fields = {
        "ligand": "ligand",
        "pocket": "annotated",
        "retrosynthesis": "reactants",
        "reaction": "products",
        "protein_edit": "child",
    }
    if task == "antibody_cdr" and isinstance(last, CdrDesign):
        return (_fill_slot(last),)
    if task not in fields:
        return (last,)
    found = getattr(last, fields[task], None)
    if found is None:
        raise ValueError(f"the text ends in a {type(last).__name__}, which is no answer to task {task}")
    return found if isinstance(found, tuple) else (found,)


def _fill_slot(design: CdrDesign) -> Antibody:
    for antibody in design.antibodies:
        if antibody.slots:
            return antibody.filled(antibody.slots[0], design.loops[0])
    raise ValueError("no chain of this CDR design has an empty slot")


def _several(given: _T | str | Sequence[_T | str], kind: Callable[[str], _T]) -> list[_T]:
    items = [given] if isinstance(given, str) or not isinstance(given, Sequence) else list(given)
    made = [kind(item) if isinstance(item, str) else item for item in items]
    if not made:
        raise ValueError("at least one object is needed, none given")
    return made


def _molecule(prefix: str = "", conditions: Sequence[str] = ()) -> str:
    return _asked(conditions) + tags.MOLECULE.open + prefix


def _ligand(proteins: Protein | Sequence[Protein], conditions: Sequence[str] = ()) -> str:
    return "".join(map(render_protein, _several(proteins, Protein))) + _asked(conditions) + tags.MOLECULE.open


def _asked(conditions: Sequence[str]) -> str:
    check_order(tuple(conditions))
    return "".join(conditions)


def _pocket(protein: Protein | str) -> str:
    (plain,) = _several(protein, Protein)
    if plain.pocket:
        raise ValueError("the chain to search must carry no pocket marks")
    return render_protein(plain) + tags.SEARCH + tags.PROTEIN.open


def _retrosynthesis(product: Molecule | str) -> str:
    return render_molecules(_several(product, Molecule)) + tags.REVERSE_REACT


def _reaction(reactants: Molecule | str | Sequence[Molecule | str]) -> str:
    return render_molecules(_several(reactants, Molecule)) + tags.REACT


def _material() -> str:
    return tags.MATERIAL.open


def _protein_edit(parent: Protein | str) -> str:
    (plain,) = _several(parent, Protein)
    return render_protein(plain) + tags.EDIT + tags.PROTEIN.open


def _antibody_cdr(antibodies: Antibody | Sequence[Antibody]) -> str:
    chains = _several(antibodies, Antibody)
    n_slots = sum(len(chain.slots) for chain in chains)
    if n_slots != 1:
        raise ValueError(f"exactly one empty CDR slot is designed at a time, {n_slots} given")
    return "".join(map(render_antibody, chains)) + tags.DESIGN + tags.CDR.open


_PROMPTS: dict[str, Callable[..., str]] = {
    "molecule": _molecule,
    "ligand": _ligand,
    "pocket": _pocket,
    "retrosynthesis": _retrosynthesis,
    "reaction": _reaction,
    "material": _material,
    "protein_edit": _protein_edit,
    "antibody_cdr": _antibody_cdr,
}
