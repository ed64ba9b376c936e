"""What a retrieval evaluation finds, and its verdicts in words."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from musiscene.metrics.bootstrap import Interval

Kind: TypeAlias = Literal["matcher", "ablation", "control"]

_LABELS: Final = {"precision": "P", "recall": "R", "ndcg": "nDCG", "reciprocal_rank": "MRR"}


class MetricReport(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one system; intervals are over briefs, drawn in pairs."""

    value: Interval
    """Mean over the briefs."""
    above_random: Interval
    """Less what a random order reaches."""
    shuffled: float | None
    """Mean of the same rankings, judged by what other briefs want."""
    above_shuffled: Interval | None
    """`value` less `shuffled`; None where all briefs want the same."""
    below_matcher: Interval | None
    """What the matcher reaches more; None for itself."""


class SystemReport(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one system."""

    name: str
    """`matcher`, `without ...` or `tags`."""
    kind: Kind
    """The product, the product without some stage, or a control."""
    median_rank: float
    """Of the first wanted track."""
    metrics: dict[str, MetricReport]
    """As `musiscene.metrics.ranking` names them, but for the rank."""


class RandomReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a random order reaches, exactly."""

    median_rank: float
    """Of the first wanted track, over briefs and orders."""
    metrics: dict[str, float]
    """Expectation, mean over the briefs."""


class StyleReport(msgspec.Struct, frozen=True, kw_only=True):
    """The matcher on briefs of one style."""

    style: str
    """As the file has it."""
    briefs: int
    """How many."""
    value: dict[str, float]
    """Metric -> mean."""
    above_shuffled: dict[str, Interval]
    """Metric -> mean less that of the rankings judged by what other briefs want."""


class BriefFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How one system did on one brief."""

    figures: dict[str, float]
    """As `musiscene.metrics.ranking` names them."""
    first_tracks: tuple[str, ...]
    """Paths of the tracks it put first."""


class BriefReport(msgspec.Struct, frozen=True, kw_only=True):
    """One brief."""

    place: str
    """File and line."""
    brief: str
    """Its text."""
    style: str
    """As the file has it."""
    wanted_tracks: int
    """How many tracks it wants."""
    systems: dict[str, BriefFigures]
    """Name of the system -> how it did."""


class RetrievalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A library asked all briefs."""

    embedder: str
    """Version of the text embedder."""
    models: tuple[str, ...]
    """Versions of the models that made the captions."""
    tracks: int
    """Ranked for every brief."""
    wanted_sets: int
    """How many different sets of tracks are wanted."""
    cutoffs: tuple[int, ...]
    """Of the metrics."""
    seed: int
    """Of the intervals."""
    random: RandomReport
    """The random order."""
    systems: tuple[SystemReport, ...]
    """The matcher first."""
    styles: tuple[StyleReport, ...]
    """Of the briefs that state one."""
    briefs: tuple[BriefReport, ...]
    """In the order of the files."""


def in_words(report: RetrievalReport, metric: str) -> list[str]:
    """Say what the matcher is shown to be better than, and what its stages are shown to add.

    Args:
        report: With the matcher first.
        metric: That decides.

    Returns:
        A sentence for each comparison.
    """
    matcher, *others = report.systems
    figures = matcher.metrics[metric]
    gaps: list[tuple[str, Interval | None]] = [
        ("a random order", figures.above_random),
        ("its own rankings judged by what other briefs want", figures.above_shuffled),
        *((f"the control by {one.name}" if one.kind == "control" else f"itself {one.name}",
           one.metrics[metric].below_matcher) for one in others),
    ]  # fmt: skip
    return [
        f"By {metric_label(metric)}, the matcher is {_verdict(gap)} {name}: "
        f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]."
        for name, gap in gaps
        if gap is not None
    ]


def metric_label(metric: str) -> str:
    """A metric's name in tables, such as `P@5` for `precision_at_5`."""
    name, _, cutoff = metric.partition("_at_")
    return f"{_LABELS[name]}@{cutoff}" if cutoff else _LABELS[name]


def _verdict(gap: Interval) -> str:
    if gap.low > 0:
        return "better than"
    return "worse than" if gap.high < 0 else "not shown to differ from"
