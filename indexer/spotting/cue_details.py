"""A cue with everything that is said of it: fit, landings, fades, ducks, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.cut_points import CUT_WORDS, cut_name
from indexer.matching.explain import matched_track
from indexer.spotting.cue_plan import Cue, CueTrack
from indexer.spotting.cue_values import samples_of
from indexer.spotting.landings import landings_of
from indexer.spotting.levels import fades, gain_db
from indexer.spotting.picture import seconds_of
from indexer.spotting.voices import ducks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from indexer.spotting.cue_plan import Duck, Landing
    from indexer.spotting.material import Material

ALTERNATIVES: Final = 5
FLAT: Final = 1e-3
"""Standard deviation of a course below which there is nothing to keep in step with."""
LANDING_WORDS: Final = {
    "turn": "the music turns", "peak": "it is loudest", "start": "it begins",
    "ending": "it ends",
}  # fmt: skip
STEP_WORDS: Final = ((0.5, "keeps in step with"), (0.15, "follows"), (-0.15, "goes beside"))


class CueDetails:
    """Says what can be said of a track under a stretch of picture.

    Args:
        material: Of the plan.
    """

    def __init__(self, material: Material) -> None:
        self._material = material
        self._levels: dict[int, NDArray[np.float32] | None] = {}

    def cue_track(
        self,
        place: int,
        start_frame: int,
        end_frame: int,
        source_start: float,
        *,
        is_heard: bool = True,
    ) -> CueTrack:
        """A track under a stretch.

        Args:
            place: Of the track among those of the material.
            start_frame: Of the stretch.
            end_frame: Likewise.
            source_start: What of the track sounds at its first frame, in seconds.
            is_heard: Whether its masking is taken from what sounds there, and not from its mean
                spectrum, which need not be heard anew.

        Returns:
            The track, with what it meets and why it is there.
        """
        shape, picture = self._material.shapes[place], self._material.picture
        start, end = self._seconds(start_frame), self._seconds(end_frame)
        source_start = round(min(max(source_start, 0.0), shape.seconds), 6)
        weights = np.maximum(
            np.minimum(picture.seconds[1:], end) - np.maximum(picture.seconds[:-1], start), 0.0
        )
        weights /= max(weights.sum(), 1e-9)
        landings = landings_of(shape, picture, start=start, end=end, source_start=source_start)
        scores = np.nan_to_num(self._material.scores[:, place], neginf=0.0)  # not indexed yet
        confidence = float(weights @ self._material.confidences[:, place])
        energy_fit = self._energy_fit(place, start, end, source_start)
        masking = 0.0
        if is_heard:
            _, masking = self._ducks(place, start, end, source_start)
        elif self._material.voices:
            masking = self._material.masked_share(place, start, end)
        return CueTrack(
            track=matched_track(shape.track),
            source_start_seconds=source_start,
            confidence=round(confidence, 4),
            fit=round(float(weights @ scores), 4),
            energy_fit=round(energy_fit, 3),
            masking=round(masking, 3),
            starts_at=cut_name(source_start, shape.points.starts),
            ends_at=cut_name(source_start + end - start, shape.points.ends),
            landings=landings,
            reason=self._reason(
                place,
                (source_start, source_start + end - start),
                (confidence, energy_fit, masking),
                landings,
            ),
        )

    def alternatives(self, first: int, last: int, chosen: int | None) -> tuple[CueTrack, ...]:
        """Other tracks from one border to another, best first.

        Args:
            first: Border at which the cue begins.
            last: Border at which it ends.
            chosen: Place of the track that is there; None for none.

        Returns:
            At most `ALTERNATIVES`, each where it is worth most.
        """
        found = [
            (best, place)
            for place, placements in enumerate(self._material.placements)
            if place != chosen and (best := placements.best(first, last)) is not None
        ]
        found.sort(key=lambda one: -one[0][0])
        frames, seconds = self._material.picture.frames, self._material.picture.seconds
        return tuple(
            self.cue_track(
                place,
                int(frames[first]),
                int(frames[last]),
                float(seconds[first]) + offset,
                is_heard=False,
            )
            for (_, offset), place in found[:ALTERNATIVES]
        )

    def detailed(self, cue: Cue) -> Cue:
        """A cue with its chosen track's details measured anew for where it stands.

        Args:
            cue: Whose track is among those of the material; others are left as they are.

        Returns:
            The same stretch, with gain, fades, ducks and landings.
        """
        cue = msgspec.structs.replace(
            cue,
            start_seconds=self._seconds(cue.start_frame),
            end_seconds=self._seconds(cue.end_frame),
        )
        cue = msgspec.structs.replace(cue, alternatives=cue.alternatives or self._others(cue))
        place = self._material.place_of.get(cue.chosen.track.id) if cue.chosen else None
        if cue.chosen is None:
            return msgspec.structs.replace(
                cue, fade_in_seconds=0.0, fade_out_seconds=0.0, gain_db=0.0, ducks=()
            )
        if place is None:  # it has left the library, and goes on as it is known
            return cue
        source_start = cue.chosen.source_start_seconds
        chosen = self.cue_track(place, cue.start_frame, cue.end_frame, source_start)
        fade_in, fade_out = fades(chosen.starts_at, chosen.ends_at, cue.seconds)
        ducks, _ = self._ducks(place, cue.start_seconds, cue.end_seconds, source_start)
        return msgspec.structs.replace(
            cue,
            chosen=chosen,
            fade_in_seconds=fade_in,
            fade_out_seconds=fade_out,
            gain_db=gain_db(self._material.shapes[place].track.loudness_lufs),
            ducks=ducks,
        )

    def _others(self, cue: Cue) -> tuple[CueTrack, ...]:
        """Alternatives for a cue that has none; borders of cues are borders of the picture."""
        frames = self._material.picture.frames
        first, last = np.searchsorted(frames, [cue.start_frame, cue.end_frame]).tolist()
        if self._material.picture.is_silent[first:last].all():
            return ()
        place = self._material.place_of.get(cue.chosen.track.id) if cue.chosen else None
        return self.alternatives(first, last, place)

    def _seconds(self, frame: int) -> float:
        return seconds_of(frame, self._material.picture.rate)

    def _ducks(
        self, place: int, start: float, end: float, source_start: float
    ) -> tuple[tuple[Duck, ...], float]:
        voices = [
            voice
            for voice in self._material.voices
            if voice.end_seconds > start and voice.start_seconds < end
        ]
        if not voices:
            return (), 0.0
        track = self._material.shapes[place].track
        return ducks_of(
            voices,
            self._material.listener.levels_db(track),
            start_seconds=start,
            end_seconds=end,
            source_start_seconds=source_start,
            gain_db=gain_db(track.loudness_lufs),
            deepest_db=self._material.wishes.under_speech_db,
        )

    def _energy_fit(self, place: int, start: float, end: float, source_start: float) -> float:
        """Correlation of the track's course with the picture's; 0 where one is flat."""
        seconds, lengths, levels, _ = samples_of(self._material.picture)
        inside = (seconds > start) & (seconds < end)
        level = self._material.shapes[place].level
        past = (seconds[inside] - start + source_start).astype(np.intp)
        pair = np.stack([levels[inside], level[np.clip(past, 0, len(level) - 1)]])
        weights = lengths[inside]
        if pair.shape[1] < 2 or weights.sum() <= 0:  # noqa: PLR2004  no course
            return 0.0
        away = pair - (pair @ weights / weights.sum())[:, None]
        covariance = (away * weights) @ away.T / weights.sum()
        deviations = np.sqrt(np.diag(covariance))
        if deviations.min() < FLAT:
            return 0.0
        return float(covariance[0, 1] / deviations.prod())

    def _reason(
        self,
        place: int,
        source: tuple[float, float],
        measured: tuple[float, float, float],
        landings: Sequence[Landing],
    ) -> str:
        """Why a track is there: where it is cut, and its confidence, energy fit and masking."""
        confidence, energy_fit, masking = measured
        points = self._material.shapes[place].points
        starts_at, ends_at = cut_name(source[0], points.starts), cut_name(source[1], points.ends)
        step = next((words for least, words in STEP_WORDS if energy_fit >= least), "goes against")
        parts = [
            f"It fits what is seen with a chance of {confidence:.0%}",
            f"its energy {step} the picture ({energy_fit:+.2f})",
            f"it comes in at {clock(source[0])} of the track, {CUT_WORDS[starts_at]}",
            f"and goes out at {clock(source[1])}, {CUT_WORDS[ends_at]}",
        ]
        if landings:
            met = [f"{LANDING_WORDS[one.kind]} at {clock(one.video_seconds)}" for one in landings]
            parts.append("on the cut, " + ", ".join(met[:3]))
        if masking >= 0.05:  # noqa: PLR2004  what is worth a word
            parts.append(f"without ducking it would cover {masking:.0%} of the voice")
        return "; ".join(parts) + "."


def clock(seconds: float) -> str:
    """A moment as people read it, such as `1:02.5`."""
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths / 10:04.1f}"
