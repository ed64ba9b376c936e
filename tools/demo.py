"""What `make demo` shows: a real library is indexed, and three scenes find their music in it.

Every step is the command that a person would type; this script only shows it first.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import immich_memories_music

BRIEFS = (
    "a toddler blows out birthday candles and everybody laughs",
    "sunrise over a still lake, mist rising slowly",
    "the last seconds of a basketball final, tension rising",
)


def main() -> int:
    """Index the demo library and answer the briefs; the exit status is the first failure's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where the library is kept")
    data_dir = parser.parse_args().data_dir
    tracks = immich_memories_music.tracks_dir()
    steps = [["index", str(tracks)], *(["match", brief, "--top-k", "3"] for brief in BRIEFS)]
    for step in steps:
        print(f"\n$ musiscene {shlex.join(step)}", flush=True)
        command = [sys.executable, "-m", "service.cli", "--data-dir", str(data_dir), *step]
        status = subprocess.run(command, check=False).returncode  # noqa: S603  our own command
        if status:
            return status
    print("\nNext: make serve, then open http://127.0.0.1:8000/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
