"""Changes of plans: edits, music that is made for a cue, and files for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from indexer.catalogue.job_rows import NewJob
from indexer.errors import (
    NothingIndexedError,
    PlanChangedError,
    SpottingError,
    TrackNotFoundError,
)
from indexer.fallback import LONGEST_BRIEF, GenerationJob, any_seed
from indexer.spotting.editing import cue_of
from indexer.spotting.kept_planner import KeptPlanner
from service.cue_plans.service import encoded, encoded_plan, fills_of, plan_of
from service.problems import WarmingError
from service.security.files import OpenFile
from service.tracks.errors import AudioGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from indexer.catalogue.cue_plans import CuePlanRow
    from indexer.catalogue.repository import Catalogue
    from indexer.spotting.cue_plan import CuePlan
    from indexer.spotting.exports.formats import ExportedFile
    from indexer.spotting.planner import CuePlanner
    from service.cue_plans.schemas import PlanEdits
    from service.cue_plans.service import CuePlanService
    from service.generations.schemas import GenerationView
    from service.generations.service import GenerationService
    from service.jobs.desk import JobDesk
    from service.serving import Serving


class PlanChanges:
    """Changes the plans of one library.

    Args:
        serving: The library.
        plans: The plans.
        desk: Takes the jobs.
        generations: Shows them.
    """

    def __init__(
        self,
        serving: Serving,
        plans: CuePlanService,
        desk: JobDesk,
        generations: GenerationService,
    ) -> None:
        self._serving = serving
        self._plans = plans
        self._desk = desk
        self._generations = generations
        self._kept = KeptPlanner()

    def edit(self, plan_id: UUID, asked: PlanEdits) -> CuePlanRow:
        """Make all of some changes, or none.

        Args:
            plan_id: Of the plan.
            asked: The changes, and the revision that they were made to.

        Returns:
            The plan as it is now.

        Raises:
            PlanNotFoundError: If there is no such plan.
            PlanUnfinishedError: If there are no cues yet.
            PlanChangedError: If the plan is at another revision by now.
            CueNotFoundError: If the plan has no such cue.
            CueEditError: If a change cannot be made.
            TrackNotFoundError: If a track is not in the library.
        """
        row = self._plans.rows.get(plan_id)
        plan = plan_of(row)
        if row.revision != asked.revision:
            raise PlanChangedError(plan_id, row.revision)
        for edit in asked.edits:
            if edit.track is not None:
                self._require_known(edit.track)
        plan = self._planner().edit(plan, asked.edits)
        self._plans.touch(plan_id)
        return self._plans.rows.change(plan_id, asked.revision, plan=encoded_plan(plan))

    def with_fills(self, plan_id: UUID) -> CuePlanRow:
        """A plan; where music for a cue has become a track by now, the cue has it.

        Args:
            plan_id: Of the plan.

        Returns:
            The plan.

        Raises:
            PlanNotFoundError: If there is no such plan.
        """
        row = self._plans.rows.get(plan_id)
        waiting = fills_of(row)
        if not waiting or row.plan is None:
            return row
        plan, left = plan_of(row), dict(waiting)
        made = self._serving.library.catalogue.generations
        for cue, job_id in waiting.items():
            music = made.of_job(job_id)
            if music is None or music.track_id is None:
                continue
            try:
                self._require_known(music.track_id)
                filled = self._planner().fill(plan, cue, music.track_id)
                encoded_plan(filled)
                plan = filled
            except (TrackNotFoundError, NothingIndexedError, WarmingError):
                continue  # the vectors with it are on their way
            except SpottingError:
                pass  # the cue was changed since, and keeps what it has
            del left[cue]
        if left == waiting:
            return row
        try:
            return self._plans.rows.change(
                plan_id, row.revision, plan=encoded_plan(plan), fills=encoded(left)
            )
        except PlanChangedError:
            return self._plans.rows.get(plan_id)

    def generate(self, plan_id: UUID, cue: str) -> GenerationView:
        """Queue music for a cue that nothing fits.

        Args:
            plan_id: Of the plan.
            cue: Id of the cue.

        Returns:
            The generation.

        Raises:
            PlanNotFoundError: If there is no such plan.
            PlanUnfinishedError: If there are no cues yet.
            CueNotFoundError: If the plan has no such cue.
            CueEditError: If the cue is one that no music is made for.
            QueueLimitError: If too many jobs wait.
        """
        from indexer.spotting.fill import music_for

        row = self._plans.rows.get(plan_id)
        waiting = fills_of(row)
        if cue in waiting and not self._desk.jobs.get(waiting[cue]).has_ended:
            return self._generations.view(self._desk.jobs.get(waiting[cue]))
        plan = plan_of(row)
        wanted = music_for(plan, cue, reading=self._planner().reading(plan, cue))
        new = GenerationJob(
            brief=_brief_of(plan, cue),
            prompt=wanted.prompt,
            seconds=wanted.seconds,
            seed=any_seed(),
            backend="auto",
            hits=wanted.hits,
        )
        submitted = self._desk.submit(
            NewJob(
                kind="generation",
                request=msgspec.to_builtins(new),
                max_attempts=self._desk.settings.attempts,
            )
        )
        fills = encoded({**waiting, cue: submitted.job.id})
        self._plans.rows.change(plan_id, row.revision, fills=fills)
        return self._generations.view(submitted.job)

    def export(self, plan_id: UUID, format_name: str) -> ExportedFile:
        """A plan as a file for another program.

        Args:
            plan_id: Of the plan.
            format_name: One of `EXPORT_FORMATS`.

        Returns:
            The file.

        Raises:
            PlanNotFoundError: If there is no such plan.
            PlanUnfinishedError: If there are no cues yet.
            ExportError: If there is no such format, or the plan cannot be written in it.
        """
        from indexer.spotting.exports.formats import export_plan

        plan = plan_of(self._plans.rows.get(plan_id))
        audio_of = allowed_audio(self._serving.library.catalogue, self._serving.audio_roots())
        return export_plan(plan, format_name, audio_of=audio_of)

    def _require_known(self, track_id: UUID) -> None:
        """See that a track is among the vectors that are served.

        Args:
            track_id: Of the track.

        Raises:
            TrackNotFoundError: If it is not, or not yet.
        """
        if self._serving.held().index.track_ids.find(track_id) is None:
            raise TrackNotFoundError(track_id)

    def _planner(self) -> CuePlanner:
        from indexer.spotting.planner import CuePlanner

        matcher, catalogue = self._serving.matcher(), self._serving.library.catalogue
        return self._kept.get(matcher, lambda: CuePlanner(matcher, catalogue))


def _brief_of(plan: CuePlan, cue_id: str) -> str:
    """What the scenes under a cue show."""
    cue = cue_of(plan, cue_id)
    scenes = plan.scenes[cue.first_scene : cue.last_scene + 1]
    texts = [caption.text for scene in scenes for caption in scene.captions]
    return "\n".join(dict.fromkeys(texts))[:LONGEST_BRIEF]


def allowed_audio(catalogue: Catalogue, roots: Sequence[Path]) -> Callable[[UUID], Path | None]:
    """What gives the files of tracks, where they may be read.

    Args:
        catalogue: The tracks.
        roots: Folders that they must be in; see `OpenFile`.

    Returns:
        Id of a track -> its file; None where it is gone, or lies elsewhere.
    """
    from pathlib import Path

    def audio_of(track_id: UUID) -> Path | None:
        try:
            path = Path(catalogue.track(track_id).path)
            OpenFile(path, roots).close()
        except (TrackNotFoundError, AudioGoneError):
            return None
        return path

    return audio_of
