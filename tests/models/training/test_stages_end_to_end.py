"""From data files to an evaluated checkpoint through the commands alone: corpus, three stages, evaluation, curves; then
every stage's bad input.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def summary(self) -> dict:
        assert self.code == 0, self.err[-3000:]
        return json.loads(self.out.splitlines()[-1])

    def assert_bad_input(self, *words: str) -> None:
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert (self.code, self.out, len(errors)) == (2, "", 1), (self.code, self.out, self.err)
        for word in words:
            assert word in errors[0]


@pytest.fixture
def organon(monkeypatch, capfd, tmp_path) -> Callable[..., Done]:
    import app

    def run(*args: object) -> Done:
        monkeypatch.setenv("ORGANON_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(sys, "argv", ["organon", "model", *map(str, args)])
        capfd.readouterr()
        code = 0
        try:
            app.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture(scope="module")
def corpus(data, tmp_path_factory) -> Path:
    """Built by the command in the first test."""
    return tmp_path_factory.mktemp("stages") / "corpus"


def test_the_stages_follow_each_other(organon, data, corpus, tmp_path):
    built = organon("corpus", "build", "--data", data, "--out", corpus, "--workers", 1)
    assert built.code == 0, built.err[-3000:]
    assert "molecule_property" in built.out

    summaries = {}
    before: list[object] = []
    for stage in ("pretrain", "finetune", "reinforce"):
        out = tmp_path / stage
        done = organon("train", stage, "--config", "smoke", "--data", corpus, "--out", out, *before)
        summaries[stage] = done.summary()
        assert (out / "curves.svg").is_file()
        assert json.loads((out / "summary.json").read_text()) == summaries[stage]
        before = ["--from", out]
    assert summaries["reinforce"]["start"] == summaries["finetune"]["checkpoint"]
    assert summaries["reinforce"]["samples"] == 3 * 2 * 8
    assert set(summaries["reinforce"]["after"]["worth"]) == {"molecule", "ligand"}

    drawn = organon("train", "plot", tmp_path / "reinforce", "--name", "curves.png")
    assert Path(drawn.out.strip()).read_bytes().startswith(b"\x89PNG")
    again = organon(
        "train", "reinforce", "--config", "smoke", "--data", corpus, "--out", tmp_path / "reinforce", "--resume"
    )
    assert again.summary()["start"] == summaries["reinforce"]["start"]

    (tmp_path / "reinforce" / "summary.json").rename(tmp_path / "done.json")
    shutil.rmtree(tmp_path / "reinforce")
    everything = organon("train", "all", "--config", "smoke", "--data", corpus, "--out", tmp_path).summary()
    assert everything["pretrain"] == summaries["pretrain"]  # what is finished is not trained again
    assert everything["reinforce"]["after"]["worth"] == summaries["reinforce"]["after"]["worth"]

    checked = organon("corpus", "check", corpus, "--data", data, "--workers", 1)
    assert checked.code == 0
    assert json.loads((corpus / "corpus.json").read_text())["overlap"]["reaction"]["overlapping"] == 0

    texts = tmp_path / "texts.csv"
    texts.write_text("text\n<MoleculeS>CCO<MoleculeE>\n<MoleculeS>CCN<MoleculeE>\n")
    evaluated = organon(
        "eval", "perplexity", "--data", texts, "--checkpoint", summaries["reinforce"]["checkpoint"], "--json"
    )
    report = evaluated.summary()
    assert report["n_rows"] == 2
    assert report["n_failed"] == 0


def test_bad_input_is_one_line(organon, data, corpus, tmp_path):
    if not corpus.is_dir():
        organon("corpus", "build", "--data", data, "--out", corpus, "--workers", 1)
    out = ["--out", tmp_path / "out"]
    for stage in ("finetune", "reinforce"):
        given = ["train", stage, "--data", corpus, *out, "--config"]
        organon(*given, "smoke").assert_bad_input("give --from CHECKPOINT")
        organon(*given, "smok", "--from", tmp_path).assert_bad_input("no configuration 'smok'", "smoke, ", "sparse")
        organon(*given, "smoke", "--from", tmp_path).assert_bad_input("is no checkpoint")
        organon(*given, "smoke", "--from", tmp_path / "no").assert_bad_input("is no directory")
        organon("train", stage, "--data", data, *out, "--config", "smoke", "--from", tmp_path).assert_bad_input(
            "holds no corpus", "organon model corpus build"
        )
    organon("train", "pretrain", "--config", "smok", "--data", corpus, *out).assert_bad_input("smoke, ", "sparse")
    organon("train", "pretrain", "--config", "smoke", "--data", tmp_path / "no", *out).assert_bad_input("no directory")
    organon("train", "plot", tmp_path).assert_bad_input("log.jsonl is missing")
    organon("corpus", "build", "--data", tmp_path / "no", *out).assert_bad_input("is no directory")
    organon("corpus", "build", "--data", tmp_path, *out).assert_bad_input("lacks", "chem/")

    wrong = tmp_path / "wrong.toml"
    for text, words in (
        ("[tasks]\nmolecule = 1\n[rewards.molecule]\nbeauty = 1.0", ("no reward 'beauty'", "drug_like, property_bin")),
        ("[tasks]\npainting = 1\n[rewards.painting]\ndrug_like = 1.0", ("no task painting", "molecule, property")),
        ("[tasks]\nmolecule = 1\n[rewards.molecule]\ndrug_like = 1.0\n[replay]\nsong = 1.0", ("[replay]", "song")),
    ):
        wrong.write_text("steps = 1\n" + text)
        start = tmp_path / "start"
        write_checkpoint(start)
        organon("train", "reinforce", "--config", wrong, "--data", corpus, *out, "--from", start).assert_bad_input(
            *words
        )

    entries = json.loads((start / "config.json").read_text())
    (start / "config.json").write_text(json.dumps({**entries, "vocab_size": 100}))
    for stage in ("finetune", "reinforce"):
        organon("train", stage, "--config", "smoke", "--data", corpus, *out, "--from", start).assert_bad_input(
            "another tokenizer than the corpus"
        )


def write_checkpoint(folder: Path) -> None:
    from models.tokenizer import ScientificTokenizer
    from models.training.architecture import build_model
    from models.training.config import PretrainConfig, load_config

    build_model(load_config("pretrain", "smoke", PretrainConfig), ScientificTokenizer.build()).save_pretrained(folder)
