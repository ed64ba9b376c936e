"""How many raters a listening study needs: a table and docs/listening-study-power.png.

python tools/study_power.py --studies 2000
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from musiscene.study.power import WANTED_POWER, power_of

if TYPE_CHECKING:
    from musiscene.study.power import Power

DIFFERENCES = (0.0, 0.25, 0.5)
RATERS = (10, 20, 40)
SYSTEMS, ITEMS = 4, 20
PICTURE = Path(__file__).parents[1] / "docs" / "listening-study-power.png"


def main() -> None:
    """Simulate, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="simulated for each row")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    found = {
        (difference, raters): power_of(
            raters=raters, difference=difference, systems=SYSTEMS, items=ITEMS,
            studies=chosen.studies, seed=chosen.seed,
        )
        for difference in DIFFERENCES
        for raters in RATERS
    }  # fmt: skip
    print("| difference | raters | best has highest mean | best clearly ahead | order of all right "
          "| equal called different | coverage |")  # fmt: skip
    print("| --- " * 7 + "|")
    for one in found.values():
        found_all = one.difference > 0
        shares = (one.best_found, one.power, one.order_found) if found_all else (None,) * 3
        shown = " | ".join("-" if share is None else f"{share:.3f}" for share in shares)
        print(f"| {one.difference:g} | {one.raters} | {shown} | {one.false_alarms:.3f} "
              f"| {one.coverage:.3f} |")  # fmt: skip
    draw(found)


def draw(found: dict[tuple[float, int], Power]) -> None:
    """Power and recovery by raters, beside false alarms and coverage."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    powers, errors = figure.subplots(1, 2)
    for difference in DIFFERENCES[1:]:
        row = [found[difference, raters] for raters in RATERS]
        [line] = powers.plot(RATERS, [one.power for one in row], marker="o",
                             label=f"{difference:g} points: best clearly ahead")  # fmt: skip
        powers.plot(RATERS, [one.best_found for one in row], marker="s", linestyle="--",
                    color=line.get_color(), label="best has the highest mean")  # fmt: skip
        powers.plot(RATERS, [one.order_found for one in row], marker="^", linestyle=":",
                    color=line.get_color(), label="order of all right")  # fmt: skip
    powers.axhline(WANTED_POWER, color="grey", linewidth=1)
    powers.set(xlabel="raters", ylabel="share of studies", ylim=(0, 1.03), xticks=RATERS)
    powers.legend(fontsize=8)
    for difference in DIFFERENCES:
        row = [found[difference, raters] for raters in RATERS]
        errors.plot(RATERS, [one.false_alarms for one in row], marker="o",
                    label=f"equal called different ({difference:g})")  # fmt: skip
        errors.plot(RATERS, [1 - one.coverage for one in row], marker="s", linestyle="--",
                    label=f"interval misses the truth ({difference:g})")  # fmt: skip
    errors.axhline(0.05, color="grey", linewidth=1)
    errors.set(xlabel="raters", ylabel="share", ylim=(0, 0.1), xticks=RATERS)
    errors.legend(fontsize=8)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
