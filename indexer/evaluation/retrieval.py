"""Does the matcher put the wanted tracks first: a whole library ranked for every brief.

Beside the product's own matcher stand systems that lack a stage of it, a control that knows a track
by its tags alone, the matcher's rankings judged by what other briefs want, and a random order. A
ranking that likes the same tracks for every brief gains nothing over the other briefs' wishes,
however popular those tracks are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from indexer.evaluation.report import (
    BriefFigures,
    BriefReport,
    MetricReport,
    RandomReport,
    RetrievalReport,
    StyleReport,
    SystemReport,
)
from musiscene.metrics.bootstrap import bootstrap_difference, bootstrap_mean
from musiscene.metrics.ranking import (
    FIRST_RANK,
    expect_at_random,
    first_rank_chances,
    measure_rankings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.models import Track
    from indexer.evaluation.briefs import JudgedBrief
    from indexer.evaluation.systems import System
    from musiscene.progress import ProgressReport

FIRST_TRACKS: Final = 3

Figures: TypeAlias = "dict[str, NDArray[np.float64]]"
"""Metric -> one figure for each brief."""


class RetrievalJudge:
    """Holds the rankings of systems against what briefs want.

    Args:
        tracks: All of the library.
        briefs: At least one.
        cutoffs: Of the metrics.
        seed: Of the intervals.

    Raises:
        ValueError: If there is no brief.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        briefs: Sequence[JudgedBrief],
        *,
        cutoffs: Sequence[int],
        seed: int = 0,
    ) -> None:
        if not briefs:
            raise ValueError("there are no briefs")
        self._paths = {track.id: track.path for track in tracks}
        self._column = {track.id: column for column, track in enumerate(tracks)}
        self._briefs = briefs
        self._cutoffs = tuple(cutoffs)
        self._seed = seed
        numbers: dict[frozenset[tuple[UUID, float]], int] = {}
        self._set_of = np.array(
            [numbers.setdefault(frozenset(one.grades.items()), len(numbers)) for one in briefs]
        )
        self._gains = np.zeros((len(numbers), len(tracks)))
        for grades, number in numbers.items():
            for track_id, grade in grades:
                self._gains[number, self._column[track_id]] = grade
        self._askers = np.bincount(self._set_of)
        expected = [expect_at_random(row, cutoffs=self._cutoffs) for row in self._gains]
        self._random = {
            metric: np.array([expected[number][metric] for number in self._set_of])
            for metric in expected[0]
        }

    def judge(
        self, systems: Sequence[System], library: tuple[str, Sequence[str]], report: ProgressReport
    ) -> RetrievalReport:
        """Ask every system every brief.

        Args:
            systems: The matcher first.
            library: Version of its text embedder, and of the models of its captions.
            report: Is told how far it is.

        Returns:
            The report.
        """
        rows: list[dict[str, BriefFigures]] = [{} for _ in self._briefs]
        asked = [(system, *self._ask(system, rows, report)) for system in systems]
        _, of_matcher, of_others = asked[0]
        return RetrievalReport(
            embedder=library[0],
            models=tuple(library[1]),
            tracks=len(self._paths),
            wanted_sets=len(self._askers),
            cutoffs=self._cutoffs,
            seed=self._seed,
            random=self._random_report(),
            systems=tuple(
                self._system_report(system, own, others, None if own is of_matcher else of_matcher)
                for system, own, others in asked
            ),
            styles=self._style_reports(of_matcher, of_others),
            briefs=tuple(
                BriefReport(
                    place=brief.place,
                    brief=brief.text,
                    style=brief.style,
                    wanted_tracks=len(brief.grades),
                    systems=row,
                )
                for brief, row in zip(self._briefs, rows, strict=True)
            ),
        )

    def _ask(
        self, system: System, rows: Sequence[dict[str, BriefFigures]], report: ProgressReport
    ) -> tuple[Figures, Figures]:
        """The figures of a system by what the briefs want, and by what the others want."""
        own: dict[str, list[float]] = {}
        others: dict[str, list[float]] = {}
        for number, brief in enumerate(self._briefs):
            ranking = system.ranker.rank([brief.text])
            columns = [self._column[track_id] for track_id in ranking]
            figures = measure_rankings(self._gains[:, columns], cutoffs=self._cutoffs)
            set_number = self._set_of[number]
            weights = np.where(np.arange(len(self._askers)) == set_number, 0, self._askers)
            for metric, of_sets in figures.items():
                own.setdefault(metric, []).append(float(of_sets[set_number]))
                if weights.any():
                    others.setdefault(metric, []).append(
                        float(np.average(of_sets, weights=weights))
                    )
            rows[number][system.name] = BriefFigures(
                figures={metric: values[-1] for metric, values in own.items()},
                first_tracks=tuple(self._paths[one] for one in ranking[:FIRST_TRACKS]),
            )
            report(f"Ranking: {system.name}", number + 1, len(self._briefs))
        return _arrays(own), _arrays(others)

    def _system_report(
        self, system: System, own: Figures, others: Figures, of_matcher: Figures | None
    ) -> SystemReport:
        seed = self._seed
        metrics = {
            metric: MetricReport(
                value=bootstrap_mean(values, seed=seed),
                above_random=bootstrap_difference(values, self._random[metric], seed=seed),
                shuffled=float(others[metric].mean()) if others else None,
                above_shuffled=bootstrap_difference(values, others[metric], seed=seed)
                if others
                else None,
                below_matcher=None
                if of_matcher is None
                else bootstrap_difference(of_matcher[metric], values, seed=seed),
            )
            for metric, values in own.items()
            if metric != FIRST_RANK
        }
        return SystemReport(
            name=system.name,
            kind=system.kind,
            median_rank=float(np.median(own[FIRST_RANK])),
            metrics=metrics,
        )

    def _random_report(self) -> RandomReport:
        tracks = self._gains.shape[1]
        chances = np.average(
            [first_rank_chances(tracks, wanted) for wanted in (self._gains > 0).sum(axis=1)],
            axis=0,
            weights=self._askers,
        )
        # A sum that should be one half can come out a rounding error below it.
        median = int(np.searchsorted(np.cumsum(chances), 0.5 - 1e-9)) + 1
        return RandomReport(
            median_rank=float(median),
            metrics={
                metric: float(values.mean())
                for metric, values in self._random.items()
                if metric != FIRST_RANK
            },
        )

    def _style_reports(self, own: Figures, others: Figures) -> tuple[StyleReport, ...]:
        styles = np.array([brief.style for brief in self._briefs])
        reports = []
        for style in dict.fromkeys(styles.tolist()):
            if not style:
                continue
            of_style = styles == style
            metrics = [metric for metric in own if metric != FIRST_RANK]
            reports.append(
                StyleReport(
                    style=style,
                    briefs=int(of_style.sum()),
                    value={metric: float(own[metric][of_style].mean()) for metric in metrics},
                    above_shuffled={
                        metric: bootstrap_difference(
                            own[metric][of_style], others[metric][of_style], seed=self._seed
                        )
                        for metric in metrics
                        if others
                    },
                )
            )
        return tuple(reports)


def _arrays(lists: Mapping[str, Sequence[float]]) -> Figures:
    return {metric: np.array(values, dtype=np.float64) for metric, values in lists.items()}
