"""From a video to a plan: watched, described, planned; for commands and for the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from indexer.spotting.cue_plan import CuePlan, PlanDiff, PlanWishes

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from indexer.spotting.planner import CuePlanner
    from musiscene.video.analysis import VideoAnalysis, VideoInfo
    from musiscene.video.captioners.protocol import VideoCaptioner
    from musiscene.video.captions.given import TimedCaption
    from musiscene.video.limits import VideoLimits

    Progress = Callable[[str, float], None]


class MadePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, and how it differs from the one before."""

    plan: CuePlan
    diff: PlanDiff | None
    """None where there was none before."""


def watch(
    video: Path,
    *,
    name: str | None = None,
    limits: VideoLimits,
    progress: Progress,
    stop: threading.Event,
) -> VideoAnalysis:
    """Watch and hear a video, in a process of its own.

    Args:
        video: The file.
        name: That it is called by; None for its own.
        limits: On the video.
        progress: Told `watching`, and how much of it is done, 0 to 1.
        stop: Set when it is not wanted any more.

    Returns:
        What is known of it, without captions.

    Raises:
        VideoError: If it cannot be watched.
        VideoStoppedError: If it was stopped.
        VideoToolsMissingError: If what watches videos is not installed.
    """
    from musiscene.video.apart import watch_apart

    analysis = watch_apart(
        video, limits=limits, progress=lambda _step, share: progress("watching", share), stop=stop
    )
    if name is None:
        return analysis
    info = msgspec.structs.replace(analysis.info, name=name)
    return msgspec.structs.replace(analysis, info=info)


def read_given(captions: Path | None, info: VideoInfo) -> tuple[TimedCaption, ...]:
    """Captions that the user gives.

    Args:
        captions: Subtitles or markers; None for none.
        info: Of the video, whose frames and timecode they may count by.

    Returns:
        Them.

    Raises:
        CaptionFileError: If they cannot be read.
    """
    if captions is None:
        return ()
    from musiscene.video.captions.files import read_captions

    return read_captions(captions, rate=info.rate, start_timecode=info.start_timecode)


def wishes_with(wishes: PlanWishes, given: Sequence[TimedCaption]) -> PlanWishes:
    """Wishes, and those that stand in the user's captions as markers."""
    from musiscene.video.captions.given import wishes_in

    no_music, land_on = wishes_in(given)
    return msgspec.structs.replace(
        wishes,
        no_music=tuple(dict.fromkeys((*wishes.no_music, *no_music))),
        land_on=tuple(dict.fromkeys((*wishes.land_on, *land_on))),
    )


def describe(  # noqa: PLR0913  the parts of a request
    analysis: VideoAnalysis,
    video: Path,
    captioner: VideoCaptioner | None,
    given: Sequence[TimedCaption] = (),
    *,
    given_by: str = "captions",
    old: CuePlan | None = None,
    limits: VideoLimits,
    progress: Progress,
    stop: threading.Event,
) -> VideoAnalysis:
    """Say what each scene shows.

    Args:
        analysis: Of the video.
        video: The file.
        captioner: Looks at the scenes; None to go by what was measured.
        given: Captions of the user, which come first.
        given_by: Name of the file that they are from.
        old: The plan of the video's version before: nobody looks again at scenes that are in it.
        limits: On the video.
        progress: Told `describing`, and how much of it is done, 0 to 1.
        stop: Set when it is not wanted any more.

    Returns:
        The analysis, with captions for every scene.

    Raises:
        CaptionerError: If the captioner fails.
        VideoStoppedError: If it was stopped.
    """
    from indexer.spotting.recut import with_known_captions
    from musiscene.video.captioners.describe import caption_scenes

    return caption_scenes(
        analysis if old is None else with_known_captions(old, analysis),
        video,
        captioner,
        given,
        given_by=given_by,
        limits=limits,
        progress=lambda _step, share: progress("describing", share),
        stop=stop,
    )


def as_brief(analysis: VideoAnalysis, *, most: int) -> dict[str, float]:
    """A whole video as one brief: what its longest scenes show -> their seconds.

    Args:
        analysis: With captions for every scene.
        most: Captions at most.

    Returns:
        In the order of the video; scenes that show the same count together.
    """
    longest = sorted(analysis.scenes, key=lambda scene: -scene.seconds)[:most]
    seen: dict[str, float] = {}
    for scene in sorted(longest, key=lambda one: one.number):
        text = " ".join(caption.text for caption in scene.captions)
        if text:
            seen[text] = seen.get(text, 0.0) + scene.seconds
    return seen


def make_plan(
    planner: CuePlanner,
    analysis: VideoAnalysis,
    wishes: PlanWishes,
    *,
    old: CuePlan | None = None,
    replace_temp: bool = False,
) -> MadePlan:
    """Plan the music for a video that has been described.

    Args:
        planner: Of a library.
        analysis: Of the video.
        wishes: What is wanted; a version after another keeps that one's where these say nothing.
        old: The plan of the video's version before; None for a new video.
        replace_temp: Whether tracks are to go as the music goes that lies under the picture.

    Returns:
        The plan.

    Raises:
        SpottingError: If none can be made.
    """
    if old is not None:
        own = None if wishes == PlanWishes() else wishes
        plan, diff = planner.recut(old, analysis, own)
        return MadePlan(plan=plan, diff=diff)
    if replace_temp:
        return MadePlan(plan=planner.replace_temp(analysis, wishes), diff=None)
    return MadePlan(plan=planner.plan(analysis, wishes), diff=None)
