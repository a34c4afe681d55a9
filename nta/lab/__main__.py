"""Starts a lab: `python -m nta.lab --world loop --dir DIR [--rate N]`."""

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from nta.lab.lab import Lab, LabError
from nta.lab.world_validation import WorldError
from nta.lab.worldfile import read_world

HIGHEST_RATE = 3_600


def _rate(text: str) -> int:
    rate = int(text)
    if not 1 <= rate <= HIGHEST_RATE:
        raise argparse.ArgumentTypeError(f"must lie between 1 and {HIGHEST_RATE}")
    return rate


async def _play(lab: Lab) -> None:
    card = await lab.start()
    sys.stdout.write(json.dumps(card) + "\n")
    sys.stdout.flush()
    await lab.run()
    lab.stop()


def main() -> int:
    """Play a world until told to end. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m nta.lab", description="A small internet on loopback.")
    parser.add_argument("--world", required=True, help="a name under nta/lab/worlds, or a YAML file")
    parser.add_argument("--dir", required=True, type=Path, help="the folder for journal, mail and lab.json")
    parser.add_argument("--rate", type=_rate, help="let time walk: service seconds per second")
    parser.add_argument("--control", type=int, help="the port of control and world, on the first start")
    chosen = parser.parse_args()
    try:
        asyncio.run(_play(Lab(read_world(chosen.world), chosen.dir, chosen.rate, chosen.control)))
    except (WorldError, LabError) as error:
        sys.stderr.write(f"lab: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    # An act may still be waiting for an answer in the engine's thread; nobody waits for it.
    code = main()
    sys.stdout.flush()
    os._exit(code)
