"""What a checkpoint can do beyond loose molecules: reactions, materials, and whether the pocket steers the
ligand.

Small, CPU-sized measurements for the model card, on the validation part of a corpus. Decoding is plain: no
constraint, no augmentation, no re-ranking. Not the published protocols (top-k with 20 augmentations, docking):
those belong to the benchmarks.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from models.backends.base import Generator, Request
from models.grammar import GrammarError, Task, extract, parse, prompt_for, render, tags
from models.grammar.objects import Complex, Material, Molecule, Protein, Reaction, Retrosynthesis
from models.tokenizer import EOS, ScientificTokenizer
from models.training.corpus import load_part
from models.training.evaluate import canonical_or_none, sample_texts


def validation_texts(corpus: Path, modality: str, limit: int, seed: int = 0) -> list[str]:
    """Up to `limit` texts of the validation part, in an order fixed by `seed`."""
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    tokens, offsets = load_part(corpus, modality, "valid")
    numbers = list(range(len(offsets) - 1))
    random.Random(seed).shuffle(numbers)
    return [tokenizer.decode(tokens[offsets[n] + 1 : offsets[n + 1] - 1].tolist()) for n in numbers[:limit]]


def canonical_set(molecules: Sequence[Molecule]) -> frozenset[str] | None:
    """Canonical SMILES of all molecules, or None where one does not parse."""
    found = [canonical_or_none(part) for m in molecules for part in m.smiles.split(".")]
    return None if None in found else frozenset(str(smiles) for smiles in found)


def greedy_reaction_figures(generator: Generator, corpus: Path, modality: str, limit: int) -> dict[str, float]:
    """Shares of validation reactions whose greedy answer is well-formed with every SMILES valid, and exactly
    right.

    `modality` is `reaction` (answer: products) or `retrosynthesis` (answer: reactants, as a set).
    """
    task: Task = "reaction" if modality == "reaction" else "retrosynthesis"
    texts = validation_texts(corpus, modality, limit)
    valid = right = 0
    prompts, truths = [], []
    for text in texts:
        (item,) = parse(text)
        if isinstance(item, Reaction):
            prompts.append(prompt_for("reaction", reactants=item.reactants))
            truths.append(item.products)
        elif isinstance(item, Retrosynthesis):
            prompts.append(prompt_for("retrosynthesis", product=item.products))
            truths.append(item.reactants)
    for prompt, answer, truth in zip(prompts, greedy_texts(generator, prompts), truths, strict=True):
        try:
            written = extract(task, prompt, answer)
        except GrammarError:
            continue
        found = canonical_set([m for m in written if isinstance(m, Molecule)])
        valid += found is not None
        right += found is not None and found == canonical_set(truth)
    return {"n": len(texts), "valid": valid / max(1, len(texts)), "exact": right / max(1, len(texts))}


def greedy_texts(generator: Generator, prompts: Sequence[str], max_new_tokens: int = 160) -> list[str]:
    """The most likely continuation of each prompt, token by token, in the order given."""
    requests = [
        Request(prompt, temperature=0.0, max_new_tokens=max_new_tokens, request_id=str(number))
        for number, prompt in enumerate(prompts)
    ]
    samples = sorted(generator.generate(requests), key=lambda sample: int(sample.request_id))
    return [sample.text.removesuffix(EOS) for sample in samples]


def material_figures(generator: Generator, known: set[str], n_samples: int, seed: int = 0) -> dict[str, float]:
    """Sequence level only: well-formed with every linker valid and every node seen in training; distinct; not
    known.

    `known` are rendered materials of the training part, their blocks sorted (see `material_key`).
    """
    nodes = {node for key in known for node in key.split("|")[0].split(" ")}
    prompt = prompt_for("material")
    texts = sample_texts(generator, prompt, n_samples, seed=seed, stop=tags.MATERIAL.close, max_new_tokens=200)
    keys = []
    for text in texts:
        try:
            (material,) = extract("material", prompt, text)
        except (GrammarError, ValueError):
            continue
        assert isinstance(material, Material)
        linkers = [canonical_or_none(linker) for linker in material.linkers]
        if material.metals and linkers and None not in linkers and set(material.metals) <= nodes:
            keys.append(material_key(material))
    distinct = set(keys)
    return {
        "n": len(texts),
        "valid": len(keys) / max(1, len(texts)),
        "valid_unique_novel": len(distinct - known) / max(1, len(texts)),
    }


def material_key(material: Material) -> str:
    """Nodes and linkers as sorted text, the same for every order of blocks."""
    linkers = sorted(canonical_or_none(linker) or linker for linker in material.linkers)
    return f"{' '.join(sorted(material.metals))}|{' '.join(linkers)}"


def known_materials(corpus: Path) -> set[str]:
    """Keys of every material the corpus trains on."""
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    tokens, offsets = load_part(corpus, "material", "train")
    keys = set()
    for number in range(len(offsets) - 1):
        (material,) = parse(tokenizer.decode(tokens[offsets[number] + 1 : offsets[number + 1] - 1].tolist()))
        if isinstance(material, Material):
            keys.add(material_key(material))
    return keys


def pocket_use(generator: Generator, corpus: Path, n_pairs: int, seed: int = 0) -> dict[str, float]:
    """Does the pocket steer? Share of pairs in which log P(ligand | own protein) exceeds log P(ligand |
    another's protein).

    For each of `n_pairs` draws one held-out complex and the protein of another. The ligand is the same on both
    sides, so its size cancels. 0.5 = the protein is decoration.
    """
    rng = random.Random(seed)
    texts = validation_texts(corpus, "complex", 10_000)
    items = [item for text in texts for item in parse(text) if isinstance(item, Complex) and item.proteins[0].pocket]
    items = [item for item in items if not item.proteins[0].expanded]
    own, other = [], []
    for _ in range(n_pairs):
        mine = rng.choice(items)
        theirs = rng.choice([i for i in items if i.ligand != mine.ligand and not _alike(i.proteins, mine.proteins)])
        own.append(mine)
        other.append(Complex(theirs.proteins, mine.ligand))
    log_probs = ligand_log_probs(generator, [*own, *other])
    wins = sum((a > b) + 0.5 * (a == b) for a, b in zip(log_probs[:n_pairs], log_probs[n_pairs:], strict=True))
    return {"n": n_pairs, "own_preferred": wins / n_pairs, "n_ligands": len({i.ligand.smiles for i in items})}


def _alike(first: tuple[Protein, ...], second: tuple[Protein, ...]) -> bool:
    return first[0].sequence[20:40] in second[0].sequence or second[0].sequence[20:40] in first[0].sequence


def ligand_log_probs(generator: Generator, complexes: Sequence[Complex]) -> list[float]:
    """Natural log-probability of each ligand's tokens, closing tag included, after its proteins."""
    opening = ScientificTokenizer.build().id_of(tags.MOLECULE.open)
    found = []
    for score in generator.score([render(item) for item in complexes]):
        n_ligand = score.token_ids[::-1].index(opening)
        found.append(sum(score.token_log_probs[-n_ligand:]))
    return found
