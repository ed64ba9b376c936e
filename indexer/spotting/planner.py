"""The music for a whole cut: few, coherent cues that fit what is seen and land on its cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from indexer.spotting.cue_details import CueDetails
from indexer.spotting.cue_plan import Cue, CuePlan, PlanWishes
from indexer.spotting.landings import missed
from indexer.spotting.material import Material
from indexer.spotting.optimise import NOTHING, optimise
from indexer.spotting.picture import scenes_under, seconds_of
from indexer.spotting.scene_fits import SceneScorer
from indexer.spotting.voices import TrackListener
from musiscene.video.analysis import Stretch as VideoStretch
from musiscene.video.analysis import VideoAnalysis, VideoSound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from indexer.catalogue.repository import Catalogue
    from indexer.match import Matcher
    from indexer.spotting.cue_plan import CueKind
    from indexer.spotting.optimise import Stretch

NO_MUSIC_WANTED = "No music is wanted here."
NOTHING_FITS = (
    "Nothing in the library fits well enough; choose one of the nearest, or have music made."
)
NO_TRACKS = "No track fulfils the filter, so nothing can be placed; ask for less."


class CuePlanner:
    """Plans the music for videos from one library.

    A planner remembers the scenes that it has scored and the tracks that it has heard, so keep it
    for as long as its matcher.

    Args:
        matcher: Over the library.
        catalogue: Of the same library.
        listener: Hears what masks a voice; None for one of its own.
    """

    def __init__(
        self, matcher: Matcher, catalogue: Catalogue, *, listener: TrackListener | None = None
    ) -> None:
        self.scorer = SceneScorer(matcher, catalogue)
        self._catalogue = catalogue
        self._listener = listener or TrackListener()

    def plan(self, analysis: VideoAnalysis, wishes: PlanWishes | None = None) -> CuePlan:
        """The best plan for a video.

        Args:
            analysis: The video, with captions for every scene.
            wishes: What the user wants; None for nothing in particular.

        Returns:
            Cues for the whole of it.

        Raises:
            SpottingError: If a scene has no captions.
            BriefError: If a caption is too long.
            FilterError: If the filter cannot be read.
        """
        return self._planned(analysis, wishes or PlanWishes())

    def replan(self, plan: CuePlan) -> CuePlan:
        """Plan anew around the cues that are pinned.

        Args:
            plan: As it is.

        Returns:
            A plan with the pinned cues as they were.

        Raises:
            SpottingError: As for `plan`.
        """
        pinned = tuple(cue for cue in plan.cues if cue.is_pinned)
        return self._planned(analysis_of(plan), plan.wishes, pinned=pinned, before=plan.cues)

    def material(
        self,
        analysis: VideoAnalysis,
        wishes: PlanWishes,
        *,
        pinned: Sequence[Cue] = (),
        also: Sequence[UUID] = (),
    ) -> Material:
        """What a plan is made of.

        Args:
            analysis: The video.
            wishes: What the user wants.
            pinned: Cues that stand already.
            also: Tracks that come into question in any case.

        Returns:
            The material.

        Raises:
            SpottingError: As for `plan`.
        """
        return Material(
            analysis,
            wishes,
            self.scorer,
            self._catalogue,
            self._listener,
            keep=[(cue.start_frame, cue.end_frame) for cue in pinned],
            also=also,
        )

    def _planned(
        self,
        analysis: VideoAnalysis,
        wishes: PlanWishes,
        *,
        pinned: tuple[Cue, ...] = (),
        before: tuple[Cue, ...] = (),
    ) -> CuePlan:
        material = self.material(analysis, wishes, pinned=pinned)
        return plan_from(material, pinned=pinned, before=before)


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
    names = _names([*before, *pinned])
    cues: list[Cue] = []
    for stretch in _merged(stretches, material, standing):
        frame = int(picture.frames[stretch.first])
        if (cue := standing.get(frame)) is not None:
            cues.append(cue)
        elif not any(one.start_frame < frame < one.end_frame for one in pinned):
            cues.append(_cue(stretch, material, details, next(names)))
    notices = list(analysis.notices)
    if not material.shapes:
        notices.append(NO_TRACKS)
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


def _names(cues: Sequence[Cue]) -> _Names:
    return _Names({cue.id for cue in cues})


class _Names:
    """Ids that no cue has."""

    def __init__(self, used: set[str]) -> None:
        self._used, self._last = used, 0

    def __next__(self) -> str:
        self._last += 1
        while f"c{self._last}" in self._used:
            self._last += 1
        return f"c{self._last}"


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
