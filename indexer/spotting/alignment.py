"""Which shots of one cut of a video are those of another, and where its moments went.

Source: Needleman and Wunsch 1970, A general method applicable to the search for similarities in the
amino acid sequence of two proteins, Journal of Molecular Biology 48(3); gaps cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import numpy as np

from musiscene.video.analysis import Shot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from musiscene.video.analysis import VideoScene

    Likeness: TypeAlias = Callable[[str, str], float]

SAME_SHOT: Final = 0.6
"""Likeness from which two shots are taken for the same."""
MOST_COMPARED: Final = 60_000
"""Pairs of shots; of longer videos only those are compared that lie about as far in."""
LEAST_BAND: Final = 40
KEPT_SHARE: Final = 0.9
"""Of the seconds of a scene that must be found in the other cut, both ways."""


class ShotPair(msgspec.Struct, frozen=True):
    """A shot in both cuts."""

    old: Shot
    new: Shot


class CutMap(msgspec.Struct, frozen=True, kw_only=True):
    """Where the frames of an old cut are in a new one."""

    pairs: tuple[ShotPair, ...]
    """In the order of the old cut."""

    def within(self, start_frame: int, end_frame: int) -> list[ShotPair]:
        """The shots that are still there of a stretch of the old cut."""
        return [
            pair
            for pair in self.pairs
            if pair.old.start_frame < end_frame and pair.old.end_frame > start_frame
        ]

    def span(self, start_frame: int, end_frame: int) -> tuple[int, int] | None:
        """Where a stretch is now.

        Args:
            start_frame: In the old cut.
            end_frame: Likewise.

        Returns:
            From what is left of its first shots to what is left of its last; None where nothing is,
            or where its shots were taken apart.
        """
        left = self.within(start_frame, end_frame)
        if not left:
            return None
        first, last = left[0], left[-1]
        start = first.new.start_frame + max(0, start_frame - first.old.start_frame)
        start = min(start, first.new.end_frame - 1)
        end = last.new.end_frame - max(0, last.old.end_frame - end_frame)
        end = max(end, last.new.start_frame + 1)
        return (start, end) if start < end else None

    def frame(self, frame: int) -> int | None:
        """Where a frame is now; None where its shot is gone."""
        for pair in self.pairs:
            if pair.old.start_frame <= frame < pair.old.end_frame:
                moved = pair.new.start_frame + frame - pair.old.start_frame
                return min(moved, pair.new.end_frame - 1)
        return None


def align(old: Sequence[Shot], new: Sequence[Shot], likeness: Likeness) -> CutMap:
    """Find the shots of one cut in another.

    Args:
        old: Shots of the first cut, in order.
        new: Of the second.
        likeness: Of two fingerprints, 0 to 1.

    Returns:
        Pairs in order, as many and as like as possible; then, of the shots left over, those that
        are the same though they stand elsewhere.
    """
    alike = _likenesses(old, new, likeness)
    found = _in_order(np.where(alike >= SAME_SHOT, alike, 0.0))
    taken_old, taken_new = {one for one, _ in found}, {other for _, other in found}
    rest = [
        (float(alike[one, other]), one, other)
        for one, other in np.argwhere(alike >= SAME_SHOT).tolist()
        if one not in taken_old and other not in taken_new
    ]
    for _, one, other in sorted(rest, reverse=True):
        if one not in taken_old and other not in taken_new:
            found.append((one, other))
            taken_old.add(one)
            taken_new.add(other)
    return CutMap(pairs=tuple(ShotPair(old[one], new[other]) for one, other in sorted(found)))


def kept_scenes(
    cuts: CutMap, old: Sequence[VideoScene], new: Sequence[VideoScene]
) -> dict[int, VideoScene]:
    """The scenes of a new cut that were in the old one.

    Args:
        cuts: Of both cuts.
        old: Scenes of the first cut.
        new: Of the second.

    Returns:
        Number of the new scene -> the old one. Where another new scene shows the same, the first.
    """
    shared: dict[tuple[int, int], int] = {}
    for pair in cuts.pairs:
        before, after = _scene_of(old, pair.old), _scene_of(new, pair.new)
        frames = min(
            pair.old.end_frame - pair.old.start_frame, pair.new.end_frame - pair.new.start_frame
        )
        shared[before, after] = shared.get((before, after), 0) + frames
    kept: dict[int, VideoScene] = {}
    for (before, after), frames in sorted(shared.items()):
        longest = max(_frames(old[before]), _frames(new[after]))
        if frames >= KEPT_SHARE * longest and after not in kept:
            kept[after] = old[before]
    return kept


def _likenesses(
    old: Sequence[Shot], new: Sequence[Shot], likeness: Likeness
) -> NDArray[np.float64]:
    """Of the pairs that are compared; 0 for the others."""
    alike = np.zeros((len(old), len(new)))
    band = len(new)
    if len(old) * len(new) > MOST_COMPARED:
        band = max(LEAST_BAND, MOST_COMPARED // (2 * len(old)))
    for one, before in enumerate(old):
        middle = one * len(new) // len(old)
        for other in range(max(0, middle - band), min(len(new), middle + band + 1)):
            alike[one, other] = likeness(before.fingerprint, new[other].fingerprint)
    return alike


def _in_order(alike: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs in rising order whose likenesses sum to most."""
    best = np.zeros((alike.shape[0] + 1, alike.shape[1] + 1))
    for row, values in enumerate(alike, start=1):
        with_pair = np.maximum(best[row - 1, 1:], best[row - 1, :-1] + values)
        best[row, 1:] = np.maximum.accumulate(with_pair)
    found: list[tuple[int, int]] = []
    row, column = alike.shape
    while row and column:
        if best[row, column] == best[row, column - 1]:
            column -= 1
        elif best[row, column] == best[row - 1, column]:
            row -= 1
        else:
            row, column = row - 1, column - 1
            found.append((row, column))
    return found[::-1]


def _scene_of(scenes: Sequence[VideoScene], shot: Shot) -> int:
    middle = (shot.start_frame + shot.end_frame) // 2
    return next(place for place, scene in enumerate(scenes) if middle < scene.end_frame)


def _frames(scene: VideoScene) -> int:
    return scene.end_frame - scene.start_frame
