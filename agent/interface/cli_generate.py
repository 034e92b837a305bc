"""`organon model generate`: plain inputs or JSON lines in, ranked answers out; a drop-in for LOGOS's scripts.

LOGOS's input lines are recognised by their keys and answered in its form with its settings (`models.logos`);
its options are accepted under their own names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.interface.generation import FORMATS, Inputs, Wanted, generate_lines
from agent.interface.model_inputs import ask, input_of_options, read_inputs
from models.errors import ModelInputError
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings
    from models.backends.base import Generator
    from models.grammar.tasks import Task

RESULTS = "results.jsonl"
MODEL_TYPES = ("llama", "qwen", "qwen3")

Text = str | None
Texts = list[str] | None
Number = float | None
Count = int | None


def _option(*names: str, help: str = "", panel: str = "Decoding and output") -> Any:
    return typer.Option(*names, help=help or None, show_default=False, rich_help_panel=panel)


def _said(*names: str, help: str) -> Any:
    return _option(*names, help=help, panel="The input, by task; or many with --input")


def generate_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    def generate(
        task: Annotated[str, _option("--task", help="molecule, ligand, pocket, retrosynthesis, ...")],
        source: Annotated[
            Text, _option("--input", "--data_file", help="JSON lines, ours or LOGOS's; - is stdin.")
        ] = None,
        out: Annotated[Path | None, _option("--out", "--results_dir", help=f"Directory for {RESULTS}.")] = None,
        product: Annotated[Text, _said("--product", help="Retrosynthesis: SMILES.")] = None,
        reactants: Annotated[Texts, _said("--reactants", help="Reaction: SMILES, several or dot-separated.")] = None,
        sequence: Annotated[Text, _said("--sequence", help="Ligand, pocket, protein_edit: residues.")] = None,
        pocket: Annotated[Text, _said("--pocket", help="Ligand: 0-based residue indices, 12,15,88.")] = None,
        pdb: Annotated[Text, _said("--pdb", help="Structure file instead of --sequence and --pocket.")] = None,
        chain: Annotated[Text, _said("--chain", help="Its chain.")] = None,
        ligand: Annotated[Text, _said("--ligand", help="Its ligand's code; the pocket is around it.")] = None,
        heavy: Annotated[Text, _said("--heavy", help="Antibody: heavy variable domain.")] = None,
        light: Annotated[Text, _said("--light", help="Antibody: light variable domain.")] = None,
        loops: Annotated[Texts, _said("--loops", help="Antibody: H1 to L3; several are designed in turn.")] = None,
        smiles_prefix: Annotated[Text, _said("--smiles-prefix", help="Molecule: how its SMILES begins.")] = None,
        log_p: Annotated[Text, _said("--log-p", help="Molecule, ligand: logP asked for, 2:3, 2: or :3.")] = None,
        mw: Annotated[Text, _said("--molecular-weight", "--mw", help="Molecule, ligand: in g/mol, 300:350.")] = None,
        qed: Annotated[Text, _said("--qed", help="Molecule, ligand: QED, 0.7:0.8.")] = None,
        more: Annotated[Texts, typer.Argument(hidden=True)] = None,
        n: Annotated[Count, _option("--n", "--num_samples", "--num-samples", help="Samples an input.")] = None,
        seed: Annotated[int, _option("--seed", help="Same seed, same samples; default 0.")] = 0,
        temperature: Annotated[Number, _option("--temperature", help="0 is greedy.")] = None,
        top_p: Annotated[Number, _option("--top-p", "--top_p")] = None,
        repetition_penalty: Annotated[Number, _option("--repetition-penalty", "--repetition_penalty")] = None,
        max_new_tokens: Annotated[Count, _option("--max-new-tokens", "--max_new_tokens")] = None,
        beams: Annotated[int, _option("--beams", help="Beam search with so many beams.")] = 0,
        augment: Annotated[int, _option("--augment", help="Spellings of each reaction input; answers are voted.")] = 1,
        constrained: Annotated[
            bool | None, _option("--constrained/--free", help="Only what is well-formed, or whatever the model says.")
        ] = None,
        distinct: Annotated[bool, _option("--distinct", help="Merge equal answers; `copies` counts them.")] = False,
        form: Annotated[Text, _option("--format", help=f"{' or '.join(FORMATS)}; default: as the input.")] = None,
        checkpoint: Annotated[
            Text, _option("--checkpoint", "--model_path", help="Directory, hub id or server; default: shipped.")
        ] = None,
        batch_size: Annotated[Count, _option("--batch_size", "--batch-size", help="Most rows at once.")] = None,
        max_samples: Annotated[Count, _option("--max_samples", "--max-samples", help="Most input lines.")] = None,
        model_type: Annotated[Text, _option("--model_type", help="llama or qwen3: checked.")] = None,
    ) -> None:
        """Generate from plain inputs or JSON lines; prints JSON lines, best first for each input.

        Defaults: 1 sample, temperature 1.0, top-p 0.95, no penalty, 1,000 tokens, constrained; for LOGOS's lines
        or form its own: 32, 40 or 10 samples and 10,000 materials, temperature 1.2, top-p 0.85, penalty 1.05,
        free. A server is always asked freely.
        """
        from agent.interface.output import require_writable
        from models.registry import is_server_address
        from models.task_inputs import need_task

        name = need_task(task)
        if constrained is None and is_server_address(checkpoint or load_settings().checkpoint):
            constrained = False
        wanted = Wanted(
            n=n,
            temperature=temperature,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            max_new_tokens=max_new_tokens,
            beams=beams,
            constrained=constrained,
            seed=seed,
            distinct=distinct,
            augment=augment,
            form=form,
        )
        plain = {
            "product": product,
            "reactants": reactants,
            "sequence": sequence,
            "pocket": pocket,
            "pdb": pdb,
            "chain": chain,
            "ligand": ligand,
            "heavy": heavy,
            "light": light,
            "loops": loops,
            "smiles_prefix": smiles_prefix,
            "log_p": log_p,
            "molecular_weight": mw,
            "qed": qed,
        }
        _attach(plain, more)
        inputs = _inputs(name, source, plain, max_samples)
        require_writable(out)
        file = None if out is None else out / RESULTS

        def load() -> Generator:
            if name == "ligand":
                _tell_pocket_use(checkpoint or load_settings().checkpoint)
            return load_model(load_settings(), checkpoint, model_type, batch_size)

        if not generate_lines(name, inputs, wanted, load, file):
            raise typer.Exit(1)

    return generate


def _tell_pocket_use(checkpoint: Path | str | None) -> None:
    """One line on stderr where the card of the weights says that the pocket does not steer them."""
    from models.checkpoint import locate_checkpoint
    from models.pocket_use import pocket_use_of
    from models.registry import is_server_address

    found = None if is_server_address(checkpoint) else pocket_use_of(locate_checkpoint(checkpoint))
    if found is not None and not found.steers:
        typer.echo(f"note: {found.sentence}", err=True)


def load_model(
    settings: Settings, checkpoint: str | None, model_type: str | None = None, max_batch: int | None = None
) -> Generator:
    """The generator of a directory, hub id or server address; none named: that of the settings.

    `model_type` is what LOGOS's scripts are told (llama, qwen, qwen3); `InputError` where the checkpoint is
    something else.
    """
    from models.registry import is_server_address, load_generator

    chosen = checkpoint or settings.checkpoint
    if model_type is not None and not is_server_address(chosen):
        _check_model_type(chosen, model_type)
    options = settings.model_options(chosen)
    if max_batch is not None and max_batch < 1:
        raise InputError(f"--batch_size must be at least 1, got {max_batch}")
    if max_batch is not None:
        options["max_batch"] = max_batch
    return load_generator(chosen, settings.device, **options)


def _check_model_type(checkpoint: Path | str | None, named: str) -> None:
    from models.checkpoint import locate_checkpoint, read_config

    if named not in MODEL_TYPES:
        raise InputError(f"--model_type must be one of {', '.join(MODEL_TYPES)}, got {named!r}")
    found = str(read_config(locate_checkpoint(checkpoint)).get("model_type"))
    if not found.startswith(named):
        raise InputError(f"--model_type {named} was given, but config.json of this checkpoint says {found}")


def _attach(plain: dict[str, Any], more: list[str] | None) -> None:
    """Words behind `--reactants A B` or `--loops H1 H3` belong to that option."""
    if more:
        taker = next((key for key in ("reactants", "loops") if plain[key]), None)
        if taker is None:
            raise InputError(f"unexpected {more[0]!r}: inputs are given by options (see --help) or --input")
        plain[taker] = [*plain[taker], *more]


def _inputs(task: Task, source: str | None, plain: dict[str, Any], most: int | None) -> Inputs:
    if source is None:
        try:
            one = ask(task, input_of_options(task, plain), Path())
        except ModelInputError as fault:
            raise InputError(str(fault.__cause__ or fault)) from fault
        return Inputs(((0, one),), from_lines=False)
    if most is not None and most < 1:
        raise InputError(f"--max_samples must be at least 1, got {most}")
    named = [key for key, value in plain.items() if value]
    if named:
        raise InputError(f"give either --input or --{named[0].replace('_', '-')}, not both")
    asked, faults = read_inputs(task, source)
    if not asked and not faults:
        raise InputError(f"{source} holds no input: one JSON object a line is expected")
    return Inputs(tuple(asked[:most]), tuple(faults))
