"""Campaigns that ship with the package; each is an ordinary campaign file."""

from __future__ import annotations

from pathlib import Path


def preset_path(name: str) -> Path:
    return Path(__file__).parent / f"{name}.yaml"
