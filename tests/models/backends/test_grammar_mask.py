"""Masks for both kinds of tokenizer: random walks under them always parse, real texts always pass, limits never cut."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem, rdBase

from models.backends.grammar_mask import GrammarConstraint, build_constraint
from models.backends.grammar_tables import MOST_EXTRA, MOST_SIMPLE_GROWTH, begun
from models.backends.text_codec import TextCodec, load_codec
from models.errors import CheckpointError, ModelInputError
from models.grammar import STOP, extract, parse, prompt_for, render, tags
from models.grammar import objects as go
from models.grammar.smiles_lexer import RING_NUMBERS, TO_COMPLETE, TRANSITIONS, Event
from models.grammar.smiles_state import SmilesState
from models.training import sources

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
PADDING = 7  # logits wider than the tokenizer, as checkpoints have them
CHAIN = "MKTAYIAKQRX"
INPUTS: dict[str, dict[str, Any]] = {
    "molecule": {},
    "ligand": {"proteins": go.Protein(CHAIN, (2, 4))},
    "pocket": {"protein": CHAIN},
    "retrosynthesis": {"product": "CCO"},
    "reaction": {"reactants": ["CCO", "C[C@H](N)C(=O)O"]},
    "material": {},
    "protein_edit": {"parent": CHAIN},
    "antibody_cdr": {"antibodies": go.Antibody("EVQLWGQG", ((4, 4),))},
}
PROMPTS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{task: (prompt_for(task, **given), (STOP[task],) if STOP[task] else ()) for task, given in INPUTS.items()},  # type: ignore[arg-type, index]
    "free text": ("", ()),
    "begun molecule": ("<MoleculeS>C1CC(", (tags.MOLECULE.close,)),
    "expansion": ("<ProteinS>MK<PocketS>T<PocketE>AX<ProteinE><Trans><ProteinS>", ()),
    "material to the end": ("<MaterialS>", ()),
}
NOT_LOGOS = {"protein_edit", "antibody_cdr"}  # tasks whose tags a released checkpoint does not know

TEXTS = [
    "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE>",
    "<MoleculeS>C/C=C/C(=O)N[C@@H]1C(=O)N2[C@@H](C(=O)[O-])C(C)(C)S[C@@H]12.[13CH3+]<MoleculeE>",
    "<MoleculeS>N[Pt@SP1](N)(Cl)Br.C%10CCCCC%10.[Cu]<-[OH2]<MoleculeE>",
    render(go.Protein("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", (3, 9))),
    render(go.Protein("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", (3, 9), expanded=True)),
    "<MaterialS><MetalS>[O][Zn]<MetalE><MoleculeS>O=C([O-])c1ccc(C(=O)[O-])cc1<MoleculeE><MaterialE>",
    "<MoleculeS>CCO<MoleculeE><MoleculeS>CC(=O)O<MoleculeE><React><MoleculeS>CCOC(C)=O<MoleculeE>",
    "<MoleculeS>CC(=O)Oc1ccccc1<MoleculeE><ReverseReact><MoleculeS>CC(=O)O<MoleculeE><MoleculeS>Oc1ccccc1<MoleculeE>",
    render(go.PocketSearch(go.Protein("MKTAYV"), go.Protein("MKTAYV", (0, 5)))),
    render(go.PocketTransform(go.Protein("MKTAYV", (0, 5)), go.Protein("MKTAYV", (0, 5), expanded=True))),
]


@pytest.fixture(scope="module", params=["ours", "bpe"])
def codec(request: pytest.FixtureRequest) -> TextCodec:
    return load_codec(request.getfixturevalue("our_checkpoint" if request.param == "ours" else "bpe_checkpoint"))


@pytest.fixture(scope="module")
def our_codec(our_checkpoint: Path) -> TextCodec:
    return load_codec(our_checkpoint)


def is_ours(codec: TextCodec) -> bool:
    return codec.id_of(tags.CDR.open) is not None


@dataclasses.dataclass
class Walk:
    """One random sequence under the mask."""

    name: str
    prompt: str
    stop: tuple[str, ...]
    limit: int
    ids: list[int] = dataclasses.field(default_factory=list)
    ended: bool = False


def random_walks(
    codec: TextCodec, walks: list[Walk], rng: np.random.Generator, weights: np.ndarray, n_vocab: int
) -> list[Walk]:
    """Draw each to its end from `weights` over the allowed tokens; those whose limit is refused are left out."""
    constraint = build_constraint(codec, n_vocab)()
    alive = []
    for walk in walks:
        try:
            constraint.add(codec.encode(walk.prompt), walk.stop, walk.limit)
        except ModelInputError:
            continue
        alive.append(walk)
    begun_walks = list(alive)
    while alive:
        drawn = _draw(constraint, rng, weights)
        constraint.advance(drawn)
        for walk, token in zip(alive, drawn.tolist(), strict=True):
            walk.ids.append(token)
            walk.ended = token in codec.eos_ids or any(token == codec.id_of(tag) for tag in walk.stop)
        left = [at for at, walk in enumerate(alive) if not walk.ended and len(walk.ids) < walk.limit]
        constraint.keep(left)
        alive = [alive[at] for at in left]
    return begun_walks


def _draw(constraint: GrammarConstraint, rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """As the decode loop does: a refused id is masked and drawn again."""
    allowed = constraint.allowed().copy()
    even = (weights == 1).all()
    while True:
        assert allowed.any(axis=1).all()
        noise = rng.random(allowed.shape, dtype=np.float32)
        noise = noise if even else noise ** (1 / weights)
        drawn = np.where(allowed, noise, -1).argmax(axis=1)
        refused = constraint.refused(drawn)
        if not refused.any():
            return drawn
        allowed[refused, drawn[refused]] = False


def all_smiles(item: object) -> Iterator[str]:
    if isinstance(item, go.Molecule | go.Metal):
        yield item.smiles
    elif isinstance(item, tuple):
        for part in item:
            yield from all_smiles(part)
    elif dataclasses.is_dataclass(item):
        for field in dataclasses.fields(item):
            yield from all_smiles(getattr(item, field.name))


def check_walk(codec: TextCodec, walk: Walk) -> None:
    """It ended by itself within its limit, parses, and says what its task needs."""
    assert walk.ended, walk
    completion = codec.decode([token for token in walk.ids if token not in codec.eos_ids])
    objects = parse(walk.prompt + completion)
    with rdBase.BlockLogs():
        for smiles in all_smiles(objects):
            assert Chem.MolFromSmiles(smiles, sanitize=False) is not None, smiles
    if walk.name in STOP:
        extract(walk.name, walk.prompt, completion)  # type: ignore[arg-type]
    last = objects[-1]
    if isinstance(last, go.PocketSearch) and walk.name == "pocket":
        assert last.annotated.sequence == CHAIN
        assert last.annotated.pocket
    if isinstance(last, go.PocketTransform) and walk.name == "expansion":
        assert last.expanded.sequence == last.annotated.sequence
    if isinstance(last, go.Material):
        assert last.metals
        assert last.linkers


def tilted(codec: TextCodec, rng: np.random.Generator, n_vocab: int) -> np.ndarray:
    """Weights that make closing and opening likely or rare, so that walks end early or nest deep."""
    weights = rng.exponential(1, n_vocab) ** 2 + 1e-3
    names = codec.tokenizer.get_vocab()
    for name in ("(", ")", "[", "1", "2", "C", "N", "=", "<ProteinE>", "<MoleculeE>", "<PocketS>", "<AntibodyE>"):
        if name in names:
            weights[names[name]] *= rng.choice([0.1, 1, 30])
    return weights


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_of_every_task_and_limit_parse(codec, seed):
    rng = np.random.default_rng(seed)
    n_vocab = codec.n_ids + PADDING
    weights = np.ones(n_vocab) if seed == 0 else tilted(codec, rng, n_vocab)
    limits = [*range(1, 16), 18, 22, 27, 35, 50, 80, 120]
    asked = [
        Walk(name, prompt, stop, limit)
        for name, (prompt, stop) in PROMPTS.items()
        if is_ours(codec) or name not in NOT_LOGOS
        for limit in limits
    ]
    walks = random_walks(codec, asked, rng, weights, n_vocab)
    assert {walk.name for walk in walks} == {walk.name for walk in asked}
    for walk in walks:
        check_walk(codec, walk)


@pytest.mark.parametrize("n_batches", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_no_malformed_span_in_thousands_of_samples(our_codec, n_batches):
    rng = np.random.default_rng(7)
    n_vocab = our_codec.n_ids
    names = list(PROMPTS)
    n_walks = 0
    for batch in range(n_batches):
        weights = np.ones(n_vocab) if batch % 2 else tilted(our_codec, rng, n_vocab)
        asked = [
            Walk(name := names[at % len(names)], *PROMPTS[name], limit=int(rng.integers(24, 34))) for at in range(500)
        ]
        walks = random_walks(our_codec, asked, rng, weights, n_vocab)
        n_walks += len(walks)
        for walk in walks:
            check_walk(our_codec, walk)
    assert n_walks == 500 * n_batches


def accept(codec: TextCodec, texts: Sequence[str], spare: int) -> Counter[str]:
    """Feed real texts from an empty prompt, `spare` tokens more than they need; what was refused, by token."""
    constraint = build_constraint(codec, codec.n_ids)()
    refused: Counter[str] = Counter()
    rows = []
    for text in texts:
        ids = [token for token in codec.encode(text) if token != codec.bos_id]
        rows.append([*ids, min(codec.eos_ids)])
        constraint.add([], (), len(rows[-1]) + spare)
    for at in range(max(map(len, rows))):
        mask = constraint.allowed()
        now = np.array([row[at] for row in rows])
        fine = mask[np.arange(len(rows)), now]
        fine &= ~constraint.refused(np.where(fine, now, 0))
        refused.update(codec.tokenizer.convert_ids_to_tokens(now[~fine].tolist()))
        good = np.flatnonzero(fine).tolist()
        constraint.keep(good)
        constraint.advance(now[good])
        going_on = [place for place, row in enumerate(good) if at + 1 < len(rows[row])]
        constraint.keep(going_on)
        rows = [rows[good[place]] for place in going_on]
        if not rows:
            break
    return refused


@pytest.mark.parametrize("spare", [0, 40])
def test_real_texts_pass_even_where_they_just_fit(our_codec, spare):
    own = [
        "<ProteinS>MKTAY<ProteinE><Edit><ProteinS>MKAY<ProteinE>",
        render(go.CdrDesign((go.Antibody("DIQM"), go.Antibody("EVQLWGQG", ((4, 4),))), ("ARDY",))),
    ]
    assert not accept(our_codec, TEXTS + own, spare)


def test_real_texts_pass_in_tokens_of_several_symbols(bpe_checkpoint):
    assert not accept(load_codec(bpe_checkpoint), TEXTS, 60)


def test_a_wide_vocabulary_gives_the_same_masks(codec):
    """Above 8192 tokens only changes are written; rows join, leave and move meanwhile."""
    rng = np.random.default_rng(3)
    narrow, wide = build_constraint(codec, codec.n_ids)(), build_constraint(codec, 9000)()
    prompt = codec.encode("<MoleculeS>")
    for step in range(150):
        if step % 10 == 0:
            for constraint in (narrow, wide):
                constraint.add(prompt, (tags.MOLECULE.close,), 60)
                constraint.add(codec.encode("<ProteinS>MKT"), (tags.PROTEIN.close,), 60)
        mask = narrow.allowed().copy()
        both = wide.allowed()
        assert (both[:, : codec.n_ids] == mask).all()
        assert not both[:, codec.n_ids :].any()
        drawn = _draw(narrow, rng, np.ones(codec.n_ids))
        assert (wide.refused(drawn) == narrow.refused(drawn)).all()
        for constraint in (narrow, wide):
            constraint.advance(drawn)
        order = rng.permutation(len(mask)).tolist()
        if len(order) > 12:
            order = order[:6]
        for constraint in (narrow, wide):
            constraint.keep(order)


def test_rows_kept_twice_go_their_own_ways(codec):
    constraint = build_constraint(codec, codec.n_ids)()
    constraint.add(codec.encode("<MoleculeS>C"), (tags.MOLECULE.close,), 30)
    constraint.keep([0, 0, 0])
    carbon, bracket = codec.encode("<MoleculeS>C")[-1], codec.encode("<MoleculeS>C(")[-1]
    constraint.advance(np.array([carbon, bracket, codec.id_of(tags.MOLECULE.close)]))
    mask = constraint.allowed()
    assert mask[0, codec.id_of(tags.MOLECULE.close)]
    assert not mask[1, codec.id_of(tags.MOLECULE.close)]
    assert np.flatnonzero(mask[2]).tolist() == sorted(codec.eos_ids)
    constraint.keep([1])
    assert constraint.allowed().shape == (1, codec.n_ids)
    assert not constraint.allowed()[0, codec.id_of(tags.MOLECULE.close)]


def test_no_special_token_and_no_padding_is_ever_allowed(codec):
    constraint = build_constraint(codec, codec.n_ids + PADDING)()
    never = [*range(codec.n_ids, codec.n_ids + PADDING), *(set(codec.tokenizer.all_special_ids) - codec.eos_ids)]
    for prompt, stop in PROMPTS.values():
        if is_ours(codec) or not any(tag in prompt for tag in tags.OUR_TAGS):
            constraint.add(codec.encode(prompt), stop, 60)
    assert not constraint.allowed()[:, never].any()


def test_a_limit_too_short_is_refused_with_both_numbers(codec):
    constraint = build_constraint(codec, codec.n_ids)()
    prompt = codec.encode("<MoleculeS>C1CC(")
    with pytest.raises(ModelInputError, match=r"leaves 3 tokens.*takes 4"):
        constraint.add(prompt, (tags.MOLECULE.close,), 3)
    constraint.add(prompt, (tags.MOLECULE.close,), 4)
    assert len(constraint.allowed()) == 1


def test_a_prompt_outside_the_grammar_is_refused(codec):
    constraint = build_constraint(codec, codec.n_ids)()
    with pytest.raises(ModelInputError, match=r"cannot go on from this prompt: at character 13"):
        constraint.add(codec.encode("<MoleculeS>CC)"), (), 30)


def test_tokenizers_without_the_tags_are_refused_by_name(bpe_checkpoint):
    codec = load_codec(bpe_checkpoint)
    constraint = build_constraint(codec, codec.n_ids)()
    with pytest.raises(CheckpointError, match="<CdrE>"):
        constraint.add(codec.encode(PROMPTS["antibody_cdr"][0]), (), 60)
    with pytest.raises(CheckpointError, match=r"lacks <Search>, <Trans>,"):
        build_constraint(codec, codec.id_of(tags.SEARCH))


def test_a_token_that_was_not_allowed_is_an_error(our_codec):
    constraint = build_constraint(our_codec, our_codec.n_ids)()
    constraint.add(our_codec.encode("<MoleculeS>C"), (), 30)
    with pytest.raises(ValueError, match="cannot stand here"):
        constraint.advance(np.array([our_codec.id_of(tags.PROTEIN.open)]))


@pytest.mark.parametrize("seed", range(3))
def test_no_step_raises_the_cost_by_more_than_its_bound(seed):
    """What lets the mask skip trying tokens: bounds of what each event adds."""
    rng = random.Random(seed)
    for _ in range(80):
        state = SmilesState()
        for _ in range(rng.randint(1, 40)):
            after = []
            for step in TRANSITIONS[state.lexer].values():
                other = state.copy()
                if other.apply(*step):
                    after.append(other)
                    grown = other.finish_cost(30) - state.finish_cost(30)
                    closes = step[1] == Event.RING and step[2] in state.rings
                    assert grown <= (0 if closes else bound_of(state.lexer, *step))
            state = rng.choice(after)


def bound_of(before: int, lexer: int, event: Event, argument: int) -> int:
    if lexer in RING_NUMBERS or before in RING_NUMBERS:
        return MOST_SIMPLE_GROWTH
    return TO_COMPLETE[lexer] - begun(before) + MOST_EXTRA.get(event, 0) + 2 * (argument >= 30)


# -- the real data ---------------------------------------------------------------------------------------------
def _sample(rows: Sequence[Any], n: int) -> list[Any]:
    chosen = list(rows)
    random.Random(0).shuffle(chosen)
    return chosen[:n]


def _ligands() -> list[str]:
    with gzip.open(DATA / "chem/pdb_ligands.tsv.gz", "rt") as file:
        return [render(go.Molecule(row["smiles"])) for row in csv.DictReader(file, delimiter="\t")]


REAL: dict[str, Callable[[], list[str]]] = {
    "molecules": lambda: [
        render(go.Molecule(smiles))
        for _, smiles in _sample(list(sources.load_molecule_smiles(DATA, Counter())), 20_000)
    ],
    "ligands": lambda: _sample(_ligands(), 4_000),
    "materials": lambda: [item.text for item in _sample(list(sources.load_materials(DATA, Counter())), 4_000)],
    "pockets": lambda: [item.text for item in _sample(list(sources.load_pockets(DATA, Counter())), 150)],
    "reactions": lambda: [
        item.text
        for row in _sample(list(sources.load_reaction_rows(DATA)), 2_000)
        for item in sources.reaction_documents(row, None)[0]
    ],
    "antibodies": lambda: [item.text for item in _sample(list(sources.load_antibodies(DATA, Counter())), 300)],
    "edits": lambda: [item.text for item in _sample(list(sources.load_edits(DATA)), 100)],
}


@pytest.mark.shared
@pytest.mark.parametrize("kind", REAL)
def test_no_real_text_is_masked_out(our_codec, kind):
    """Without 60 tokens to spare they pass too (measured); chains holding residues beyond the twenty are left out, as
    no chain may be generated with them."""
    if not DATA.exists():
        pytest.skip("the data of ../shared is not here")
    texts = [text for text in REAL[kind]() if kind != "pockets" or not set(text.split("<")[1][9:]) & set("BJOUXZ")]
    for at in range(0, len(texts), 512):
        assert not accept(our_codec, texts[at : at + 512], 60)
