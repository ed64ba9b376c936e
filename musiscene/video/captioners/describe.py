"""Gives every scene of a video its captions: those of the user, then what a captioner says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from musiscene.errors import CaptionerError, VideoStoppedError
from musiscene.video.analysis import SceneCaption
from musiscene.video.captioners.measured import MeasuredCaptioner
from musiscene.video.captions.given import wishes_in
from musiscene.video.limits import VideoLimits

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from musiscene.video.analysis import VideoAnalysis, VideoScene
    from musiscene.video.captioners.protocol import VideoCaptioner
    from musiscene.video.captions.given import TimedCaption

MOST_GIVEN: Final = 8
"""Captions of the user for one scene; those that cover most of it."""
LEAST_SHARE: Final = 0.1
"""A caption counts for a scene if it covers so much of it, or if so much of itself lies in it."""
MARKER_SHARE: Final = 0.5
"""A marker counts like a caption that covers so much of its scene."""
SILENT_SHARE: Final = 0.5
"""A scene is without music where more than this of it is."""
DEFAULT_LIMITS: Final = VideoLimits()


def caption_scenes(  # noqa: PLR0913  the parts of a request
    analysis: VideoAnalysis,
    path: Path,
    captioner: VideoCaptioner | None,
    given: Sequence[TimedCaption] = (),
    *,
    given_by: str = "captions",
    limits: VideoLimits = DEFAULT_LIMITS,
    progress: Callable[[str, float], None] | None = None,
    stop: threading.Event | None = None,
) -> VideoAnalysis:
    """Fill the captions of every scene, and say where no music is wanted.

    Args:
        analysis: Of the video; nobody is asked about scenes that have captions.
        path: The video; read only by a captioner that looks at pictures.
        captioner: None for what was measured, where the user says nothing.
        given: By the user.
        given_by: Name of the user's file.
        limits: Of the video.
        progress: Is told what is being done, and how much of it is done: 0 to 1.
        stop: When it is set, captioning ends before the next scene.

    Returns:
        The same analysis with captions: the user's, then the captioner's; of what was measured, at
        least, where a scene would have none. What a captioner could not say is in the notices.

    Raises:
        CaptionerError: If the captioner failed at every scene.
        VideoError: If the video's pictures cannot be read.
        VideoStoppedError: If it was stopped.
    """
    describer = _Describer(captioner, path, limits)
    silent, _ = wishes_in(given)
    scenes = []
    for scene in analysis.scenes:
        if stop is not None and stop.is_set():
            raise VideoStoppedError
        of_user = tuple(
            SceneCaption(text=one.text, source="given", by=given_by)
            for one in given_for(scene, given)
        )
        said = _known(scene, has_given=bool(of_user))
        captions = of_user + (said or describer.captions(scene, has_given=bool(of_user)))
        is_silent = scene.no_music or _is_silent(scene, silent, given)
        scenes.append(msgspec.structs.replace(scene, captions=captions, no_music=is_silent))
        if progress is not None:
            progress("describing", len(scenes) / len(analysis.scenes))
    notices = analysis.notices + describer.notices(len(scenes))
    return msgspec.structs.replace(analysis, scenes=tuple(scenes), notices=notices)


def given_for(scene: VideoScene, given: Sequence[TimedCaption]) -> list[TimedCaption]:
    """The user's captions for one scene.

    Args:
        scene: The scene.
        given: By the user, for the whole video.

    Returns:
        At most `MOST_GIVEN`, first the one that covers most of the scene. Words that only ask for
        no music say nothing of it, and are left out.
    """
    weighed = [
        (share, one)
        for one in given
        if one.text and not one.no_music and (share := _share(scene, one)) > 0
    ]
    weighed.sort(key=lambda pair: -pair[0])
    return [one for _, one in weighed[:MOST_GIVEN]]


def _known(scene: VideoScene, *, has_given: bool) -> tuple[SceneCaption, ...]:
    """What is said of a scene already, and stays true beside what the user says now."""
    if not has_given:
        return scene.captions
    return tuple(caption for caption in scene.captions if caption.source == "model")


class _Describer:
    """Asks a captioner, and says what was measured where it fails."""

    def __init__(self, captioner: VideoCaptioner | None, path: Path, limits: VideoLimits) -> None:
        self._captioner, self._path, self._limits = captioner, path, limits
        self._measured = MeasuredCaptioner()
        self._failures: list[tuple[int, CaptionerError]] = []

    def captions(self, scene: VideoScene, *, has_given: bool) -> tuple[SceneCaption, ...]:
        asked = self._captioner
        if asked is not None and asked.source != "measured":
            try:
                said = self._ask(asked, scene)
            except CaptionerError as error:
                self._failures.append((scene.number, error))
            else:
                if said is not None:
                    return (said,)
        if has_given:
            return ()
        text = self._measured.caption(scene, ())
        return (SceneCaption(text=text, source="measured", by=self._measured.name),)

    def notices(self, scenes: int) -> tuple[str, ...]:
        if not self._failures or self._captioner is None:
            return ()
        first, error = self._failures[0]
        if len(self._failures) == scenes:
            raise error
        failed = f"{len(self._failures)} of {scenes} scenes, first scene {first + 1}"
        return (f"{self._captioner.name} could not describe {failed}: {error}",)

    def _ask(self, captioner: VideoCaptioner, scene: VideoScene) -> SceneCaption | None:
        from musiscene.video.keyframes import keyframes

        seconds = scene.keyframes_seconds[: captioner.most_frames]
        frames = keyframes(self._path, seconds, limits=self._limits) if seconds else []
        text = captioner.caption(scene, frames)
        if not text:
            return None
        return SceneCaption(
            text=text, source=captioner.source, by=captioner.name, licence=captioner.licence
        )


def _share(scene: VideoScene, one: TimedCaption) -> float:
    """How much a caption counts for a scene, 0 to 1."""
    if one.end_seconds is None:
        is_inside = scene.start_seconds <= one.start_seconds < scene.end_seconds
        return MARKER_SHARE if is_inside else 0.0
    common = min(scene.end_seconds, one.end_seconds) - max(scene.start_seconds, one.start_seconds)
    if common <= 0 or scene.seconds <= 0:
        return 0.0
    share = common / scene.seconds
    counts = max(share, common / (one.end_seconds - one.start_seconds)) >= LEAST_SHARE
    return share if counts else 0.0


def _is_silent(
    scene: VideoScene, silent: Sequence[tuple[float, float]], given: Sequence[TimedCaption]
) -> bool:
    covered = sum(
        max(0.0, min(end, scene.end_seconds) - max(start, scene.start_seconds))
        for start, end in silent
    )
    is_marked = any(
        one.no_music
        and one.end_seconds is None
        and scene.start_seconds <= one.start_seconds < scene.end_seconds
        for one in given
    )
    return is_marked or covered > SILENT_SHARE * scene.seconds
