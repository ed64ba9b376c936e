"""Write what the makers of the demo library say of its tracks, as labels in words.

Their licence file lists tempo, key and sort of each; the folder is the mood. For `musiscene
evaluate hearing --labels`.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.metadata import distribution
from pathlib import Path

import immich_memories_music

from musiscene.data.rows import write_rows
from musiscene.evaluation.heard import LabelledTrack

DISTRIBUTION = "immich-memories-music"
LINE = re.compile(r"^\s+(\S+\.opus)\s+(\d+ bpm)\s+(\S+ (?:major|minor)) .*\[(\w+)\]", re.MULTILINE)


def main() -> int:
    """Write a line for each track; fails if none is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON Lines")
    out = parser.parse_args().out
    text = distribution(DISTRIBUTION).read_text("licenses/LICENSE-MUSIC") or ""
    moods = {path.name: path.parent.name for path in immich_memories_music.tracks_dir().rglob("*")}
    rows = [
        LabelledTrack(
            audio=f"{moods[name]}/{name}", labels=f"{moods[name]} {sort} piece, {tempo}, {key}"
        )
        for name, tempo, key, sort in LINE.findall(text)
    ]
    write_rows(out, rows)
    print(f"{len(rows)} tracks: {out}\nlibrary: {immich_memories_music.tracks_dir()}")
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
