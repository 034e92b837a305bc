"""What a checkpoint writes when asked for molecules: validity, uniqueness, novelty, size and drug-likeness of
samples.

Definitions of MOSES (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644): valid = RDKit sanitises the whole
SMILES (no largest fragment taken); unique = distinct canonical SMILES among the valid; novel = share of the
unique that are not in the training corpus. Sampling is from the unmodified model unless `temperature` or
`top_p` say otherwise, without constraints.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import QED, rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from models.grammar import STOP, prompt_for, tags
from models.tokenizer import ScientificTokenizer
from models.training.corpus import load_part


@dataclass(frozen=True, slots=True)
class MoleculeFigures:
    """Shares are 0..1; `mean_qed`, `mean_log_p` and `mean_heavy_atoms` are over the unique valid molecules."""

    n_samples: int
    valid: float
    unique: float
    novel: float | None
    mean_qed: float
    mean_log_p: float
    mean_heavy_atoms: float
    invalid_examples: tuple[str, ...]


def sample_texts(
    checkpoint: Path,
    prompt: str,
    n_samples: int,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    top_p: float = 1.0,
    max_new_tokens: int = 128,
    stop: str | None = STOP["molecule"],
    batch_size: int = 250,
) -> list[str]:
    """Continuations of one prompt by transformers' own `generate`; text up to the stop tag or end, without
    either.

    Samples cut off by `max_new_tokens` come back as they are: a reader will find them ill-formed.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = ScientificTokenizer.load(checkpoint)
    model: Any = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    ends = [tokenizer.eos_id, *([tokenizer.id_of(stop)] if stop else [])]
    start = torch.tensor([tokenizer.encode(prompt, bos=True)])
    torch.manual_seed(seed)
    texts: list[str] = []
    while len(texts) < n_samples:
        rows = start.repeat(min(batch_size, n_samples - len(texts)), 1)
        out = model.generate(
            rows,
            attention_mask=torch.ones_like(rows),
            do_sample=True,
            temperature=temperature,
            top_p=top_p,
            top_k=0,
            repetition_penalty=1.0,
            max_new_tokens=max_new_tokens,
            eos_token_id=ends,
            pad_token_id=tokenizer.pad_id,
        )
        for ids in out[:, rows.shape[1] :].tolist():
            texts.append(tokenizer.decode(_until(ids, {*ends, tokenizer.pad_id})))
    return texts


def _until(ids: list[int], ends: set[int]) -> list[int]:
    return next((ids[:i] for i, token in enumerate(ids) if token in ends), ids)


def canonical_or_none(smiles: str) -> str | None:
    """Canonical SMILES where RDKit sanitises the text as one molecule or mixture, else None."""
    if not smiles:
        return None
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return None if mol is None else str(Chem.MolToSmiles(mol))


def training_molecules(corpus: Path) -> set[str]:
    """Canonical SMILES of every molecule a corpus trains on in its molecule modality."""
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    tokens, offsets = load_part(corpus, "molecule", "train")
    opening, closing = tokenizer.id_of(tags.MOLECULE.open), tokenizer.id_of(tags.MOLECULE.close)
    symbol_of = {index: token for token, index in tokenizer.fast.get_vocab().items()}
    found = set()
    for start, end in pairwise(offsets.tolist()):
        ids = tokens[start + 1 : end - 1].tolist()
        found.add("".join(symbol_of[i] for i in ids if i not in (opening, closing)))
    return found


def molecule_figures(samples: Iterable[str], training: set[str] | None) -> MoleculeFigures:
    """Figures of sampled SMILES; novelty by neutral parent, since the corpus holds neutral parents."""
    given = list(samples)
    canonical = [canonical_or_none(smiles) for smiles in given]
    valid = [smiles for smiles in canonical if smiles is not None]
    distinct = sorted(set(valid))
    mols = [Chem.MolFromSmiles(smiles) for smiles in distinct]
    novel = None
    if training is not None and distinct:
        uncharger = rdMolStandardize.Uncharger()
        with rdBase.BlockLogs():
            parents = [str(Chem.MolToSmiles(uncharger.uncharge(mol))) for mol in mols]
        novel = mean(parent not in training for parent in parents)
    return MoleculeFigures(
        n_samples=len(given),
        valid=len(valid) / max(1, len(given)),
        unique=len(distinct) / max(1, len(valid)),
        novel=novel,
        mean_qed=mean(QED.qed(mol) for mol in mols) if mols else 0.0,  # type: ignore[no-untyped-call]
        mean_log_p=mean(rdMolDescriptors.CalcCrippenDescriptors(mol)[0] for mol in mols) if mols else 0.0,
        mean_heavy_atoms=mean(mol.GetNumHeavyAtoms() for mol in mols) if mols else 0.0,
        invalid_examples=tuple([s for s, c in zip(given, canonical, strict=True) if c is None][:10]),
    )


def unconditional_figures(
    checkpoint: Path, corpus: Path | None, n_samples: int, *, seed: int = 0, temperature: float = 1.0
) -> MoleculeFigures:
    """Sample `n_samples` molecules without any context and measure them."""
    samples = sample_texts(checkpoint, prompt_for("molecule"), n_samples, seed=seed, temperature=temperature)
    return molecule_figures(samples, None if corpus is None else training_molecules(corpus))
