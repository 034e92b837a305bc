"""Counts in sentences."""

from __future__ import annotations


def plural(n: int, noun: str) -> str:
    """plural(1, "route") is "1 route", plural(2, "route") "2 routes"."""
    return f"{n} {noun}{'' if n == 1 else 's'}"
