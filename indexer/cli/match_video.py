"""`musiscene match --video`: the scenes of a video as one brief."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from indexer.cli.cue_options import format_of
from indexer.cli.cue_tables import say_scenes
from indexer.cli.cue_work import audio_of
from indexer.cli.watching import Watching
from indexer.matching.brief import MAX_CAPTIONS
from indexer.spotting import desk
from indexer.spotting.cue_plan import PlanWishes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.library import Library
    from indexer.match import Matcher
    from indexer.matching.results import MatchResult
    from musiscene.cli.captioner_options import ChosenCaptioner
    from musiscene.console import Console
    from musiscene.video.analysis import VideoAnalysis
    from musiscene.video.captions.given import TimedCaption


class VideoBriefs:
    """One video, watched, as briefs.

    Args:
        console: Of the command.
        video: The file.
        analysis: With captions for every scene.
        given: The user's captions.
    """

    def __init__(
        self,
        console: Console,
        video: Path,
        analysis: VideoAnalysis,
        given: Sequence[TimedCaption],
    ) -> None:
        self._console = console
        self._video = video
        self._analysis = analysis
        self._given = given
        seen = desk.as_brief(analysis, most=MAX_CAPTIONS)
        self.captions = list(seen)
        self.weights = tuple(seen.values())

    @classmethod
    def watch(cls, console: Console, video: Path, captioner: ChosenCaptioner) -> Self:
        """Watch a video.

        Args:
            console: Of the command.
            video: The file.
            captioner: Says what its scenes show.

        Returns:
            The video.

        Raises:
            VideoError: If it cannot be watched.
            CaptionFileError: If the captions cannot be read.
            CaptionerError: If the captioner fails.
        """
        analysis, given = Watching(console, video, None).analysis(captioner)
        return cls(console, video, analysis, given)

    def say(self, result: MatchResult) -> None:
        """Show what was seen; in JSON, with the answer."""
        analysis = self._analysis
        self._console.emit({"video": analysis.info, "scenes": analysis.scenes, "result": result})
        say_scenes(self._console, analysis.scenes)

    def export(
        self,
        library: Library,
        matcher: Matcher,
        path: Path,
        filter_expression: str,
        negatives: tuple[str, ...],
    ) -> None:
        """Plan the music scene by scene, and write it.

        Args:
            library: Open.
            matcher: Over it.
            path: File to write; its ending says in which format.
            filter_expression: What every track must fulfil.
            negatives: What is not wanted.

        Raises:
            SpottingError: If no plan can be made, or written so.
        """
        from indexer.spotting.exports.formats import export_plan
        from indexer.spotting.planner import CuePlanner
        from musiscene.data.rows import write_whole

        wishes = PlanWishes(filter=filter_expression, negatives=negatives)
        wishes = desk.wishes_with(wishes, self._given)
        plan = CuePlanner(matcher, library.catalogue).plan(self._analysis, wishes)
        file = export_plan(
            plan, format_of(path), audio_of=audio_of(library), video=self._video.resolve()
        )
        write_whole(path, [file.content])
        self._console.note(f"{path}: {len(plan.cues)} cues")
