"""Changes of a plan by hand: each gives a new plan, still without gaps and in whole frames.

What is said of a track under a cue (landings, ducks, fit) is measured by the planner, which has the
tracks: `CuePlanner.edit` makes these changes and measures anew.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from uuid import UUID

import msgspec

from indexer.spotting.cue_plan import Cue, CuePlan, CueTrack, Usage
from indexer.spotting.errors import CueEditError, CueNotFoundError
from indexer.spotting.picture import seconds_of
from indexer.spotting.side_by_side import fitted_in, silent_cue, spanning

Action: TypeAlias = Literal[
    "swap", "pin", "unpin", "mute", "unmute", "trim", "silence", "usage", "replan"
]
SILENCED: Final = "Taken out by hand."
SLACK_SECONDS: Final = 1e-3
"""By which a track may be shorter than its cue: less than a frame, and than is heard."""


class CueEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change of a plan."""

    action: Action
    cue: str | None = None
    """Id of the cue; None for `replan`."""
    track: UUID | None = None
    """For `swap`: any track of the library."""
    start_frame: int | None = None
    """For `trim`; None to leave it."""
    end_frame: int | None = None
    """Likewise."""
    source_start_seconds: float | None = None
    """For `trim` and `swap`: what of the track sounds at the cue's first frame; None to keep the
    track where it lies against the picture, or for the best place of a new one."""
    usage: Usage | None = None
    """For `usage`."""


def cue_of(plan: CuePlan, cue_id: str) -> Cue:
    """A cue of a plan.

    Args:
        plan: The plan.
        cue_id: Of the cue.

    Returns:
        The cue.

    Raises:
        CueNotFoundError: If the plan has none of this name.
    """
    for cue in plan.cues:
        if cue.id == cue_id:
            return cue
    raise CueNotFoundError(cue_id)


def applied(plan: CuePlan, edit: CueEdit) -> CuePlan:
    """Make a change that needs no library.

    Args:
        plan: As it is.
        edit: Anything but `replan`; `swap` to an alternative.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If the plan has no such cue.
        CueEditError: If it cannot be changed so.
    """
    if edit.cue is None:
        raise CueEditError(f"say which cue to {edit.action}")
    if edit.action in {"pin", "unpin"}:
        return pin(plan, edit.cue, is_pinned=edit.action == "pin")
    if edit.action in {"mute", "unmute"}:
        return mute(plan, edit.cue, is_muted=edit.action == "mute")
    if edit.action == "silence":
        return silence(plan, edit.cue)
    if edit.action == "usage" and edit.usage is not None:
        return set_usage(plan, edit.cue, edit.usage)
    if edit.action == "swap" and edit.track is not None:
        return swap(plan, edit.cue, edit.track)
    if edit.action != "trim":
        raise CueEditError(f"say which {'track' if edit.action == 'swap' else edit.action} to take")
    return trim(
        plan,
        edit.cue,
        start_frame=edit.start_frame,
        end_frame=edit.end_frame,
        source_start_seconds=edit.source_start_seconds,
    )


def swap(plan: CuePlan, cue_id: str, track_id: UUID) -> CuePlan:
    """Put one of a cue's alternatives in its place; the track before becomes an alternative.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        track_id: Of one of its alternatives; `CuePlanner.edit` takes any track of the library.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
        CueEditError: If the track is not among the alternatives, or the cue is pinned.
    """
    cue = cue_of(plan, cue_id)
    for other in cue.alternatives:
        if other.track.id == track_id:
            return put(plan, cue_id, other)
    raise CueEditError(f"cue {cue_id} has no alternative {track_id}; choose one of those it names")


def put(plan: CuePlan, cue_id: str, chosen: CueTrack) -> CuePlan:
    """Put a track into a cue, whatever is there.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        chosen: The track, placed for the cue's stretch.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
        CueEditError: If the cue is pinned, or the track is too short for it.
    """
    cue = _free(plan, cue_id)
    _check_source(cue, chosen, cue.start_frame, cue.end_frame, plan)
    others = [one for one in cue.alternatives if one.track.id != chosen.track.id]
    before = [cue.chosen] if cue.chosen and cue.chosen.track.id != chosen.track.id else []
    changed = msgspec.structs.replace(
        cue, kind="track", chosen=chosen, alternatives=(*before, *others), notice=None
    )
    return _with(plan, changed)


def pin(plan: CuePlan, cue_id: str, *, is_pinned: bool = True) -> CuePlan:
    """Approve a cue, so that a new plan leaves it as it is, or free it again.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        is_pinned: Whether it is approved.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
    """
    return _with(plan, msgspec.structs.replace(cue_of(plan, cue_id), is_pinned=is_pinned))


def mute(plan: CuePlan, cue_id: str, *, is_muted: bool = True) -> CuePlan:
    """Keep a cue in the plan without its sound, or let it sound again.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        is_muted: Whether it is without sound.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
    """
    return _with(plan, msgspec.structs.replace(cue_of(plan, cue_id), is_muted=is_muted))


def set_usage(plan: CuePlan, cue_id: str, usage: Usage) -> CuePlan:
    """Say how a cue sheet calls a cue.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        usage: As on a cue sheet.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
    """
    return _with(plan, msgspec.structs.replace(cue_of(plan, cue_id), usage=usage))


def silence(plan: CuePlan, cue_id: str) -> CuePlan:
    """Take the music out of a cue; its track becomes the first alternative.

    Args:
        plan: As it is.
        cue_id: Of the cue.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
        CueEditError: If the cue is pinned.
    """
    cue = _free(plan, cue_id)
    before = (cue.chosen,) if cue.chosen else ()
    changed = silent_cue(cue, cue.id, cue.start_frame, cue.end_frame, plan, SILENCED)
    return _with(plan, msgspec.structs.replace(changed, alternatives=(*before, *cue.alternatives)))


def trim(
    plan: CuePlan,
    cue_id: str,
    *,
    start_frame: int | None = None,
    end_frame: int | None = None,
    source_start_seconds: float | None = None,
) -> CuePlan:
    """Move a cue's in or out point, or its track under it.

    A neighbour that a cue grows over is shortened, or goes; one without music grows where a cue
    shrinks. Where a cue shrinks beside another with music, silence is left.

    Args:
        plan: As it is.
        cue_id: Of the cue.
        start_frame: Its new first frame; None to leave it.
        end_frame: The first frame after it; None to leave it.
        source_start_seconds: What of the track sounds at the first frame; None to keep the track
            where it lies against the picture.

    Returns:
        The new plan.

    Raises:
        CueNotFoundError: If there is no such cue.
        CueEditError: If the cue or one it would cover is pinned, the stretch is none of the video,
            or the track is too short for it.
    """
    cue = _free(plan, cue_id)
    start = cue.start_frame if start_frame is None else start_frame
    end = cue.end_frame if end_frame is None else end_frame
    if not 0 <= start < end <= plan.video.frames:
        raise CueEditError(
            f"a cue lies within frames 0 to {plan.video.frames} and has at least one; "
            f"{start} to {end} does not"
        )
    chosen = cue.chosen
    if chosen is not None:
        source = source_start_seconds
        if source is None:
            moved = seconds_of(start, plan.video.rate) - cue.start_seconds
            source = chosen.source_start_seconds + moved
        chosen = msgspec.structs.replace(chosen, source_start_seconds=round(source, 6))
        _check_source(cue, chosen, start, end, plan)
    changed = msgspec.structs.replace(spanning(cue, start, end, plan), chosen=chosen)
    return fitted_in(plan, changed)


def _free(plan: CuePlan, cue_id: str) -> Cue:
    cue = cue_of(plan, cue_id)
    if cue.is_pinned:
        raise CueEditError(f"cue {cue_id} is pinned; unpin it first")
    return cue


def _with(plan: CuePlan, changed: Cue) -> CuePlan:
    cues = tuple(changed if cue.id == changed.id else cue for cue in plan.cues)
    return msgspec.structs.replace(plan, cues=cues)


def _check_source(cue: Cue, chosen: CueTrack, start: int, end: int, plan: CuePlan) -> None:
    seconds = seconds_of(end, plan.video.rate) - seconds_of(start, plan.video.rate)
    begins, lasts = chosen.source_start_seconds, chosen.track.duration_seconds
    if begins < -SLACK_SECONDS or begins + seconds > lasts + SLACK_SECONDS + 0.005:
        raise CueEditError(
            f"cue {cue.id} would need {begins:.2f} s to {begins + seconds:.2f} s of a track of "
            f"{lasts:.2f} s; make the cue shorter, or move the track under it"
        )
