"""Runs the jobs of plans: video -> what is seen and heard -> cues, and cues -> a preview.

What an earlier attempt has watched is not watched again: it is in the row.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from indexer.catalogue.job_rows import JobProgress
from indexer.spotting import desk
from indexer.spotting.cue_plan import CuePlan
from musiscene.errors import VideoStoppedError
from musiscene.video.limits import VideoLimits
from service.cue_plans.captioning import captioner_of
from service.cue_plans.changes import allowed_audio
from service.cue_plans.schemas import PlanJob, PreviewJob
from service.cue_plans.service import analysis_of, encoded, encoded_plan, plan_of
from service.cue_plans.store import VideoStore, no_room_is_told
from service.jobs.errors import JobStoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.catalogue.cue_plans import CuePlanRow
    from indexer.cli.scanner import Scanner
    from indexer.spotting.kept_planner import KeptPlanner
    from indexer.spotting.planner import CuePlanner
    from musiscene.video.analysis import VideoAnalysis
    from musiscene.video.captions.given import TimedCaption
    from service.jobs.task import Task
    from service.settings import ServiceSettings, VideoSettings

STEPS: Final = 100
MESSAGES: Final = {
    "watching": "Watching and hearing the video",
    "describing": "Saying what its scenes show",
    "planning": "Planning the music",
    "mixing": "Mixing the preview",
}
KEYFRAME_PIXELS: Final = 320


def video_limits(settings: VideoSettings, *, max_seconds: float | None = None) -> VideoLimits:
    """What a video that was sent may ask of this machine."""
    return VideoLimits(
        max_bytes=settings.max_bytes,
        max_seconds=max_seconds or settings.max_seconds,
        timeout_seconds=settings.watch_seconds,
    )


def run_cue_plan(
    task: Task, open_scanner: Callable[[], Scanner], settings: ServiceSettings, kept: KeptPlanner
) -> str:
    """Plan the music for a video.

    Args:
        task: Holds the request.
        open_scanner: Gives the library.
        settings: Of the service.
        kept: The planner of the jobs before.

    Returns:
        The result, as JSON.

    Raises:
        JobStoppedError: If it was stopped before its end.
        VideoError: If the video cannot be watched.
        CaptionFileError: If the captions beside it cannot be read.
        SpottingError: If no plan can be made.
    """
    asked = msgspec.json.decode(task.job.request, type=PlanJob)
    scanner = open_scanner()
    plans = scanner.library.catalogue.cue_plans
    store = VideoStore(settings.data_dir, settings.video)
    row = plans.get(asked.plan)
    video = store.file(row.id, "video")
    captions = next(iter(sorted(video.parent.glob("captions.*"))), None)
    try:
        row = _watched(task, scanner, settings, row, video)
        given = desk.read_given(captions, analysis_of(row).info)
        row = _described(task, scanner, settings, row, video, given)
    except VideoStoppedError as error:
        raise JobStoppedError from error
    _report(task, "planning", 0.0)
    made = desk.make_plan(
        _planner(scanner, kept),
        analysis_of(row),
        desk.wishes_with(asked.wishes, given),
        old=_plan_before(scanner, row),
        replace_temp=asked.replace_temp,
    )
    task.go_on()
    diff = None if made.diff is None else encoded(made.diff)
    plans.change(row.id, row.revision, plan=encoded_plan(made.plan), diff=diff)
    return "{}"


def _watched(
    task: Task, scanner: Scanner, settings: ServiceSettings, row: CuePlanRow, video: Path
) -> CuePlanRow:
    if row.analysis is not None:
        return row
    analysis = desk.watch(
        video,
        name=row.video_name,
        limits=video_limits(settings.video),
        progress=lambda stage, share: _report(task, stage, share),
        stop=task.stop,
    )
    task.go_on()
    plans = scanner.library.catalogue.cue_plans
    return plans.change(row.id, row.revision, analysis=encoded(analysis))


def _described(
    task: Task,
    scanner: Scanner,
    settings: ServiceSettings,
    row: CuePlanRow,
    video: Path,
    given: Sequence[TimedCaption],
) -> CuePlanRow:
    analysis = analysis_of(row)
    task.go_on()
    _report(task, "describing", 0.0)
    draw_keyframes(analysis, video, video.parent / "keyframes")
    if all(scene.captions for scene in analysis.scenes):
        return row
    described = desk.describe(
        analysis,
        video,
        captioner_of(settings.video),
        given,
        old=_plan_before(scanner, row),
        limits=video_limits(settings.video),
        progress=lambda stage, share: _report(task, stage, share),
        stop=task.stop,
    )
    task.go_on()
    plans = scanner.library.catalogue.cue_plans
    return plans.change(row.id, row.revision, analysis=encoded(described))


def draw_keyframes(analysis: VideoAnalysis, video: Path, folder: Path) -> None:
    """Write a frame of each scene as JPEG.

    Args:
        analysis: Of the video.
        video: The file.
        folder: Gets `NUMBER.jpg` for each scene.

    Raises:
        VideoError: If the video cannot be read.
        DiskFullError: If there is no room.
    """
    from musiscene.video.jpeg import jpeg_of
    from musiscene.video.keyframes import keyframes

    with no_room_is_told():
        folder.mkdir(exist_ok=True)
        wanted = [
            scene for scene in analysis.scenes if not (folder / f"{scene.number}.jpg").exists()
        ]
        moments = [scene.keyframes_seconds[len(scene.keyframes_seconds) // 2] for scene in wanted]
        pictures = keyframes(video, moments, longest_side=KEYFRAME_PIXELS) if moments else []
        for scene, picture in zip(wanted, pictures, strict=True):
            beside = folder / f".{scene.number}.jpg"
            beside.write_bytes(jpeg_of(picture))
            beside.replace(folder / f"{scene.number}.jpg")


def run_preview(task: Task, open_scanner: Callable[[], Scanner], settings: ServiceSettings) -> str:
    """Mix a video's sound and its music.

    Args:
        task: Holds the request.
        open_scanner: Gives the library.
        settings: Of the service.

    Returns:
        What was mixed, as JSON.

    Raises:
        JobStoppedError: If it was stopped before its end.
        VideoError: If the video cannot be read.
        SpottingError: If it cannot be mixed.
        DiskFullError: If there is no room.
    """
    from indexer.spotting.preview.mix import mix_preview

    asked = msgspec.json.decode(task.job.request, type=PreviewJob)
    library = open_scanner().library
    store = VideoStore(settings.data_dir, settings.video)
    video = store.file(asked.plan, "video")
    plan = plan_of(library.catalogue.cue_plans.get(asked.plan))
    scans = library.catalogue.scans
    roots = settings.audio_roots(scans.known_roots())
    beside = video.parent / f".{task.job.id}.{asked.container}"
    _report(task, "mixing", 0.0)
    try:
        with no_room_is_told():
            report = mix_preview(
                plan,
                video,
                beside,
                audio_of=allowed_audio(library.catalogue, roots),
                lufs=asked.lufs,
                progress=lambda _step, share: _report(task, "mixing", share),
                stop=task.stop,
            )
            task.go_on()
            made = Path(report.path)
            for old in video.parent.glob(f"preview-{asked.container}.*"):
                old.unlink()
            made.replace(video.parent / f"preview-{asked.container}{made.suffix}")
    except VideoStoppedError as error:
        raise JobStoppedError from error
    finally:
        for left in video.parent.glob(f"{beside.stem}.*"):
            left.unlink()
    return encoded(msgspec.structs.replace(report, path=made.name))


def _planner(scanner: Scanner, kept: KeptPlanner) -> CuePlanner:
    from indexer.spotting.planner import CuePlanner

    catalogue = scanner.library.catalogue
    state = (catalogue.revision(), catalogue.opinions.state())
    return kept.get(state, lambda: CuePlanner.over(scanner.library, scanner.store))


def _plan_before(scanner: Scanner, row: CuePlanRow) -> CuePlan | None:
    if row.parent_id is None:
        return None
    before = scanner.library.catalogue.cue_plans.get(row.parent_id)
    return None if before.plan is None else plan_of(before)


def _report(task: Task, stage: str, share: float) -> None:
    task.report(
        JobProgress(stage=stage, message=MESSAGES[stage], done=round(share * STEPS), total=STEPS)
    )
