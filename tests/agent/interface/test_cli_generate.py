"""`organon model generate` as scripts see it: LOGOS's command lines, plain inputs, and every kind of wrong input."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.grammar.tags import ALL_TAGS
from models.grammar.tasks import STOP
from models.training.export import weight_hashes

HEAVY = (
    "EVQLVESGGGLFQPGGSLRLSCAASGFSVRNNYVSWVRQAPGKGLEWVSVIYSGGTTYYADSVKGRFTISRDISENTLYLQMNSLRAEDTAVYYC"
    "AREGDVEGLHDFWSGYSRDRYYFDYWGQGTLVTVSS"
)
MARKED = "<ProteinS>MK<PocketS>T<PocketE>A<ProteinE><MoleculeS>"
THEIRS: dict[str, list[dict[str, Any]]] = {
    "retrosynthesis": [
        {"test_input": "<MoleculeS>CCO<MoleculeE><ReverseReact>", "groundtruth": "<MoleculeS>C=C<MoleculeE>"},
        {"test_input": "<MoleculeS>CC(=O)O<MoleculeE><ReverseReact>", "groundtruth": "<MoleculeS>CC=O<MoleculeE>"},
    ],
    "pocket": [{"id": "a.pdb", "text": "<ProteinS>MKTA<ProteinE><Search>"}],
    "ligand": [
        {"id": "a.pdb", "protein_pocket_ligand": MARKED, "groundtruth": "CCO"},
        {"id": "a.pdb", "protein_pocket_ligand": MARKED, "groundtruth": "CCN"},
    ],
}
PROMPTS = {
    "retrosynthesis": [row["test_input"] for row in THEIRS["retrosynthesis"]],
    "pocket": ["<ProteinS>MKTA<ProteinE><Search><ProteinS>"],
    "ligand": [MARKED, MARKED],
    "material": ["<MaterialS>"],
}


def lines_file(tmp_path: Path, rows: list[Any]) -> str:
    file = tmp_path / "in.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(file)


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def transformers_perplexity(folder: Path, text: str) -> float:
    """LOGOS's figure by transformers alone: exp of the mean loss of the whole string."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.inference_mode():
        return math.exp(float(model(ids, labels=ids).loss))


@pytest.mark.parametrize("shape", ["llama", "qwen3"])
@pytest.mark.parametrize("task", PROMPTS)
def test_their_command_line_gives_their_lines(
    shape: str, task: str, organon: Callable[..., Any], logos_shapes: dict[str, Path], tmp_path: Path
) -> None:
    source = ["--data_file", lines_file(tmp_path, THEIRS[task])] if task in THEIRS else ["--format", "logos"]
    done = organon(
        *("model", "generate", "--task", task, "--model_path", logos_shapes[shape], *source),
        *("--results_dir", tmp_path / "out", "--num_samples", "5", "--batch_size", "4", "--max_new_tokens", "12"),
        *("--temperature", "1.2", "--top_p", "0.85", "--repetition_penalty", "1.05", "--model_type", shape),
    )
    assert (done.code, done.out) == (0, ""), done.err
    rows = results(tmp_path / "out")
    assert len(rows) == 5 * len(PROMPTS[task])
    key = "text" if task == "material" else "sequence"
    for at, row in enumerate(rows):
        whole = row[key]
        assert whole.startswith(PROMPTS[task][at // 5])
        given = THEIRS[task][at // 5] if task in THEIRS else {}
        kept: dict[str, Any] = {name: given[name] for name in ("id", "groundtruth") if name in given}
        expected: dict[str, Any] = {key: whole, "ppl": row["ppl"], **kept}
        assert row == expected
    if task != "material":
        for start in range(0, len(rows), 5):
            ranked = [row["ppl"] for row in rows[start : start + 5]]
            assert ranked == sorted(ranked)
    first = rows[0]
    independent = transformers_perplexity(logos_shapes[shape], first[key])
    assert first["ppl"] == pytest.approx(independent, rel=2e-4)


@pytest.mark.parametrize(("task", "count"), [("retrosynthesis", 64), ("pocket", 40), ("ligand", 20)])
def test_their_numbers_of_samples_are_the_default(
    task: str, count: int, organon: Callable[..., Any], logos_shapes: dict[str, Path], tmp_path: Path
) -> None:
    source = lines_file(tmp_path, THEIRS[task])
    done = organon(
        "model", "generate", "--task", task, "--checkpoint", logos_shapes["llama"], "--input", source,
        "--max_new_tokens", "2",
    )  # fmt: skip
    assert (done.code, len(done.rows)) == (0, count), done.err


def test_their_lines_in_our_form(organon: Callable[..., Any], logos_shapes: dict[str, Path], tmp_path: Path) -> None:
    source = lines_file(tmp_path, THEIRS["pocket"])
    done = organon(
        "model", "generate", "--task", "pocket", "--checkpoint", logos_shapes["qwen3"], "--input", source,
        "--n", "3", "--max-new-tokens", "4", "--format", "organon", "--free",
    )  # fmt: skip
    assert [(row["id"], row["task"], row["rank"]) for row in done.rows] == [("a.pdb", "pocket", at) for at in (1, 2, 3)]
    assert {"log_prob", "perplexity", "valid", "residues", "finish_reason"} <= set(done.rows[0])


PLAIN: dict[str, list[str]] = {
    "molecule": ["--smiles-prefix", "CC(=O)"],
    "ligand": ["--sequence", "MKTAYIAK", "--pocket", "1,2"],
    "pocket": ["--sequence", "MKTAYIAK"],
    "retrosynthesis": ["--product", "CC(=O)Oc1ccccc1C(=O)O"],
    "reaction": ["--reactants", "CCO", "CC(=O)O"],
    "material": [],
    "protein_edit": ["--sequence", "MKTAYIAK"],
    "antibody_cdr": ["--heavy", "EVQLCARDYWGQ", "--loops", "H3"],
}
FIELDS = {
    "molecule": {"smiles"},
    "ligand": {"smiles"},
    "pocket": {"residues"},
    "retrosynthesis": {"reactants"},
    "reaction": {"smiles"},
    "material": {"metals", "linkers"},
    "protein_edit": {"sequence"},
    "antibody_cdr": {"loops"},
}
COMMON = {"id", "task", "rank", "text", "valid", "reason", "log_prob", "perplexity", "finish_reason"}


@pytest.mark.parametrize("task", [task for task in STOP if task != "antibody_cdr"])
def test_plain_inputs_of_every_task(task: str, organon: Callable[..., Any], our_shape: Path) -> None:
    short = ["--checkpoint", our_shape, "--n", "4", "--max-new-tokens", "12"]
    done = organon("model", "generate", "--task", task, *PLAIN[task], *short)
    assert (done.code, len(done.rows)) == (0, 4), done.err
    for rank, row in enumerate(done.rows, 1):
        assert set(row) == COMMON | FIELDS[task]
        assert (row["id"], row["task"], row["rank"]) == ("0", task, rank)


@pytest.mark.parametrize("loops", [["H1", "H3"], ["H1,H3"], ["H1", "--loops", "H3"]])
def test_several_loops_one_after_the_other(loops: list[str], organon: Callable[..., Any]) -> None:
    done = organon(
        "model", "generate", "--task", "antibody_cdr", "--heavy", HEAVY, "--loops", *loops, "--n", "6",
        "--temperature", "0.5",
    )  # fmt: skip
    assert (done.code, len(done.rows)) == (0, 6), done.err
    best = done.rows[0]
    assert best["valid"]
    assert list(best["loops"]) == ["H1", "H3"]
    assert best["text"] == f"{best['loops']['H1']}<CdrE><CdrS>{best['loops']['H3']}<CdrE>"


def test_a_chain_and_the_pocket_of_a_structure(organon: Callable[..., Any], our_shape: Path, tmp_path: Path) -> None:
    pdb = tmp_path / "s.pdb"
    pdb.write_text(STRUCTURE)
    source = lines_file(tmp_path, [{"id": "x", "pdb": "s.pdb", "chain": "A", "ligand": "LIG"}])
    short = ["--checkpoint", our_shape, "--max-new-tokens", "6", "--seed", "3"]
    by_file = organon("model", "generate", "--task", "ligand", "--input", source, *short).rows
    by_option = organon(
        "model", "generate", "--task", "ligand", "--pdb", pdb, "--chain", "A", "--ligand", "LIG", *short
    ).rows
    by_hand = organon("model", "generate", "--task", "ligand", "--sequence", "GAG", "--pocket", "1", *short).rows
    assert by_option == by_hand
    assert by_file[0]["perplexity"] > 0
    missing = organon("model", "generate", "--task", "ligand", "--pdb", pdb, "--ligand", "XYZ", *short)
    missing.assert_bad_input("'XYZ'", "A:LIG9")
    other = organon("model", "generate", "--task", "pocket", "--pdb", pdb, "--chain", "Q", *short)
    other.assert_bad_input("'Q'", "A (3 residues)")


def _atom(serial: int, name: str, residue: str, number: int, x: float, y: float, record: str = "ATOM  ") -> str:
    return (
        f"{record}{serial:5d}  {name:<3} {residue} A{number:4d}    {x:8.3f}{y:8.3f}{0:8.3f}  1.00  0.00          "
        f" {name[0]}  \n"
    )


STRUCTURE = "".join(
    _atom(4 * at + place, name, residue, at + 1, 3.8 * at + 0.9 * place, 0.8 * (place % 2))
    for at, residue in enumerate(("GLY", "ALA", "GLY"))
    for place, name in enumerate(("N", "CA", "C", "O"))
) + _atom(90, "C1", "LIG", 9, 5.0, 5.1, "HETATM")


def test_wrong_lines_are_reported_and_the_rest_goes_on(
    organon: Callable[..., Any], our_shape: Path, tmp_path: Path
) -> None:
    source = lines_file(
        tmp_path,
        [
            {"id": "good", "product": "CCO"},
            "{not json",
            "[1, 2]",
            {"id": "ring", "product": "C1CC"},
            {"id": "key", "produkt": "C"},
            {"id": "long", "product": "C" * 120},
            {"id": "good", "product": "CC"},
            {"id": "last", "product": "CC"},
        ],
    )
    done = organon("model", "generate", "--task", "retrosynthesis", "--input", source, "--checkpoint", our_shape)
    assert done.code == 1
    wrong = [row for row in done.rows if "error" in row]
    assert [row["line"] for row in wrong] == [2, 3, 4, 5, 6, 7]
    assert [row.get("id") for row in wrong] == [None, None, "ring", "key", "long", "good"]
    for row, named in zip(
        wrong,
        ["not JSON", "list, not an object", "unclosed ring at position 1", "takes id, product", "96", "line 1"],
        strict=True,
    ):
        assert named in row["error"]
        assert f"line {row['line']}: {row['error']}" in done.err
    assert [row["id"] for row in done.rows if "rank" in row] == ["good", "last"]
    assert "Traceback" not in done.err


def test_lines_may_come_from_standard_input(
    organon: Callable[..., Any], our_shape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b'\xef\xbb\xbf{"id": 7, "product": "CCO"}\r\n\r\n{"product": "\xff"}\n{"product": "CC"}\n{"product": "C"}'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    done = organon(
        "model", "generate", "--task", "retrosynthesis", "--input", "-", "--max_samples", "2", "--checkpoint", our_shape
    )
    assert done.code == 1
    assert [(row.get("line"), row.get("id")) for row in done.rows] == [(3, None), (None, "7"), (None, "2")]


def test_nothing_is_loaded_where_every_line_is_wrong(organon: Callable[..., Any], tmp_path: Path) -> None:
    source = lines_file(tmp_path, ["nonsense"])
    done = organon("model", "generate", "--task", "molecule", "--input", source, "--checkpoint", tmp_path / "absent")
    assert (done.code, [row["line"] for row in done.rows]) == (1, [1])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--task", "poems"], ["poems", "retrosynthesis", "antibody_cdr"]),
        (["--task", "retrosynthesis"], ["needs an input", "--product"]),
        (["--task", "retrosynthesis", "--sequence", "MK"], ["does not take --sequence", "--product"]),
        (["--task", "material", "--product", "C"], ["does not take --product", "no input"]),
        (["--task", "retrosynthesis", "--product", "CCX"], ["'CCX'", "position 2"]),
        (["--task", "pocket", "--sequence", "MK1"], ["'1' at position 2"]),
        (["--task", "ligand", "--sequence", "MKT", "--pocket", "1,x"], ["--pocket", "1,x"]),
        (["--task", "ligand", "--sequence", "MKT", "--pocket", "7"], ["0 to 2"]),
        (["--task", "ligand", "--chain", "A"], ["chain", "pdb"]),
        (["--task", "ligand", "--pdb", "gone.pdb", "--ligand", "STI"], ["gone.pdb"]),
        (["--task", "molecule", "--n", "0"], ["n must be", "1 to 100000", "got 0"]),
        (["--task", "molecule", "--n", "1000000"], ["1 to 100000", "1000000"]),
        (["--task", "molecule", "--top-p", "1.5"], ["top_p", "1.5"]),
        (["--task", "molecule", "--beams", "2", "--n", "3"], ["beams is 2"]),
        (["--task", "molecule", "--format", "csv"], ["organon, logos", "'csv'"]),
        (["--task", "molecule", "CCO"], ["unexpected 'CCO'"]),
        (["--task", "molecule", "--input", "gone.jsonl"], ["cannot read gone.jsonl"]),
        (["--task", "molecule", "--input", "/dev/null"], ["no input"]),
        (["--task", "pocket", "--sequence", "MK", "--input", "x"], ["either --input or --sequence"]),
        (["--task", "molecule", "--batch_size", "0"], ["--batch_size", "got 0"]),
        (["--task", "molecule", "--input", "/dev/null", "--max_samples", "0"], ["--max_samples", "got 0"]),
        (["--task", "molecule", "--model_type", "gpt"], ["llama, qwen, qwen3", "'gpt'"]),
        (["--task", "molecule", "--model_type", "llama"], ["qwen3_moe", "llama"]),
        (["--task", "pocket", "--sequence", "M" * 600], ["512", "60"]),
    ],
)
def test_wrong_input_is_one_line(args: list[str], words: list[str], organon: Callable[..., Any]) -> None:
    organon("model", "generate", *args).assert_bad_input(*words)


def test_what_is_no_checkpoint_is_one_line(
    organon: Callable[..., Any], our_shape: Path, logos_shapes: dict[str, Path], tmp_path: Path
) -> None:
    def generate(checkpoint: Path, task: str = "molecule", *more: str) -> Any:
        return organon("model", "generate", "--task", task, "--checkpoint", checkpoint, *more)

    generate(tmp_path / "absent").assert_bad_input("absent", "not a directory")
    generate(tmp_path).assert_bad_input("no config.json")
    pickled = Path(shutil.copytree(our_shape, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    generate(pickled).assert_bad_input("pickled weights only (pytorch_model.bin)", "can run code")
    bare = Path(shutil.copytree(our_shape, tmp_path / "bare"))
    (bare / "tokenizer.json").unlink()
    generate(bare).assert_bad_input("tokenizer")
    generate(logos_shapes["llama"], "protein_edit", "--sequence", "MK").assert_bad_input("lacks <Edit>", "<Search>")
    untagged = Path(shutil.copytree(logos_shapes["llama"], tmp_path / "untagged"))
    tokenizer = untagged / "tokenizer.json"
    text = tokenizer.read_text()
    for tag in ALL_TAGS:
        text = text.replace(f'"{tag}"', json.dumps(tag.strip("<>").lower()))
    tokenizer.write_text(text)
    generate(untagged, "retrosynthesis", "--product", "CC").assert_bad_input(
        "lacks <MoleculeS>, <MoleculeE>, <ReverseReact>", "its tags: none"
    )


def test_equal_answers_are_merged_and_counted(organon: Callable[..., Any], our_shape: Path) -> None:
    base = ["model", "generate", "--task", "molecule", "--checkpoint", our_shape, "--max-new-tokens", "1", "--n", "40"]
    whole, merged = organon(*base).rows, organon(*base, "--distinct").rows
    texts = [row["text"] for row in whole]
    assert len(set(texts)) < 40
    assert [(row["text"], row["copies"]) for row in merged] == [
        (text, texts.count(text)) for text in dict.fromkeys(texts)
    ]
    assert [row["rank"] for row in merged] == list(range(1, len(merged) + 1))


def test_an_unwritable_out_is_named_before_anything_is_loaded(organon: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        done = organon("model", "generate", "--task", "molecule", "--out", out, "--checkpoint", tmp_path / "absent")
        done.assert_bad_input("cannot write to", str(out))


def test_a_full_disk_is_one_line_and_the_reader_is_told(
    organon: Callable[..., Any], our_shape: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.jsonl").symlink_to("/dev/full")
    done = organon(
        "model", "generate", "--task", "molecule", "--checkpoint", our_shape, "--out", tmp_path / "out", "--n", "3"
    )
    assert done.code == 1
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] == [
        f"error: cannot write to {tmp_path / 'out' / 'results.jsonl'}: No space left on device; "
        "the 0 lines before are whole"
    ]


def test_properties_are_asked_for_by_range(organon: Callable[..., Any], our_shape: Path) -> None:
    options = ("--n", 4, "--max-new-tokens", 16, "--checkpoint", our_shape)
    done = organon(
        "model", "generate", "--task", "molecule", "--log-p", "1:3", "--mw", ":200", "--qed", "0.75", *options
    )
    assert done.code == 0, done.err
    asked = sorted(tuple(row["conditions"]) for row in done.rows)
    tail = ("<MW:..200>", "<QED:0.7..0.8>")
    assert asked == [("<LogP:1..2>", *tail)] * 2 + [("<LogP:2..3>", *tail)] * 2


@pytest.mark.parametrize(
    ("option", "word"),
    [
        (("--log-p", "3:2"), "lower bound first"),
        (("--log-p", "two"), "--log-p must be a range as in 2:3"),
        (("--qed", "1.1:1.2"), "0 to 1"),
        (("--mw", ":"), "--molecular-weight must be a range"),
    ],
)
def test_wrong_ranges_are_one_line(organon: Callable[..., Any], option: tuple[str, str], word: str) -> None:
    organon("model", "generate", "--task", "molecule", *option).assert_bad_input(word)


def test_a_checkpoint_without_property_tags_says_so(organon: Callable[..., Any], logos_shapes: dict[str, Path]) -> None:
    command = ("model", "generate", "--task", "molecule", "--log-p", "2:3", "--checkpoint", logos_shapes["llama"])
    organon(*command).assert_bad_input("<LogP:2..3>", "not trained on properties")


def test_augmented_answers_are_voted(organon: Callable[..., Any], our_shape: Path) -> None:
    command = ("model", "generate", "--task", "retrosynthesis", "--product", "CCOC(C)=O", "--augment", 4, "--n", 3)
    done = organon(*command, "--beams", 3, "--max-new-tokens", 16, "--checkpoint", our_shape)
    assert done.code == 0, done.err
    assert 1 <= len(done.rows) <= 3
    assert [row["votes"] for row in done.rows] == sorted((row["votes"] for row in done.rows), reverse=True)
    organon("model", "generate", "--task", "material", "--augment", 2).assert_bad_input("retrosynthesis, reaction")


@pytest.mark.parametrize(("value", "told"), [(0.51, True), (0.62, False)])
def test_ligands_come_with_a_note_where_the_pocket_does_not_steer(
    organon: Callable[..., Any], our_shape: Path, tmp_path: Path, value: float, told: bool
) -> None:
    folder = Path(shutil.copytree(our_shape, tmp_path / "weights"))
    measured = {"label": "l", "group": "g", "value": value, "low": None, "high": None, "n": 9, "unit": ""}
    stated = {"interval": "", "protocol": "", "settings": {}, "command": "", "published": []}
    rest: dict[str, Any] = {"title": "t", "model": {}, "training": [], "corpus": {}, "failures": []}
    card = {**rest, "architectures": [], "unmeasured": [], "figures": {"pocket_use_auroc": {**measured, **stated}}}
    (folder / "figures.json").write_text(json.dumps({**card, "weights": weight_hashes(folder)}))
    for task, given in (("ligand", ("--sequence", "MKTA")), ("molecule", ())):
        done = organon("model", "generate", "--task", task, *given, "--max-new-tokens", 4, "--checkpoint", folder)
        assert done.code == 0, done.err
        assert ("the pocket does not steer generation, docking does" in done.err) == (told and task == "ligand")
