"""Measure how far the matcher knows when its answer is wrong, or when there is none.

    python -m tools.measure_confidence --library DATA_DIR BRIEFS [BRIEFS...] [--library ...]
        --nonsense FILE --out-dir docs [--json]

Every library is one that `musiscene index` made. Briefs of the files are those that it can answer,
nonsense (`tools/briefs/README.md`) is what it cannot. What is measured are the shipped weights and
curves (`indexer/matching/fitted.json`); nothing is fitted. The figures that are reported:

    python -m tools.measure_confidence --library DEMO tools/briefs/demo-test.jsonl
        --library WESNOTH tools/briefs/wesnoth-test.jsonl
        --nonsense tools/briefs/nonsense-test.jsonl --out-dir docs

An answer's confidence is that of its best hit. A text of nonsense is asked in every library, but
counts as one trial in an interval: its answers are much alike.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.matching.fusion import fitted
from musiscene.evaluation.picture import WIDTH_INCHES, save_figure
from tools.asking import ask, read_nonsense
from tools.confidence import (
    Calibration,
    RiskCoverage,
    Share,
    accepted,
    answer_calibrations,
    hit_calibrations,
    risk_coverage,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes

    from tools.asking import Asked

RELIABILITY_PICTURE: Final = "confidence-reliability.png"
RISK_PICTURE: Final = "confidence-risk.png"
HEIGHT_INCHES: Final = 4.6


class ConfidenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures."""

    answered_from: float
    """Chance of an answer from which one is given."""
    real: list[Share]
    """Briefs with an answer, by library, then all."""
    nonsense: list[Share]
    """Briefs without, all and by kind."""
    nonsense_by_library: list[Share]
    calibrations: list[Calibration]
    """Of the answer chance, then of the hits; the hits' are missing where no library qualifies."""
    risks: list[RiskCoverage]
    """By library, all, and all with only `has no answer` counted as wrong."""


def main() -> int:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--library", nargs="+", action="append", type=Path, required=True)
    parser.add_argument("--nonsense", type=Path, required=True)
    parser.add_argument("--out-dir", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    nonsense = read_nonsense(chosen.nonsense)
    asked = {folder.name: ask(folder, files, nonsense) for folder, *files in chosen.library}
    report = measure(asked, fitted().answered_from)
    draw_reliability(report.calibrations, chosen.out_dir / RELIABILITY_PICTURE)
    draw_risks(report.risks, chosen.out_dir / RISK_PICTURE)
    if chosen.json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        say(report)
    return 0


def measure(asked: Mapping[str, Sequence[Asked]], threshold: float) -> ConfidenceReport:
    """Work out all figures.

    Args:
        asked: Library's name -> briefs held against it, with nonsense.
        threshold: Chance of an answer from which one is given.

    Returns:
        The report.
    """
    everything = [one for own in asked.values() for one in own]
    real = {name: [one for one in own if one.is_answerable] for name, own in asked.items()}
    false = {name: [one for one in own if not one.is_answerable] for name, own in asked.items()}
    all_false = [one for own in false.values() for one in own]
    kinds = dict.fromkeys(one.kind for one in all_false)
    known = [
        one
        for name, own in asked.items()
        if real[name] and all(other.are_all_known for other in real[name])
        for one in own
    ]
    return ConfidenceReport(
        answered_from=threshold,
        real=[
            *(accepted(name, own, threshold) for name, own in real.items()),
            accepted("all", [one for own in real.values() for one in own], threshold),
        ],
        nonsense=[
            accepted("all", all_false, threshold),
            *(
                accepted(kind, [one for one in all_false if one.kind == kind], threshold)
                for kind in kinds
            ),
        ],
        nonsense_by_library=[accepted(name, own, threshold) for name, own in false.items()],
        calibrations=[
            *answer_calibrations(everything),
            *(hit_calibrations(known) if known else ()),
        ],
        risks=[
            *(risk_coverage(name, own, threshold) for name, own in asked.items()),
            risk_coverage("all", everything, threshold),
            risk_coverage(
                "all; only no answer is wrong",
                everything,
                threshold,
                lambda one: not one.is_answerable,
            ),
        ],
    )


def say(report: ConfidenceReport) -> None:
    """Print the report as Markdown tables."""
    print(f"Answered from a chance of {report.answered_from}.\n")
    table(("briefs with an answer", "briefs", "answered"), map(_share_row, report.real))
    table(
        ("briefs without", "texts", "answered"),
        [
            *map(_share_row, report.nonsense),
            *(_share_row(one, " alone") for one in report.nonsense_by_library),
        ],
    )
    table(
        ("calibration of", "rows", "true", "error", "of a perfect teller"),
        [
            (
                one.name,
                f"{one.count:,}",
                f"{one.true:.3f}",
                f"{one.error:.3f}",
                f"{one.error_by_luck:.3f}",
            )
            for one in report.calibrations
        ],
    )
    for one in report.calibrations:
        print(f"{one.name}:\n")
        table(
            ("said", "rows", "mean said", "true"),
            [
                (f"{row.low:.1f}-{row.high:.1f}", f"{row.count:,}", f"{row.said:.2f}",
                 f"{row.true:.2f}")
                for row in one.bins
            ],
        )  # fmt: skip
    table(
        (
            "risk and coverage", "briefs", "answered", "wrong of these", "area by confidence",
            "by answer chance", "random", "perfect", "gain on random",
        ),
        [
            (
                one.name,
                str(one.briefs),
                *(
                    f"{value:.3f}"
                    for value in (
                        one.coverage, one.risk, one.area, one.area_by_chance, one.area_random,
                        one.area_perfect,
                    )
                ),
                f"{one.gain.mean:+.3f} [{one.gain.low:+.3f} {one.gain.high:+.3f}]",
            )
            for one in report.risks
        ],
    )  # fmt: skip


def _share_row(share: Share, suffix: str = "") -> tuple[str, str, str]:
    interval = share.accepted
    shown = f"{interval.mean:.3f} [{interval.low:.3f} {interval.high:.3f}]"
    return share.name + suffix, str(share.texts), shown


def draw_reliability(calibrations: Sequence[Calibration], path: Path) -> None:
    """Draw what came true over what was said, with Wilson's intervals.

    Args:
        calibrations: Of the answer chance, then of the hits.
        path: Of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    answer, hits = figure.subplots(1, 2, sharey=True)
    parts = (
        (answer, "chance that the brief has an answer", calibrations[:2]),
        (hits, "confidence of a hit", calibrations[2:]),
    )
    for axes, label, shown in parts:
        axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
        for place, one in enumerate(shown):
            _draw_bins(axes, one, shift=(place - (len(shown) - 1) / 2) * 0.012)
        axes.set_xlabel(f"{label}, as said")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        if shown:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    answer.set_ylabel("share that is true")
    save_figure(figure, path)


def _draw_bins(axes: Axes, shown: Calibration, *, shift: float) -> None:
    ends = [wilson(one.true, one.count) for one in shown.bins]
    axes.errorbar(
        [one.said + shift for one in shown.bins],
        [one.mean for one in ends],
        yerr=[[one.mean - one.low for one in ends], [one.high - one.mean for one in ends]],
        fmt="o",
        markersize=4,
        linewidth=1,
        label=f"{shown.name}: error {shown.error:.3f}",
    )


def draw_risks(risks: Sequence[RiskCoverage], path: Path) -> None:
    """Draw the share of wrong answers over the share of briefs that are answered.

    Args:
        risks: One picture each, beside each other.
        path: Of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    for axes, one in zip(
        np.atleast_1d(figure.subplots(1, len(risks), sharey=True)), risks, strict=True
    ):
        coverage = np.arange(1, one.briefs + 1) / one.briefs
        axes.plot(coverage, one.curve, label="by confidence")
        axes.plot(coverage, one.curve_by_chance, label="by answer chance", linewidth=1)
        axes.axhline(one.area_random, color="grey", linestyle="--", label="random order")
        axes.plot(coverage, one.curve_perfect, color="grey", linestyle=":", label="perfect order")
        axes.plot([one.coverage], [one.risk], "o", color="black", label="threshold in use")
        axes.set_title(one.name, fontsize="medium")
        axes.set_xlabel("share of briefs answered")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    figure.axes[0].set_ylabel("share of answers that are wrong")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    save_figure(figure, path)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table and a blank line."""
    print("| " + " | ".join(headings) + " |")
    print("|" + "---|" * len(headings))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


if __name__ == "__main__":
    sys.exit(main())
