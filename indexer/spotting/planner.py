"""The music for a whole cut: few, coherent cues that fit what is seen and land on its cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import msgspec
import numpy as np

from indexer.errors import SpottingError, TrackNotFoundError
from indexer.spotting import editing
from indexer.spotting.alignment import align
from indexer.spotting.assemble import analysis_of, plan_from
from indexer.spotting.cue_details import CueDetails
from indexer.spotting.cue_plan import CuePlan, PlanWishes
from indexer.spotting.editing import CueEdit
from indexer.spotting.errors import CueEditError
from indexer.spotting.material import Material
from indexer.spotting.recut import carried_over, diff_of, named_after
from indexer.spotting.scene_fits import SceneScorer
from indexer.spotting.temp_track import like_temp
from indexer.spotting.voices import TrackListener

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from indexer.catalogue.repository import Catalogue
    from indexer.library import Library
    from indexer.match import Matcher
    from indexer.matching.results import Reading
    from indexer.spotting.cue_plan import Cue, PlanDiff
    from indexer.spotting.temp_track import TempMatch
    from musiscene.checkpoints.store import ModelStore
    from musiscene.video.analysis import TempMusic, VideoAnalysis

AS_TEMP: Final = "Energy and moments to land on are those of the music under the picture."
MOST_LAND_ON: Final = 500


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

    @classmethod
    def over(cls, library: Library, store: ModelStore) -> Self:
        """A planner over a library as it is now.

        Args:
            library: Open.
            store: Holds the models that matching needs.

        Returns:
            The planner.

        Raises:
            NothingIndexedError: If the library holds no track.
            WrongEmbedderError: If another embedder made the library's vectors.
        """
        from indexer.match import Matcher
        from musiscene.scene_reader import SCENE_READER_MODEL, SceneReader

        reader = SceneReader.load(store.folder(SCENE_READER_MODEL))
        return cls(Matcher.over(library, reader), library.catalogue)

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
        return plan_from(self.material(analysis, wishes or PlanWishes()))

    def replan(self, plan: CuePlan) -> CuePlan:
        """Plan anew around the cues that are pinned.

        Args:
            plan: As it is.

        Returns:
            A plan with the pinned cues as they were.

        Raises:
            SpottingError: As for `plan`.
        """
        pinned = [cue for cue in plan.cues if cue.is_pinned]
        material = self.material(analysis_of(plan), plan.wishes, pinned=pinned)
        return plan_from(material, pinned=pinned, before=plan.cues)

    def edit(self, plan: CuePlan, edits: Sequence[CueEdit]) -> CuePlan:
        """Change a plan by hand, and measure anew what was changed.

        Args:
            plan: As it is.
            edits: What to do, in this order: all of it, or nothing.

        Returns:
            The new plan.

        Raises:
            CueNotFoundError: If the plan has no such cue.
            CueEditError: If something cannot be changed so.
            TrackNotFoundError: If a track is not in the library.
        """
        changed = plan
        for edit in edits:
            changed = self._edited(changed, edit)
        return self._measured(plan, changed)

    def swap(self, plan: CuePlan, cue_id: str, track_id: UUID) -> CuePlan:
        """Put any track of the library into a cue, from where it is best.

        Args:
            plan: As it is.
            cue_id: Of the cue.
            track_id: Of the track.

        Returns:
            The new plan.

        Raises:
            CueNotFoundError: If there is no such cue.
            CueEditError: If the cue is pinned, or the track is too short.
            TrackNotFoundError: If there is no such track.
        """
        return self.edit(plan, [CueEdit(action="swap", cue=cue_id, track=track_id)])

    def fill(self, plan: CuePlan, cue_id: str, track_id: UUID) -> CuePlan:
        """Put music that was made for a cue into it, and pin it there.

        Args:
            plan: As it is.
            cue_id: Of the cue, which has no track.
            track_id: Of the music, by now in the library.

        Returns:
            The new plan.

        Raises:
            CueNotFoundError: If there is no such cue.
            CueEditError: If the cue has a track by now, is pinned, or is longer than the music.
            TrackNotFoundError: If there is no such track.
        """
        if editing.cue_of(plan, cue_id).kind == "track":
            raise CueEditError(f"cue {cue_id} has a track by now; swap it")
        swap = CueEdit(action="swap", cue=cue_id, track=track_id, source_start_seconds=0.0)
        return self.edit(plan, [swap, CueEdit(action="pin", cue=cue_id)])

    def reading(self, plan: CuePlan, cue_id: str) -> Reading:
        """What the scenes under a cue call for.

        Args:
            plan: The plan.
            cue_id: Of the cue.

        Returns:
            The reading of the longest of them.

        Raises:
            CueNotFoundError: If there is no such cue.
        """
        cue = editing.cue_of(plan, cue_id)
        own = plan.scenes[cue.first_scene : cue.last_scene + 1]
        longest = max(own, key=lambda scene: scene.seconds)
        return self.scorer.fits([longest], plan.wishes).best[0].reading

    def recut(
        self, old: CuePlan, analysis: VideoAnalysis, wishes: PlanWishes | None = None
    ) -> tuple[CuePlan, PlanDiff]:
        """The plan for another cut of a video.

        Scenes that were in the old cut keep their captions and their scores; pinned cues go where
        their shots went.

        Args:
            old: The plan of the cut before.
            analysis: Of the new cut.
            wishes: For the new cut; None for those of the old plan, whose moments move with the
                shots.

        Returns:
            The new plan, and how it differs.

        Raises:
            SpottingError: As for `plan`.
        """
        from musiscene.video.fingerprints import likeness

        cuts = align(old.shots, analysis.shots, likeness)
        start = carried_over(old, analysis, cuts, wishes)
        also = [cue.chosen.track.id for cue in start.pinned if cue.chosen]
        material = self.material(start.analysis, start.wishes, pinned=start.pinned, also=also)
        details = CueDetails(material)
        pinned = [details.detailed(cue) for cue in start.pinned]
        plan = plan_from(material, pinned=pinned, before=old.cues)
        plan = named_after(plan, old, cuts)
        return plan, diff_of(plan, old, kept=start.kept)

    def like_temp(
        self, analysis: VideoAnalysis, wishes: PlanWishes | None = None, *, top_k: int = 10
    ) -> tuple[TempMatch, ...]:
        """Tracks that go as the music goes that lies under the picture.

        Args:
            analysis: The video.
            wishes: What the tracks must fulfil.
            top_k: How many.

        Returns:
            The best first, each with its place and its hits.

        Raises:
            SpottingError: If there is no music under the picture, or too little.
        """
        music = _temp_music(analysis)
        rate = analysis.info.rate
        return like_temp(music, self._catalogue, wishes or PlanWishes(), rate=rate, top_k=top_k)

    def replace_temp(self, analysis: VideoAnalysis, wishes: PlanWishes | None = None) -> CuePlan:
        """A plan that goes as the music goes that lies under the picture.

        Its energy takes the place of the picture's activity, in the plan too, and its hits are
        added to the moments to land on; so later changes keep to them.

        Args:
            analysis: The video, with captions for every scene.
            wishes: What the user wants besides.

        Returns:
            The plan.

        Raises:
            SpottingError: If there is no music under the picture, or too little.
        """
        wishes = wishes or PlanWishes()
        music = _temp_music(analysis)
        alike = self.like_temp(analysis, wishes)
        moments = sorted({*wishes.land_on, *music.hits_seconds})[:MOST_LAND_ON]
        wishes = msgspec.structs.replace(wishes, land_on=tuple(moments))
        analysis = msgspec.structs.replace(
            analysis, activity=music.energy, notices=(*analysis.notices, AS_TEMP)
        )
        return plan_from(self.material(analysis, wishes, also=[match.track.id for match in alike]))

    def material(
        self,
        analysis: VideoAnalysis,
        wishes: PlanWishes,
        *,
        pinned: Sequence[Cue] = (),
        walls: Iterable[int] = (),
        also: Iterable[UUID] = (),
    ) -> Material:
        """What a plan is made of.

        Args:
            analysis: The video.
            wishes: What the user wants.
            pinned: Cues that stand already.
            walls: Frames at which cues begin or end in any case.
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
            self._listener,
            keep=[(cue.start_frame, cue.end_frame) for cue in pinned],
            walls=walls,
            also=also,
        )

    def _edited(self, plan: CuePlan, edit: CueEdit) -> CuePlan:
        if edit.action == "replan":
            return self.replan(plan)
        if edit.action == "swap":
            return self._swapped(plan, edit)
        return editing.applied(plan, edit)

    def _swapped(self, plan: CuePlan, edit: CueEdit) -> CuePlan:
        """Another track in a cue: from where it is best, or from where it is asked for.

        Args:
            plan: As it is.
            edit: A swap.

        Returns:
            The new plan.

        Raises:
            CueEditError: If no track is named, or it is too short.
            TrackNotFoundError: If the vectors do not have the track yet.
        """
        if edit.cue is None or edit.track is None:
            raise CueEditError("say in which cue, and which track to take instead")
        cue, start = editing.cue_of(plan, edit.cue), edit.source_start_seconds
        if start is None and any(one.track.id == edit.track for one in cue.alternatives):
            return editing.swap(plan, cue.id, edit.track)
        track = self._catalogue.track(edit.track)  # or it is not found
        material = self._material_of(plan, [track.id])
        place = material.place_of[track.id]
        if np.isneginf(material.scores[:, place]).any():
            raise TrackNotFoundError(track.id)
        if start is None:
            start = material.best_start(track.id, cue.start_frame, cue.end_frame)
        if start is None:
            raise CueEditError(
                f"{track.path} lasts {track.duration_seconds:.1f} s and cue {cue.id} "
                f"{cue.seconds:.1f} s; make the cue shorter first, or take a longer track"
            )
        details = CueDetails(material)
        chosen = details.cue_track(place, cue.start_frame, cue.end_frame, start)
        return editing.put(plan, cue.id, chosen)

    def _measured(self, before: CuePlan, plan: CuePlan) -> CuePlan:
        """A plan with everything measured that a change by hand left as it was."""
        known = {_placed(cue) for cue in before.cues}
        if all(_placed(cue) in known for cue in plan.cues):
            return plan
        chosen = [cue.chosen.track.id for cue in plan.cues if cue.chosen]
        details = CueDetails(self._material_of(plan, chosen))
        cues = tuple(cue if _placed(cue) in known else details.detailed(cue) for cue in plan.cues)
        return msgspec.structs.replace(plan, cues=cues)

    def _material_of(self, plan: CuePlan, also: Sequence[UUID]) -> Material:
        walls = [cue.start_frame for cue in plan.cues]
        return self.material(analysis_of(plan), plan.wishes, walls=walls, also=also)


def _placed(cue: Cue) -> tuple[object, ...]:
    """What a cue must keep for everything that was measured of it to stay true."""
    return (cue.id, cue.kind, cue.start_frame, cue.end_frame, cue.chosen, cue.ducks)


def _temp_music(analysis: VideoAnalysis) -> TempMusic:
    """The music that lies under a picture.

    Args:
        analysis: The video.

    Returns:
        Its music.

    Raises:
        SpottingError: If there is none.
    """
    music = analysis.sound.music if analysis.sound else None
    if music is None:
        raise SpottingError("no music lies under the picture, so there is none to replace")
    return music
