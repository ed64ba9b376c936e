"""Where one shot ends and the next begins, by what the detectors saw and what then stayed.

PySceneDetect's detectors propose; a proposal counts when the picture does not return a moment later
(a flash) and is not part of a fade. Fades and dissolves are added. A shot shorter than a seventh of
a second is no shot: nothing can be cut to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from musiscene.video.analysis import ShotStart
from musiscene.video.shots_dissolves import find_dissolves
from musiscene.video.shots_fades import find_blanks
from musiscene.video.shots_gaps import gap, steps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from musiscene.video.shots_fades import Blank

LEAST_SHOT_SECONDS = 0.14
LEAST_SHOT_FRAMES = 4
"""Three bright frames are a flash at any rate."""
BLACK_SHOT_SECONDS = 1.0
"""From this on, blackness after a cut is a shot of its own."""
RETURNED = 0.35
"""Share of a change that is left when the picture has come back after a flash."""
LONE = 2.5
"""Times the usual change around it, above which a change that only ContentDetector saw counts."""
LEAST_LEVELS = 4.0
"""By which thumbnails differ at a cut, of 255 levels: hues of grey pictures waver without one."""
AROUND_FRAMES = 6
FULL_GAP = 96.0
"""Mean difference of colours, of 255 levels, that counts as a change of the whole picture."""
DISSOLVE_MARGIN_FRAMES = 2


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """Where a shot begins."""

    place: int
    """Of its first frame among the decoded ones."""
    begins: ShotStart
    strength: float
    """0 to 1."""


def find_boundaries(
    frames: NDArray[Any], *, content: AbstractSet[int], adaptive: AbstractSet[int], rate: float
) -> list[Boundary]:
    """Every place where a shot begins, the first frame included.

    Args:
        frames: Of the video, dtype `FRAME`, shape (frames,); at least one.
        content: What ContentDetector proposed.
        adaptive: What AdaptiveDetector proposed.
        rate: Frames a second.

    Returns:
        In order.
    """
    least = max(LEAST_SHOT_FRAMES, math.ceil(LEAST_SHOT_SECONDS * rate))
    changes = steps(frames)
    proposed = {place for place in adaptive if changes[place] > LEAST_LEVELS}
    proposed |= _lone(changes, content)
    blanks = find_blanks(frames)
    kept = _without_flashes(frames, changes, _outside(proposed, blanks), least)
    found = {place: _boundary(frames, place, place - 1, place, "cut") for place in kept}
    for blank in blanks:
        _apply_blank(found, frames, blank, least=least, rate=rate)
    for middle, half in find_dissolves(frames, rate=rate):
        _apply_dissolve(found, frames, middle, half, blanks)
    ordered = [found[place] for place in sorted(found) if least <= place <= len(frames) - least]
    return [Boundary(place=0, begins="start", strength=1.0), *_apart(ordered, least)]


def _lone(changes: NDArray[np.float32], content: Iterable[int]) -> set[int]:
    """Those proposals that stand out from the frames around them."""
    kept = set()
    for place in content:
        around = changes[max(1, place - AROUND_FRAMES) : place + AROUND_FRAMES + 1]
        if changes[place] > LONE * float(np.median(around)) + LEAST_LEVELS:
            kept.add(place)
    return kept


def _outside(proposed: Iterable[int], blanks: Iterable[Blank]) -> list[int]:
    """Those proposals that lie neither in a fade nor in a blank run; its hard edges stay."""
    kept = set(proposed)
    for blank in blanks:
        first = blank.ramp_start if blank.fades_out else blank.start + 1
        last = blank.ramp_end if blank.fades_in else blank.end - 1
        kept -= set(range(first, last + 1))
    return sorted(kept)


def _without_flashes(
    frames: NDArray[Any], changes: NDArray[np.float32], proposed: list[int], least: int
) -> list[int]:
    """One place for each lasting change; none where the picture returns at once."""
    lasting = [place for place in proposed if not _returns(frames, changes, place, least)]
    kept: list[int] = []
    for place in lasting:
        if not kept or place - kept[-1] >= least:
            kept.append(place)
        elif _is_bright_between(frames, kept[-1], place) or changes[place] > changes[kept[-1]]:
            kept[-1] = place
    return kept


def _returns(frames: NDArray[Any], changes: NDArray[np.float32], place: int, least: int) -> bool:
    still = RETURNED * float(changes[place])
    last = len(frames) - 1
    ahead = range(1, min(least, last - place) + 1)
    back = range(1, min(least, place - 1) + 1)
    return any(gap(frames, place - 1, place + step) < still for step in ahead) or any(
        gap(frames, place - 1 - step, place) < still for step in back
    )


def _is_bright_between(frames: NDArray[Any], first: int, second: int) -> bool:
    """Whether a flash hides the cut: the new picture is there when it is over."""
    luma = frames["luma"]
    return bool(luma[first:second].min() > max(luma[first - 1], luma[second]))


def _apply_blank(
    found: dict[int, Boundary], frames: NDArray[Any], blank: Blank, *, least: int, rate: float
) -> None:
    """Put what a blank run means in place of the cuts at its edges."""
    length = blank.end - blank.start
    before, after = blank.ramp_start - 1, min(blank.ramp_end, len(frames) - 1)
    is_at_edge = blank.start == 0 or blank.end == len(frames)
    if length < BLACK_SHOT_SECONDS * rate:
        found.pop(blank.start, None)
    if is_at_edge:
        return
    is_flash = length < least and not (blank.fades_out and blank.fades_in)
    if is_flash and gap(frames, before, after) < RETURNED * gap(frames, before, blank.start):
        found.pop(blank.end, None)
        return
    found.pop(blank.end, None)
    fades = blank.fades_out or blank.fades_in
    found[blank.appears] = _boundary(
        frames, blank.appears, before, after, "fade" if fades else "cut"
    )


def _apply_dissolve(
    found: dict[int, Boundary],
    frames: NDArray[Any],
    middle: int,
    half: int,
    blanks: Iterable[Blank],
) -> None:
    reach = half + DISSOLVE_MARGIN_FRAMES
    is_taken = any(abs(place - middle) <= reach for place in found) or any(
        blank.ramp_start - reach <= middle <= blank.ramp_end + reach for blank in blanks
    )
    if not is_taken:
        found[middle] = _boundary(frames, middle, middle - half, middle + half, "fade")


def _boundary(
    frames: NDArray[Any], place: int, before: int, after: int, begins: ShotStart
) -> Boundary:
    strength = min(1.0, gap(frames, before, after) / FULL_GAP)
    return Boundary(place=place, begins=begins, strength=strength)


def _apart(boundaries: Iterable[Boundary], least: int) -> list[Boundary]:
    kept: list[Boundary] = []
    for boundary in boundaries:
        if not kept or boundary.place - kept[-1].place >= least:
            kept.append(boundary)
        elif boundary.strength > kept[-1].strength:
            kept[-1] = boundary
    return kept
