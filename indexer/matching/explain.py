"""Why a track was found, in words and numbers that a person can check."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.matching.facts import fact_of
from indexer.matching.results import CalledFor, Hit, MatchedTrack, Reading, Reason, Span
from indexer.matching.stages import imagined_tags, nearest_row
from indexer.vectors import KINDS
from indexer.windows import Arc, FoundWindow, Timeline, best_window, song_in
from musiscene.scene_reader import MOOD_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from indexer.catalogue.shown import CatalogueTrack, ShownTrack
    from indexer.matching.brief import ReadBrief
    from indexer.matching.candidates import Candidates
    from indexer.matching.fusion import Curve
    from indexer.matching.scores import Scores
    from indexer.matching.stages import Stage

NOWHERE: Final[Mapping[str, Span | None]] = MappingProxyType({})
HIT_TAGS: Final = 5
SHOWN_MOODS: Final = 3
MIN_MOOD: Final = 0.12
"""Probability from which a mood that the brief calls for is shown; chance is 1/14."""


class WindowWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the stretch of a track should be like."""

    length_seconds: float | None = None
    """Exactly so long; None for a natural length."""
    arc: Arc | None = None
    """The course that the energy should take; None for any."""


ANY_WINDOW: Final = WindowWish()


def reading_of(brief: ReadBrief, *, answerable: float) -> Reading:
    """How a brief was understood, and the chance that it can be answered."""
    chances = brief.mood
    strongest = sorted(range(len(MOOD_NAMES)), key=lambda number: -chances[number])
    return Reading(
        answerable=round(answerable, 4),
        moods=tuple(
            CalledFor(mood=MOOD_NAMES[number], probability=round(float(chances[number]), 3))
            for number in strongest[:SHOWN_MOODS]
            if chances[number] >= MIN_MOOD
        ),
        music=tuple(imagined_tags(brief)),
        wishes=tuple(dict.fromkeys(wish.said for wish in (*brief.wishes, *brief.unwanted))),
    )


def unread(brief: ReadBrief) -> str | None:
    """Say that a brief is in a language that cannot be read; None where it can."""
    if brief.foreign is None:
        return None
    return (
        f"The brief seems to be {brief.foreign.name}. MusiScene reads English, so this answer is "
        "hardly better than chance; say it in English."
    )


def explain(  # noqa: PLR0913  everything that an explanation draws on
    brief: ReadBrief,
    scores: Scores,
    best: Sequence[int],
    tracks: Mapping[UUID, ShownTrack],
    stages: Sequence[Stage],
    *,
    curve: Curve,
    ceiling: float,
    wish: WindowWish,
) -> tuple[Hit, ...]:
    """Turn the best candidates into hits.

    Args:
        brief: As it was read.
        scores: Of its candidates.
        best: Positions of the candidates to show, best first.
        tracks: Their rows; a candidate that is no longer in the catalogue is passed over.
        stages: Of the pipeline.
        curve: From score to confidence.
        ceiling: No hit is surer than that the brief can be answered.
        wish: What the windows should be like.

    Returns:
        The hits.
    """
    candidates = scores.candidates
    shown = [one for one in best if candidates.track_ids[one] in tracks]
    hits = []
    for rank, position in enumerate(shown, start=1):
        track = tracks[candidates.track_ids[position]]
        texts = {caption.id: caption.text for caption in track.captions}
        nearest = nearest_row(brief, candidates, position, "scene")
        score = float(scores.total[position])
        window = _window(brief, candidates, position, track, wish)
        hits.append(
            Hit(
                rank=rank,
                score=round(score, 4),
                confidence=round(ceiling * curve.chance({"score": score}), 4),
                track=matched_track(track),
                window=window,
                song=song_in(track, window),
                scene_caption=""
                if nearest is None
                else texts.get(int(candidates.entries["caption"][nearest]), ""),
                tags=strongest_tags(track, HIT_TAGS),
                reasons=_reasons(brief, scores, position, stages, track, texts),
                facts=tuple(
                    fact_of(wish, candidates, position) for wish in (*brief.wishes, *brief.unwanted)
                ),
            )
        )
    return tuple(hits)


def matched_track(track: CatalogueTrack) -> MatchedTrack:
    """A track as an answer shows it."""
    return MatchedTrack(
        id=track.id,
        path=track.path,
        title=track.title,
        artist=track.artist,
        duration_seconds=round(track.duration_seconds, 2),
        bpm=round(track.bpm, 1),
        key=track.key,
        loudness_lufs=None if track.loudness_lufs is None else round(track.loudness_lufs, 1),
        licence=track.licence,
        generated=track.generated,
    )


def strongest_tags(track: CatalogueTrack, count: int) -> tuple[str, ...]:
    """The tags that are heard most in a track, whatever their vocabulary, strongest first."""
    best: dict[str, float] = {}
    for tag in track.tags:
        best[tag.name] = max(best.get(tag.name, 0.0), tag.score)
    return tuple(sorted(best, key=lambda name: (-best[name], name))[:count])


def _reasons(
    brief: ReadBrief,
    scores: Scores,
    position: int,
    stages: Sequence[Stage],
    track: ShownTrack,
    texts: Mapping[int, str],
) -> tuple[Reason, ...]:
    points = {stage.name: float(scores.points[stage.name][position]) for stage in stages}
    said = {
        stage.name: stage.reason(brief, scores.candidates, position, texts)
        for stage in stages
        if points[stage.name]
    }
    heard = {name: _heard(brief, scores.candidates, position, name, track) for name in said}
    return reasons_of(points, said, heard)


def reasons_of(
    points: Mapping[str, float],
    texts: Mapping[str, str],
    heard: Mapping[str, Span | None] = NOWHERE,
) -> tuple[Reason, ...]:
    """What the parts of a score say for it and against it.

    Args:
        points: Part -> what it gave or took.
        texts: Part -> what it went by, at least of those with points.
        heard: Part -> where a quoted sentence was heard.

    Returns:
        One reason for each part with points, the largest share first.
    """
    total = sum(abs(value) for value in points.values())
    reasons = [
        Reason(
            stage=part,
            share=round(abs(value) / total, 3),
            points=round(value, 4),
            text=texts[part],
            heard=heard.get(part),
        )
        for part, value in points.items()
        if value
    ]
    return tuple(sorted(reasons, key=lambda reason: -reason.share))


def _heard(
    brief: ReadBrief, candidates: Candidates, position: int, stage: str, track: ShownTrack
) -> Span | None:
    """The seconds that the caption which a stage quotes is about."""
    row = nearest_row(brief, candidates, position, stage) if stage in KINDS else None
    if row is None:
        return None
    segment_id = int(candidates.entries["segment"][row])
    for segment in track.segments:
        if segment.id == segment_id:
            return Span(
                start_seconds=round(segment.start_seconds, 2),
                end_seconds=round(segment.end_seconds, 2),
            )
    return None


def _window(
    brief: ReadBrief,
    candidates: Candidates,
    position: int,
    track: ShownTrack,
    wish: WindowWish,
) -> FoundWindow:
    """The stretch whose segments are nearest to the brief, cut as an editor would."""
    own = np.flatnonzero(candidates.track_of_row == position)
    likeness = brief.weights @ (brief.vectors @ candidates.vectors[own].T)
    by_segment: dict[int, float] = {}
    for segment, value in zip(candidates.entries["segment"][own], likeness, strict=True):
        by_segment[int(segment)] = max(by_segment.get(int(segment), 0.0), float(value))
    relevance = np.array([by_segment.get(segment.id, 0.0) for segment in track.segments])
    return best_window(
        Timeline.of(track),
        length_seconds=wish.length_seconds,
        arc=wish.arc,
        relevance=relevance if len(relevance) else None,
    )
