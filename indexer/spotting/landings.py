"""What of a track meets what of the picture, and by how many frames it misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.spotting.cue_plan import Landing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from indexer.spotting.picture import Picture
    from indexer.spotting.track_shape import TrackShape


def landings_of(
    shape: TrackShape, picture: Picture, *, start: float, end: float, source_start: float
) -> tuple[Landing, ...]:
    """The moments of a stretch of picture that a track meets within half a frame.

    Args:
        shape: The track.
        picture: The video.
        start: Of the stretch, in seconds of the video.
        end: Likewise.
        source_start: What of the track sounds at `start`.

    Returns:
        In the order of time: beginnings of scenes and wished moments, and cuts that a turn meets.
    """
    offset = source_start - start
    found: list[Landing] = []
    for moment in _moments(picture, start, end):
        is_last = abs(moment - end) <= picture.half_frame
        if is_last:
            times, kinds = np.array([shape.points.sound_end]), ["ending"]
        else:
            times, kinds = shape.turn_seconds, [turn.kind for turn in shape.turns]
        nearest = int(np.abs(times - offset - moment).argmin())
        late = float(times[nearest] - offset - moment)
        if abs(late) <= picture.half_frame + 1e-6:
            found.append(
                Landing(
                    kind=kinds[nearest],  # type: ignore[arg-type]
                    video_seconds=round(float(moment), 6),
                    track_seconds=round(float(times[nearest]), 6),
                    residual_frames=round(late * float(picture.rate), 3) + 0.0,
                )
            )
    return tuple(found)


def missed(wished: tuple[float, ...], landings: list[Landing], half_frame: float) -> list[float]:
    """The moments asked for on which nothing lands."""
    met = [landing.video_seconds for landing in landings]
    return [moment for moment in wished if all(abs(moment - one) > half_frame for one in met)]


def _moments(picture: Picture, start: float, end: float) -> NDArray[np.float64]:
    borders = picture.seconds[picture.border_worths > 0]
    known = np.union1d(borders, picture.moments.seconds)
    slack = picture.half_frame
    inside: NDArray[np.float64] = known[(known >= start - slack) & (known <= end + slack)]
    return inside
