"""The shipped checkpoint: it loads with plain transformers, is the one its card speaks of, and writes molecules."""

import contextlib
from pathlib import Path
from statistics import mean

from rdkit import Chem, rdBase

from models.backends.base import Request
from models.grammar import GrammarError, extract, prompt_for, tags
from models.grammar.objects import Protein
from models.registry import load_generator
from models.tokenizer import ScientificTokenizer
from models.training.export import parameter_count, stated_hashes, weight_hashes

WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "weights"
GENERATOR = load_generator(WEIGHTS, "cpu")
MIN_VALID = 0.75
MIN_VALID_IN_POCKET = 0.5
"""Far below the card's figures: chance on 64 or 32 samples must not fail the suite, a broken model must."""

ABL1_STRETCH = Protein(
    "SPNYDKWEMERTDITMKHKLGGGQYGEVYEGVWKKYSLTVAVKTLKEDTMEVEEFLKEAAVMKEIKHPNLVQLLGVCTREPPFYIITEFMTYGN",
    (18, 26, 39, 41, 56, 60, 69, 84, 86, 88, 89, 90, 93),
)


def test_hashes_in_the_card_and_beside_the_weights_are_those_of_the_files():
    hashes = weight_hashes(WEIGHTS)
    card = (WEIGHTS / "README.md").read_text()
    assert hashes
    assert hashes == stated_hashes(WEIGHTS)
    for digest in hashes.values():
        assert digest in card
    assert f"{parameter_count(WEIGHTS):,}" in card


def test_it_is_small_and_holds_nothing_but_data():
    sizes = {path.name: path.stat().st_size for path in WEIGHTS.iterdir()}
    assert sum(sizes.values()) <= 48e6
    assert max(sizes.values()) <= 15e6
    assert {Path(name).suffix for name in sizes} <= {".safetensors", ".json", ".md", ".sha256"}


def test_its_tokenizer_is_the_one_of_the_tag_table():
    shipped, built = ScientificTokenizer.load(WEIGHTS), ScientificTokenizer.build()
    assert shipped.fast.get_vocab() == built.fast.get_vocab()


def test_plain_transformers_loads_it():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(WEIGHTS)
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert model.config.tie_word_embeddings
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


def sample_texts(prompt: str, n: int, seed: int = 0) -> list[str]:
    """`n` texts after `prompt` up to the molecule's end, in the order of their index."""
    stop = tags.MOLECULE.close
    request = Request(prompt, n=n, max_new_tokens=128, stop=(stop,), seed=seed)
    samples = sorted(GENERATOR.generate([request]), key=lambda sample: sample.index)
    return [sample.text.removesuffix(stop) for sample in samples]


def valid_molecules(samples: list[str]) -> list[Chem.Mol]:
    with rdBase.BlockLogs():
        parsed = [Chem.MolFromSmiles(sample) if sample else None for sample in samples]
    return [mol for mol in parsed if mol is not None]


def test_it_writes_valid_varied_molecules():
    molecules = valid_molecules(sample_texts(prompt_for("molecule"), 64))
    assert len(molecules) > MIN_VALID * 64
    assert len({Chem.MolToSmiles(mol) for mol in molecules}) > 0.95 * len(molecules)
    assert 10 < mean(mol.GetNumHeavyAtoms() for mol in molecules) < 40


def test_it_writes_molecules_after_a_pocket():
    prompt = prompt_for("ligand", proteins=ABL1_STRETCH)
    samples = sample_texts(prompt, 32)
    assert len(valid_molecules(samples)) > MIN_VALID_IN_POCKET * 32
    well_formed = 0
    for sample in samples:
        with contextlib.suppress(GrammarError):
            extract("ligand", prompt, sample)
            well_formed += 1
    assert well_formed > 0.8 * len(samples)


def test_samples_are_the_same_for_the_same_seed():
    first, second = (sample_texts(prompt_for("molecule"), 4, seed=5) for _ in range(2))
    assert first == second
    assert first != sample_texts(prompt_for("molecule"), 4, seed=6)
