"""The report of `benchmarks/generation.py` as plain text."""

from __future__ import annotations

from typing import Any


def print_report(report: dict[str, Any]) -> None:
    print("  ".join(f"{name} {value}" for name, value in report["settings"].items()))
    for found in report.get("speed", []):
        print(f"\n{found['prompt']} ({found['prompt_tokens']} tokens), {found['samples']} x {found['tokens']} tokens")
        print_arms(found["arms"])
        for name, ratio in found["ratios"].items():
            span = f"{ratio['wall_lowest']:.2f} to {ratio['wall_highest']:.2f}"
            print(f"  {name:34} wall {ratio['wall']:6.2f} ({span})   CPU {ratio['cpu']:6.2f}")
        print(f"  bare products: best at {found['bare_best_threads']} threads; {found['bare_forms']}")
    if "mixed" in report:
        found = report["mixed"]
        print(f"\n{found['requests']} requests of mixed lengths, {found['tokens']} tokens")
        print(f"  static batches compute {found['tokens_of_static_batches']}")
        print_arms(found["arms"])
        for name, ratio in found["ratios"].items():
            print(f"  {name:34} wall {ratio['wall']:6.2f}   CPU {ratio['cpu']:6.2f}")
    if "first token" in report:
        first, load = report["first token"], report["load"]
        print(f"\nfirst token of a loaded model: {first['median_ms']:.1f} ms (slowest {first['slowest_ms']:.1f} ms)")
        print(
            f"load with imports: {load['load_with_imports_s']:.2f} s, then {load['first_token_of_a_process_s']:.3f} s"
        )
    if "reproducibility" in report:
        print_reproducibility(report["reproducibility"])
    if "constraint" in report:
        print_constraint(report["constraint"])


def print_arms(arms: dict[str, dict[str, Any]]) -> None:
    for name, arm in arms.items():
        print(f"  {name:34} wall {arm['wall_s']:8.3f} s   CPU {arm['cpu_s']:8.3f} s")


def print_reproducibility(found: dict[str, Any]) -> None:
    print(f"\nsame seed, same ids? {found['samples']} samples of {found['mean_tokens']:.0f} tokens on average")
    for name, row in found.items():
        if isinstance(row, dict):
            same = f"{row['identical']} of {row['compared']} identical"
            print(f"  {name:20} {same}, log_prob within {row['max_log_prob_difference']:.1e}")


def print_constraint(found: dict[str, Any]) -> None:
    if "not measured" in found:
        print(f"\nconstraint not measured: {found['not measured']}")
        return
    for cost in found["cost"]:
        ms = f"{cost['constrained_ms_per_token']:.3f} against {cost['free_ms_per_token']:.3f} ms a token"
        print(f"\nconstraint, {cost['samples']} samples: {cost['ratio']:.2f} times the time ({ms})")
    for name in ("constrained", "free"):
        row = found[name]
        print(f"  {name}: {row['malformed']} of {row['samples']} malformed, {row['cut_off']} of them cut off")
        print(f"    {row['tasks']}\n    {row['reasons']}")
