"""What a plan of cues is asked, and how it is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from indexer.catalogue.cue_plans import CuePlanRow
from indexer.catalogue.job_rows import JobRow, JobStatus
from indexer.matching.results import MatchResult
from indexer.spotting.cue_plan import CuePlan, PlanDiff, PlanWishes
from indexer.spotting.editing import CueEdit
from musiscene.video.analysis import VideoInfo, VideoScene
from service.jobs.schemas import JobError, Progress, job_fields

Container: TypeAlias = Literal["mp4", "wav", "mp3"]
LOST: Final = JobError(
    code="job-lost", message="nothing is at work on it; delete it and send it anew"
)


class PlanJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a job of the kind `cue_plan` does, as its row has it."""

    plan: UUID
    wishes: PlanWishes
    replace_temp: bool = False
    """Whether the tracks are to go as the music goes that lies under the picture."""


class PreviewJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a job of the kind `preview` does, as its row has it."""

    plan: UUID
    revision: int
    container: Container
    lufs: float


class PlanEdits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a plan, all of which are made, or none."""

    revision: Annotated[int, Meta(ge=0, description="Of the plan that they were made to.")]
    edits: Annotated[list[CueEdit], Meta(min_length=1, max_length=100)]


class PreviewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mix of the video's sound and its music."""

    container: Annotated[
        Container, Meta(description="`mp4` has the untouched picture; the others are sound alone.")
    ] = "mp4"
    lufs: Annotated[
        float, Meta(ge=-40, le=-8, description="Integrated loudness: -14 for the web, -23 for TV.")
    ] = -14.0


class PreviewView(msgspec.Struct, frozen=True, kw_only=True):
    """One preview."""

    job_id: UUID
    status: JobStatus
    progress: Progress
    error: JobError | None
    lufs: float
    revision: int
    """Of the plan that it was mixed from."""
    url: str | None
    """None until it is there."""


class FillView(msgspec.Struct, frozen=True, kw_only=True):
    """Music that is made for a cue."""

    id: UUID
    """Of the generation."""
    status: JobStatus
    url: str


class CuePlanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One plan in a list."""

    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime
    status: JobStatus
    progress: Progress
    error: JobError | None
    revision: int
    video_name: str
    video_bytes: int
    parent: UUID | None
    """The plan of the video's version before."""


class CuePlanView(CuePlanSummary, frozen=True, kw_only=True):
    """One plan."""

    video: VideoInfo | None
    """None until it was watched."""
    video_url: str | None
    """None where the video is not kept any more."""
    plan: CuePlan | None
    """None until it is made."""
    diff: PlanDiff | None
    """From `parent`."""
    previews: dict[str, PreviewView]
    """By container."""
    generations: dict[str, FillView]
    """By the cue that waits for them."""


class CuePlanPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the plans."""

    plans: list[CuePlanSummary]
    """Newest first."""
    after: str | None
    """To ask for the next page with; None on the last one."""


class VideoMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks for a video as a whole."""

    video: VideoInfo
    scenes: tuple[VideoScene, ...]
    result: MatchResult


def status_fields(row: CuePlanRow, job: JobRow | None) -> dict[str, Any]:
    """The fields of `CuePlanSummary`.

    Args:
        row: The plan.
        job: That makes it; None where it is lost.

    Returns:
        Name -> value.
    """
    if job is not None:
        shown = {name: job_fields(job)[name] for name in ("status", "progress", "error")}
    else:
        status: JobStatus = "failed" if row.plan is None else "done"
        progress = Progress(
            stage=status, message="", done=0, total=None, rate=None, seconds_left=None
        )
        shown = {
            "status": status,
            "progress": progress,
            "error": LOST if row.plan is None else None,
        }
    return shown | {
        "id": row.id,
        "name": row.name,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "revision": row.revision,
        "video_name": row.video_name,
        "video_bytes": row.video_bytes,
        "parent": row.parent_id,
    }
