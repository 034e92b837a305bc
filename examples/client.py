"""Start a small campaign on a running server (`organon serve`), watch it, and keep its table.

python examples/client.py [URL] (default http://127.0.0.1:8765); ORGANON_TOKEN is sent where it is set.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agent.interface.client import Organon

CAMPAIGN = {
    "name": "from-python",
    "task": "ligand",
    "target": "ABL1",
    "constraints": {"reactive": "none", "heavy_atoms": "12..20"},
    "rounds": 1,
    "per_round": 48,
    "docking": {"exhaustiveness": 1, "final_exhaustiveness": 1, "finalists": 5, "max_states": 1},
    "budget": {"docking_calls": 8},
    "controls": "off",
    "seed": 7,
}


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8765"
    with Organon(url, token=os.environ.get("ORGANON_TOKEN")) as organon:
        run = organon.start_campaign(CAMPAIGN)
        for event in run.events():
            if event["type"] == "round_finished":
                sys.stderr.write(f"round {event['payload']['round']}: {event['payload']['docked']} docked\n")
        for candidate in run.wait()["candidates"]:
            sys.stdout.write(f"{candidate['rank']} {candidate['smiles']} {candidate['scores']['vina']['value']}\n")
        Path("candidates.csv").write_text(run.candidates("csv"), encoding="utf-8")


if __name__ == "__main__":
    main()
