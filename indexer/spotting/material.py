"""Everything that a plan is made of: the picture, the tracks, and how they fit each other."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from indexer.sounds import KEYS
from indexer.spotting.cue_values import cells_of, placements_of
from indexer.spotting.levels import gain_db
from indexer.spotting.optimise import Costs, Problem
from indexer.spotting.picture import picture_of
from indexer.spotting.track_shape import shape_of
from indexer.spotting.voices import (
    MOST_LISTENED,
    masked_seconds,
    mean_levels_db,
    spoken_seconds,
    voices_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.shown import ShownTrack
    from indexer.spotting.cue_plan import PlanWishes
    from indexer.spotting.cue_values import Placements
    from indexer.spotting.scene_fits import SceneScorer
    from indexer.spotting.voices import TrackListener
    from musiscene.video.analysis import VideoAnalysis

CHANGE_SECONDS: Final = 3.0
"""What `PlanWishes.change_cost` of 1 is in seconds of perfectly fitting music."""
INNER_SHARE: Final = 0.5
"""Of the cost of a change: to cut within the same track. To stop, or to begin after a stretch that
is to have no music, costs so much of the usual change at most."""
KINSHIP: Final = 0.25
"""Of the cost of a change: what is saved where tempo, or key, goes with the last track's."""
INNER_BORDER_COST: Final = 2.0
"""Of a change within a scene, in seconds of perfectly fitting music."""
SHORT_COST: Final = 30.0
"""Of a cue without any length, likewise; in proportion to what is missing."""
MISFIT_COST: Final = 0.6
"""Of a second of music in a scene that nothing fits."""
MISSING_COST: Final = 1.0
"""Of a second without music in a scene that something fits."""
UNWANTED_SILENCE_COST: Final = 4.0
"""Likewise, where silence is not allowed."""
MASKING_WEIGHT: Final = 0.5
"""Of a second of voice that is lost, without ducking."""
MOST_CELLS_IN_ALL: Final = 16_000_000
"""Offsets times borders of all tracks, some 25 bytes each."""
FEWEST_TRACKS: Final = 16
SAME_TEMPO: Final = 0.06
"""Tempos this near, or their halves and doubles, go together."""


class Material:
    """What one plan is made of.

    Args:
        analysis: The video, with captions.
        wishes: What the user wants.
        scorer: Says how tracks fit scenes.
        listener: Hears what masks a voice.
        keep: Stretches left to cues that stand already, in frames.
        walls: Frames at which cues begin or end in any case.
        also: Tracks that come into question in any case.
    """

    def __init__(
        self,
        analysis: VideoAnalysis,
        wishes: PlanWishes,
        scorer: SceneScorer,
        listener: TrackListener,
        *,
        keep: Iterable[tuple[int, int]] = (),
        walls: Iterable[int] = (),
        also: Iterable[UUID] = (),
    ) -> None:
        self.analysis, self.wishes = analysis, wishes
        self.picture = picture_of(analysis, wishes, keep=keep, walls=walls)
        self.fits = scorer.fits(analysis.scenes, wishes, also=also)
        self.listener = listener
        shown = scorer.catalogue.shown(list(self.fits.track_ids))
        columns = [column for column, track in enumerate(self.fits.track_ids) if track in shown]
        shapes = [shape_of(shown[self.fits.track_ids[column]]) for column in columns]
        sizes = np.cumsum([cells_of(shape, self.picture) for shape in shapes])
        kept = max(int((sizes <= MOST_CELLS_IN_ALL).sum()), FEWEST_TRACKS)
        self.is_limited = kept < len(shapes)
        self.columns, self.shapes = columns[:kept], shapes[:kept]
        """The tracks, and where each stands in `fits`. One may have left the catalogue by now, and
        for a very long video fewer are laid out, those that fit some scene best."""
        sound = analysis.sound
        self.voices = (
            voices_of(
                [(one.start_seconds, one.end_seconds) for one in sound.speech],
                sound.speech_levels_db,
            )
            if sound
            else ()
        )

    @cached_property
    def place_of(self) -> dict[UUID, int]:
        """Track -> its place among the tracks."""
        return {shape.track.id: place for place, shape in enumerate(self.shapes)}

    @cached_property
    def confidences(self) -> NDArray[np.float64]:
        """That a track fits what is seen in a piece, shape (pieces, tracks)."""
        return self.fits.confidences[:, self.columns][self.picture.scenes]

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Of each track beside each piece, shape (pieces, tracks)."""
        return self.fits.scores[:, self.columns][self.picture.scenes]

    @cached_property
    def is_answered(self) -> NDArray[np.bool_]:
        """Pieces that something in the library fits, shape (pieces,)."""
        found: NDArray[np.bool_] = self.fits.is_answered[self.picture.scenes]
        return found

    @cached_property
    def worth_a_second(self) -> NDArray[np.float64]:
        """Of each track under each piece, without energy and landings, shape (pieces, tracks)."""
        misfit = np.where(self.is_answered, 0.0, MISFIT_COST)
        worth = self.confidences - misfit[:, None]
        if self.voices and len(self.shapes):
            lost = self._masked / np.maximum(self.picture.lengths, 1e-9)[:, None]
            worth = worth - MASKING_WEIGHT * lost
        return worth

    @cached_property
    def placements(self) -> tuple[Placements, ...]:
        """Of each track."""
        return tuple(
            placements_of(shape, self.picture, self.worth_a_second[:, place])
            for place, shape in enumerate(self.shapes)
        )

    def best_start(self, track_id: UUID, start_frame: int, end_frame: int) -> float | None:
        """Where in a track to begin for a stretch between two borders.

        Args:
            track_id: Of one of the tracks.
            start_frame: Of the stretch; a border.
            end_frame: Likewise.

        Returns:
            In seconds of the track; None where it is too short.
        """
        first, last = np.searchsorted(self.picture.frames, [start_frame, end_frame]).tolist()
        best = self.placements[self.place_of[track_id]].best(first, last)
        return None if best is None else float(self.picture.seconds[first]) + best[1]

    def problem(self) -> Problem:
        """Where music may go, and what it is worth there."""
        missing = MISSING_COST if self.wishes.silence_allowed else UNWANTED_SILENCE_COST
        cost = np.where(self.is_answered & ~self.picture.is_silent, missing, 0.0)
        change = CHANGE_SECONDS * self.wishes.change_cost
        stop = INNER_SHARE * min(change, CHANGE_SECONDS)
        # A pause where music is wanted must not make a change cheaper.
        begin = np.where(cost > 0, change, stop)
        return Problem(
            seconds=self.picture.seconds,
            without=-cost * self.picture.lengths,
            may_play=~self.picture.is_silent,
            border_costs=np.where(self.picture.is_inner, INNER_BORDER_COST, 0.0),
            begin_costs=np.concatenate([[0.0], begin]),
            tracks=self.placements,
            costs=Costs(
                change=change * (1.0 - self._kinship()),
                stop=stop,
                fewest_seconds=self.wishes.fewest_seconds,
                short=SHORT_COST,
            ),
        )

    def masked_share(self, place: int, start: float, end: float) -> float:
        """How much of the voice a track would cover, as its mean spectrum says.

        Args:
            place: Of the track.
            start: Of a stretch between borders, in seconds of the video.
            end: Likewise.

        Returns:
            0 to 1; 0 where nobody speaks.
        """
        borders, slack = self.picture.seconds, self.picture.half_frame
        inside = (borders[:-1] >= start - slack) & (borders[1:] <= end + slack)
        spoken = float(spoken_seconds(self.voices, borders)[inside].sum())
        return float(self._masked[inside, place].sum()) / spoken if spoken else 0.0

    @cached_property
    def _masked(self) -> NDArray[np.float64]:
        """Seconds of voice that each track would cover in each piece, shape (pieces, tracks)."""
        spoken = spoken_seconds(self.voices, self.picture.seconds)
        wanted = spoken @ self.confidences
        heard = np.argsort(-wanted, kind="stable")[:MOST_LISTENED]
        lost = np.full(self.confidences.shape, np.nan)
        for place in heard.tolist():
            track = self.shapes[place].track
            levels = self.listener.levels_db(track)
            if levels is not None and len(levels):
                music = mean_levels_db(levels) + gain_db(track.loudness_lufs)
                lost[:, place] = masked_seconds(self.voices, music, self.picture.seconds)
        known = ~np.isnan(lost[0])
        typical = lost[:, known].mean(axis=1) if known.any() else np.zeros(len(lost))
        return np.where(np.isnan(lost), typical[:, None], lost)

    def _kinship(self) -> NDArray[np.float64]:
        """Share of the cost of a change that is saved from each track to each."""
        tracks = [shape.track for shape in self.shapes]
        saved = np.array([[_kin(before, after) for after in tracks] for before in tracks])
        saved = saved.reshape(len(tracks), len(tracks))
        np.fill_diagonal(saved, INNER_SHARE)
        return saved


def _kin(before: ShownTrack, after: ShownTrack) -> float:
    return KINSHIP * (_same_tempo(before.bpm, after.bpm) + _near_key(before.key, after.key))


def _same_tempo(before: float, after: float) -> bool:
    """Whether two tempos are nearly alike, or one nearly half of the other."""
    if min(before, after) <= 0:
        return False
    octaves = math.log2(after / before)
    return abs(octaves - round(octaves)) <= math.log2(1 + SAME_TEMPO)


def _near_key(before: str, after: str) -> bool:
    """Whether two keys are the same, relatives, or a fifth apart."""
    if before not in KEYS or after not in KEYS:
        return False
    tonics = len(KEYS) // 2
    places = [KEYS.index(key) for key in (before, after)]
    # A minor key has the notes of the major key three semitones above it.
    notes = [(place + (3 if place >= tonics else 0)) % tonics for place in places]
    return (notes[0] - notes[1]) % tonics in {0, 5, 7}
