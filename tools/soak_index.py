"""Let anything happen to a library, thousands of steps long, and check it after each.

    python -m tools.soak_index --steps 20000 --seed 0

The steps are those of `tests/integration/test_index_states.py`; the same seed takes the same steps.
A failure is printed with the steps that led to it.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.library_machine import machine

STEPS_PER_LIBRARY = 50


def main() -> int:
    """Take the steps; an error ends the process with the steps that led to it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shrink", action="store_true", help="look for the fewest steps that fail")
    parser.add_argument("--dir", type=Path, help="where to work; in memory it goes faster")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    libraries = max(1, arguments.steps // STEPS_PER_LIBRARY)
    phases = [Phase.generate, *([Phase.shrink] if arguments.shrink else [])]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        tried = machine(Path(folder))
        run_state_machine_as_test(
            seed(arguments.seed)(tried),
            settings=settings(
                max_examples=libraries,
                stateful_step_count=STEPS_PER_LIBRARY,
                phases=phases,
                deadline=None,
                database=None,
                print_blob=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(f"{tried.tally.total()} steps, {libraries} libraries: 0 tracks lost, 0 wrong")
    for name, count in tried.tally.most_common():
        print(f"{count:6} {name}")
    print(f"seed {arguments.seed}, {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
