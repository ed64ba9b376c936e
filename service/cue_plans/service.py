"""Takes videos, keeps the plans that are made for them, and changes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from indexer.catalogue.cue_plans import NewCuePlan
from indexer.catalogue.job_rows import NewJob
from indexer.catalogue.models import new_id
from indexer.errors import JobNotFoundError, SpottingError
from indexer.spotting.cue_plan import CuePlan, PlanDiff, PlanWishes
from indexer.spotting.errors import PlanUnfinishedError
from musiscene.video.analysis import VideoAnalysis
from service.cue_plans.errors import FormError, VideoGoneError
from service.cue_plans.schemas import (
    CuePlanSummary,
    CuePlanView,
    FillView,
    PlanJob,
    PreviewJob,
    PreviewView,
    status_fields,
)
from service.cursors import digest_of, page_by_id
from service.jobs.schemas import job_fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.catalogue.cue_plans import CuePlanRow
    from indexer.catalogue.job_rows import JobRow
    from service.cue_plans.form import Form
    from service.cue_plans.schemas import PreviewRequest
    from service.cue_plans.store import VideoStore
    from service.jobs.desk import JobDesk
    from service.serving import Serving

LONGEST_NAME: Final = 200
SOUND_BYTES: Final = 192_000
"""Of a second of a preview at most: stereo, 16 bits, 48 kHz."""
TRUE: Final = frozenset({"true", "1", "yes", "on"})
PATH: Final = "/v1/cue-plans"


class CuePlanService:
    """The plans of one library.

    Args:
        serving: The library.
        desk: Takes the jobs.
        store: Where videos lie.
    """

    def __init__(self, serving: Serving, desk: JobDesk, store: VideoStore) -> None:
        self.rows = serving.library.catalogue.cue_plans
        self.store = store
        self._serving = serving
        self._desk = desk

    def start(self) -> None:
        """Remove what uploads have left that came to no end, and what was kept for long enough."""
        self.store.clear(self.rows.known)
        self.store.forget_old(self._is_at_rest)

    # ---- videos come ------------------------------------------------------------------------

    def create(
        self, form: Form, incoming: Path, *, key: str | None, parent: UUID | None = None
    ) -> CuePlanRow:
        """Take a video, and queue what makes a plan for it.

        Args:
            form: As it came.
            incoming: The folder with its files.
            key: The client's idempotency key.
            parent: The plan of the video's version before; None for a new video.

        Returns:
            The plan, or the one that was made for the same request.

        Raises:
            FormError: If a part of the form cannot be read.
            PlanUnfinishedError: If there is no plan of the version before.
            QueueLimitError: If too many jobs wait.
            DiskFullError: If there is no room.
        """
        name = form.texts.get("name", "").strip()[:LONGEST_NAME] or form.video.name
        asked = PlanJob(
            plan=new_id(),
            wishes=_wishes(form.texts.get("wishes", "")),
            replace_temp=form.texts.get("replace_temp", "").strip().lower() in TRUE,
        )
        if parent is not None and self.rows.get(parent).plan is None:
            raise PlanUnfinishedError
        self.store.forget_old(self._is_at_rest)
        self.store.keep(incoming, asked.plan)
        new = NewCuePlan(
            id=asked.plan,
            name=name,
            video_name=form.video.name,
            video_bytes=form.video.size_bytes,
            video_sha256=form.video.sha256,
            parent_id=parent,
        )
        try:
            self.rows.add(new)
            return self._submit(asked, form, key=key, parent=parent)
        except BaseException:
            self._forget(asked.plan)
            raise

    def _submit(
        self, asked: PlanJob, form: Form, *, key: str | None, parent: UUID | None
    ) -> CuePlanRow:
        request = msgspec.to_builtins(asked)
        files = {name: file.sha256 for name, file in form.files.items()}
        submitted = self._desk.submit(
            NewJob(
                kind="cue_plan",
                request=request,
                max_attempts=self._desk.settings.attempts,
                idempotency_key=key,
                same_as={**request, "plan": files, "parent": str(parent)},
            )
        )
        if submitted.is_new:
            return self.rows.set_job(asked.plan, submitted.job.id)
        self._forget(asked.plan)
        return self.rows.of_job(submitted.job.id)

    def _forget(self, plan_id: UUID) -> None:
        self.store.remove(plan_id)
        if self.rows.known([plan_id]):
            self.rows.remove(plan_id)

    # ---- plans are shown --------------------------------------------------------------------

    def page(self, *, limit: int, after: str | None) -> tuple[Sequence[CuePlanSummary], str | None]:
        """Some plans, the newest first, and the word for the next page."""
        rows, goes_on = page_by_id(
            lambda before, count: self.rows.page(before=before, limit=count),
            asked=digest_of("cue-plans"),
            limit=limit,
            after=after,
        )
        return [CuePlanSummary(**status_fields(row, self.job_of(row))) for row in rows], goes_on

    def job_of(self, row: CuePlanRow) -> JobRow | None:
        """The job that makes a plan; None where it is lost."""
        return None if row.job_id is None else self._desk.jobs.get(row.job_id)

    def job_id_of(self, plan_id: UUID) -> UUID:
        """The job that makes a plan.

        Args:
            plan_id: Of the plan.

        Returns:
            Its id.

        Raises:
            PlanNotFoundError: If there is no such plan.
            JobNotFoundError: If its job is lost.
        """
        row = self.rows.get(plan_id)
        if row.job_id is None:
            raise JobNotFoundError(plan_id)
        return row.job_id

    def view(self, row: CuePlanRow, job: JobRow | None = None) -> CuePlanView:
        """How a plan is shown.

        Args:
            row: The plan.
            job: That makes it, where it is known already.

        Returns:
            The view.
        """
        plan = plan_of(row) if row.plan is not None else None
        video = None if plan is None else plan.video
        if video is None and row.analysis is not None:
            video = analysis_of(row).info
        return CuePlanView(
            **status_fields(row, job or self.job_of(row)),
            video=video,
            video_url=f"{PATH}/{row.id}/video" if self.store.has(row.id, "video") else None,
            plan=plan,
            diff=None if row.diff is None else msgspec.json.decode(row.diff, type=PlanDiff),
            previews=self._previews(row),
            generations={cue: self._fill(job_id) for cue, job_id in fills_of(row).items()},
        )

    def _previews(self, row: CuePlanRow) -> dict[str, PreviewView]:
        shown = {}
        for container, job_id in _jobs_in(row.previews).items():
            job = self._desk.jobs.get(job_id)
            asked = msgspec.json.decode(job.request, type=PreviewJob)
            fields = job_fields(job)
            is_there = self.store.has(row.id, f"preview-{container}")
            shown[container] = PreviewView(
                job_id=job_id,
                lufs=asked.lufs,
                revision=asked.revision,
                url=f"{PATH}/{row.id}/previews/{container}" if is_there else None,
                **{name: fields[name] for name in ("status", "progress", "error")},
            )
        return shown

    def _fill(self, job_id: UUID) -> FillView:
        job = self._desk.jobs.get(job_id)
        return FillView(id=job_id, status=job.status, url=f"/v1/generations/{job_id}")

    # ---- and what is made from them ---------------------------------------------------------

    def request_preview(self, plan_id: UUID, asked: PreviewRequest) -> CuePlanRow:
        """Queue a mix.

        Args:
            plan_id: Of the plan.
            asked: Which one.

        Returns:
            The plan, which names the job.

        Raises:
            PlanNotFoundError: If there is no such plan.
            PlanUnfinishedError: If there is nothing to be mixed yet.
            VideoGoneError: If the video is not kept any more.
            DiskFullError: If there is no room.
            QueueLimitError: If too many jobs wait.
        """
        row = self.rows.get(plan_id)
        if row.plan is None:
            raise PlanUnfinishedError
        self.store.file(plan_id, "video")
        sound = plan_of(row).video.duration_seconds * SOUND_BYTES
        self.store.require_spare(
            round(sound) + (row.video_bytes if asked.container == "mp4" else 0)
        )
        job = PreviewJob(
            plan=plan_id, revision=row.revision, container=asked.container, lufs=asked.lufs
        )
        submitted = self._desk.submit(
            NewJob(
                kind="preview",
                request=msgspec.to_builtins(job),
                max_attempts=self._desk.settings.attempts,
            )
        )
        jobs = {**_jobs_in(row.previews), asked.container: submitted.job.id}
        return self.rows.note_previews(plan_id, msgspec.json.encode(jobs).decode())

    def remove(self, plan_id: UUID) -> None:
        """Delete a plan with its video, and stop what is at work on it.

        Args:
            plan_id: Of the plan.

        Raises:
            PlanNotFoundError: If there is no such plan.
        """
        row = self.rows.get(plan_id)
        for job_id in (row.job_id, *_jobs_in(row.previews).values()):
            if job_id is not None:
                self._desk.jobs.cancel(job_id)
        self.rows.remove(plan_id)
        self.store.remove(plan_id)

    def existing(self, plan_id: UUID, name: str) -> Path:
        """A file that was made for a plan.

        Args:
            plan_id: Of the plan.
            name: In its folder.

        Returns:
            Its path.

        Raises:
            PlanNotFoundError: If there is no such plan.
            VideoGoneError: If there is no such file, or not yet.
        """
        self.rows.get(plan_id)
        path = self.store.folder(plan_id) / name
        if not path.is_file():
            raise VideoGoneError("this file of the plan")
        return path

    def touch(self, plan_id: UUID) -> None:
        """Keep a plan's video from now on for as long as one that has just come."""
        folder = self.store.folder(plan_id)
        if folder.is_dir():
            os.utime(folder)

    def _is_at_rest(self, plan_id: UUID) -> bool:
        if not self.rows.known([plan_id]):
            return True
        row = self.rows.get(plan_id)
        for job_id in (row.job_id, *_jobs_in(row.previews).values()):
            try:
                if job_id is not None and not self._desk.jobs.get(job_id).has_ended:
                    return False
            except JobNotFoundError:
                continue
        return True


def plan_of(row: CuePlanRow) -> CuePlan:
    """The cues of a plan.

    Args:
        row: As the table has it.

    Returns:
        The plan.

    Raises:
        PlanUnfinishedError: If there are none yet.
    """
    if row.plan is None:
        raise PlanUnfinishedError
    return msgspec.json.decode(row.plan, type=CuePlan)


def analysis_of(row: CuePlanRow) -> VideoAnalysis:
    """What is known of a plan's video.

    Args:
        row: As the table has it.

    Returns:
        The analysis.

    Raises:
        PlanUnfinishedError: If it was not watched yet.
    """
    if row.analysis is None:
        raise PlanUnfinishedError
    return msgspec.json.decode(row.analysis, type=VideoAnalysis)


def fills_of(row: CuePlanRow) -> dict[str, UUID]:
    """The cues that wait for music: id -> job that makes it."""
    return _jobs_in(row.fills)


def encoded(value: Any) -> str:  # noqa: ANN401  any struct
    """JSON, as a column holds it."""
    return msgspec.json.encode(value).decode()


def encoded_plan(plan: CuePlan) -> str:
    """JSON of a plan that can be read again.

    Args:
        plan: Any.

    Returns:
        The JSON.

    Raises:
        SpottingError: If something in it could not be measured; JSON has no NaN.
    """
    text = encoded(plan)
    try:
        msgspec.json.decode(text, type=CuePlan)
    except msgspec.ValidationError as error:
        raise SpottingError(f"the plan has a value that is no number: {error}") from error
    return text


def _jobs_in(text: str) -> dict[str, UUID]:
    return msgspec.json.decode(text, type=dict[str, UUID])


def _wishes(text: str) -> PlanWishes:
    if not text.strip():
        return PlanWishes()
    try:
        return msgspec.json.decode(text, type=PlanWishes)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormError(f"wishes: {error}") from error
