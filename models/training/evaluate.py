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

from rdkit import Chem, rdBase
from rdkit.Chem import QED, rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from models.backends.base import Generator, Request
from models.grammar import STOP, tags
from models.tokenizer import EOS, ScientificTokenizer
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
    generator: Generator,
    prompt: str,
    n_samples: int,
    *,
    seed: int = 0,
    temperature: float = 1.0,
    max_new_tokens: int = 128,
    stop: str | None = STOP["molecule"],
) -> list[str]:
    """Continuations of one prompt, in index order, without the stop tag. Nothing but the temperature shapes
    them.

    Samples cut off by `max_new_tokens` come back as they are: a reader will find them ill-formed.
    """
    request = Request(
        prompt,
        n=n_samples,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        stop=(stop,) if stop else (),
        seed=seed,
    )
    samples = sorted(generator.generate([request]), key=lambda sample: sample.index)
    return [sample.text.removesuffix(stop or EOS).removesuffix(EOS) for sample in samples]


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
