"""Cues side by side: another length for one of them, and no gaps left by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from indexer.spotting.cue_plan import Cue, CuePlan
from indexer.spotting.errors import CueEditError
from indexer.spotting.picture import scenes_under, seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT_OVER: Final = "Left over where a cue was trimmed."


def fitted_in(plan: CuePlan, changed: Cue) -> CuePlan:
    """Put a cue of another length in the place of the one with its id.

    Args:
        plan: As it is.
        changed: The cue, with its new frames.

    Returns:
        The plan, without gaps.

    Raises:
        CueEditError: If it would cover a pinned cue.
    """
    start, end = changed.start_frame, changed.end_frame
    others = [one for one in plan.cues if one.id != changed.id]
    pieces: list[Cue] = [changed]
    for one in others:
        if one.is_pinned and one.start_frame < end and one.end_frame > start:
            raise CueEditError(f"cue {one.id} is pinned and lies there; unpin it first")
        if one.start_frame < start:
            pieces.append(spanning(one, one.start_frame, min(one.end_frame, start), plan))
        if one.end_frame > end:
            # What is left behind a cue that was set into another goes by another name.
            is_second = one.start_frame < start
            rest = spanning(one, max(one.start_frame, end), one.end_frame, plan)
            name = free_name([*plan.cues, *pieces]) if is_second else one.id
            pieces.append(msgspec.structs.replace(rest, id=name))
    return msgspec.structs.replace(plan, cues=closed(pieces, plan))


def closed(cues: Sequence[Cue], plan: CuePlan) -> tuple[Cue, ...]:
    """Cues in order, with what lies between them filled.

    Args:
        cues: Which do not overlap.
        plan: Of the same video.

    Returns:
        The cues, where each gap belongs to a neighbour without music that is not pinned, or is a
        silence of its own.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_frame)
    done: list[Cue] = []
    reached = 0
    for cue in [*ordered, None]:
        start = plan.video.frames if cue is None else cue.start_frame
        if start > reached:
            if done and _takes_gaps(done[-1]):
                done[-1] = spanning(done[-1], done[-1].start_frame, start, plan)
            elif cue is not None and _takes_gaps(cue):
                cue = spanning(cue, reached, cue.end_frame, plan)  # noqa: PLW2901
            else:
                name = free_name([*plan.cues, *ordered, *done])
                done.append(silent_cue(None, name, reached, start, plan, LEFT_OVER))
        if cue is not None:
            done.append(cue)
            reached = cue.end_frame
    return tuple(done)


def free_name(cues: Sequence[Cue]) -> str:
    """An id that none of the cues has."""
    used = {cue.id for cue in cues}
    number = 1
    while f"c{number}" in used:
        number += 1
    return f"c{number}"


def _takes_gaps(cue: Cue) -> bool:
    return cue.kind == "silence" and not cue.is_pinned


def spanning(cue: Cue, start: int, end: int, plan: CuePlan) -> Cue:
    """A cue from one frame to another, its track where it lay against the picture.

    Args:
        cue: As it is.
        start: Its new first frame.
        end: The first frame after it.
        plan: Of its video.

    Returns:
        The cue, without alternatives where it has changed: they were placed for what it was.
    """
    if (start, end) == (cue.start_frame, cue.end_frame):
        return cue
    rate = plan.video.rate
    start_seconds, end_seconds = seconds_of(start, rate), seconds_of(end, rate)
    first_scene, last_scene = scenes_under(plan.scenes, start, end)
    chosen = cue.chosen
    if chosen is not None:
        moved = chosen.source_start_seconds + start_seconds - cue.start_seconds
        chosen = msgspec.structs.replace(
            chosen,
            source_start_seconds=round(moved, 6),
            landings=tuple(
                one for one in chosen.landings if start_seconds <= one.video_seconds <= end_seconds
            ),
        )
    return msgspec.structs.replace(
        cue,
        start_frame=start,
        end_frame=end,
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        first_scene=first_scene,
        last_scene=last_scene,
        chosen=chosen,
        ducks=tuple(
            msgspec.structs.replace(
                duck,
                start_seconds=max(duck.start_seconds, start_seconds),
                end_seconds=min(duck.end_seconds, end_seconds),
            )
            for duck in cue.ducks
            if duck.start_seconds < end_seconds and duck.end_seconds > start_seconds
        ),
        alternatives=(),
    )


def silent_cue(cue: Cue | None, name: str, start: int, end: int, plan: CuePlan, notice: str) -> Cue:
    """A stretch without music.

    Args:
        cue: That was there, whose usage it keeps; None for none.
        name: Its id.
        start: Its first frame.
        end: The first frame after it.
        plan: Of its video.
        notice: Why there is none.

    Returns:
        The cue.
    """
    first_scene, last_scene = scenes_under(plan.scenes, start, end)
    return Cue(
        id=name,
        kind="silence",
        start_frame=start,
        end_frame=end,
        start_seconds=seconds_of(start, plan.video.rate),
        end_seconds=seconds_of(end, plan.video.rate),
        first_scene=first_scene,
        last_scene=last_scene,
        usage=cue.usage if cue else "background",
        notice=notice,
    )
