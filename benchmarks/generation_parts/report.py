"""The figures of `benchmarks/generation.py` as plain text."""

from __future__ import annotations

from typing import Any


def print_part(name: str, found: dict[str, Any]) -> None:
    _PRINTERS[name](found)


def _settings(found: dict[str, Any]) -> None:
    print("  ".join(f"{name} {value}" for name, value in found.items()), flush=True)


def _speed(found: dict[str, Any]) -> None:
    work = f"{found['prompt']} ({found['prompt_tokens']} tokens), {found['samples']} x {found['tokens']} tokens"
    print(f"\n{work}; load of the machine {found['load']:.1f}")
    _arms(found)
    for name, ratio in found["ratios"].items():
        span = f"{ratio['wall_lowest']:.2f} to {ratio['wall_highest']:.2f}"
        print(f"  {name:34} wall {ratio['wall']:6.2f} ({span})   CPU {ratio['cpu']:6.2f}")
    print(f"  bare products: fastest at {found['bare_best_threads']} threads; {found['bare_forms']}", flush=True)


def _mixed(found: dict[str, Any]) -> None:
    print(f"\n{found['requests']} requests of mixed lengths, {found['tokens']} tokens")
    print(f"  static batches compute {found['tokens_of_static_batches']}")
    _arms(found)
    for name, ratio in found["ratios"].items():
        print(f"  {name:34} wall {ratio['wall']:6.2f}   CPU {ratio['cpu']:6.2f}", flush=True)


def _arms(found: dict[str, Any]) -> None:
    for name, arm in found["arms"].items():
        print(f"  {name:34} wall {arm['wall_s']:8.3f} s   CPU {arm['cpu_s']:8.3f} s")


def _first_token(found: dict[str, Any]) -> None:
    print(f"\nfirst token of a loaded model: {found['median_ms']:.1f} ms (slowest {found['slowest_ms']:.1f} ms)")


def _load(found: dict[str, Any]) -> None:
    cpu = found["load_with_imports_cpu_s"]
    print(f"load of a fresh process, imports included: {found['load_with_imports_s']:.2f} s (CPU {cpu:.2f} s)")
    print(f"first token after it: {1000 * found['first_token_of_a_process_s']:.0f} ms", flush=True)


def _reproducibility(found: dict[str, Any]) -> None:
    print(f"\nsame seed, same ids? {found['samples']} samples of {found['mean_tokens']:.0f} tokens on average")
    for name, row in found.items():
        if isinstance(row, dict):
            same = f"{row['identical']} of {row['compared']} identical"
            print(f"  {name:20} {same}, log_prob within {row['max_log_prob_difference']:.1e}", flush=True)


def _constraint(found: dict[str, Any]) -> None:
    if "not measured" in found:
        print(f"\nconstraint not measured: {found['not measured']}")
        return
    for cost in found["cost"]:
        ms = f"{cost['constrained_ms_per_token']:.3f} against {cost['free_ms_per_token']:.3f} ms a token"
        print(f"\nconstraint, {cost['samples']} samples: {cost['ratio']:.2f} times the time ({ms})")
    for name in ("constrained", "free"):
        row = found[name]
        print(f"  {name}: {row['malformed']} of {row['samples']} malformed, {row['cut_off']} of them cut off")
        print(f"    {row['tasks']}\n    {row['reasons']}", flush=True)


_PRINTERS = {
    "settings": _settings,
    "speed": _speed,
    "mixed": _mixed,
    "first-token": _first_token,
    "load": _load,
    "reproducibility": _reproducibility,
    "constraint": _constraint,
}
