"""A way from one track to another over tracks that lie between them, each near the one before.

The captions of a track have a mean; the way follows the great circle from the mean of the first
track to that of the last. At even steps on it the nearest track that is not on the way yet is
taken, and the tracks are put into the order in which they lie on it. Tracks that are further from
both ends than these are from each other are passed over.

Source: the idea of song paths, Flexer et al. 2008, Playlist generation using start and end songs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from indexer.catalogue.models import Track
from indexer.errors import SeedError
from indexer.vectors.arrays import unit

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from indexer.catalogue.repository import Catalogue
    from indexer.vectors import VectorIndex

MAX_COUNT: Final = 500
NEAR_EACH_STEP: Final = 8
"""Tracks that are considered at a step, beside those that are on the way already."""
PARALLEL: Final = 1e-6
"""Sine of an angle below which two tracks say the same; there is no way between them to follow."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One track of the way."""

    track: Track
    """Its row, with segments, captions and tags."""
    similarity: float
    """To the first track of the way, 0 to 1, where 1 is the same."""


def find_path(
    catalogue: Catalogue, index: VectorIndex, start: UUID, end: UUID, *, count: int = 25
) -> list[Stop]:
    """Tracks that lead from one to another.

    Args:
        catalogue: The tracks.
        index: Their caption vectors.
        start: Where it begins.
        end: Where it ends.
        count: At most so many tracks, both ends among them.

    Returns:
        The stops, `start` first and `end` last; no recording twice but for the ends. A small
        library gives fewer than were asked for.

    Raises:
        TrackNotFoundError: If an end is not in the catalogue.
        SeedError: If an end has no captions in the index.
    """
    first, last = catalogue.track(start), catalogue.track(end)
    ends = [_mean_of(index, first), _mean_of(index, last)]
    if start == end:
        return [Stop(track=first, similarity=1.0)]
    between = _between(catalogue, index, ends, (first, last), min(count, MAX_COUNT) - 2)
    track_ids = [index.track_ids[ordinal] for ordinal in between]
    tracks = catalogue.tracks(track_ids)
    stops = [Stop(track=first, similarity=1.0)]
    for ordinal, track_id in zip(between, track_ids, strict=True):
        if track_id in tracks:
            near = _share(float(_mean(index, ordinal) @ ends[0]))
            stops.append(Stop(track=tracks[track_id], similarity=near))
    return [*stops, Stop(track=last, similarity=_share(float(ends[1] @ ends[0])))]


def along(start: NDArray[np.float32], end: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """Points at even distances on the great circle between two unit vectors, without its ends.

    Source: Shoemake 1985, Animating rotation with quaternion curves (slerp).

    Args:
        start: Shape (dimension,).
        end: Likewise; opposite to `start` there is no one way, and none is given.
        steps: How many points.

    Returns:
        Unit vectors, float32, shape (steps or 0, dimension).
    """
    angle = float(np.arccos(np.clip(start @ end, -1.0, 1.0)))
    if steps < 1 or np.sin(angle) < PARALLEL:
        return np.empty((0, len(start)), np.float32)
    shares = np.arange(1, steps + 1, dtype=np.float32)[:, None] / np.float32(steps + 1)
    points = np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end
    return unit(points.astype(np.float32))


def _between(
    catalogue: Catalogue,
    index: VectorIndex,
    ends: list[NDArray[np.float32]],
    tracks: tuple[Track, Track],
    steps: int,
) -> list[int]:
    """Ordinals of the tracks between the ends, in order."""
    points = along(ends[0], ends[1], steps)
    if not len(points):
        return []
    per_track = max(1, len(index) // max(len(index.track_ids), 1))
    depth = min(len(index), (steps + 2 + NEAR_EACH_STEP) * per_track)
    _, rows = index.search(points, top_k=depth)
    near = np.unique(index.rows["track"][rows.ravel()])
    recording_of = catalogue.recordings.of([index.track_ids[one] for one in near.tolist()])
    used = {track.recording_id or track.id for track in tracks}
    means = np.stack([_mean(index, int(ordinal)) for ordinal in near])
    # What is further from both ends than they are from each other would be a detour.
    is_between = np.maximum(means @ ends[0], means @ ends[1]) > ends[0] @ ends[1]
    near, means = near[is_between], means[is_between]
    likeness = points @ means.T
    chosen: list[int] = []
    for values in likeness:
        for place in np.argsort(-values, kind="stable").tolist():
            track_id = index.track_ids[int(near[place])]
            recording = recording_of.get(track_id, track_id)
            if recording not in used and track_id not in {one.id for one in tracks}:
                used.add(recording)
                chosen.append(place)
                break
    # How far along a track lies: the angle to the first end beside that to the last.
    ahead = {place: float(means[place] @ ends[1] - means[place] @ ends[0]) for place in chosen}
    return [int(near[place]) for place in sorted(chosen, key=lambda place: ahead[place])]


def _mean_of(index: VectorIndex, track: Track) -> NDArray[np.float32]:
    ordinal = index.track_ids.find(track.id)
    if ordinal is None or not (index.rows["track"] == ordinal).any():
        raise SeedError(
            f"{track.title or track.id}: nothing is said of it in the index; bring its file back "
            "and run `musiscene index` on its folder"
        )
    return _mean(index, ordinal)


def _mean(index: VectorIndex, ordinal: int) -> NDArray[np.float32]:
    """Of the captions of a track, as a unit vector, shape (dimension,)."""
    own = index.vectors(np.flatnonzero(index.rows["track"] == ordinal))
    mean: NDArray[np.float32] = unit(own.mean(axis=0, keepdims=True))[0]
    return mean


def _share(cosine: float) -> float:
    return round(min(max(cosine, 0.0), 1.0), 4)
