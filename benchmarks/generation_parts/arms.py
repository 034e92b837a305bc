"""The arms of `benchmarks/generation.py`: ours, transformers in one batch, LOGOS's way, and how they are timed.

Every arm draws with temperature 1.2, top-p 0.85 and repetition penalty 1.05 (LOGOS's settings), ends nowhere
before the asked number of tokens, and is checked to have emitted exactly that many. LOGOS's way is written from
its description: `generate` in batches of 16, then the perplexity of every text, prompt included, alone.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation_parts.prompts import REPETITION_PENALTY, TEMPERATURE, TOP_P, ask
from models.backends.base import Generator

LOGOS_BATCH = 16

Arm = Callable[[int], object]
"""Does its whole job once, with the seed given."""


@dataclass(frozen=True)
class Work:
    """`samples` continuations of `prompt`, `tokens` each."""

    prompt: str
    samples: int
    tokens: int


@dataclass(frozen=True)
class Timing:
    """Medians in seconds and every repeat's; `cpu` is the time of all threads of this process together."""

    wall: float
    cpu: float
    walls: tuple[float, ...]
    cpus: tuple[float, ...]

    def as_seconds(self) -> dict[str, Any]:
        return {"wall_s": self.wall, "cpu_s": self.cpu, "walls_s": self.walls, "cpus_s": self.cpus}


class Reference:
    """The checkpoint as transformers runs it, with its tokenizer, in the number type ours serves it in."""

    def __init__(self, checkpoint: Path, device: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
        model = AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True, dtype=self.dtype)
        self.model = model.to(device).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(checkpoint, local_files_only=True, padding_side="left")
        self.pad_id = int(self.tokenizer.pad_token_id or 0)

    def encode(self, text: str) -> torch.Tensor:
        """Ids (1, P)."""
        return torch.tensor([self.tokenizer(text)["input_ids"]], device=self.model.device)

    @torch.inference_mode()
    def generate(self, ids: torch.Tensor, mask: torch.Tensor, samples: int, tokens: int) -> torch.Tensor:
        """New ids (B * samples, tokens) after `ids` (B, P); end-of-text cannot be drawn."""
        found = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=TEMPERATURE,
            top_p=TOP_P,
            top_k=0,
            repetition_penalty=REPETITION_PENALTY,
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            num_return_sequences=samples,
            pad_token_id=self.pad_id,
        )
        new: torch.Tensor = found[:, ids.shape[1] :]
        if tuple(new.shape) != (len(ids) * samples, tokens):
            raise RuntimeError(f"transformers gave {tuple(new.shape)} ids, not {(len(ids) * samples, tokens)}")
        return new

    @torch.inference_mode()
    def perplexity(self, text: str) -> float:
        ids = self.encode(text)
        return float(self.model(input_ids=ids, labels=ids, use_cache=False).loss.exp())

    def decode(self, ids: torch.Tensor) -> str:
        return str(self.tokenizer.decode(ids.tolist(), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def build_arms(generator: Generator, reference: Reference, work: Work) -> dict[str, Arm]:
    """The three arms that generate: ours, transformers in one batch, LOGOS's way."""

    def ours(seed: int) -> None:
        request = ask(work.prompt, work.tokens, n=work.samples, seed=seed, ignore_eos=True)
        need_lengths((len(sample.token_ids) for sample in generator.generate([request])), work.tokens, work.samples)

    def one_batch(seed: int) -> None:
        torch.manual_seed(seed)
        ids = reference.encode(work.prompt)
        reference.generate(ids, torch.ones_like(ids), work.samples, work.tokens)

    def logos(seed: int) -> None:
        torch.manual_seed(seed)
        ids = reference.encode(work.prompt)
        texts: list[str] = []
        for start in range(0, work.samples, LOGOS_BATCH):
            batch = min(LOGOS_BATCH, work.samples - start)
            new = reference.generate(ids, torch.ones_like(ids), batch, work.tokens)
            texts += [work.prompt + reference.decode(row) for row in new]
        for text in texts:
            reference.perplexity(text)

    return {"ours": ours, "transformers, one batch": one_batch, "LOGOS's way": logos}


def need_lengths(lengths: Iterable[int], tokens: int, samples: int) -> None:
    """Every arm must do the same work: `samples` sequences of exactly `tokens` tokens."""
    found = list(lengths)
    if found != [tokens] * samples:
        odd = sorted(set(found) - {tokens})
        raise RuntimeError(f"{samples} samples of {tokens} tokens were asked for, got {len(found)}, odd lengths {odd}")


def time_interleaved(arms: Mapping[str, Arm], repeats: int, *, warm_up: bool = True) -> dict[str, Timing]:
    """Each arm `repeats` times, arms taking turns and each round beginning with another one."""
    names = list(arms)
    walls: dict[str, list[float]] = {name: [] for name in names}
    cpus: dict[str, list[float]] = {name: [] for name in names}
    for name in names if warm_up else ():
        arms[name](0)
    for repeat in range(repeats):
        first = repeat % len(names)
        for name in [*names[first:], *names[:first]]:
            wall, cpu = stopwatch(lambda name=name, repeat=repeat: arms[name](repeat + 1))  # type: ignore[misc]
            walls[name].append(wall)
            cpus[name].append(cpu)
    return {
        name: Timing(
            statistics.median(walls[name]), statistics.median(cpus[name]), tuple(walls[name]), tuple(cpus[name])
        )
        for name in names
    }


def stopwatch(job: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of `job`, the work it left on a GPU included."""
    synchronize()
    wall, cpu = time.perf_counter(), time.process_time()
    job()
    synchronize()
    return time.perf_counter() - wall, time.process_time() - cpu


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
