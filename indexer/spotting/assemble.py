"""A plan put together from its material: stretches found by the optimiser, as cues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from indexer.spotting.cue_details import CueDetails
from indexer.spotting.cue_plan import Cue, CuePlan
from indexer.spotting.landings import missed
from indexer.spotting.optimise import NOTHING, optimise
from indexer.spotting.picture import scenes_under, seconds_of
from indexer.spotting.side_by_side import free_name
from musiscene.video.analysis import Stretch as VideoStretch
from musiscene.video.analysis import VideoAnalysis, VideoSound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.spotting.cue_plan import CueKind
    from indexer.spotting.material import Material
    from indexer.spotting.optimise import Stretch

NO_MUSIC_WANTED: Final = "No music is wanted here."
NOTHING_FITS: Final = (
    "Nothing in the library fits well enough; choose one of the nearest, or have music made."
)
NO_TRACKS: Final = "No track fulfils the filter, so nothing can be placed; ask for less."


def plan_from(
    material: Material, *, pinned: Sequence[Cue] = (), before: Sequence[Cue] = ()
) -> CuePlan:
    """The best plan from some material.

    Args:
        material: Of the plan.
        pinned: Cues that stand already, for whose stretches the material leaves room.
        before: Cues of the plan before, whose ids are not given again.

    Returns:
        The plan.
    """
    analysis, wishes, picture = material.analysis, material.wishes, material.picture
    stretches, value = optimise(material.problem())
    details = CueDetails(material)
    standing = {cue.start_frame: cue for cue in pinned}
    cues: list[Cue] = []
    for stretch in _merged(stretches, material, standing):
        frame = int(picture.frames[stretch.first])
        if (cue := standing.get(frame)) is not None:
            cues.append(cue)
        elif not any(one.start_frame < frame < one.end_frame for one in pinned):
            cues.append(
                _cue(stretch, material, details, _name(stretch, material, before, [*pinned, *cues]))
            )
    notices = list(analysis.notices)
    if not material.shapes:
        notices.append(NO_TRACKS)
    if material.is_limited:
        notices.append(f"The video is long: only {len(material.shapes)} tracks were laid out.")
    landings = [one for cue in cues if cue.chosen for one in cue.chosen.landings]
    notices += [
        f"Nothing lands on {moment:.2f} s."
        for moment in missed(wishes.land_on, landings, picture.half_frame)
    ]
    sound = analysis.sound
    return CuePlan(
        video=analysis.info,
        scenes=analysis.scenes,
        cues=tuple(cues),
        wishes=wishes,
        value=round(value, 3),
        speech=tuple((one.start_seconds, one.end_seconds) for one in sound.speech) if sound else (),
        speech_levels_db=sound.speech_levels_db if sound else (),
        activity=analysis.activity,
        shots=analysis.shots,
        notices=tuple(notices),
    )


def analysis_of(plan: CuePlan) -> VideoAnalysis:
    """What a plan knows of its video.

    Args:
        plan: Made by a planner.

    Returns:
        The analysis, without what a plan does not keep: loudness and temp music.
    """
    sound = VideoSound(
        loudness_lufs=None,
        speech=tuple(
            VideoStretch(start_seconds=start, end_seconds=end) for start, end in plan.speech
        ),
        speech_levels_db=plan.speech_levels_db,
        energy=(),
        music=None,
    )
    return VideoAnalysis(
        info=plan.video,
        shots=plan.shots,
        scenes=plan.scenes,
        activity=plan.activity,
        sound=sound if plan.speech else None,
    )


def _name(stretch: Stretch, material: Material, before: Sequence[Cue], used: Sequence[Cue]) -> str:
    """The id of the cue that was there before, or one that no cue has."""
    frames = material.picture.frames
    span = (int(frames[stretch.first]), int(frames[stretch.last]))
    taken = {cue.id for cue in used}
    for cue in before:
        if (cue.start_frame, cue.end_frame) == span and cue.id not in taken:
            return cue.id
    return free_name([*before, *used])


def _kind(material: Material, piece: int) -> CueKind:
    """What a piece without music is."""
    if material.picture.is_silent[piece]:
        return "silence"
    is_open = not material.is_answered[piece] or not material.shapes
    return "open" if is_open or not material.wishes.silence_allowed else "silence"


def _merged(
    stretches: Sequence[Stretch], material: Material, standing: dict[int, Cue]
) -> list[Stretch]:
    """Stretches in which neighbouring pieces without music, of one kind, are one."""
    frames = material.picture.frames
    walls = {cue.start_frame for cue in standing.values()}
    walls |= {cue.end_frame for cue in standing.values()}
    is_silent = material.picture.is_silent
    merged: list[Stretch] = []
    for stretch in stretches:
        last = merged[-1] if merged else None
        if (
            last is not None
            and stretch.track == last.track == NOTHING
            and _kind(material, stretch.first) == _kind(material, last.first)
            and is_silent[stretch.first] == is_silent[last.first]
            and int(frames[stretch.first]) not in walls
        ):
            merged[-1] = msgspec.structs.replace(last, last=stretch.last)
        else:
            merged.append(stretch)
    return merged


def _cue(stretch: Stretch, material: Material, details: CueDetails, name: str) -> Cue:
    picture = material.picture
    start, end = int(picture.frames[stretch.first]), int(picture.frames[stretch.last])
    first_scene, last_scene = scenes_under(material.analysis.scenes, start, end)
    cue = Cue(
        id=name,
        kind="track" if stretch.track != NOTHING else _kind(material, stretch.first),
        start_frame=start,
        end_frame=end,
        start_seconds=seconds_of(start, picture.rate),
        end_seconds=seconds_of(end, picture.rate),
        first_scene=first_scene,
        last_scene=last_scene,
    )
    if stretch.track == NOTHING:
        is_wanted = picture.is_silent[stretch.first]
        notice = NO_MUSIC_WANTED if is_wanted else NOTHING_FITS if cue.kind == "open" else None
        near = () if is_wanted else details.alternatives(stretch.first, stretch.last, None)
        return msgspec.structs.replace(cue, notice=notice, alternatives=near)
    source_start = float(picture.seconds[stretch.first]) + stretch.offset
    chosen = details.cue_track(stretch.track, start, end, source_start)
    return details.detailed(
        msgspec.structs.replace(
            cue,
            chosen=chosen,
            alternatives=details.alternatives(stretch.first, stretch.last, stretch.track),
        )
    )
