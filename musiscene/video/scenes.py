"""Groups shots into scenes: neighbours that look alike, and shots that a later one returns to.

A dialogue cuts back and forth between like pictures. Each shot looks a while ahead for shots like
itself; what lies between two like shots belongs to one scene. A fade or dissolve ends a scene, as
editors mean it to. Scenes too short for music of their own join the neighbour that looks more like
them; one that goes on for minutes is parted where it changes most.

Source: Yeung and Yeo 1996, Time-constrained clustering for segmentation of video into story units
(the window in time); Hanjalic, Lagendijk and Biemond 1999, Automated high-level movie segmentation,
section III (overlapping links); here on histograms and thumbnails in Lab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from musiscene.video.analysis import Shot

WINDOW_SECONDS = 30.0
"""How far ahead a shot looks for one like itself."""
MOST_SHOTS_AHEAD = 12
ALIKE = 0.30
"""Distance up to which two shots show one place: the histograms share over half of their mass."""
LEAST_SCENE_SECONDS = (3.0, 8.0)
"""The shortest scene, in a short and in a long video."""
LEAST_SCENE_SHARE = 1 / 40
"""Of the video, between those two."""
LONGEST_SECONDS = 90.0
"""A longer scene is parted, if it has shots enough."""
SEAM_SECONDS = 12.0
"""Before and after a seam, the picture is compared over this time."""
FADE_COST = 0.5
"""Added to the distance across a fade."""
BINS = 6
"""Of the histogram, on each axis of Lab."""
MOST_FRAMES = 24
"""Of a shot that its picture is summed from."""
LAYOUT_SCALE = 40.0
"""Mean difference of 8-bit Lab values at which two layouts have nothing in common."""


class ShotLook:
    """What a stretch of picture looks like, on the whole.

    Args:
        colours: Share of each colour, shape (BINS ** 3,).
        layout: Mean thumbnail in Lab, shape (8, 8, 3).
        weight: Seconds that it stands for.
    """

    def __init__(
        self, colours: NDArray[np.float64], layout: NDArray[np.float64], weight: float
    ) -> None:
        self.colours = colours
        self.layout = layout
        self.weight = weight

    def distance(self, other: ShotLook) -> float:
        """How unlike two looks are, 0 to 1."""
        colours = 0.5 * float(np.abs(self.colours - other.colours).sum())
        layout = min(1.0, float(np.abs(self.layout - other.layout).mean()) / LAYOUT_SCALE)
        return (colours + layout) / 2

    def joined(self, other: ShotLook) -> ShotLook:
        """The look of both together."""
        weight = self.weight + other.weight
        share = self.weight / weight if weight else 0.5
        return ShotLook(
            share * self.colours + (1 - share) * other.colours,
            share * self.layout + (1 - share) * other.layout,
            weight,
        )


def shot_look(frames: NDArray[Any], seconds: float) -> ShotLook:
    """What a shot looks like.

    Args:
        frames: Of the shot, dtype `FRAME`, shape (frames,); at least one.
        seconds: Its length.

    Returns:
        Its colours and layout.
    """
    import cv2

    count = min(MOST_FRAMES, len(frames))
    thumbs = frames["thumb"][((np.arange(count) + 0.5) / count * len(frames)).astype(int)]
    lab = cv2.cvtColor(thumbs.reshape(count, -1, 3), cv2.COLOR_BGR2LAB)
    # Colours of real pictures fill but the middle half of the two colour axes.
    bins = np.empty(lab.shape, dtype=np.int64)
    bins[..., 0] = lab[..., 0].astype(np.int64) * BINS // 256
    bins[..., 1:] = np.clip((lab[..., 1:].astype(np.int64) - 64) * BINS // 128, 0, BINS - 1)
    places = (bins[..., 0] * BINS + bins[..., 1]) * BINS + bins[..., 2]
    colours = np.bincount(places.ravel(), minlength=BINS**3) / places.size
    layout = lab.reshape(count, *thumbs.shape[1:]).astype(np.float64).mean(axis=0)
    return ShotLook(colours, layout, seconds)


def group_shots(shots: Sequence[Shot], looks: Sequence[ShotLook]) -> list[tuple[int, int]]:
    """The first and the last shot of each scene.

    Args:
        shots: Of the video, in order; at least one.
        looks: Of each.

    Returns:
        In order, without gaps.
    """
    starts = _linked(shots, looks)
    ends = [*(start - 1 for start in starts[1:]), len(shots) - 1]
    merged = _long_enough(shots, looks, list(zip(starts, ends, strict=True)))
    return [part for scene in merged for part in _parted(shots, looks, *scene)]


def _linked(shots: Sequence[Shot], looks: Sequence[ShotLook]) -> list[int]:
    """First shots of scenes, by overlapping links."""
    starts = [0]
    reach = 0
    for place in range(len(shots)):
        if place > reach or (place and _is_fade(shots, place)):
            starts += [place] if place else []
            reach = place
        reach = max(reach, _furthest_like(shots, looks, place))
    return starts


def _furthest_like(shots: Sequence[Shot], looks: Sequence[ShotLook], place: int) -> int:
    furthest = place
    for ahead in range(place + 1, min(len(shots), place + 1 + MOST_SHOTS_AHEAD)):
        is_far = shots[ahead].start_seconds - shots[place].end_seconds > WINDOW_SECONDS
        if is_far or _is_fade(shots, ahead):
            break
        if looks[place].distance(looks[ahead]) <= ALIKE:
            furthest = ahead
    return furthest


def _is_fade(shots: Sequence[Shot], place: int) -> bool:
    return shots[place].begins == "fade"


def _long_enough(
    shots: Sequence[Shot], looks: Sequence[ShotLook], scenes: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Join the shortest scene to a neighbour until none is too short."""
    needed = _needed_seconds(shots)
    views = [_joined(looks[first : last + 1]) for first, last in scenes]
    lengths = [shots[last].end_seconds - shots[first].start_seconds for first, last in scenes]
    while len(scenes) > 1 and min(lengths) < needed:
        short = lengths.index(min(lengths))
        after = _better_seam(shots, scenes, views, lengths, short)
        scenes[after - 1] = (scenes[after - 1][0], scenes[after][1])
        views[after - 1] = views[after - 1].joined(views[after])
        lengths[after - 1] += lengths[after]
        del scenes[after], views[after], lengths[after]
    return scenes


def _better_seam(
    shots: Sequence[Shot],
    scenes: Sequence[tuple[int, int]],
    views: Sequence[ShotLook],
    lengths: Sequence[float],
    short: int,
) -> int:
    """Number of the scene whose beginning is given up, so that a short one is joined."""

    def cost(after: int) -> float:
        apart = views[after - 1].distance(views[after])
        is_long = lengths[after - 1] + lengths[after] > LONGEST_SECONDS
        return apart + FADE_COST * _is_fade(shots, scenes[after][0]) + is_long

    return min((seam for seam in (short, short + 1) if 0 < seam < len(scenes)), key=cost)


def _parted(
    shots: Sequence[Shot], looks: Sequence[ShotLook], first: int, last: int
) -> list[tuple[int, int]]:
    """A scene, or its parts where it is too long."""
    waiting, parts = [(first, last)], []
    while waiting:
        first, last = waiting.pop()
        seam = _widest_seam(shots, looks, first, last)
        if seam is None:
            parts.append((first, last))
        else:
            waiting += [(seam, last), (first, seam - 1)]
    return parts


def _widest_seam(
    shots: Sequence[Shot], looks: Sequence[ShotLook], first: int, last: int
) -> int | None:
    """The shot before which a long scene changes most; None where it is to stay whole."""
    start, end = shots[first].start_seconds, shots[last].end_seconds
    margin = max((end - start) / 4, _needed_seconds(shots))
    seams = [
        place
        for place in range(first + 1, last + 1)
        if start + margin <= shots[place].start_seconds <= end - margin
    ]
    if end - start <= LONGEST_SECONDS or not seams:
        return None

    def change(seam: int) -> float:
        at = shots[seam].start_seconds
        before, after = seam - 1, seam
        while before > first and at - shots[before].start_seconds < SEAM_SECONDS:
            before -= 1
        while after < last and shots[after].end_seconds - at < SEAM_SECONDS:
            after += 1
        return _joined(looks[before:seam]).distance(_joined(looks[seam : after + 1]))

    return max(seams, key=change)


def _needed_seconds(shots: Sequence[Shot]) -> float:
    least, most = LEAST_SCENE_SECONDS
    return min(most, max(least, LEAST_SCENE_SHARE * shots[-1].end_seconds))


def _joined(looks: Sequence[ShotLook]) -> ShotLook:
    whole = looks[0]
    for look in looks[1:]:
        whole = whole.joined(look)
    return whole
