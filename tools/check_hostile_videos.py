"""Watches more than a hundred broken and hostile files, each in a process of its own.

python -m tools.check_hostile_videos [--every 1]

Every one has to end in an error of a video with a reason, or, where a player may find a video in
it, in an analysis; within the time allowed. Ends with status 1 where one does not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from musiscene.errors import VideoError
from musiscene.video.apart import watch_apart
from musiscene.video.limits import VideoLimits
from tests.support.hostile_video import write_hostile
from tools.machine import describe_machine

ALLOWED_SECONDS = 30.0
LIMITS = VideoLimits(timeout_seconds=ALLOWED_SECONDS)


def main() -> int:
    """Make them, watch them, count what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="watch one in so many")
    wanted = parser.parse_args()
    print(describe_machine())
    outcomes: Counter[str] = Counter()
    slowest = (0.0, "")
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        made = write_hostile(Path(folder))[:: wanted.every]
        for hostile in made:
            begun = time.perf_counter()
            try:
                watch_apart(hostile.path, limits=LIMITS)
                outcome = "plays"
                is_right = hostile.may_play
            except VideoError as error:
                outcome = type(error).__name__
                is_right = bool(error.reason)
            seconds = time.perf_counter() - begun
            slowest = max(slowest, (seconds, hostile.path.name))
            outcomes[outcome] += 1
            if not is_right or seconds > ALLOWED_SECONDS:
                wrong.append(f"{hostile.path.name}: {outcome} after {seconds:.1f} s")
    print(f"{len(made)} files; the slowest, {slowest[1]}, took {slowest[0]:.1f} s")
    for outcome, count in sorted(outcomes.items()):
        print(f"{outcome}: {count}")
    for line in wrong:
        print(f"WRONG {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
